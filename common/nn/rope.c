/*
 * rope.c: inverse frequencies and angles, rounded to f32 where the reference rounds: the exponent
 * 2i/dh, the power, its inverse, the division by the factor, the product with the position. Angles
 * in f64 would be more exact, but results would differ from the reference by 1e-2 at position 1e5.
 */
#include "nn/rope.h"

#include <math.h>

enum { ROWS = 32 };

void
t5g_rope_freq(float *freq, const struct t5g_rope_config *c, size_t dh)
{
    for (size_t i = 0; i < dh / 2; i++)
        freq[i] = 1.0f / powf(c->theta, (float)(2 * i) / (float)dh) / c->factor;
}

/* cos, sin [half] of the angles at a position. */
static void
angles(float *cos, float *sin, const float *freq, size_t half, size_t pos)
{
    for (size_t i = 0; i < half; i++)
        sincosf((float)pos * freq[i], &sin[i], &cos[i]);
}

struct run {
    float *cos, *sin;
    const float *freq;
    size_t half, pos, n;
};

static void
table_item(void *arg, size_t item, size_t worker)
{
    const struct run *r = arg;
    (void)worker;
    for (size_t i = item * ROWS; i < t5g_min((item + 1) * ROWS, r->n); i++)
        angles(r->cos + i * r->half, r->sin + i * r->half, r->freq, r->half, r->pos + i);
}

void
t5g_rope_table(const struct t5g_exec *x, float *cos, float *sin, const float *freq, size_t half,
               size_t pos, size_t n)
{
    struct run r = {cos, sin, freq, half, pos, n};
    t5g_exec_run(x, table_item, &r, (n + ROWS - 1) / ROWS, 100 * n * half);
}
