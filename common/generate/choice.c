/* choice.c: from the logits of a step to an id, and a sequence's state for it. */
#include "generate/choice.h"
#include "generate/draws.h"
#include "generate/processors.h"

static size_t
length(const struct t5g_choice *s)
{
    return s->ids.n / sizeof(int32_t);
}

static const int32_t *
ids_of(const struct t5g_choice *s)
{
    return (const int32_t *)(const void *)s->ids.p;
}

void
t5g_choice_start(struct t5g_choice *s, const int32_t *ids, size_t n, const struct t5g_job *job)
{
    s->ids.n = 0;
    t5g_buf_add(&s->ids, ids, n * sizeof *ids);
    s->n_new = 0;
    s->job = job;
    s->stop = NULL;
    t5g_stopping_reset(&s->text);
    s->at = (struct t5g_place){0};
}

void
t5g_choice_copy(struct t5g_choice *to, const struct t5g_choice *from)
{
    t5g_choice_start(to, ids_of(from), length(from), from->job);
    to->n_new = from->n_new;
    to->stop = from->stop;
    t5g_stopping_copy(&to->text, &from->text);
    to->at = from->at;
}

void
t5g_choice_add(const struct t5g_chooser *x, struct t5g_choice *s, int32_t id)
{
    t5g_buf_add(&s->ids, &id, sizeof id);
    s->n_new++;
    if (x->o->stops != NULL)
        s->stop = t5g_stopping_add(x->o->stops, &s->text, id);
}

const char *
t5g_choice_stop(const struct t5g_chooser *x, const struct t5g_choice *s, int32_t id)
{
    return x->o->stops != NULL ? t5g_stopping_would(x->o->stops, &s->text, id) : NULL;
}

void
t5g_choice_free(struct t5g_choice *s)
{
    t5g_buf_free(&s->ids);
    t5g_stopping_free(&s->text);
}

const int32_t *
t5g_choice_new(const struct t5g_choice *s)
{
    return ids_of(s) + length(s) - s->n_new;
}

const struct t5g_allowed *
t5g_choice_allowed(const struct t5g_chooser *x, struct t5g_choice *s)
{
    if (x->o->constraint == NULL)
        return NULL;
    return t5g_constraint_allowed(x->o->constraint, &s->at, t5g_choice_new(s), s->n_new);
}

void
t5g_choice_process(const struct t5g_chooser *x, struct t5g_choice *s, float *logits)
{
    const struct t5g_allowed *allowed = t5g_choice_allowed(x, s);
    struct t5g_history h = {.c = x->c,
                            .o = x->o,
                            .ids = ids_of(s),
                            .n = length(s),
                            .n_new = s->n_new,
                            .source = s->job->source,
                            .n_source = s->job->n_source,
                            .min_new = s->job->min_new,
                            .max_new = s->job->max_new,
                            .earlier = x->earlier,
                            .n_earlier = x->n_earlier};
    t5g_process(logits, x->c->decoder.v, &h);
    if (allowed != NULL)
        t5g_constraint_apply(allowed, logits, x->c->decoder.v);
}

int
t5g_choice_take(const struct t5g_chooser *x, struct t5g_choice *s, float *logits, int32_t *id,
                float *logprob, struct t5g_err *e)
{
    size_t v = x->c->decoder.v;
    t5g_choice_process(x, s, logits);
    /* transformers takes id 0, or fails if it draws; log(0) is not a score */
    if ((x->o->sample || x->o->logprobs || x->o->constraint != NULL) &&
        t5g_all_forbidden(logits, v))
        return t5g_constraint_forbids(t5g_choice_allowed(x, s), s->n_new + 1, e);
    if (x->o->sample) {
        t5g_warp(logits, v, x->o, 1, x->scratch);
        *id = (int32_t)t5g_draw(logits, v, t5g_uniform(s->job->seed, s->n_new));
    } else {
        *id = (int32_t)t5g_argmax(logits, v);
    }
    *logprob = x->o->logprobs ? t5g_logprob(logits, v, (size_t)*id) : 0;
    t5g_choice_add(x, s, *id);
    return 0;
}
