/* jpeg.c: the markers of a JPEG (ITU-T T.81, annex B) from SOI to EOI; nothing decoded. */
#include "image/picture.h"

#include <string.h>

enum {
    SOI = 0xd8,
    EOI = 0xd9,
    SOS = 0xda,
    DHT = 0xc4,
    JPG = 0xc8,
    DAC = 0xcc,
    APP1 = 0xe1,
    APP14 = 0xee,
    TEM = 0x01
};

static unsigned
be16(const unsigned char *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

struct walk {
    struct t5g_picture *p;
    bool frame;
    size_t scans;
    int exif, xmp; /* orientations found, 0: none */
};

/* Start of frame: what kind, and the size. d [n] follows the length. */
static int
read_frame(struct walk *w, unsigned marker, const unsigned char *d, size_t n, struct t5g_err *e)
{
    struct t5g_picture *p = w->p;
    if (marker > 0xc2)
        return t5g_err_set(e, T5G_EX_DATA, "JPEG: %s coding, expected baseline or progressive",
                           marker == 0xc3                     ? "lossless"
                           : marker >= 0xc9 && marker <= 0xcb ? "arithmetic"
                                                              : "hierarchical");
    if (w->frame)
        return t5g_err_set(e, T5G_EX_DATA, "JPEG: more than one frame");
    if (n < 6 || n != 6 + 3 * (size_t)d[5])
        return t5g_err_set(e, T5G_EX_DATA, "JPEG: frame header of %zu bytes", n);
    p->h = be16(d + 1);
    p->w = be16(d + 3);
    p->depth = d[0];
    p->channels = d[5];
    w->frame = true;
    if (p->depth != 8)
        return t5g_err_set(e, T5G_EX_DATA, "JPEG: %zu bits a sample, expected 8", p->depth);
    if (p->channels != 1 && p->channels != 3 && p->channels != 4)
        return t5g_err_set(e, T5G_EX_DATA, "JPEG: %zu components, expected 1, 3 or 4", p->channels);
    for (size_t i = 0; i < p->channels; i++) {
        unsigned across = d[7 + 3 * i] >> 4, down = d[7 + 3 * i] & 15;
        if (across < 1 || across > 4 || down < 1 || down > 4)
            return t5g_err_set(e, T5G_EX_DATA, "JPEG: sampling factors %u x %u", across, down);
    }
    return t5g_picture_check_size("JPEG", p->w, p->h, e);
}

static void
read_app(struct walk *w, unsigned marker, const unsigned char *file, size_t at, size_t n)
{
    static const char xmp[] = "http://ns.adobe.com/xap/1.0/"; /* and its NUL */
    const unsigned char *d = file + at;
    if (marker == APP1 && n > 6 && memcmp(d, "Exif\0\0", 6) == 0 && w->exif == 0)
        w->exif = t5g_exif_orientation(d + 6, n - 6);
    else if (marker == APP1 && n > sizeof xmp && memcmp(d, xmp, sizeof xmp) == 0)
        w->xmp = t5g_xmp_orientation(d + sizeof xmp, n - sizeof xmp);
    else if (marker == APP14 && n >= 12 && memcmp(d, "Adobe\0", 6) == 0)
        w->p->data = at + 11;
}

/* The byte behind entropy-coded data that starts at `at`: a marker's 0xff, or n. */
static size_t
skip_scan(const unsigned char *file, size_t at, size_t n)
{
    for (;;) {
        const unsigned char *ff = at < n ? memchr(file + at, 0xff, n - at) : NULL;
        if (ff == NULL || ff + 1 == file + n)
            return n;
        at = (size_t)(ff - file) + 1;
        bool restart = file[at] >= 0xd0 && file[at] <= 0xd7;
        if (file[at] != 0 && file[at] != 0xff && !restart)
            return at - 1;
    }
}

int
t5g_jpeg_check(struct t5g_picture *p, const unsigned char *file, size_t n, struct t5g_err *e)
{
    struct walk w = {.p = p};
    p->format = T5G_PICTURE_JPEG;
    bool ended = false;
    for (size_t at = 2; !ended;) {
        while (at + 1 < n && file[at] == 0xff && file[at + 1] == 0xff)
            at++;
        if (n - at < 2)
            return t5g_err_set(e, T5G_EX_DATA, "JPEG: cut off at byte %zu, without EOI", n);
        if (file[at] != 0xff)
            return t5g_err_set(e, T5G_EX_DATA, "JPEG: no marker at byte %zu", at);
        unsigned marker = file[at + 1];
        at += 2;
        ended = marker == EOI && w.scans > 0;
        if (ended || marker == TEM || (marker >= 0xd0 && marker <= 0xd7))
            continue;
        if (marker == EOI || marker == SOI || marker == 0 || (marker == SOS && !w.frame))
            return t5g_err_set(e, T5G_EX_DATA, "JPEG: marker %02X at byte %zu, out of place",
                               marker, at - 2);
        if (n - at < 2 || be16(file + at) < 2 || be16(file + at) > n - at)
            return t5g_err_set(e, T5G_EX_DATA, "JPEG: marker %02X at byte %zu: cut off", marker,
                               at - 2);
        size_t len = be16(file + at) - 2u, body = at + 2;
        at = body + len;
        if (marker >= 0xc0 && marker <= 0xcf && marker != DHT && marker != JPG && marker != DAC) {
            if (read_frame(&w, marker, file + body, len, e) < 0)
                return -1;
        } else if (marker == SOS) {
            if (++w.scans > T5G_PICTURE_SCANS_MAX)
                return t5g_err_set(e, T5G_EX_DATA, "JPEG: more than %d scans",
                                   T5G_PICTURE_SCANS_MAX);
            at = skip_scan(file, at, n);
        } else {
            read_app(&w, marker, file, body, len);
        }
    }
    p->orientation = w.exif != 0 ? w.exif : w.xmp != 0 ? w.xmp : 1;
    return 0;
}
