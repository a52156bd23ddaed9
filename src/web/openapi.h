/* src/web/openapi.h - the OpenAPI 3.1 description, printed from the route and input tables */
#ifndef WEB_OPENAPI_H
#define WEB_OPENAPI_H

#include "core/ctx.h"

const char *openapi_text(struct ctx *c);

#endif
