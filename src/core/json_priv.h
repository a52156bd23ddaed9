/* src/core/json_priv.h - shared by the json*.c files only */
#ifndef CORE_JSON_PRIV_H
#define CORE_JSON_PRIV_H

#include "core/json.h"

#define JS_SCAN_DEPTH 512
#define JS_BODY_DEPTH 32

/* js_scan that also tells how deep arrays and objects nest (0 = a scalar). */
const char *js_scan_depth(struct str s, size_t *at, unsigned *depth);

/* The body policy on text that js_scan accepted and that is at most JS_BODY_DEPTH deep: every
 * violation becomes a detail of c. OK or E_INVALID. */
enum err js_audit(struct ctx *c, struct str s) MUST_CHECK;

#endif
