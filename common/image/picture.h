/* picture.h: what a picture file is, before anything is decoded, and its pixels. */
#ifndef T5G_PICTURE_H
#define T5G_PICTURE_H

#include "base/err.h"
#include "image/arena.h"

#define T5G_PICTURE_FILE_MAX  ((size_t)64 << 20) /* bytes */
#define T5G_PICTURE_SIDE_MAX  16384              /* pixels */
#define T5G_PICTURE_AREA_MAX  89478485           /* pixels: where Pillow begins to warn of bombs */
#define T5G_PICTURE_SCANS_MAX 256                /* of a JPEG */

enum t5g_picture_format { T5G_PICTURE_PNG, T5G_PICTURE_JPEG, T5G_PICTURE_PNM };

struct t5g_picture {
    enum t5g_picture_format format;
    size_t w, h;     /* as stored, before the orientation is applied */
    size_t channels; /* PNG 1 to 4 (a palette counts as 4); JPEG 1, 3 or 4; PNM 1 or 3 */
    size_t depth;    /* PNG: bits a sample; PNM: 1, 8 or 16 */
    bool grey;       /* PNG: without colour and without alpha channel */
    int orientation; /* EXIF or XMP, 1 to 8 */
    size_t data;     /* PNM: offset of the samples; JPEG: of the transform in APP14, 0: none */
    unsigned max;    /* PNM: largest sample value */
};

/*
 * Recognise file [n] and check its container from end to end: PNG chunks with order and CRC, JPEG
 * markers up to an EOI behind a scan (what follows is ignored), PNM header and length, and the
 * limits above. Nothing is decompressed and nothing allocated. 0, or -1 with e (65).
 */
int t5g_picture_check(struct t5g_picture *p, const unsigned char *file, size_t n,
                      struct t5g_err *e);

/* Of its parts, one format each; the file starts as that format does. */
int t5g_png_check(struct t5g_picture *p, const unsigned char *file, size_t n, struct t5g_err *e);
int t5g_jpeg_check(struct t5g_picture *p, const unsigned char *file, size_t n, struct t5g_err *e);
int t5g_pnm_check(struct t5g_picture *p, const unsigned char *file, size_t n, struct t5g_err *e);
int t5g_picture_check_size(const char *format, uint64_t w, uint64_t h, struct t5g_err *e);

/* Orientation (1 to 8) in a TIFF structure of n bytes, as in EXIF; 0 when it holds none. */
int t5g_exif_orientation(const unsigned char *tiff, size_t n);
/* The same in an XMP text. */
int t5g_xmp_orientation(const unsigned char *text, size_t n);

/*
 * Decode a file that t5g_picture_check passed to 8-bit RGB as Pillow's convert("RGB") does:
 * *rgb [h, w, 3] in the arena. file may be changed. -1 with e (65): the decoder refuses it, or the
 * arena is too small.
 */
int t5g_picture_decode(const struct t5g_picture *p, unsigned char *file, size_t n,
                       struct t5g_arena *a, uint8_t **rgb, struct t5g_err *e);

/* *rgb [h, w, 3] turned as the orientation says, in place or to fresh memory of the arena; *w and
 * *h are those of the result. -1 with e (65) when the arena is too small. */
int t5g_picture_orient(int orientation, struct t5g_arena *a, uint8_t **rgb, size_t *w, size_t *h,
                       struct t5g_err *e);

#endif
