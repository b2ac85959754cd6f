/* mem.h: allocation that does not fail, growable byte buffers, and a guard for hot loops. */
#ifndef T5G_MEM_H
#define T5G_MEM_H

#include "base/base.h"

#define T5G_ALIGN 64 /* of all memory from t5g_alloc, and of payloads in a stream */

/*
 * count * size bytes, zeroed, aligned to 64; freed by t5g_free. If memory runs out, ends the
 * process with status 71 and a one-line message: processes are short-lived, and callers check sizes
 * from input against limits. count * size == 0 gives a valid pointer. Aborts between
 * t5g_alloc_forbid(true) and (false).
 */
void *t5g_alloc(size_t count, size_t size) T5G_MUST_USE;

/* As t5g_alloc, without zeroing. */
void *t5g_alloc_raw(size_t count, size_t size) T5G_MUST_USE;

/*
 * Make room for one more element of `size` bytes. Returns p, or if its n elements fill *cap, a copy
 * with at least twice the room (zeroed after them), with p freed and *cap updated. An empty p is
 * NULL.
 */
void *t5g_grow(void *p, size_t n, size_t *cap, size_t size) T5G_MUST_USE;

/* Free memory from any function here; NULL is allowed. */
void t5g_free(void *p);

/* A copy of n bytes followed by NUL; freed by t5g_free. */
char *t5g_memdup(const void *p, size_t n) T5G_MUST_USE;
char *t5g_strdup(const char *s) T5G_MUST_USE;

/* "a/b" in fresh memory (no doubled slash); freed by t5g_free. */
char *t5g_path_join(const char *a, const char *b) T5G_MUST_USE;

/* The folder of a path: "a" of "a/b", "." of "b", "/" of "/b"; freed by t5g_free. */
char *t5g_path_folder(const char *path) T5G_MUST_USE;

/* While on, every allocation aborts: a decode step must use memory allocated before. */
void t5g_alloc_forbid(bool on);

/* Growable bytes. Zero-initialise; once anything was added, p holds n bytes and then a NUL. */
struct t5g_buf {
    char *p;
    size_t n, cap;
};

void t5g_buf_reserve(struct t5g_buf *b, size_t more); /* room for `more` bytes beyond n */
void t5g_buf_add(struct t5g_buf *b, const void *p, size_t n);
void t5g_buf_addc(struct t5g_buf *b, char c);
void t5g_buf_adds(struct t5g_buf *b, const char *s);
void t5g_buf_printf(struct t5g_buf *b, const char *fmt, ...) T5G_PRINTF(2, 3);
void t5g_buf_free(struct t5g_buf *b); /* and back to zero */

#endif
