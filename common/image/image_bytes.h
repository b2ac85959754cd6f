/* image_bytes.h: picture files to pixels, read in a sandbox. */
#ifndef T5G_IMAGE_BYTES_H
#define T5G_IMAGE_BYTES_H

#include "image/processor.h"
#include "image/picture.h"
#include "image/sandbox.h"

struct t5g_image_reader;

struct t5g_image_reader_options {
    size_t size; /* pixels per side of a view */
    enum t5g_alpha alpha;
    bool exif; /* turn pictures by their EXIF orientation */
    bool pan_and_scan;
    struct t5g_pan_and_scan crops;
    enum t5g_sandbox_mode sandbox;
    unsigned cpu_seconds; /* for each picture */
};

/* Views of a picture: the whole, then its crops, each u8 [size, size, 3], valid until the next. */
struct t5g_views {
    size_t n, w, h; /* views; pixels of the upright picture */
    size_t damaged; /* byte where a JPEG's coded data ends early or is invalid; 0: nowhere */
    const uint8_t *pixels;
};

/* Call it while the process has one thread. NULL with e (69, 71). */
struct t5g_image_reader *t5g_image_reader_open(const struct t5g_image_reader_options *o,
                                               struct t5g_err *e);
void t5g_image_reader_close(struct t5g_image_reader *r);
bool t5g_image_reader_strict(const struct t5g_image_reader *r);

/*
 * Views of the picture file [n]. -1 with e: 65 if the picture cannot be used, 71 if the system
 * failed.
 */
int t5g_image_read(struct t5g_image_reader *r, const void *file, size_t n, struct t5g_views *v,
                   struct t5g_err *e);

/*
 * What the child does, in the caller's memory: check, decode, turn, crop, resize. out [views, size,
 * size, 3] for up to 1 + crops.max_crops views. -1 with e (65).
 */
int t5g_image_prepare(const struct t5g_image_reader_options *o, unsigned char *file, size_t n,
                      struct t5g_arena *a, uint8_t *out, struct t5g_views *v, struct t5g_err *e);

#endif
