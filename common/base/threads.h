/* threads.h: worker threads that share out numbered items; results never depend on who took which.
 */
#ifndef T5G_THREADS_H
#define T5G_THREADS_H

#include "base/err.h"

struct t5g_pool;

/* Processors this process may use: affinity mask, lowered by the cgroup's quota; at least 1. */
size_t t5g_cpu_count(void);

/* `threads` in total, the caller's included (1: none are started). NULL with e (71). */
struct t5g_pool *t5g_pool_open(size_t threads, struct t5g_err *e);
void t5g_pool_close(struct t5g_pool *p);
size_t t5g_pool_threads(const struct t5g_pool *p);

/*
 * Call fn(arg, item, worker) for item = 0..items-1 and return when all are done; worker is
 * 0..threads-1 (for scratch memory). Items are handed out one by one; fn must give the same result
 * whichever worker runs it. Not reentrant; called from one thread only.
 */
void t5g_pool_run(struct t5g_pool *p, void (*fn)(void *arg, size_t item, size_t worker), void *arg,
                  size_t items);

#endif
