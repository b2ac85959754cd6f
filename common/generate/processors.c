/* processors.c: the steps between logits and an id, in the order in which they are called. */
#include "generate/processors.h"
#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* logits [v]: the eos ids of c become -infinity. For the first min_new_tokens steps. */
static void
no_eos(float *logits, size_t v, const struct t5g_config *c)
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

bool
t5g_processes(const struct t5g_generate_options *o)
{
    return o->sample || (o->repetition_penalty != 0 && o->repetition_penalty != 1) ||
           o->no_repeat_ngram > 0;
}

/* Every id of the sequence once, however often it occurs: all from the original scores. */
static void
repetition(float *logits, const int32_t *ids, size_t n, float penalty)
{
    float *scores = t5g_alloc_raw(n, sizeof *scores);
    for (size_t i = 0; i < n; i++) {
        float s = logits[ids[i]];
        scores[i] = s < 0 ? s * penalty : s / penalty;
    }
    for (size_t i = 0; i < n; i++)
        logits[ids[i]] = scores[i];
    t5g_free(scores);
}

/* Forbid ids that would repeat a run of `size` ids. */
static void
no_repeat(float *logits, const int32_t *ids, size_t n, size_t size)
{
    if (n + 1 < size)
        return;
    const int32_t *last = ids + n - (size - 1);
    for (size_t i = 0; i + size <= n; i++)
        if (memcmp(ids + i, last, (size - 1) * sizeof *ids) == 0)
            logits[ids[i + size - 1]] = -INFINITY;
}

void
t5g_process(float *logits, size_t v, const struct t5g_generate_options *o,
            const struct t5g_config *c, const int32_t *ids, size_t n, size_t n_new)
{
    if (o->repetition_penalty != 0 && o->repetition_penalty != 1)
        repetition(logits, ids, n, (float)o->repetition_penalty);
    if (o->no_repeat_ngram > 0)
        no_repeat(logits, ids, n, o->no_repeat_ngram);
    if (n_new < o->min_new_tokens)
        no_eos(logits, v, c);
}

/* ---- draws ---- */

static int
descending(const void *a, const void *b)
{
    const float *x = a, *y = b;
    return (*x < *y) - (*x > *y);
}

/* Logits below least become -infinity. */
static void
keep_from(float *logits, size_t v, float least)
{
    for (size_t i = 0; i < v; i++)
        if (logits[i] < least)
            logits[i] = -INFINITY;
}

/* The finite logits, largest first. Returns their number. */
static size_t
sorted(float *out, const float *logits, size_t v)
{
    size_t n = 0;
    for (size_t i = 0; i < v; i++)
        if (logits[i] > -INFINITY)
            out[n++] = logits[i];
    qsort(out, n, sizeof *out, descending);
    return n;
}

/* The smallest of the k largest: a heap of k with the smallest on top. */
static float
kth_largest(float *heap, const float *logits, size_t v, size_t k)
{
    size_t n = 0;
    for (size_t i = 0; i < v; i++) {
        if (n < k) { /* sift up */
            size_t at = n++;
            for (; at > 0 && heap[(at - 1) / 2] > logits[i]; at = (at - 1) / 2)
                heap[at] = heap[(at - 1) / 2];
            heap[at] = logits[i];
        } else if (logits[i] > heap[0]) { /* sift down */
            size_t at = 0, child;
            for (; (child = 2 * at + 1) < k; at = child) {
                child += child + 1 < k && heap[child + 1] < heap[child];
                if (heap[child] >= logits[i])
                    break;
                heap[at] = heap[child];
            }
            heap[at] = logits[i];
        }
    }
    return heap[0];
}

/* HF drops from the small end while the sum of probabilities is at most 1 - p. */
static float
nucleus(float *scratch, const float *logits, size_t v, double p)
{
    size_t n = sorted(scratch, logits, v);
    double all = 0, below = 0;
    for (size_t i = 0; i < n; i++)
        all += exp((double)scratch[i] - (double)scratch[0]);
    for (; n > 1; n--) {
        below += exp((double)scratch[n - 1] - (double)scratch[0]) / all;
        if (below > 1 - p)
            break;
    }
    return scratch[n - 1];
}

void
t5g_warp(float *logits, size_t v, const struct t5g_generate_options *o, float *scratch)
{
    if (o->temperature != 0 && o->temperature != 1)
        for (size_t i = 0; i < v; i++)
            logits[i] /= (float)o->temperature;
    if (o->top_k > 0 && o->top_k < v)
        keep_from(logits, v, kth_largest(scratch, logits, v, o->top_k));
    if (o->top_p > 0 && o->top_p < 1)
        keep_from(logits, v, nucleus(scratch, logits, v, o->top_p));
    if (o->min_p > 0)
        keep_from(logits, v, (float)((double)logits[t5g_argmax(logits, v)] + log(o->min_p)));
}

size_t
t5g_draw(const float *logits, size_t v, double u)
{
    size_t best = t5g_argmax(logits, v), last = best;
    double all = 0, so_far = 0;
    for (size_t i = 0; i < v; i++)
        all += exp((double)logits[i] - (double)logits[best]);
    for (size_t i = 0; i < v; i++) {
        double p = exp((double)logits[i] - (double)logits[best]);
        if (p == 0)
            continue;
        so_far += p;
        last = i;
        if (so_far > u * all)
            break;
    }
    return last;
}

/* Splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014). */
double
t5g_uniform(uint64_t seed, size_t n)
{
    uint64_t z = seed + (n + 1) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (double)((z ^ z >> 31) >> 11) * 0x1p-53;
}
