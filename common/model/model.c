/*
 * model.c: names become struct fields. Tensors are requested by name and shape only here; missing,
 * misshaped and extra ones are listed in one message.
 */
#include "model/model.h"
#include "model/adapter.h"
#include "model/bake.h"
#include "model/binder.h"
#include "model/explain.h"
#include "model/family.h"
#include "model/identity.h"
#include "model/packed.h"
#include "model/source.h"

#include <stdio.h>
#include <string.h>

static const char config_name[] = "config.json";

struct loader {
    struct t5g_model *m;
    struct t5g_binder b;
    struct t5g_roles roles;
    struct t5g_stamp config; /* state of config.json before it was read */
    struct t5g_err *e;
    bool bind_encoder, bind_decoder, bind_vision; /* else its tensors are only checked */
    bool failed;                                  /* a conversion failed; e is set */
};

static void *
own(struct t5g_model *m, void *p)
{
    m->owned = t5g_grow(m->owned, m->n_owned, &m->cap_owned, sizeof *m->owned);
    m->owned[m->n_owned++] = p;
    return p;
}

/* [n] elements of t rounded to 16-bit dtype, as transformers does when it loads a checkpoint. */
static void
round_to(struct loader *x, uint16_t *dst, const struct t5g_tensor *t, int dtype)
{
    size_t n = t->size / t5g_dtype_size(t->dtype), at;
    t5g_narrow(dst, dtype, t->data, t->dtype, n);
    if (x->failed || t5g_all_finite((const unsigned char *)dst, n * sizeof *dst, dtype, &at))
        return;
    x->failed = true;
    t5g_err_set(x->e, T5G_EX_DATA,
                "%s: tensor '%s': element %zu does not fit %s, the dtype of config.json", t->file,
                t->name, at, t5g_dtype_name(dtype));
}

/*
 * The tensor as it is used: in place if possible; copied if it is not aligned; rounded if
 * config.json gives another dtype than the file's, as transformers does when it loads such a file.
 * (f32 holds every value of the others, so that nothing needs to be done.)
 */
static struct t5g_mat
matrix(struct loader *x, const struct t5g_tensor *t)
{
    if (t == NULL)
        return (struct t5g_mat){0};
    struct t5g_mat w = {.p = t->data, .dtype = t->dtype, .rows = (size_t)t->dims[0]};
    if (t5g_is_quantised(t->dtype)) {
        w.cols = (size_t)t->dims[1];
        w.scale = (const uint16_t *)(const void *)t->scale; /* 32 bytes for each group: aligned */
        w.zero = t->zero;
        w.group = t->group;
        x->m->quantised = true;
        return w;
    }
    size_t item = t5g_dtype_size(t->dtype);
    int dtype = x->m->config.dtype;
    w.cols = t->size / item / w.rows;
    bool packed = t5g_safetensors_packed(x->m->files) != NULL; /* rounded when it was packed */
    if (t->dtype != dtype && dtype != T5G_F32 && !packed) {
        uint16_t *copy = own(x->m, t5g_alloc_raw(t->size / item, sizeof *copy));
        round_to(x, copy, t, dtype);
        w.p = copy;
        w.dtype = dtype;
    } else if ((uintptr_t)t->data % item != 0) {
        w.p = own(x->m, t5g_memdup(t->data, t->size));
    }
    return w;
}

/* [n] as f32, plus `add`. */
static const float *
vector(struct loader *x, const struct t5g_tensor *t, float add)
{
    if (t == NULL)
        return NULL;
    struct t5g_mat w = matrix(x, t);
    float *v = own(x->m, t5g_alloc_raw(w.rows, sizeof *v));
    t5g_to_f32(v, w.p, w.dtype, w.rows);
    for (size_t i = 0; i < w.rows; i++)
        v[i] = add + v[i];
    return v;
}

/* A required tensor; NULL with a problem listed. */
static const struct t5g_tensor *
need(struct loader *x, enum t5g_part part, const char *name, const char *end, size_t ndim,
     const size_t *dims)
{
    char rest[160];
    snprintf(rest, sizeof rest, "%s.%s", name, end);
    return t5g_binder_need(&x->b, part, rest, ndim, dims);
}

/* dims [ndim] of the matrix; the bias has the first. bind false: only check them. */
static struct t5g_affine
need_affine(struct loader *x, enum t5g_part part, const char *name, size_t ndim, const size_t *dims,
            bool bias, bool bind)
{
    const struct t5g_tensor *w = need(x, part, name, "weight", ndim, dims);
    const struct t5g_tensor *b = bias ? need(x, part, name, "bias", 1, dims) : NULL;
    return bind ? (struct t5g_affine){matrix(x, w), vector(x, b, 0)} : (struct t5g_affine){0};
}

static struct t5g_norm
need_norm(struct loader *x, enum t5g_part part, const char *name, size_t d,
          const struct t5g_block_config *c, bool bind)
{
    const struct t5g_tensor *w = need(x, part, name, "weight", 1, &d);
    const struct t5g_tensor *b = c->layer_norm ? need(x, part, name, "bias", 1, &d) : NULL;
    return bind ? (struct t5g_norm){vector(x, w, c->gain), vector(x, b, 0)} : (struct t5g_norm){0};
}

/* One tensor, or weight and bias, of layer l. */
static void
bind_row(struct loader *x, struct t5g_layer *l, const struct t5g_tensor_row *row, const char *name,
         const struct t5g_stack_config *c, enum t5g_part part, bool bind)
{
    void *field = (char *)l + row->field;
    size_t dims[] = {t5g_dim_of(c, row->rows), t5g_dim_of(c, row->cols)};
    if (row->kind == T5G_ROW_MATRIX)
        *(struct t5g_affine *)field = need_affine(x, part, name, 2, dims, c->block.bias, bind);
    else if (row->kind == T5G_ROW_NORM)
        *(struct t5g_norm *)field = need_norm(x, part, name, dims[0], &c->block, bind);
    else
        *(const float **)field = need_norm(x, part, name, dims[0], &c->block, bind).w;
}

static void
bind_stack(struct loader *x, struct t5g_stack *s, const struct t5g_stack_config *c,
           const struct t5g_stack_family *family, enum t5g_part part, bool bind)
{
    char name[128];
    s->c = c;
    s->layers = t5g_alloc(c->layers, sizeof *s->layers);
    for (size_t i = 0; i < c->layers; i++)
        for (const struct t5g_tensor_row *row = family->tensors; row->name != NULL; row++) {
            snprintf(name, sizeof name, "%s%zu.%s", family->layers, i, row->name);
            bind_row(x, &s->layers[i], row, name, c, part, bind);
        }
    s->norm = need_norm(x, part, family->norm, c->d, &c->block, bind);
}

/* t, or `of` where both are the same bytes of a file: pytorch_model.bin names tied ones twice. */
static const struct t5g_tensor *
unless_tied(const struct t5g_tensor *t, const struct t5g_tensor *of)
{
    bool tied = t != NULL && of != NULL && t->data == of->data && t->dtype == of->dtype;
    return tied ? of : t;
}

/*
 * Embedding, decoder embedding and output matrix. If tied, a missing one is taken from another; one
 * that exists is used even if it differs from the encoder's, as transformers 5.18 does with a
 * warning (tried). For the encoder's, the output matrix is tried first, then the decoder's. If not
 * tied, all are required.
 */
static void
find_roles(struct loader *x)
{
    const struct t5g_config *c = &x->m->config;
    struct t5g_roles *r = &x->roles;
    const size_t *dims = (size_t[]){c->encoder.v, c->encoder.d}, *d = &c->encoder.d;
    static const char weight[] = "embed_tokens.weight", eoi[] = "embed_tokens.eoi_embedding";
    bool whole = c->has_decoder, tied = c->tied && whole;
    struct t5g_binder *b = &x->b;
    const struct t5g_tensor *(*get)(struct t5g_binder *, enum t5g_part, const char *, size_t,
                                    const size_t *) = tied ? t5g_binder_may : t5g_binder_need;
    size_t problems = b->n_problems;
    r->embed = get(b, T5G_PART_ENCODER, weight, 2, dims);
    /* Of a text encoder alone it may be missing: transformers then takes zeros. */
    r->eoi = (whole || c->has_vision ? get : t5g_binder_may)(b, T5G_PART_ENCODER, eoi, 1, d);
    if (whole) {
        r->dec_embed = get(b, T5G_PART_DECODER, weight, 2, dims);
        r->dec_eoi = get(b, T5G_PART_DECODER, eoi, 1, d);
        r->head = get(b, T5G_PART_HEAD, "out_proj.weight", 2, dims);
        r->dec_embed = unless_tied(r->dec_embed, r->embed);
        r->dec_eoi = unless_tied(r->dec_eoi, r->eoi);
        r->head = unless_tied(r->head, r->embed);
    }
    if (!tied || b->n_problems != problems)
        return;
    if (r->embed == NULL)
        r->embed = r->head != NULL ? r->head : r->dec_embed;
    if (r->embed == NULL)
        t5g_binder_need(b, T5G_PART_ENCODER, weight, 2, dims);
    if (r->eoi == NULL)
        r->eoi = r->dec_eoi;
    if (r->eoi == NULL)
        t5g_binder_need(b, T5G_PART_ENCODER, eoi, 1, d);
    if (r->dec_embed == NULL)
        r->dec_embed = r->embed;
    if (r->dec_eoi == NULL)
        r->dec_eoi = r->eoi;
    if (r->head == NULL)
        r->head = r->embed;
}

/* A classifier's head; without the decoder it may be missing. */
static void
bind_score(struct loader *x, bool needed)
{
    struct t5g_model *m = x->m;
    size_t dims[] = {m->config.labels.n, m->config.decoder.d};
    const struct t5g_tensor *(*get)(struct t5g_binder *, enum t5g_part, const char *, size_t,
                                    const size_t *) = needed ? t5g_binder_need : t5g_binder_may;
    if (m->config.labels.kind == T5G_HEAD_TEXT || !m->config.has_decoder)
        return;
    const struct t5g_tensor *w = get(&x->b, T5G_PART_SCORE, "out_proj.weight", 2, dims);
    const struct t5g_tensor *b = get(&x->b, T5G_PART_SCORE, "out_proj.bias", 1, dims);
    if (!needed || w == NULL || b == NULL)
        return;
    struct t5g_mat stored = matrix(x, w);
    float *score = own(m, t5g_alloc_raw(dims[0] * dims[1], sizeof *score));
    t5g_to_f32(score, stored.p, stored.dtype, dims[0] * dims[1]);
    m->score = score;
    m->score_bias = vector(x, b, 0);
}

/* The screen's matrix is quantised but does not make the model so: undo what matrix() sets. */
static void
bind_screen(struct loader *x)
{
    struct t5g_model *m = x->m;
    if (!m->config.has_decoder || !t5g_binder_has(&x->b, T5G_PART_SCREEN))
        return;
    size_t v = m->config.decoder.v;
    const struct t5g_tensor *t = t5g_binder_need(&x->b, T5G_PART_SCREEN, "head.weight", 2,
                                                 (size_t[]){v, m->config.decoder.d});
    const struct t5g_tensor *norms =
        t5g_binder_need(&x->b, T5G_PART_SCREEN, "head.norms", 2, (size_t[]){v, 2});
    if (t == NULL || norms == NULL || t->dtype != T5G_Q8 || norms->dtype != T5G_F32)
        return;
    bool quantised = m->quantised;
    m->screen = matrix(x, t);
    m->quantised = quantised;
    m->screen_norms = (const float *)(const void *)norms->data;
}

static void
bind_roles(struct loader *x)
{
    struct t5g_model *m = x->m;
    const struct t5g_roles *r = &x->roles;
    m->encoder.embed = matrix(x, r->embed);
    m->encoder.eoi = r->eoi != NULL ? vector(x, r->eoi, 0)
                                    : own(m, t5g_alloc(m->config.encoder.d, sizeof(float)));
    m->encoder.embed_scale = m->config.embed_scale_encoder;
    if (!m->config.has_decoder)
        return;
    m->decoder.embed = r->dec_embed == r->embed ? m->encoder.embed : matrix(x, r->dec_embed);
    m->decoder.eoi = r->dec_eoi == r->eoi ? m->encoder.eoi : vector(x, r->dec_eoi, 0);
    m->decoder.embed_scale = m->config.embed_scale_decoder;
    m->head = r->head == r->embed ? m->encoder.embed : matrix(x, r->head);
}

/*
 * The tower and its projector. They are checked even if not bound, so that a directory is valid for
 * all programs or for none.
 */
static void
bind_vision(struct loader *x)
{
    const struct t5g_vision_config *c = &x->m->config.vision;
    struct t5g_vision_weights *v = &x->m->vision;
    size_t side = c->image_size / c->patch, d = c->stack.d, text = x->m->config.encoder.d;
    v->patch = need_affine(x, T5G_PART_VISION, "embeddings.patch_embedding", 4,
                           (size_t[]){d, 3, c->patch, c->patch}, true, x->bind_vision);
    const struct t5g_tensor *position =
        t5g_binder_need(&x->b, T5G_PART_VISION, "embeddings.position_embedding.weight", 2,
                        (size_t[]){side * side, d});
    bind_stack(x, &v->stack, &c->stack, x->m->config.family->vision, T5G_PART_VISION,
               x->bind_vision);
    const struct t5g_tensor *project = t5g_binder_need(
        &x->b, T5G_PART_PROJECTOR, "mm_input_projection_weight", 2, (size_t[]){d, text});
    const struct t5g_tensor *norm =
        t5g_binder_need(&x->b, T5G_PART_PROJECTOR, "mm_soft_emb_norm.weight", 1, &d);
    if (!x->bind_vision || position == NULL || project == NULL)
        return;
    v->position = matrix(x, position);
    v->soft_norm = vector(x, norm, 1);
    v->project = matrix(x, project);
}

/* If config.json has no dtype, take that of the tensors, if they agree. */
static int
settle_dtype(struct loader *x)
{
    struct t5g_config *c = &x->m->config;
    const struct t5g_tensor *first = NULL;
    for (size_t i = 0; i < x->b.n && c->dtype == 0; i++) {
        const struct t5g_tensor *t = x->b.all[i].t;
        bool is_float = t->dtype == T5G_F32 || t->dtype == T5G_BF16 || t->dtype == T5G_F16;
        if (x->b.all[i].name.part >= T5G_PART_SCORE || !is_float)
            continue;
        if (first != NULL && first->dtype != t->dtype)
            return t5g_err_set(
                x->e, T5G_EX_DATA,
                "%s/config.json: dtype: missing, and tensor '%s' is %s while '%s' is %s", x->m->dir,
                first->name, t5g_dtype_name(first->dtype), t->name, t5g_dtype_name(t->dtype));
        first = t;
    }
    if (c->dtype == 0)
        t5g_config_set_dtype(c, first != NULL ? first->dtype : T5G_F32);
    return 0;
}

/* A classifier outputs labels; text from its decoder would mean nothing. */
static int
check_head(const struct loader *x, unsigned need)
{
    const struct t5g_config *c = &x->m->config;
    if (c->labels.kind != T5G_HEAD_TEXT)
        return (need & T5G_TAKE_LABELS) != 0
                   ? 0
                   : t5g_err_set(x->e, T5G_EX_DATA,
                                 "%s/config.json: architectures: %s: a classifier: there is no "
                                 "text to generate",
                                 x->m->dir, c->classifier);
    if (c->classifier != NULL && !c->generates)
        return t5g_err_set(x->e, T5G_EX_DATA,
                           "%s/config.json: architectures: %s: not served: there is no text to "
                           "generate (t5g-encode takes it)",
                           x->m->dir, c->classifier);
    for (size_t i = 0; i < x->b.n && !c->generates; i++) {
        const struct t5g_tensor *t = x->b.all[i].t;
        if (strncmp(t->name, "score.", 6) == 0)
            return t5g_err_set(x->e, T5G_EX_DATA,
                               "%s: tensor '%s': a classifier's head, and architectures in "
                               "config.json does not say of which class",
                               x->m->dir, t->name);
    }
    return 0;
}

/* Which parts the model has: one that config.json describes but of which the files have no tensor
 * is off. */
static int
settle_parts(struct loader *x, unsigned need)
{
    struct t5g_config *c = &x->m->config;
    if ((need & T5G_NEED_DECODER) != 0 && !c->has_decoder)
        return t5g_err_set(x->e, T5G_EX_DATA, "%s/config.json: no decoder, expected a whole model",
                           x->m->dir);
    if ((need & T5G_NEED_DECODER) != 0 && check_head(x, need) < 0)
        return -1;
    if (!t5g_binder_has(&x->b, T5G_PART_DECODER)) {
        if ((need & T5G_NEED_DECODER) != 0)
            return t5g_err_set(x->e, T5G_EX_DATA,
                               "%s: no tensors of the decoder, expected a whole model",
                               t5g_safetensors_table(x->m->files));
        c->has_decoder = false;
    }
    if (!t5g_binder_has(&x->b, T5G_PART_VISION) && !t5g_binder_has(&x->b, T5G_PART_PROJECTOR))
        c->has_vision = false;
    if ((need & T5G_NEED_VISION) != 0 && !c->has_vision)
        return t5g_err_set(x->e, T5G_EX_DATA,
                           "%s: no vision tower, expected a model that reads pictures", x->m->dir);
    x->bind_encoder = (need & T5G_SKIP_ENCODER) == 0;
    x->bind_decoder = (need & T5G_SKIP_DECODER) == 0;
    x->bind_vision = (need & (T5G_NEED_VISION | T5G_TAKE_VISION)) != 0;
    return settle_dtype(x);
}

/* The states of what the identity depends on: config.json and the weight files. *n entries, freed
 * by t5g_free. */
static struct t5g_stamp *
take_stamps(const struct loader *x, size_t *n)
{
    const struct t5g_safetensors *files = x->m->files;
    *n = 1 + t5g_safetensors_files(files);
    struct t5g_stamp *s = t5g_alloc(*n, sizeof *s);
    s[0] = x->config;
    for (size_t i = 1; i < *n; i++)
        s[i] = *t5g_safetensors_stamp(files, i - 1);
    return s;
}

/* Whether the paths still lead to the files that were read, none replaced meanwhile. */
static bool
stamps_hold(const struct loader *x, const struct t5g_stamp *s, size_t n)
{
    char *path = t5g_path_join(x->m->dir, config_name);
    struct t5g_stamp now;
    bool same = true;
    for (size_t i = 0; i < n && same; i++) {
        const char *p = i == 0 ? path : t5g_safetensors_path(x->m->files, i - 1);
        same = t5g_stamp_of(p, &now, NULL) == 0 && memcmp(&now, &s[i], sizeof now) == 0;
    }
    t5g_free(path);
    return same;
}

/* The identities: the remembered ones, or computed from every weight. */
static int
identify(struct loader *x)
{
    struct t5g_model *m = x->m;
    size_t n;
    struct t5g_stamp *s = take_stamps(x, &n);
    char text[T5G_IDENTITY_TEXT];
    int r = 0;
    bool hold = m->prefix == NULL && stamps_hold(x, s, n); /* is remembered by files alone */
    if (!hold || !t5g_stamp_get(T5G_IDENTITY_KIND, s, n, text, sizeof text) ||
        !t5g_identity_parse(m->parts.id, text)) {
        r = t5g_identity_make(m->parts.id, &m->config, &x->b, &x->roles, x->e);
        if (r == 0 && hold && stamps_hold(x, s, n)) {
            t5g_identity_print(text, m->parts.id);
            t5g_stamp_put(T5G_IDENTITY_KIND, s, n, text);
        }
    }
    t5g_free(s);
    return r;
}

/* Without any tensor of the encoder, say where one may be. */
static int
check_encoder(const struct loader *x)
{
    const struct t5g_safetensors *files = x->m->files;
    if (t5g_binder_has(&x->b, T5G_PART_ENCODER))
        return 0;
    for (size_t i = 0; i < t5g_safetensors_count(files); i++) {
        const char *name = t5g_safetensors_at(files, i)->name;
        int n = (int)t5g_name_find_encoder(name);
        if (x->m->prefix != NULL && t5g_name_split(name, NULL).part == T5G_PART_ENCODER)
            return t5g_err_set(x->e, T5G_EX_DATA,
                               "%s: no tensors of the encoder under '%s'; '%s' is one as it is: "
                               "leave --encoder-prefix out",
                               t5g_safetensors_table(files), x->m->prefix, name);
        if (n > 0)
            return t5g_err_set(x->e, T5G_EX_DATA,
                               "%s: no tensors of the encoder; is '%s' one? That would be "
                               "--encoder-prefix %.*s",
                               t5g_safetensors_table(files), name, n, name);
    }
    if (x->m->prefix != NULL)
        return t5g_err_set(x->e, T5G_EX_DATA,
                           "%s: no tensors of an encoder under '%s' (--encoder-prefix)",
                           t5g_safetensors_table(files), x->m->prefix);
    return 0;
}

static int
load(struct loader *x, unsigned need)
{
    struct t5g_model *m = x->m;
    if (settle_parts(x, need) < 0 || check_encoder(x) < 0)
        return -1;
    find_roles(x);
    const struct t5g_family *family = m->config.family;
    bind_stack(x, &m->encoder, &m->config.encoder, family->encoder, T5G_PART_ENCODER,
               x->bind_encoder);
    if (m->config.has_decoder)
        bind_stack(x, &m->decoder, &m->config.decoder, family->decoder, T5G_PART_DECODER,
                   x->bind_decoder);
    if (m->config.has_vision)
        bind_vision(x);
    bind_score(x, (need & T5G_NEED_DECODER) != 0);
    bind_screen(x);
    if (t5g_binder_finish(&x->b, x->e) < 0)
        return -1;
    bind_roles(x);
    if (x->failed)
        return -1;
    const struct t5g_map *packed = t5g_safetensors_packed(m->files);
    if (packed != NULL)
        return t5g_packed_identity(packed->p, packed->size, m->dir, &m->parts, m->profile, x->e);
    t5g_model_source(m->parts.source, m->dir);
    snprintf(m->profile, sizeof m->profile, "%s", t5g_dtype_name(m->config.dtype));
    return identify(x);
}

struct t5g_model *
t5g_model_open(const char *dir, unsigned need, struct t5g_err *e)
{
    return t5g_model_open_in(dir, NULL, need, e);
}

struct t5g_model *
t5g_model_open_in(const char *dir, const char *prefix, unsigned need, struct t5g_err *e)
{
    struct t5g_model *m = t5g_alloc(1, sizeof *m);
    struct loader x = {.m = m, .e = e};
    int r = -1;
    m->dir = t5g_strdup(dir);
    size_t n = prefix != NULL ? strlen(prefix) : 0;
    m->prefix = n > 0 ? t5g_memdup(prefix, n - (prefix[n - 1] == '.')) : NULL;
    char *config = t5g_path_join(dir, config_name);
    r = t5g_explain_model(dir, T5G_EXPLAIN_CONFIG, e);
    if (r == 0)
        r = t5g_is_packed(dir, e);
    if (r == 0)
        r = t5g_stamp_of(config, &x.config, e);
    t5g_free(config);
    if (r < 0 || (r = t5g_config_load(&m->config, dir, e)) < 0)
        goto out;
    r = -1;
    m->files = t5g_safetensors_open(dir, e);
    if (m->files == NULL)
        goto out;
    t5g_binder_open(&x.b, m->files, m->prefix);
    r = load(&x, need);
    t5g_binder_close(&x.b);
out:
    if (r == 0)
        return m;
    t5g_model_close(m);
    return NULL;
}

void
t5g_model_close(struct t5g_model *m)
{
    if (m == NULL)
        return;
    for (size_t i = 0; i < m->n_adapters; i++)
        t5g_adapter_close(m->adapters[i]);
    t5g_free(m->adapters);
    t5g_baking_free(m->baked);
    for (size_t i = 0; i < m->n_owned; i++)
        t5g_free(m->owned[i]);
    t5g_free(m->owned);
    t5g_free(m->encoder.layers);
    t5g_free(m->decoder.layers);
    t5g_free(m->vision.stack.layers);
    t5g_safetensors_close(m->files);
    t5g_config_clear(&m->config);
    t5g_free(m->prefix);
    t5g_free(m->dir);
    t5g_free(m);
}
