/* tests/fuzz/fuzz.h - what fuzz targets share. A target is one file with LLVMFuzzerTestOneInput:
 * any bytes go in, and nothing but MUST may ever stop it. Linked with libFuzzer it hunts
 * (./dev fuzz), alone it replays its corpus (make check). */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include "core/ctx.h"
#include "core/str.h"
#include "http/backend.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold for any input; unlike assert it is never compiled out. */
#define MUST(x) ((x) ? (void)0 : fuzz_found(__FILE__, __LINE__, #x))
_Noreturn void fuzz_found(const char *file, int line, const char *what);

/* The default configuration, on which targets may set what they need. */
struct config *fuzz_config(void);
/* A fresh context in an arena that was emptied; there is neither database nor cache. */
struct ctx *fuzz_ctx(void);
/* The input as bytes of their own, so that reading past their end is noticed. */
struct str fuzz_bytes(struct ctx *c, const uint8_t *data, size_t size);
/* The same as a terminated string, up to the first NUL. */
const char *fuzz_text(struct ctx *c, const uint8_t *data, size_t size);
/* Takes what stands before the first line break. */
struct str fuzz_line(struct str *rest);

#endif
