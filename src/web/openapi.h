/* src/web/openapi.h - the OpenAPI 3.1 description, printed from the route and input tables */
#ifndef WEB_OPENAPI_H
#define WEB_OPENAPI_H

#include "core/ctx.h"

const char *openapi_text(struct ctx *c);
/* "/events/:id.ics" as "/events/{id}.ics". */
const char *openapi_path(struct arena *a, const char *path);

#endif
