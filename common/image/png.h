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

/* Transparency outside the samples: the chunk tRNS. */
struct t5g_png_alpha {
    bool entries, keyed; /* entry is set; pixels of the colour key are transparent */
    uint8_t entry[256];  /* alpha of each palette entry */
    uint16_t key[3];     /* as in the file until t5g_png_whiten */
};

/* Set *a from a file that t5g_png_check passed, to what p->alpha makes of it. */
void t5g_png_read_alpha(struct t5g_png_alpha *a, const struct t5g_picture *p,
                        const unsigned char *file, size_t n);

/*
 * Put the transparent pixels of rgb [h, w, 3] on white, as p->alpha says. samples [h w, channels]
 * are those of the file, 8 or 16 bits as p->depth; palette [256, 3].
 */
void t5g_png_whiten(struct t5g_png_alpha *a, const struct t5g_picture *p, const uint8_t *palette,
                    const void *samples, size_t channels, uint8_t *rgb);

/* The orientation, 1 to 8, from eXIf, text chunks and XMP; a: for decompressed texts. */
int t5g_png_orientation(const unsigned char *file, size_t n, struct t5g_arena *a);

#endif
