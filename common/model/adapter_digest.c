/* adapter_digest.c: one pass over an adapter's bytes: check that they are finite, and hash them. */
#include "model/adapter_digest.h"
#include "model/identity.h"

#include <stdio.h>
#include <string.h>

/* The kind under which digests are remembered; increase the number when what is hashed changes. */
#define KIND "adapter1"

static void
check_finite(const struct t5g_tensor *t, struct t5g_faults *f)
{
    size_t at, item = t5g_dtype_size(t->dtype);
    bool is_float = t->dtype == T5G_F32 || t->dtype == T5G_BF16 || t->dtype == T5G_F16;
    if (is_float && !t5g_all_finite(t->data, t->size / item * item, t->dtype, &at))
        t5g_faults_add(f, "tensor '%s': element %zu is not a finite number", t->name, at);
}

/* Whether n elements are the same numbers. */
static bool
same_numbers(const void *p, int p_dtype, const void *q, int q_dtype, size_t n)
{
    enum { SOME = 4096 };
    const char *a = p, *b = q;
    size_t a_item = t5g_dtype_size(p_dtype), b_item = t5g_dtype_size(q_dtype);
    if (p_dtype == q_dtype)
        return memcmp(p, q, n * a_item) == 0;
    for (size_t i = 0; i < n; i += SOME) {
        float x[SOME], y[SOME];
        size_t m = t5g_min(SOME, n - i);
        t5g_to_f32(x, a + i * a_item, p_dtype, m);
        t5g_to_f32(y, b + i * b_item, q_dtype, m);
        if (memcmp(x, y, m * sizeof *x) != 0)
            return false;
    }
    return true;
}

/* A copy of the model's own matrix has to be one. */
static void
check_copies(const struct t5g_adapted *x, struct t5g_faults *f)
{
    const struct t5g_tensor *w = x->piece[T5G_PIECE_BASE_WEIGHT];
    const struct t5g_tensor *eoi = x->piece[T5G_PIECE_BASE_EOI];
    bool shaped = w != NULL && w->ndim == 2 && w->dims[0] == x->rows && w->dims[1] == x->cols;
    if (w != NULL && !shaped)
        t5g_faults_add(f,
                       "tensor '%s': another shape than the model's own matrix: its vocabulary was "
                       "resized, save the resized model first",
                       w->name);
    else if (w != NULL && x->w->p != NULL && !t5g_is_quantised(x->w->dtype) &&
             !same_numbers(w->data, w->dtype, x->w->p, x->w->dtype, x->rows * x->cols))
        t5g_faults_add(f, "tensor '%s': differs from the model's own, of which it is to be a copy",
                       w->name);
    if (eoi != NULL && x->embedding && x->stack->eoi != NULL &&
        (eoi->size != x->cols * t5g_dtype_size(eoi->dtype) ||
         !same_numbers(eoi->data, eoi->dtype, x->stack->eoi, T5G_F32, x->cols)))
        t5g_faults_add(f, "tensor '%s': differs from the model's own, of which it is to be a copy",
                       eoi->name);
}

static void
put_module(struct t5g_buf *b, const struct t5g_adapted *x)
{
    for (int k = 0; k < T5G_PIECE_BASE_WEIGHT; k++) {
        const struct t5g_tensor *t = x->piece[k];
        char hex[T5G_HEX128];
        if (t == NULL)
            continue;
        t5g_hash128_hex(hex, t->data, t->size);
        t5g_buf_printf(b, "%s.%s %d %s", t5g_part_name(x->name->part), x->name->module, k,
                       t5g_dtype_name(t->dtype));
        for (size_t i = 0; i < t->ndim; i++)
            t5g_buf_printf(b, " %llu", (unsigned long long)t->dims[i]);
        if (k == T5G_PIECE_B || k == T5G_PIECE_EMBED_B)
            t5g_buf_printf(b, " scale %.17g", x->scale);
        for (size_t i = 0; k == T5G_PIECE_TOKENS && i < x->n_ids; i++)
            t5g_buf_printf(b, " %ld", (long)x->ids[i]);
        t5g_buf_printf(b, " %s\n", hex);
    }
}

static int
place_of(enum t5g_part part)
{
    return part == T5G_PART_ENCODER  ? T5G_ID_ENCODER
           : part == T5G_PART_VISION ? T5G_ID_VISION
                                     : T5G_ID_DECODER;
}

static void
compute(struct t5g_adapter *a, const struct t5g_model *m, struct t5g_faults *f)
{
    struct t5g_buf text[T5G_IDS] = {0};
    for (size_t i = 0; i < a->tensors.n; i++)
        check_finite(&a->tensors.v[i], f);
    for (size_t i = 0; i < a->n; i++) {
        const struct t5g_adapted *x = &a->modules[i];
        put_module(&text[place_of(x->name->part)], x);
        check_copies(x, f);
        if (x->name->part == T5G_PART_ENCODER && x->piece[T5G_PIECE_TOKENS] != NULL &&
            m->config.tied && m->config.has_decoder) /* they are in the output matrix, too */
            put_module(&text[T5G_ID_DECODER], x);
    }
    for (int p = 0; p < T5G_IDS; p++) {
        if (text[p].n > 0)
            t5g_hash128_hex(a->digest[p], text[p].p, text[p].n);
        t5g_buf_free(&text[p]);
    }
}

/* Both files' states; false if one is not there. */
static bool
take_stamps(const struct t5g_adapter *a, struct t5g_stamp s[2])
{
    static const char *const names[] = {"adapter_config.json", "adapter_model.safetensors"};
    bool there = true;
    for (int i = 0; i < 2; i++) {
        char *path = t5g_path_join(a->dir, names[i]);
        there = there && t5g_stamp_of(path, &s[i], NULL) == 0;
        t5g_free(path);
    }
    return there;
}

/* All identities of a model as one. */
static void
whole_model(char hex[T5G_HEX128], const struct t5g_model *m)
{
    t5g_hash128_hex(hex, m->parts.id, sizeof m->parts.id);
}

/* "MODEL DIGEST DIGEST DIGEST", '-' for none. */
static bool
recall(struct t5g_adapter *a, const struct t5g_model *m, const struct t5g_stamp s[2])
{
    char text[4 * T5G_HEX128 + 8], model[T5G_HEX128], d[T5G_IDS][T5G_HEX128];
    char own[T5G_HEX128];
    whole_model(own, m);
    if (!t5g_stamp_get(KIND, s, 2, text, sizeof text) ||
        sscanf(text, "%32s %32s %32s %32s", model, d[0], d[1], d[2]) != 4 ||
        strcmp(model, own) != 0)
        return false;
    for (int p = 0; p < T5G_IDS; p++)
        if (strcmp(d[p], "-") != 0)
            memcpy(a->digest[p], d[p], sizeof d[p]);
    return true;
}

static void
remember(const struct t5g_adapter *a, const struct t5g_model *m, const struct t5g_stamp s[2])
{
    struct t5g_buf b = {0};
    struct t5g_stamp now[2];
    char own[T5G_HEX128];
    whole_model(own, m);
    t5g_buf_adds(&b, own);
    for (int p = 0; p < T5G_IDS; p++)
        t5g_buf_printf(&b, " %s", a->digest[p][0] != '\0' ? a->digest[p] : "-");
    if (take_stamps(a, now) && memcmp(now, s, sizeof now) == 0)
        t5g_stamp_put(KIND, s, 2, b.p);
    t5g_buf_free(&b);
}

void
t5g_adapter_digest(struct t5g_adapter *a, const struct t5g_model *m, struct t5g_faults *f)
{
    struct t5g_stamp s[2];
    bool there = take_stamps(a, s);
    if (there && f->n == 0 && recall(a, m, s))
        return;
    compute(a, m, f);
    if (there && f->n == 0)
        remember(a, m, s);
}
