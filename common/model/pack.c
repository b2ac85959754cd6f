/* pack.c: how each weight is stored in a packed model. */
#include "model/pack.h"
#include "base/bug.h"
#include "kernels/rotate.h"
#include "model/bake.h"
#include "model/binder.h"
#include "model/family.h"
#include "model/packed.h"
#include "model/quant.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Elements that share a scale: fewer in the embedding, which is also the output matrix. */
enum { GROUP8 = 64, GROUP_EMBED = 32, GROUP_SMALL = 32 };

static bool
is_embedding(const struct t5g_bound *x)
{
    return t5g_ends(x->name.rest, "embed_tokens.weight") || x->name.part == T5G_PART_HEAD;
}

/* A matrix of the large products. */
static bool
is_matrix(const struct t5g_model *m, const struct t5g_bound *x)
{
    if (x->t->ndim != 2 || !t5g_ends(x->name.rest, ".weight") ||
        x->name.part == T5G_PART_PROJECTOR || x->name.part == T5G_PART_SCORE)
        return false;
    bool vision = x->name.part == T5G_PART_VISION;
    if (vision && strncmp(x->name.rest, "encoder.layers.", 15) != 0)
        return false;
    bool by_head = t5g_ends(x->name.rest, "v_proj.weight") ||
                   (!vision && t5g_ends(x->name.rest, "k_proj.weight")); /* used head by head */
    size_t dh = vision                             ? m->config.vision.stack.dh
                : x->name.part == T5G_PART_DECODER ? m->config.decoder.dh
                                                   : m->config.encoder.dh;
    return !by_head || dh % T5G_PANEL == 0;
}

/* An embedding that is a copy of the encoder's. */
static bool
is_copy(const struct t5g_binder *b, const struct t5g_bound *x)
{
    if (!is_embedding(x) || x->name.part == T5G_PART_ENCODER)
        return false;
    for (size_t i = 0; i < b->n; i++) {
        const struct t5g_bound *y = &b->all[i];
        if (y->name.part == T5G_PART_ENCODER && is_embedding(y) && y->t->size == x->t->size &&
            y->t->dtype == x->t->dtype && memcmp(y->t->data, x->t->data, x->t->size) == 0)
            return true;
    }
    return false;
}

/* The dtype that the model uses for t: see matrix() in model.c. */
static int
stored_dtype(const struct t5g_model *m, const struct t5g_tensor *t)
{
    bool packed = t5g_safetensors_packed(m->files) != NULL;
    return t->dtype == m->config.dtype || m->config.dtype == T5G_F32 || packed ? t->dtype
                                                                               : m->config.dtype;
}

/* Write panels and scales, which lie together, as one tensor. */
static int
write_quantised(struct t5g_writer *w, const char *name, const struct t5g_tensor *t,
                const void *data, uint64_t n, struct t5g_err *e)
{
    char extra[160];
    snprintf(extra, sizeof extra, "\"layout\":\"%s\",\"rows\":%llu,\"cols\":%llu,\"group\":%zu",
             t5g_quant_layout(t->dtype), (unsigned long long)t->dims[0],
             (unsigned long long)t->dims[1], t->group);
    return t5g_writer_tensor(w, name, T5G_U8, 1, &n, data, extra, e);
}

static int
quantised_dtype(enum t5g_pack_weights weights)
{
    return weights == T5G_PACK_Q8 ? T5G_Q8 : weights == T5G_PACK_Q6 ? T5G_Q6 : T5G_Q4;
}

static int
write_tensor(struct t5g_writer *w, const struct t5g_model *m, const struct t5g_bound *x,
             enum t5g_pack_weights weights, struct t5g_pool *pool, struct t5g_err *e)
{
    struct t5g_tensor t = *x->t;
    char name[512];
    snprintf(name, sizeof name, "%s%s", t5g_part_prefix(x->name.part), x->name.rest);
    if (t5g_is_quantised(t.dtype)) {
        bool same =
            weights == T5G_PACK_KEEP || strcmp(m->profile, t5g_pack_profile(m, weights)) == 0;
        return same ? write_quantised(w, name, &t, t.data, t.size, e)
                    : t5g_err_set(e, T5G_EX_DATA, "%s: quantised already: pack the checkpoint",
                                  m->dir);
    }
    bool once =
        t5g_is_baked(&t) && weights >= T5G_PACK_Q8; /* rounded once: where it is quantised */
    int dtype = once ? t.dtype : stored_dtype(m, &t);
    size_t n = t.size / t5g_dtype_size(t.dtype);
    bool matrix = is_matrix(m, x);
    if (weights == T5G_PACK_BF16 && matrix)
        dtype = T5G_BF16;
    void *owned = NULL;
    int r;
    if (dtype != t.dtype && dtype != T5G_F32) {
        owned = t5g_alloc_raw(n, sizeof(uint16_t));
        t5g_narrow(owned, dtype, t.data, t.dtype, n);
        t.data = owned;
        t.dtype = dtype;
    }
    if (matrix && weights >= T5G_PACK_Q8) {
        struct t5g_mat mat = {
            .p = t.data, .dtype = t.dtype, .rows = (size_t)t.dims[0], .cols = (size_t)t.dims[1]};
        t.dtype = is_embedding(x) ? T5G_Q8 : quantised_dtype(weights);
        t.group = is_embedding(x) ? GROUP_EMBED : t.dtype == T5G_Q8 ? GROUP8 : GROUP_SMALL;
        size_t bytes;
        unsigned char *q = t5g_quantise_matrix(&mat, t.dtype, t.group, NULL, pool, &bytes);
        r = write_quantised(w, name, &t, q, bytes, e);
        t5g_free(q);
    } else {
        r = t5g_writer_tensor(w, name, t.dtype, t.ndim, t.dims, t.data, NULL, e);
    }
    t5g_free(owned);
    return r;
}

/* For each row of the screen, its distance from that of the head and its length, rounded up. */
static float *
screen_norms(const struct t5g_mat *head, const struct t5g_mat *screen)
{
    float *norms = t5g_alloc(head->rows, 2 * sizeof *norms), *x, *y;
    x = t5g_alloc(2 * head->cols, sizeof *x);
    y = x + head->cols;
    for (size_t r = 0; r < head->rows; r++) {
        double away = 0, left = 0;
        t5g_mat_row(x, head, r);
        t5g_rotate_row(x, x, head->cols);
        t5g_mat_row_rotated(y, screen, r);
        for (size_t k = 0; k < head->cols; k++) {
            double d = (double)x[k] - (double)y[k];
            away += d * d;
            left += (double)y[k] * (double)y[k];
        }
        norms[2 * r] = nextafterf((float)(sqrt(away) * (1 + 1e-9)), INFINITY);
        norms[2 * r + 1] = nextafterf((float)(sqrt(left) * (1 + 1e-9)), INFINITY);
    }
    t5g_free(x);
    return norms;
}

/* A copy of the head in bytes, to find the few rows that may have the largest logit. */
static int
write_screen(struct t5g_writer *w, const struct t5g_model *m, struct t5g_pool *pool,
             struct t5g_err *e)
{
    struct t5g_tensor t = {.dtype = T5G_Q8, .group = GROUP8};
    size_t bytes, rows = m->head.rows, cols = m->head.cols;
    unsigned char *q = t5g_quantise_matrix(&m->head, T5G_Q8, GROUP8, NULL, pool, &bytes);
    struct t5g_mat screen = t5g_quant_matrix(q, T5G_Q8, rows, cols, GROUP8);
    float *norms = screen_norms(&m->head, &screen);
    t.dims[0] = screen.rows;
    t.dims[1] = screen.cols;
    int r = write_quantised(w, "screen.head.weight", &t, q, bytes, e);
    if (r == 0)
        r = t5g_writer_tensor(w, "screen.head.norms", T5G_F32, 2, (uint64_t[]){screen.rows, 2},
                              norms, NULL, e);
    t5g_free(norms);
    t5g_free(q);
    return r;
}

/* ---- with compensated errors ---- */

struct job {
    struct t5g_writer *w;
    const struct t5g_model *m;
    enum t5g_pack_weights weights;
    const struct t5g_pack_inputs *inputs;
    struct t5g_pool *pool;
    struct t5g_binder b;
    void (*progress)(size_t done, size_t total);
    size_t done;
    struct t5g_err *e;
};

static void
tick(struct job *j)
{
    j->progress(++j->done, j->b.n);
}

/* A matrix whose errors are compensated: one of a layer of the encoder or decoder. */
static bool
is_compensated(const struct job *j, const struct t5g_bound *x)
{
    return j->inputs != NULL && is_matrix(j->m, x) && !is_embedding(x) &&
           (x->name.part == T5G_PART_ENCODER || x->name.part == T5G_PART_DECODER);
}

static const struct t5g_bound *
find_bound(const struct t5g_binder *b, enum t5g_part part, const char *rest)
{
    size_t i = 0;
    while (b->all[i].name.part != part || strcmp(b->all[i].name.rest, rest) != 0)
        i++; /* it is there: the model is open */
    return &b->all[i];
}

enum { LAYER_MOST = 16 }; /* matrices of a layer */

/* The matrices of a layer, quantised and written. */
static int
write_layer(struct job *j, const struct t5g_stack_family *family, bool decoder, size_t l)
{
    enum t5g_part part = decoder ? T5G_PART_DECODER : T5G_PART_ENCODER;
    struct t5g_layer layer = (decoder ? &j->m->decoder : &j->m->encoder)->layers[l];
    void *owned[LAYER_MOST];
    size_t n = 0;
    int r = 0;
    j->inputs->look(j->inputs->arg, decoder, l);
    for (const struct t5g_tensor_row *row = family->tensors; row->name != NULL && r == 0; row++) {
        char rest[160], name[512];
        snprintf(rest, sizeof rest, "%s%zu.%s.weight", family->layers, l, row->name);
        if (row->kind != T5G_ROW_MATRIX || !is_compensated(j, find_bound(&j->b, part, rest)))
            continue;
        if (n == LAYER_MOST)
            t5g_bug("a family has more matrices in a layer than are packed");
        struct t5g_affine *a = (struct t5g_affine *)(void *)((char *)&layer + row->field);
        struct t5g_tensor t = {.dtype = quantised_dtype(j->weights),
                               .dims = {a->w.rows, a->w.cols}};
        size_t bytes;
        t.group = t.dtype == T5G_Q8 ? GROUP8 : GROUP_SMALL;
        owned[n++] =
            t5g_quantise_matrix(&a->w, t.dtype, t.group,
                                j->inputs->factor(j->inputs->arg, row->field), j->pool, &bytes);
        a->w = t5g_quant_matrix(owned[n - 1], t.dtype, a->w.rows, a->w.cols, t.group);
        snprintf(name, sizeof name, "%s%s", t5g_part_prefix(part), rest);
        r = write_quantised(j->w, name, &t, owned[n - 1], bytes, j->e);
        tick(j);
    }
    if (r == 0)
        j->inputs->go_on(j->inputs->arg, &layer);
    while (n > 0)
        t5g_free(owned[--n]);
    return r;
}

static int
write_layers(struct job *j)
{
    const struct t5g_config *c = &j->m->config;
    int r = 0;
    for (size_t l = 0; l < c->encoder.layers && r == 0; l++)
        r = write_layer(j, c->family->encoder, false, l);
    for (size_t l = 0; l < c->decoder.layers && c->has_decoder && r == 0; l++)
        r = write_layer(j, c->family->decoder, true, l);
    return r;
}

int
t5g_pack_write(struct t5g_writer *w, const struct t5g_model *m, enum t5g_pack_weights weights,
               const struct t5g_pack_inputs *inputs, struct t5g_pool *pool,
               void (*progress)(size_t done, size_t total), struct t5g_err *e)
{
    struct job j = {.w = w, .m = m, .weights = weights, .pool = pool, .progress = progress, .e = e};
    j.inputs = weights >= T5G_PACK_Q8 && !m->quantised ? inputs : NULL;
    t5g_binder_open(&j.b, m->files, m->prefix);
    t5g_baking_bind(m->baked, &j.b);
    int r = j.inputs != NULL ? write_layers(&j) : 0;
    for (size_t i = 0; i < j.b.n && r == 0; i++) {
        const struct t5g_bound *x = &j.b.all[i];
        if (is_compensated(&j, x))
            continue;
        if (x->name.part < T5G_PART_SCREEN && !is_copy(&j.b, x))
            r = write_tensor(w, m, x, weights, pool, e);
        tick(&j);
    }
    t5g_binder_close(&j.b);
    bool exact =
        weights == T5G_PACK_KEEP || (weights == T5G_PACK_BF16 && m->head.dtype == T5G_BF16);
    if (r == 0 && exact && m->config.has_decoder && !t5g_is_quantised(m->head.dtype))
        r = write_screen(w, m, pool, e);
    return r;
}

int
t5g_pack_texts(struct t5g_writer *w, const char *model, struct t5g_err *e)
{
    static const char *const names[] = {"config.json", "generation_config.json",
                                        "processor_config.json", "preprocessor_config.json",
                                        "tokenizer_config.json"};
    struct t5g_buf b = {0};
    int r = 0;
    for (size_t i = 0; i < T5G_LEN(names) && r == 0; i++) {
        b.n = 0;
        r = t5g_model_optional(model, names[i], (size_t)4 << 20, &b, e);
        if (r == 1)
            r = t5g_writer_text(w, names[i], b.p, b.n, e);
    }
    t5g_buf_free(&b);
    return r;
}

const char *
t5g_pack_profile(const struct t5g_model *m, enum t5g_pack_weights weights)
{
    static const char *const names[] = {NULL, "bf16", "q8", "q6", "q4"};
    return weights == T5G_PACK_KEEP ? m->profile : names[weights];
}
