/* kernels.c: which table of kernels this CPU runs. */
#include "kernels/kernels.h"

#include <string.h>

#if defined(__x86_64__)
#include "kernels/v4.h"

#include <cpuid.h>

static const struct t5g_kernels *
get_v3(void)
{
    unsigned a, b, c, d;
    /* F16C by hand: not every compiler's __builtin_cpu_supports knows the name. */
    bool here = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C) != 0;
    return here ? &t5g_kernels_v3 : NULL;
}

static const struct t5g_kernels *
get_v4(void)
{
    static struct t5g_kernels v4;
    if (get_v3() == NULL || !__builtin_cpu_supports("avx512f") ||
        !__builtin_cpu_supports("avx512bw") || !__builtin_cpu_supports("avx512vl") ||
        !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512vnni"))
        return NULL;
    v4 = t5g_kernels_v3;
    t5g_v4_fill(&v4);
    return &v4;
}
#else
static const struct t5g_kernels *
get_v3(void)
{
    return NULL;
}

static const struct t5g_kernels *
get_v4(void)
{
    return NULL;
}
#endif

#if defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>

static const struct t5g_kernels *
get_neon(void)
{
    return (getauxval(AT_HWCAP) & HWCAP_ASIMD) != 0 ? &t5g_kernels_neon : NULL;
}
#else
static const struct t5g_kernels *
get_neon(void)
{
    return NULL;
}
#endif

static const struct t5g_kernels *
get_ref(void)
{
    return &t5g_kernels_ref;
}

static const struct {
    const char *name;
    const struct t5g_kernels *(*get)(void); /* NULL: not on this CPU */
} levels[] = {
    {"v4", get_v4}, /* best first */
    {"v3", get_v3},
    {"neon", get_neon},
    {"ref", get_ref},
};

const struct t5g_kernels *
t5g_kernels_get(const char *level, struct t5g_err *e)
{
    for (size_t i = 0; i < T5G_LEN(levels); i++) {
        if (level != NULL && strcmp(level, levels[i].name) != 0)
            continue;
        const struct t5g_kernels *k = levels[i].get();
        if (k != NULL)
            return k;
        if (level != NULL) {
            t5g_err_set(e, T5G_EX_UNAVAIL, "kernel level: '%s' needs instructions this CPU lacks",
                        level);
            return NULL;
        }
    }
    t5g_err_set(e, T5G_EX_USAGE, "kernel level: '%s' is unknown, expected ref, v3, v4 or neon",
                level);
    return NULL;
}
