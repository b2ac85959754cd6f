/* sentinels.c: the tokens that stand for gaps in a text, in their order. */
#include "text/sentinels.h"

#include <stdlib.h>

enum { MOST = 65536 }; /* counting up ends somewhere */

struct place {
    int32_t id;
    size_t k;
};

struct t5g_sentinels {
    char *name;
    uint64_t first;
    struct t5g_ids ids;  /* by k */
    struct place *by_id; /* [ids.n] sorted */
};

static int
compare(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

void
t5g_sentinel_text(const struct t5g_sentinels *s, size_t k, struct t5g_buf *out)
{
    uint64_t number = s->first == 0 ? k : s->first - k;
    t5g_buf_printf(out, "<%s%llu>", s->name, (unsigned long long)number);
}

struct t5g_sentinels *
t5g_sentinels_open(const struct t5g_tokenizer *t, const char *name, uint64_t first, unsigned flags,
                   struct t5g_err *e)
{
    struct t5g_sentinels *s = t5g_alloc(1, sizeof *s);
    struct t5g_buf text = {0};
    struct t5g_ids one = {0};
    s->name = t5g_strdup(name);
    s->first = first;
    do {
        text.n = one.n = 0;
        t5g_sentinel_text(s, s->ids.n, &text);
        t5g_tokenize(t, text.p, text.n, flags | T5G_TOK_BARE, &one);
        if (one.n == 1)
            t5g_ids_add(&s->ids, one.p[0]);
    } while (one.n == 1 && s->ids.n < MOST && (first == 0 || s->ids.n <= first));
    size_t n = one.n;
    t5g_ids_free(&one);
    if (s->ids.n == 0) {
        t5g_err_set(e, T5G_EX_DATA,
                    "%s is %zu tokens of this tokenizer: choose sentinels of one token with "
                    "--sentinel and --first",
                    text.p, n);
        t5g_buf_free(&text);
        t5g_sentinels_close(s);
        return NULL;
    }
    t5g_buf_free(&text);
    s->by_id = t5g_alloc(s->ids.n, sizeof *s->by_id);
    for (size_t k = 0; k < s->ids.n; k++)
        s->by_id[k] = (struct place){s->ids.p[k], k};
    qsort(s->by_id, s->ids.n, sizeof *s->by_id, compare);
    return s;
}

void
t5g_sentinels_close(struct t5g_sentinels *s)
{
    if (s == NULL)
        return;
    t5g_ids_free(&s->ids);
    t5g_free(s->by_id);
    t5g_free(s->name);
    t5g_free(s);
}

int
t5g_sentinel_id(const struct t5g_sentinels *s, size_t k, int32_t *id, struct t5g_err *e)
{
    if (k >= s->ids.n) {
        struct t5g_buf last = {0};
        t5g_sentinel_text(s, s->ids.n - 1, &last);
        t5g_err_set(e, T5G_EX_DATA, "more than %zu gaps, and %s is the last sentinel", s->ids.n,
                    last.p);
        t5g_buf_free(&last);
        return -1;
    }
    *id = s->ids.p[k];
    return 0;
}

long
t5g_sentinel_of(const struct t5g_sentinels *s, int32_t id)
{
    const struct place key = {id, 0},
                       *p = bsearch(&key, s->by_id, s->ids.n, sizeof *s->by_id, compare);
    return p != NULL ? (long)p->k : -1;
}
