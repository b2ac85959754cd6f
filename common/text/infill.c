/*
 * infill.c: texts with gaps, and what was put into them.
 *
 *   text     A <gap> B <gap> C        input   A s0 B s1 C
 *   answer   s0 x s1 y </s>           filled  A x B y C
 */
#include "text/infill.h"

#include <string.h>

int
t5g_infill_text(const struct t5g_sentinels *s, const char *text, size_t n, struct t5g_buf *out,
                size_t *gaps, struct t5g_err *e)
{
    const char *at = text, *end = text + n, *next;
    int32_t id;
    *gaps = 0;
    for (; (next = memmem(at, (size_t)(end - at), T5G_GAP, strlen(T5G_GAP))) != NULL;
         at = next + strlen(T5G_GAP)) {
        if (t5g_sentinel_id(s, *gaps, &id, e) < 0)
            return -1;
        t5g_buf_add(out, at, (size_t)(next - at));
        t5g_sentinel_text(s, (*gaps)++, out);
    }
    t5g_buf_add(out, at, (size_t)(end - at));
    return *gaps > 0 ? 0 : t5g_err_set(e, T5G_EX_DATA, "no %s to be filled (--infill)", T5G_GAP);
}

int
t5g_infill_check(const struct t5g_sentinels *s, const int32_t *ids, size_t n, size_t gaps,
                 struct t5g_err *e)
{
    size_t seen = 0;
    for (size_t i = 0; i < n; i++) {
        long k = t5g_sentinel_of(s, ids[i]);
        if (k < 0)
            continue;
        if (seen == gaps || (size_t)k != seen) {
            struct t5g_buf text = {0};
            t5g_sentinel_text(s, (size_t)k, &text);
            t5g_err_set(e, T5G_EX_DATA, "the text itself holds the sentinel %s", text.p);
            t5g_buf_free(&text);
            return -1;
        }
        seen++;
    }
    return seen == gaps ? 0 : t5g_err_set(e, T5G_EX_DATA, "a sentinel is lost in its surroundings");
}

/* The answer to sentinel id: *n ids behind it; NULL if there is none. */
static const int32_t *
find_answer(const struct t5g_sentinels *s, const int32_t *answer, size_t m, int32_t id, size_t *n)
{
    for (size_t i = 0; i < m; i++)
        if (answer[i] == id) {
            size_t from = i + 1, to = from;
            while (to < m && t5g_sentinel_of(s, answer[to]) < 0)
                to++;
            *n = to - from;
            return answer + from;
        }
    return NULL;
}

void
t5g_infill(const struct t5g_sentinels *s, struct t5g_detok *d, const int32_t *input, size_t n,
           const int32_t *answer, size_t m, struct t5g_buf *out)
{
    for (size_t i = 0; i < n; i++) {
        size_t len;
        if (t5g_sentinel_of(s, input[i]) < 0) {
            t5g_detok_add(d, &input[i], 1, out);
            continue;
        }
        const int32_t *ids = find_answer(s, answer, m, input[i], &len);
        if (ids != NULL) {
            t5g_detok_add(d, ids, len, out);
        } else {
            t5g_detok_end(d, out);
            t5g_buf_adds(out, T5G_GAP);
        }
    }
    t5g_detok_end(d, out);
}
