/*
 * score.c: prompts, then the branches behind them, then the head over all rows that something
 * follows.
 *
 *   a slot holds a job: keys and values of its prompt (the trunk), and those of the tree's rows of
 *   the current step, and before them the ancestors of what comes next
 *   repeat: fill slots; steps over their prompts; steps over the nodes of their trees, in order
 *   rows for the head are collected from all of them: it reads the vocabulary once for
 *   T5G_ROW_BLOCK rows
 */
#include "generate/score.h"
#include "base/mem.h"
#include "nn/linear.h"

#include <stdlib.h>
#include <string.h>

enum {
    SLOTS = 64,
    ROOM = 2048, /* positions of all prompts in slots, if there is more than one: bounds memory */
};

struct slot {
    struct t5g_score_job *job;
    struct t5g_kvcache *trunk, *tree;
    int32_t *feed; /* [n_feed] start token and prompt */
    size_t n_feed, fed;
    size_t next;  /* of the targets' fed nodes: those before it are computed */
    size_t first; /* those before it were computed in earlier steps */
};

struct t5g_scorer {
    struct t5g_decoder *x;
    const struct t5g_config *c;
    struct slot slots[SLOTS];
    size_t n_slots; /* in use */
    struct t5g_part parts[T5G_ROW_BLOCK];
    struct t5g_limb limbs[T5G_ROW_BLOCK];
    struct slot *of_part[T5G_ROW_BLOCK];
    size_t of_row[T5G_ROW_BLOCK];  /* part of a row of the step */
    int32_t ids[T5G_ROW_BLOCK];    /* of the rows of the step */
    float *rows;                   /* [T5G_ROW_BLOCK, d] of the step */
    float *head;                   /* [n_head, d] rows for the head; T5G_ROW_BLOCK at most */
    struct t5g_score_job **job_of; /* [n_head] */
    size_t *position;              /* [n_head] in the decoder */
    size_t n_head;
    struct t5g_wanted *wanted; /* [n_wanted] arg: where the result belongs */
    size_t n_wanted, cap_wanted;
};

struct t5g_scorer *
t5g_scorer_open(struct t5g_decoder *x, const struct t5g_config *c)
{
    struct t5g_scorer *s = t5g_alloc(1, sizeof *s);
    size_t row = t5g_decoder_width(x) * sizeof(float);
    s->x = x;
    s->c = c;
    s->rows = t5g_alloc_raw(T5G_ROW_BLOCK, row);
    s->head = t5g_alloc_raw(T5G_ROW_BLOCK, row);
    s->job_of = t5g_alloc(T5G_ROW_BLOCK, sizeof(struct t5g_score_job *));
    s->position = t5g_alloc(T5G_ROW_BLOCK, sizeof *s->position);
    return s;
}

static void
clear(struct slot *t)
{
    t5g_kvcache_free(t->trunk);
    t5g_kvcache_free(t->tree);
    t5g_free(t->feed);
    *t = (struct slot){0};
}

void
t5g_scorer_close(struct t5g_scorer *s)
{
    if (s == NULL)
        return;
    t5g_free(s->rows);
    t5g_free(s->head);
    t5g_free(s->job_of);
    t5g_free(s->position);
    t5g_free(s->wanted);
    t5g_free(s);
}

/* ---- the head ---- */

static int
by_id(const void *a, const void *b)
{
    const struct t5g_wanted *x = a, *y = b;
    if (x->id != y->id)
        return x->id < y->id ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

/* Compute what the collected rows are wanted for. */
static void
flush(struct t5g_scorer *s)
{
    bool bad[T5G_ROW_BLOCK];
    if (s->n_head == 0)
        return;
    qsort(s->wanted, s->n_wanted, sizeof *s->wanted, by_id);
    t5g_decoder_logprobs(s->x, s->head, s->n_head, s->wanted, s->n_wanted, bad);
    for (size_t i = 0; i < s->n_wanted; i++)
        *(float *)s->wanted[i].arg = s->wanted[i].logprob;
    for (size_t i = 0; i < s->n_head; i++)
        if (bad[i] && s->job_of[i]->err.code == 0)
            t5g_err_set(&s->job_of[i]->err, T5G_EX_DATA,
                        "logits: not finite, at decoder position %zu", s->position[i]);
    s->n_head = s->n_wanted = 0;
}

/* Collect the row of a node, which the probabilities of its children are made of. */
static void
want(struct t5g_scorer *s, struct t5g_score_job *job, size_t node, const float *row)
{
    const struct t5g_targets *t = job->targets;
    size_t d = t5g_decoder_width(s->x), depth = node == 0 ? 0 : t->nodes[node].depth + 1;
    if (s->n_head == T5G_ROW_BLOCK)
        flush(s);
    memcpy(s->head + s->n_head * d, row, d * sizeof *row);
    s->job_of[s->n_head] = job;
    s->position[s->n_head] = job->n_prompt + depth;
    for (size_t i = node + 1; i < t->nodes[node].end; i = t->nodes[i].end) {
        s->wanted = t5g_grow(s->wanted, s->n_wanted, &s->cap_wanted, sizeof *s->wanted);
        s->wanted[s->n_wanted++] =
            (struct t5g_wanted){.row = s->n_head, .id = t->nodes[i].id, .arg = &job->logprob[i]};
    }
    s->n_head++;
}

/* ---- prompts ---- */

/* A slot for the next job, if there is room beside the others. */
static bool
take(struct t5g_scorer *s, struct t5g_score_job *job)
{
    const struct t5g_targets *a = job->targets;
    size_t positions = job->n_prompt + 1;
    for (size_t i = 0; i < s->n_slots; i++)
        positions += s->slots[i].n_feed;
    if (s->n_slots == SLOTS || (s->n_slots > 0 && positions > ROOM))
        return false;
    struct slot *t = &s->slots[s->n_slots++];
    *t = (struct slot){.job = job, .n_feed = job->n_prompt + 1, .next = 1, .first = 1};
    t->feed = t5g_alloc(t->n_feed, sizeof *t->feed);
    t->feed[0] = s->c->start;
    if (job->n_prompt > 0)
        memcpy(t->feed + 1, job->prompt, job->n_prompt * sizeof *t->feed);
    t->trunk = t5g_kvcache_open(s->x, t->n_feed);
    if (a->n_fed > 1)
        t->tree =
            t5g_kvcache_open_rows(s->x, a->deepest + 1 + t5g_min(a->n_fed - 1, T5G_ROW_BLOCK));
    return true;
}

/* One step over prompts; false if they are complete. */
static bool
prompts(struct t5g_scorer *s)
{
    size_t d = t5g_decoder_width(s->x), n = 0, rows = 0;
    for (size_t i = 0; i < s->n_slots && rows < T5G_ROW_BLOCK; i++) {
        struct slot *t = &s->slots[i];
        size_t m = t5g_min(t5g_min(t->n_feed - t->fed, T5G_PREFILL_ROWS), T5G_ROW_BLOCK - rows);
        if (m == 0)
            continue;
        s->parts[n] = (struct t5g_part){
            .cross = t->job->cross, .kv = t->trunk, .ids = t->feed + t->fed, .n = m};
        s->parts[n].rows = t->fed + m == t->n_feed ? s->rows + n * d : NULL;
        s->of_part[n++] = t;
        t->fed += m;
        rows += m;
    }
    if (n == 0)
        return false;
    t5g_decoder_prefill(s->x, s->parts, n);
    for (size_t i = 0; i < n; i++)
        if (s->parts[i].rows != NULL)
            want(s, s->of_part[i]->job, 0, s->parts[i].rows);
    return true;
}

/* ---- trees ---- */

/* Row of the tree's cache of fed node number k of this step. */
static size_t
row_of(const struct slot *t, size_t k)
{
    return t->job->targets->deepest + 1 + k - t->first;
}

/*
 * Nodes first..next were computed: keep the keys and values of those that are ancestors of what
 * comes next, by depth.
 */
static void
keep(struct slot *t)
{
    const struct t5g_targets *a = t->job->targets;
    if (t->next < a->n_fed)
        for (size_t node = a->nodes[a->fed[t->next]].parent; node != 0;
             node = a->nodes[node].parent)
            if (a->nodes[node].fed >= t->first)
                t5g_kvcache_move(t->tree, a->nodes[node].depth, row_of(t, a->nodes[node].fed));
    t->first = t->next;
}

/* Add the next node of a slot as row number `row` of the step, to part n - 1 or as part n. */
static size_t
add_node(struct t5g_scorer *s, struct slot *t, size_t first_row, size_t row, size_t n)
{
    const struct t5g_targets *a = t->job->targets;
    size_t k = t->next++, parent = a->nodes[a->nodes[a->fed[k]].parent].fed;
    bool here = parent >= t->first; /* in this step; node 0 and what was kept are not */
    size_t of_parent = here ? first_row + parent - t->first : 0;
    s->ids[row] = a->nodes[a->fed[k]].id;
    if (here && of_parent + 1 == row) { /* follows its parent */
        s->parts[n - 1].n++;
        s->of_row[row] = n - 1;
        return n;
    }
    struct t5g_limb *limb = &s->limbs[n];
    *limb = (struct t5g_limb){
        .trunk = t->trunk, .depth = a->nodes[a->fed[k]].depth, .row = row_of(t, k)};
    if (here) {
        limb->up = &s->parts[s->of_row[of_parent]];
        limb->up_n = a->nodes[a->fed[parent]].depth + 1 - limb->up->limb->depth;
    }
    s->parts[n] = (struct t5g_part){.cross = t->job->cross,
                                    .kv = t->tree,
                                    .ids = s->ids + row,
                                    .n = 1,
                                    .all = true,
                                    .rows = s->rows + row * t5g_decoder_width(s->x),
                                    .limb = limb};
    s->of_part[n] = t;
    s->of_row[row] = n;
    return n + 1;
}

/* One step over nodes; false if there are none left. */
static bool
branches(struct t5g_scorer *s)
{
    size_t n = 0, rows = 0, d = t5g_decoder_width(s->x);
    for (size_t i = 0; i < s->n_slots && rows < T5G_ROW_BLOCK; i++) {
        struct slot *t = &s->slots[i];
        size_t first_row = rows;
        while (t->next < t->job->targets->n_fed && rows < T5G_ROW_BLOCK)
            n = add_node(s, t, first_row, rows++, n);
    }
    if (n == 0)
        return false;
    t5g_decoder_branch(s->x, s->parts, n);
    for (size_t i = 0, row = 0; i < s->n_slots; i++) {
        struct slot *t = &s->slots[i];
        if (t->first == t->next)
            continue;
        for (size_t k = t->first; k < t->next; k++, row++)
            want(s, t->job, t->job->targets->fed[k], s->rows + row * d);
        keep(t);
    }
    return true;
}

void
t5g_score(struct t5g_scorer *s, struct t5g_score_job *const *jobs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        jobs[i]->err.code = 0;
    for (size_t i = 0; i < n;) {
        while (i < n && take(s, jobs[i]))
            i++;
        while (prompts(s))
            ;
        while (branches(s))
            ;
        for (size_t k = 0; k < s->n_slots; k++)
            clear(&s->slots[k]);
        s->n_slots = 0;
    }
    flush(s);
}
