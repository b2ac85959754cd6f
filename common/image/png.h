/* png.h: what the parts of the PNG decoder share. */
#ifndef T5G_PNG_H
#define T5G_PNG_H

#include "image/picture.h"

struct t5g_png_chunk {
    const unsigned char *type; /* [4], in the file */
    const unsigned char *data; /* [n] */
    size_t n, at;              /* at: where the chunk begins */
};

/* The chunk at *at of a file that t5g_png_check passed; *at moves behind it, to n
 * with IEND. False there. */
bool t5g_png_next(struct t5g_png_chunk *c, const unsigned char *file, size_t n, size_t *at);

/* Which way up, 1 to 8, as eXIf, text chunks and XMP say; a: for texts to be decompressed. */
int t5g_png_orientation(const unsigned char *file, size_t n, struct t5g_arena *a);

#endif
