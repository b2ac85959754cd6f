/* labelled.c: a classifier's numbers as text and as JSON. */
#include "stage/labelled.h"
#include "base/json.h"
#include "base/jsonstr.h"
#include "base/num.h"
#include "text/token_texts.h"

#include <math.h>
#include <string.h>

int
t5g_labelled_read(struct t5g_labelled *l, const struct t5g_frame *f, struct t5g_err *e)
{
    static const char name[] = "label.logits";
    if (f->kind != T5G_KIND_TENSOR || f->dtype != T5G_F32 || f->ndim < 1 || f->ndim > 2 ||
        f->dims[f->ndim - 1] == 0)
        return t5g_err_set(e, T5G_EX_DATA, "%s: expected f32 [labels] or [tokens, labels]", name);
    *l = (struct t5g_labelled){.n = (size_t)f->dims[f->ndim - 1],
                               .tokens = f->ndim == 2 ? (size_t)f->dims[0] : 0,
                               .logits = (const float *)(const void *)f->data};
    l->meta = t5g_json_parse(f->meta, f->meta_len, name, e);
    if (l->meta == NULL)
        return -1;
    const struct t5g_json *names = t5g_json_get(l->meta, "labels");
    const char *problem = t5g_json_str(t5g_json_get(l->meta, "problem"));
    int known = problem != NULL ? t5g_problem_find(problem) : -1;
    size_t n = 0;
    if (!t5g_json_is_array(names) || t5g_json_size(names) != l->n || known < 0)
        return t5g_err_set(e, T5G_EX_DATA, "%s: expected %zu labels and a problem", name, l->n);
    l->problem = (enum t5g_problem)known;
    l->names = t5g_alloc(l->n, sizeof *l->names);
    l->row = t5g_alloc(l->n, sizeof *l->row);
    for (const struct t5g_json *v = t5g_json_first(names); v != NULL; v = t5g_json_next(v))
        if ((l->names[n++] = t5g_json_str(v)) == NULL)
            return t5g_err_set(e, T5G_EX_DATA, "%s: a label that is no string", name);
    for (size_t i = 0; i < (f->ndim == 2 ? l->tokens : 1) * l->n; i++)
        if (!isfinite(l->logits[i]))
            return t5g_err_set(e, T5G_EX_DATA, "%s: not finite", name);
    return 0;
}

void
t5g_labelled_free(struct t5g_labelled *l)
{
    t5g_json_free(l->meta);
    t5g_free(l->names);
    t5g_free(l->row);
    *l = (struct t5g_labelled){0};
}

/* Weigh row number i into l->row; the first of the largest. */
static size_t
weigh(const struct t5g_labelled *l, size_t i)
{
    size_t best = 0;
    for (size_t k = 0; k < l->n; k++) {
        l->row[k] = (double)l->logits[i * l->n + k];
        best = l->row[k] > l->row[best] ? k : best;
    }
    t5g_labels_weigh(l->problem, l->row, l->n);
    return best;
}

static void
put_number(struct t5g_buf *b, double v)
{
    char text[32];
    t5g_num_print_f32(text, (float)v);
    t5g_buf_adds(b, text);
}

void
t5g_labelled_text(const struct t5g_labelled *l, struct t5g_buf *b)
{
    bool whole = l->tokens == 0;
    for (size_t i = 0; i < (whole ? 1 : l->tokens); i++) {
        size_t best = weigh(l, i);
        if (i > 0)
            t5g_buf_addc(b, ' ');
        if (l->problem != T5G_PROBLEM_REGRESSION)
            t5g_buf_adds(b, l->names[best]);
        for (size_t k = 0; k < l->n && l->problem == T5G_PROBLEM_REGRESSION; k++) {
            if (k > 0)
                t5g_buf_addc(b, ' ');
            put_number(b, l->row[k]);
        }
    }
}

/* Members for row number i. */
static void
put_row(const struct t5g_labelled *l, size_t i, struct t5g_buf *b)
{
    size_t best = weigh(l, i);
    if (l->problem == T5G_PROBLEM_REGRESSION) {
        t5g_buf_adds(b, ",\"values\":{");
    } else {
        t5g_buf_adds(b, ",\"label\":");
        t5g_jsonstr_write(b, l->names[best], strlen(l->names[best]));
        t5g_buf_adds(b, ",\"probabilities\":{");
    }
    for (size_t k = 0; k < l->n; k++) {
        if (k > 0)
            t5g_buf_addc(b, ',');
        t5g_jsonstr_write(b, l->names[k], strlen(l->names[k]));
        t5g_buf_addc(b, ':');
        put_number(b, l->row[k]);
    }
    t5g_buf_addc(b, '}');
}

void
t5g_labelled_json(const struct t5g_labelled *l, const struct t5g_tokenizer *t,
                  const struct t5g_ids *ids, struct t5g_buf *b)
{
    if (l->tokens == 0) {
        put_row(l, 0, b);
        return;
    }
    struct t5g_buf *texts = t5g_alloc(ids->n, sizeof *texts);
    t5g_token_texts(t, ids->p, ids->n, texts);
    t5g_buf_adds(b, ",\"tokens\":[");
    for (size_t i = 0; i < ids->n; i++) {
        t5g_buf_adds(b, i > 0 ? ",{\"text\":" : "{\"text\":");
        t5g_jsonstr_write(b, texts[i].n > 0 ? texts[i].p : "", texts[i].n);
        put_row(l, i, b);
        t5g_buf_addc(b, '}');
        t5g_buf_free(&texts[i]);
    }
    t5g_buf_addc(b, ']');
    t5g_free(texts);
}
