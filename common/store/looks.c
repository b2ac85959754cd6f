/* looks.c: first bytes of pictures. */
#include "store/looks.h"

#include <string.h>
#include <strings.h>

static uint32_t
little(const unsigned char *p, size_t n)
{
    uint32_t v = 0;
    while (n-- > 0)
        v = v << 8 | p[n];
    return v;
}

/* Behind "BM": the size of the file, two zeros, where pixels begin, then a header that tells its
 * own length, and one plane. */
static bool
is_bmp(const unsigned char *p, size_t n)
{
    if (n < 26 || memcmp(p, "BM", 2) != 0)
        return false;
    uint32_t header = little(p + 14, 4), pixels = little(p + 10, 4);
    bool old = header == 12, known = header >= 16 && header <= 124 && header % 4 == 0;
    if ((!old && !known) || pixels < 14 + header || pixels > 1 << 20)
        return false;
    return old ? little(p + 22, 2) == 1 : n >= 28 && little(p + 26, 2) == 1;
}

static bool
is_space(int c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* A number of a PNM header, behind white space and comments. 1, 0 when there is none, -1 when the
 * bytes end before it does. */
static int
pnm_number(const unsigned char **at, const unsigned char *end)
{
    const unsigned char *p = *at;
    while (p < end && (is_space(*p) || *p == '#'))
        if (*p++ == '#')
            while (p < end && *p != '\n' && *p != '\r')
                p++;
    const unsigned char *digits = p;
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    *at = p;
    return p == end ? -1 : p > digits && (is_space(*p) || *p == '#') && p - digits < 10;
}

/* "P6", width, height, for the grey and coloured ones a maximum, and at least one sample. */
static bool
is_pnm(const unsigned char *p, size_t n)
{
    const unsigned char *end = p + n, *at = p + 2;
    if (n < 3 || p[0] != 'P' || p[1] < '1' || p[1] > '6' || !(is_space(p[2]) || p[2] == '#'))
        return false;
    bool bits = p[1] == '1' || p[1] == '4', plain = p[1] <= '3';
    for (int i = 0; i < (bits ? 2 : 3); i++) {
        int r = pnm_number(&at, end);
        if (r <= 0)
            return r < 0 && n >= T5G_LOOKS; /* a long comment */
    }
    while (plain && at < end && is_space(*at))
        at++;
    if (!plain)
        return end - at > 1;
    if (at < end && *at == '#')
        return true;
    return at < end && (bits ? *at == '0' || *at == '1' : *at >= '0' && *at <= '9');
}

/* The brand of an ISO base media file, or one of those it also is, is one of pictures. */
static bool
is_heif(const unsigned char *p, size_t n)
{
    static const char brands[][5] = {"mif1", "mif2", "msf1", "heic", "heix", "heim",
                                     "heis", "hevc", "hevx", "hevm", "hevs", "avif",
                                     "avis", "avio", "miaf", "jpeg", "jpgs"};
    if (n < 16 || memcmp(p + 4, "ftyp", 4) != 0)
        return false;
    size_t box = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | (size_t)p[3];
    for (size_t at = 8; at + 4 <= n && (at + 4 <= box || at == 8); at += at == 8 ? 8 : 4)
        for (size_t i = 0; i < T5G_LEN(brands); i++)
            if (memcmp(p + at, brands[i], 4) == 0)
                return true;
    return false;
}

bool
t5g_looks_picture(const unsigned char *p, size_t n)
{
    static const struct {
        const char *magic;
        size_t n;
    } known[] = {{"\x89PNG", 4},
                 {"\xff\xd8\xff", 3},
                 {"GIF87a", 6},
                 {"GIF89a", 6},
                 {"II*\0", 4},
                 {"MM\0*", 4},
                 {"II+\0\10\0", 6},
                 {"MM\0+\0\10", 6},
                 {"\xff\x0a", 2},
                 {"\0\0\0\x0cJXL \r\n\x87\n", 12},
                 {"\0\0\0\x0cjP  \r\n\x87\n", 12},
                 {"\xff\x4f\xff\x51", 4}};
    for (size_t i = 0; i < T5G_LEN(known); i++)
        if (n >= known[i].n && memcmp(p, known[i].magic, known[i].n) == 0)
            return true;
    if (n >= 12 && memcmp(p, "RIFF", 4) == 0 && memcmp(p + 8, "WEBP", 4) == 0)
        return true;
    return is_bmp(p, n) || is_pnm(p, n) || is_heif(p, n);
}

bool
t5g_named_picture(const char *name, size_t n)
{
    static const char *const suffixes[] = {".jpg",  ".jpeg", ".jpe",  ".jfif", ".png",  ".gif",
                                           ".webp", ".bmp",  ".tif",  ".tiff", ".pbm",  ".pgm",
                                           ".ppm",  ".pnm",  ".heic", ".heif", ".avif", ".jxl"};
    for (size_t i = 0; i < T5G_LEN(suffixes); i++) {
        size_t m = strlen(suffixes[i]);
        if (n > m && strncasecmp(name + n - m, suffixes[i], m) == 0)
            return true;
    }
    return false;
}
