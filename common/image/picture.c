/* picture.c: find a picture file's format. */
#include "image/picture.h"
#include "base/utf8.h"

#include <string.h>

/* Other formats that users have, to be named in the message. */
static const struct {
    const char *name;
    size_t offset;
    const char *magic; /* found there */
} others[] = {
    {"a GIF", 0, "GIF8"},
    {"a WebP", 8, "WEBP"},
    {"a BMP", 0, "BM"},
    {"a TIFF", 0, "II*"},
    {"a TIFF", 0, "MM"},
    {"an AVIF", 4, "ftypavif"},
    {"a HEIC", 4, "ftyphei"},
    {"a HEIF", 4, "ftypmif1"},
    {"a JPEG XL", 0, "\xff\x0a"},
    {"a JPEG XL", 4, "JXL \r\n"},
    {"a JPEG 2000", 4, "jP  \r\n"},
    {"a PSD", 0, "8BPS"},
    {"a PDF", 0, "%PDF"},
    {"an SVG", 0, "<svg"},
    {"an XML file", 0, "<?xml"},
    {"a QOI", 0, "qoif"},
    {"a t5g stream", 0, "\x89T5G"},
    {"a PFM", 0, "Pf"},
    {"a PFM", 0, "PF"},
    {"a PAM", 0, "P7"},
};

static bool
starts(const unsigned char *file, size_t n, size_t offset, const char *magic)
{
    size_t len = strlen(magic);
    return n >= offset + len && memcmp(file + offset, magic, len) == 0;
}

/* Whether the first bytes are UTF-8 (the last character may be cut) without unusual controls. */
static bool
looks_like_text(const unsigned char *file, size_t n)
{
    n = t5g_min(n, 512);
    if (t5g_utf8_check((const char *)file, n) + 3 < n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (file[i] == 127 || file[i] == 0 ||
            (file[i] < 32 && strchr("\t\n\f\r\x1b", file[i]) == NULL))
            return false;
    return true;
}

int
t5g_picture_check(struct t5g_picture *p, const unsigned char *file, size_t n, struct t5g_err *e)
{
    *p = (struct t5g_picture){.orientation = 1};
    if (n == 0)
        return t5g_err_set(e, T5G_EX_DATA, "empty file, expected PNG, JPEG or PNM");
    if (n > T5G_PICTURE_FILE_MAX)
        return t5g_err_set(e, T5G_EX_DATA, "%zu bytes, at most %zu", n, T5G_PICTURE_FILE_MAX);
    if (starts(file, n, 0, "\x89PNG\r\n\x1a\n"))
        return t5g_png_check(p, file, n, e);
    if (starts(file, n, 0, "\xff\xd8"))
        return t5g_jpeg_check(p, file, n, e);
    if (n >= 2 && file[0] == 'P' && file[1] >= '1' && file[1] <= '6')
        return t5g_pnm_check(p, file, n, e);
    for (size_t i = 0; i < T5G_LEN(others); i++)
        if (starts(file, n, others[i].offset, others[i].magic))
            return t5g_err_set(e, T5G_EX_DATA, "%s, expected PNG, JPEG or PNM", others[i].name);
    return t5g_err_set(e, T5G_EX_DATA, "%s, expected PNG, JPEG or PNM",
                       looks_like_text(file, n) ? "a text" : "of no known picture format");
}
