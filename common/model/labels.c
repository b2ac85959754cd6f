/* labels.c: the labels of a classifier, as transformers reads them. */
#include "model/labels.h"
#include "base/num.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LABELS_MOST 100000

static const char *const problems[] = {
    [T5G_PROBLEM_SINGLE] = "single_label_classification",
    [T5G_PROBLEM_MULTI] = "multi_label_classification",
    [T5G_PROBLEM_REGRESSION] = "regression",
};

const char *
t5g_problem_name(enum t5g_problem p)
{
    return problems[p];
}

int
t5g_problem_find(const char *name)
{
    for (size_t i = 0; i < T5G_LEN(problems); i++)
        if (strcmp(problems[i], name) == 0)
            return (int)i;
    return -1;
}

void
t5g_labels_clear(struct t5g_labels *l)
{
    for (size_t i = 0; i < l->n && l->names != NULL; i++)
        t5g_free(l->names[i]);
    t5g_free(l->names);
    *l = (struct t5g_labels){0};
}

/* A label: a string, or a number as it is written. */
static char *
label_of(const struct t5g_json *v)
{
    struct t5g_buf b = {0};
    if (t5g_json_is_string(v))
        return t5g_strdup(t5g_json_str(v));
    if (!t5g_json_is_number(v))
        return NULL;
    t5g_json_print(&b, v);
    return b.p;
}

static int
by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* They are keys of one object in what is printed. */
static void
check_different(const struct t5g_labels *l, struct t5g_fields *f, struct t5g_place top)
{
    char **sorted = t5g_alloc(l->n, sizeof *sorted);
    memcpy(sorted, l->names, l->n * sizeof *sorted);
    qsort(sorted, l->n, sizeof *sorted, by_text);
    for (size_t i = 1; i < l->n && !f->failed; i++)
        if (strcmp(sorted[i - 1], sorted[i]) == 0)
            t5g_fields_fail(f, top, "id2label", "label '%s' twice", sorted[i]);
    t5g_free(sorted);
}

/* {"0":"no","1":"yes"}, in any order. */
static void
read_names(struct t5g_labels *l, struct t5g_fields *f, struct t5g_place top)
{
    const struct t5g_json *map = t5g_field_object(f, top, "id2label", "id2label.").obj;
    size_t n = f->failed ? 0 : t5g_json_size(map);
    if (f->failed)
        return;
    if (n == 0 || n > LABELS_MOST) {
        t5g_fields_fail(f, top, "id2label", "%zu labels, expected 1 to %d", n, LABELS_MOST);
        return;
    }
    l->names = t5g_alloc(n, sizeof *l->names);
    l->n = n;
    for (const struct t5g_json *v = t5g_json_first(map); v != NULL; v = t5g_json_next(v)) {
        uint64_t id;
        bool good = t5g_num_u64("", t5g_json_key(v), 0, n - 1, &id, NULL) == 0 &&
                    l->names[id] == NULL && (l->names[id] = label_of(v)) != NULL;
        if (!good) {
            t5g_fields_fail(f, top, "id2label", "expected a label for every number from 0 to %zu",
                            n - 1);
            return;
        }
    }
    check_different(l, f, top);
}

static void
number_names(struct t5g_labels *l, struct t5g_fields *f, struct t5g_place top)
{
    l->n = (size_t)t5g_field_int_or(f, top, "num_labels", 1, LABELS_MOST, 2);
    l->names = t5g_alloc(l->n, sizeof *l->names);
    for (size_t i = 0; i < l->n; i++) {
        struct t5g_buf b = {0};
        t5g_buf_printf(&b, "LABEL_%zu", i);
        l->names[i] = b.p;
    }
}

void
t5g_labels_read(struct t5g_labels *l, const char *class, struct t5g_fields *f, struct t5g_place top,
                struct t5g_place decoder, size_t v)
{
    if (f->failed)
        return;
    if (strstr(class, "ForSequenceClassification") != NULL)
        l->kind = T5G_HEAD_SEQUENCE;
    else if (strstr(class, "ForTokenClassification") != NULL)
        l->kind = T5G_HEAD_TOKENS;
    else
        return;
    if (t5g_field(top, "id2label") != NULL)
        read_names(l, f, top);
    else
        number_names(l, f, top);
    const char *problem = t5g_field_str(f, top, "problem_type");
    int known = problem != NULL ? t5g_problem_find(problem) : -1;
    l->problem = known >= 0  ? (enum t5g_problem)known
                 : l->n == 1 ? T5G_PROBLEM_REGRESSION
                             : T5G_PROBLEM_SINGLE;
    if (problem != NULL && known < 0)
        t5g_fields_fail(f, top, "problem_type", "%s, expected %s, %s or %s", problem, problems[0],
                        problems[1], problems[2]);
    struct t5g_place start = t5g_field(decoder, "bos_token_id") != NULL ? decoder : top;
    struct t5g_place pad = t5g_field(top, "pad_token_id") != NULL ? top : decoder;
    l->start = (int32_t)t5g_field_size(f, start, "bos_token_id", 0, v - 1);
    l->pad = (int32_t)t5g_field_int_or(f, pad, "pad_token_id", 0, INT32_MAX, -1);
}

void
t5g_labels_weigh(enum t5g_problem p, double *logits, size_t n)
{
    double most = -INFINITY, sum = 0;
    for (size_t i = 0; i < n; i++)
        most = logits[i] > most ? logits[i] : most;
    for (size_t i = 0; i < n && p == T5G_PROBLEM_SINGLE; i++)
        sum += logits[i] = exp(logits[i] - most);
    for (size_t i = 0; i < n; i++)
        if (p == T5G_PROBLEM_SINGLE)
            logits[i] /= sum;
        else if (p == T5G_PROBLEM_MULTI)
            logits[i] = 1 / (1 + exp(-logits[i]));
}
