/* used_options.c: the options of this run as JSON. */
#include "cli/used_options.h"
#include "base/bug.h"
#include "base/io.h"
#include "base/jsonstr.h"
#include "cli/message.h"
#include "cli/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALUE_MOST ((size_t)1 << 16) /* bytes of a value that are written out */

struct given {
    const struct t5g_option *o;
    const char *arg;
    char contents[T5G_HEX128]; /* hash of what was read from the file arg; "": not read */
};

static struct given *all; /* [n] */
static size_t n_all, cap_all;

static bool
names_file(const struct given *x)
{
    return x->o->arg != NULL && strcmp(x->o->arg, "FILE") == 0;
}

void
t5g_used_contents(const char *file, const char hex[static T5G_HEX128])
{
    for (size_t i = 0; i < n_all; i++)
        if (names_file(&all[i]) && strcmp(all[i].arg, file) == 0)
            memcpy(all[i].contents, hex, T5G_HEX128);
}

static void
note_file(const char *path, const void *p, size_t n)
{
    char hex[T5G_HEX128];
    t5g_hash128_hex(hex, p, n);
    t5g_used_contents(path, hex);
}

void
t5g_used_add(const struct t5g_option *o, const char *arg)
{
    all = t5g_grow(all, n_all, &cap_all, sizeof *all);
    all[n_all++] = (struct given){.o = o, .arg = arg};
    t5g_after_reading(note_file);
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
put_value(struct t5g_buf *b, const struct given *x)
{
    char digits[32];
    const struct t5g_option *o = x->o;
    const char *text = x->arg != NULL ? x->arg : "";
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
        if (names_file(x) && x->contents[0] == '\0')
            t5g_bug("an option's file that is to be named by its contents was not read");
        text = names_file(x) ? x->contents : text;
        t5g_jsonstr_write(b, text, strlen(text));
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
        const struct given *last = &all[i];
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
            last = &all[k];
            if (!list)
                continue;
            if (k > i)
                t5g_buf_addc(b, ',');
            put_value(b, last);
        }
        if (list)
            t5g_buf_addc(b, ']');
        else
            put_value(b, last);
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

void
t5g_used_stdin_check(char *const *operands, size_t n, bool without, const char *what)
{
    const char *name = NULL;
    bool taken = n == 0 && without;
    for (size_t i = 0; i < n; i++)
        taken = taken || strcmp(operands[i], "-") == 0;
    for (size_t i = 0; i < n_all; i++) {
        const struct t5g_option *o = all[i].o;
        bool reads = names_file(&all[i]) || (o->arg != NULL && strcmp(o->arg, "IMAGE") == 0);
        if (!reads || is_common(o) || strcmp(all[i].arg, "-") != 0)
            continue;
        if (name != NULL)
            t5g_usage("--%s - and --%s -: only one of them can be standard input", name, o->name);
        name = o->name;
        if (taken)
            t5g_usage("--%s - reads standard input: name files of %s as operands", name, what);
    }
}

const char *
t5g_used_first(const char *const *except)
{
    for (size_t i = 0; i < n_all; i++)
        if (!left_out(all[i].o, except))
            return all[i].o->name;
    return NULL;
}
