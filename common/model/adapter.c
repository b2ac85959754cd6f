/* adapter.c: an adapter's tensors by module, checked against the model that they are for. */
#include "model/adapter_impl.h"
#include "model/adapter_digest.h"
#include "model/adapter_find.h"
#include "model/family.h"

#include <stdlib.h>
#include <string.h>

static const char weights_name[] = "adapter_model.safetensors";

/* ---- modules ---- */

static int
by_name(const void *a, const void *b)
{
    const struct t5g_piece_name *x = &((const struct t5g_piece *)a)->name;
    const struct t5g_piece_name *y = &((const struct t5g_piece *)b)->name;
    if (x->part != y->part)
        return x->part < y->part ? -1 : 1;
    int r = strcmp(x->module, y->module);
    return r != 0 ? r : (int)x->kind - (int)y->kind;
}

/* A matrix of a layer: "layers.3.mlp.up_proj" with the family's name for layers. */
static bool
find_in_layers(struct t5g_adapted *x, struct t5g_stack *s, const struct t5g_stack_family *family,
               const char *module)
{
    size_t n = strlen(family->layers);
    char *end;
    if (strncmp(module, family->layers, n) != 0 || module[n] < '0' || module[n] > '9')
        return false;
    x->layer = strtoul(module + n, &end, 10);
    if (x->layer >= s->c->layers || *end != '.')
        return false;
    for (const struct t5g_tensor_row *row = family->tensors; row->name != NULL; row++)
        if (row->kind == T5G_ROW_MATRIX && strcmp(row->name, end + 1) == 0) {
            struct t5g_affine *a =
                (struct t5g_affine *)(void *)((char *)&s->layers[x->layer] + row->field);
            x->w = &a->w;
            x->rows = t5g_dim_of(s->c, row->rows);
            x->cols = t5g_dim_of(s->c, row->cols);
            x->stack = s;
            return true;
        }
    return false;
}

static bool
find_embedding(struct t5g_adapted *x, struct t5g_stack *s)
{
    x->embedding = true;
    x->stack = s;
    x->w = &s->embed;
    x->rows = s->c->v;
    x->cols = s->c->d;
    return true;
}

/* The matrix of the module; false if the model has none of this name. */
static bool
find_module(struct t5g_adapted *x, struct t5g_model *m)
{
    const struct t5g_family *family = m->config.family;
    const char *module = x->name->module;
    bool embedding = strcmp(module, "embed_tokens") == 0;
    switch (x->name->part) {
    case T5G_PART_ENCODER:
        return embedding ? find_embedding(x, &m->encoder)
                         : find_in_layers(x, &m->encoder, family->encoder, module);
    case T5G_PART_DECODER:
        return embedding ? find_embedding(x, &m->decoder)
                         : find_in_layers(x, &m->decoder, family->decoder, module);
    case T5G_PART_HEAD:
        x->w = &m->head;
        x->stack = &m->decoder;
        x->rows = m->config.decoder.v;
        x->cols = m->config.decoder.d;
        return strcmp(module, "out_proj") == 0;
    case T5G_PART_VISION:
        if (strcmp(module, "embeddings.patch_embedding") != 0)
            return find_in_layers(x, &m->vision.stack, family->vision, module);
        x->w = &m->vision.patch.w;
        x->stack = &m->vision.stack;
        x->rows = m->config.vision.stack.d;
        x->cols = 3 * m->config.vision.patch * m->config.vision.patch;
        x->layer = m->config.vision.stack.layers;
        return true;
    default:
        return false;
    }
}

static bool
has_part(const struct t5g_model *m, enum t5g_part part)
{
    if (part == T5G_PART_VISION)
        return m->config.has_vision;
    return (part != T5G_PART_DECODER && part != T5G_PART_HEAD) || m->config.has_decoder;
}

/* ---- checks ---- */

struct check {
    struct t5g_adapter *a;
    struct t5g_model *m;
    struct t5g_faults faults;
    bool foreign;      /* something does not fit the model */
    bool score, norms; /* said */
};

/* Whether t is a matrix [rows, cols]; a convolution's dimensions after the first are one. */
static void
check_shape(struct check *c, const struct t5g_tensor *t, size_t rows, size_t cols, bool flat)
{
    uint64_t rest = 1;
    for (size_t i = 1; i < t->ndim; i++)
        rest *= t->dims[i]; /* the product with the first is the tensor's size: no overflow */
    if (t->ndim >= 1 && t->dims[0] == rows && rest == cols && (t->ndim == 2 || flat))
        return;
    struct t5g_buf shape = {0};
    for (size_t i = 0; i < t->ndim; i++)
        t5g_buf_printf(&shape, "%s%llu", i > 0 ? ", " : "", (unsigned long long)t->dims[i]);
    t5g_buf_adds(&shape, "");
    t5g_faults_add(&c->faults, "tensor '%s': shape [%s], expected [%zu, %zu]", t->name, shape.p,
                   rows, cols);
    t5g_buf_free(&shape);
    c->foreign = true;
}

static void
check_vector(struct check *c, const struct t5g_tensor *t, size_t n)
{
    uint64_t all = 1;
    for (size_t i = 0; i < t->ndim; i++)
        all *= t->dims[i];
    if (all == n && t->ndim > 0)
        return;
    t5g_faults_add(&c->faults, "tensor '%s': %llu elements, expected [%zu]", t->name,
                   (unsigned long long)all, n);
    c->foreign = true;
}

/* Both halves, or neither. */
static bool
check_pair(struct check *c, const struct t5g_adapted *x, enum t5g_piece_kind first,
           const char *name, const char *other)
{
    const struct t5g_tensor *a = x->piece[first], *b = x->piece[first + 1];
    if (a != NULL && b != NULL)
        return true;
    if (a != NULL || b != NULL)
        t5g_faults_add(&c->faults, "tensor '%s': without its %s", a != NULL ? a->name : b->name,
                       a != NULL ? other : name);
    return false;
}

static void
refuse(struct check *c, const struct t5g_tensor *t, const char *why)
{
    if (t != NULL)
        t5g_faults_add(&c->faults, "tensor '%s': not served: %s", t->name, why);
}

static void
check_matrix(struct check *c, struct t5g_adapted *x)
{
    const struct t5g_tensor *const *piece = (const struct t5g_tensor *const *)x->piece;
    bool conv = x->name->part == T5G_PART_VISION && x->layer == x->stack->c->layers;
    bool pair = check_pair(c, x, T5G_PIECE_A, "lora_A", "lora_B");
    if (pair && x->rank > 0) { /* else a fault of its own */
        check_shape(c, piece[T5G_PIECE_A], x->rank, x->cols, conv);
        check_shape(c, piece[T5G_PIECE_B], x->rows, x->rank, conv);
    }
    bool low = piece[T5G_PIECE_A] != NULL;
    if (piece[T5G_PIECE_MAGNITUDE] != NULL && !c->a->config.dora)
        t5g_faults_add(&c->faults, "tensor '%s': and use_dora is not set",
                       piece[T5G_PIECE_MAGNITUDE]->name);
    else if (piece[T5G_PIECE_MAGNITUDE] != NULL)
        check_vector(c, piece[T5G_PIECE_MAGNITUDE], x->rows);
    else if (c->a->config.dora && low)
        t5g_faults_add(&c->faults, "tensor '%s': without its lora_magnitude_vector",
                       piece[T5G_PIECE_A]->name);
    if (x->name->part == T5G_PART_HEAD && piece[T5G_PIECE_WEIGHT] != NULL)
        check_shape(c, piece[T5G_PIECE_WEIGHT], x->rows, x->cols, false);
    else
        refuse(c, piece[T5G_PIECE_WEIGHT], "of modules_to_save only lm_head and embed_tokens");
    refuse(c, piece[T5G_PIECE_TOKENS], "tokens of what is no embedding");
    refuse(c, piece[T5G_PIECE_EMBED_A], "not an embedding");
    refuse(c, piece[T5G_PIECE_EOI], "not an embedding");
}

static void
check_embedding(struct check *c, struct t5g_adapted *x)
{
    const struct t5g_tensor *const *piece = (const struct t5g_tensor *const *)x->piece;
    bool pair = check_pair(c, x, T5G_PIECE_EMBED_A, "lora_embedding_A", "lora_embedding_B");
    if (pair && x->rank > 0) {
        check_shape(c, piece[T5G_PIECE_EMBED_A], x->rank, x->rows, false);
        check_shape(c, piece[T5G_PIECE_EMBED_B], x->cols, x->rank, false);
    }
    if (piece[T5G_PIECE_TOKENS] != NULL &&
        t5g_adapter_tokens(&c->a->config, x->name->key, x->rows, &x->ids, &x->n_ids, &c->faults))
        check_shape(c, piece[T5G_PIECE_TOKENS], x->n_ids, x->cols, false);
    if (piece[T5G_PIECE_WEIGHT] != NULL)
        check_shape(c, piece[T5G_PIECE_WEIGHT], x->rows, x->cols, false);
    if (piece[T5G_PIECE_EOI] != NULL)
        check_vector(c, piece[T5G_PIECE_EOI], x->cols);
    refuse(c, piece[T5G_PIECE_MAGNITUDE], "DoRA of an embedding");
    refuse(c, piece[T5G_PIECE_A], "an embedding has lora_embedding_A");
    refuse(c, piece[T5G_PIECE_B], "an embedding has lora_embedding_B");
    if (c->a->config.tied_too)
        t5g_faults_add(&c->faults,
                       "adapter_config.json: ensure_weight_tying: not served: it changes the "
                       "output matrix with the embedding");
}

/* The tensors from number i on that are one module's become x. Returns their number. */
static size_t
gather(struct check *c, size_t i, struct t5g_adapted *x)
{
    struct t5g_adapter *a = c->a;
    size_t n = 0;
    const struct t5g_piece *first = &a->pieces[i];
    *x = (struct t5g_adapted){.name = &first->name};
    for (; i + n < a->tensors.n && a->pieces[i + n].name.part == first->name.part &&
           a->pieces[i + n].name.kind != T5G_PIECE_OTHER &&
           strcmp(a->pieces[i + n].name.module, first->name.module) == 0;
         n++) {
        const struct t5g_piece *p = &a->pieces[i + n];
        if (x->piece[p->name.kind] != NULL)
            t5g_faults_add(&c->faults, "tensor '%s': also there as '%s'", p->t->name,
                           x->piece[p->name.kind]->name);
        x->piece[p->name.kind] = p->t;
    }
    return n;
}

/* What is saved as a module's own but not trained, as PEFT does with embeddings, is a copy. */
static void
settle_copies(const struct t5g_adapter *a, struct t5g_adapted *x)
{
    if (t5g_adapter_saves(&a->config, x->name->key))
        return;
    for (int k = 0; k < 2; k++) {
        const struct t5g_tensor **own = &x->piece[T5G_PIECE_WEIGHT + k];
        const struct t5g_tensor **copy = &x->piece[T5G_PIECE_BASE_WEIGHT + k];
        bool base = x->embedding || x->name->part == T5G_PART_HEAD;
        if (base && *own != NULL && *copy == NULL) {
            *copy = *own;
            *own = NULL;
        }
    }
}

/* What modules_to_save may name and is not served; of each kind the first is named. */
static bool
is_saved(struct check *c, const struct t5g_piece *p)
{
    const char *name = p->t->name;
    bool score = p->name.part == T5G_PART_SCORE;
    bool norm = strstr(name, "norm.") != NULL && strstr(name, ".lora_") == NULL;
    if (score && !c->score)
        t5g_faults_add(&c->faults,
                       "tensor '%s': not served: a classifier's head, of modules_to_save", name);
    if (norm && !c->norms && has_part(c->m, p->name.part))
        t5g_faults_add(&c->faults, "tensor '%s': not served: norms, of modules_to_save", name);
    c->score = c->score || score;
    c->norms = c->norms || (norm && has_part(c->m, p->name.part));
    return score || norm;
}

static void
not_found(struct check *c, const struct t5g_piece *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        t5g_faults_add(&c->faults, "tensor '%s': of no module of the model", p[i].t->name);
    c->foreign = true;
}

static void
check_modules(struct check *c)
{
    struct t5g_adapter *a = c->a;
    for (size_t i = 0, n; i < a->tensors.n; i += n) {
        struct t5g_adapted x;
        n = 1;
        if (is_saved(c, &a->pieces[i]))
            continue;
        if (a->pieces[i].name.kind == T5G_PIECE_OTHER) {
            t5g_faults_add(&c->faults, "tensor '%s': not known in an adapter of LoRA",
                           a->pieces[i].t->name);
            continue;
        }
        n = gather(c, i, &x);
        if (!has_part(c->m, x.name->part))
            continue;
        if (!find_module(&x, c->m)) {
            not_found(c, &a->pieces[i], n);
            continue;
        }
        x.rank = t5g_adapter_rank(&a->config, x.name->key);
        x.scale = t5g_adapter_scale(&a->config, x.name->key);
        settle_copies(a, &x);
        if (x.embedding)
            check_embedding(c, &x);
        else
            check_matrix(c, &x);
        a->modules[a->n++] = x;
    }
}

/* ---- behind other adapters ---- */

/* Whether an adapter before has such a tensor of the output matrix or of an embedding. */
static bool
has_before(const struct t5g_model *m, enum t5g_part part, enum t5g_piece_kind kind)
{
    for (size_t i = 0; i < m->n_adapters; i++)
        for (size_t j = 0; j < m->adapters[i]->n; j++) {
            const struct t5g_adapted *x = &m->adapters[i]->modules[j];
            if (x->name->part == part && (part == T5G_PART_HEAD || x->embedding) &&
                x->piece[kind] != NULL)
                return true;
        }
    return false;
}

/* PEFT does not apply to an output matrix of modules_to_save what other adapters make of it. */
static void
check_stack(struct check *c)
{
    bool tied = c->m->config.tied && c->m->config.has_decoder;
    bool own = has_before(c->m, T5G_PART_HEAD, T5G_PIECE_WEIGHT);
    bool low = has_before(c->m, T5G_PART_HEAD, T5G_PIECE_A);
    bool tokens = tied && has_before(c->m, T5G_PART_ENCODER, T5G_PIECE_TOKENS);
    for (size_t i = 0; i < c->a->n; i++) {
        const struct t5g_adapted *x = &c->a->modules[i];
        const struct t5g_tensor *const *piece = (const struct t5g_tensor *const *)x->piece;
        bool head = x->name->part == T5G_PART_HEAD;
        const char *why = "not served behind an adapter that replaces the output matrix";
        if (head && piece[T5G_PIECE_WEIGHT] != NULL && (low || tokens))
            t5g_faults_add(&c->faults,
                           "tensor '%s': not served behind an adapter that changes the output "
                           "matrix",
                           piece[T5G_PIECE_WEIGHT]->name);
        if (head && piece[T5G_PIECE_A] != NULL && own)
            t5g_faults_add(&c->faults, "tensor '%s': %s", piece[T5G_PIECE_A]->name, why);
        if (x->embedding && x->name->part == T5G_PART_ENCODER && tied && own &&
            piece[T5G_PIECE_TOKENS] != NULL)
            t5g_faults_add(&c->faults, "tensor '%s': %s", piece[T5G_PIECE_TOKENS]->name, why);
    }
}

/* ---- the file ---- */

static void
check_types(struct check *c)
{
    for (size_t i = 0; i < c->a->tensors.n; i++) {
        const struct t5g_tensor *t = &c->a->tensors.v[i];
        if (t->dtype != T5G_F32 && t->dtype != T5G_BF16 && t->dtype != T5G_F16)
            t5g_faults_add(&c->faults, "tensor '%s': dtype %s, expected f32, bf16 or f16", t->name,
                           t5g_dtype_name(t->dtype));
    }
    if (c->a->tensors.n == 0)
        t5g_faults_add(&c->faults, "%s: no tensors", weights_name);
}

static int
read_file(struct t5g_adapter *a, struct t5g_err *e)
{
    char *path = t5g_path_join(a->dir, weights_name),
         *bin = t5g_path_join(a->dir, "adapter_model.bin");
    int r = -1;
    if (t5g_is_there(path, NULL) == 0 && t5g_is_there(bin, NULL) == 1)
        t5g_err_set(e, T5G_EX_NOINPUT,
                    "%s: weights in an old form: load the adapter with PEFT and save_pretrained() "
                    "it, which writes %s",
                    bin, weights_name);
    else if (t5g_map_file(path, &a->map, e) == 0)
        r = t5g_safetensors_parse(a->map.p, a->map.size, path, t5g_tensor_list_add, &a->tensors, e);
    t5g_free(path);
    t5g_free(bin);
    if (r < 0)
        return -1;
    t5g_tensor_list_sort(&a->tensors);
    a->pieces = t5g_alloc(a->tensors.n, sizeof *a->pieces);
    a->modules = t5g_alloc(a->tensors.n, sizeof *a->modules);
    for (size_t i = 0; i < a->tensors.n; i++) {
        struct t5g_tensor *t = &a->tensors.v[i];
        t->file = weights_name;
        a->pieces[i] = (struct t5g_piece){t5g_piece_name_split(t->name), t};
    }
    if (a->tensors.n > 0)
        qsort(a->pieces, a->tensors.n, sizeof *a->pieces, by_name);
    return 0;
}

struct t5g_adapter *
t5g_adapter_open(const char *given, struct t5g_model *m, struct t5g_err *e)
{
    char *dir;
    if (t5g_adapter_find(given, &dir, e) < 0)
        return NULL;
    struct t5g_adapter *a = t5g_alloc(1, sizeof *a);
    struct check c = {.a = a, .m = m};
    a->dir = dir;
    int r = t5g_adapter_config_read(&a->config, dir, &c.faults, e);
    bool lora = a->config.lora;
    if (r == 0 && lora)
        r = read_file(a, e);
    if (r == 0 && lora) {
        check_types(&c);
        check_modules(&c);
        check_stack(&c);
        t5g_adapter_digest(a, m, &c.faults);
    }
    struct t5g_buf name = {0};
    t5g_buf_adds(&name, dir);
    if (c.foreign)
        t5g_buf_printf(&name, ": was it trained on another model%s%s?",
                       a->config.base != NULL ? ", " : "",
                       a->config.base != NULL ? a->config.base : "");
    if (r == 0)
        r = t5g_faults_end(&c.faults, name.p, e);
    t5g_buf_free(&name);
    t5g_buf_free(&c.faults.text);
    if (r == 0)
        return a;
    t5g_adapter_close(a);
    return NULL;
}

void
t5g_adapter_describe(struct t5g_buf *out, const struct t5g_adapter *a)
{
    const char *between = " of ";
    t5g_buf_printf(out, "%s: %zu modules", a->dir, a->n);
    for (int i = 0; i < T5G_IDS; i++)
        if (a->digest[i][0] != '\0') {
            t5g_buf_printf(out, "%s%s", between, t5g_id_name((enum t5g_id)i));
            between = ", ";
        }
}

void
t5g_adapter_close(struct t5g_adapter *a)
{
    if (a == NULL)
        return;
    for (size_t i = 0; i < a->tensors.n && a->pieces != NULL; i++)
        t5g_piece_name_free(&a->pieces[i].name);
    for (size_t i = 0; i < a->n; i++)
        t5g_free(a->modules[i].ids);
    for (size_t i = 0; i < a->n_owned; i++)
        t5g_free(a->owned[i]);
    t5g_free(a->owned);
    t5g_free(a->pieces);
    t5g_free(a->modules);
    t5g_tensor_list_free(&a->tensors);
    if (a->map.p != NULL)
        t5g_unmap(&a->map);
    t5g_adapter_config_free(&a->config);
    t5g_free(a->dir);
    t5g_free(a);
}
