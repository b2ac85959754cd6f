/* norm.c: the norms of kernels.h over rows, divided among the pool. */
#include "nn/norm.h"

enum { ROWS = 32 }; /* of an item: a decoder step fits one, so that no thread is woken */

struct run {
    const struct t5g_exec *x;
    float *y;
    const float *in, *w, *b; /* b: for a layer norm, else NULL */
    size_t ldy, ldx, n, d;
    float eps;
    bool add;
};

static void
norm_item(void *arg, size_t item, size_t worker)
{
    const struct run *r = arg;
    (void)worker;
    size_t end = t5g_min((item + 1) * ROWS, r->n);
    for (size_t i = item * ROWS; i < end; i++) {
        if (r->b != NULL)
            r->x->k->layer_norm(r->y + i * r->ldy, r->in + i * r->ldx, r->w, r->b, r->d, r->eps);
        else if (r->add)
            r->x->k->rms_add(r->y + i * r->ldy, r->in + i * r->ldx, r->w, r->d, r->eps);
        else
            r->x->k->rms(r->y + i * r->ldy, r->in + i * r->ldx, r->w, r->d, r->eps);
    }
}

void
t5g_norm_rows(const struct t5g_exec *x, float *y, size_t ldy, const float *in, size_t ldx,
              const float *w, size_t n, size_t d, float eps)
{
    struct run r = {x, y, in, w, NULL, ldy, ldx, n, d, eps, false};
    t5g_exec_run(x, norm_item, &r, (n + ROWS - 1) / ROWS, 4 * n * d);
}

void
t5g_norm_add_rows(const struct t5g_exec *x, float *y, size_t ldy, const float *in, size_t ldx,
                  const float *w, size_t n, size_t d, float eps)
{
    struct run r = {x, y, in, w, NULL, ldy, ldx, n, d, eps, true};
    t5g_exec_run(x, norm_item, &r, (n + ROWS - 1) / ROWS, 4 * n * d);
}

void
t5g_layer_norm_rows(const struct t5g_exec *x, float *y, size_t ldy, const float *in, size_t ldx,
                    const float *w, const float *b, size_t n, size_t d, float eps)
{
    struct run r = {x, y, in, w, b, ldy, ldx, n, d, eps, false};
    t5g_exec_run(x, norm_item, &r, (n + ROWS - 1) / ROWS, 8 * n * d);
}
