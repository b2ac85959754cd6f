/* processors.c: the steps between logits and an id, in the order in which they are called. */
#include "generate/processors.h"

#include <math.h>

void
t5g_process_no_eos(float *logits, size_t v, const struct t5g_config *c)
{
    for (size_t i = 0; i < c->n_eos; i++)
        if (c->eos[i] >= 0 && (size_t)c->eos[i] < v)
            logits[c->eos[i]] = -INFINITY;
}

size_t
t5g_argmax(const float *logits, size_t v)
{
    size_t best = 0;
    for (size_t i = 1; i < v; i++)
        if (logits[i] > logits[best])
            best = i;
    return best;
}

float
t5g_logprob(const float *logits, size_t v, size_t id)
{
    float max = logits[t5g_argmax(logits, v)];
    double sum = 0;
    for (size_t i = 0; i < v; i++)
        sum += expf(logits[i] - max);
    return (float)((double)logits[id] - (double)max - log(sum));
}
