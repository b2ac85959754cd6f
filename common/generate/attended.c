/*
 * attended.c: an answer's ids once more through the decoder, for the weights of the document's
 * rows.
 *
 *   feed = start, prompt, ids[0] .. ids[n - 2]; row n_prompt + k is the one that id k was chosen
 * from rows before n_prompt only fill the cache; the others in steps whose weights fit a buffer
 */
#include "generate/attended.h"
#include "base/mem.h"

#include <string.h>

#define KEEP_MOST ((size_t)1 << 23) /* floats of a layer's weights in a step */

size_t
t5g_attended_dims(enum t5g_attended_form form, const struct t5g_stack_config *c, size_t n,
                  size_t rows, uint64_t dims[4])
{
    size_t k = 0;
    dims[k++] = n;
    if (form != T5G_ATTENDED_MEAN)
        dims[k++] = c->layers;
    if (form == T5G_ATTENDED_HEADS)
        dims[k++] = c->h;
    dims[k++] = rows;
    return k;
}

/* A step's rows: those of ids at.. of the answer. */
struct step {
    const struct t5g_stack_config *c;
    enum t5g_attended_form form;
    size_t rows, n; /* of the document; of the step */
    float *out;     /* of its first row */
};

/* Put the weights [n, h, rows] of a layer where they belong. */
static void
take(void *arg, size_t layer, const float *weights)
{
    const struct step *s = arg;
    size_t h = s->c->h, layers = s->form == T5G_ATTENDED_MEAN ? 1 : s->c->layers;
    size_t heads = s->form == T5G_ATTENDED_HEADS ? h : 1;
    float share = 1.0F / (float)(s->form == T5G_ATTENDED_MEAN ? h * s->c->layers : h);
    for (size_t i = 0; i < s->n; i++) {
        float *to = s->out + (i * layers + (layers > 1 ? layer : 0)) * heads * s->rows;
        const float *from = weights + i * h * s->rows;
        if (heads == h) {
            memcpy(to, from, h * s->rows * sizeof *to);
            continue;
        }
        for (size_t head = 0; head < h; head++)
            for (size_t j = 0; j < s->rows; j++)
                to[j] += share * from[head * s->rows + j];
    }
}

void
t5g_attended(struct t5g_decoder *x, const struct t5g_config *config, const struct t5g_cross *cross,
             const int32_t *prompt, size_t n_prompt, const int32_t *ids, size_t n,
             enum t5g_attended_form form, float *out)
{
    const struct t5g_stack_config *c = &config->decoder;
    size_t whole = n_prompt + n, rows = t5g_cross_rows(cross), per = c->h * t5g_max(rows, 1);
    size_t most = t5g_min(t5g_max(KEEP_MOST / per, 1), T5G_PREFILL_ROWS), m;
    int32_t *feed = t5g_alloc(whole, sizeof *feed);
    float *keep = t5g_alloc_raw(most * per, sizeof *keep), *scrap;
    struct t5g_kvcache *kv = t5g_kvcache_open(x, whole);
    uint64_t dims[4];
    size_t n_dims = t5g_attended_dims(form, c, 1, rows, dims), size = 1;
    feed[0] = config->start;
    if (n_prompt > 0)
        memcpy(feed + 1, prompt, n_prompt * sizeof *feed);
    if (n > 1)
        memcpy(feed + 1 + n_prompt, ids, (n - 1) * sizeof *feed);
    for (size_t k = 0; k < n_dims; k++)
        size *= (size_t)dims[k];
    memset(out, 0, n * size * sizeof *out);
    scrap = t5g_alloc_raw(T5G_PREFILL_ROWS, t5g_decoder_width(x) * sizeof *scrap);
    for (size_t i = 0; i < n_prompt; i += m) {
        m = t5g_min(T5G_PREFILL_ROWS, n_prompt - i);
        t5g_decoder_given(x, cross, kv, feed + i, m, T5G_PREFILL_FROM, scrap);
    }
    for (size_t i = 0; i < n; i += m) {
        m = t5g_min(most, n - i);
        struct step s = {.c = c, .form = form, .rows = rows, .n = m, .out = out + i * size};
        t5g_decoder_attend(x, cross, kv, feed + n_prompt + i, m, keep, take, &s);
    }
    t5g_kvcache_free(kv);
    t5g_free(scrap);
    t5g_free(keep);
    t5g_free(feed);
}
