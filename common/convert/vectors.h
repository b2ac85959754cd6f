/* vectors.h: tensors of documents as vectors, and the nearest of many. */
#ifndef T5G_VECTORS_H
#define T5G_VECTORS_H

#include "base/mem.h"
#include "stream/document.h"

/* The vectors of one tensor, as f32. */
struct t5g_vectors {
    const float *rows; /* [n, d] */
    size_t n, d;
    float *wide; /* private */
};

/*
 * The vectors of item i of a document: one of a tensor [d], n of a tensor [n, d]; f32, bf16, f16,
 * or an encoder.out of bytes with its scales. -1 with e (65) if it is something else. In place if
 * it is f32, else freed by t5g_vectors_free.
 */
int t5g_vectors_of(const struct t5g_doc *d, size_t i, struct t5g_vectors *v, struct t5g_err *e);
/* -1 with e (65), naming the tensor, if an element is not finite: such a vector has no cosine. */
int t5g_vectors_finite(const struct t5g_vectors *v, const char *name, struct t5g_err *e);
/*
 * Whether an embedding was pooled as those before it were: earlier holds their "pooling", "" at
 * first, and takes that of frame f. -1 with e (65) if both say so and differ.
 */
enum { T5G_POOLING_NAME = 16 };
int t5g_vectors_pooled(const struct t5g_frame *f, char earlier[static T5G_POOLING_NAME],
                       struct t5g_err *e);
void t5g_vectors_free(struct t5g_vectors *v);

/* The largest cosines of a query so far, best first; of equal ones the first that came. */
struct t5g_nearest {
    float *query; /* [d] of length 1, or all 0 */
    size_t d, k;
    struct t5g_neighbour {
        double score;
        struct t5g_buf id;
    } * found; /* [n], n <= k */
    size_t n, cap;
};

/* query [d] is copied; k > 0. */
void t5g_nearest_open(struct t5g_nearest *q, const float *query, size_t d, size_t k);
void t5g_nearest_close(struct t5g_nearest *q);
/* Take a vector [d] of this length (L2), of the document id [id_len]. The cosine with a vector of
 * zeros is 0. Sums are in f64, in one order everywhere. */
void t5g_nearest_add(struct t5g_nearest *q, const float *v, double length, const char *id,
                     size_t id_len);
double t5g_vector_length(const float *v, size_t d);

#endif
