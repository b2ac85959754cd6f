/*
 * linear.c: out [m, rows] = a [m, k] w [rows, k]^T over the thread pool.
 *
 * Work is shared out by rows of w, never along k, so no sum is ever split: 16 rows an item in the
 * panel role (widened and transposed into the worker's scratch, then used for all m), some tens of
 * KB of weights an item in the row role.
 */
#include "nn/linear.h"

enum { CHUNK_BYTES = 65536, CHUNK_MOST = 256 /* rows */ };

struct run {
    const struct t5g_exec *x;
    const struct t5g_linear *jobs;
    size_t n_jobs;
    const float *a;
    size_t lda, m;
};

struct t5g_mat
t5g_mat_rows(struct t5g_mat m, size_t r0, size_t n)
{
    m.p = (const char *)m.p + r0 * m.cols * t5g_dtype_size(m.dtype);
    m.rows = n;
    return m;
}

static size_t
ceil_div(size_t a, size_t b)
{
    return (a + b - 1) / b;
}

/* Multiplications of a run. */
static size_t
cost_of(const struct run *r)
{
    size_t cost = 0;
    for (size_t i = 0; i < r->n_jobs; i++)
        cost += r->m * r->jobs[i].w.rows * r->jobs[i].w.cols * (r->jobs[i].up.p == NULL ? 1 : 2);
    return cost;
}

/* Rows of w that make an item of the row role. */
static size_t
chunk_of(const struct t5g_mat *w)
{
    size_t n = CHUNK_BYTES / (t5g_max(w->cols, 1) * t5g_dtype_size(w->dtype)) / 8 * 8;
    return t5g_min(t5g_max(n, 8), CHUNK_MOST);
}

size_t
t5g_linear_panels_scratch(size_t k)
{
    return (k + T5G_ROW_BLOCK) * T5G_PANEL;
}

size_t
t5g_linear_rows_scratch(void)
{
    return (size_t)T5G_STEP_ROWS * CHUNK_MOST;
}

/* Put the bias where the product will be added to it. */
static void
put_bias(float *out, size_t ld, const float *bias, size_t m, size_t n, bool add)
{
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++)
            out[i * ld + j] = add ? out[i * ld + j] + bias[j] : bias[j];
}

static void
panel_item(void *arg, size_t item, size_t worker)
{
    const struct run *r = arg;
    const struct t5g_kernels *k = r->x->k;
    const struct t5g_linear *job = r->jobs;
    for (; item >= ceil_div(job->w.rows, T5G_PANEL); job++)
        item -= ceil_div(job->w.rows, T5G_PANEL);
    size_t r0 = item * T5G_PANEL, cols = job->w.cols;
    size_t n = t5g_min(T5G_PANEL, job->w.rows - r0);
    float *panel = t5g_exec_scratch(r->x, worker), *up = panel + cols * T5G_PANEL;
    float *out = job->out + item * job->panel;
    struct t5g_mat w = t5g_mat_rows(job->w, r0, n);
    k->pack(panel, w.p, cols, w.dtype, n, cols);
    if (job->bias != NULL)
        put_bias(out, job->ld, job->bias + r0, r->m, n, job->add);
    k->gemm(out, job->ld, r->a, r->lda, panel, r->m, cols, n, job->add || job->bias != NULL);
    if (job->gelu)
        k->gelu(out, job->ld, r->m, n);
    if (job->up.p == NULL)
        return;
    w = t5g_mat_rows(job->up, r0, n);
    k->pack(panel, w.p, cols, w.dtype, n, cols);
    k->gemm(up, T5G_PANEL, r->a, r->lda, panel, r->m, cols, n, false);
    k->geglu(out, job->ld, up, T5G_PANEL, r->m, n);
}

void
t5g_linear_panels(const struct t5g_exec *x, const struct t5g_linear *jobs, size_t n_jobs,
                  const float *a, size_t lda, size_t m)
{
    struct run r = {x, jobs, n_jobs, a, lda, m};
    size_t items = 0;
    for (size_t i = 0; i < n_jobs; i++)
        items += ceil_div(jobs[i].w.rows, T5G_PANEL);
    t5g_exec_run(x, panel_item, &r, items, cost_of(&r));
}

static void
row_item(void *arg, size_t item, size_t worker)
{
    const struct run *r = arg;
    const struct t5g_kernels *k = r->x->k;
    const struct t5g_linear *job = r->jobs;
    for (; item >= ceil_div(job->w.rows, chunk_of(&job->w)); job++)
        item -= ceil_div(job->w.rows, chunk_of(&job->w));
    size_t chunk = chunk_of(&job->w), r0 = item * chunk, cols = job->w.cols;
    size_t n = t5g_min(chunk, job->w.rows - r0);
    struct t5g_mat w = t5g_mat_rows(job->w, r0, n);
    k->dot(job->out + r0, job->ld, r->a, r->lda, r->m, w.p, w.dtype, n, cols);
    if (job->up.p == NULL)
        return;
    float *up = t5g_exec_scratch(r->x, worker);
    w = t5g_mat_rows(job->up, r0, n);
    k->dot(up, CHUNK_MOST, r->a, r->lda, r->m, w.p, w.dtype, n, cols);
    k->geglu(job->out + r0, job->ld, up, CHUNK_MOST, r->m, n);
}

void
t5g_linear_rows(const struct t5g_exec *x, const struct t5g_linear *jobs, size_t n_jobs,
                const float *a, size_t lda, size_t m)
{
    struct run r = {x, jobs, n_jobs, a, lda, m};
    size_t items = 0;
    for (size_t i = 0; i < n_jobs; i++)
        items += ceil_div(jobs[i].w.rows, chunk_of(&jobs[i].w));
    t5g_exec_run(x, row_item, &r, items, cost_of(&r));
}
