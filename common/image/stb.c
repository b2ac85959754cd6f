/*
 * stb.c: stb_image, from the distribution's header, with its memory in an arena.
 *
 * Its parts for PNG are called one by one, because stb_image as a whole checks neither the data's
 * checksum nor that a palette has all entries used. Its JPEG decoder is not used: see jpeg.c.
 */
#include "image/stb.h"

#include <limits.h>
#include <string.h>

static struct t5g_arena *memory;

/* Zeroed, so that even memory never written is the same each time. */
static void *
take(size_t size)
{
    void *p = memory != NULL ? t5g_arena_alloc(memory, size) : NULL;
    if (p != NULL)
        memset(p, 0, size);
    return p;
}

/* Only the latest block is freed; the others live as long as the arena. */
static void
give_back(void *p)
{
    if (p != NULL && (unsigned char *)p == memory->p + memory->last)
        memory->used = memory->last;
}

#define STBI_MALLOC(size)     take(size)
#define STBI_REALLOC(p, size) ((void)(p), (void)(size), NULL) /* nothing is resized */
#define STBI_FREE(p)          give_back(p)
#define STBI_ASSERT(x)        ((x) ? (void)0 : __builtin_trap())
#define STBI_MAX_DIMENSIONS   T5G_PICTURE_SIDE_MAX
#define STBI_ONLY_PNG
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_NO_HDR
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
/* Foreign code under our warnings; that of functions declared but not defined comes at the end of
 * the file. */
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wcast-qual"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wunused-but-set-variable"
#pragma GCC diagnostic ignored "-Wpedantic"
#include <stb_image.h>
#pragma GCC diagnostic pop

/* RFC 1950, 8.2. */
static uint32_t
adler32(const unsigned char *p, size_t n)
{
    enum { PRIME = 65521, MOST = 5552 }; /* the most sums that fit 32 bits */
    uint32_t a = 1, b = 0;
    while (n > 0) {
        size_t m = t5g_min(n, MOST);
        for (size_t i = 0; i < m; i++) {
            a += p[i];
            b += a;
        }
        a %= PRIME;
        b %= PRIME;
        p += m;
        n -= m;
    }
    return b << 16 | a;
}

int
t5g_stb_inflate(const unsigned char *in, size_t n, unsigned char *out, size_t size, size_t *got,
                struct t5g_err *e)
{
    const unsigned char *end_of_in = in + n;
    /* The end includes bytes after it, so that reading ahead, at most four bytes, can be
     * measured. */
    stbi__zbuf z = {.zbuffer = (stbi_uc *)(uintptr_t)in,
                    .zbuffer_end = (stbi_uc *)(uintptr_t)end_of_in + T5G_STB_AHEAD};
    *got = 0;
    if (n > INT_MAX || size > INT_MAX - T5G_STB_SLACK)
        return t5g_err_set(e, T5G_EX_DATA, "%zu bytes for %zu", n, size);
    memset(out, 0, size + T5G_STB_SLACK);
    int whole = stbi__do_zlib(&z, (char *)out, (int)(size + T5G_STB_SLACK), 0, 1);
    size_t end = (size_t)(z.zout - z.zout_start);
    *got = t5g_min(end, size);
    /* A match has at most 258 bytes and a stored block 65535, so out was full by then. */
    if (!whole && end >= size)
        return 0;
    if (!whole)
        return t5g_err_set(e, T5G_EX_DATA, "%s", stbi_failure_reason());
    if (end > size)
        return 0;
    const unsigned char *sum = z.zbuffer - z.num_bits / 8;
    if (sum > end_of_in)
        return t5g_err_set(e, T5G_EX_DATA, "cut off");
    if (end_of_in - sum < 4) /* missing: Pillow accepts that */
        return 0;
    uint32_t want =
        (uint32_t)sum[0] << 24 | (uint32_t)sum[1] << 16 | (uint32_t)sum[2] << 8 | sum[3];
    if (adler32(out, end) != want)
        return t5g_err_set(e, T5G_EX_DATA, "wrong checksum");
    return 0;
}

int
t5g_stb_samples(const struct t5g_picture *p, unsigned char *raw, size_t n, struct t5g_arena *a,
                const void **samples, size_t *channels, struct t5g_err *e)
{
    static const uint8_t of_colour[] = {1, 0, 3, 1, 2, 0, 4}; /* PNG, 11.2.1 */
    int c = of_colour[p->colour];
    stbi__context s = {.img_x = (stbi__uint32)p->w, .img_y = (stbi__uint32)p->h, .img_n = c};
    stbi__png png = {.s = &s};
    memory = a;
    int ok = stbi__create_png_image(&png, raw, (stbi__uint32)n, c, (int)p->depth, (int)p->colour,
                                    p->interlaced);
    memory = NULL;
    *samples = png.out;
    *channels = (size_t)c;
    return ok ? 0 : t5g_err_set(e, T5G_EX_DATA, "%s", stbi_failure_reason());
}
