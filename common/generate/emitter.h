/* emitter.h: hand out a sequence while it grows, as far as it is settled. */
#ifndef T5G_EMITTER_H
#define T5G_EMITTER_H

#include "generate/generate.h"

/*
 * The ids of a job that are known, and those that job->emit has got. An id is held back as long as
 * its text may be part of a stop text, which is not printed. Zero-initialise; freed by
 * t5g_emitter_free.
 */
struct t5g_emitter {
    struct t5g_job *job; /* NULL, or without emit: nothing is handed out */
    const struct t5g_stops *stops;
    struct t5g_stopping text;
    size_t *end;                      /* [known] bytes of text up to the end of each id */
    size_t known, decided, sent, cap; /* end is decided for the first ids: no byte run is open */
};

void t5g_emitter_start(struct t5g_emitter *e, struct t5g_job *job, const struct t5g_stops *stops);

/* The first n ids of the sequence, which goes on, will not change. logprob NULL: none. */
void t5g_emitter_known(struct t5g_emitter *e, const int32_t *ids, const float *logprob, size_t n);

/* job->out is complete: hand out the rest. */
void t5g_emitter_end(struct t5g_emitter *e);

void t5g_emitter_free(struct t5g_emitter *e);

#endif
