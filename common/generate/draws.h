/* draws.h: random choices: which ids they are made from, and the choices. */
#ifndef T5G_DRAWS_H
#define T5G_DRAWS_H

#include "generate/generate.h"

/*
 * Apply temperature, top_k, top_p, min_p, typical_p, epsilon_cutoff and eta_cutoff, in this order,
 * which is Hugging Face's, to logits [v]: those of excluded ids become -infinity. Each looks at the
 * probabilities that the former ones leave. At least min_keep ids stay, if so many are allowed; of
 * equals at a limit, all stay. scratch [2 v].
 */
void t5g_warp(float *logits, size_t v, const struct t5g_generate_options *o, size_t min_keep,
              float *scratch);

/* The id drawn from softmax(logits) by a number 0 <= u < 1. */
size_t t5g_draw(const float *logits, size_t v, double u);

/*
 * The n-th number of a seed with the distribution -ln(-ln(u)). Log-weights with such numbers added,
 * in descending order, are draws without replacement (Gumbel; Yellott 1977).
 */
double t5g_gumbel(uint64_t seed, size_t n);

/* The n-th number 0 <= u < 1 of a seed. */
double t5g_uniform(uint64_t seed, size_t n);

#endif
