/* png.h: shared by the parts of the PNG decoder. */
#ifndef T5G_PNG_H
#define T5G_PNG_H

#include "image/picture.h"

struct t5g_png_chunk {
    const unsigned char *type; /* [4], in the file */
    const unsigned char *data; /* [n] */
    size_t n, at;              /* at: where the chunk begins */
};

/* The chunk at *at of a file that t5g_png_check passed; *at moves after it, or to n after IEND.
 * False at n. */
bool t5g_png_next(struct t5g_png_chunk *c, const unsigned char *file, size_t n, size_t *at);

/* The orientation, 1 to 8, from eXIf, text chunks and XMP; a: for decompressed texts. */
int t5g_png_orientation(const unsigned char *file, size_t n, struct t5g_arena *a);

#endif
