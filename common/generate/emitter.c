/* emitter.c: hand out a sequence while it grows, as far as it is settled. */
#include "generate/emitter.h"

void
t5g_emitter_start(struct t5g_emitter *e, struct t5g_job *job, const struct t5g_stops *stops)
{
    e->job = job;
    e->stops = stops;
    e->known = e->decided = e->sent = 0;
    t5g_stopping_reset(&e->text);
}

/* Add an id's text. While a run of bytes is open, the end of its ids is not known. */
static void
add(struct t5g_emitter *e, int32_t id)
{
    e->end = t5g_grow(e->end, e->known, &e->cap, sizeof *e->end);
    e->known++;
    (void)t5g_stopping_add(e->stops, &e->text, id);
    while (e->text.run.n == 0 && e->decided < e->known)
        e->end[e->decided++] = e->text.n;
}

void
t5g_emitter_known(struct t5g_emitter *e, const int32_t *ids, const float *logprob, size_t n)
{
    size_t ready = n;
    if (e->job == NULL || e->job->emit == NULL)
        return;
    if (e->stops != NULL) {
        while (e->known < n)
            add(e, ids[e->known]);
        size_t sure = t5g_stopping_sure(e->stops, &e->text);
        ready = e->sent;
        while (ready < e->decided && e->end[ready] <= sure)
            ready++;
    }
    if (ready > e->sent)
        e->job->emit(e->job->arg, ids + e->sent, logprob != NULL ? logprob + e->sent : NULL,
                     ready - e->sent, NULL);
    e->sent = t5g_max(e->sent, ready);
}

void
t5g_emitter_end(struct t5g_emitter *e)
{
    if (e->job == NULL || e->job->emit == NULL)
        return;
    const struct t5g_sequence *s = &e->job->out;
    e->job->emit(e->job->arg, s->ids + e->sent, s->logprob != NULL ? s->logprob + e->sent : NULL,
                 s->n - e->sent, s);
}

void
t5g_emitter_free(struct t5g_emitter *e)
{
    t5g_stopping_free(&e->text);
    t5g_free(e->end);
}
