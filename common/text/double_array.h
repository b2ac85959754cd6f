/* double_array.h: the pieces of a unigram model as a double array over their bytes. */
#ifndef T5G_DOUBLE_ARRAY_H
#define T5G_DOUBLE_ARRAY_H

#include "text/table.h"

/* A piece of the vocabulary. */
struct t5g_scored {
    const char *text;
    size_t n;
    int32_t id;
    double score;
};

#define T5G_SCORED_MAX 1024 /* bytes of a piece: bounds the depth of the array */

/* Append the units for v [n], which it sorts, to out. Of equal texts the one with the largest id
 * counts; one without bytes is left out. */
void t5g_double_array(struct t5g_buf *out, struct t5g_scored *v, size_t n);

#endif
