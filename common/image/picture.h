/* picture.h: the properties of a picture file, known before it is decoded, and its pixels. */
#ifndef T5G_PICTURE_H
#define T5G_PICTURE_H

#include "base/err.h"
#include "image/arena.h"
#include "image/picture_limits.h"

enum t5g_picture_format { T5G_PICTURE_PNG, T5G_PICTURE_JPEG, T5G_PICTURE_PNM };

/* What becomes of transparency. */
enum t5g_alpha {
    T5G_ALPHA_AUTO,  /* as transformers 5.21 and later does it with a path: see png_alpha.c */
    T5G_ALPHA_WHITE, /* as there with a picture that Pillow has opened: all of it on white */
    T5G_ALPHA_DROP,  /* as transformers up to 5.20: Pillow's convert("RGB"), which drops it */
};

struct t5g_picture {
    enum t5g_picture_format format;
    size_t w, h;          /* as stored, before the orientation is applied */
    size_t channels;      /* PNG 1 to 4, of a palette 1; JPEG 1, 3 or 4; PNM 1 or 3 */
    size_t depth;         /* PNG: bits per sample; JPEG: 8; PNM: 1, 8 or 16 */
    unsigned colour;      /* PNG: colour type */
    bool interlaced;      /* PNG */
    int orientation;      /* EXIF or XMP, 1 to 8; a PNG's is known once it is decoded */
    size_t data;          /* PNM: offset of the samples */
    bool plain;           /* PNM: samples are decimal numbers */
    unsigned max;         /* PNM: largest sample value */
    enum t5g_alpha alpha; /* PNG: set by the caller before it is decoded */
    size_t damaged; /* JPEG, once decoded: where coded data ends early or is invalid; 0: nowhere */
};

/*
 * Recognise file [n] and check its container from end to end: PNG chunks with order and CRC, JPEG
 * markers up to an EOI after a scan (the rest is ignored), PNM header and length, and the limits of
 * picture_limits.h. Nothing is decompressed or allocated. 0, or -1 with e (65).
 */
int t5g_picture_check(struct t5g_picture *p, const unsigned char *file, size_t n,
                      struct t5g_err *e);

/* Its parts, one for each format; the file starts as that format does. */
int t5g_png_check(struct t5g_picture *p, const unsigned char *file, size_t n, struct t5g_err *e);
int t5g_jpeg_check(struct t5g_picture *p, const unsigned char *file, size_t n, struct t5g_err *e);
int t5g_pnm_check(struct t5g_picture *p, const unsigned char *file, size_t n, struct t5g_err *e);

/* Orientation (1 to 8) in a TIFF structure of n bytes, as in EXIF, perhaps after "Exif"; 0 if the
 * tag has another value, -1 if there is none. */
int t5g_exif_orientation(const unsigned char *tiff, size_t n);
/* The same in an XMP text; 0 if there is none. */
int t5g_xmp_orientation(const unsigned char *text, size_t n);
/* The valid one of the two, 1 to 8: XMP only if EXIF has no such tag. */
int t5g_orientation(int exif, int xmp);

/*
 * Decode a file that t5g_picture_check passed to 8-bit RGB with the samples of Pillow 13's
 * convert("RGB"), on white where p->alpha says so: *rgb [h, w, 3] in the arena. file may be
 * changed; orientation and damaged of p are set. -1 with e (65): it is damaged in a way that is not
 * tolerated, or the arena is too small. The result depends on the file alone: memory is written
 * before it is read.
 */
int t5g_picture_decode(struct t5g_picture *p, unsigned char *file, size_t n, struct t5g_arena *a,
                       uint8_t **rgb, struct t5g_err *e);

/* Its parts, one for each format, to rgb [h, w, 3]; a: for their other memory. */
int t5g_png_decode(struct t5g_picture *p, unsigned char *file, size_t n, struct t5g_arena *a,
                   uint8_t *rgb, struct t5g_err *e);
int t5g_jpeg_decode(struct t5g_picture *p, const unsigned char *file, size_t n, struct t5g_arena *a,
                    uint8_t *rgb, struct t5g_err *e);
int t5g_pnm_decode(const struct t5g_picture *p, const unsigned char *file, size_t n, uint8_t *rgb,
                   struct t5g_err *e);

/* Turn *rgb [h, w, 3] by the orientation, to new memory of the arena unless it is upright; *w and
 * *h become those of the result. -1 with e (65) if the arena is too small. */
int t5g_picture_orient(int orientation, struct t5g_arena *a, uint8_t **rgb, size_t *w, size_t *h,
                       struct t5g_err *e);

#endif
