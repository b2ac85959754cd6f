/* units.h: a clock, durations and sizes in human-readable form. */
#ifndef T5G_UNITS_H
#define T5G_UNITS_H

#include "base/base.h"

enum { T5G_UNITS_MAX = 32 }; /* longest text, including its NUL */

/* Seconds since some moment, for differences. */
double t5g_seconds(void);

/* "0.42 s", "12.3 s", "1 min 20 s", "2 h 5 min", "3 d 4 h"; returns out. */
const char *t5g_units_time(char out[static T5G_UNITS_MAX], double seconds);

/* "812 B", "3.2 MB", "1.4 GB": powers of 1000; returns out. */
const char *t5g_units_size(char out[static T5G_UNITS_MAX], uint64_t bytes);

#endif
