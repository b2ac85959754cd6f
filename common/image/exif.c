/* exif.c: which way up a picture is: tag 0x0112 of EXIF (CIPA DC-008, 4.6.5), or XMP. */
#include "image/picture.h"

#include <string.h>

static uint32_t
number(const unsigned char *p, size_t bytes, bool big)
{
    uint32_t v = 0;
    for (size_t i = 0; i < bytes; i++)
        v |= (uint32_t)p[i] << 8 * (big ? bytes - 1 - i : i);
    return v;
}

int
t5g_exif_orientation(const unsigned char *tiff, size_t n)
{
    enum { ORIENTATION = 0x0112, SHORT = 3, LONG = 4 };
    int found = 0;
    if (n >= 6 && memcmp(tiff, "Exif\0\0", 6) == 0) { /* some writers of PNG keep it */
        tiff += 6;
        n -= 6;
    }
    if (n < 8 || (memcmp(tiff, "II*\0", 4) != 0 && memcmp(tiff, "MM\0*", 4) != 0))
        return 0;
    bool big = tiff[0] == 'M';
    size_t at = number(tiff + 4, 4, big);
    if (at > n - 2)
        return 0;
    size_t entries = number(tiff + at, 2, big);
    for (at += 2; entries > 0 && n - at >= 12; entries--, at += 12) {
        uint32_t type = number(tiff + at + 2, 2, big);
        if (number(tiff + at, 2, big) != ORIENTATION || number(tiff + at + 4, 4, big) != 1 ||
            (type != SHORT && type != LONG))
            continue;
        uint32_t v = number(tiff + at + 8, type == SHORT ? 2 : 4, big);
        found = v >= 1 && v <= 8 ? (int)v : 0;
    }
    return found;
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
