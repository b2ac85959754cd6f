/* jpeg_marker.c: find the markers of a JPEG and their segments (ITU-T T.81, B.1.1). */
#include "image/jpeg.h"

#include <string.h>

int
t5g_jpeg_fail(const struct t5g_jpeg *j, struct t5g_err *e, const char *what)
{
    return t5g_err_set(e, T5G_EX_DATA, "JPEG: marker %02X at byte %zu: %s", j->marker, j->marker_at,
                       what);
}

int
t5g_jpeg_next_marker(struct t5g_jpeg *j, struct t5g_err *e)
{
    for (;;) {
        const unsigned char *ff = j->at < j->n ? memchr(j->file + j->at, 0xff, j->n - j->at) : NULL;
        size_t at = ff != NULL ? (size_t)(ff - j->file) + 1 : j->n;
        while (at < j->n && j->file[at] == 0xff)
            at++;
        if (at >= j->n) {
            j->ended = true;
            return t5g_err_set(e, T5G_EX_DATA, "JPEG: cut off at byte %zu, without EOI", j->n);
        }
        j->at = at + 1;
        if (j->file[at] != 0) {
            j->marker = j->file[at];
            j->marker_at = at - 1;
            return 0;
        }
    }
}

int
t5g_jpeg_segment(struct t5g_jpeg *j, const unsigned char **d, size_t *n, struct t5g_err *e)
{
    size_t left = j->n - j->at;
    j->ended = left < 2 || t5g_jpeg_be16(j->file + j->at) > left;
    if (j->ended)
        return t5g_jpeg_fail(j, e, "cut off");
    if (t5g_jpeg_be16(j->file + j->at) < 2)
        return t5g_jpeg_fail(j, e, "a length below 2");
    *d = j->file + j->at + 2;
    *n = t5g_jpeg_be16(j->file + j->at) - 2u;
    j->at += 2 + *n;
    return 0;
}
