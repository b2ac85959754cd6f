/* draws.c: random choices: which ids they are made from, and the choices. */
#include "generate/draws.h"
#include "generate/processors.h"

#include <math.h>
#include <stdlib.h>

struct limits {
    const struct t5g_generate_options *o;
    size_t min_keep;
    float *scratch; /* [2 v] */
};

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

/* ---- the limits, in the order in which they are applied ---- */

static bool
has_temperature(const struct t5g_generate_options *o)
{
    return o->temperature != 0 && o->temperature != 1;
}

static void
temperature(float *logits, size_t v, const struct limits *l)
{
    for (size_t i = 0; i < v; i++)
        logits[i] /= (float)l->o->temperature;
}

static bool
has_top_k(const struct t5g_generate_options *o)
{
    return o->top_k > 0;
}

static void
top_k(float *logits, size_t v, const struct limits *l)
{
    size_t k = t5g_max(l->o->top_k, l->min_keep);
    if (k < v)
        keep_from(logits, v, kth_largest(l->scratch, logits, v, k));
}

static bool
has_top_p(const struct t5g_generate_options *o)
{
    return o->top_p > 0 && o->top_p < 1;
}

/* Drop from the small end while the sum of probabilities is at most 1 - p. */
static void
top_p(float *logits, size_t v, const struct limits *l)
{
    float *s = l->scratch;
    size_t n = sorted(s, logits, v);
    double all = 0, below = 0;
    for (size_t i = 0; i < n; i++)
        all += exp((double)s[i] - (double)s[0]);
    for (; n > l->min_keep; n--) {
        below += exp((double)s[n - 1] - (double)s[0]) / all;
        if (below > 1 - l->o->top_p)
            break;
    }
    keep_from(logits, v, s[n - 1]);
}

/* The least logit of those that min_keep keeps anyway, or `least` if that is smaller. */
static float
or_kept(float least, const float *logits, size_t v, const struct limits *l)
{
    if (l->min_keep >= v)
        return -INFINITY;
    return fminf(least, kth_largest(l->scratch, logits, v, l->min_keep));
}

static bool
has_min_p(const struct t5g_generate_options *o)
{
    return o->min_p > 0;
}

static void
min_p(float *logits, size_t v, const struct limits *l)
{
    float least = (float)((double)logits[t5g_argmax(logits, v)] + log(l->o->min_p));
    keep_from(logits, v, or_kept(least, logits, v, l));
}

/* -sum p ln p of softmax(logits), whose log-sum-exp is all. */
static double
entropy(const float *logits, size_t v, double all)
{
    double sum = 0;
    for (size_t i = 0; i < v; i++)
        if (logits[i] > -INFINITY)
            sum -= exp((double)logits[i] - all) * ((double)logits[i] - all);
    return sum;
}

static bool
has_typical_p(const struct t5g_generate_options *o)
{
    return o->typical_p > 0 && o->typical_p < 1;
}

struct distance {
    float far, logit;
};

static int
nearest_first(const void *a, const void *b)
{
    const struct distance *x = a, *y = b;
    return (x->far > y->far) - (x->far < y->far);
}

/* Keep the ids whose surprise is nearest to the mean surprise, until their sum reaches p. */
static void
typical_p(float *logits, size_t v, const struct limits *l)
{
    struct distance *d = (struct distance *)(void *)l->scratch;
    double all = t5g_log_sum_exp(logits, v), mean = entropy(logits, v, all), sum = 0;
    size_t n = 0, last = 0;
    for (size_t i = 0; i < v; i++)
        if (logits[i] > -INFINITY)
            d[n++] = (struct distance){(float)fabs(all - (double)logits[i] - mean), logits[i]};
    qsort(d, n, sizeof *d, nearest_first);
    for (; last < n; last++) {
        sum += exp((double)d[last].logit - all);
        if (sum >= l->o->typical_p)
            break;
    }
    last = t5g_min(t5g_max(last, l->min_keep - 1), n - 1);
    float most = d[last].far;
    for (size_t i = 0; i < v; i++)
        if ((float)fabs(all - (double)logits[i] - mean) > most)
            logits[i] = -INFINITY;
}

/* Drop probabilities below p. */
static void
cut_off(float *logits, size_t v, double p, double all, const struct limits *l)
{
    keep_from(logits, v, or_kept((float)(log(p) + all), logits, v, l));
}

static bool
has_epsilon(const struct t5g_generate_options *o)
{
    return o->epsilon_cutoff > 0;
}

static void
epsilon_cutoff(float *logits, size_t v, const struct limits *l)
{
    cut_off(logits, v, l->o->epsilon_cutoff, t5g_log_sum_exp(logits, v), l);
}

static bool
has_eta(const struct t5g_generate_options *o)
{
    return o->eta_cutoff > 0;
}

static void
eta_cutoff(float *logits, size_t v, const struct limits *l)
{
    double all = t5g_log_sum_exp(logits, v), e = l->o->eta_cutoff;
    cut_off(logits, v, fmin(e, sqrt(e) * exp(-entropy(logits, v, all))), all, l);
}

static const struct {
    bool (*wanted)(const struct t5g_generate_options *o);
    void (*apply)(float *logits, size_t v, const struct limits *l);
} warpers[] = {
    {has_temperature, temperature},
    {has_top_k, top_k},
    {has_top_p, top_p},
    {has_min_p, min_p},
    {has_typical_p, typical_p},
    {has_epsilon, epsilon_cutoff},
    {has_eta, eta_cutoff},
};

void
t5g_warp(float *logits, size_t v, const struct t5g_generate_options *o, size_t min_keep,
         float *scratch)
{
    struct limits l = {o, min_keep, scratch};
    for (size_t i = 0; i < T5G_LEN(warpers); i++)
        if (warpers[i].wanted(o))
            warpers[i].apply(logits, v, &l);
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

double
t5g_gumbel(uint64_t seed, size_t n)
{
    return -log(-log(t5g_uniform(seed, n) + 0x1p-54));
}
