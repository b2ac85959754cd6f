/* encoder.h: token ids (and image features) to encoder output. */
#ifndef T5G_ENCODER_H
#define T5G_ENCODER_H

#include "model/model.h"
#include "nn/exec.h"

struct t5g_encoder;

/* The model, pool and kernels belong to the caller and must outlive the encoder. */
struct t5g_encoder *t5g_encoder_open(const struct t5g_model *m, const struct t5g_kernels *k,
                                     struct t5g_pool *pool);
void t5g_encoder_close(struct t5g_encoder *x);

/*
 * From now on, each job also gets its rows after so many layers, for each of layers [n] (kept by
 * the caller): 0 is the scaled embedding, and that of the last layer is the encoder output, after
 * the final norm, as in hidden_states of transformers.
 */
void t5g_encoder_tap(struct t5g_encoder *x, const size_t *layers, size_t n);

/*
 * out [n, d] f32 = encoder output of ids [n], n > 0 (after the final norm). features [n_image_rows,
 * d] f32 replace the rows whose id is config.image, in order, unscaled; if features is NULL (and
 * n_image_rows 0), such ids are ordinary. Ids must be in range. progress(arg, done, total) is
 * called between pieces of work (NULL allowed); if it returns false, the call stops with -1 and e
 * (75). A non-finite row gives -1 with e (65).
 */
int t5g_encode(struct t5g_encoder *x, const int32_t *ids, size_t n, const float *features,
               size_t n_image_rows, float *out, t5g_progress_fn *progress, void *arg,
               struct t5g_err *e);

/* One of several documents; as the arguments of t5g_encode. */
struct t5g_encode_job {
    const int32_t *ids; /* [n] */
    size_t n;
    const float *features; /* [n_image_rows, d] */
    size_t n_image_rows;
    float *out;         /* [n, d] */
    struct t5g_err err; /* code 0: out is right */
    float **hidden;     /* with taps: [taps] rows [n, d] each, in their order; else NULL */
};

/* How many of the first jobs are computed together, as short ones are; 0 if n is 0. */
size_t t5g_encode_together(const struct t5g_encode_job *jobs, size_t n);

/*
 * Process each of jobs [n] as t5g_encode would, bit for bit; short neighbours are computed
 * together. progress(arg, done, total) counts for each such group anew.
 */
void t5g_encode_many(struct t5g_encoder *x, struct t5g_encode_job *jobs, size_t n,
                     t5g_progress_fn *progress, void *arg);

#endif
