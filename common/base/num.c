/* num.c: numbers from option arguments and files. */
#include "base/num.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int
refuse(struct t5g_err *e, const char *what, const char *s, uint64_t min, uint64_t max)
{
    if (max == UINT64_MAX)
        return t5g_err_set(e, T5G_EX_USAGE, "%s: '%s' is not a whole number from %llu", what, s,
                           (unsigned long long)min);
    return t5g_err_set(e, T5G_EX_USAGE, "%s: '%s' is not a whole number from %llu to %llu", what, s,
                       (unsigned long long)min, (unsigned long long)max);
}

int
t5g_num_u64(const char *what, const char *s, uint64_t min, uint64_t max, uint64_t *out,
            struct t5g_err *e)
{
    uint64_t v = 0;
    const char *p = s;
    for (; *p >= '0' && *p <= '9'; p++)
        if (__builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
            return refuse(e, what, s, min, max);
    if (p == s)
        return refuse(e, what, s, min, max);
    if (*p != '\0' || v < min || v > max)
        return refuse(e, what, s, min, max);
    *out = v;
    return 0;
}

/* A unit ("", B, K, KB, KiB and so on) as a power of 2; -1: not a unit. */
static int
unit(const char *s)
{
    static const char known[] = "KMGT";
    const char *k = *s != '\0' ? strchr(known, *s >= 'a' ? *s - 'a' + 'A' : *s) : NULL;
    int shift = k != NULL ? 10 * (int)(k - known + 1) : 0;
    s += k != NULL;
    if (k != NULL && s[0] == 'i' && (s[1] == 'B' || s[1] == 'b'))
        s++;
    s += *s == 'B' || *s == 'b';
    return *s == '\0' ? shift : -1;
}

/* A bound as text, such as "8G": a whole number with the largest unit that fits. */
static void
print_size(char out[24], uint64_t v)
{
    int i = 0;
    for (; i < 4 && v > 0 && v % 1024 == 0; i++)
        v /= 1024;
    snprintf(out, 24, "%llu%.*s", (unsigned long long)v, i > 0, &"KMGT"[i > 0 ? i - 1 : 0]);
}

int
t5g_num_size(const char *what, const char *s, uint64_t min, uint64_t max, uint64_t *out,
             struct t5g_err *e)
{
    size_t n = strspn(s, "0123456789");
    int shift = unit(s + n);
    char digits[24], least[24], most[24];
    uint64_t v;
    if (n > 0 && n < sizeof digits && shift >= 0) {
        memcpy(digits, s, n);
        digits[n] = '\0';
        if (t5g_num_u64(what, digits, 0, UINT64_MAX, &v, NULL) == 0 && v <= UINT64_MAX >> shift &&
            v << shift >= min && v << shift <= max) {
            *out = v << shift;
            return 0;
        }
    }
    print_size(least, min);
    print_size(most, max);
    return t5g_err_set(e, T5G_EX_USAGE,
                       "%s: '%s' is not a size from %s to %s: a whole number of bytes, or of K, M, "
                       "G or T (powers of 1024), such as 512M",
                       what, s, least, most);
}

int
t5g_num_time(const char *what, const char *s, uint64_t *out, struct t5g_err *e)
{
    static const struct {
        char unit;
        uint64_t seconds;
    } units[] = {{'\0', 1}, {'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
    size_t n = strspn(s, "0123456789");
    char digits[24];
    uint64_t v;
    for (size_t i = 0; i < T5G_LEN(units) && n > 0 && n < sizeof digits; i++) {
        if (s[n] != units[i].unit || (s[n] != '\0' && s[n + 1] != '\0'))
            continue;
        memcpy(digits, s, n);
        digits[n] = '\0';
        if (t5g_num_u64(what, digits, 0, UINT64_MAX / 604800, &v, NULL) < 0)
            break;
        *out = v * units[i].seconds;
        return 0;
    }
    return t5g_err_set(e, T5G_EX_USAGE,
                       "%s: '%s' is not a duration such as 90, 45m, 12h, 30d or 2w", what, s);
}

int
t5g_num_double(const char *what, const char *s, double min, double max, double *out,
               struct t5g_err *e)
{
    /* strtod also accepts hex, inf and leading blanks. Programs run in the "C" locale: '.' only. */
    char *end;
    bool plain = s[0] != '\0' && strspn(s, "+-0123456789.eE") == strlen(s);
    double v = plain ? strtod(s, &end) : 0;
    if (!plain || *end != '\0' || !isfinite(v) || v < min || v > max) {
        char least[32], most[32];
        t5g_num_print(least, min);
        t5g_num_print(most, max);
        return t5g_err_set(e, T5G_EX_USAGE, "%s: '%s' is not a number from %s to %s", what, s,
                           least, most);
    }
    *out = v;
    return 0;
}

void
t5g_num_print(char out[32], double v)
{
    bool whole = fabs(v) < 1e15 && floor(v) == v;
    snprintf(out, 32, whole ? "%.0f" : "%g", v);
}

void
t5g_num_print_f32(char out[32], float v)
{
    for (int digits = 1; digits <= 9; digits++) {
        snprintf(out, 32, "%.*g", digits, (double)v);
        if (strtof(out, NULL) == v)
            return;
    }
}
