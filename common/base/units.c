/* units.c: a clock, durations and sizes in human-readable form. */
#include "base/units.h"

#include <stdio.h>
#include <time.h>

double
t5g_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

const char *
t5g_units_time(char out[static T5G_UNITS_MAX], double seconds)
{
    static const struct {
        const char *big, *small;
        uint64_t big_s, small_s; /* in seconds */
    } scale[] = {{"d", "h", 86400, 3600}, {"h", "min", 3600, 60}, {"min", "s", 60, 1}};
    double s = seconds > 0 ? seconds : 0;
    for (size_t i = 0; i < T5G_LEN(scale); i++) {
        /* Rounded to the smaller unit, so that 119.9 s is 2 min 0 s. */
        uint64_t n = (uint64_t)(s / (double)scale[i].small_s + 0.5);
        uint64_t per = scale[i].big_s / scale[i].small_s;
        if (s < 1e15 && (uint64_t)(s + 0.5) >= scale[i].big_s) {
            snprintf(out, T5G_UNITS_MAX, "%llu %s %llu %s", (unsigned long long)(n / per),
                     scale[i].big, (unsigned long long)(n % per), scale[i].small);
            return out;
        }
    }
    snprintf(out, T5G_UNITS_MAX, s < 9.995 ? "%.2f s" : "%.1f s", s);
    return out;
}

const char *
t5g_units_size(char out[static T5G_UNITS_MAX], uint64_t bytes)
{
    static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
    double x = (double)bytes;
    size_t i = 0;
    if (bytes < 1000) {
        snprintf(out, T5G_UNITS_MAX, "%llu B", (unsigned long long)bytes);
        return out;
    }
    for (x /= 1000; x >= 999.95 && i + 1 < T5G_LEN(units); i++)
        x /= 1000;
    snprintf(out, T5G_UNITS_MAX, "%.1f %s", x, units[i]);
    return out;
}
