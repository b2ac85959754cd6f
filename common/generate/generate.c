/*
 * generate.c: start token, prompt, then the largest logit of each step, or a draw, until an eos id;
 * several sequences together.
 *
 *   a slot holds a sequence: what is to be fed next (the rest of its prompt, or the id chosen last
 *   and guesses at what follows), its keys and values, and its logits
 *   repeat: fill free slots; one step of the decoder for long prompts, one for all other slots;
 *   choose in every slot that has logits
 */
#include "base/mem.h"
#include "generate/beam.h"
#include "generate/choice.h"
#include "generate/emitter.h"
#include "generate/lookup.h"
#include "generate/processors.h"
#include "nn/linear.h"

enum {
    ROOM = 512, /* positions at first; the cache doubles when a sequence needs more */
    SLOTS = 16,
};

struct slot {
    struct t5g_job *job; /* NULL: free */
    struct t5g_kvcache *kv;
    int32_t *feed; /* [n_feed] start token and prompt, then ids chosen and guessed */
    size_t n_feed, fed, cap_feed;
    bool prompt;    /* feed is still the prompt */
    size_t cap_out; /* capacity of job->out in ids */
    float *logits;  /* [1 + lookup, v]; if more than the id of the largest is needed */
    struct t5g_choice choice;
    struct t5g_emitter emitter;
    int32_t best[1 + T5G_LOOKUP_MAX];
    const struct t5g_allowed *allowed[1 + T5G_LOOKUP_MAX]; /* with a constraint */
};

struct t5g_generator {
    struct t5g_decoder *x;
    const struct t5g_model *m;
    struct t5g_generate_options o;
    bool all;       /* logits of all ids are needed */
    size_t n_slots; /* at a time */
    struct t5g_chooser how;
    struct t5g_beams *beams;
    struct slot slots[SLOTS];
    struct t5g_part parts[SLOTS];
    struct slot *of_part[SLOTS];
};

struct t5g_generator *
t5g_generator_open(struct t5g_decoder *x, const struct t5g_model *m,
                   const struct t5g_generate_options *o)
{
    struct t5g_generator *g = t5g_alloc(1, sizeof *g);
    g->x = x;
    g->m = m;
    g->o = *o;
    g->n_slots = t5g_min(SLOTS, T5G_STEP_ROWS / (1 + o->lookup));
    g->all = o->logprobs || o->sample || t5g_processes(o);
    g->how = (struct t5g_chooser){.c = &m->config, .o = &g->o};
    if (o->sample)
        g->how.scratch = t5g_alloc_raw(2 * m->config.decoder.v, sizeof *g->how.scratch);
    if (o->num_beams > 1)
        g->beams = t5g_beams_open(x, m, &g->o);
    return g;
}

void
t5g_generator_close(struct t5g_generator *g)
{
    if (g == NULL)
        return;
    for (size_t i = 0; i < SLOTS; i++) {
        t5g_kvcache_free(g->slots[i].kv);
        t5g_free(g->slots[i].feed);
        t5g_free(g->slots[i].logits);
        t5g_choice_free(&g->slots[i].choice);
        t5g_emitter_free(&g->slots[i].emitter);
    }
    t5g_beams_close(g->beams);
    t5g_free(g->how.scratch);
    t5g_free(g);
}

/* Room for n ids to feed. */
static void
reserve(struct slot *s, size_t n)
{
    if (n <= s->cap_feed)
        return;
    t5g_free(s->feed);
    s->cap_feed = t5g_max(n, 64);
    s->feed = t5g_alloc(s->cap_feed, sizeof *s->feed);
}

static void
start(struct t5g_generator *g, struct slot *s, struct t5g_job *job)
{
    if (s->kv == NULL) {
        s->kv = t5g_kvcache_open(g->x, ROOM);
        if (g->all)
            s->logits = t5g_alloc_raw((1 + g->o.lookup) * g->m->config.decoder.v, sizeof(float));
    }
    t5g_kvcache_reset(s->kv);
    reserve(s, t5g_max(job->n_prompt, g->o.lookup) + 1);
    s->feed[0] = g->m->config.start;
    if (job->n_prompt > 0)
        memcpy(s->feed + 1, job->prompt, job->n_prompt * sizeof *s->feed);
    s->n_feed = job->n_prompt + 1;
    t5g_choice_start(&s->choice, s->feed, s->n_feed, job);
    s->fed = 0;
    s->prompt = true;
    s->cap_out = 0;
    s->job = job;
    t5g_emitter_start(&s->emitter, job, g->o.stops);
}

static void
append(struct slot *s, bool logprobs, int32_t id, float logprob)
{
    struct t5g_sequence *o = &s->job->out;
    size_t cap = s->cap_out; /* of both */
    o->ids = t5g_grow(o->ids, o->n, &s->cap_out, sizeof *o->ids);
    if (logprobs)
        o->logprob = t5g_grow(o->logprob, o->n, &cap, sizeof *o->logprob);
    o->ids[o->n] = id;
    if (logprobs)
        o->logprob[o->n] = logprob;
    o->score += (double)logprob;
    o->n++;
}

/*
 * Id `k` of a step, from its logits or as the step found it; true if the sequence ends with it, or
 * fails.
 */
static bool
choose(struct t5g_generator *g, struct slot *s, size_t k, int32_t *id)
{
    struct t5g_sequence *o = &s->job->out;
    float logprob = 0;
    if (!g->all) {
        *id = s->best[k];
        if (*id < 0) {
            t5g_constraint_forbids(s->allowed[k], o->n + 1, &s->job->err);
            return true;
        }
        t5g_choice_add(&g->how, &s->choice, *id);
    } else if (t5g_choice_take(&g->how, &s->choice, s->logits + k * g->m->config.decoder.v, id,
                               &logprob, &s->job->err) < 0) {
        return true;
    }
    append(s, g->o.logprobs, *id, logprob);
    if (t5g_config_is_eos(&g->m->config, *id))
        o->finish = T5G_FINISH_EOS;
    else if ((o->stop = s->choice.stop) != NULL)
        o->finish = T5G_FINISH_STOP;
    bool end = o->finish != T5G_FINISH_LENGTH || o->n == s->job->max_new;
    if (end)
        t5g_emitter_end(&s->emitter);
    else
        t5g_emitter_known(&s->emitter, o->ids, o->logprob, o->n);
    return end;
}

/*
 * Choose ids from a step's logits. A guess that differs from the choice is removed, with those
 * after it.
 */
static void
advance(struct t5g_generator *g, struct slot *s, const struct t5g_part *p)
{
    size_t drafts = s->prompt ? 0 : s->n_feed - 1, taken = 0;
    int32_t id;
    if (p->bad) {
        t5g_err_set(&s->job->err, T5G_EX_DATA, "logits: not finite, at decoder position %zu",
                    t5g_kvcache_pos(s->kv) - 1);
        s->job = NULL;
        return;
    }
    for (;;) {
        bool end = choose(g, s, taken, &id);
        if (end) {
            s->job = NULL;
            return;
        }
        if (taken == drafts || s->feed[1 + taken] != id)
            break;
        taken++;
    }
    t5g_kvcache_drop(s->kv, drafts - taken);
    struct t5g_job *job = s->job;
    size_t most = t5g_min(g->o.lookup, job->max_new - job->out.n - 1);
    if (job->out.n < job->min_new) /* either all rows of a step forbid eos, or none */
        most = t5g_min(most, job->min_new - job->out.n - 1);
    s->prompt = false;
    s->feed[0] = id;
    s->n_feed =
        1 + t5g_lookup(job->source, job->n_source, job->out.ids, job->out.n, s->feed + 1, most);
    s->fed = 0;
}

/* With a constraint: what it allows in each of the rows that ids are chosen from. Guesses from the
 * first on that it does not allow are left out. */
static void
constrain(struct t5g_generator *g, struct slot *s)
{
    s->allowed[0] = t5g_choice_allowed(&g->how, &s->choice);
    struct t5g_place at = s->choice.at;
    for (size_t k = 0; !s->prompt && k + 1 < s->n_feed; k++) {
        if (!t5g_allowed_has(s->allowed[k], s->feed[1 + k])) {
            s->n_feed = 1 + k;
            return;
        }
        s->allowed[1 + k] = t5g_constraint_next(g->o.constraint, &at, s->feed[1 + k]);
    }
}

/* The next `take` rows of a slot as part n of the step. */
static void
put(struct t5g_generator *g, size_t n, struct slot *s, size_t take)
{
    size_t need = t5g_kvcache_pos(s->kv) + take;
    if (need > t5g_kvcache_max(s->kv))
        t5g_kvcache_grow(s->kv, t5g_max(need, 2 * t5g_kvcache_max(s->kv)));
    bool last = s->fed + take == s->n_feed;
    const struct t5g_allowed *const *allowed = g->o.constraint != NULL ? s->allowed : NULL;
    g->parts[n] = (struct t5g_part){.cross = s->job->cross,
                                    .kv = s->kv,
                                    .ids = s->feed + s->fed,
                                    .n = take,
                                    .all = !s->prompt,
                                    .logits = last && g->all ? s->logits : NULL,
                                    .best = last && !g->all ? s->best : NULL,
                                    .allowed = last && !g->all ? allowed : NULL,
                                    .no_eos = s->job->out.n < s->job->min_new};
    g->of_part[n] = s;
    s->fed += take;
}

/* Whether what a busy slot feeds is a prompt for panels. */
static bool
prefills(const struct slot *s)
{
    return s->prompt && s->n_feed >= T5G_PREFILL_FROM;
}

/* The next rows of long prompts, at most T5G_ROW_BLOCK. Returns the number of parts. */
static size_t
plan_prompts(struct t5g_generator *g)
{
    size_t n = 0, rows = 0;
    for (size_t i = 0; i < g->n_slots && rows < T5G_ROW_BLOCK; i++) {
        struct slot *s = &g->slots[i];
        if (s->job == NULL || !prefills(s))
            continue;
        if (g->o.constraint != NULL)
            constrain(g, s);
        size_t take = t5g_min(t5g_min(s->n_feed - s->fed, T5G_PREFILL_ROWS), T5G_ROW_BLOCK - rows);
        put(g, n++, s, take);
        rows += take;
    }
    return n;
}

/* The next rows of every other busy slot, at most T5G_STEP_ROWS. Returns the number of parts. */
static size_t
plan(struct t5g_generator *g)
{
    size_t n = 0, waiting = 0, rows = 0;
    for (size_t i = 0; i < g->n_slots; i++)
        waiting += g->slots[i].job != NULL && !prefills(&g->slots[i]);
    for (size_t i = 0; i < g->n_slots; i++) {
        struct slot *s = &g->slots[i];
        if (s->job == NULL || prefills(s))
            continue;
        if (g->o.constraint != NULL)
            constrain(g, s);
        waiting--; /* the others get their share, however long a prompt is */
        size_t room = T5G_STEP_ROWS - rows - waiting * (1 + g->o.lookup);
        size_t take = t5g_min(s->n_feed - s->fed, room);
        put(g, n++, s, take);
        rows += take;
    }
    return n;
}

/* Choose in every slot whose logits a step of `parts` parts has filled. */
static void
advance_all(struct t5g_generator *g, size_t parts)
{
    for (size_t i = 0; i < parts; i++)
        if (g->parts[i].logits != NULL || g->parts[i].best != NULL)
            advance(g, g->of_part[i], &g->parts[i]);
}

/* All jobs [n], as many at a time as there are slots. */
static void
run(struct t5g_generator *g, struct t5g_job *const *jobs, size_t n)
{
    size_t next = 0, prompts, parts;
    do {
        if (g->o.constraint != NULL)
            t5g_constraint_tidy(g->o.constraint);
        for (size_t i = 0; i < g->n_slots && next < n; i++)
            if (g->slots[i].job == NULL)
                start(g, &g->slots[i], jobs[next++]);
        prompts = plan_prompts(g);
        if (prompts > 0)
            t5g_decoder_prefill(g->x, g->parts, prompts);
        advance_all(g, prompts);
        parts = plan(g);
        if (parts > 0)
            t5g_decoder_step(g->x, g->parts, parts);
        advance_all(g, parts);
    } while (prompts + parts > 0);
}

/* The limits of a job. */
static void
limit(const struct t5g_generate_options *o, struct t5g_job *job)
{
    size_t given = 1 + job->n_prompt;
    job->max_new = o->max_new_tokens;
    if (o->max_length > 0)
        job->max_new = t5g_min(job->max_new, o->max_length > given ? o->max_length - given : 0);
    job->min_new = t5g_max(o->min_new_tokens, o->min_length > given ? o->min_length - given : 0);
}

/* What cannot be generated is not begun: those that can move to the front of jobs. */
static size_t
prepare(struct t5g_generator *g, struct t5g_job *const *jobs, struct t5g_job **ready, size_t n)
{
    size_t k = 0;
    for (size_t i = 0; i < n; i++) {
        struct t5g_job *job = jobs[i];
        t5g_sequence_free(&job->out);
        job->out.finish = T5G_FINISH_LENGTH;
        job->err.code = 0;
        limit(&g->o, job);
        if (job->max_new == 0 && g->o.max_length > 0)
            t5g_err_set(&job->err, T5G_EX_DATA,
                        "prompt of %zu tokens: max_length %zu leaves no room for an answer",
                        job->n_prompt, g->o.max_length);
        else if (job->source == NULL && t5g_generate_needs_source(&g->o))
            t5g_err_set(&job->err, T5G_EX_DATA,
                        "input.ids: missing, but an option is about the document's tokens");
        else if (job->max_new > 0)
            ready[k++] = job;
    }
    return k;
}

void
t5g_generate(struct t5g_generator *g, struct t5g_job *const *jobs, size_t n)
{
    struct t5g_job **ready = t5g_alloc(n, sizeof *ready);
    n = prepare(g, jobs, ready, n);
    if (g->beams != NULL)
        t5g_beams_run(g->beams, ready, n);
    else
        run(g, ready, n);
    t5g_free(ready);
}
