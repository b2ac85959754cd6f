/*
 * adapter_apply.c: an adapter's numbers to the model's structs.
 *
 *   y = w x + scale B (A x)                       LoRA
 *   y = g (w x + scale B (A x)),  g = magnitude / |w + scale B A|, by row     DoRA
 *   row = row + scale embed_scale (A[:, id] B^T)  LoRA on an embedding
 *
 * One LoRA is used in its file's mapping. Of several, and with DoRA, a copy is made, into which
 * scales and gains are multiplied.
 */
#include "model/adapter_impl.h"
#include "model/source.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void *
own(struct t5g_adapter *a, void *p)
{
    a->owned = t5g_grow(a->owned, a->n_owned, &a->cap_owned, sizeof *a->owned);
    a->owned[a->n_owned++] = p;
    return p;
}

/* All of t in f32; in place if it is. */
static const float *
floats(struct t5g_adapter *a, const struct t5g_tensor *t)
{
    size_t n = t->size / t5g_dtype_size(t->dtype);
    if (t->dtype == T5G_F32 && (uintptr_t)t->data % sizeof(float) == 0)
        return (const float *)(const void *)t->data;
    float *v = own(a, t5g_alloc_raw(n, sizeof *v));
    t5g_to_f32(v, t->data, t->dtype, n);
    return v;
}

/* ---- matrices of products ---- */

/* g [rows]: see above; b [rows, r] without scale. */
static float *
gains(struct t5g_adapter *a, const struct t5g_adapted *x, const float *fa, const float *fb,
      const struct t5g_kernels *k)
{
    float *g = own(a, t5g_alloc_raw(x->rows, sizeof *g)),
          *row = t5g_alloc_raw(x->cols, sizeof *row);
    float *factors = t5g_alloc_raw(x->rank, sizeof *factors);
    t5g_to_f32(g, x->piece[T5G_PIECE_MAGNITUDE]->data, x->piece[T5G_PIECE_MAGNITUDE]->dtype,
               x->rows);
    for (size_t r = 0; r < x->rows; r++) {
        double sum = 0;
        t5g_mat_row(row, x->w, r);
        for (size_t i = 0; i < x->rank; i++)
            factors[i] = fb[r * x->rank + i] * (float)x->scale;
        k->mix(row, x->cols, factors, x->rank, 1, fa, T5G_F32, x->cols, x->rank, x->cols);
        for (size_t i = 0; i < x->cols; i++)
            sum += (double)row[i] * (double)row[i];
        g[r] = (float)((double)g[r] / sqrt(sum));
    }
    t5g_free(factors);
    t5g_free(row);
    return g;
}

/* to [rows, all] from column `from` on: b [rows, rank] times scale and g [rows]. */
static void
put_columns(float *to, size_t all, size_t from, const float *b, size_t rows, size_t rank,
            float scale, const float *g)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t k = 0; k < rank; k++)
            to[r * all + from + k] = b[r * rank + k] * (g != NULL ? g[r] * scale : scale);
}

/* What was there before, beside x: both matrices of low, which are x's own until now. */
static void
stack(struct t5g_adapter *a, const struct t5g_adapted *x, struct t5g_lowrank *low,
      const struct t5g_lowrank *before, float *b, float *g)
{
    size_t old = before->rank, n = x->rank * x->cols;
    float *both = own(a, t5g_alloc_raw(old * x->cols + n, sizeof *both));
    float *wide = t5g_alloc_raw(x->rows * old, sizeof *wide);
    t5g_to_f32(both, before->a, before->a_dtype, old * x->cols);
    memcpy(both + old * x->cols, low->a, n * sizeof *both);
    t5g_to_f32(wide, before->b, before->b_dtype, x->rows * old);
    put_columns(b, low->rank, 0, wide, x->rows, old, before->scale, g);
    t5g_free(wide);
    low->a = both;
    for (size_t r = 0; g != NULL && before->gain != NULL && r < x->rows; r++)
        g[r] *= before->gain[r];
    if (g == NULL)
        low->gain = before->gain;
}

/* A copy with scale and gain, behind those that were there. */
static void
apply_copy(struct t5g_adapter *a, const struct t5g_adapted *x, struct t5g_lowrank *low,
           const struct t5g_kernels *k)
{
    const struct t5g_lowrank *before = x->w->low;
    size_t old = before != NULL ? before->rank : 0, all = old + x->rank;
    const float *fa = floats(a, x->piece[T5G_PIECE_A]), *fb = floats(a, x->piece[T5G_PIECE_B]);
    float *g = x->piece[T5G_PIECE_MAGNITUDE] != NULL ? gains(a, x, fa, fb, k) : NULL;
    float *b = own(a, t5g_alloc_raw(x->rows * all, sizeof *b));
    put_columns(b, all, old, fb, x->rows, x->rank, (float)x->scale, g);
    *low = (struct t5g_lowrank){all, x->cols, fa, b, T5G_F32, T5G_F32, 1, g};
    if (before != NULL)
        stack(a, x, low, before, b, g);
}

static bool
aligned(const struct t5g_tensor *t)
{
    return (uintptr_t)t->data % t5g_dtype_size(t->dtype) == 0;
}

static void
apply_low(struct t5g_adapter *a, const struct t5g_adapted *x, const struct t5g_kernels *k)
{
    const struct t5g_tensor *ta = x->piece[T5G_PIECE_A], *tb = x->piece[T5G_PIECE_B];
    struct t5g_lowrank *low = own(a, t5g_alloc(1, sizeof *low));
    if (x->piece[T5G_PIECE_MAGNITUDE] == NULL && x->w->low == NULL && aligned(ta) && aligned(tb))
        *low = (struct t5g_lowrank){.rank = x->rank,
                                    .cols = x->cols,
                                    .a = ta->data,
                                    .b = tb->data,
                                    .a_dtype = ta->dtype,
                                    .b_dtype = tb->dtype,
                                    .scale = (float)x->scale};
    else
        apply_copy(a, x, low, k);
    x->w->low = low;
    x->w->low_row = 0;
}

/* ---- embeddings ---- */

static struct t5g_mat
matrix(struct t5g_adapter *a, const struct t5g_tensor *t)
{
    struct t5g_mat w = {
        .p = t->data, .dtype = t->dtype, .rows = (size_t)t->dims[0], .cols = (size_t)t->dims[1]};
    if ((uintptr_t)t->data % t5g_dtype_size(t->dtype) != 0)
        w.p = own(a, t5g_memdup(t->data, t->size));
    return w;
}

/* The update of a stack's embedding, for this adapter to change: a copy with room for one sum. */
static struct t5g_embed_update *
update_of(struct t5g_adapter *a, struct t5g_stack *s)
{
    struct t5g_embed_update *u = own(a, t5g_alloc(1, sizeof *u));
    if (s->update != NULL)
        *u = *s->update;
    struct t5g_embed_sum *sums = own(a, t5g_alloc(u->n_sums + 1, sizeof *sums));
    if (u->n_sums > 0)
        memcpy(sums, u->sums, u->n_sums * sizeof *sums);
    u->sums = sums;
    s->update = u;
    return u;
}

static void
add_sum(struct t5g_adapter *a, const struct t5g_adapted *x)
{
    struct t5g_embed_update *u = update_of(a, x->stack);
    const float *fb = floats(a, x->piece[T5G_PIECE_EMBED_B]);
    float *b = own(a, t5g_alloc_raw(x->rank * x->cols, sizeof *b));
    float factor = (float)x->scale * x->stack->embed_scale;
    for (size_t k = 0; k < x->rank; k++)
        for (size_t j = 0; j < x->cols; j++)
            b[k * x->cols + j] = fb[j * x->rank + k] * factor;
    u->sums[u->n_sums++] = (struct t5g_embed_sum){.a = x->piece[T5G_PIECE_EMBED_A]->data,
                                                  .dtype = x->piece[T5G_PIECE_EMBED_A]->dtype,
                                                  .b = b,
                                                  .rank = x->rank};
}

struct token {
    int32_t id;
    size_t from; /* row */
    bool later;  /* of this adapter, not of one before */
};

static int
by_id(const void *p, const void *q)
{
    const struct token *a = p, *b = q;
    if (a->id != b->id)
        return a->id < b->id ? -1 : 1;
    return a->later != b->later ? (a->later ? 1 : -1) : a->from < b->from ? -1 : 1;
}

/* Those there are and the adapter's, which win, as one ascending list. */
static struct t5g_token_rows
merged_tokens(struct t5g_adapter *a, const struct t5g_adapted *x,
              const struct t5g_token_rows *before)
{
    size_t n = before->n + x->n_ids, d = x->cols, kept = 0;
    const float *mine = floats(a, x->piece[T5G_PIECE_TOKENS]);
    struct token *t = t5g_alloc(n, sizeof *t);
    int32_t *ids = own(a, t5g_alloc(n, sizeof *ids));
    float *rows = own(a, t5g_alloc_raw(n * d, sizeof *rows));
    for (size_t i = 0; i < n; i++)
        t[i] = i < before->n ? (struct token){before->ids[i], i, false}
                             : (struct token){x->ids[i - before->n], i - before->n, true};
    qsort(t, n, sizeof *t, by_id);
    for (size_t i = 0; i < n; i++) {
        if (kept > 0 && ids[kept - 1] == t[i].id)
            kept--;
        ids[kept] = t[i].id;
        memcpy(rows + kept++ * d, (t[i].later ? mine : before->rows) + t[i].from * d,
               d * sizeof *rows);
    }
    t5g_free(t);
    return (struct t5g_token_rows){ids, rows, kept};
}

/* The adapter's own module for an embedding of the decoder; NULL: none. */
static const struct t5g_adapted *
of_decoder(const struct t5g_adapter *a)
{
    for (size_t i = 0; i < a->n; i++)
        if (a->modules[i].embedding && a->modules[i].name->part == T5G_PART_DECODER)
            return &a->modules[i];
    return NULL;
}

/*
 * Rows of tokens. PEFT ties those of the encoder's embedding to the output matrix, and to the
 * decoder's embedding if it has none of its own, where the model ties these matrices.
 */
static void
put_tokens(struct t5g_adapter *a, const struct t5g_adapted *x, struct t5g_model *m)
{
    const struct t5g_adapted *other = of_decoder(a);
    struct t5g_embed_update *u = update_of(a, x->stack);
    u->tokens = merged_tokens(a, x, &u->tokens);
    u->no_eoi = true;
    if (x->name->part != T5G_PART_ENCODER || !m->config.tied || !m->config.has_decoder)
        return;
    m->head_tokens = merged_tokens(a, x, &m->head_tokens);
    if (other == NULL || other->piece[T5G_PIECE_TOKENS] == NULL) {
        u = update_of(a, &m->decoder);
        u->tokens = merged_tokens(a, x, &u->tokens);
        u->no_eoi = true;
    }
}

static void
apply_embedding(struct t5g_adapter *a, const struct t5g_adapted *x, struct t5g_model *m)
{
    if (x->piece[T5G_PIECE_WEIGHT] != NULL)
        x->stack->embed = matrix(a, x->piece[T5G_PIECE_WEIGHT]);
    if (x->piece[T5G_PIECE_EOI] != NULL)
        x->stack->eoi = floats(a, x->piece[T5G_PIECE_EOI]);
    if (x->piece[T5G_PIECE_EMBED_A] != NULL)
        add_sum(a, x);
    if (x->piece[T5G_PIECE_TOKENS] != NULL)
        put_tokens(a, x, m);
}

/* ---- all of it ---- */

/* Most ranks of a layer's matrices together, of those with the same activations at least. */
static void
count_ranks(struct t5g_stack *s, const struct t5g_mat *one)
{
    s->ranks = one != NULL && one->low != NULL ? t5g_round_up(one->low->rank, T5G_PANEL) : 0;
    for (size_t l = 0; s->layers != NULL && l < s->c->layers; l++) {
        const struct t5g_layer *w = &s->layers[l];
        const struct t5g_affine *all[] = {&w->self.q,  &w->self.k,   &w->self.v,  &w->self.o,
                                          &w->cross.q, &w->cross.k,  &w->cross.v, &w->cross.o,
                                          &w->ffn.up,  &w->ffn.gate, &w->ffn.down};
        size_t ranks = 0;
        for (size_t i = 0; i < T5G_LEN(all); i++)
            ranks += all[i]->w.low != NULL ? t5g_round_up(all[i]->w.low->rank, T5G_PANEL) : 0;
        s->ranks = t5g_max(s->ranks, ranks);
    }
}

/* Parts that the adapter changes get identities of their own. */
static void
identify(const struct t5g_adapter *a, struct t5g_model *m)
{
    char name[T5G_SOURCE_NAME], *source = m->parts.source;
    for (int p = 0; p < T5G_IDS; p++) {
        struct t5g_buf b = {0};
        t5g_buf_printf(&b, "%s %s", m->parts.id[p], a->digest[p]);
        if (m->parts.id[p][0] != '\0' && a->digest[p][0] != '\0')
            t5g_hash128_hex(m->parts.id[p], b.p, b.n);
        t5g_buf_free(&b);
    }
    size_t n = strlen(source);
    t5g_model_source(name, a->dir);
    if (n + 1 + strlen(name) < T5G_SOURCE_NAME) {
        source[n] = '+';
        memcpy(source + n + 1, name, strlen(name) + 1);
    }
}

void
t5g_adapter_apply(struct t5g_adapter *a, struct t5g_model *m, const struct t5g_kernels *k)
{
    for (size_t i = 0; i < a->n; i++) {
        const struct t5g_adapted *x = &a->modules[i];
        m->replaced =
            m->replaced || x->piece[T5G_PIECE_WEIGHT] != NULL || x->piece[T5G_PIECE_EOI] != NULL;
        if (x->embedding) {
            apply_embedding(a, x, m);
            continue;
        }
        if (x->piece[T5G_PIECE_WEIGHT] != NULL) {
            *x->w = matrix(a, x->piece[T5G_PIECE_WEIGHT]);
            m->head_tokens.n = 0;
        }
        if (x->piece[T5G_PIECE_A] != NULL && x->w->p != NULL)
            apply_low(a, x, k);
    }
    count_ranks(&m->encoder, NULL);
    count_ranks(&m->decoder, &m->head);
    count_ranks(&m->vision.stack, &m->vision.patch.w);
    identify(a, m);
    m->adapters =
        t5g_grow(m->adapters, m->n_adapters, &m->cap_adapters, sizeof(struct t5g_adapter *));
    m->adapters[m->n_adapters++] = a;
}
