/*
 * test_pictures.c: pictures of every kind, whole and damaged, against what Pillow makes of them
 * (tests/oracle/picture_cases.py); each, and many that are damaged here, decoded over memory of two
 * kinds, of which nothing may be seen.
 */
#include "golden.h"
#include "image/image_bytes.h"

enum { ARENA = 5 << 20 };

struct one {
    char name[64];
    size_t bytes, w, h; /* 0 x 0: Pillow refuses it */
    uint64_t hash;
    const char *file; /* [bytes], in the cases */
};

/* Pillow opens these, and we do not: what is damaged is refused, and what cannot be decoded. */
static const struct {
    const char *name, *message;
} refused[] = {
    {"palette-none.png", "PNG: chunk IDAT at byte 33: before the palette"},
    {"idat-apart.png", "PNG: chunk IDAT at byte 431: not behind the others"},
    {"idat-rows.png", "PNG: chunk IDAT at byte 33: 160 bytes of samples, expected 360"},
    {"crc-idat.png", "PNG: chunk IDAT at byte 33: wrong CRC"},
    {"critical.png", "PNG: chunk ABCD at byte 33: unknown, and needed to show the picture"},
    {"no-end.png", "PNG: cut off at byte 182, without IEND"},
    {"progressive-short.jpg",
     "JPEG: marker D9 at byte 623: before the progressive scans are complete"},
    {"progressive-coarse.jpg",
     "JPEG: marker D9 at byte 617: before the progressive scans are complete"},
    {"scan-cut-progressive.jpg",
     "JPEG: marker D9 at byte 667: before the progressive scans are complete"},
    {"arithmetic.jpg",
     "JPEG: marker C9 at byte 158: arithmetic coding, expected baseline or progressive"},
};

/* Pillow refuses these too, and the message must say where. */
static const struct {
    const char *name, *message;
} bad[] = {
    {"frame-part.png", "PNG: chunk fcTL at byte 53: a first frame that is a part of the picture"},
    {"z-distance.png", "PNG: chunk IDAT at byte 33: wrong checksum"},
    {"idat-filter.png", "PNG: chunk IDAT at byte 33: invalid filter"},
    {"idat-cut.png", "PNG: chunk IDAT at byte 33: read past buffer"},
    {"idat-bad-sum.png", "PNG: chunk IDAT at byte 33: wrong checksum"},
    {"nodqt.jpg", "JPEG: marker DA at byte 471: quantization table 0 was not defined"},
    {"no-dqt1.jpg", "JPEG: marker DA at byte 540: quantization table 1 was not defined"},
    {"no-dht-progressive.jpg", "JPEG: marker DA at byte 177: DC table 0 was not defined"},
    {"scan-more.jpg", ": a scan behind the one that had all components"},
    {"no-height.jpg", "JPEG: marker C0 at byte 158: no height (DNL is not supported)"},
    {"bits12.jpg", "JPEG: marker C0 at byte 158: 12 bits a sample, expected 8"},
    {"lossless.jpg", "JPEG: marker C3 at byte 158: lossless coding"},
    {"two-frames.jpg", "JPEG: marker C0 at byte 177: more than one frame"},
    {"unknown.jpg", "JPEG: marker 02 at byte 2: out of place"},
    {"p1-two.pnm", "PNM: byte 9: sample 2: expected a number from 0 to 1"},
    {"p2-large.pnm", "PNM: byte 9: sample 1: expected a number from 0 to 7"},
    {"p6-short.pnm", "PNM: 11 bytes of samples from byte 11 on, expected 12"},
    {"p6-zero.pnm", "PNM: byte 9: largest value 0, expected 1 to 65535"},
};

static char *
read_cases(struct t5g_buf *b)
{
    struct t5g_err e = {0};
    char *path = gd_path("data/pictures/pillow.cases");
    if (t5g_read_file(path, (size_t)1 << 24, b, &e) < 0)
        fail_msg("%s", e.msg);
    t5g_free(path);
    t5g_buf_addc(b, '\0'); /* for sscanf */
    return b->p;
}

/* The record at *p, which moves behind it. */
static bool
next(struct one *c, const char **p, const char *end)
{
    int head = 0;
    unsigned long long hash;
    if (*p + 1 >= end)
        return false;
    if (sscanf(*p, "%63s %zu %zu %zu %llx%n", c->name, &c->bytes, &c->w, &c->h, &hash, &head) != 5)
        fail_msg("a damaged record behind %s", c->name);
    c->hash = hash;
    c->file = *p + head + 1;
    *p = c->file + c->bytes;
    return true;
}

static uint64_t
fnv(const uint8_t *p, size_t n)
{
    uint64_t h = 0xcbf29ce484222325;
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 0x100000001b3;
    return h;
}

/* What a picture became: pixels [h, w, 3] in the arena, or a message. */
struct result {
    int r;
    size_t w, h;
    uint8_t *rgb;
    struct t5g_err e;
};

static void __attribute__((noinline)) stain_stack(int with)
{
    volatile unsigned char stack[64 << 10];
    for (size_t i = 0; i < sizeof stack; i++)
        stack[i] = (unsigned char)with;
}

static void __attribute__((noinline))
decode(struct result *out, unsigned char *file, size_t n, struct t5g_arena *a)
{
    struct t5g_picture p;
    memset(&out->e, 0, sizeof out->e);
    out->r = t5g_picture_check(&p, file, n, &out->e);
    p.alpha = T5G_ALPHA_DROP;
    if (out->r == 0)
        out->r = t5g_picture_decode(&p, file, n, a, &out->rgb, &out->e);
    out->w = p.w;
    out->h = p.h;
    if (out->r == 0)
        out->r = t5g_picture_orient(p.orientation, a, &out->rgb, &out->w, &out->h, &out->e);
}

/* Over memory of two kinds, with the same result, which is that of the second. n: of file. */
static void
decode_twice(struct result *out, const char *name, const char *file, size_t n, uint8_t *memory)
{
    static const int stains[] = {0xff, 0x5a};
    struct result first = {0};
    uint64_t hash = 0;
    for (size_t i = 0; i < 2; i++) {
        unsigned char *copy = t5g_alloc_raw(n + 1, 1); /* may be written to */
        struct t5g_arena a = {.p = memory, .size = ARENA};
        memcpy(copy, file, n);
        memset(memory, stains[i], ARENA);
        stain_stack(stains[1 - i]);
        decode(out, copy, n, &a);
        t5g_free(copy);
        if (i == 0) {
            first = *out;
            hash = out->r == 0 ? fnv(out->rgb, out->w * out->h * 3) : 0;
        }
    }
    if (out->r < 0)
        assert_int_equal(out->e.code, T5G_EX_DATA);
    if (out->r != first.r || (out->r < 0 && strcmp(out->e.msg, first.e.msg) != 0) ||
        (out->r == 0 &&
         (out->w != first.w || out->h != first.h || fnv(out->rgb, out->w * out->h * 3) != hash)))
        fail_msg("%s: memory shows", name);
}

static const char *
message_of(const char *name)
{
    for (size_t i = 0; i < T5G_LEN(refused); i++)
        if (strcmp(name, refused[i].name) == 0)
            return refused[i].message;
    for (size_t i = 0; i < T5G_LEN(bad); i++)
        if (strcmp(name, bad[i].name) == 0)
            return bad[i].message;
    return NULL;
}

static void
test_cases(void **state)
{
    struct t5g_buf b = {0};
    struct one c = {{0}, 0, 0, 0, 0, NULL};
    uint8_t *memory = t5g_alloc_raw(ARENA, 1);
    size_t n = 0, n_messages = 0;
    (void)state;
    read_cases(&b);
    for (const char *p = b.p; next(&c, &p, b.p + b.n); n++) {
        struct result got;
        const char *message = message_of(c.name);
        decode_twice(&got, c.name, c.file, c.bytes, memory);
        if (message != NULL || c.w == 0) {
            n_messages += message != NULL;
            if (got.r == 0 || (message != NULL && strstr(got.e.msg, message) == NULL))
                fail_msg("%s: '%s', expected '%s'", c.name, got.r < 0 ? got.e.msg : "decoded",
                         message != NULL ? message : "refused");
        } else if (got.r < 0) {
            fail_msg("%s: %s", c.name, got.e.msg);
        } else if (got.w != c.w || got.h != c.h || fnv(got.rgb, c.w * c.h * 3) != c.hash) {
            fail_msg("%s: %zu x %zu pixels are not Pillow's", c.name, got.w, got.h);
        }
    }
    assert_true(n > 250);
    assert_int_equal(n_messages, T5G_LEN(refused) + T5G_LEN(bad));
    t5g_free(memory);
    t5g_buf_free(&b);
}

static uint32_t
random_below(uint32_t *seed, size_t n)
{
    *seed = *seed * 1664525 + 1013904223;
    return (uint32_t)((uint64_t)(*seed >> 8) * n >> 24);
}

/* CRC of PNG, 5.5, bit by bit. */
static uint32_t
crc(const unsigned char *p, size_t n)
{
    uint32_t c = 0xffffffff;
    for (size_t i = 0; i < 8 * n; i++)
        c = (c >> 1) ^ (0xedb88320 & -((c ^ p[i / 8] >> i % 8) & 1));
    return ~c;
}

/* Make the CRC of every chunk right, as far as chunks can be told. */
static void
mend(unsigned char *file, size_t n)
{
    for (size_t at = 8; n > 12 && at < n - 12;) {
        size_t size = (size_t)file[at] << 24 | (size_t)file[at + 1] << 16 |
                      (size_t)file[at + 2] << 8 | file[at + 3];
        if (size > n - at - 12)
            return;
        uint32_t sum = crc(file + at + 4, size + 4);
        for (size_t i = 0; i < 4; i++)
            file[at + 8 + size + i] = (unsigned char)(sum >> (24 - 8 * i));
        at += 12 + size;
    }
}

/* Bits turned over, bytes set, left out and put in: 24 damaged ones of each case. */
static void
test_mutations(void **state)
{
    struct t5g_buf b = {0};
    struct one c = {{0}, 0, 0, 0, 0, NULL};
    uint8_t *memory = t5g_alloc_raw(ARENA, 1);
    uint32_t seed = 11;
    (void)state;
    read_cases(&b);
    for (const char *p = b.p; next(&c, &p, b.p + b.n);)
        for (int k = 0; k < 24; k++) {
            char *file = t5g_alloc_raw(c.bytes + 2, 1);
            struct result got;
            size_t n = c.bytes, at = random_below(&seed, n), gap = random_below(&seed, 3);
            memcpy(file, c.file, n);
            if (k % 4 == 0) {
                file[at] = (char)(file[at] ^ 1 << random_below(&seed, 8));
            } else if (k % 4 == 1) {
                file[at] = (char)(gap == 0 ? 0xff : random_below(&seed, 256));
            } else if (k % 4 == 2) {
                memmove(file + at, file + at + 1, n-- - at - 1);
            } else {
                memmove(file + at + 2, file + at, n - at);
                n += 2;
                file[at] = (char)0xff;
                file[at + 1] = (char)(0xd0 + random_below(&seed, 9));
            }
            if (strstr(c.name, ".png") != NULL)
                mend((unsigned char *)file, n);
            decode_twice(&got, c.name, file, n, memory);
            t5g_free(file);
        }
    t5g_free(memory);
    t5g_buf_free(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_mutations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
