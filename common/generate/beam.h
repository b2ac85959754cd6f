/* beam.h: beam search, for t5g_generate in generate.c. */
#ifndef T5G_BEAM_H
#define T5G_BEAM_H

#include "generate/generate.h"

struct t5g_beams;

/* num_beams > 1. All arguments must outlive it. */
struct t5g_beams *t5g_beams_open(struct t5g_decoder *x, const struct t5g_model *m,
                                 const struct t5g_generate_options *o);
void t5g_beams_close(struct t5g_beams *b);

/* t5g_generate with beams: sets out and more of each job, the best first. */
void t5g_beams_run(struct t5g_beams *b, struct t5g_job *const *jobs, size_t n);

#endif
