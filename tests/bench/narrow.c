/*
 * narrow.c: what smaller numbers for a document cost: its keys and values, or its encoder output.
 *
 * usage: narrow MODEL TEXTS.jsonl [MOST]
 *
 * Texts are cut to MOST tokens (default 256) and teacher-forced over one model; the first half of
 * each is the document (texts of fewer than 4 tokens are left out). Prints a line for each of three
 * places where numbers are rounded, and each way to round them:
 *
 *   past   The decoder alone, a causal language model, has read the first half; its own keys and
 *          values of that half are rounded, and it reads the second.
 *   kv     Keys and values of the encoded first half are rounded: t5g-decode --kv.
 *   rows   Rows of the encoded first half are rounded: t5g-encode --dtype.
 *
 *   bf16     to the nearest bf16
 *   plain    bytes, a scale for each row of a head, or of the encoder output
 *   rotated  the same, rotated in front of it: nn/q8row.h
 *   q8       as the programs do it: keys are divided by their gain too (nn/cross.c), and rows of
 *            the encoder output have a scale for each run of 128
 *
 * The line has the mean Kullback-Leibler divergence (nats) from the distribution over exact
 * numbers, the share of positions at which the largest logit is the same id's, and perplexity of
 * both: means over texts of means over positions.
 */
#include "generate/divergence.h"
#include "model/model.h"
#include "nn/encoder.h"
#include "nn/kvcache.h"
#include "nn/q8row.h"
#include "stage/texts.h"
#include "kernels/rotate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { PAST, KV, ROWS, PLACES };
enum { BF16, PLAIN, ROTATED, Q8, WAYS };

static struct t5g_model *model;
static const struct t5g_kernels *kernels;
static struct t5g_encoder *encoder;
static struct t5g_decoder *decoder;
static struct t5g_pool *pool;
static struct t5g_tokenizer *tokenizer;

struct sums { /* over texts */
    size_t texts;
    double kl, same, loss[2];
};

static void
stop(const struct t5g_err *e)
{
    fprintf(stderr, "narrow: %s\n", e->msg);
    exit(e->code);
}

static void
round_run(float *x, size_t n)
{
    float max = 0;
    for (size_t i = 0; i < n; i++)
        max = fmaxf(max, fabsf(x[i]));
    for (size_t i = 0; i < n && max > 0; i++)
        x[i] = rintf(x[i] * (127 / max)) * (max / 127);
}

/* x [n] as it comes back. */
static void
round_row(int way, float *x, size_t n)
{
    int8_t *q = t5g_alloc_raw(n, 1);
    float scale;
    if (way == BF16) {
        for (size_t i = 0; i < n; i++)
            x[i] = t5g_bf16_to_f32(t5g_f32_to_bf16(x[i]));
    } else if (way == PLAIN) {
        round_run(x, n);
    } else if (way == ROTATED) {
        t5g_q8_row(kernels, q, &scale, x, n);
        t5g_q8_row_back(kernels, x, q, scale, n);
    } else {
        kernels->rotate(x, x, n);
        for (size_t i = 0; i < n; i += T5G_ROTATE)
            round_run(x + i, t5g_min(T5G_ROTATE, n - i));
        kernels->rotate(x, x, n);
    }
    t5g_free(q);
}

/* The first n rows of every head. */
static void
round_kv(int way, struct t5g_kv *kv, size_t n)
{
    const struct t5g_stack_config *c = &model->config.decoder;
    float *none = t5g_alloc(1, c->d * sizeof *none);
    struct t5g_cross *gains = t5g_cross_build(decoder, none, 1, T5G_I8);
    for (size_t l = 0; l < c->layers; l++)
        for (size_t at = 0; at < c->hk * n; at++) {
            size_t i = at / n * kv[l].cap + at % n;
            float *k = (float *)kv[l].k + i * c->dh, *v = (float *)kv[l].v + i * c->dh;
            const float *gain = way == Q8 ? gains->kv[l].gain : NULL;
            for (size_t j = 0; gain != NULL && j < c->dh; j++)
                k[j] /= gain[j];
            round_row(way == Q8 ? ROTATED : way, k, c->dh);
            round_row(way == Q8 ? ROTATED : way, v, c->dh);
            for (size_t j = 0; gain != NULL && j < c->dh; j++)
                k[j] *= gain[j];
        }
    t5g_cross_free(gains);
    t5g_free(none);
}

/* Keys and values of the document ids [n], rounded at `place`; way < 0: exact. */
static struct t5g_cross *
document(int place, int way, const int32_t *ids, size_t n)
{
    struct t5g_err e;
    struct t5g_ids doc = {0};
    size_t d = model->config.encoder.d;
    const int32_t *around;
    size_t before = t5g_tokenizer_before(tokenizer, &around);
    t5g_ids_append(&doc, around, before);
    t5g_ids_append(&doc, ids, n);
    size_t after = t5g_tokenizer_after(tokenizer, &around);
    t5g_ids_append(&doc, around, after);
    float *rows = t5g_alloc(doc.n, d * sizeof *rows);
    if (t5g_encode(encoder, doc.p, doc.n, NULL, 0, rows, NULL, NULL, &e) < 0)
        stop(&e);
    for (size_t i = 0; place == ROWS && way >= 0 && i < doc.n; i++)
        round_row(way, rows + i * d, d);
    struct t5g_cross *cross = t5g_cross_build(decoder, rows, doc.n, T5G_F32);
    if (place == KV && way >= 0)
        round_kv(way, cross->kv, doc.n);
    t5g_free(rows);
    t5g_ids_free(&doc);
    return cross;
}

/* Logits [n - half, v] of the second half of ids [n]. */
static float *
run(int place, int way, const int32_t *ids, size_t n, size_t half)
{
    struct t5g_err e;
    size_t rest = n - half, read = place == PAST ? half : 0;
    float *logits = t5g_alloc_raw(rest, model->config.decoder.v * sizeof *logits);
    struct t5g_cross *cross = place == PAST ? t5g_cross_build(decoder, NULL, 0, T5G_F32)
                                            : document(place, way, ids, half);
    struct t5g_kvcache *own = t5g_kvcache_open(decoder, read + rest);
    int32_t *path = t5g_alloc(read + rest, sizeof *path);
    path[0] = model->config.start;
    memcpy(path + 1, ids + half - read, (read + rest - 1) * sizeof *path);
    if (read > 0 && t5g_decoder_feed(decoder, cross, own, path, read, false, NULL, &e) < 0)
        stop(&e);
    if (read > 0 && way >= 0)
        round_kv(way, own->kv, read);
    if (t5g_decoder_feed(decoder, cross, own, path + read, rest, true, logits, &e) < 0)
        stop(&e);
    t5g_cross_free(cross);
    t5g_kvcache_free(own);
    t5g_free(path);
    return logits;
}

/* Means over the positions of a text. */
static void
compare(const float *a, const float *b, const int32_t *next, size_t rows, struct sums *s)
{
    struct t5g_divergence d = {0};
    size_t v = model->config.decoder.v;
    for (size_t r = 0; r < rows; r++)
        t5g_divergence_add(&d, a + r * v, b + r * v, v, next[r]);
    double n = (double)rows;
    s->texts++;
    s->kl += d.kl / n;
    s->same += (double)d.same / n;
    s->loss[0] += d.loss[0] / n;
    s->loss[1] += d.loss[1] / n;
}

static void
put(int place, int way, const struct sums *s)
{
    double n = (double)s->texts;
    static const char *const places[] = {"past", "kv", "rows"};
    static const char *const ways[] = {"bf16", "plain", "rotated", "q8"};
    printf("{\"rounded\":\"%s\",\"to\":\"%s\",\"kl\":%.5f,\"same_argmax\":%.4f,\"perplexity\":%.2f,"
           "\"perplexity_rounded\":%.2f}\n",
           places[place], ways[way], s->kl / n, s->same / n, exp(s->loss[0] / n),
           exp(s->loss[1] / n));
    fflush(stdout);
}

static void
measure(int place, const struct t5g_texts *t)
{
    struct sums sums[WAYS] = {0};
    for (size_t i = 0; i < t->n; i++) {
        size_t n, half;
        const int32_t *ids = t5g_texts_get(t, i, &n);
        if ((half = n / 2) < 2)
            continue;
        float *exact = run(place, -1, ids, n, half);
        for (int way = 0; way < WAYS; way++) {
            float *rounded = run(place, way, ids, n, half);
            compare(exact, rounded, ids + half, n - half, &sums[way]);
            t5g_free(rounded);
        }
        t5g_free(exact);
    }
    for (int way = 0; way < WAYS; way++)
        put(place, way, &sums[way]);
}

int
main(int argc, char **argv)
{
    struct t5g_err e = {0};
    if (argc < 3 || argc > 4) {
        fprintf(stderr, "usage: narrow MODEL TEXTS.jsonl [MOST]\n");
        return T5G_EX_USAGE;
    }
    struct t5g_texts t = {.most = argc > 3 ? (size_t)atoi(argv[3]) : 256};
    struct t5g_corpus_options o = {.paths = &argv[2], .n_paths = 1, .mode = T5G_CORPUS_JSONL};
    if ((kernels = t5g_kernels_get(getenv("T5G_CPU"), &e)) == NULL ||
        (pool = t5g_pool_open(t5g_cpu_count(), &e)) == NULL ||
        (tokenizer = t5g_tokenizer_open(argv[1], &e)) == NULL ||
        (model = t5g_model_open(argv[1], T5G_NEED_DECODER, &e)) == NULL ||
        t5g_texts_read(&t, tokenizer, &o, &e) < 0)
        stop(&e);
    encoder = t5g_encoder_open(model, kernels, pool);
    decoder = t5g_decoder_open(model, kernels, pool);
    for (int place = 0; place < PLACES; place++)
        measure(place, &t);
    return 0;
}
