/*
 * beam.c: beam search, as in transformers' GenerationMixin._beam_search.
 *
 * A search has B running hypotheses, each with the sum of its log-probabilities, and a pool of the
 * B best finished ones, by sum / length ^ length_penalty.
 *
 * - step: log_softmax, processors, + the hypothesis' sum: the K = B max(2, 1 + eos ids) best
 *   continuations of all. Those that end (eos, or length) and are among the first B go to the pool;
 *   the best B that do not end run on.
 * - end: no running one can improve the pool's worst (see improvable), or the pool is full and
 *   early_stopping is true, or all K ended.
 *
 * Several searches run together: a decoder step has the hypotheses of all, or rows of long prompts.
 */
#include "generate/beam.h"
#include "base/mem.h"
#include "generate/choice.h"
#include "generate/processors.h"
#include "nn/linear.h"

#include <math.h>

#define NEVER (-1e9f) /* transformers' score of a missing hypothesis */

enum { ROOM = 512, SEARCHES = 16, CANDIDATES_MAX = 1024 };

struct hypothesis {
    struct t5g_choice choice; /* n_new ids are its own */
    float *logprob;           /* [cap_logprob] */
    size_t cap_logprob;
    float sum, score;
    bool finished;
};

struct candidate {
    float sum, logprob;
    size_t beam;
    int32_t id;
    bool ends;
};

struct search {
    struct t5g_job *job; /* NULL: free */
    struct t5g_kvcache *kv[T5G_BEAMS_MAX];
    struct hypothesis run[T5G_BEAMS_MAX], next[T5G_BEAMS_MAX], pool[T5G_BEAMS_MAX + 1];
    size_t n_run, n_pool;
    int32_t *feed; /* [n_feed] start token and prompt */
    size_t n_feed, fed;
    bool improving;
    float *logits; /* [num_beams, v] */
};

struct t5g_beams {
    struct t5g_decoder *x;
    const struct t5g_model *m;
    const struct t5g_generate_options *o;
    struct t5g_chooser how;
    size_t beams, candidates, n_searches;
    struct search searches[SEARCHES];
    struct t5g_part parts[T5G_STEP_ROWS];
    struct candidate found[CANDIDATES_MAX];
};

/* ---- memory ---- */

static void
hypothesis_free(struct hypothesis *h)
{
    t5g_choice_free(&h->choice);
    t5g_free(h->logprob);
}

struct t5g_beams *
t5g_beams_open(struct t5g_decoder *x, const struct t5g_model *m,
               const struct t5g_generate_options *o)
{
    struct t5g_beams *b = t5g_alloc(1, sizeof *b);
    b->x = x;
    b->m = m;
    b->o = o;
    b->how = (struct t5g_chooser){.c = &m->config, .o = o};
    b->beams = t5g_min(o->num_beams, T5G_BEAMS_MAX);
    b->candidates = t5g_min(b->beams * t5g_max(2, 1 + m->config.n_eos), CANDIDATES_MAX);
    b->n_searches = t5g_min(SEARCHES, T5G_STEP_ROWS / b->beams);
    return b;
}

void
t5g_beams_close(struct t5g_beams *b)
{
    if (b == NULL)
        return;
    for (size_t i = 0; i < SEARCHES; i++) {
        struct search *s = &b->searches[i];
        for (size_t k = 0; k < T5G_BEAMS_MAX; k++) {
            t5g_kvcache_free(s->kv[k]);
            hypothesis_free(&s->run[k]);
            hypothesis_free(&s->next[k]);
            hypothesis_free(&s->pool[k]);
        }
        hypothesis_free(&s->pool[T5G_BEAMS_MAX]);
        t5g_free(s->feed);
        t5g_free(s->logits);
    }
    t5g_free(b);
}

/* to = parent with one more id. */
static void
extend(struct hypothesis *to, const struct hypothesis *parent, const struct candidate *c)
{
    size_t n = parent->choice.n_new;
    if (to->cap_logprob <= n) {
        t5g_free(to->logprob);
        to->cap_logprob = t5g_max(64, 2 * n + 1);
        to->logprob = t5g_alloc_raw(to->cap_logprob, sizeof *to->logprob);
    }
    if (n > 0)
        memcpy(to->logprob, parent->logprob, n * sizeof *to->logprob);
    to->logprob[n] = c->logprob;
    t5g_choice_copy(&to->choice, &parent->choice);
    t5g_choice_add(&to->choice, c->id);
    to->sum = c->sum;
    to->finished = false;
}

static void
start(struct t5g_beams *b, struct search *s, struct t5g_job *job)
{
    size_t v = b->m->config.decoder.v;
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
    s->n_run = 1; /* the others would start with the same ids */
    t5g_choice_start(&s->run[0].choice, s->feed, s->n_feed, job);
    s->run[0].sum = 0;
    s->n_pool = 0;
    s->improving = true;
    s->job = job;
}

/* ---- one step ---- */

/* Whether a is better, or as good and earlier in the order of beams and ids. */
static bool
before(const struct candidate *a, const struct candidate *b)
{
    if (a->sum != b->sum)
        return a->sum > b->sum;
    return a->beam != b->beam ? a->beam < b->beam : a->id < b->id;
}

/* Put the best continuations of all hypotheses, in order, into b->found. Returns how many. */
static size_t
find(struct t5g_beams *b, struct search *s)
{
    const struct t5g_config *c = &b->m->config;
    size_t v = c->decoder.v, found = 0;
    for (size_t k = 0; k < s->n_run; k++) {
        float *row = s->logits + k * v;
        double all = t5g_log_sum_exp(row, v);
        for (size_t i = 0; i < v; i++)
            row[i] = (float)((double)row[i] - all);
        t5g_choice_process(&b->how, &s->run[k].choice, row);
        for (size_t i = 0; i < v; i++) {
            struct candidate x = {row[i] + s->run[k].sum, row[i], k, (int32_t)i, false};
            if (found == b->candidates && !before(&x, &b->found[found - 1]))
                continue;
            size_t at = found < b->candidates ? found++ : found - 1;
            for (; at > 0 && before(&x, &b->found[at - 1]); at--)
                b->found[at] = b->found[at - 1];
            b->found[at] = x;
        }
    }
    for (size_t i = 0; i < found; i++)
        b->found[i].ends = t5g_config_is_eos(c, b->found[i].id) ||
                           s->run[b->found[i].beam].choice.n_new + 1 == s->job->max_new;
    return found;
}

/* Add a finished hypothesis to the pool, which stays sorted, after those of equal score. */
static void
pool_add(struct t5g_beams *b, struct search *s, const struct candidate *c)
{
    struct hypothesis *h = &s->pool[s->n_pool];
    extend(h, &s->run[c->beam], c);
    h->score = c->sum / (float)pow((double)h->choice.n_new, b->o->length_penalty);
    h->finished = true;
    struct hypothesis mine = *h;
    size_t at = s->n_pool;
    for (; at > 0 && mine.score > s->pool[at - 1].score; at--)
        s->pool[at] = s->pool[at - 1];
    s->pool[at] = mine;
    s->n_pool = t5g_min(s->n_pool + 1, b->beams); /* the place after it is scratch */
}

/* Whether a running hypothesis may still improve the pool. Once false, it stays false. */
static bool
improvable(const struct t5g_beams *b, const struct search *s)
{
    size_t n = s->run[0].choice.n_new;
    if (b->o->early_stopping == T5G_EARLY_NEVER && b->o->length_penalty > 0)
        n = s->job->max_new;
    float best = s->run[0].sum / (float)pow((double)n, b->o->length_penalty);
    float worst = s->n_pool < b->beams ? NEVER : s->pool[s->n_pool - 1].score;
    return best > worst;
}

/* Set the next running hypotheses, with the caches of their parents. Returns how many. */
static size_t
go_on(struct t5g_beams *b, struct search *s, size_t found)
{
    struct t5g_kvcache *old[T5G_BEAMS_MAX], *kv[T5G_BEAMS_MAX];
    bool taken[T5G_BEAMS_MAX] = {false};
    size_t parent[T5G_BEAMS_MAX], n = 0, spare = 0;
    memcpy(old, s->kv, sizeof old);
    for (size_t i = 0; i < found && n < b->beams; i++)
        if (!b->found[i].ends) {
            extend(&s->next[n], &s->run[b->found[i].beam], &b->found[i]);
            parent[n++] = b->found[i].beam;
        }
    for (size_t i = 0; i < n; i++) { /* the first child gets its parent's */
        kv[i] = taken[parent[i]] ? NULL : old[parent[i]];
        taken[parent[i]] = true;
    }
    for (size_t i = 0; i < n; i++)
        if (kv[i] == NULL) {
            while (taken[spare])
                spare++;
            kv[i] = old[spare];
            taken[spare] = true;
            t5g_kvcache_copy(kv[i], old[parent[i]]);
        }
    for (size_t i = 0, free_one = n; i < b->beams; i++)
        if (!taken[i])
            kv[free_one++] = old[i];
    memcpy(s->kv, kv, b->beams * sizeof *kv);
    for (size_t i = 0; i < n; i++) {
        struct hypothesis h = s->run[i];
        s->run[i] = s->next[i];
        s->next[i] = h;
    }
    return n;
}

/* Fail the job: every id is forbidden, as the token after h. */
static void
give_up(struct t5g_beams *b, struct search *s, struct hypothesis *h)
{
    t5g_constraint_forbids(t5g_choice_allowed(&b->how, &h->choice), h->choice.n_new + 1,
                           &s->job->err);
    s->job = NULL;
}

/* Give the job its result. */
static void
deliver(struct t5g_beams *b, struct search *s)
{
    size_t wanted = t5g_max(b->o->num_return, 1);
    for (size_t i = 0; i < wanted && i < s->n_pool; i++)
        if (!isfinite(s->pool[i].score)) { /* fewer ids were allowed than there are beams */
            give_up(b, s, &s->pool[i]);
            return;
        }
    for (size_t i = 0; i < wanted && i < s->n_pool; i++) {
        struct t5g_sequence *to = i == 0 ? &s->job->out : &s->job->more[i - 1];
        const struct hypothesis *h = &s->pool[i];
        size_t n = h->choice.n_new;
        t5g_sequence_free(to);
        to->ids = (int32_t *)(void *)t5g_memdup(t5g_choice_new(&h->choice), n * sizeof *to->ids);
        to->logprob = (float *)(void *)t5g_memdup(h->logprob, n * sizeof *to->logprob);
        to->n = n;
        to->score = (double)h->score;
        to->finish =
            t5g_config_is_eos(&b->m->config, to->ids[n - 1]) ? T5G_FINISH_EOS : T5G_FINISH_LENGTH;
    }
    s->job = NULL;
}

static void
advance(struct t5g_beams *b, struct search *s)
{
    size_t found = find(b, s), ended = 0;
    bool early = b->o->early_stopping == T5G_EARLY_TRUE;
    bool open = s->improving && !(early && s->n_pool == b->beams);
    if (!isfinite(b->found[0].sum)) {
        give_up(b, s, &s->run[0]);
        return;
    }
    for (size_t i = 0; i < found; i++) {
        ended += b->found[i].ends;
        if (open && i < b->beams && b->found[i].ends)
            pool_add(b, s, &b->found[i]);
    }
    s->n_run = go_on(b, s, found);
    s->improving = s->n_run > 0 && s->improving && improvable(b, s);
    if (!s->improving || (early && s->n_pool == b->beams) || ended == found)
        deliver(b, s);
}

/* Whether the rest of a search's prompt is for panels. */
static bool
prefills(const struct search *s)
{
    return s->fed < s->n_feed && s->n_feed >= T5G_PREFILL_FROM;
}

/* The rows of a search: at most `most` of its prompt, or the last id of every hypothesis. */
static size_t
plan(struct t5g_beams *b, struct search *s, struct t5g_part *parts, size_t most)
{
    size_t v = b->m->config.decoder.v, pos;
    size_t n = t5g_min(s->n_feed - s->fed, most);
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
    for (size_t k = 0; k < s->n_run; k++)
        parts[k] =
            (struct t5g_part){.cross = s->job->cross,
                              .kv = s->kv[k],
                              .ids = t5g_choice_new(&s->run[k].choice) + s->run[k].choice.n_new - 1,
                              .n = 1,
                              .logits = s->logits + k * v};
    return s->n_run;
}

/* What the step gave a search in its parts [n]. */
static void
settle(struct t5g_beams *b, struct search *s, const struct t5g_part *parts, size_t n)
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
        advance(b, s);
    }
}

/* A step of the searches that prefill, or of all others. Returns its number of parts. */
static size_t
step(struct t5g_beams *b, bool prefill)
{
    size_t from[SEARCHES + 1] = {0}, parts = 0, rows = 0;
    for (size_t i = 0; i < b->n_searches; i++) {
        struct search *s = &b->searches[i];
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
        if (b->o->constraint != NULL)
            t5g_constraint_tidy(b->o->constraint);
        for (size_t i = 0; i < b->n_searches && next < n; i++)
            if (b->searches[i].job == NULL)
                start(b, &b->searches[i], jobs[next++]);
        parts = step(b, true);
        parts += step(b, false);
    } while (parts > 0);
}
