/* clock.h: the time, for the programs of this folder. */
#ifndef T5G_BENCH_CLOCK_H
#define T5G_BENCH_CLOCK_H

#include <time.h>

/* Seconds from some moment on. */
static inline double
now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

#endif
