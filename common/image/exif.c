/*
 * exif.c: a picture's orientation: tag 0x0112 of EXIF (CIPA DC-008, 4.6.5), or XMP; valid is what
 * Pillow's exif_transpose accepts.
 */
#include "image/picture.h"

#include <string.h>

enum {
    BYTE = 1,
    ASCII,
    SHORT,
    LONG,
    RATIONAL,
    SBYTE,
    UNDEFINED,
    SSHORT,
    SLONG,
    SRATIONAL,
    FLOAT,
    DOUBLE,
    IFD,
    LONG8 = 16
};

static const uint8_t sizes[] = {
    [BYTE] = 1,  [ASCII] = 1,     [SHORT] = 2,  [LONG] = 4,  [RATIONAL] = 8,
    [SBYTE] = 1, [UNDEFINED] = 1, [SSHORT] = 2, [SLONG] = 4, [SRATIONAL] = 8,
    [FLOAT] = 4, [DOUBLE] = 8,    [IFD] = 4,    [LONG8] = 8};

static uint64_t
number(const unsigned char *p, size_t bytes, bool big)
{
    uint64_t v = 0;
    for (size_t i = 0; i < bytes; i++)
        v |= (uint64_t)p[i] << 8 * (big ? bytes - 1 - i : i);
    return v;
}

/* The first value of a tag as an orientation: 1 to 8, else 0. */
static int
value_of(const unsigned char *p, unsigned type, bool big)
{
    double v = 0;
    uint64_t bits = number(p, sizes[type], big);
    if (type == FLOAT) {
        float f;
        uint32_t low = (uint32_t)bits;
        memcpy(&f, &low, sizeof f);
        v = f;
    } else if (type == DOUBLE) {
        memcpy(&v, &bits, sizeof v);
    } else if (type == RATIONAL || type == SRATIONAL) {
        double over = (double)number(p, 4, big), under = (double)number(p + 4, 4, big);
        v = under != 0 ? over / under : 0;
    } else if (type != BYTE && type != ASCII && type != UNDEFINED) {
        v = (double)bits;
    }
    for (int o = 1; o <= 8; o++)
        if (v == o)
            return o;
    return 0;
}

int
t5g_exif_orientation(const unsigned char *tiff, size_t n)
{
    static const char heads[][5] = {"MM\0*", "II*\0", "MM*\0", "II\0*"};
    bool known = false;
    for (int i = 0; i < 2 && n >= 6 && memcmp(tiff, "Exif\0\0", 6) == 0; i++) {
        tiff += 6;
        n -= 6;
    }
    for (size_t i = 0; i < T5G_LEN(heads); i++)
        known = known || (n >= 8 && memcmp(tiff, heads[i], 4) == 0);
    if (!known)
        return -1;
    bool big = tiff[0] == 'M';
    uint64_t at = number(tiff + 4, 4, big), total = 0;
    if (at > n - 2)
        return -1;
    size_t entries = (size_t)number(tiff + at, 2, big);
    for (at += 2; entries > 0 && n - at >= 12; entries--, at += 12) {
        const unsigned char *p = tiff + at;
        unsigned type = (unsigned)number(p + 2, 2, big);
        size_t unit = type < T5G_LEN(sizes) ? sizes[type] : 0;
        uint64_t bytes = number(p + 4, 4, big) * unit, where = number(p + 8, 4, big);
        if (bytes == 0)
            continue;
        if (bytes <= 4) {
            where = at + 8;
        } else if ((total += bytes) > n) {
            continue;
        } else if (where > n || bytes > n - where) {
            return -1; /* tags after a truncated value are ignored */
        }
        if (number(p, 2, big) == 0x0112) /* the first one counts */
            return value_of(tiff + where, type, big);
    }
    return -1;
}

int
t5g_xmp_orientation(const unsigned char *text, size_t n)
{
    static const char key[] = "tiff:Orientation";
    const unsigned char *p = text, *end = text + n;
    while ((p = memmem(p, (size_t)(end - p), key, sizeof key - 1)) != NULL) {
        p += sizeof key - 1;
        size_t open = end - p > 0 && *p == '>'                  ? 1
                      : end - p > 1 && memcmp(p, "=\"", 2) == 0 ? 2
                                                                : 0;
        if (open == 0 || (size_t)(end - p) <= open || p[open] < '0' || p[open] > '9')
            continue;
        return p[open] >= '1' && p[open] <= '8' ? p[open] - '0' : 0;
    }
    return 0;
}

int
t5g_orientation(int exif, int xmp)
{
    int o = exif >= 0 ? exif : xmp;
    return o >= 1 && o <= 8 ? o : 1;
}
