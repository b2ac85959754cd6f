/*
 * classify.c: start token and ids, all but the last, through the decoder; its rows times the head.
 *
 *   feed = start, ids[0] .. ids[n - 2]
 *   of a sequence, up to its last position that is not padding: later ones cannot change that row
 *   logits = rows score^T + bias
 *
 * Several documents share a step; a long one takes several.
 */
#include "generate/classify.h"
#include "base/mem.h"
#include "nn/linear.h"

#include <math.h>
#include <string.h>

enum {
    SLOTS = 32,
    ROOM = 8192, /* positions in slots, if there is more than one document: bounds memory */
};

struct slot {
    struct t5g_classify_job *job;
    struct t5g_kvcache *kv;
    int32_t *feed; /* [n] */
    size_t n, fed;
};

struct run {
    struct t5g_decoder *x;
    const struct t5g_model *m;
    const struct t5g_labels *labels;
    struct t5g_pool *pool;
    struct slot slots[SLOTS];
    size_t n_slots;
    float *rows;              /* [T5G_ROW_BLOCK, d] of the step */
    float *to[T5G_ROW_BLOCK]; /* where a row's logits belong; NULL: nowhere */
    struct t5g_part parts[SLOTS];
};

/* The position whose row stands for the whole sequence. */
static size_t
pooled(const struct t5g_labels *l, const int32_t *feed, size_t n)
{
    for (size_t i = n; i-- > 0;)
        if (feed[i] != l->pad)
            return i;
    return 0;
}

static bool
take(struct run *r, struct t5g_classify_job *job)
{
    size_t positions = job->n;
    bool tokens = r->labels->kind == T5G_HEAD_TOKENS;
    for (size_t i = 0; i < r->n_slots; i++)
        positions += r->slots[i].n;
    if (r->n_slots == SLOTS || (r->n_slots > 0 && positions > ROOM))
        return false;
    struct slot *s = &r->slots[r->n_slots++];
    *s = (struct slot){.job = job, .n = job->n};
    s->feed = t5g_alloc(job->n, sizeof *s->feed);
    s->feed[0] = r->labels->start;
    if (job->n > 1)
        memcpy(s->feed + 1, job->ids, (job->n - 1) * sizeof *s->feed);
    s->n = tokens ? job->n : pooled(r->labels, s->feed, job->n) + 1;
    s->kv = t5g_kvcache_open(r->x, s->n);
    job->err.code = 0;
    job->logits = t5g_alloc_raw((tokens ? job->n : 1) * r->labels->n, sizeof(float));
    return true;
}

static void
row_item(void *arg, size_t i, size_t worker)
{
    const struct run *r = arg;
    size_t d = t5g_decoder_width(r->x);
    const float *row = r->rows + i * d;
    (void)worker;
    for (size_t k = 0; k < r->labels->n && r->to[i] != NULL; k++) {
        double sum = (double)r->m->score_bias[k];
        for (size_t j = 0; j < d; j++)
            sum += (double)r->m->score[k * d + j] * (double)row[j];
        r->to[i][k] = (float)sum;
    }
}

/* One step over what is left of all documents in slots; false if nothing is. */
static bool
step(struct run *r)
{
    size_t d = t5g_decoder_width(r->x), n = 0, rows = 0;
    bool tokens = r->labels->kind == T5G_HEAD_TOKENS;
    for (size_t i = 0; i < r->n_slots && rows < T5G_ROW_BLOCK; i++) {
        struct slot *s = &r->slots[i];
        size_t m = t5g_min(t5g_min(s->n - s->fed, T5G_PREFILL_ROWS), T5G_ROW_BLOCK - rows);
        if (m == 0)
            continue;
        for (size_t j = 0; j < m; j++, s->fed++)
            r->to[rows + j] = tokens               ? s->job->logits + s->fed * r->labels->n
                              : s->fed + 1 == s->n ? s->job->logits
                                                   : NULL;
        r->parts[n++] = (struct t5g_part){.cross = s->job->cross,
                                          .kv = s->kv,
                                          .ids = s->feed + s->fed - m,
                                          .n = m,
                                          .all = true,
                                          .rows = r->rows + rows * d};
        rows += m;
    }
    if (n == 0)
        return false;
    t5g_decoder_prefill(r->x, r->parts, n);
    t5g_pool_run(r->pool, row_item, r, rows);
    return true;
}

/* Check and release what is in slots. */
static void
finish(struct run *r)
{
    bool tokens = r->labels->kind == T5G_HEAD_TOKENS;
    for (size_t i = 0; i < r->n_slots; i++) {
        struct slot *s = &r->slots[i];
        size_t n = (tokens ? s->job->n : 1) * r->labels->n;
        for (size_t k = 0; k < n && s->job->err.code == 0; k++)
            if (!isfinite(s->job->logits[k]))
                t5g_err_set(&s->job->err, T5G_EX_DATA, "label.logits: not finite, label '%s'",
                            r->labels->names[k % r->labels->n]);
        t5g_kvcache_free(s->kv);
        t5g_free(s->feed);
    }
    r->n_slots = 0;
}

void
t5g_classify(struct t5g_decoder *x, const struct t5g_model *m, struct t5g_pool *pool,
             struct t5g_classify_job *const *jobs, size_t n)
{
    struct run *r = t5g_alloc(1, sizeof *r);
    *r = (struct run){.x = x, .m = m, .labels = &m->config.labels, .pool = pool};
    r->rows = t5g_alloc_raw(T5G_ROW_BLOCK, t5g_decoder_width(x) * sizeof(float));
    for (size_t i = 0; i < n;) {
        while (i < n && take(r, jobs[i]))
            i++;
        while (step(r))
            ;
        finish(r);
    }
    t5g_free(r->rows);
    t5g_free(r);
}
