/* scores.c: one decode.ids for every target or choice, with its score. */
#include "stage/scores.h"
#include "base/num.h"
#include "base/stop.h"
#include "cli/progress.h"
#include "generate/sequence.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct held {
    struct t5g_score_job job;
    const struct t5g_variant *by;
    int32_t *ids; /* [job.n_prompt] */
    char *prompt; /* JSON string, NULL for none */
};

struct t5g_scores {
    struct t5g_run *run;
    const struct t5g_doc *doc;
    const struct t5g_scoring *x;
    bool (*dropped)(const char *, void *);
    struct t5g_given own;
    const struct t5g_given *given;
    bool open;       /* DOC is written */
    struct held **v; /* [n] not written yet */
    size_t n, cap;
};

/* The document's own targets. -1 with e. */
static int
read_own(struct t5g_scores *s, struct t5g_err *e)
{
    struct t5g_prompt one = {0};
    size_t a, b, n = 0;
    int r = 0;
    for (size_t i = 0; i < s->doc->n_items && r == 0; i++) {
        const struct t5g_frame *f = &s->doc->items[i];
        if (!t5g_frame_is(f, "target"))
            continue;
        n++;
        if (f->kind != T5G_KIND_TEXT)
            r = t5g_err_set(e, T5G_EX_DATA, "target: expected a TEXT");
        else
            r = t5g_prompt_fill(&one, s->x->tokenizer, &s->x->take, (const char *)f->data,
                                (size_t)f->size, e);
        if (r == 0 && t5g_given_add(&s->own, &s->x->how, one.ids.p, one.ids.n, e) < 0)
            r = t5g_err_in(e, "target %zu", n);
    }
    t5g_prompt_free(&one);
    if (r == 0 && n == 0)
        r = t5g_err_set(e, T5G_EX_DATA,
                        "no target: give --target or --targets, or \"target\" in its JSON line");
    return r < 0 ? r : t5g_given_finish(&s->own, &s->x->how, &a, &b);
}

struct t5g_scores *
t5g_scores_open(struct t5g_run *run, const struct t5g_doc *doc, const struct t5g_scoring *x,
                bool (*dropped)(const char *, void *), struct t5g_err *e)
{
    struct t5g_scores *s = t5g_alloc(1, sizeof *s);
    *s = (struct t5g_scores){.run = run, .doc = doc, .x = x, .dropped = dropped};
    s->given = x->given != NULL ? x->given : &s->own;
    if (x->given == NULL && read_own(s, e) < 0) {
        t5g_scores_close(s);
        return NULL;
    }
    return s;
}

/* Drop what was asked for. */
static void
forget(struct t5g_scores *s)
{
    for (size_t i = 0; i < s->n; i++) {
        t5g_free(s->v[i]->job.logprob);
        t5g_free(s->v[i]->ids);
        t5g_free(s->v[i]->prompt);
        t5g_free(s->v[i]);
    }
    s->n = 0;
}

void
t5g_scores_close(struct t5g_scores *s)
{
    if (s == NULL)
        return;
    forget(s);
    t5g_free(s->v);
    t5g_given_free(&s->own);
    t5g_free(s);
}

static void
written(int result, const struct t5g_err *e)
{
    if (result < 0)
        t5g_die_err(e);
}

static void
open_doc(struct t5g_scores *s)
{
    struct t5g_err e;
    if (!s->open)
        written(t5g_doc_write_open(s->run->w, s->doc, s->dropped, NULL, &e), &e);
    s->open = true;
}

/* A target of a prompt. */
struct one {
    size_t number; /* in the order in which they are given */
    double score, probability;
    float *logprob; /* [ids scored] */
};

/* The frames of one target. */
static void
write_one(struct t5g_scores *s, const struct held *h, const struct one *t, size_t rank)
{
    const struct t5g_given_options *how = &s->x->how;
    struct t5g_buf extra = {0};
    struct t5g_err e;
    char text[32];
    size_t n;
    const int32_t *ids = t5g_targets_get(&s->given->whole, t->number, &n);
    bool eos = !how->no_eos && !how->by_first;
    if (h->prompt != NULL)
        t5g_buf_printf(&extra, "\"prompt\":%s,", h->prompt);
    if (h->by->name != NULL)
        t5g_buf_printf(&extra, "\"adapter\":\"%s\",", h->by->name);
    t5g_buf_printf(&extra, "\"rank\":%zu,\"%s\":%zu", rank, how->choices ? "choice" : "target",
                   t->number);
    size_t common = extra.n;
    t5g_num_print_f32(text, (float)t->score);
    t5g_buf_printf(&extra, ",\"score\":%s", text);
    if (how->choices)
        t5g_buf_printf(&extra, ",\"probability\":%.9g,\"choices\":%zu", t->probability,
                       s->given->whole.n);
    t5g_buf_printf(&extra, ",\"finish\":\"%s\"",
                   t5g_finish_name(eos ? T5G_FINISH_EOS : T5G_FINISH_LENGTH));
    written(
        t5g_writer_tensor(s->run->w, "decode.ids", T5G_I32, 1, (uint64_t[]){n}, ids, extra.p, &e),
        &e);
    if (s->x->logprobs) {
        extra.p[common] = '\0';
        written(t5g_writer_tensor(s->run->w, "decode.logprob", T5G_F32, 1, (uint64_t[]){n},
                                  t->logprob, extra.p, &e),
                &e);
    }
    t5g_buf_free(&extra);
}

static int
by_score(const void *a, const void *b)
{
    const struct one *x = a, *y = b;
    if (x->score > y->score || x->score < y->score)
        return x->score > y->score ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

/* Softmax of the scores. */
static void
normalise(struct one *t, size_t n)
{
    double max = -INFINITY, sum = 0;
    for (size_t i = 0; i < n; i++)
        max = fmax(max, t[i].score);
    for (size_t i = 0; i < n; i++)
        sum += exp(t[i].score - max);
    for (size_t i = 0; i < n; i++)
        t[i].probability = exp(t[i].score - max) / sum;
}

/* All targets of a prompt. */
static void
write_held(struct t5g_scores *s, const struct held *h)
{
    const struct t5g_targets *tree = t5g_given_tree(s->given);
    size_t total = tree->n > 0 ? tree->end[tree->n - 1] : 0;
    struct one *t = t5g_alloc(tree->n, sizeof *t);
    float *logprob = t5g_alloc_raw(total, sizeof *logprob);
    total = 0;
    for (size_t i = 0; i < tree->n; i++) {
        size_t n;
        (void)t5g_targets_get(tree, i, &n);
        t[i] = (struct one){.number = i, .logprob = logprob + total};
        t5g_targets_pick(tree, i, h->job.logprob, t[i].logprob);
        for (size_t j = 0; j < n; j++)
            t[i].score += (double)t[i].logprob[j];
        total += n;
    }
    normalise(t, tree->n);
    if (s->x->rank)
        qsort(t, tree->n, sizeof *t, by_score);
    open_doc(s);
    for (size_t i = 0; i < tree->n; i++)
        write_one(s, h, &t[i], i);
    t5g_free(logprob);
    t5g_free(t);
}

/* Compute and write what was just asked for. */
static int
answer(struct t5g_scores *s, struct t5g_err *e)
{
    struct t5g_score_job *job = &s->v[0]->job;
    int r;
    t5g_score(s->v[0]->by->scorer, &job, 1);
    if ((r = t5g_scores_check(s, e)) == 0) {
        write_held(s, s->v[0]);
        written(t5g_writer_flush(s->run->w, e), e);
    }
    forget(s);
    return r;
}

int
t5g_scores_add(struct t5g_scores *s, const struct t5g_variant *by, const struct t5g_cross *cross,
               const struct t5g_prompt *p, bool now, struct t5g_err *e)
{
    struct held *h = t5g_alloc(1, sizeof *h);
    const struct t5g_targets *tree = t5g_given_tree(s->given);
    if (p != NULL) {
        h->ids = t5g_alloc(p->ids.n, sizeof *h->ids);
        if (p->ids.n > 0)
            memcpy(h->ids, p->ids.p, p->ids.n * sizeof *h->ids);
        h->prompt = t5g_strdup(p->json.p);
    }
    h->by = by;
    h->job = (struct t5g_score_job){.cross = cross,
                                    .prompt = h->ids,
                                    .n_prompt = p != NULL ? p->ids.n : 0,
                                    .targets = tree,
                                    .logprob = t5g_alloc(tree->n_nodes, sizeof(float))};
    s->v = t5g_grow(s->v, s->n, &s->cap, sizeof *s->v);
    s->v[s->n++] = h;
    return now ? answer(s, e) : 0;
}

size_t
t5g_scores_jobs(struct t5g_scores *s, const struct t5g_variant *by, struct t5g_score_job **jobs)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++) {
        if (s->v[i]->by != by)
            continue;
        if (jobs != NULL)
            jobs[n] = &s->v[i]->job;
        n++;
    }
    return n;
}

int
t5g_scores_check(const struct t5g_scores *s, struct t5g_err *e)
{
    for (size_t i = 0; i < s->n; i++) {
        if (s->v[i]->job.err.code != 0) {
            *e = s->v[i]->job.err;
            return -1;
        }
        t5g_progress_add(s->v[i]->job.targets->n_nodes - 1);
    }
    return 0;
}

void
t5g_scores_finish(struct t5g_scores *s)
{
    struct t5g_err e;
    t5g_stop_hold();
    open_doc(s);
    for (size_t i = 0; i < s->n; i++)
        write_held(s, s->v[i]);
    written(t5g_writer_frame(s->run->w, &s->doc->close, &e), &e);
    t5g_run_done(s->run, 0);
    t5g_stop_release();
}
