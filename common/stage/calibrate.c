/*
 * calibrate.c: texts through a model, layer by layer, while it is packed.
 *
 *   encoder, then decoder; for each layer
 *     all rows through the layer as it is: H of the inputs of every matrix     (model/gptq.h)
 *     the matrices are quantised by the caller, which asks for factors of H
 *     all rows through the layer as it became, to the next one
 *
 * So a layer makes up for its own errors on what it will be given, and only the rows and the sums
 * of one layer are in memory.
 */
#include "stage/calibrate.h"
#include "nn/embed.h"
#include "nn/forced.h"
#include "nn/layers.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { PART = 500 }; /* tokens of a part of a text, at most */

/* Matrices with the same inputs. */
enum slot { SELF_Q, SELF_KV, SELF_O, CROSS_Q, CROSS_KV, CROSS_O, FFN_IN, FFN_DOWN, SLOTS };

static const struct {
    size_t field; /* of a t5g_affine in struct t5g_layer */
    enum slot slot;
} fields[] = {
    {offsetof(struct t5g_layer, self.q), SELF_Q},
    {offsetof(struct t5g_layer, self.k), SELF_KV},
    {offsetof(struct t5g_layer, self.v), SELF_KV},
    {offsetof(struct t5g_layer, self.o), SELF_O},
    {offsetof(struct t5g_layer, cross.q), CROSS_Q},
    {offsetof(struct t5g_layer, cross.k), CROSS_KV},
    {offsetof(struct t5g_layer, cross.v), CROSS_KV},
    {offsetof(struct t5g_layer, cross.o), CROSS_O},
    {offsetof(struct t5g_layer, ffn.gate), FFN_IN},
    {offsetof(struct t5g_layer, ffn.up), FFN_IN},
    {offsetof(struct t5g_layer, ffn.down), FFN_DOWN},
};

/* Rows on their way through a stack. */
struct rows {
    float *p; /* [n, d] */
    size_t n;
    const struct rows *document; /* of the decoder; NULL: none */
};

struct t5g_calibration {
    const struct t5g_model *m;
    const struct t5g_kernels *k;
    struct t5g_pool *pool;
    struct rows *documents, *sequences; /* [n_parts], [2 n_parts] at most */
    size_t n_documents, n_sequences;

    /* The encoder as a stack of one layer, which changes. */
    struct t5g_stack stack;
    struct t5g_stack_config config;
    struct t5g_layer layer;
    struct t5g_layers layers;
    struct t5g_forced forced; /* open with the decoder */
    float *copy;              /* of rows, [most, d] */

    bool decoder; /* the current layer's stack */
    size_t l;
    const struct t5g_layer *now;
    struct t5g_hessian sums[SLOTS];
    struct t5g_factor factor;
    enum slot factored; /* what factor is of; SLOTS: nothing */
};

/* ---- texts to rows ---- */

static struct rows
embedded(const struct t5g_stack *s, int32_t eoi, const struct t5g_ids *ids)
{
    struct rows r = {.n = ids->n};
    r.p = t5g_alloc_raw(r.n, s->c->d * sizeof *r.p);
    for (size_t i = 0; i < r.n; i++)
        t5g_embed_row(r.p + i * s->c->d, s, eoi, ids->p[i]);
    return r;
}

/* One part: a document, and what the decoder is given. */
static void
add_part(struct t5g_calibration *c, const struct t5g_tokenizer *t, const int32_t *p, size_t n,
         bool first)
{
    const struct t5g_model *m = c->m;
    const int32_t *around;
    struct t5g_ids ids = {0};
    struct rows *document = &c->documents[c->n_documents++];
    size_t k = t5g_tokenizer_before(t, &around);
    t5g_ids_append(&ids, around, k);
    t5g_ids_append(&ids, p, n);
    k = t5g_tokenizer_after(t, &around);
    t5g_ids_append(&ids, around, k);
    ids.n = t5g_min(ids.n, T5G_ROW_BLOCK);
    *document = embedded(&m->encoder, m->config.eoi, &ids);
    for (int with = 0; with < (first ? 1 : 2) && m->config.has_decoder; with++) {
        struct rows *sequence = &c->sequences[c->n_sequences++];
        ids.n = 0;
        t5g_ids_add(&ids, m->config.start);
        t5g_ids_append(&ids, p, n);
        *sequence = embedded(&m->decoder, m->config.eoi, &ids);
        sequence->document = with == 1 ? document - 1 : NULL;
    }
    t5g_ids_free(&ids);
}

static size_t
parts_of(size_t n)
{
    return t5g_max((n + PART - 1) / PART, 2);
}

static void
add_texts(struct t5g_calibration *c, const struct t5g_tokenizer *tokenizer,
          const struct t5g_texts *t)
{
    size_t parts = 0, left = T5G_CALIBRATION_MOST;
    for (size_t i = 0, n; i < t->n; i++) {
        t5g_texts_get(t, i, &n);
        parts += parts_of(n);
    }
    c->documents = t5g_alloc(parts, sizeof *c->documents);
    c->sequences = t5g_alloc(2 * parts, sizeof *c->sequences);
    for (size_t i = 0; i < t->n && left > 0; i++) {
        size_t n;
        const int32_t *p = t5g_texts_get(t, i, &n);
        n = t5g_min(n, left);
        left -= n;
        size_t part = (n + parts_of(n) - 1) / parts_of(n);
        for (size_t at = 0; at < n; at += part)
            add_part(c, tokenizer, p + at, t5g_min(part, n - at), at == 0);
    }
}

/* ---- a layer ---- */

static const struct t5g_affine *
affine(const struct t5g_layer *w, size_t field)
{
    return (const struct t5g_affine *)(const void *)((const char *)w + field);
}

static bool
within(const struct t5g_mat *part, const struct t5g_mat *m)
{
    const char *p = part->p, *from = m->p;
    return from != NULL && p >= from && p < from + m->rows * m->cols * t5g_dtype_size(m->dtype);
}

/* Of struct t5g_exec: add the rows to the sums of the matrices that they are multiplied with. */
static void
seen(void *arg, const struct t5g_linear *jobs, size_t n_jobs, const float *a, size_t lda, size_t m)
{
    struct t5g_calibration *c = arg;
    bool of[SLOTS] = {false};
    for (size_t i = 0; i < n_jobs; i++)
        for (size_t f = 0; f < T5G_LEN(fields); f++)
            if (within(&jobs[i].w, &affine(c->now, fields[f].field)->w))
                of[fields[f].slot] = true;
    for (int s = 0; s < SLOTS; s++)
        if (of[s])
            t5g_hessian_add(&c->sums[s], c->k, c->pool, a, lda, m);
}

/* All rows through the layer w, in place, or with the sums of its inputs and nothing kept. */
static void
pass(struct t5g_calibration *c, const struct t5g_layer *w, bool keep)
{
    struct t5g_exec *x = c->decoder ? &c->forced.x : &c->layers.x;
    size_t n = c->decoder ? c->n_sequences : c->n_documents;
    size_t d = c->decoder ? c->m->config.decoder.d : c->m->config.encoder.d;
    struct rows *all = c->decoder ? c->sequences : c->documents;
    x->seen = keep ? NULL : seen;
    x->seen_arg = c;
    c->config.full = c->m->config.encoder.full + (c->decoder ? 0 : c->l);
    c->layer = *w;
    c->now = &c->layer;
    for (size_t i = 0; i < n; i++) {
        const struct rows *r = &all[i], *document = r->document;
        float *p = keep ? r->p : memcpy(c->copy, r->p, r->n * d * sizeof *r->p);
        struct t5g_row_span span = {0, r->n, 0};
        struct t5g_row_group g = {p, r->n, &span, 1};
        if (c->decoder)
            t5g_forced_layer(&c->forced, c->now, c->l, p, r->n,
                             document != NULL ? document->p : NULL,
                             document != NULL ? document->n : 0);
        else
            t5g_layers_run(&c->layers, &g, NULL, NULL);
    }
}

/* After the encoder's last layer. */
static void
begin_decoder(struct t5g_calibration *c)
{
    size_t d = c->m->config.encoder.d;
    for (size_t i = 0; i < c->n_documents; i++)
        t5g_block_norm(&c->layers.b, c->documents[i].p, d, c->documents[i].p, d,
                       &c->m->encoder.norm, c->documents[i].n);
    t5g_forced_open(&c->forced, &c->m->config.decoder, c->k, c->pool);
    c->decoder = true;
}

static void
drop_sums(struct t5g_calibration *c)
{
    for (int s = 0; s < SLOTS; s++)
        t5g_hessian_free(&c->sums[s]);
    t5g_factor_free(&c->factor);
    c->factored = SLOTS;
}

static void
look(void *arg, bool decoder, size_t l)
{
    struct t5g_calibration *c = arg;
    if (decoder && !c->decoder)
        begin_decoder(c);
    const struct t5g_layer *w = &(decoder ? &c->m->decoder : &c->m->encoder)->layers[l];
    c->l = l;
    for (size_t f = 0; f < T5G_LEN(fields); f++) {
        struct t5g_hessian *sum = &c->sums[fields[f].slot];
        if (affine(w, fields[f].field)->w.p != NULL && sum->h == NULL)
            t5g_hessian_open(sum, affine(w, fields[f].field)->w.cols);
    }
    pass(c, w, false);
}

static const struct t5g_factor *
factor(void *arg, size_t field)
{
    struct t5g_calibration *c = arg;
    enum slot slot = SLOTS;
    for (size_t f = 0; f < T5G_LEN(fields); f++)
        if (fields[f].field == field)
            slot = fields[f].slot;
    if (c->factored != slot) {
        t5g_factor_free(&c->factor);
        t5g_factor_make(&c->factor, &c->sums[slot], c->k, c->pool);
        c->factored = slot;
    }
    return c->factor.s != NULL ? &c->factor : NULL;
}

static void
go_on(void *arg, const struct t5g_layer *w)
{
    struct t5g_calibration *c = arg;
    drop_sums(c);
    pass(c, w, true);
}

struct t5g_pack_inputs
t5g_calibration_inputs(struct t5g_calibration *c)
{
    return (struct t5g_pack_inputs){c, look, factor, go_on};
}

struct t5g_calibration *
t5g_calibration_open(const struct t5g_model *m, const struct t5g_tokenizer *tokenizer,
                     const struct t5g_texts *t, struct t5g_pool *pool, struct t5g_err *e)
{
    const struct t5g_kernels *k = t5g_kernels_get(getenv("T5G_CPU"), e);
    if (k == NULL)
        return NULL;
    struct t5g_calibration *c = t5g_alloc(1, sizeof *c);
    *c = (struct t5g_calibration){.m = m, .k = k, .pool = pool, .factored = SLOTS};
    add_texts(c, tokenizer, t);
    c->copy = t5g_alloc_raw(T5G_ROW_BLOCK,
                            t5g_max(m->config.encoder.d, m->config.decoder.d) * sizeof *c->copy);
    c->config = m->config.encoder;
    c->config.layers = 1;
    c->stack = m->encoder;
    c->stack.c = &c->config;
    c->stack.layers = &c->layer;
    t5g_layers_open(&c->layers, &c->stack, k, pool, 0, true);
    t5g_layers_reserve(&c->layers, T5G_ROW_BLOCK);
    return c;
}

void
t5g_calibration_close(struct t5g_calibration *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < c->n_documents; i++)
        t5g_free(c->documents[i].p);
    for (size_t i = 0; i < c->n_sequences; i++)
        t5g_free(c->sequences[i].p);
    drop_sums(c);
    t5g_layers_close(&c->layers);
    if (c->decoder)
        t5g_forced_close(&c->forced);
    t5g_free(c->documents);
    t5g_free(c->sequences);
    t5g_free(c->copy);
    t5g_free(c);
}
