/*
 * divergence.c: two decoders along one sequence, T5G_STEP_ROWS logits at a time.
 *
 *   x, y = logits of both                                       [rows, v] each
 *   ln p_j = x_j - lx,  lx = max x + ln sum_j exp(x_j - max x)  likewise ln p'_j = y_j - ly
 *   KL = sum_j p_j (ln p_j - ln p'_j) = sum_j p_j (x_j - y_j) - lx + ly
 */
#include "generate/divergence.h"
#include "base/mem.h"
#include "generate/processors.h"
#include "nn/linear.h"

#include <math.h>

/* Results of a row of both models' logits. */
struct found {
    double kl, logprob[2]; /* of the target, if any */
    bool same;
};

struct t5g_comparer {
    struct t5g_decoder *decoders[2];
    struct t5g_pool *pool;
    size_t v;
    float *rows[2];      /* [T5G_PREFILL_ROWS, d] of a step */
    float *logits[2];    /* [T5G_STEP_ROWS, v] of some of them */
    const int32_t *next; /* [n_next] targets of the current rows */
    size_t n_next;       /* rows beyond have none */
    struct found found[T5G_STEP_ROWS];
};

struct t5g_comparer *
t5g_comparer_open(struct t5g_decoder *const decoders[2], size_t v, struct t5g_pool *pool)
{
    struct t5g_comparer *x = t5g_alloc(1, sizeof *x);
    x->pool = pool;
    x->v = v;
    for (int s = 0; s < 2; s++) {
        x->decoders[s] = decoders[s];
        x->rows[s] =
            t5g_alloc_raw(T5G_PREFILL_ROWS, t5g_decoder_width(decoders[s]) * sizeof(float));
        x->logits[s] = t5g_alloc_raw(T5G_STEP_ROWS * v, sizeof(float));
    }
    return x;
}

void
t5g_comparer_close(struct t5g_comparer *x)
{
    if (x == NULL)
        return;
    for (int s = 0; s < 2; s++) {
        t5g_free(x->rows[s]);
        t5g_free(x->logits[s]);
    }
    t5g_free(x);
}

static struct found
found_of(const float *x, const float *y, size_t v, int32_t next)
{
    size_t bx = t5g_argmax(x, v), by = t5g_argmax(y, v);
    double mx = (double)x[bx], my = (double)y[by], sx = 0, sy = 0, gap = 0;
    for (size_t j = 0; j < v; j++) {
        double p = exp((double)x[j] - mx);
        sx += p;
        gap += p * ((double)x[j] - (double)y[j]);
        sy += exp((double)y[j] - my);
    }
    double lx = mx + log(sx), ly = my + log(sy);
    struct found f = {.kl = fmax(gap / sx - lx + ly, 0), .same = bx == by};
    if (next >= 0) {
        f.logprob[0] = (double)x[next] - lx;
        f.logprob[1] = (double)y[next] - ly;
    }
    return f;
}

static void
row_item(void *arg, size_t row, size_t worker)
{
    struct t5g_comparer *c = arg;
    (void)worker;
    c->found[row] = found_of(c->logits[0] + row * c->v, c->logits[1] + row * c->v, c->v,
                             row < c->n_next ? c->next[row] : -1);
}

static void
add(struct t5g_divergence *sum, const struct found *f, bool target)
{
    sum->positions++;
    sum->same += f->same;
    sum->kl += f->kl;
    if (!target)
        return;
    sum->targets++;
    sum->loss[0] -= f->logprob[0];
    sum->loss[1] -= f->logprob[1];
    sum->apart += fabs(f->logprob[0] - f->logprob[1]);
}

void
t5g_divergence_add(struct t5g_divergence *sum, const float *x, const float *y, size_t v,
                   int32_t next)
{
    struct found f = found_of(x, y, v, next);
    add(sum, &f, next >= 0);
}

/*
 * Add rows first..first+rows of the last step, those of the first of ids [n], the rest of the
 * sequence. False: a logit is not finite.
 */
static bool
compare(struct t5g_comparer *x, size_t first, size_t rows, const int32_t *ids, size_t n,
        double (*logprob)[2], struct t5g_divergence *sum)
{
    for (int s = 0; s < 2; s++)
        if (!t5g_decoder_logits(x->decoders[s],
                                x->rows[s] + first * t5g_decoder_width(x->decoders[s]), rows,
                                x->logits[s]))
            return false;
    x->next = ids + 1;
    x->n_next = t5g_min(rows, n - 1);
    t5g_pool_run(x->pool, row_item, x, rows);
    for (size_t j = 0; j < rows; j++)
        add(sum, &x->found[j], j < x->n_next);
    for (size_t j = 0; j < x->n_next && logprob != NULL; j++)
        for (int s = 0; s < 2; s++)
            logprob[j][s] = x->found[j].logprob[s];
    return true;
}

int
t5g_comparer_add(struct t5g_comparer *x, const struct t5g_cross *const cross[2], const int32_t *ids,
                 size_t n, size_t from, struct t5g_divergence *sum, double (*logprob)[2],
                 struct t5g_err *e)
{
    struct t5g_kvcache *kv[2];
    size_t most = t5g_decoder_given_rows(n);
    int r = 0;
    for (int s = 0; s < 2; s++)
        kv[s] = t5g_kvcache_open(x->decoders[s], n);
    for (size_t i = 0; i < n && r == 0; i += most) {
        size_t end = t5g_min(i + most, n);
        for (int s = 0; s < 2; s++)
            t5g_decoder_given(x->decoders[s], cross[s], kv[s], ids + i, end - i, n, x->rows[s]);
        for (size_t j = t5g_max(i, from); j < end && r == 0; j += T5G_STEP_ROWS) {
            size_t rows = t5g_min(T5G_STEP_ROWS, end - j);
            if (!compare(x, j - i, rows, ids + j, n - j,
                         logprob == NULL ? NULL : logprob + (j - from), sum))
                r = t5g_err_set(e, T5G_EX_DATA, "logits: not finite, at decoder position %zu", j);
        }
    }
    t5g_kvcache_free(kv[0]);
    t5g_kvcache_free(kv[1]);
    return r;
}
