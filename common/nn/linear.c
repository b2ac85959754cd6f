/*
 * linear.c: out [m, rows] = a [m, k] w [rows, k]^T over the thread pool.
 *
 * Work is divided by rows of w, never along k, so that no sum is split. An item is 16 to 64 rows in
 * the panel role (widened and transposed into the worker's scratch, then used for all m), and some
 * tens of KB of weights in the row role. Quantised weights are used in place, by one kernel in both
 * roles, so that in the panel role rows of a can be divided too: a thread then works on rows that
 * it made itself. Their activations are quantised once for each call. With products in bf16 the
 * panel role rounds activations once for each call, and weights that are not bf16 as they are
 * unpacked.
 *
 * What adapters add is computed beside the product (lowrank.c), in f32 and from a as it is,
 * whatever the weights are: their first matrices in a run of their own, in the role of the product.
 */
#include "nn/linear.h"
#include "kernels/panels.h"
#include "model/matrix.h"
#include "nn/lowrank.h"

#include <string.h>

enum {
    WIDEST = 4,      /* panels of an item in the panel role */
    PART_LEAST = 64, /* rows of a in a part of them */
    CHUNK_BYTES = 65536,
    CHUNK_MOST = 256, /* rows */
};

struct run {
    const struct t5g_exec *x;
    const struct t5g_linear *jobs;
    size_t n_jobs;
    const float *a;
    size_t lda, m;
    size_t wide;  /* panel role: rows of w in an item: 16, 32 or 64 */
    size_t items; /* panel role: for all rows of w, */
    size_t parts; /* and each of these parts of the rows of a; 1 unless all w are quantised */
    struct t5g_low_run *low; /* its items come before the others */
};

static size_t
ceil_div(size_t a, size_t b)
{
    return (a + b - 1) / b;
}

/* Panel i of a quantised matrix, and those after it. */
static struct t5g_qpanel
qpanel(const struct t5g_mat *w, size_t i)
{
    struct t5g_qpanel b = {.bits = t5g_quant_bits(w->dtype), .k = w->cols, .group = w->group};
    size_t groups = ceil_div(w->cols, w->group);
    b.next_w = t5g_qpanel_bytes(b.bits, w->cols);
    b.next_scale = groups * T5G_PANEL;
    b.next_zero = groups * t5g_qpanel_zeros(b.bits);
    b.w = (const uint8_t *)w->p + i * b.next_w;
    b.scale = w->scale + i * b.next_scale;
    b.zero = w->zero == NULL ? NULL : w->zero + i * b.next_zero;
    return b;
}

struct t5g_mat
t5g_mat_rows(struct t5g_mat m, size_t r0, size_t n)
{
    if (t5g_is_quantised(m.dtype)) {
        struct t5g_qpanel first = qpanel(&m, r0 / T5G_PANEL);
        m.p = first.w;
        m.scale = first.scale;
        m.zero = first.zero;
    } else {
        m.p = (const char *)m.p + r0 * m.cols * t5g_dtype_size(m.dtype);
    }
    m.low_row += r0;
    m.rows = n;
    return m;
}

struct t5g_affine
t5g_affine_rows(const struct t5g_affine *a, size_t r0, size_t n)
{
    return (struct t5g_affine){t5g_mat_rows(a->w, r0, n), a->b != NULL ? a->b + r0 : NULL};
}

/* ---- quantised ---- */

struct quantise {
    const struct t5g_exec *x;
    const float *a;
    size_t lda, m, k;
    struct t5g_qacts to;
};

enum { QUANTISE_ROWS = 8 };

/* Where x keeps the activations of products with w. */
static struct t5g_qacts
acts_of(const struct t5g_exec *x, const struct t5g_mat *w)
{
    size_t group = w->dtype == T5G_Q8 ? w->group : T5G_ACTS_GROUP;
    return (struct t5g_qacts){.q = x->q,
                              .ldq = t5g_round_up(w->cols, 64),
                              .scale = x->q_scale,
                              .sum = x->q_sum,
                              .group = group,
                              .groups = ceil_div(w->cols, group),
                              .piece = w->group,
                              .pieces = ceil_div(w->cols, w->group)};
}

static void
quantise_item(void *arg, size_t item, size_t worker)
{
    const struct quantise *r = arg;
    const struct t5g_exec *x = r->x;
    const struct t5g_qacts *to = &r->to;
    size_t end = t5g_min((item + 1) * QUANTISE_ROWS, r->m);
    (void)worker;
    for (size_t i = item * QUANTISE_ROWS; i < end; i++)
        x->k->quantize(x->q + i * to->ldq, x->q_scale + i * to->groups, x->q_sum + i * to->pieces,
                       r->a + i * r->lda, r->k, to->group, to->piece);
}

static void
round_item(void *arg, size_t item, size_t worker)
{
    const struct quantise *r = arg;
    size_t end = t5g_min((item + 1) * QUANTISE_ROWS, r->m);
    (void)worker;
    for (size_t i = item * QUANTISE_ROWS; i < end; i++)
        r->x->k->bf16_round(r->x->bf16 + i * t5g_bf16_stride(r->k), r->a + i * r->lda, r->k);
}

void
t5g_linear_quantise(const struct t5g_exec *x, const float *a, size_t lda, size_t m,
                    const struct t5g_mat *w)
{
    struct quantise r = {x, a, lda, m, w->cols, acts_of(x, w)};
    t5g_exec_run(x, quantise_item, &r, ceil_div(m, QUANTISE_ROWS), 8 * m * w->cols);
}

void
t5g_linear_quantised(const struct t5g_exec *x, float *out, size_t ld, size_t m,
                     const struct t5g_mat *w, size_t first, size_t n)
{
    struct t5g_qacts a = acts_of(x, w);
    struct t5g_qpanel b = qpanel(w, first);
    size_t r = first * T5G_PANEL;
    x->k->qgemm(out + r, ld, &a, &b, m, t5g_min(n * T5G_PANEL, w->rows - r), false);
}

/* Before a run: the activations of its quantised jobs, all of the same group. */
static void
prepare(const struct t5g_exec *x, const struct t5g_linear *jobs, size_t n_jobs, const float *a,
        size_t lda, size_t m)
{
    for (size_t i = 0; i < n_jobs; i++)
        if (t5g_is_quantised(jobs[i].w.dtype)) {
            t5g_linear_quantise(x, a, lda, m, &jobs[i].w);
            return;
        }
}

/* Before a run in the panel role: activations in bf16, if a job needs them. */
static void
prepare_bf16(const struct t5g_exec *x, const struct t5g_linear *jobs, size_t n_jobs, const float *a,
             size_t lda, size_t m)
{
    for (size_t i = 0; i < n_jobs && x->k->bf16_gemm != NULL; i++)
        if (!t5g_is_quantised(jobs[i].w.dtype)) {
            struct quantise r = {x, a, lda, m, jobs[i].w.cols, {0}};
            t5g_exec_run(x, round_item, &r, ceil_div(m, QUANTISE_ROWS), 2 * m * r.k);
            return;
        }
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

/* Rows of w in an item of the row role. */
static size_t
chunk_of(const struct t5g_mat *w)
{
    size_t item = t5g_is_quantised(w->dtype) ? 1 : t5g_dtype_size(w->dtype);
    size_t n = CHUNK_BYTES / (t5g_max(w->cols, 1) * item) / T5G_PANEL * T5G_PANEL;
    return t5g_min(t5g_max(n, T5G_PANEL), CHUNK_MOST);
}

size_t
t5g_linear_panels_scratch(size_t k)
{
    return (k + T5G_ROW_BLOCK) * WIDEST * T5G_PANEL;
}

size_t
t5g_linear_rows_scratch(void)
{
    return (size_t)T5G_STEP_ROWS * CHUNK_MOST;
}

/* Put the bias where the product will be added. */
static void
put_bias(float *out, size_t ld, const float *bias, size_t m, size_t n, bool add)
{
    typedef float some __attribute__((vector_size(64), aligned(4), may_alias)); /* 16 of them */
    for (size_t i = 0; i < m; i++, out += ld) {
        size_t j = 0;
        if (!add) {
            memcpy(out, bias, n * sizeof *out);
            continue;
        }
        for (; j + 16 <= n; j += 16)
            *(some *)(out + j) += *(const some *)(bias + j);
        for (; j < n; j++)
            out[j] += bias[j];
    }
}

static void
relu(float *x, size_t ld, size_t m, size_t n)
{
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++)
            x[i * ld + j] = x[i * ld + j] < 0 ? 0 : x[i * ld + j]; /* NaN stays */
}

/* out [m, n] = act(out); with up [m, n], act(out) * up. */
static void
activate(const struct t5g_kernels *k, enum t5g_activation act, float *out, size_t ld,
         const float *up, size_t ldu, size_t m, size_t n)
{
    if (act == T5G_GELU_TANH && up != NULL) {
        k->geglu(out, ld, up, ldu, m, n);
        return;
    }
    if (act == T5G_GELU_TANH)
        k->gelu(out, ld, m, n);
    else if (act == T5G_RELU)
        relu(out, ld, m, n);
    for (size_t i = 0; i < m && up != NULL; i++)
        for (size_t j = 0; j < n; j++)
            out[i * ld + j] *= up[i * ldu + j];
}

/* panel_product in bf16. */
static void
bf16_product(const struct run *r, const struct t5g_mat *w, size_t r0, size_t n, float *out,
             size_t ld, bool add, uint16_t *scratch)
{
    const struct t5g_kernels *k = r->x->k;
    size_t next = t5g_round_up(w->cols, T5G_BF16_STEP) * T5G_PANEL;
    for (size_t j = 0; j < n; j += T5G_PANEL) {
        struct t5g_mat rows = t5g_mat_rows(*w, r0 + j, t5g_min(T5G_PANEL, n - j));
        k->bf16_panel(scratch + j / T5G_PANEL * next, rows.p, w->cols, w->dtype, rows.rows,
                      w->cols);
    }
    k->bf16_gemm(out, ld, r->x->bf16, t5g_bf16_stride(w->cols), scratch, next, r->m, w->cols, n,
                 add);
}

/* The rows i0..i0+m of a that an item takes. */
struct part {
    size_t i0, m;
};

/* out [m, n], stride ld, (+)= part of a times rows r0..r0+n of w; scratch [k, n rounded up to 16].
 */
static void
panel_product(const struct run *r, const struct part *part, const struct t5g_mat *w, size_t r0,
              size_t n, float *out, size_t ld, bool add, float *scratch)
{
    const struct t5g_kernels *k = r->x->k;
    if (t5g_is_quantised(w->dtype)) {
        struct t5g_qacts a = acts_of(r->x, w);
        struct t5g_qpanel b = qpanel(w, r0 / T5G_PANEL);
        a.q += part->i0 * a.ldq;
        a.scale += part->i0 * a.groups;
        a.sum += part->i0 * a.pieces;
        k->qgemm(out, ld, &a, &b, part->m, n, add);
        return;
    }
    if (k->bf16_gemm != NULL) {
        bf16_product(r, w, r0, n, out, ld, add, (uint16_t *)scratch);
        return;
    }
    for (size_t j = 0; j < n; j += T5G_PANEL) {
        struct t5g_mat rows = t5g_mat_rows(*w, r0 + j, t5g_min(T5G_PANEL, n - j));
        k->to_panel(scratch + j * w->cols, rows.p, w->cols, w->dtype, rows.rows, w->cols);
    }
    k->gemm(out, ld, r->a, r->lda, scratch, w->cols * T5G_PANEL, r->m, w->cols, n, add);
}

/* out [m, n], stride ld, (+)= part of a times rows of w, with what adapters make of it. spare
 * [m, wide]. */
static void
adapted_product(const struct run *r, const struct part *part, const struct t5g_mat *w, size_t r0,
                size_t n, float *out, size_t ld, bool add, float *scratch, float *spare)
{
    bool apart = add && t5g_low_has_gain(w);
    float *to = apart ? spare : out;
    size_t ldt = apart ? r->wide : ld;
    panel_product(r, part, w, r0, n, to, ldt, add && !apart, scratch);
    t5g_low_apply(r->low, w, r0, n, to, ldt, part->i0, part->m, scratch);
    for (size_t i = 0; i < part->m && apart; i++)
        for (size_t j = 0; j < n; j++)
            out[i * ld + j] += spare[i * ldt + j];
}

/* Rows of w in an item: those of one panel if the output is in panels. */
static size_t
wide_of(const struct run *r, const struct t5g_linear *job)
{
    return job->panel == T5G_PANEL ? r->wide : T5G_PANEL;
}

void
t5g_linear_panel_start(const struct t5g_exec *x, const float *a, size_t lda, size_t m,
                       const struct t5g_mat *w)
{
    struct t5g_linear job = {.w = *w};
    struct t5g_low_run low;
    prepare(x, &job, 1, a, lda, m);
    prepare_bf16(x, &job, 1, a, lda, m);
    t5g_low_begin(&low, x, &job, 1, a, lda, m, true);
    t5g_low_all(&low);
}

void
t5g_linear_panel_some(const struct t5g_exec *x, const float *a, size_t lda, size_t m,
                      const struct t5g_mat *w, size_t r0, size_t n, float *out, size_t ld,
                      float *scratch)
{
    struct t5g_linear job = {.w = *w};
    struct t5g_low_run low;
    struct run r = {.x = x, .a = a, .lda = lda, .m = m, .low = &low};
    struct part all = {0, m};
    t5g_low_begin(&low, x, &job, 1, a, lda, m, true);
    low.items = 0; /* start did them */
    adapted_product(&r, &all, w, r0, n, out, ld, false, scratch, NULL);
}

static void
panel_item(void *arg, size_t item, size_t worker)
{
    const struct run *r = arg;
    const struct t5g_linear *job = r->jobs;
    if (item < r->low->items) {
        t5g_low_item(r->low, t5g_exec_scratch(r->x, worker));
        return;
    }
    item -= r->low->items;
    size_t number = item / r->items;
    struct part part = {.i0 = r->m * number / r->parts};
    part.m = r->m * (number + 1) / r->parts - part.i0;
    item %= r->items;
    for (; item >= ceil_div(job->w.rows, wide_of(r, job)); job++)
        item -= ceil_div(job->w.rows, wide_of(r, job));
    size_t wide = wide_of(r, job), r0 = item * wide, n = t5g_min(wide, job->w.rows - r0);
    float *panels = t5g_exec_scratch(r->x, worker); /* [k, 64], for adapters whatever wide is */
    float *up = panels + job->w.cols * WIDEST * T5G_PANEL;
    float *out = job->out + r0 / T5G_PANEL * job->panel + part.i0 * job->ld;
    if (job->bias != NULL)
        put_bias(out, job->ld, job->bias + r0, part.m, n, job->add);
    adapted_product(r, &part, &job->w, r0, n, out, job->ld, job->add || job->bias != NULL, panels,
                    up);
    if (job->up.p != NULL)
        adapted_product(r, &part, &job->up, r0, n, up, wide, false, panels, NULL);
    activate(r->x->k, job->act, out, job->ld, job->up.p != NULL ? up : NULL, wide, part.m, n);
}

static size_t
panel_items(const struct run *r)
{
    size_t items = 0;
    for (size_t i = 0; i < r->n_jobs; i++)
        items += ceil_div(r->jobs[i].w.rows, wide_of(r, &r->jobs[i]));
    return items;
}

static bool
all_quantised(const struct t5g_linear *jobs, size_t n_jobs)
{
    for (size_t i = 0; i < n_jobs; i++)
        if (!t5g_is_quantised(jobs[i].w.dtype))
            return false;
    return true;
}

/* prepared: x has the activations already. */
static void
panels(const struct t5g_exec *x, const struct t5g_linear *jobs, size_t n_jobs, const float *a,
       size_t lda, size_t m, bool prepared)
{
    struct t5g_low_run low;
    struct run r = {
        .x = x, .jobs = jobs, .n_jobs = n_jobs, .a = a, .lda = lda, .m = m, .low = &low};
    size_t threads = t5g_pool_threads(x->pool);
    r.wide = WIDEST * T5G_PANEL;
    r.parts = 1;
    if (all_quantised(jobs, n_jobs))
        r.parts = t5g_max(t5g_min(threads, m / PART_LEAST), 1);
    /* Wide items are faster, unless they are so few that threads are idle at the end. */
    while (r.wide > T5G_PANEL && r.parts * panel_items(&r) % threads != 0 &&
           r.parts * panel_items(&r) < 8 * threads)
        r.wide /= 2;
    r.items = panel_items(&r);
    if (!prepared) {
        prepare(x, jobs, n_jobs, a, lda, m);
        prepare_bf16(x, jobs, n_jobs, a, lda, m);
    }
    t5g_low_begin(&low, x, jobs, n_jobs, a, lda, m, true);
    t5g_exec_run(x, panel_item, &r, low.items + r.parts * r.items, cost_of(&r));
}

static void
see(const struct t5g_exec *x, const struct t5g_linear *jobs, size_t n_jobs, const float *a,
    size_t lda, size_t m)
{
    if (x->seen != NULL)
        x->seen(x->seen_arg, jobs, n_jobs, a, lda, m);
}

void
t5g_linear_panels(const struct t5g_exec *x, const struct t5g_linear *jobs, size_t n_jobs,
                  const float *a, size_t lda, size_t m)
{
    see(x, jobs, n_jobs, a, lda, m);
    panels(x, jobs, n_jobs, a, lda, m, false);
}

void
t5g_linear_panels_again(const struct t5g_exec *x, const struct t5g_linear *jobs, size_t n_jobs,
                        const float *a, size_t lda, size_t m)
{
    see(x, jobs, n_jobs, a, lda, m);
    panels(x, jobs, n_jobs, a, lda, m, true);
}

/* out [m, n], stride ld = a times rows r0..r0+n of w, with what adapters make of it. */
static void
row_product(const struct run *r, const struct t5g_mat *w, size_t r0, size_t n, float *out,
            size_t ld, float *scratch)
{
    struct t5g_mat some = t5g_mat_rows(*w, r0, n);
    if (t5g_is_quantised(w->dtype))
        t5g_linear_quantised(r->x, out, ld, r->m, &some, 0, ceil_div(n, T5G_PANEL));
    else
        r->x->k->dot(out, ld, r->a, r->lda, r->m, some.p, w->dtype, n, w->cols);
    t5g_low_apply(r->low, w, r0, n, out, ld, 0, r->m, scratch);
}

static void
row_item(void *arg, size_t item, size_t worker)
{
    const struct run *r = arg;
    const struct t5g_linear *job = r->jobs;
    if (item < r->low->items) {
        t5g_low_item(r->low, t5g_exec_scratch(r->x, worker));
        return;
    }
    item -= r->low->items;
    for (; item >= ceil_div(job->w.rows, chunk_of(&job->w)); job++)
        item -= ceil_div(job->w.rows, chunk_of(&job->w));
    size_t chunk = chunk_of(&job->w), r0 = item * chunk, n = t5g_min(chunk, job->w.rows - r0);
    float *out = job->out + r0, *more = t5g_exec_scratch(r->x, worker);
    float *low = more + t5g_linear_rows_scratch();
    if (job->add || job->bias != NULL) { /* added in the order of the panel role */
        row_product(r, &job->w, r0, n, more, CHUNK_MOST, low);
        if (job->bias != NULL)
            put_bias(out, job->ld, job->bias + r0, r->m, n, job->add);
        for (size_t i = 0; i < r->m; i++)
            for (size_t j = 0; j < n; j++)
                out[i * job->ld + j] += more[i * CHUNK_MOST + j];
    } else {
        row_product(r, &job->w, r0, n, out, job->ld, low);
    }
    if (job->up.p != NULL)
        row_product(r, &job->up, r0, n, more, CHUNK_MOST, low);
    activate(r->x->k, job->act, out, job->ld, job->up.p != NULL ? more : NULL, CHUNK_MOST, r->m, n);
}

void
t5g_linear_rows(const struct t5g_exec *x, const struct t5g_linear *jobs, size_t n_jobs,
                const float *a, size_t lda, size_t m)
{
    struct t5g_low_run low;
    struct run r = {
        .x = x, .jobs = jobs, .n_jobs = n_jobs, .a = a, .lda = lda, .m = m, .low = &low};
    size_t items = 0;
    see(x, jobs, n_jobs, a, lda, m);
    for (size_t i = 0; i < n_jobs; i++)
        items += ceil_div(jobs[i].w.rows, chunk_of(&jobs[i].w));
    prepare(x, jobs, n_jobs, a, lda, m);
    t5g_low_begin(&low, x, jobs, n_jobs, a, lda, m, false);
    t5g_exec_run(x, row_item, &r, low.items + items, cost_of(&r));
}
