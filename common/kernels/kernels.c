/* kernels.c: choose the table of kernels for this CPU. */
#include "kernels/levels.h"

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

static bool
has_v4(void)
{
    return has_v3() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vnni");
}
#elif defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>

static bool
has_neon(void)
{
    return (getauxval(AT_HWCAP) & HWCAP_ASIMD) != 0;
}
#endif

static bool
has_ref(void)
{
    return true;
}

typedef void fill(struct t5g_kernels *k);

/* The levels of this architecture, best first; fill: called in this order, up to NULL. */
static const struct {
    const char *name;
    bool (*has)(void);
    fill *fill[3];
} levels[] = {
#if defined(__x86_64__)
    {"v4", has_v4, {t5g_v3_fill, t5g_v4_fill}},
    {"v3", has_v3, {t5g_v3_fill}},
#elif defined(__aarch64__)
    {"neon", has_neon, {t5g_neon_fill}},
#endif
    {"ref", has_ref, {t5g_ref_fill}},
};

static struct t5g_kernels tables[T5G_LEN(levels)];

/* Whether name is a level of any architecture. */
static bool
is_level(const char *name)
{
    static const char *const all[] = {"ref", "v3", "v4", "neon"};
    for (size_t i = 0; i < T5G_LEN(all); i++)
        if (strcmp(name, all[i]) == 0)
            return true;
    return false;
}

const struct t5g_kernels *
t5g_kernels_get(const char *level, struct t5g_err *e)
{
    for (size_t i = 0; i < T5G_LEN(levels); i++) {
        if ((level != NULL && strcmp(level, levels[i].name) != 0) || !levels[i].has())
            continue;
        tables[i].name = levels[i].name;
        for (fill *const *f = levels[i].fill; *f != NULL; f++)
            (*f)(&tables[i]);
        return &tables[i];
    }
    if (is_level(level))
        t5g_err_set(e, T5G_EX_UNAVAIL, "kernel level: '%s' needs instructions this CPU lacks",
                    level);
    else
        t5g_err_set(e, T5G_EX_USAGE, "kernel level: '%s' is unknown, expected ref, v3, v4 or neon",
                    level);
    return NULL;
}
