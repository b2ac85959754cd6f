/* base.h: included first by every file: attributes, checked arithmetic, exit statuses. */
#ifndef T5G_BASE_H
#define T5G_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error \
    "t5g streams and weights are little-endian and are used in place: big-endian hosts are refused"
#endif

#define T5G_VERSION "0.1.0"

#define T5G_LEN(a)            (sizeof(a) / sizeof((a)[0]))
#define T5G_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define T5G_NORETURN          __attribute__((noreturn))
#define T5G_MUST_USE          __attribute__((warn_unused_result))

/* Exit statuses (t5g(7), EXIT STATUS); also the code of an ERROR frame and of END. */
enum t5g_exit {
    T5G_EX_OK = 0,
    T5G_EX_DIFFER = 1,    /* t5g-frame diff only */
    T5G_EX_DOCS = 3,      /* stream complete, some documents failed */
    T5G_EX_USAGE = 64,    /* also: refusing to write frames to a terminal */
    T5G_EX_DATA = 65,     /* malformed data, wrong model */
    T5G_EX_NOINPUT = 66,  /* input missing */
    T5G_EX_UNAVAIL = 69,  /* kernel level not available on this CPU, and the like */
    T5G_EX_BUG = 70,      /* a bug in t5g */
    T5G_EX_OS = 71,       /* out of memory, fork, ... */
    T5G_EX_CREATE = 73,   /* cannot create output */
    T5G_EX_IO = 74,       /* read or write error, full disk */
    T5G_EX_AGAIN = 75,    /* stopped by a signal, try again */
    T5G_EX_UPSTREAM = 76, /* input stream truncated, or its END carries a status */
    T5G_EX_PERM = 77,     /* permission denied */
};

/* *out = a * b; false, with *out unchanged, on overflow. */
static inline bool
t5g_mul(size_t *out, size_t a, size_t b)
{
    size_t r;
    if (__builtin_mul_overflow(a, b, &r))
        return false;
    *out = r;
    return true;
}

/* *out = a + b; false, with *out unchanged, on overflow. */
static inline bool
t5g_add(size_t *out, size_t a, size_t b)
{
    size_t r;
    if (__builtin_add_overflow(a, b, &r))
        return false;
    *out = r;
    return true;
}

static inline size_t
t5g_min(size_t a, size_t b)
{
    return a < b ? a : b;
}

static inline size_t
t5g_max(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* The whole number in p[0..n), n <= 8, lowest byte first. */
static inline uint64_t
t5g_little(const unsigned char *p, size_t n)
{
    uint64_t v = 0;
    while (n-- > 0)
        v = v << 8 | p[n];
    return v;
}

/* Whether the string s ends in `end`. */
static inline bool
t5g_ends(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);
    return n >= m && strcmp(s + n - m, end) == 0;
}

/* n rounded up to a multiple of `to` (a power of two). */
static inline uint64_t
t5g_round_up(uint64_t n, uint64_t to)
{
    return (n + to - 1) & ~(to - 1);
}

#endif
