/* listing.c: what a model is made of, as a table. */
#include "stage/listing.h"
#include "stage/adapting.h"
#include "cli/program.h"
#include "base/escape.h"
#include "base/json.h"
#include "base/units.h"
#include "model/adapter.h"
#include "model/binder.h"
#include "model/model.h"
#include "stream/document.h"
#include "text/tokenizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* The weights of one type in one row of the table. */
struct share {
    size_t row;
    int dtype;
    uint64_t tensors, parameters, bytes;
};

enum { EMBEDDING, ENCODER, DECODER_EMBEDDING, DECODER, OUTPUT, LABELS, SCREEN, VISION, UNUSED };

static const char *const row_names[] = {
    [EMBEDDING] = "embedding",
    [ENCODER] = "encoder",
    [DECODER_EMBEDDING] = "decoder embedding",
    [DECODER] = "decoder",
    [OUTPUT] = "output matrix",
    [LABELS] = "classifier",
    [SCREEN] = "screen",
    [VISION] = "vision",
    [UNUSED] = "not used",
};

static size_t
row_of(const struct t5g_name *x)
{
    bool embedding = strncmp(x->rest, "embed_tokens.", 13) == 0;
    switch (x->part) {
    case T5G_PART_ENCODER:
        return embedding ? EMBEDDING : ENCODER;
    case T5G_PART_DECODER:
        return embedding ? DECODER_EMBEDDING : DECODER;
    case T5G_PART_HEAD:
        return OUTPUT;
    case T5G_PART_SCORE:
        return LABELS;
    case T5G_PART_SCREEN:
        return SCREEN;
    case T5G_PART_PROJECTOR:
    case T5G_PART_VISION:
        return VISION;
    default:
        return UNUSED;
    }
}

struct table {
    struct share *v; /* [n] */
    size_t n, cap;
};

static void
add(struct table *t, size_t row, const struct t5g_tensor *x)
{
    size_t i = 0;
    uint64_t parameters = 1;
    while (i < t->n && (t->v[i].row != row || t->v[i].dtype != x->dtype))
        i++;
    if (i == t->n) {
        t->v = t5g_grow(t->v, t->n, &t->cap, sizeof *t->v);
        t->v[t->n++] = (struct share){.row = row, .dtype = x->dtype};
    }
    for (size_t k = 0; k < x->ndim; k++)
        parameters *= x->dims[k];
    t->v[i].tensors++;
    t->v[i].parameters += parameters;
    t->v[i].bytes += x->size;
}

static int
by_row(const void *a, const void *b)
{
    const struct share *x = a, *y = b;
    if (x->row != y->row)
        return x->row < y->row ? -1 : 1;
    return x->bytes > y->bytes ? -1 : x->bytes < y->bytes;
}

/* 1234567 as 1,234,567. */
static void
put_number(char out[32], uint64_t n)
{
    char digits[24];
    size_t len = (size_t)snprintf(digits, sizeof digits, "%llu", (unsigned long long)n), at = 0;
    for (size_t i = 0; i < len; i++) {
        out[at++] = digits[i];
        if ((len - i) % 3 == 1 && i + 1 < len)
            out[at++] = ',';
    }
    out[at] = '\0';
}

static const char *
type_name(int dtype)
{
    return dtype == T5G_Q8   ? "q8"
           : dtype == T5G_Q6 ? "q6"
           : dtype == T5G_Q4 ? "q4"
                             : t5g_dtype_name(dtype);
}

/* What is computed from other weights, or not used, is no parameter of the model. */
static bool
counts(const struct share *s)
{
    return s->row != SCREEN && s->row != UNUSED;
}

static void
put_row(struct t5g_buf *b, const char *name, const char *type, const struct share *s)
{
    char tensors[32], parameters[32] = "-", size[T5G_UNITS_MAX];
    put_number(tensors, s->tensors);
    if (counts(s))
        put_number(parameters, s->parameters);
    t5g_buf_printf(b, "%-19s%-8s%9s%16s%12s\n", name, type, tensors, parameters,
                   t5g_units_size(size, s->bytes));
}

static void
put_weights(struct t5g_buf *b, struct t5g_model *m)
{
    struct t5g_binder all;
    struct table t = {0};
    struct share sum = {0};
    t5g_binder_open(&all, m->files, m->prefix);
    for (size_t i = 0; i < all.n; i++)
        add(&t, row_of(&all.all[i].name), all.all[i].t);
    t5g_binder_close(&all);
    qsort(t.v, t.n, sizeof *t.v, by_row);
    t5g_buf_printf(b, "\n%-19s%-8s%9s%16s%12s\n", "part", "weights", "tensors", "parameters",
                   "size");
    for (size_t i = 0; i < t.n; i++) {
        struct share *s = &t.v[i];
        put_row(b, i > 0 && t.v[i - 1].row == s->row ? "" : row_names[s->row], type_name(s->dtype),
                s);
        sum.tensors += s->tensors;
        sum.parameters += counts(s) ? s->parameters : 0;
        sum.bytes += s->bytes;
    }
    put_row(b, "all", "", &sum);
    t5g_free(t.v);
}

static void
put_line(struct t5g_buf *b, const char *key, const char *value)
{
    t5g_buf_printf(b, "%-19s", key);
    t5g_escape(b, value, strlen(value), false);
    t5g_buf_addc(b, '\n');
}

static void
put_identities(struct t5g_buf *b, const struct t5g_parts *p)
{
    t5g_buf_printf(b, "\n%-19s%s\n", "part", "identity");
    for (int i = 0; i < T5G_IDS; i++)
        if (p->id[i][0] != '\0')
            put_line(b, t5g_id_name((enum t5g_id)i), p->id[i]);
}

static uint64_t
size_of_files(const struct t5g_model *m)
{
    uint64_t n = 0;
    for (size_t i = 0; i < t5g_safetensors_files(m->files); i++)
        n += t5g_safetensors_stamp(m->files, i)->size;
    return n;
}

static void
put_adapters(struct t5g_buf *b, const struct t5g_model *m)
{
    for (size_t i = 0; i < m->n_adapters; i++) {
        struct t5g_buf text = {0};
        t5g_adapter_describe(&text, m->adapters[i]);
        put_line(b, "adapter", text.p);
        t5g_buf_free(&text);
    }
}

/* The model, with the adapters that were asked for; NULL adapters: none. */
static struct t5g_model *
open_model(const char *path, const struct t5g_list *adapters, struct t5g_err *e)
{
    const char *prefix = t5g_common.encoder_prefix;
    struct t5g_model *m = t5g_model_open_in(path, prefix, T5G_SKIP_ENCODER | T5G_SKIP_DECODER, e);
    if (m == NULL || adapters == NULL || !t5g_adapting_any(adapters))
        return m;
    unsigned need = m->config.has_vision ? T5G_NEED_VISION : 0;
    const struct t5g_kernels *k = t5g_kernels_get(NULL, e);
    t5g_model_close(m);
    m = k != NULL ? t5g_model_open_in(path, prefix, need, e) : NULL;
    if (m == NULL || t5g_adapting_apply(m, k, adapters, e) == 0)
        return m;
    t5g_model_close(m);
    return NULL;
}

int
t5g_listing_put(struct t5g_buf *b, const char *path, const struct t5g_list *adapters,
                struct t5g_err *e)
{
    char size[T5G_UNITS_MAX];
    struct t5g_tokenizer *t;
    struct t5g_model *m = open_model(path, adapters, e);
    if (m == NULL)
        return -1;
    int r = t5g_tokenizer_find(&t, path, e);
    if (r >= 0) {
        put_line(b, "model", path);
        put_line(b, "source", m->parts.source);
        put_adapters(b, m);
        put_line(b, "weights", m->profile);
        put_line(b, "tokenizer", t != NULL ? t5g_tokenizer_identity(t) : "-");
        put_line(b, t5g_safetensors_packed(m->files) != NULL ? "file" : "weight files",
                 t5g_units_size(size, size_of_files(m)));
        put_identities(b, &m->parts);
        put_weights(b, m);
        t5g_tokenizer_close(t);
    }
    t5g_model_close(m);
    return r < 0 ? -1 : 0;
}

bool
t5g_listing_is_packed(const char *path)
{
    struct stat st;
    if (strcmp(path, "-") == 0 || stat(path, &st) < 0 || !S_ISREG(st.st_mode))
        return false;
    bool packed = false;
    char *name = t5g_strdup(path);
    struct t5g_source *in = t5g_source_open(&name, 1, T5G_FRAME_SIZE_DEFAULT, true);
    if (t5g_source_start(in, NULL) == 0) {
        const char *meta = t5g_source_head(in)->meta;
        struct t5g_json *j = t5g_json_parse(meta, strlen(meta), "HEAD", NULL);
        const struct t5g_json *p = t5g_json_first(t5g_json_get(j, "pg")), *last = NULL;
        for (; p != NULL; p = t5g_json_next(p))
            last = p;
        const char *id = t5g_json_str(t5g_json_get(last, "id"));
        packed = id != NULL && strcmp(id, "t5g-pack") == 0;
        t5g_json_free(j);
    }
    t5g_source_close(in);
    t5g_free(name);
    return packed;
}
