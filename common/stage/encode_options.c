/* encode_options.c: what the options of t5g-encode and a model's directory ask for. */
#include "stage/encode_options.h"
#include "base/num.h"

#include <stdlib.h>
#include <string.h>

/* Options that contradict each other, whatever the model. */
static int
check(const struct t5g_encode_options *o, struct t5g_err *e)
{
    static const int usage = T5G_EX_USAGE;
    bool pooled = o->pool > T5G_POOL_NONE;
    if (pooled && o->group > 1)
        return t5g_err_set(e, usage, "--pool makes one row of all: leave --group out");
    if (pooled && o->dtype == 2)
        return t5g_err_set(e, usage, "--pool writes f32 or bf16: leave --dtype q8 out");
    return 0;
}

/* --layer K, or K from the end as in Python. */
static int
add_layer(struct t5g_encode_asked *a, struct t5g_shape *s, const char *text, size_t last,
          struct t5g_err *e)
{
    char *end;
    long long k = strtoll(text, &end, 10), n = (long long)last;
    if (end == text || *end != '\0' || strspn(text, "-0123456789") != strlen(text))
        return t5g_err_set(e, T5G_EX_USAGE, "--layer: '%s' is not a number", text);
    if (k < -n - 1 || k > n)
        return t5g_err_set(e, T5G_EX_USAGE, "--layer: %s, the encoder has 0 to %zu", text, last);
    size_t layer = (size_t)(k < 0 ? k + n + 1 : k);
    for (size_t i = 0; i < s->n_layers; i++)
        if (a->layers[i] == layer)
            return 0;
    if (s->n_layers == T5G_SHAPE_LAYERS)
        return t5g_err_set(e, T5G_EX_USAGE, "--layer: at most %d at a time", T5G_SHAPE_LAYERS);
    a->layers[s->n_layers++] = layer;
    return 0;
}

int
t5g_encode_ask(struct t5g_encode_asked *a, struct t5g_encoding *x,
               const struct t5g_encode_options *o, const char *dir, const struct t5g_kernels *k,
               struct t5g_err *e)
{
    static const int dtypes[] = {T5G_F32, T5G_BF16, T5G_I8};
    struct t5g_shape *s = &x->shape;
    *a = (struct t5g_encode_asked){0};
    *s = (struct t5g_shape){.kernels = k,
                            .d = x->config->encoder.d,
                            .dtype = dtypes[o->dtype],
                            .pooling = (enum t5g_pooling)(o->pool < 0 ? 0 : o->pool),
                            .dims = (size_t)o->dims,
                            .normalize = o->normalize,
                            .group = (size_t)o->group,
                            .layers = a->layers};
    if (check(o, e) < 0)
        return -1;
    /* The directory's modules, unless the options say what is to become of the rows. */
    if (o->pool < 0 && o->group == 1 && s->dtype != T5G_I8 &&
        t5g_sentence_open(&a->sentence, dir, s->d, e) < 0)
        return -1;
    if (a->sentence != NULL) {
        s->sentence = a->sentence;
        s->pooling = t5g_sentence_pooling(a->sentence);
    }
    size_t width = a->sentence != NULL ? t5g_sentence_width(a->sentence) : s->d;
    if (s->pooling == T5G_POOL_NONE && (s->dims > 0 || s->normalize))
        return t5g_err_set(e, T5G_EX_USAGE, "%s is for an embedding: give --pool",
                           s->dims > 0 ? "--dims" : "--normalize");
    if (s->dims > width)
        return t5g_err_set(e, T5G_EX_USAGE, "--dims: %zu, an embedding has %zu", s->dims, width);
    for (size_t i = 0; i < o->layers.n; i++)
        if (add_layer(a, s, o->layers.v[i], x->config->encoder.layers, e) < 0)
            return -1;
    t5g_encoder_tap(x->encoder, s->layers, s->n_layers);
    return 0;
}

void
t5g_encode_asked_free(struct t5g_encode_asked *a)
{
    t5g_sentence_close(a->sentence);
    a->sentence = NULL;
}
