/*
 * beam.c: beam search, as in transformers' GenerationMixin._beam_search.
 *
 * A search has B running hypotheses, each with the sum of its log-probabilities, and a pool of the
 * B best finished ones, by sum / length ^ length_penalty.
 *
 * - step: log_softmax, processors, + the hypothesis' sum: the K = B max(2, 1 + eos ids) best
 *   continuations of all, or with --sample K draws without replacement from their softmax. Those
 *   that end (eos, or length) and are among the first B go to the pool; the best B that do not end
 *   run on.
 * - end: no running one can improve the pool's worst (see improvable), or the pool is full and
 *   early_stopping is true, or all K ended, or nothing is allowed any more: then the pool has fewer
 *   than B.
 *
 * Several searches run together: a decoder step has the hypotheses of all, or rows of long prompts.
 * Diverse beams have groups of beams and other rules, in diverse.c.
 */
#include "generate/beam.h"
#include "base/mem.h"
#include "generate/diverse.h"
#include "nn/linear.h"

#include <math.h>
#include <stdlib.h>

enum { ROOM = 512, SEARCHES = 16 };

struct t5g_beams {
    struct t5g_decoder *x;
    const struct t5g_model *m;
    size_t beams, n_searches;
    struct t5g_rules rules;
    struct t5g_search searches[SEARCHES];
    struct t5g_part parts[T5G_STEP_ROWS];
};

/* ---- memory ---- */

static void
hypothesis_free(struct t5g_hypothesis *h)
{
    t5g_choice_free(&h->choice);
    t5g_free(h->logprob);
}

struct t5g_beams *
t5g_beams_open(struct t5g_decoder *x, const struct t5g_model *m,
               const struct t5g_generate_options *o)
{
    struct t5g_beams *b = t5g_alloc(1, sizeof *b);
    struct t5g_rules *r = &b->rules;
    b->x = x;
    b->m = m;
    b->beams = t5g_min(o->num_beams, T5G_BEAMS_MAX);
    b->n_searches = t5g_min(SEARCHES, T5G_STEP_ROWS / b->beams);
    r->o = o;
    r->how = (struct t5g_chooser){.c = &m->config, .o = o};
    if (o->sample)
        r->how.scratch = t5g_alloc_raw(2 * m->config.decoder.v, sizeof *r->how.scratch);
    r->n_groups = t5g_max(o->num_beam_groups, 1);
    r->size = b->beams / r->n_groups;
    r->n_found = t5g_min(r->size * t5g_max(2, 1 + m->config.n_eos), T5G_CANDIDATES_MAX);
    return b;
}

void
t5g_beams_close(struct t5g_beams *b)
{
    if (b == NULL)
        return;
    for (size_t i = 0; i < SEARCHES; i++) {
        struct t5g_search *s = &b->searches[i];
        for (size_t k = 0; k < T5G_BEAMS_MAX; k++) {
            t5g_kvcache_free(s->kv[k]);
            hypothesis_free(&s->run[k]);
            hypothesis_free(&s->next[k]);
        }
        for (size_t k = 0; k < T5G_LEN(s->pool); k++)
            hypothesis_free(&s->pool[k]);
        t5g_emitter_free(&s->emitter);
        t5g_free(s->feed);
        t5g_free(s->logits);
    }
    t5g_free(b->rules.how.scratch);
    t5g_free(b);
}

static void
start(struct t5g_beams *b, struct t5g_search *s, struct t5g_job *job)
{
    size_t v = b->m->config.decoder.v, size = b->rules.size;
    if (s->logits == NULL)
        s->logits = t5g_alloc_raw(b->beams * v, sizeof *s->logits);
    for (size_t k = 0; k < b->beams; k++) {
        if (s->kv[k] == NULL)
            s->kv[k] = t5g_kvcache_open(b->x, ROOM);
        t5g_kvcache_reset(s->kv[k]);
    }
    t5g_free(s->feed);
    s->n_feed = job->n_prompt + 1;
    s->feed = t5g_alloc(s->n_feed, sizeof *s->feed);
    s->feed[0] = b->m->config.start;
    if (job->n_prompt > 0)
        memcpy(s->feed + 1, job->prompt, job->n_prompt * sizeof *s->feed);
    s->fed = 0;
    s->begun = false;
    for (size_t k = 0; k < b->rules.n_groups; k++) {
        s->groups[k] = (struct t5g_group){.first = k * size,
                                          .n_run = 1, /* the others would start the same way */
                                          .pool = s->pool + k * (size + 1),
                                          .open = true};
        t5g_choice_start(&s->run[k * size].choice, s->feed, s->n_feed, job);
        s->run[k * size].sum = 0;
    }
    s->job = job;
    t5g_emitter_start(&s->emitter, job, b->rules.o->stops);
}

/* ---- one step ---- */

/* Add a finished hypothesis to the pool, which stays sorted, after those of equal score. */
static void
pool_add(struct t5g_rules *r, struct t5g_search *s, struct t5g_group *g,
         const struct t5g_candidate *c)
{
    struct t5g_hypothesis *h = &g->pool[g->n_pool];
    t5g_search_extend(r, h, &s->run[c->beam], c);
    h->score = (double)(c->sum / (float)pow((double)h->choice.n_new, r->o->length_penalty));
    struct t5g_hypothesis mine = *h;
    size_t at = g->n_pool;
    for (; at > 0 && mine.score > g->pool[at - 1].score; at--)
        g->pool[at] = g->pool[at - 1];
    g->pool[at] = mine;
    g->n_pool = t5g_min(g->n_pool + 1, r->size); /* the place after it is scratch */
}

/* Whether a running hypothesis may still improve the pool. Once false, it stays false. */
static bool
improvable(const struct t5g_rules *r, const struct t5g_search *s, const struct t5g_group *g)
{
    size_t n = s->run[g->first].choice.n_new;
    if (g->n_pool < r->size)
        return true; /* transformers: better than -1e9, which a large length_penalty < 0 is not */
    if (r->o->early_stopping == T5G_EARLY_NEVER && r->o->length_penalty > 0)
        n = s->job->max_new;
    float best = s->run[g->first].sum / (float)pow((double)n, r->o->length_penalty);
    return (double)best > g->pool[g->n_pool - 1].score;
}

static int
larger_sum_first(const void *x, const void *y)
{
    const struct t5g_candidate *a = x, *b = y;
    if (a->sum != b->sum)
        return a->sum > b->sum ? -1 : 1;
    if (a->beam != b->beam)
        return a->beam < b->beam ? -1 : 1;
    return (a->id > b->id) - (a->id < b->id);
}

static void
advance(struct t5g_rules *r, struct t5g_search *s)
{
    struct t5g_group *g = &s->groups[0];
    struct t5g_hypothesis *best[T5G_BEAMS_MAX];
    size_t found = t5g_search_find(r, s, g), ended = 0;
    bool early = r->o->early_stopping == T5G_EARLY_TRUE;
    bool open = g->open && !(early && g->n_pool == r->size);
    if (found == 0 && t5g_search_lost(r, s, g))
        return;
    for (size_t i = 0; i < found; i++) {
        ended += r->found[i].ends;
        if (open && i < r->size && r->found[i].ends)
            pool_add(r, s, g, &r->found[i]);
    }
    if (r->o->sample) /* the pool takes them as drawn, the next step as they are worth */
        qsort(r->found, found, sizeof *r->found, larger_sum_first);
    t5g_search_go_on(r, s, g, found);
    g->open = g->n_run > 0 && g->open && improvable(r, s, g);
    for (size_t i = 0; i < g->n_pool; i++)
        best[i] = &g->pool[i];
    if (g->open && !(early && g->n_pool == r->size) && ended < found) {
        t5g_search_emit(r, s, best, t5g_min(g->n_pool, 1)); /* only one can be the best */
        return;
    }
    t5g_search_deliver(r, s, best, g->n_pool);
}

/* What a prompt's step gave to the first group is where the others start too. */
static void
spread(struct t5g_beams *b, struct t5g_search *s)
{
    size_t v = b->m->config.decoder.v;
    for (size_t k = 1; k < b->rules.n_groups; k++) {
        size_t at = s->groups[k].first;
        t5g_kvcache_copy(s->kv[at], s->kv[0]);
        memcpy(s->logits + at * v, s->logits, v * sizeof *s->logits);
    }
}

/* Whether the rest of a search's prompt is for panels. */
static bool
prefills(const struct t5g_search *s)
{
    return s->fed < s->n_feed && s->n_feed >= T5G_PREFILL_FROM;
}

/* A part for each hypothesis that runs. Returns their number. */
static size_t
plan_beams(struct t5g_beams *b, struct t5g_search *s, struct t5g_part *parts)
{
    size_t v = b->m->config.decoder.v, n = 0;
    for (size_t k = 0; k < b->rules.n_groups; k++)
        for (size_t i = s->groups[k].first; i < s->groups[k].first + s->groups[k].n_run; i++)
            parts[n++] = (struct t5g_part){.cross = s->job->cross,
                                           .kv = s->kv[i],
                                           .ids = t5g_choice_new(&s->run[i].choice) +
                                                  s->run[i].choice.n_new - 1,
                                           .n = 1,
                                           .logits = s->logits + i * v};
    return n;
}

/* The rows of a search: at most `most` of its prompt, or the last id of every hypothesis. */
static size_t
plan(struct t5g_beams *b, struct t5g_search *s, struct t5g_part *parts, size_t most)
{
    size_t pos, n = t5g_min(s->n_feed - s->fed, most);
    bool prompt = n > 0;
    pos = t5g_kvcache_pos(s->kv[0]) + t5g_max(n, 1);
    for (size_t k = 0; k < b->beams; k++)
        if (pos > t5g_kvcache_max(s->kv[k]))
            t5g_kvcache_grow(s->kv[k], 2 * pos);
    if (prompt) {
        bool last = s->fed + n == s->n_feed;
        parts[0] = (struct t5g_part){.cross = s->job->cross,
                                     .kv = s->kv[0],
                                     .ids = s->feed + s->fed,
                                     .n = n,
                                     .logits = last ? s->logits : NULL};
        s->fed += n;
        return 1;
    }
    return plan_beams(b, s, parts);
}

/* What the step gave a search in its parts [n]. */
static void
settle(struct t5g_beams *b, struct t5g_search *s, const struct t5g_part *parts, size_t n)
{
    bool bad = false, ready = n > 0;
    for (size_t k = 0; k < n; k++) {
        bad = bad || parts[k].bad;
        ready = ready && parts[k].logits != NULL;
    }
    if (bad) {
        t5g_err_set(&s->job->err, T5G_EX_DATA, "logits: not finite, at decoder position %zu",
                    t5g_kvcache_pos(s->kv[0]) - 1);
        s->job = NULL;
    } else if (ready) {
        if (!s->begun)
            spread(b, s);
        s->begun = true;
        if (b->rules.n_groups > 1)
            t5g_diverse_advance(&b->rules, s);
        else
            advance(&b->rules, s);
    }
}

/* A step of the searches that prefill, or of all others. Returns its number of parts. */
static size_t
step(struct t5g_beams *b, bool prefill)
{
    size_t from[SEARCHES + 1] = {0}, parts = 0, rows = 0;
    for (size_t i = 0; i < b->n_searches; i++) {
        struct t5g_search *s = &b->searches[i];
        size_t most = prefill ? t5g_min(T5G_PREFILL_ROWS, T5G_ROW_BLOCK - rows)
                              : T5G_STEP_ROWS / b->n_searches;
        if (s->job != NULL && prefills(s) == prefill && most > 0)
            parts += plan(b, s, b->parts + parts, most);
        for (size_t k = from[i]; k < parts; k++)
            rows += b->parts[k].n;
        from[i + 1] = parts;
    }
    if (parts > 0 && prefill)
        t5g_decoder_prefill(b->x, b->parts, parts);
    else if (parts > 0)
        t5g_decoder_step(b->x, b->parts, parts);
    for (size_t i = 0; i < b->n_searches; i++)
        settle(b, &b->searches[i], b->parts + from[i], from[i + 1] - from[i]);
    return parts;
}

void
t5g_beams_run(struct t5g_beams *b, struct t5g_job *const *jobs, size_t n)
{
    size_t next = 0, parts;
    do {
        if (b->rules.o->constraint != NULL)
            t5g_constraint_tidy(b->rules.o->constraint);
        for (size_t i = 0; i < b->n_searches && next < n; i++)
            if (b->searches[i].job == NULL)
                start(b, &b->searches[i], jobs[next++]);
        parts = step(b, true);
        parts += step(b, false);
    } while (parts > 0);
}
