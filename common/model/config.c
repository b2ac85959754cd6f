/*
 * config.c: config.json and generation_config.json to struct t5g_config. It reads what transformers
 * 5.18 reads, and where two places may hold the same setting, the one that transformers uses.
 */
#include "model/config.h"
#include "base/jsonpython.h"
#include "model/explain.h"
#include "model/family.h"
#include "model/fields.h"
#include "model/generation.h"
#include "model/labels.h"
#include "model/packed.h"
#include "model/stackconfig.h"

#include <math.h>
#include <string.h>

#define CONFIG_MAX ((size_t)1 << 20)
#define TOKEN_MAX  INT32_MAX

static const struct t5g_family *
read_family(struct t5g_fields *f, struct t5g_place top, enum t5g_scope *scope)
{
    const char *type = t5g_field_str(f, top, "model_type");
    const struct t5g_family *family = type != NULL ? t5g_family_find(type, scope) : NULL;
    if (family == NULL)
        t5g_fields_fail(f, top, "model_type",
                        "%s%s%s, expected t5gemma2, t5gemma2_encoder or t5gemma2_text",
                        type == NULL ? "missing" : "", type == NULL ? "" : type,
                        type == NULL ? "" : t5g_explain_type(type));
    return family;
}

/* `dtype`, or `torch_dtype` as transformers 4 called it; 0 if the file has neither. */
static int
read_dtype(struct t5g_fields *f, struct t5g_place top)
{
    const char *key = t5g_field(top, "dtype") != NULL ? "dtype" : "torch_dtype";
    const char *name = t5g_field_str(f, top, key);
    if (name == NULL)
        return 0;
    if (strcmp(name, "float32") == 0)
        return T5G_F32;
    if (strcmp(name, "bfloat16") == 0)
        return T5G_BF16;
    if (strcmp(name, "float16") == 0)
        return T5G_F16;
    t5g_fields_fail(f, top, key, "%s, expected float32, bfloat16 or float16", name);
    return 0;
}

/* The token id `key` from the first place that has it, else -1. */
static int32_t
read_token(struct t5g_fields *f, const char *key, struct t5g_place a, struct t5g_place b)
{
    struct t5g_place p = t5g_field(a, key) != NULL ? a : b;
    return (int32_t)t5g_field_int_or(f, p, key, 0, TOKEN_MAX, -1);
}

/*
 * Token ids for pictures. transformers takes the end-of-image id from the encoder's own
 * configuration and the image id from the top level, whatever the other place says.
 */
static void
read_image_tokens(struct t5g_config *c, struct t5g_fields *f, enum t5g_scope scope,
                  struct t5g_place top, struct t5g_place encoder)
{
    c->boi = read_token(f, "boi_token_index", encoder, top);
    c->eoi = read_token(f, "eoi_token_index", encoder, top);
    c->image = read_token(f, "image_token_index", top, encoder);
    /* A bare text encoder's configuration has no such key: its class uses 256000. */
    if (scope == T5G_SCOPE_TEXT && c->eoi < 0 && c->encoder.v > 256000)
        c->eoi = 256000;
    if (scope != T5G_SCOPE_TEXT && c->eoi < 0)
        t5g_fields_fail(f, encoder, "eoi_token_index", "missing");
}

/* The defaults of the SigLIP classes have never changed, and older files rely on these three. */
static void
read_vision(struct t5g_config *c, struct t5g_fields *f, struct t5g_place encoder, const char *where)
{
    struct t5g_vision_config *x = &c->vision;
    c->has_vision = t5g_field(encoder, "vision_config") != NULL;
    if (!c->has_vision)
        return;
    struct t5g_place p = t5g_field_object(f, encoder, "vision_config", where);
    struct t5g_stack_config *s = &x->stack;
    s->block = c->family->vision->block;
    s->d = t5g_field_size(f, p, "hidden_size", 1, 1 << 16);
    s->f = t5g_field_size(f, p, "intermediate_size", 1, 1 << 20);
    s->layers = t5g_field_size(f, p, "num_hidden_layers", 1, 1024);
    s->h = s->hk = t5g_field_size(f, p, "num_attention_heads", 1, 1024);
    x->image_size = t5g_field_size(f, p, "image_size", 1, 1 << 13);
    x->patch = t5g_field_size(f, p, "patch_size", 1, 1 << 10);
    bool has_eps = t5g_field(p, "layer_norm_eps") != NULL;
    s->eps = has_eps ? (float)t5g_field_num(f, p, "layer_norm_eps", 0, 1) : 1e-6f;
    t5g_field_int_or(f, p, "num_channels", 3, 3, 3);
    const char *act = t5g_field_str(f, p, "hidden_act");
    if (act != NULL && strcmp(act, "gelu_pytorch_tanh") != 0)
        t5g_fields_fail(f, p, "hidden_act", "%s, expected gelu_pytorch_tanh", act);
    c->mm_tokens = t5g_field_size(f, encoder, "mm_tokens_per_image", 1, 1 << 16);
    if (f->failed)
        return;
    if (s->d % s->h != 0)
        t5g_fields_fail(f, p, "hidden_size", "%zu, expected a multiple of %zu heads", s->d, s->h);
    s->dh = s->d / s->h;
    s->scale = 1 / sqrtf((float)s->dh);
    s->full = t5g_alloc(s->layers, sizeof *s->full);
    for (size_t i = 0; i < s->layers; i++)
        s->full[i] = true;
    if (x->image_size % x->patch != 0)
        t5g_fields_fail(f, p, "image_size", "%zu, expected a multiple of patch_size %zu",
                        x->image_size, x->patch);
    size_t side = x->image_size / x->patch, out = (size_t)lround(sqrt((double)c->mm_tokens));
    if (out * out != c->mm_tokens || side % out != 0)
        t5g_fields_fail(f, encoder, "mm_tokens_per_image",
                        "%zu, expected a square whose side divides %zu patches", c->mm_tokens,
                        side);
}

/* An id, or a list of ids, each within the vocabulary. */
static void
read_eos(struct t5g_config *c, struct t5g_fields *f, struct t5g_place p)
{
    const struct t5g_json *v = t5g_field(p, "eos_token_id");
    bool list = t5g_json_is_array(v);
    int64_t id;
    c->n_eos = 0;
    for (v = list ? t5g_json_first(v) : v; v != NULL; v = list ? t5g_json_next(v) : NULL) {
        if (c->n_eos == T5G_LEN(c->eos)) {
            t5g_fields_fail(f, p, "eos_token_id", "more than %zu ids", c->n_eos);
            return;
        }
        if (!t5g_json_int(v, 0, (int64_t)c->encoder.v - 1, &id)) {
            t5g_fields_fail(f, p, "eos_token_id", "expected ids from 0 to %zu", c->encoder.v - 1);
            return;
        }
        c->eos[c->n_eos++] = (int32_t)id;
    }
}

/*
 * Token ids for generation: from generation_config.json, else the top level of config.json, else
 * the part with the vocabulary (from which transformers fills the top level).
 */
static void
read_tokens(struct t5g_config *c, struct t5g_fields *f, struct t5g_fields *g,
            const struct t5g_place place[3])
{
    int32_t *out[] = {&c->bos, &c->pad, &c->start};
    static const char *const keys[] = {"bos_token_id", "pad_token_id", "decoder_start_token_id"};
    for (size_t k = 0; k < T5G_LEN(keys); k++) {
        *out[k] = -1;
        for (size_t i = 0; i < 3 && *out[k] < 0 && !g->failed; i++)
            *out[k] = read_token(i == 0 ? g : f, keys[k], place[i], place[i]);
    }
    c->n_eos = 0;
    for (size_t i = 0; i < 3 && c->n_eos == 0 && !g->failed; i++)
        read_eos(c, i == 0 ? g : f, place[i]);
    if (c->start < 0)
        c->start = c->bos;
    if (!c->has_decoder || g->failed)
        return;
    if (c->start < 0 || (size_t)c->start >= c->decoder.v)
        t5g_fields_fail(f, place[1], "bos_token_id", "%ld, expected an id from 0 to %zu",
                        (long)c->start, c->decoder.v - 1);
    if (c->n_eos == 0)
        t5g_fields_fail(f, place[1], "eos_token_id", "missing");
}

/* transformers requires the two sides to agree: they share one embedding matrix. */
static void
check_sides(struct t5g_config *c, struct t5g_fields *f, struct t5g_place decoder)
{
    if (f->failed)
        return;
    if (c->encoder.d != c->decoder.d)
        t5g_fields_fail(f, decoder, "hidden_size", "%zu, expected %zu as in the encoder",
                        c->decoder.d, c->encoder.d);
    if (c->encoder.v != c->decoder.v)
        t5g_fields_fail(f, decoder, "vocab_size", "%zu, expected %zu as in the encoder",
                        c->decoder.v, c->encoder.v);
}

static void
read_config(struct t5g_config *c, struct t5g_fields *f, struct t5g_fields *g, struct t5g_place top,
            struct t5g_place generation)
{
    enum t5g_scope scope = T5G_SCOPE_WHOLE;
    c->family = read_family(f, top, &scope);
    struct t5g_place encoder = top, text = top, decoder = {0};
    const char *where_vision = "vision_config.";
    if (f->failed)
        return;
    if (scope == T5G_SCOPE_WHOLE) {
        encoder = t5g_field_object(f, top, "encoder", "encoder.");
        text = t5g_field_object(f, encoder, "text_config", "encoder.text_config.");
        decoder = t5g_field_object(f, top, "decoder", "decoder.");
        where_vision = "encoder.vision_config.";
    } else if (scope == T5G_SCOPE_ENCODER) {
        text = t5g_field_object(f, top, "text_config", "text_config.");
    }
    if (f->failed)
        return;
    int dtype = read_dtype(f, top);
    /* The flags of the parts do not matter; older files, without one at the top level, mean
     * true. */
    c->tied = t5g_field_bool_or(f, top, "tie_word_embeddings", true);
    c->has_decoder = scope == T5G_SCOPE_WHOLE;
    c->encoder.block = c->family->encoder->block;
    c->decoder.block = c->family->decoder->block;
    t5g_stack_config_read(&c->encoder, f, text);
    if (c->has_decoder) {
        t5g_stack_config_read(&c->decoder, f, decoder);
        check_sides(c, f, decoder);
    }
    if (f->failed)
        return;
    if (scope != T5G_SCOPE_TEXT)
        read_vision(c, f, encoder, where_vision);
    read_image_tokens(c, f, scope, top, encoder);
    const struct t5g_place place[3] = {generation, top, c->has_decoder ? decoder : text};
    read_tokens(c, f, g, place);
    if (c->has_decoder && c->classifier != NULL && !c->generates)
        t5g_labels_read(&c->labels, c->classifier, f, top, decoder, c->decoder.v);
    t5g_config_set_dtype(c, dtype);
}

void
t5g_config_set_dtype(struct t5g_config *c, int dtype)
{
    float scale[2] = {(float)sqrt((double)c->encoder.d), (float)sqrt((double)c->decoder.d)};
    for (size_t i = 0; i < 2; i++) {
        if (dtype == T5G_BF16)
            scale[i] = t5g_bf16_to_f32(t5g_f32_to_bf16(scale[i]));
        else if (dtype == T5G_F16)
            scale[i] = t5g_f16_to_f32(t5g_f32_to_f16(scale[i]));
    }
    c->dtype = dtype;
    c->embed_scale_encoder = scale[0];
    c->embed_scale_decoder = scale[1];
}

static struct t5g_json *
parse(const char *text, size_t n, const char *path, struct t5g_err *e)
{
    struct t5g_buf b = {0};
    t5g_json_from_python(&b, text, n);
    struct t5g_json *root = t5g_json_parse(b.p, b.n, path, e);
    t5g_buf_free(&b);
    return root;
}

/* generation_config.json; NULL if it is not JSON. The settings that are not used become the
 * notice. */
static struct t5g_json *
read_generation(struct t5g_config *c, const char *text, size_t n, const char *path)
{
    struct t5g_buf unused = {0}, b = {0};
    struct t5g_err e = {0};
    struct t5g_json *root = parse(text, n, path, &e);
    if (root == NULL) {
        t5g_buf_adds(&b, e.msg);
    } else {
        t5g_generation_unused(&unused, root, false);
        if (unused.n > 0)
            t5g_buf_printf(&b, "%s: not used: %s (see the options of t5g-decode)", path, unused.p);
    }
    t5g_buf_free(&unused);
    c->notice = b.p;
    return root;
}

/* Classes with another head: T5Gemma2ForSequenceClassification and the like. */
static void
read_classes(struct t5g_config *c, struct t5g_place top)
{
    for (const struct t5g_json *v = t5g_json_first(t5g_field(top, "architectures"));
         v != NULL && c->classifier == NULL; v = t5g_json_next(v)) {
        const char *name = t5g_json_str(v), *head = name != NULL ? strstr(name, "For") : NULL;
        if (head != NULL && strcmp(head, "ForConditionalGeneration") == 0)
            c->generates = true;
        else if (head != NULL)
            c->classifier = t5g_strdup(name);
    }
}

int
t5g_config_parse(struct t5g_config *c, const char *text, size_t n, const char *path,
                 const char *generation, size_t gn, const char *gpath, struct t5g_err *e)
{
    struct t5g_json *root = NULL, *groot = NULL;
    struct t5g_fields f = {.path = path, .e = e}, g = {.path = gpath, .e = e};
    *c = (struct t5g_config){0};
    int r = -1;
    root = parse(text, n, path, e);
    if (root == NULL)
        goto out;
    if (generation != NULL)
        c->generation = groot = read_generation(c, generation, gn, gpath);
    if (generation != NULL)
        c->generation_path = t5g_strdup(gpath);
    if (!t5g_json_is_object(root) || (groot != NULL && !t5g_json_is_object(groot))) {
        t5g_err_set(e, T5G_EX_DATA, "%s: not a JSON object",
                    t5g_json_is_object(root) ? gpath : path);
        goto out;
    }
    struct t5g_place top = {root, ""}, gen = {groot, ""};
    read_classes(c, top);
    read_config(c, &f, &g, top, gen);
    r = f.failed || g.failed ? -1 : 0;
out:
    if (r < 0)
        t5g_config_clear(c);
    t5g_json_free(root);
    return r;
}

int
t5g_config_load(struct t5g_config *c, const char *dir, struct t5g_err *e)
{
    char *path = t5g_path_join(dir, "config.json");
    char *gpath = t5g_path_join(dir, "generation_config.json");
    struct t5g_buf b = {0}, g = {0};
    *c = (struct t5g_config){0};
    int r = t5g_explain_model(dir, T5G_EXPLAIN_CONFIG, e);
    if (r == 0)
        r = t5g_model_text(dir, "config.json", CONFIG_MAX, &b, e);
    if (r == 0 && t5g_model_optional(dir, "generation_config.json", CONFIG_MAX, &g, e) < 0)
        r = -1;
    if (r == 0)
        r = t5g_config_parse(c, b.p, b.n, path, g.p, g.n, gpath, e);
    t5g_buf_free(&b);
    t5g_buf_free(&g);
    t5g_free(path);
    t5g_free(gpath);
    return r;
}

bool
t5g_config_is_eos(const struct t5g_config *c, int32_t id)
{
    for (size_t i = 0; i < c->n_eos; i++) {
        if (c->eos[i] == id)
            return true;
    }
    return false;
}

void
t5g_config_clear(struct t5g_config *c)
{
    t5g_free(c->encoder.full);
    t5g_free(c->decoder.full);
    t5g_free(c->vision.stack.full);
    t5g_free(c->notice);
    t5g_json_free(c->generation);
    t5g_free(c->generation_path);
    t5g_free(c->classifier);
    t5g_labels_clear(&c->labels);
    *c = (struct t5g_config){0};
}
