/*
 * quality.c: how far another packing of a model is from the model itself.
 *
 * usage: quality MODEL OTHER IDS.t5g TOKENS [PROMPT-ID ...]
 *
 * For each document of IDS.t5g MODEL generates TOKENS ids after the prompt's ids; then both compute
 * the logits of these ids, each from its own encoder output, OTHER with its keys and values as
 * bytes. Prints the mean Kullback-Leibler divergence (nats) of OTHER's distribution from MODEL's,
 * and the share of positions at which the largest logit is the same id's.
 */
#include "generate/generate.h"
#include "nn/encoder.h"
#include "stage/input.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct side {
    struct t5g_model *m;
    struct t5g_encoder *enc;
    struct t5g_decoder *dec;
    struct t5g_cross *cross;
    float *logits;
};

static void
stop(const struct t5g_err *e)
{
    fprintf(stderr, "quality: %s\n", e->msg);
    exit(e->code);
}

static struct side
side_open(const char *path, const struct t5g_kernels *k, struct t5g_pool *pool)
{
    struct t5g_err e;
    struct side s = {.m = t5g_model_open(path, T5G_NEED_DECODER, &e)};
    if (s.m == NULL)
        stop(&e);
    s.enc = t5g_encoder_open(s.m, k, pool);
    s.dec = t5g_decoder_open(s.m, k, pool);
    return s;
}

static void
encode(struct side *s, const int32_t *ids, size_t n)
{
    struct t5g_err e;
    float *rows = t5g_alloc(n, s->m->config.encoder.d * sizeof *rows);
    if (t5g_encode(s->enc, ids, n, NULL, 0, rows, NULL, NULL, &e) < 0)
        stop(&e);
    s->cross = t5g_cross_build(s->dec, rows, n, s->m->quantised ? T5G_I8 : T5G_F32);
    t5g_free(rows);
}

/* Logits [n, v] of ids [n]. */
static void
feed(struct side *s, const int32_t *ids, size_t n)
{
    struct t5g_err e;
    struct t5g_kvcache *kv = t5g_kvcache_open(s->dec, n);
    s->logits = t5g_alloc(n * s->m->config.decoder.v, sizeof(float));
    if (t5g_decoder_feed(s->dec, s->cross, kv, ids, n, true, s->logits, &e) < 0)
        stop(&e);
    t5g_kvcache_free(kv);
    t5g_cross_free(s->cross);
}

static double
log_sum(const float *x, size_t v, size_t *best)
{
    double sum = 0;
    *best = 0;
    for (size_t i = 1; i < v; i++)
        *best = x[i] > x[*best] ? i : *best;
    for (size_t i = 0; i < v; i++)
        sum += exp((double)x[i] - (double)x[*best]);
    return (double)x[*best] + log(sum);
}

int
main(int argc, char **argv)
{
    struct t5g_err e = {0};
    if (argc < 5)
        return T5G_EX_USAGE;
    const struct t5g_kernels *k = t5g_kernels_get(getenv("T5G_CPU"), &e);
    struct t5g_pool *pool = k != NULL ? t5g_pool_open(t5g_cpu_count(), &e) : NULL;
    if (pool == NULL)
        stop(&e);
    struct side a = side_open(argv[1], k, pool), b = side_open(argv[2], k, pool);
    struct t5g_source *in = t5g_source_open(&argv[3], 1, T5G_FRAME_SIZE_DEFAULT, true);
    struct t5g_generate_options o = {.max_new_tokens = (size_t)atoi(argv[4])};
    o.min_new_tokens = o.max_new_tokens;
    struct t5g_generator *g = t5g_generator_open(a.dec, a.m, &o);
    size_t v = a.m->config.decoder.v, n_prompt = (size_t)argc - 5, n = 0, same = 0, docs = 0;
    int32_t *path = t5g_alloc(1 + n_prompt + o.max_new_tokens, sizeof *path);
    struct t5g_doc doc = {0};
    double kl = 0;
    path[0] = a.m->config.start;
    for (size_t i = 0; i < n_prompt; i++)
        path[1 + i] = atoi(argv[5 + i]);
    for (; t5g_source_next(in, &doc, &e) == 1; docs++) {
        const int32_t *ids;
        size_t len;
        if (t5g_input_ids(&doc, &a.m->config, &ids, &len, &e) < 0)
            stop(&e);
        encode(&a, ids, len);
        encode(&b, ids, len);
        struct t5g_job job = {.cross = a.cross, .prompt = path + 1, .n_prompt = n_prompt};
        t5g_generate(g, &(struct t5g_job *){&job}, 1);
        memcpy(path + 1 + n_prompt, job.out.ids, job.out.n * sizeof *path);
        size_t rows = n_prompt + job.out.n;
        feed(&a, path, rows);
        feed(&b, path, rows);
        for (size_t i = n_prompt; i < rows; i++) {
            const float *x = a.logits + i * v, *y = b.logits + i * v;
            size_t best, other;
            double lx = log_sum(x, v, &best), ly = log_sum(y, v, &other);
            for (size_t j = 0; j < v; j++)
                kl += exp((double)x[j] - lx) * ((double)x[j] - lx - (double)y[j] + ly);
            same += best == other;
            n++;
        }
        t5g_sequence_free(&job.out);
        t5g_free(a.logits);
        t5g_free(b.logits);
    }
    printf(
        "{\"other\":\"%s\",\"documents\":%zu,\"positions\":%zu,\"kl\":%.5f,\"same_argmax\":%.4f}\n",
        b.m->profile, docs, n, kl / (double)n, (double)same / (double)n);
    return 0;
}
