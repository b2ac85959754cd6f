/* json_spans.c: parts of a checked JSON text, in place. */
#include "convert/convert.h"
#include "base/jsonstr.h"

#include <string.h>

void
t5g_json_span_pick(const char *text, size_t len, const char *const *keys, struct t5g_json_span *out,
                   size_t n)
{
    struct t5g_json_walk w;
    memset(out, 0, n * sizeof *out);
    if (!t5g_json_walk_open(&w, text, len))
        return;
    while (t5g_json_walk_next(&w))
        for (size_t i = 0; i < n; i++)
            if (t5g_jsonstr_equal(w.key, w.key_len, keys[i]))
                out[i] = (struct t5g_json_span){w.value, w.value_len};
}

bool
t5g_json_span_starts(const struct t5g_json_span *s, char c)
{
    return s->p != NULL && s->p[0] == c;
}

bool
t5g_json_span_next(const struct t5g_json_span *array, struct t5g_json_span *element)
{
    const char *p = element->p != NULL ? element->p + element->n : array->p + 1,
               *end = array->p + array->n;
    size_t depth = 0;
    bool quoted = false;
    while (p < end && strchr(" \t\r\n,", *p) != NULL)
        p++;
    element->p = p;
    for (; p < end && (quoted || depth > 0 || (*p != ',' && *p != ']')); p++) {
        if (quoted && *p == '\\')
            p++;
        else if (*p == '"')
            quoted = !quoted;
        else if (!quoted && (*p == '{' || *p == '['))
            depth++;
        else if (!quoted && (*p == '}' || *p == ']'))
            depth--;
    }
    element->n = (size_t)(p - element->p);
    return element->n > 0;
}

void
t5g_json_span_decode(struct t5g_buf *b, const struct t5g_json_span *s)
{
    t5g_buf_adds(b, ""); /* so that an empty string is not NULL */
    t5g_jsonstr_read(b, s->p, s->n);
}
