/* gunzip.c: gzip through zlib. */
#include "archive/gunzip.h"
#include "archive/library.h"
#include "base/mem.h"

#include <limits.h>
#include <zlib.h>

#define FUNCTIONS(X) X(inflateInit2_) X(inflate) X(inflateReset) X(inflateEnd)

#define POINTER(name) static __typeof__(&name) p_##name;
FUNCTIONS(POINTER)

struct t5g_gunzip {
    t5g_gunzip_fill *fill;
    void *arg;
    z_stream z;
    bool between; /* after a whole member */
    bool ended;
};

static int
load(struct t5g_err *e)
{
#define SYMBOL(name) {#name, &p_##name},
    static const struct t5g_symbol symbols[] = {FUNCTIONS(SYMBOL)};
    if (p_inflateInit2_ != NULL)
        return 0;
    return t5g_library_load("libz.so.1", "gzip files need zlib", symbols, T5G_LEN(symbols), e);
}

struct t5g_gunzip *
t5g_gunzip_open(t5g_gunzip_fill *fill, void *arg, struct t5g_err *e)
{
    if (load(e) < 0)
        return NULL;
    struct t5g_gunzip *g = t5g_alloc(1, sizeof *g);
    g->fill = fill;
    g->arg = arg;
    if (p_inflateInit2_(&g->z, 15 + 16 /* largest window; gzip alone */, ZLIB_VERSION,
                        (int)sizeof g->z) == Z_OK)
        return g;
    t5g_free(g);
    t5g_err_set(e, T5G_EX_OS, "out of memory");
    return NULL;
}

void
t5g_gunzip_close(struct t5g_gunzip *g)
{
    if (g == NULL)
        return;
    p_inflateEnd(&g->z);
    t5g_free(g);
}

/* Get more compressed bytes if all are used. */
static int
refill(struct t5g_gunzip *g, struct t5g_err *e)
{
    const void *p;
    size_t n;
    if (g->z.avail_in > 0)
        return 0;
    if (g->fill(g->arg, &p, &n, e) < 0)
        return -1;
    g->z.next_in = (z_const Bytef *)(uintptr_t)p; /* zlib does not write there */
    g->z.avail_in = (uInt)n;
    return 0;
}

/* After a member: another one, or the end, perhaps after zeros. */
static int
next_member(struct t5g_gunzip *g, struct t5g_err *e)
{
    if (refill(g, e) < 0)
        return -1;
    if (g->z.avail_in > 0 && *g->z.next_in != 0) {
        g->between = false;
        p_inflateReset(&g->z);
        return 0;
    }
    for (g->ended = true; g->z.avail_in > 0;) {
        if (*g->z.next_in != 0)
            return t5g_err_set(e, T5G_EX_DATA, "gzip: trailing data after the end");
        g->z.next_in++;
        g->z.avail_in--;
        if (refill(g, e) < 0)
            return -1;
    }
    return 0;
}

int
t5g_gunzip_read(struct t5g_gunzip *g, void *buf, size_t n, size_t *got, struct t5g_err *e)
{
    *got = 0;
    while (*got == 0 && n > 0) {
        if (g->between && !g->ended && next_member(g, e) < 0)
            return -1;
        if (g->ended)
            return 0;
        if (refill(g, e) < 0)
            return -1;
        if (g->z.avail_in == 0)
            return t5g_err_set(e, T5G_EX_DATA, "gzip: truncated");
        g->z.next_out = buf;
        g->z.avail_out = (uInt)t5g_min(n, UINT_MAX);
        int r = p_inflate(&g->z, Z_NO_FLUSH);
        if (r != Z_OK && r != Z_STREAM_END && r != Z_BUF_ERROR)
            return t5g_err_set(e, r == Z_MEM_ERROR ? T5G_EX_OS : T5G_EX_DATA, "gzip: %s",
                               g->z.msg != NULL ? g->z.msg : "damaged");
        g->between = r == Z_STREAM_END;
        *got = (size_t)(g->z.next_out - (Bytef *)buf);
    }
    return 0;
}
