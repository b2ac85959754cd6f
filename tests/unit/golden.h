/* golden.h: fixture models opened for computing, and their golden cases. */
#ifndef T5G_TEST_GOLDEN_H
#define T5G_TEST_GOLDEN_H

#include "npy.h"

#include "base/json.h"
#include "generate/generate.h"
#include "nn/encoder.h"

#include <string.h>

/* A model of tests/models with one level and number of threads. */
struct gd_model {
    struct t5g_model *m;
    struct t5g_pool *pool;
    struct t5g_encoder *enc;
    struct t5g_decoder *dec;
};

struct gd_model gd_open(const char *name, const char *level, size_t threads);
void gd_close(struct gd_model *g);

/* Levels of this CPU, best first; NULL-terminated. */
const char *const *gd_levels(void);
void gd_each_level(void (*check)(const char *level));
int gd_main(void (*check)(const char *level)); /* main of a program with that one test */

/* A directory of tests/golden/MODEL. */
struct gd_case {
    struct t5g_json *json;
    const char *name;
    struct npy ids, encoder, dec_ids, logits, features; /* features.f NULL when there are none */
    size_t n;                                           /* input ids */
};

/* Call fn for every case of the model's index.json. */
void gd_cases(const char *model, void (*fn)(const struct gd_case *c, void *arg), void *arg);

struct gd_case gd_case_open(const char *model, const char *name);
void gd_case_close(struct gd_case *c);

/* Encoder output [n, d] of a case, freed by t5g_free. */
float *gd_encode(struct gd_model *g, const struct gd_case *c);

/* Logits [rows, v] of the decoder as nn/forced.h computes them, layer by layer; by t5g_free. */
float *gd_forced(const struct t5g_model *m, const struct t5g_kernels *k, struct t5g_pool *pool,
                 const float *enc, size_t n, const int32_t *ids, size_t rows);

/* Array of numbers in a case's JSON as ids; *n of them; freed by t5g_free. */
int32_t *gd_ids(const struct t5g_json *array, size_t *n);

/* Largest |a - b|; fails on NaN. */
double gd_distance(const float *a, const float *b, size_t n);

/* path below tests/; freed by t5g_free */
char *gd_path(const char *path);

#endif
