/* used_options.c: the options of this run as JSON. */
#include "cli/used_options.h"
#include "base/hash.h"
#include "base/io.h"
#include "base/jsonstr.h"
#include "cli/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MOST  ((size_t)1 << 30)
#define VALUE_MOST ((size_t)1 << 16) /* bytes of a value that are written out */

struct given {
    const struct t5g_option *o;
    const char *arg;
};

static struct given *all; /* [n] */
static size_t n_all, cap_all;

void
t5g_used_add(const struct t5g_option *o, const char *arg)
{
    all = t5g_grow(all, n_all, &cap_all, sizeof *all);
    all[n_all++] = (struct given){o, arg};
}

static bool
is_common(const struct t5g_option *o)
{
    const char *p = o->dest, *from = (const char *)&t5g_common;
    return p >= from && p < from + sizeof t5g_common;
}

static bool
left_out(const struct t5g_option *o, const char *const *except)
{
    if (is_common(o) || o->name == NULL)
        return true;
    for (; *except != NULL; except++)
        if (strcmp(o->name, *except) == 0)
            return true;
    return false;
}

static void
put_text(struct t5g_buf *b, const struct t5g_option *o, const char *arg)
{
    struct t5g_buf text = {0};
    char hex[T5G_HEX128];
    bool file = o->arg != NULL && strcmp(o->arg, "FILE") == 0;
    if (file && t5g_read_regular(arg, FILE_MOST, &text, NULL) == 0) {
        t5g_hash128_hex(hex, text.p, text.n);
        arg = hex;
    }
    t5g_jsonstr_write(b, arg, strlen(arg));
    t5g_buf_free(&text);
}

static void
put_value(struct t5g_buf *b, const struct t5g_option *o, const char *arg)
{
    char digits[32];
    switch (o->kind) {
    case T5G_OPT_FLAG:
        t5g_buf_adds(b, "true");
        break;
    case T5G_OPT_U64:
    case T5G_OPT_BYTES:
        t5g_buf_printf(b, "%llu", (unsigned long long)*(const uint64_t *)o->dest);
        break;
    case T5G_OPT_DOUBLE:
        for (int p = 1; p <= 17; p++) {
            snprintf(digits, sizeof digits, "%.*g", p, *(const double *)o->dest);
            if (strtod(digits, NULL) == *(const double *)o->dest)
                break;
        }
        t5g_buf_adds(b, digits);
        break;
    default:
        put_text(b, o, arg != NULL ? arg : "");
    }
}

/* What stands from `at` on becomes its hash. */
static void
shorten(struct t5g_buf *b, size_t at)
{
    char hex[T5G_HEX128];
    t5g_hash128_hex(hex, b->p + at, b->n - at);
    b->n = at;
    t5g_buf_printf(b, "\"%s\"", hex);
}

bool
t5g_used_json(struct t5g_buf *b, const char *const *except)
{
    size_t written = 0;
    for (size_t i = 0; i < n_all; i++) {
        const struct t5g_option *o = all[i].o;
        const char *last = all[i].arg;
        bool seen = false, list = o->kind == T5G_OPT_LIST;
        for (size_t k = 0; k < i; k++)
            seen = seen || all[k].o == o;
        if (seen || left_out(o, except))
            continue;
        t5g_buf_printf(b, "%s\"%s\":", written++ > 0 ? "," : "{", o->name);
        size_t at = b->n;
        if (list)
            t5g_buf_addc(b, '[');
        for (size_t k = i; k < n_all; k++) {
            if (all[k].o != o)
                continue;
            last = all[k].arg;
            if (!list)
                continue;
            if (k > i)
                t5g_buf_addc(b, ',');
            put_value(b, o, last);
        }
        if (list)
            t5g_buf_addc(b, ']');
        else
            put_value(b, o, last);
        if (b->n - at > VALUE_MOST)
            shorten(b, at);
    }
    if (written > 0)
        t5g_buf_addc(b, '}');
    return written > 0;
}

bool
t5g_used(const void *dest)
{
    for (size_t i = 0; i < n_all; i++)
        if (all[i].o->dest == dest)
            return true;
    return false;
}

const char *
t5g_used_first(const char *const *except)
{
    for (size_t i = 0; i < n_all; i++)
        if (!left_out(all[i].o, except))
            return all[i].o->name;
    return NULL;
}
