/* mem.c: allocation that does not fail, and growable byte buffers. */
#include "base/mem.h"
#include "base/bug.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { HUGE_PAGE = 2 << 20, HUGE_FROM = 2 * HUGE_PAGE };

static bool forbidden;

void
t5g_alloc_forbid(bool on)
{
    forbidden = on;
}

static void *
get(size_t count, size_t size, bool zero)
{
    size_t n;
    if (forbidden)
        t5g_bug("allocation inside a decode step");
    if (!t5g_mul(&n, count, size) || n > SIZE_MAX - HUGE_PAGE)
        n = SIZE_MAX - HUGE_PAGE; /* fails below, with the message */
    n = t5g_max(t5g_round_up(n, T5G_ALIGN), T5G_ALIGN);
    bool huge = !zero && n >= HUGE_FROM;
    if (huge)
        n = t5g_round_up(n, HUGE_PAGE);
    void *p = aligned_alloc(huge ? HUGE_PAGE : T5G_ALIGN, n);
    if (p == NULL)
        t5g_out_of_memory(n);
    if (huge) /* rows of activations lie pages apart; a refusal does no harm */
        madvise(p, n, MADV_HUGEPAGE);
    if (zero)
        memset(p, 0, n);
    return p;
}

void *
t5g_alloc(size_t count, size_t size)
{
    return get(count, size, true);
}

void *
t5g_alloc_raw(size_t count, size_t size)
{
    return get(count, size, false);
}

void *
t5g_grow(void *p, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return p;
    size_t room = 2 * *cap + 8;
    void *more = t5g_alloc(room, size);
    if (n > 0)
        memcpy(more, p, n * size);
    t5g_free(p);
    *cap = room;
    return more;
}

void
t5g_free(void *p)
{
    free(p);
}

char *
t5g_memdup(const void *p, size_t n)
{
    char *r = get(n + 1, 1, false);
    if (n > 0)
        memcpy(r, p, n);
    r[n] = '\0';
    return r;
}

char *
t5g_strdup(const char *s)
{
    return t5g_memdup(s, strlen(s));
}

char *
t5g_path_join(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    while (n > 1 && a[n - 1] == '/')
        n--;
    char *r = get(n + m + 2, 1, false);
    memcpy(r, a, n);
    r[n] = '/';
    memcpy(r + n + 1, b, m + 1);
    return r;
}

char *
t5g_path_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return t5g_strdup(".");
    return t5g_memdup(path, slash == path ? 1 : (size_t)(slash - path));
}

void
t5g_buf_reserve(struct t5g_buf *b, size_t more)
{
    size_t want;
    if (!t5g_add(&want, b->n, more) || !t5g_add(&want, want, 1))
        want = SIZE_MAX;
    if (want <= b->cap)
        return;
    size_t cap = t5g_max(b->cap > SIZE_MAX / 2 ? want : b->cap * 2, t5g_max(want, 64));
    char *p = get(cap, 1, false), *old = b->p;
    if (b->n > 0)
        memcpy(p, old, b->n);
    b->p = p;
    b->cap = cap;
    atomic_signal_fence(memory_order_seq_cst); /* a signal handler sees the old or the new one */
    t5g_free(old);
}

void
t5g_buf_add(struct t5g_buf *b, const void *p, size_t n)
{
    t5g_buf_reserve(b, n);
    if (n > 0)
        memcpy(b->p + b->n, p, n);
    b->n += n;
    b->p[b->n] = '\0';
}

void
t5g_buf_addc(struct t5g_buf *b, char c)
{
    t5g_buf_add(b, &c, 1);
}

void
t5g_buf_adds(struct t5g_buf *b, const char *s)
{
    t5g_buf_add(b, s, strlen(s));
}

void
t5g_buf_printf(struct t5g_buf *b, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n > 0) {
        t5g_buf_reserve(b, (size_t)n);
        vsnprintf(b->p + b->n, (size_t)n + 1, fmt, again);
        b->n += (size_t)n;
    }
    va_end(again);
}

void
t5g_buf_free(struct t5g_buf *b)
{
    t5g_free(b->p);
    *b = (struct t5g_buf){0};
}
