/* kernels.c: which table of kernels this CPU runs. */
#include "kernels/kernels.h"

#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>

static bool
has_v3(void)
{
    unsigned a, b, c, d;
    /* F16C by hand: not every compiler's __builtin_cpu_supports knows the name. */
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C) != 0;
}
#endif

static bool
has_ref(void)
{
    return true;
}

static const struct {
    const struct t5g_kernels *k;
    bool (*here)(void);
} levels[] = {
/* best first */
#if defined(__x86_64__)
    {&t5g_kernels_v3, has_v3},
#endif
    {&t5g_kernels_ref, has_ref},
};

const struct t5g_kernels *
t5g_kernels_get(const char *level, struct t5g_err *e)
{
    for (size_t i = 0; i < T5G_LEN(levels); i++) {
        if (level != NULL && strcmp(level, levels[i].k->name) != 0)
            continue;
        if (levels[i].here())
            return levels[i].k;
        if (level != NULL) {
            t5g_err_set(e, T5G_EX_UNAVAIL, "kernel level: '%s' needs instructions this CPU lacks",
                        level);
            return NULL;
        }
    }
#if !defined(__x86_64__)
    if (strcmp(level, "v3") == 0) {
        t5g_err_set(e, T5G_EX_UNAVAIL, "kernel level: 'v3' is for x86-64");
        return NULL;
    }
#endif
    t5g_err_set(e, T5G_EX_USAGE, "kernel level: '%s' is unknown, expected ref or v3", level);
    return NULL;
}
