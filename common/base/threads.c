/*
 * threads.c: worker threads that share numbered items.
 *
 * A run is published under the lock as a new generation number. Workers first spin for it briefly,
 * because within a decode step the next run follows after microseconds and waking a thread takes
 * about 50 us. No thread spins for long between runs: a program that waits for its pipe is idle.
 *
 * Every thread has a share of the items, the same part of every run, and takes those first, because
 * what it needs is then often in its own cache: the other core's lines take several times as long.
 * Afterwards it takes items of the other shares, so a slow or late thread never holds up the
 * others.
 */
#include "base/threads.h"
#include "base/mem.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define SPINS 4000 /* about 50 us */
#define STACK ((size_t)1 << 20)

/* Items that one thread takes first; on a cache line of its own. */
struct share {
    _Alignas(64) atomic_size_t next;
    size_t end;
};

struct t5g_pool {
    size_t threads;
    struct share *shares;   /* [threads] */
    pthread_t *ids;         /* [threads - 1] */
    struct worker *workers; /* [threads - 1] */
    size_t started;
    pthread_mutex_t lock;
    pthread_cond_t go, done;
    atomic_uint generation;
    atomic_size_t left; /* workers still in the run */
    bool quit;
    void (*fn)(void *, size_t, size_t);
    void *arg;
};

struct worker {
    struct t5g_pool *pool;
    size_t index;
};

/* The two numbers in a file such as "200000 100000"; -1 if there are none, as in "max 100000". */
static int
read_pair(const char *path, double *quota, double *period)
{
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return -1;
    int n = fscanf(f, "%lf %lf", quota, period);
    fclose(f);
    return n == 2 && *quota > 0 && *period > 0 ? 0 : -1;
}

size_t
t5g_cpu_count(void)
{
    cpu_set_t set;
    size_t n = 1;
    double quota, period;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        n = (size_t)CPU_COUNT(&set);
    if (read_pair("/sys/fs/cgroup/cpu.max", &quota, &period) == 0 && quota / period < (double)n)
        n = (size_t)(quota / period + 0.5);
    return t5g_max(n, 1);
}

static inline void
relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void
take_items(struct t5g_pool *p, size_t worker)
{
    for (size_t k = 0; k < p->threads; k++) {
        struct share *s = &p->shares[(worker + k) % p->threads];
        size_t i;
        while ((i = atomic_fetch_add_explicit(&s->next, 1, memory_order_relaxed)) < s->end)
            p->fn(p->arg, i, worker);
    }
}

static void *
worker_main(void *arg)
{
    struct worker *w = arg;
    struct t5g_pool *p = w->pool;
    unsigned seen = 0;
    for (;;) {
        for (int i = 0;
             i < SPINS && atomic_load_explicit(&p->generation, memory_order_acquire) == seen; i++)
            relax();
        pthread_mutex_lock(&p->lock);
        while (atomic_load_explicit(&p->generation, memory_order_relaxed) == seen)
            pthread_cond_wait(&p->go, &p->lock);
        seen = atomic_load_explicit(&p->generation, memory_order_relaxed);
        bool quit = p->quit;
        pthread_mutex_unlock(&p->lock);
        if (quit)
            return NULL;
        take_items(p, w->index);
        if (atomic_fetch_sub_explicit(&p->left, 1, memory_order_acq_rel) == 1) {
            /* Locked, so that the caller cannot miss the signal between test and wait. */
            pthread_mutex_lock(&p->lock);
            pthread_cond_signal(&p->done);
            pthread_mutex_unlock(&p->lock);
        }
    }
}

bool
t5g_is_fault(int sig)
{
    static const int faults[] = {SIGBUS, SIGSEGV, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGTRAP};
    for (size_t i = 0; i < T5G_LEN(faults); i++)
        if (sig == faults[i])
            return true;
    return false;
}

static void
publish(struct t5g_pool *p, bool quit)
{
    pthread_mutex_lock(&p->lock);
    p->quit = quit;
    atomic_fetch_add_explicit(&p->generation, 1, memory_order_release);
    pthread_cond_broadcast(&p->go);
    pthread_mutex_unlock(&p->lock);
}

struct t5g_pool *
t5g_pool_open(size_t threads, struct t5g_err *e)
{
    struct t5g_pool *p = t5g_alloc(1, sizeof *p);
    p->threads = t5g_max(threads, 1);
    p->shares = t5g_alloc_raw(p->threads, sizeof *p->shares);
    p->ids = t5g_alloc(p->threads, sizeof *p->ids);
    p->workers = t5g_alloc(p->threads, sizeof *p->workers);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->go, NULL);
    pthread_cond_init(&p->done, NULL);
    sigset_t all, old;
    pthread_attr_t attr;
    sigfillset(&all); /* signals go to the main thread, except a thread's own faults */
    for (int sig = 1; sig <= SIGRTMAX; sig++)
        if (t5g_is_fault(sig))
            sigdelset(&all, sig);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int r = pthread_attr_init(&attr);
    if (r == 0)
        r = pthread_attr_setstacksize(&attr, STACK); /* independent of ulimit -s */
    for (size_t i = 0; r == 0 && i + 1 < p->threads; i++) {
        p->workers[i] = (struct worker){.pool = p, .index = i + 1};
        r = pthread_create(&p->ids[i], &attr, worker_main, &p->workers[i]);
        if (r == 0)
            p->started++;
    }
    pthread_attr_destroy(&attr);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (r != 0) {
        t5g_err_set(e, T5G_EX_OS, "cannot start thread %zu: %s", p->started + 1, strerror(r));
        t5g_pool_close(p);
        return NULL;
    }
    return p;
}

void
t5g_pool_close(struct t5g_pool *p)
{
    if (p == NULL)
        return;
    publish(p, true);
    for (size_t i = 0; i < p->started; i++)
        pthread_join(p->ids[i], NULL);
    pthread_cond_destroy(&p->done);
    pthread_cond_destroy(&p->go);
    pthread_mutex_destroy(&p->lock);
    t5g_free(p->workers);
    t5g_free(p->ids);
    t5g_free(p->shares);
    t5g_free(p);
}

size_t
t5g_pool_threads(const struct t5g_pool *p)
{
    return p->threads;
}

void
t5g_pool_run(struct t5g_pool *p, void (*fn)(void *, size_t, size_t), void *arg, size_t items)
{
    if (p->started == 0 || items <= 1) {
        for (size_t i = 0; i < items; i++)
            fn(arg, i, 0);
        return;
    }
    p->fn = fn;
    p->arg = arg;
    for (size_t k = 0; k < p->threads; k++) {
        atomic_store_explicit(&p->shares[k].next, items * k / p->threads, memory_order_relaxed);
        p->shares[k].end = items * (k + 1) / p->threads;
    }
    atomic_store_explicit(&p->left, p->started, memory_order_relaxed);
    publish(p, false);
    take_items(p, 0);
    for (int i = 0; i < SPINS && atomic_load_explicit(&p->left, memory_order_acquire) != 0; i++)
        relax();
    pthread_mutex_lock(&p->lock);
    while (atomic_load_explicit(&p->left, memory_order_acquire) != 0)
        pthread_cond_wait(&p->done, &p->lock);
    pthread_mutex_unlock(&p->lock);
}
