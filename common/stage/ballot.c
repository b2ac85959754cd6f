/* ballot.c: the choices of one prompt. */
#include "stage/ballot.h"
#include "base/jsonstr.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void
t5g_ballot_clear(struct t5g_ballot *b)
{
    b->n = b->prompt.n = 0;
    t5g_free(b->prompt_text);
    b->prompt_text = NULL;
}

void
t5g_ballot_free(struct t5g_ballot *b)
{
    t5g_ballot_clear(b);
    for (size_t i = 0; i < b->cap; i++) {
        t5g_buf_free(&b->v[i].text);
        t5g_buf_free(&b->v[i].numbers);
        t5g_buf_free(&b->v[i].place);
    }
    t5g_free(b->v);
    t5g_buf_free(&b->prompt);
}

bool
t5g_ballot_takes(const struct t5g_json *meta)
{
    return t5g_json_get(meta, "choice") != NULL;
}

bool
t5g_ballot_begins(const struct t5g_json *meta)
{
    int64_t rank = 0; /* counts from 0 for each prompt */
    return t5g_json_int(t5g_json_get(meta, "rank"), 0, INT64_MAX, &rank) && rank == 0;
}

bool
t5g_ballot_full(const struct t5g_ballot *b, const struct t5g_json *meta)
{
    int64_t all = 0;
    return t5g_json_int(t5g_json_get(meta, "choices"), 0, INT64_MAX, &all) && b->n >= (uint64_t)all;
}

/* Append ,"KEY":VALUE if meta has it. */
static void
put_member(struct t5g_buf *out, const struct t5g_json *meta, const char *key)
{
    const struct t5g_json *v = t5g_json_get(meta, key);
    if (v == NULL)
        return;
    t5g_buf_printf(out, ",\"%s\":", key);
    t5g_json_print(out, v);
}

/* A number of the meta; -INFINITY: none, which is below every other. */
static double
number(const struct t5g_json *meta, const char *key)
{
    double x = t5g_json_num(t5g_json_get(meta, key));
    return isnan(x) ? -INFINITY : x;
}

void
t5g_ballot_add(struct t5g_ballot *b, const struct t5g_json *meta, const char *text, size_t n)
{
    const char *prompt = t5g_json_str(t5g_json_get(meta, "prompt"));
    if (b->n == 0 && prompt != NULL) {
        b->prompt_text = t5g_strdup(prompt);
        put_member(&b->prompt, meta, "prompt");
    }
    if (b->n == 0)
        put_member(&b->prompt, meta, "adapter");
    b->v = t5g_grow(b->v, b->n, &b->cap, sizeof *b->v);
    struct t5g_vote *x = &b->v[b->n];
    x->text.n = x->numbers.n = x->place.n = 0;
    t5g_buf_adds(&x->text, "");
    t5g_buf_add(&x->text, text, n);
    put_member(&x->place, meta, "choice");
    put_member(&x->numbers, meta, "probability");
    put_member(&x->numbers, meta, "score");
    x->probability = number(meta, "probability");
    x->score = number(meta, "score");
    x->number = b->n++;
}

static int
by_probability(const void *a, const void *b)
{
    const struct t5g_vote *x = a, *y = b;
    if (x->probability > y->probability || x->probability < y->probability)
        return x->probability > y->probability ? -1 : 1;
    if (x->score > y->score || x->score < y->score)
        return x->score > y->score ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

void
t5g_ballot_sort(struct t5g_ballot *b)
{
    qsort(b->v, b->n, sizeof *b->v, by_probability);
}

static int
by_text(const void *a, const void *b)
{
    const struct t5g_buf *const *x = a, *const *y = b;
    size_t n = t5g_min((*x)->n, (*y)->n);
    int order = n > 0 ? memcmp((*x)->p, (*y)->p, n) : 0;
    return order != 0 ? order : ((*x)->n > (*y)->n) - ((*x)->n < (*y)->n);
}

/* Whether two texts are equal, such as those of special tokens, which print nothing. */
static bool
has_equal_texts(const struct t5g_ballot *b)
{
    const struct t5g_buf **texts = t5g_alloc(b->n, sizeof *texts);
    bool equal = false;
    for (size_t i = 0; i < b->n; i++)
        texts[i] = &b->v[i].text;
    qsort(texts, b->n, sizeof *texts, by_text);
    for (size_t i = 1; i < b->n; i++)
        equal = equal || by_text(&texts[i - 1], &texts[i]) == 0;
    t5g_free(texts);
    return equal;
}

void
t5g_ballot_json(const struct t5g_ballot *b, const char *id, size_t n, struct t5g_buf *out)
{
    t5g_buf_adds(out, "{\"id\":");
    t5g_jsonstr_write(out, id, n);
    t5g_buf_adds(out, ",\"text\":");
    t5g_jsonstr_write(out, b->v[0].text.p, b->v[0].text.n);
    t5g_buf_add(out, b->prompt.p, b->prompt.n);
    t5g_buf_adds(out, ",\"choices\":[");
    bool numbered = has_equal_texts(b);
    for (size_t i = 0; i < b->n; i++) {
        t5g_buf_adds(out, i > 0 ? ",{\"text\":" : "{\"text\":");
        t5g_jsonstr_write(out, b->v[i].text.p, b->v[i].text.n);
        if (numbered)
            t5g_buf_add(out, b->v[i].place.p, b->v[i].place.n);
        t5g_buf_add(out, b->v[i].numbers.p, b->v[i].numbers.n);
        t5g_buf_addc(out, '}');
    }
    t5g_buf_adds(out, "]}");
}
