/*
 * processors.c: changes to the scores of one step before an id is chosen.
 *
 * Names, order and arithmetic are those of transformers' GenerationMixin._get_logits_processor.
 */
#include "generate/processors.h"
#include "base/mem.h"

#include <math.h>
#include <string.h>

size_t
t5g_argmax(const float *logits, size_t v)
{
    size_t best = 0;
    for (size_t i = 1; i < v; i++)
        if (logits[i] > logits[best])
            best = i;
    return best;
}

bool
t5g_all_forbidden(const float *logits, size_t v)
{
    return !(logits[t5g_argmax(logits, v)] > -INFINITY);
}

double
t5g_log_sum_exp(const float *logits, size_t v)
{
    float max = logits[t5g_argmax(logits, v)];
    double sum = 0;
    for (size_t i = 0; i < v; i++)
        sum += expf(logits[i] - max);
    return (double)max + log(sum);
}

float
t5g_logprob(const float *logits, size_t v, size_t id)
{
    return (float)((double)logits[id] - t5g_log_sum_exp(logits, v));
}

/* ---- what several processors do ---- */

/*
 * Scores of ids [n] below v, each once however often it occurs, so all from the original scores:
 * positive ones are divided by the penalty, negative ones multiplied.
 */
static void
penalise(float *logits, size_t v, const int32_t *ids, size_t n, float penalty)
{
    float *scores = t5g_alloc_raw(n, sizeof *scores);
    for (size_t i = 0; i < n; i++) {
        float s = (size_t)ids[i] < v ? logits[ids[i]] : 0;
        scores[i] = s < 0 ? s * penalty : s / penalty;
    }
    for (size_t i = 0; i < n; i++)
        if ((size_t)ids[i] < v)
            logits[ids[i]] = scores[i];
    t5g_free(scores);
}

/* Forbid ids below v that, after last [size - 1], would repeat a run of `size` ids of ids [n]. */
static void
forbid_runs(float *logits, size_t v, const int32_t *ids, size_t n, const int32_t *last, size_t size)
{
    for (size_t i = 0; i + size <= n; i++)
        if ((size_t)ids[i + size - 1] < v && memcmp(ids + i, last, (size - 1) * sizeof *ids) == 0)
            logits[ids[i + size - 1]] = -INFINITY;
}

static void
forbid(float *logits, size_t v, const int32_t *ids, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((size_t)ids[i] < v)
            logits[ids[i]] = -INFINITY;
}

/* All but these ids, whose score is 0 then. */
static void
force(float *logits, size_t v, const struct t5g_ids *ids)
{
    for (size_t i = 0; i < v; i++)
        logits[i] = -INFINITY;
    for (size_t i = 0; i < ids->n; i++)
        logits[ids->p[i]] = 0;
}

/* ---- the processors ---- */

static bool
has_sequence_bias(const struct t5g_generate_options *o)
{
    return o->sequence_bias != NULL;
}

static void
sequence_bias(float *logits, size_t v, const struct t5g_history *h)
{
    (void)v;
    t5g_bias_apply(h->o->sequence_bias, logits, h->ids, h->n);
}

static bool
has_diversity(const struct t5g_generate_options *o)
{
    return o->num_beam_groups > 1;
}

static void
diversity(float *logits, size_t v, const struct t5g_history *h)
{
    (void)v;
    for (size_t i = 0; i < h->n_earlier; i++) {
        size_t before = 0, times = 0;
        for (size_t k = 0; k < h->n_earlier; k++) {
            before += k < i && h->earlier[k] == h->earlier[i];
            times += h->earlier[k] == h->earlier[i];
        }
        if (before == 0)
            logits[h->earlier[i]] -= (float)h->o->diversity_penalty * (float)times;
    }
}

static bool
has_encoder_repetition(const struct t5g_generate_options *o)
{
    return o->encoder_repetition_penalty != 0 && o->encoder_repetition_penalty != 1;
}

static void
encoder_repetition(float *logits, size_t v, const struct t5g_history *h)
{
    penalise(logits, v, h->source, h->n_source, (float)(1 / h->o->encoder_repetition_penalty));
}

static bool
has_repetition(const struct t5g_generate_options *o)
{
    return o->repetition_penalty != 0 && o->repetition_penalty != 1;
}

static void
repetition(float *logits, size_t v, const struct t5g_history *h)
{
    penalise(logits, v, h->ids, h->n, (float)h->o->repetition_penalty);
}

static bool
has_no_repeat(const struct t5g_generate_options *o)
{
    return o->no_repeat_ngram > 0;
}

static void
no_repeat(float *logits, size_t v, const struct t5g_history *h)
{
    size_t size = h->o->no_repeat_ngram;
    if (h->n + 1 >= size)
        forbid_runs(logits, v, h->ids, h->n, h->ids + h->n - (size - 1), size);
}

static bool
has_encoder_no_repeat(const struct t5g_generate_options *o)
{
    return o->encoder_no_repeat_ngram > 0;
}

static void
encoder_no_repeat(float *logits, size_t v, const struct t5g_history *h)
{
    size_t size = h->o->encoder_no_repeat_ngram;
    if (h->n + 1 >= size)
        forbid_runs(logits, v, h->source, h->n_source, h->ids + h->n - (size - 1), size);
}

static bool
has_bad_words(const struct t5g_generate_options *o)
{
    return o->bad_words != NULL;
}

static void
bad_words(float *logits, size_t v, const struct t5g_history *h)
{
    (void)v;
    t5g_bias_apply(h->o->bad_words, logits, h->ids, h->n);
}

static bool
has_minimum(const struct t5g_generate_options *o)
{
    return o->min_new_tokens > 0 || o->min_length > 0;
}

/* min_length and min_new_tokens: the job's min_new is the larger of both. */
static void
minimum(float *logits, size_t v, const struct t5g_history *h)
{
    if (h->n_new < h->min_new)
        forbid(logits, v, h->c->eos, h->c->n_eos);
}

static bool
has_forced_bos(const struct t5g_generate_options *o)
{
    return o->forced_bos.n > 0;
}

static void
forced_bos(float *logits, size_t v, const struct t5g_history *h)
{
    if (h->n == 1)
        force(logits, v, &h->o->forced_bos);
}

static bool
has_forced_eos(const struct t5g_generate_options *o)
{
    return o->forced_eos.n > 0;
}

static void
forced_eos(float *logits, size_t v, const struct t5g_history *h)
{
    if (h->n_new + 1 == h->max_new)
        force(logits, v, &h->o->forced_eos);
}

static bool
has_decay(const struct t5g_generate_options *o)
{
    return o->decay_factor != 0 && o->decay_factor != 1;
}

/* Forbidden ids stay so, and amounts finite, where transformers gets NaN. */
static void
decay(float *logits, size_t v, const struct t5g_history *h)
{
    if (h->n_new <= h->o->decay_start)
        return;
    double power = pow(h->o->decay_factor, (double)(h->n_new - h->o->decay_start)) - 1;
    for (size_t i = 0; i < h->c->n_eos; i++) {
        size_t id = (size_t)h->c->eos[i];
        if (id < v && logits[id] > -INFINITY)
            logits[id] += fabsf(logits[id]) * (float)fmin(power, 1e20);
    }
}

static bool
has_suppress(const struct t5g_generate_options *o)
{
    return o->suppress.n > 0;
}

static void
suppress(float *logits, size_t v, const struct t5g_history *h)
{
    forbid(logits, v, h->o->suppress.p, h->o->suppress.n);
}

static bool
has_begin_suppress(const struct t5g_generate_options *o)
{
    return o->begin_suppress.n > 0;
}

/* The first id is the one after a forced one. */
static void
begin_suppress(float *logits, size_t v, const struct t5g_history *h)
{
    bool forced = h->o->forced_bos.n > 0 && h->n - h->n_new == 1;
    if (h->n_new == (forced ? 1 : 0))
        forbid(logits, v, h->o->begin_suppress.p, h->o->begin_suppress.n);
}

static const struct {
    const char *name;
    bool (*wanted)(const struct t5g_generate_options *o);
    void (*apply)(float *logits, size_t v, const struct t5g_history *h);
} processors[] = {
    {"sequence_bias", has_sequence_bias, sequence_bias},
    {"diversity_penalty", has_diversity, diversity},
    {"encoder_repetition_penalty", has_encoder_repetition, encoder_repetition},
    {"repetition_penalty", has_repetition, repetition},
    {"no_repeat_ngram_size", has_no_repeat, no_repeat},
    {"encoder_no_repeat_ngram_size", has_encoder_no_repeat, encoder_no_repeat},
    {"bad_words_ids", has_bad_words, bad_words},
    {"min_length, min_new_tokens", has_minimum, minimum},
    {"forced_bos_token_id", has_forced_bos, forced_bos},
    {"forced_eos_token_id", has_forced_eos, forced_eos},
    {"exponential_decay_length_penalty", has_decay, decay},
    {"suppress_tokens", has_suppress, suppress},
    {"begin_suppress_tokens", has_begin_suppress, begin_suppress},
};

bool
t5g_processes(const struct t5g_generate_options *o)
{
    bool any = false;
    for (size_t i = 0; i < T5G_LEN(processors); i++)
        any = any || (processors[i].apply != minimum && processors[i].wanted(o));
    return any;
}

void
t5g_process(float *logits, size_t v, const struct t5g_history *h)
{
    for (size_t i = 0; i < T5G_LEN(processors); i++)
        if (processors[i].wanted(h->o))
            processors[i].apply(logits, v, h);
}
