/* threads.h: worker threads that share numbered items; results never depend on which thread took
 * which item. */
#ifndef T5G_THREADS_H
#define T5G_THREADS_H

#include "base/err.h"

struct t5g_pool;

/* Whether a signal comes from a fault of the thread itself, which gets it: SIGSEGV and the like. */
bool t5g_is_fault(int sig);

/* Processors that this process may use by its affinity mask and the cgroup's quota; at least 1. */
size_t t5g_cpu_count(void);

/* `threads` in total, including the caller's (1: none are started). NULL with e (71). */
struct t5g_pool *t5g_pool_open(size_t threads, struct t5g_err *e);
void t5g_pool_close(struct t5g_pool *p);
size_t t5g_pool_threads(const struct t5g_pool *p);

/*
 * Call fn(arg, item, worker) for item = 0..items-1 and return when all are done; worker is
 * 0..threads-1 (for scratch memory). Items are handed out one by one; fn must give the same result
 * in every worker. Not reentrant; called from one thread only.
 */
void t5g_pool_run(struct t5g_pool *p, void (*fn)(void *arg, size_t item, size_t worker), void *arg,
                  size_t items);

#endif
