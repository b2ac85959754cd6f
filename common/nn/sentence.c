/*
 * sentence.c: a directory of sentence-transformers.
 *
 *   x = pool(encoder rows)             1_Pooling/config.json
 *   x = act(W x + b)                   N_Dense: config.json, model.safetensors    any number
 *   x = x / |x|                        Normalize
 */
#include "nn/sentence.h"
#include "base/json.h"
#include "base/map.h"
#include "base/mem.h"
#include "model/packed.h"
#include "model/safetensors.h"
#include "nn/modules.h"

#include <math.h>
#include <string.h>

#define FILE_MAX  ((size_t)1 << 20)
#define WIDTH_MAX ((int64_t)1 << 20)

struct step {
    size_t in, out;
    float *w;    /* [out, in]; NULL: Normalize */
    float *bias; /* [out], or NULL */
    bool tanh;
};

struct t5g_sentence {
    enum t5g_pooling pooling;
    struct step *steps; /* [n] */
    size_t n, cap, widest, width;
    char identity[T5G_HEX128];
};

/* A module's config.json: NULL with e; *path is its name for messages (t5g_free). */
static struct t5g_json *
parse(const char *model, const struct t5g_module *m, char **path, struct t5g_err *e)
{
    struct t5g_buf b = {0};
    struct t5g_json *root = NULL;
    char *file = t5g_module_file(m, "config.json");
    *path = t5g_path_join(model, file);
    if (t5g_model_text(model, file, FILE_MAX, &b, e) == 0)
        root = t5g_json_parse(b.p, b.n, *path, e);
    t5g_buf_free(&b);
    t5g_free(file);
    return root;
}

/* The part of a Python name behind its last dot. */
static const char *
last_part(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot != NULL ? dot + 1 : name;
}

int
t5g_sentence_transformer(const char *dir, char **path, struct t5g_err *e)
{
    struct t5g_modules m;
    if (t5g_is_packed(dir, NULL) != 0)
        return 0; /* its frames are those of the Transformer; or there is nothing */
    int r = t5g_modules_open(&m, dir, e);
    if (r != 1)
        return r;
    *path = m.v[0].folder[0] == '\0' ? t5g_strdup(dir) : t5g_path_join(dir, m.v[0].folder);
    t5g_modules_close(&m);
    return 1;
}

/* A member of a module's configuration that is a width. */
static int
read_width(const struct t5g_json *c, const char *key, const char *path, size_t *width,
           struct t5g_err *e)
{
    const struct t5g_json *v = t5g_json_get(c, key);
    int64_t n;
    if (v == NULL)
        return t5g_err_set(e, T5G_EX_DATA, "%s: no \"%s\"", path, key);
    if (t5g_json_int(v, 1, WIDTH_MAX, &n)) {
        *width = (size_t)n;
        return 0;
    }
    struct t5g_buf text = {0};
    t5g_json_print(&text, v);
    t5g_err_set(e, T5G_EX_DATA, "%s: \"%s\": %.40s, expected a whole number from 1 to %lld", path,
                key, text.p, (long long)WIDTH_MAX);
    t5g_buf_free(&text);
    return -1;
}

/* ---- Pooling ---- */

static enum t5g_pooling
mode_of(const char *name)
{
    static const struct {
        const char *name;
        enum t5g_pooling is;
    } modes[] = {
        {"mean", T5G_POOL_MEAN},      {"mean_tokens", T5G_POOL_MEAN}, {"max", T5G_POOL_MAX},
        {"max_tokens", T5G_POOL_MAX}, {"cls", T5G_POOL_FIRST},        {"cls_token", T5G_POOL_FIRST},
        {"lasttoken", T5G_POOL_LAST},
    };
    for (size_t i = 0; i < T5G_LEN(modes); i++)
        if (strcmp(name, modes[i].name) == 0)
            return modes[i].is;
    return T5G_POOL_NONE;
}

/* The one mode that the configuration switches on. */
static int
read_pooling(struct t5g_sentence *s, const struct t5g_json *c, const char *path, size_t d,
             struct t5g_err *e)
{
    static const char prefix[] = "pooling_mode";
    size_t on = 0;
    for (const struct t5g_json *v = t5g_json_first(c); v != NULL; v = t5g_json_next(v)) {
        const char *key = t5g_json_key(v), *mode = t5g_json_str(v);
        if (strncmp(key, prefix, sizeof prefix - 1) != 0 || (mode == NULL && !t5g_json_true(v)))
            continue;
        if (mode == NULL)
            mode = key + sizeof prefix; /* behind its underscore */
        if ((s->pooling = mode_of(mode)) == T5G_POOL_NONE)
            return t5g_err_set(e, T5G_EX_DATA, "%s: pooling '%s' is not supported", path, mode);
        on++;
    }
    if (on == 0)
        return t5g_err_set(e, T5G_EX_DATA, "%s: no way of pooling is switched on", path);
    if (on != 1)
        return t5g_err_set(e, T5G_EX_DATA, "%s: %zu ways of pooling at once, expected 1", path, on);
    const char *const keys[] = {"word_embedding_dimension", "embedding_dimension"};
    const char *key = t5g_json_get(c, keys[0]) != NULL ? keys[0] : keys[1];
    size_t width = d;
    if (t5g_json_get(c, key) != NULL && read_width(c, key, path, &width, e) < 0)
        return -1;
    if (width != d)
        return t5g_err_set(e, T5G_EX_DATA, "%s: for rows of %zu, the encoder has %zu", path, width,
                           d);
    const struct t5g_json *prompt = t5g_json_get(c, "include_prompt");
    if (t5g_json_is_bool(prompt) && !t5g_json_true(prompt))
        return t5g_err_set(e, T5G_EX_DATA, "%s: \"include_prompt\":false is not supported", path);
    return 0;
}

/* ---- Dense ---- */

/* A tensor of this shape as f32 (t5g_free); NULL with e. */
static float *
read_weights(const struct t5g_safetensors *file, const char *name, size_t rows, size_t columns,
             struct t5g_err *e)
{
    const struct t5g_tensor *t = t5g_safetensors_find(file, name);
    const char *where = t5g_safetensors_table(file);
    size_t n = rows * t5g_max(columns, (size_t)1);
    if (t == NULL) {
        t5g_err_set(e, T5G_EX_DATA, "%s: no tensor '%s'", where, name);
        return NULL;
    }
    if ((t->dtype != T5G_F32 && t->dtype != T5G_BF16 && t->dtype != T5G_F16) ||
        t->ndim != (columns > 0 ? 2 : 1) || t->dims[0] != rows ||
        (columns > 0 && t->dims[1] != columns)) {
        t5g_err_set(e, T5G_EX_DATA, "%s: tensor '%s': expected floats of the shape in config.json",
                    where, name);
        return NULL;
    }
    float *w = t5g_alloc_raw(n, sizeof *w);
    t5g_to_f32(w, t->data, t->dtype, n);
    for (size_t i = 0; i < n; i++)
        if (!isfinite(w[i])) {
            t5g_err_set(e, T5G_EX_DATA, "%s: tensor '%s': element %zu is not finite", where, name,
                        i);
            t5g_free(w);
            return NULL;
        }
    return w;
}

static int
load_dense(struct step *x, const char *model, const char *folder, bool bias, struct t5g_err *e)
{
    struct t5g_safetensors *file = t5g_safetensors_open_in(model, folder, e);
    if (file == NULL)
        return -1;
    int r = 0;
    if ((x->w = read_weights(file, "linear.weight", x->out, x->in, e)) == NULL ||
        (bias && (x->bias = read_weights(file, "linear.bias", x->out, 0, e)) == NULL))
        r = -1;
    else if (t5g_safetensors_count(file) != 1 + (size_t)bias)
        r = t5g_err_set(e, T5G_EX_DATA, "%s: %zu tensors, expected %d", t5g_safetensors_table(file),
                        t5g_safetensors_count(file), 1 + (int)bias);
    t5g_safetensors_close(file);
    return r;
}

/* Add a step; the caller fills it. */
static struct step *
add_step(struct t5g_sentence *s)
{
    s->steps = t5g_grow(s->steps, s->n, &s->cap, sizeof *s->steps);
    struct step *x = &s->steps[s->n++];
    *x = (struct step){.in = s->width, .out = s->width};
    return x;
}

static int
read_dense(struct t5g_sentence *s, const struct t5g_json *c, const char *path, const char *model,
           const char *folder, struct t5g_err *e)
{
    size_t in, out;
    const char *input = t5g_json_str(t5g_json_get(c, "module_input_name"));
    const char *act = t5g_json_str(t5g_json_get(c, "activation_function"));
    if (read_width(c, "in_features", path, &in, e) < 0 ||
        read_width(c, "out_features", path, &out, e) < 0)
        return -1;
    if (in != s->width)
        return t5g_err_set(e, T5G_EX_DATA, "%s: in_features is %zu, what comes before has %zu",
                           path, in, s->width);
    if (input != NULL && strcmp(input, "sentence_embedding") != 0)
        return t5g_err_set(e, T5G_EX_DATA, "%s: module_input_name '%s' is not supported", path,
                           input);
    bool tanh = act == NULL || strcmp(last_part(act), "Tanh") == 0; /* the default there */
    if (!tanh && strcmp(last_part(act), "Identity") != 0)
        return t5g_err_set(e, T5G_EX_DATA, "%s: activation '%s' is not supported", path, act);
    const struct t5g_json *bias = t5g_json_get(c, "bias");
    struct step *x = add_step(s);
    x->out = out;
    x->tanh = tanh;
    s->width = out;
    s->widest = t5g_max(s->widest, s->width);
    return load_dense(x, model, folder, bias == NULL || t5g_json_true(bias), e);
}

/* ---- all modules ---- */

static int
read_module(struct t5g_sentence *s, const char *model, const struct t5g_module *m, size_t d,
            struct t5g_err *e)
{
    bool pooling = strcmp(m->kind, "Pooling") == 0, dense = strcmp(m->kind, "Dense") == 0;
    char *path;
    if (strcmp(m->kind, "Normalize") == 0 && s->pooling != T5G_POOL_NONE) {
        add_step(s);
        return 0;
    }
    if (pooling == (s->pooling != T5G_POOL_NONE) || (!pooling && !dense))
        return t5g_err_set(e, T5G_EX_DATA, "%s/modules.json: module '%s' is not supported%s", model,
                           m->type, pooling || dense ? " at this place" : "");
    if (m->folder[0] == '\0')
        return t5g_err_set(e, T5G_EX_DATA, "%s/modules.json: module '%s': no path", model, m->type);
    struct t5g_json *c = parse(model, m, &path, e);
    int r = c == NULL ? -1
            : pooling ? read_pooling(s, c, path, d, e)
                      : read_dense(s, c, path, model, m->folder, e);
    t5g_json_free(c);
    t5g_free(path);
    return r;
}

static void
identify(struct t5g_sentence *s)
{
    struct t5g_hash *h = t5g_hash_open();
    uint64_t first[] = {s->pooling, s->n};
    t5g_hash_add(h, first, sizeof first);
    for (size_t i = 0; i < s->n; i++) {
        const struct step *x = &s->steps[i];
        uint64_t head[] = {x->w != NULL, x->in, x->out, x->bias != NULL, x->tanh};
        t5g_hash_add(h, head, sizeof head);
        if (x->w != NULL)
            t5g_hash_add(h, x->w, x->out * x->in * sizeof *x->w);
        if (x->bias != NULL)
            t5g_hash_add(h, x->bias, x->out * sizeof *x->bias);
    }
    t5g_hash_get128_hex(h, s->identity);
    t5g_hash_close(h);
}

int
t5g_sentence_open(struct t5g_sentence **out, const char *model, size_t d, struct t5g_err *e)
{
    struct t5g_modules m;
    *out = NULL;
    int r = t5g_modules_open(&m, model, e);
    if (r != 1)
        return r;
    struct t5g_sentence *s = t5g_alloc(1, sizeof *s);
    s->width = s->widest = d;
    r = 0;
    for (size_t i = 1; i < m.n && r == 0; i++)
        r = read_module(s, model, &m.v[i], d, e);
    t5g_modules_close(&m);
    if (r == 0 && s->pooling == T5G_POOL_NONE)
        r = t5g_err_set(e, T5G_EX_DATA, "%s/modules.json: no module Pooling", model);
    if (r < 0) {
        t5g_sentence_close(s);
        return -1;
    }
    identify(s);
    *out = s;
    return 1;
}

void
t5g_sentence_close(struct t5g_sentence *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->n; i++) {
        t5g_free(s->steps[i].w);
        t5g_free(s->steps[i].bias);
    }
    t5g_free(s->steps);
    t5g_free(s);
}

enum t5g_pooling
t5g_sentence_pooling(const struct t5g_sentence *s)
{
    return s->pooling;
}

size_t
t5g_sentence_width(const struct t5g_sentence *s)
{
    return s->width;
}

const char *
t5g_sentence_identity(const struct t5g_sentence *s)
{
    return s->identity;
}

bool
t5g_sentence_dense(const struct t5g_sentence *s)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->steps[i].w != NULL)
            return true;
    return false;
}

static void
run_dense(const struct step *x, const float *in, float *out)
{
    for (size_t o = 0; o < x->out; o++) {
        double sum = x->bias != NULL ? (double)x->bias[o] : 0;
        for (size_t i = 0; i < x->in; i++)
            sum += (double)x->w[o * x->in + i] * (double)in[i];
        out[o] = (float)(x->tanh ? tanh(sum) : sum);
    }
}

void
t5g_sentence_run(const struct t5g_sentence *s, const float *x, float *out)
{
    float *a = t5g_alloc_raw(s->widest, sizeof *a), *b = t5g_alloc_raw(s->widest, sizeof *b);
    memcpy(a, x, (s->n > 0 ? s->steps[0].in : s->width) * sizeof *a);
    for (size_t i = 0; i < s->n; i++) {
        const struct step *step = &s->steps[i];
        if (step->w == NULL) {
            t5g_normalize(a, step->in);
        } else {
            run_dense(step, a, b);
            float *swap = a;
            a = b;
            b = swap;
        }
    }
    memcpy(out, a, s->width * sizeof *out);
    t5g_free(a);
    t5g_free(b);
}
