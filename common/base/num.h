/* num.h: numbers from option arguments and files, range-checked. */
#ifndef T5G_NUM_H
#define T5G_NUM_H

#include "base/err.h"

/*
 * The whole of s as a decimal integer in min..max. -1 with e (64): "WHAT: 'abc' is not a whole
 * number from 1 to 4096".
 */
int t5g_num_u64(const char *what, const char *s, uint64_t min, uint64_t max, uint64_t *out,
                struct t5g_err *e);

/*
 * The same for a size in bytes, with an optional unit K, M, G or T (powers of 1024, upper or lower
 * case), optionally followed by B or iB without effect. -1 with e (64), which names the units.
 */
int t5g_num_size(const char *what, const char *s, uint64_t min, uint64_t max, uint64_t *out,
                 struct t5g_err *e);

/* The whole of s as a duration: a whole number with a unit s, m, h, d or w (default s), in seconds.
 * -1 with e (64). */
int t5g_num_time(const char *what, const char *s, uint64_t *out, struct t5g_err *e);

/* The whole of s as a finite decimal number in min..max. -1 with e (64). */
int t5g_num_double(const char *what, const char *s, double min, double max, double *out,
                   struct t5g_err *e);

/* As text, such as 1048576, 0.001 and 1e+30: whole numbers below 10^15 with all digits. */
void t5g_num_print(char out[32], double v);

/* The shortest decimal text that reads back as the same f32 (at most 15 characters and NUL). */
void t5g_num_print_f32(char out[32], float v);

#endif
