/* looks.c: the first bytes of pictures and of other files that are not text. */
#include "store/looks.h"
#include "stream/frame.h"

#include <string.h>
#include <strings.h>

/* After "BM": file size, two zeros, offset of the pixels, then a header with its own length and a
 * plane count of 1. */
static bool
is_bmp(const unsigned char *p, size_t n)
{
    if (n < 26 || memcmp(p, "BM", 2) != 0)
        return false;
    uint64_t header = t5g_little(p + 14, 4), pixels = t5g_little(p + 10, 4);
    bool old = header == 12, known = header >= 16 && header <= 124 && header % 4 == 0;
    if ((!old && !known) || pixels < 14 + header || pixels > 1 << 20)
        return false;
    return old ? t5g_little(p + 22, 2) == 1 : n >= 28 && t5g_little(p + 26, 2) == 1;
}

static bool
is_space(int c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* A number in a PNM header, after white space and comments. 1, 0 if there is none, -1 if the bytes
 * end before the number. */
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

/* "P1" to "P6", width, height, a maximum for grey and colour, and at least one sample. */
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

/* An ISO base media file whose major brand, or a compatible one, is that of a picture format. */
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

/* The picture format with these first bytes, and what to do with it, for a message; NULL: not a
 * picture. */
static const char *
picture_that_looks(const unsigned char *p, size_t n)
{
#define GIVE    ": give it with -i"
#define CONVERT ": convert it to PNG and give that with -i"
    static const struct {
        const char *magic;
        size_t n;
        const char *what;
    } known[] = {{"\x89PNG", 4, "a PNG picture" GIVE},
                 {"\xff\xd8\xff", 3, "a JPEG picture" GIVE},
                 {"GIF87a", 6, "a GIF picture" CONVERT},
                 {"GIF89a", 6, "a GIF picture" CONVERT},
                 {"II*\0", 4, "a TIFF picture" CONVERT},
                 {"MM\0*", 4, "a TIFF picture" CONVERT},
                 {"II+\0\10\0", 6, "a TIFF picture" CONVERT},
                 {"MM\0+\0\10", 6, "a TIFF picture" CONVERT},
                 {"\xff\x0a", 2, "a JPEG XL picture" CONVERT},
                 {"\0\0\0\x0cJXL \r\n\x87\n", 12, "a JPEG XL picture" CONVERT},
                 {"\0\0\0\x0cjP  \r\n\x87\n", 12, "a JPEG 2000 picture" CONVERT},
                 {"\xff\x4f\xff\x51", 4, "a JPEG 2000 picture" CONVERT}};
    for (size_t i = 0; i < T5G_LEN(known); i++)
        if (n >= known[i].n && memcmp(p, known[i].magic, known[i].n) == 0)
            return known[i].what;
    if (n >= 12 && memcmp(p, "RIFF", 4) == 0 && memcmp(p + 8, "WEBP", 4) == 0)
        return "a WebP picture" CONVERT;
    if (is_bmp(p, n))
        return "a BMP picture" CONVERT;
    if (is_pnm(p, n))
        return "a PNM picture" GIVE;
    return is_heif(p, n) ? "a HEIF or AVIF picture" CONVERT : NULL;
#undef GIVE
#undef CONVERT
}

bool
t5g_looks_picture(const unsigned char *p, size_t n)
{
    return picture_that_looks(p, n) != NULL;
}

const char *
t5g_looks_no_text(const unsigned char *p, size_t n)
{
    static const char pdf[] = "%PDF-";
    const char *what = picture_that_looks(p, n);
    if (what != NULL)
        return what;
    if (n >= strlen(T5G_FRAME_MAGIC) && memcmp(p, T5G_FRAME_MAGIC, strlen(T5G_FRAME_MAGIC)) == 0)
        return "a t5g stream: give it to t5g-encode";
    if (n >= strlen(pdf) && memcmp(p, pdf, strlen(pdf)) == 0)
        return "a PDF: convert it to text, for example with pdftotext";
    if (n >= 2 && (memcmp(p, "\xff\xfe", 2) == 0 || memcmp(p, "\xfe\xff", 2) == 0))
        return "text in UTF-16: convert it to UTF-8, for example with iconv -f UTF-16";
    return NULL;
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
