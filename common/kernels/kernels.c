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

static bool
has_v4_bf16(void)
{
    return __builtin_cpu_supports("avx512bf16");
}
#elif defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>

static bool
has_neon(void)
{
    return (getauxval(AT_HWCAP) & HWCAP_ASIMD) != 0;
}

static bool
has_neon_bf16(void)
{
    return (getauxval(AT_HWCAP2) & HWCAP2_BF16) != 0;
}
#endif

static bool
has_ref(void)
{
    return true;
}

typedef void fill(struct t5g_kernels *k);

/*
 * The levels of this architecture, best first; fill: called in this order, up to NULL. has_bf16:
 * whether this CPU has the instructions for products in bf16, which the function bf16 fills in;
 * NULL in a level without any.
 */
static const struct level {
    const char *name;
    bool (*has)(void);
    fill *fill[4];
    bool (*has_bf16)(void);
    fill *bf16;
} levels[] = {
#if defined(__x86_64__)
    {"v4",
     has_v4,
     {t5g_v3_fill, t5g_v4_fill, t5g_v4_fill_quantised},
     has_v4_bf16,
     t5g_v4_fill_bf16},
    {"v3", has_v3, {t5g_v3_fill, t5g_v3_fill_quantised}, NULL, NULL},
#elif defined(__aarch64__)
    {"neon",
     has_neon,
     {t5g_neon_fill, t5g_neon_fill_panels, t5g_neon_fill_quantised},
     has_neon_bf16,
     t5g_neon_fill_bf16},
#endif
    {"ref", has_ref, {t5g_ref_fill}, has_ref, t5g_ref_fill_bf16},
};

static struct t5g_kernels tables[2][T5G_LEN(levels)];

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

/* The level of that name, or the best one; NULL with e. */
static const struct level *
level_of(const char *name, struct t5g_err *e)
{
    for (size_t i = 0; i < T5G_LEN(levels); i++)
        if ((name == NULL || strcmp(name, levels[i].name) == 0) && levels[i].has())
            return &levels[i];
    if (is_level(name))
        t5g_err_set(e, T5G_EX_UNAVAIL, "kernel level: '%s' needs instructions this CPU lacks",
                    name);
    else
        t5g_err_set(e, T5G_EX_USAGE, "kernel level: '%s' is unknown, expected ref, v3, v4 or neon",
                    name);
    return NULL;
}

static struct t5g_kernels *
filled(struct t5g_kernels *k, const struct level *l)
{
    k->name = l->name;
    for (fill *const *f = l->fill; *f != NULL; f++)
        (*f)(k);
    return k;
}

const struct t5g_kernels *
t5g_kernels_get(const char *level, struct t5g_err *e)
{
    const struct level *l = level_of(level, e);
    return l != NULL ? filled(&tables[0][l - levels], l) : NULL;
}

const struct t5g_kernels *
t5g_kernels_bf16(const char *level, struct t5g_err *e)
{
    const struct level *l = level_of(level, e);
    if (l == NULL)
        return NULL;
    if (l->bf16 == NULL || !l->has_bf16()) {
        if (l->bf16 == NULL && level != NULL)
            t5g_err_set(e, T5G_EX_UNAVAIL,
                        "compute bf16: kernel level '%s' has no products in bf16", level);
        else
            t5g_err_set(e, T5G_EX_UNAVAIL,
                        "compute bf16: this CPU has no instructions for products in bf16");
        return NULL;
    }
    struct t5g_kernels *k = filled(&tables[1][l - levels], l);
    l->bf16(k);
    return k;
}
