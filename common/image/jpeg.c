/*
 * jpeg.c: the markers of a JPEG (ITU-T T.81, annex B) from SOI to EOI: first walked without
 * decoding, then read in order, decoding every scan. What libjpeg skips (junk between markers,
 * unexpected restart markers) is skipped; what it refuses is refused.
 *
 * Not stb_image, which leaves memory that damaged or missing scans do not write as it was, guesses
 * missing tables, does not restart after damage, and interpolates chroma differently, and wrongly
 * at an edge. Models were trained on Pillow's pixels.
 */
#include "image/jpeg.h"

#include <string.h>

static bool
alone(unsigned marker) /* marker without a segment */
{
    return marker == T5G_JPEG_TEM || (marker >= T5G_JPEG_RST0 && marker <= T5G_JPEG_RST7);
}

static bool
is_frame(unsigned marker)
{
    return marker >= T5G_JPEG_SOF0 && marker <= T5G_JPEG_SOF15 && marker != T5G_JPEG_DHT &&
           marker != T5G_JPEG_JPG && marker != T5G_JPEG_DAC;
}

/* Start of frame: kind, size and components. */
static int
read_frame(struct t5g_jpeg *j, const unsigned char *d, size_t n, struct t5g_err *e)
{
    if (j->marker > T5G_JPEG_SOF2)
        return t5g_err_set(e, T5G_EX_DATA,
                           "JPEG: marker %02X at byte %zu: %s coding, expected baseline or "
                           "progressive",
                           j->marker, j->marker_at,
                           j->marker == 0xc3                        ? "lossless"
                           : j->marker == 0xc9 || j->marker == 0xca ? "arithmetic"
                           : j->marker == 0xcb                      ? "lossless arithmetic"
                                                                    : "hierarchical");
    if (j->framed)
        return t5g_jpeg_fail(j, e, "more than one frame");
    if (n < 6 || n != 6 + 3 * (size_t)d[5])
        return t5g_jpeg_fail(j, e, "a frame header of the wrong length");
    if (d[0] != 8)
        return t5g_err_set(e, T5G_EX_DATA,
                           "JPEG: marker %02X at byte %zu: %u bits a sample, expected 8", j->marker,
                           j->marker_at, d[0]);
    if (d[5] != 1 && d[5] != 3 && d[5] != 4)
        return t5g_err_set(e, T5G_EX_DATA,
                           "JPEG: marker %02X at byte %zu: %u components, expected 1, 3 or 4",
                           j->marker, j->marker_at, d[5]);
    j->framed = true;
    j->progressive = j->marker == T5G_JPEG_SOF2;
    j->h = t5g_jpeg_be16(d + 1);
    j->w = t5g_jpeg_be16(d + 3);
    j->n_components = d[5];
    j->max_h = j->max_v = 1;
    for (size_t i = 0; i < j->n_components; i++) {
        struct t5g_jpeg_component *p = &j->component[i];
        *p = (struct t5g_jpeg_component){.id = d[6 + 3 * i],
                                         .h = d[7 + 3 * i] >> 4,
                                         .v = d[7 + 3 * i] & 15,
                                         .table = d[8 + 3 * i]};
        memset(p->precision, -1, sizeof p->precision);
        if (p->h < 1 || p->h > 4 || p->v < 1 || p->v > 4)
            return t5g_jpeg_fail(j, e, "sampling factors beyond 1 to 4");
        j->max_h = (unsigned)t5g_max(j->max_h, p->h);
        j->max_v = (unsigned)t5g_max(j->max_v, p->v);
    }
    for (size_t i = 0; i < j->n_components; i++)
        if (j->max_h % j->component[i].h != 0 || j->max_v % j->component[i].v != 0)
            return t5g_jpeg_fail(j, e, "sampling factors that do not divide each other");
    if (j->w == 0 || j->h == 0)
        return t5g_jpeg_fail(j, e, j->h == 0 ? "no height (DNL is not supported)" : "no width");
    if (t5g_picture_check_size(j->w, j->h, e) < 0)
        return t5g_err_in(e, "JPEG: marker %02X at byte %zu", j->marker, j->marker_at);
    return 0;
}

struct orientations {
    bool exif; /* seen */
    int of_exif, of_xmp;
};

/* An APP1 segment before the first scan; later ones do not count. */
static void
read_app1(struct orientations *o, const unsigned char *d, size_t n)
{
    static const char xmp[] = "http://ns.adobe.com/xap/1.0/"; /* and its NUL */
    if (n >= 6 && memcmp(d, "Exif\0\0", 6) == 0 && !o->exif) {
        o->exif = true;
        o->of_exif = t5g_exif_orientation(d, n);
    } else if (n >= sizeof xmp && memcmp(d, xmp, sizeof xmp) == 0) {
        o->of_xmp = t5g_xmp_orientation(d + sizeof xmp, n - sizeof xmp);
    }
}

/* The next marker and its segment, without decoding. */
static int
look(struct t5g_jpeg *j, struct orientations *o, size_t *scans, bool *more, struct t5g_err *e)
{
    const unsigned char *d;
    size_t n;
    if (t5g_jpeg_next_marker(j, e) < 0)
        return -1;
    *more = j->marker != T5G_JPEG_EOI || *scans == 0;
    if (!*more || alone(j->marker) || (*scans > 0 && j->marker < T5G_JPEG_SOF0))
        return 0; /* the last are among coded data: the decoder will judge */
    if (j->marker < T5G_JPEG_SOF0 || j->marker == T5G_JPEG_SOI || j->marker == T5G_JPEG_EOI ||
        (j->marker == T5G_JPEG_SOS && !j->framed))
        return t5g_jpeg_fail(j, e, "out of place");
    if (t5g_jpeg_segment(j, &d, &n, e) < 0 || (is_frame(j->marker) && read_frame(j, d, n, e) < 0))
        return -1;
    if (j->marker == T5G_JPEG_SOS && ++*scans > T5G_PICTURE_SCANS_MAX)
        return t5g_err_set(e, T5G_EX_DATA, "JPEG: marker DA at byte %zu: more than %d scans",
                           j->marker_at, T5G_PICTURE_SCANS_MAX);
    if (j->marker == T5G_JPEG_APP1 && *scans == 0)
        read_app1(o, d, n);
    return 0;
}

int
t5g_jpeg_check(struct t5g_picture *p, const unsigned char *file, size_t n, struct t5g_err *e)
{
    struct t5g_jpeg j = {.file = file, .n = n, .at = 2};
    struct orientations o = {.of_exif = -1};
    p->format = T5G_PICTURE_JPEG;
    size_t scans = 0;
    if (n > 2 && file[2] != 0xff)
        return t5g_err_set(e, T5G_EX_DATA, "JPEG: no marker at byte 2");
    for (bool more = true; more;)
        if (look(&j, &o, &scans, &more, e) < 0) {
            if (!j.ended || scans == 0)
                return -1;
            break; /* the decoder will find out whether something is missing */
        }
    p->w = j.w;
    p->h = j.h;
    p->depth = 8;
    p->channels = j.n_components;
    p->orientation = t5g_orientation(o.of_exif, o.of_xmp);
    return 0;
}

static int
read_quant(struct t5g_jpeg *j, const unsigned char *d, size_t n, struct t5g_err *e)
{
    while (n > 0) {
        size_t bytes = d[0] >> 4 != 0 ? 2 : 1, k = d[0] & 15;
        if (k > 3 || n < 1 + 64 * bytes)
            return t5g_jpeg_fail(j, e, k > 3 ? "a table beyond 3" : "of the wrong length");
        for (size_t i = 0; i < 64; i++)
            j->quant[k][t5g_jpeg_zigzag[i]] =
                (uint16_t)(bytes == 2 ? t5g_jpeg_be16(d + 1 + 2 * i) : d[1 + i]);
        j->quant_defined[k] = true;
        d += 1 + 64 * bytes;
        n -= 1 + 64 * bytes;
    }
    return 0;
}

static int
read_codes(struct t5g_jpeg *j, const unsigned char *d, size_t n, struct t5g_err *e)
{
    while (n > 16) {
        size_t k = d[0] & 15, total = 0;
        if (d[0] > 0x1f || k > 3)
            return t5g_jpeg_fail(j, e, "a table beyond 3");
        struct t5g_jpeg_codes *c = d[0] & 0x10 ? &j->ac[k] : &j->dc[k];
        *c = (struct t5g_jpeg_codes){.defined = true};
        for (size_t i = 1; i <= 16; i++)
            total += c->count[i] = d[i];
        if (total > 256 || total > n - 17)
            return t5g_jpeg_fail(j, e, "more codes than there are");
        memcpy(c->symbol, d + 17, total);
        d += 17 + total;
        n -= 17 + total;
    }
    return n == 0 ? 0 : t5g_jpeg_fail(j, e, "of the wrong length");
}

/* Memory for the blocks, at the first scan, when the frame is known. */
static int
make_blocks(struct t5g_jpeg *j, struct t5g_err *e)
{
    size_t across = (j->w + 8 * j->max_h - 1) / (8 * j->max_h);
    size_t down = (j->h + 8 * j->max_v - 1) / (8 * j->max_v);
    for (size_t i = 0; i < j->n_components; i++) {
        struct t5g_jpeg_component *p = &j->component[i];
        p->w = (j->w * p->h + j->max_h - 1) / j->max_h;
        p->lines = (j->h * p->v + j->max_v - 1) / j->max_v;
        p->cols = (p->w + 7) / 8;
        p->rows = (p->lines + 7) / 8;
        p->stride = across * p->h;
        p->height = down * p->v;
        size_t size = p->stride * p->height * sizeof *p->block;
        if ((p->block = t5g_arena_alloc(j->arena, size)) == NULL)
            return t5g_arena_fail(j->arena, e);
        memset(p->block, 0, size);
    }
    return 0;
}

/* The components of a scan, by their ids, none twice. */
static int
choose(struct t5g_jpeg *j, const unsigned char *d, size_t n, struct t5g_err *e)
{
    size_t blocks = 0;
    j->n_scan = n > 0 ? d[0] : 0;
    if (j->n_scan < 1 || j->n_scan > 4 || n != 4 + 2 * j->n_scan)
        return t5g_jpeg_fail(j, e, "a scan header of the wrong length");
    memset(j->scan, 0, sizeof j->scan);
    for (size_t i = 0; i < j->n_scan; i++) {
        size_t c = 0;
        while (c < j->n_components &&
               (j->component[c].id != d[1 + 2 * i] || j->scan[c] != NULL)) /* as libjpeg searches */
            c++;
        for (size_t k = 0; c < j->n_components && k < i; k++)
            if (j->scan[k] == &j->component[c])
                c = j->n_components;
        if (c >= j->n_components)
            return t5g_jpeg_fail(j, e, "a component that the frame does not have, or twice");
        j->scan[i] = &j->component[c];
        j->scan[i]->dc = d[2 + 2 * i] >> 4;
        j->scan[i]->ac = d[2 + 2 * i] & 15;
        blocks += (size_t)j->scan[i]->h * j->scan[i]->v;
    }
    if (j->n_scan > 1 && blocks > 10)
        return t5g_jpeg_fail(j, e, "more than 10 blocks in an MCU");
    d += 1 + 2 * j->n_scan;
    j->first = d[0];
    j->last = d[1];
    j->before = d[2] >> 4;
    j->shift = d[2] & 15;
    return 0;
}

/* G.1.1.1: the coefficients in a scan of a progressive JPEG, and their bits. */
static int
progress(struct t5g_jpeg *j, struct t5g_err *e)
{
    if (j->first == 0 ? j->last != 0 : j->first > j->last || j->last > 63 || j->n_scan != 1)
        return t5g_jpeg_fail(j, e, "coefficients that cannot be in one scan");
    if (j->shift > 13 || (j->before != 0 && j->shift + 1 != j->before))
        return t5g_jpeg_fail(j, e, "bits that cannot be in one scan");
    for (size_t i = 0; i < j->n_scan; i++)
        for (size_t k = j->first; k <= j->last; k++)
            j->scan[i]->precision[k] = (int8_t)j->shift;
    return 0;
}

static int
read_scan(struct t5g_jpeg *j, const unsigned char *d, size_t n, struct t5g_err *e)
{
    if (choose(j, d, n, e) < 0 || (j->progressive && progress(j, e) < 0))
        return -1;
    if (j->scans++ == 0) {
        if (make_blocks(j, e) < 0)
            return -1;
        if (!j->progressive)
            t5g_jpeg_standard_codes(j);
        j->several = j->progressive || j->n_scan < j->n_components;
    } else if (!j->several) {
        return t5g_jpeg_fail(j, e, "a scan behind the one that had all components");
    }
    for (size_t i = 0; i < j->n_scan; i++) {
        struct t5g_jpeg_component *p = j->scan[i];
        if (p->latched)
            continue;
        if (p->table > 3 || !j->quant_defined[p->table])
            return t5g_err_set(e, T5G_EX_DATA,
                               "JPEG: marker DA at byte %zu: quantization table %u was not defined",
                               j->marker_at, p->table);
        memcpy(p->quant, j->quant[p->table], sizeof p->quant);
        p->latched = true;
    }
    j->scan_at = j->marker_at;
    j->marker = 0;
    return t5g_jpeg_decode_scan(j, e);
}

static int
read_marker(struct t5g_jpeg *j, struct t5g_err *e)
{
    const unsigned char *d;
    size_t n;
    unsigned m = j->marker;
    if (alone(m))
        return 0;
    if (m < T5G_JPEG_SOF0 || m == T5G_JPEG_SOI || m == T5G_JPEG_JPG ||
        (m > T5G_JPEG_DRI && m < T5G_JPEG_APP0) || (m > T5G_JPEG_APP15 && m != T5G_JPEG_COM))
        return t5g_jpeg_fail(j, e, "not known, or out of place");
    if (t5g_jpeg_segment(j, &d, &n, e) < 0)
        return -1;
    if (is_frame(m))
        return read_frame(j, d, n, e);
    if (m == T5G_JPEG_SOS)
        return read_scan(j, d, n, e);
    if (m == T5G_JPEG_DQT)
        return read_quant(j, d, n, e);
    if (m == T5G_JPEG_DHT)
        return read_codes(j, d, n, e);
    if (m == T5G_JPEG_DRI) {
        if (n != 2)
            return t5g_jpeg_fail(j, e, "of the wrong length");
        j->restart_interval = t5g_jpeg_be16(d);
    } else if (m == T5G_JPEG_APP0 && n >= 14 && memcmp(d, "JFIF", 5) == 0) {
        j->jfif = j->jfif || j->scans == 0;
    } else if (m == T5G_JPEG_APP14 && n >= 12 && memcmp(d, "Adobe", 5) == 0 && j->scans == 0) {
        j->adobe = true;
        j->transform = d[11];
    }
    return 0;
}

/*
 * If a progressive JPEG lacks bits of the lowest coefficients, libjpeg guesses them from adjacent
 * blocks; here it is an error.
 */
static int
check_whole(const struct t5g_jpeg *j, struct t5g_err *e)
{
    bool lacking = false;
    for (size_t i = 0; i < j->n_components; i++) {
        const struct t5g_jpeg_component *p = &j->component[i];
        if (!p->latched || p->precision[0] < 0)
            return 0;
        for (size_t k = 0; k <= 9; k++) {
            if (p->quant[t5g_jpeg_zigzag[k]] == 0)
                return 0;
            lacking = lacking || (k > 0 && p->precision[k] != 0);
        }
    }
    return lacking ? t5g_jpeg_fail(j, e, "before the progressive scans are complete") : 0;
}

/* Process the next marker; a scan is decoded, which finds the marker after it. */
static int
step(struct t5g_jpeg *j, bool *more, struct t5g_err *e)
{
    size_t scans = j->scans;
    if (j->marker == 0 && t5g_jpeg_next_marker(j, e) < 0)
        return -1;
    *more = j->marker != T5G_JPEG_EOI || j->scans == 0;
    if (*more && read_marker(j, e) < 0)
        return -1;
    if (*more && j->scans == scans)
        j->marker = 0;
    return 0;
}

int
t5g_jpeg_decode(struct t5g_picture *p, const unsigned char *file, size_t n, struct t5g_arena *a,
                uint8_t *rgb, struct t5g_err *e)
{
    struct t5g_jpeg *j = t5g_arena_alloc(a, sizeof *j);
    if (j == NULL)
        return t5g_arena_fail(a, e);
    *j = (struct t5g_jpeg){.file = file, .n = n, .at = 2, .arena = a};
    for (bool more = true; more;)
        if (step(j, &more, e) < 0) {
            /* The whole picture, followed by something other than an EOI: phones do that. */
            if (!j->ended || j->several || j->scans == 0 || j->left < 4 || j->damaged != 0)
                return -1;
            break;
        }
    p->damaged = j->damaged;
    return j->progressive && check_whole(j, e) < 0 ? -1 : t5g_jpeg_render(j, rgb, e);
}
