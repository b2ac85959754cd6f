/* png_text.c: a PNG's orientation, from eXIf, texts with EXIF in hexadecimal, or XMP. */
#include "image/png.h"
#include "image/stb.h"

#include <ctype.h>
#include <string.h>

#define TEXT_MAX ((size_t)1 << 20) /* bytes of a decompressed text, as in Pillow */

struct text {
    const char *key; /* ended by NUL */
    const unsigned char *p;
    size_t n;
};

/* The byte after the next NUL in p [*n], and in *n the bytes left; NULL: there is no NUL. */
static const unsigned char *
behind_nul(const unsigned char *p, size_t *n)
{
    const unsigned char *nul = memchr(p, 0, *n);
    if (nul == NULL)
        return NULL;
    *n -= (size_t)(nul + 1 - p);
    return nul + 1;
}

/* tEXt, zTXt and iTXt (11.3.3). False: none of them, or unreadable. room [TEXT_MAX +
 * T5G_STB_SLACK]. */
static bool
read_text(struct text *t, const struct t5g_png_chunk *c, unsigned char *room)
{
    bool international = memcmp(c->type, "iTXt", 4) == 0, packed = memcmp(c->type, "zTXt", 4) == 0;
    struct t5g_err e;
    size_t n = c->n;
    if (!international && !packed && memcmp(c->type, "tEXt", 4) != 0)
        return false;
    const unsigned char *p = behind_nul(c->data, &n);
    if (p == NULL || ((packed || international) && n < (international ? 2 : 1)))
        return false;
    if (packed || international) {
        packed = packed || p[0] != 0;
        if (packed && p[international ? 1 : 0] != 0)
            return false;
        n -= international ? 2 : 1;
        p += international ? 2 : 1;
    }
    for (int i = 0; international && i < 2; i++)
        if ((p = behind_nul(p, &n)) == NULL)
            return false;
    *t = (struct text){(const char *)c->data, p, n};
    if (packed) {
        if (t5g_stb_inflate(p, n, room, TEXT_MAX, &t->n, &e) < 0)
            return false;
        t->p = room;
    }
    return true;
}

static int
digit(unsigned char c)
{
    return c >= '0' && c <= '9'                 ? c - '0'
           : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                : -1;
}

/*
 * The orientation in a profile as ImageMagick writes it: three lines, then pairs of hexadecimal
 * digits, decoded to out [t->n / 2]. -1: none.
 */
static int
profile_orientation(const struct text *t, unsigned char *out)
{
    const unsigned char *p = t->p, *end = t->p + t->n;
    size_t n = 0;
    for (int i = 0; i < 3; i++) {
        p = memchr(p, '\n', (size_t)(end - p));
        if (p++ == NULL)
            return -1;
    }
    for (int high = -1; p < end; p++) {
        bool between = *p == '\n' || (high < 0 && isspace(*p));
        int d = digit(*p);
        if (between)
            continue;
        if (d < 0)
            return -1;
        if (high >= 0)
            out[n++] = (unsigned char)(high << 4 | d);
        high = high >= 0 ? -1 : d;
    }
    return t5g_exif_orientation(out, n);
}

int
t5g_png_orientation(const unsigned char *file, size_t n, struct t5g_arena *a)
{
    enum { NONE = -2 };
    int exif = NONE, profile = NONE, xmp = 0;
    size_t used = a->used;
    unsigned char *room = t5g_arena_alloc(a, TEXT_MAX + T5G_STB_SLACK);
    unsigned char *bytes = t5g_arena_alloc(a, t5g_max(n, TEXT_MAX) / 2);
    struct t5g_png_chunk c;
    struct text t;
    if (room == NULL || bytes == NULL)
        return 1;
    for (size_t at = 8; t5g_png_next(&c, file, n, &at);) { /* the last one of a kind counts */
        if (memcmp(c.type, "eXIf", 4) == 0)
            exif = t5g_exif_orientation(c.data, c.n);
        if (!read_text(&t, &c, room))
            continue;
        if (strcmp(t.key, "exif") == 0 && memcmp(c.type, "tEXt", 4) == 0)
            exif = t5g_exif_orientation(t.p, t.n);
        else if (strcmp(t.key, "Raw profile type exif") == 0)
            profile = profile_orientation(&t, bytes);
        else if (strcmp(t.key, "XML:com.adobe.xmp") == 0)
            xmp = t5g_xmp_orientation(t.p, t.n);
    }
    a->used = used;
    return t5g_orientation(exif != NONE ? exif : profile != NONE ? profile : -1, xmp);
}
