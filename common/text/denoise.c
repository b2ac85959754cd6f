/*
 * denoise.c: training pairs of UL2.
 *
 *   tokens   a b c d e f            spans b c, f
 *   input    a s0 d e s1
 *   target   s0 b c s1 f
 *
 * Spans are chosen as in T5: of n tokens, round(n rate) are noise, in round(noise / span) spans of
 * random lengths; between them are as many runs of the rest, of random lengths, the first of which
 * comes first. So a single span is the end of the text, which the model is then to continue.
 */
#include "text/denoise.h"
#include "base/hash.h"

#include <math.h>

const struct t5g_denoise_task t5g_denoise_tasks[T5G_TASKS] = {
    {3, .15, 1}, {12, .5, 1}, {32, .15, 1}, {32, .5, 1}, {0, .75, 4},
};

/* The next number 0 <= u < 1 (splitmix64). */
static double
draw(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return (double)((z ^ z >> 31) >> 11) * 0x1p-53;
}

static size_t
choose_task(uint64_t *state)
{
    double left = draw(state) * T5G_TASK_WEIGHTS;
    size_t task = 0;
    while (task + 1 < T5G_TASKS && left >= t5g_denoise_tasks[task].weight)
        left -= t5g_denoise_tasks[task++].weight;
    return task;
}

/* n as a sum of k lengths > 0, every such sum as likely: lengths [k]. 0 < k <= n. */
static void
segment(size_t *lengths, size_t k, size_t n, uint64_t *state)
{
    size_t at = 0, begin = 0;
    for (size_t i = 1; i < n; i++) { /* border i is one of those still needed among those left */
        if (draw(state) * (double)(n - i) < (double)(k - 1 - at)) {
            lengths[at++] = i - begin;
            begin = i;
        }
    }
    lengths[at] = n - begin;
}

static int
check(const struct t5g_sentinels *s, const int32_t *ids, size_t n, struct t5g_err *e)
{
    if (n < 2)
        return t5g_err_set(e, T5G_EX_DATA, "%s, and a training pair needs 2 (--ul2)",
                           n == 0 ? "no token" : "1 token");
    for (size_t i = 0; i < n; i++) {
        long k = t5g_sentinel_of(s, ids[i]);
        if (k >= 0) {
            struct t5g_buf text = {0};
            t5g_sentinel_text(s, (size_t)k, &text);
            t5g_err_set(e, T5G_EX_DATA, "the text itself holds the sentinel %s", text.p);
            t5g_buf_free(&text);
            return -1;
        }
    }
    return 0;
}

/* The sentinel of span k of many. -1 with e if they do not reach that far. */
static int
take_sentinel(const struct t5g_sentinels *s, size_t k, size_t spans, int32_t *id, struct t5g_err *e)
{
    if (t5g_sentinel_id(s, k, id, NULL) == 0)
        return 0;
    struct t5g_buf last = {0};
    t5g_sentinel_text(s, k - 1, &last);
    t5g_err_set(e, T5G_EX_DATA,
                "%zu spans to take out, and %s is the last sentinel: make documents shorter "
                "(--max-tokens), or choose others (--first)",
                spans, last.p);
    t5g_buf_free(&last);
    return -1;
}

int
t5g_denoise(const struct t5g_sentinels *s, const int32_t *ids, size_t n, uint64_t seed,
            const char *id, size_t id_len, struct t5g_pair *x, struct t5g_err *e)
{
    uint64_t state = t5g_hash64_two(&seed, sizeof seed, id, id_len);
    x->input.n = x->target.n = 0;
    if (check(s, ids, n, e) < 0)
        return -1;
    x->task = choose_task(&state);
    const struct t5g_denoise_task *task = &t5g_denoise_tasks[x->task];
    size_t noise = t5g_min(t5g_max((size_t)lround((double)n * task->rate), (size_t)1), n - 1);
    size_t spans = task->span == 0 ? 1 : (size_t)lround((double)noise / (double)task->span);
    spans = t5g_min(t5g_max(spans, (size_t)1), t5g_min(noise, n - noise));
    size_t *lost = t5g_alloc(spans, sizeof *lost), *kept = t5g_alloc(spans, sizeof *kept);
    segment(lost, spans, noise, &state);
    segment(kept, spans, n - noise, &state);
    int r = 0;
    for (size_t k = 0, at = 0; k < spans && r == 0; k++) {
        int32_t sentinel;
        t5g_ids_append(&x->input, ids + at, kept[k]);
        if (task->span > 0 && (r = take_sentinel(s, k, spans, &sentinel, e)) == 0) {
            t5g_ids_add(&x->input, sentinel);
            t5g_ids_add(&x->target, sentinel);
        }
        t5g_ids_append(&x->target, ids + at + kept[k], lost[k]);
        at += kept[k] + lost[k];
    }
    t5g_free(lost);
    t5g_free(kept);
    return r;
}

void
t5g_pair_free(struct t5g_pair *x)
{
    t5g_ids_free(&x->input);
    t5g_ids_free(&x->target);
}
