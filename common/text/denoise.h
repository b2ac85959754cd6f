/* denoise.h: training pairs of UL2, as T5Gemma 2 was trained on (arXiv 2512.14856). */
#ifndef T5G_DENOISE_H
#define T5G_DENOISE_H

#include "text/sentinels.h"

/* A task: spans of `span` tokens on average (0: one span at the end) are taken out, `rate` of all
 * tokens; it is chosen for `weight` of T5G_TASK_WEIGHTS documents. */
struct t5g_denoise_task {
    size_t span;
    double rate;
    unsigned weight;
};
enum { T5G_TASKS = 5, T5G_TASK_WEIGHTS = 8 };
extern const struct t5g_denoise_task t5g_denoise_tasks[T5G_TASKS];

struct t5g_pair {
    struct t5g_ids input, target;
    size_t task;
};

/*
 * Make a pair of ids [n], the tokens of a text without those that the post-processor adds: input
 * without the spans, a sentinel in place of each; target with the spans, each behind its sentinel.
 * With one span at the end, neither has a sentinel. The choice of task and spans depends on seed
 * and id [id_len] only. What x held is replaced. -1 with e (65) for less than 2 tokens, for more
 * spans than sentinels, or if there are sentinels among ids.
 */
int t5g_denoise(const struct t5g_sentinels *s, const int32_t *ids, size_t n, uint64_t seed,
                const char *id, size_t id_len, struct t5g_pair *x, struct t5g_err *e);
void t5g_pair_free(struct t5g_pair *x);

#endif
