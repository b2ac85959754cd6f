/* heatmap.h: the attention of an answer as a drawing. */
#ifndef T5G_HEATMAP_H
#define T5G_HEATMAP_H

#include "base/mem.h"

/* A picture of the document. */
struct t5g_heatmap_picture {
    size_t first, side;        /* its rows of the document: side x side from here on */
    const unsigned char *file; /* [size] an image file; NULL: only the grid is drawn */
    size_t size;
};

struct t5g_heatmap {
    const char *title;          /* lines, in UTF-8 */
    const struct t5g_buf *rows; /* [n_rows] text of each row of the document */
    size_t n_rows;
    const struct t5g_buf *tokens; /* [n_tokens] of each token of the answer */
    size_t n_tokens;
    const float *weights;                       /* [n_tokens, n_rows], from 0 to 1 */
    const struct t5g_heatmap_picture *pictures; /* [n_pictures] ascending */
    size_t n_pictures;
    size_t most; /* lines and columns that are drawn at most: more rows are drawn several to a line,
                  * more tokens not at all */
};

/*
 * Append an SVG 1.1 image: a table with a line for every row of the document and a column for every
 * token, coloured by weight, darkest the largest; before it every picture under a grid of its
 * rows, coloured by their mean over all tokens, and a line for the picture in the table. It has no
 * scripts and refers to nothing outside; files that browsers show (PNG, JPEG, GIF, WebP, BMP) are
 * embedded, others are not. Characters that XML has not, and those that act on their surroundings,
 * are written as \xNN.
 */
void t5g_heatmap_draw(const struct t5g_heatmap *h, struct t5g_buf *svg);

#endif
