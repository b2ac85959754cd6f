/*
 * quality.c: how far another packing of a model is from the model itself.
 *
 * usage: quality MODEL OTHER IDS.t5g TOKENS [PROMPT-ID ...]
 *        quality --text MODEL OTHER TEXTS.jsonl [MOST [LOGPROBS]]
 *
 * The first form: for each document of IDS.t5g MODEL generates TOKENS ids after the prompt's ids;
 * then both compute the logits of these ids, each from its own encoder output, OTHER with its keys
 * and values as bytes. Prints the mean Kullback-Leibler divergence (nats) of OTHER's distribution
 * from MODEL's, and the share of positions at which the largest logit is the same id's.
 *
 * The second form: the texts of TEXTS.jsonl, cut to MOST tokens, teacher-forced. Prints a line for
 * the decoder alone, over a document of no rows, which makes it a causal language model, and one
 * for both stacks, the first half of each text being the document: divergence and share as above,
 * perplexity of both, and the mean difference of a token's log-probability; means over texts of
 * means over positions. LOGPROBS: a line for each token of the first of the two: number of its
 * text, id, its log-probability by MODEL and by OTHER.
 */
#include "generate/generate.h"
#include "nn/encoder.h"
#include "stage/input.h"
#include "stage/report.h"

#include <stdio.h>
#include <stdlib.h>

struct side {
    struct t5g_model *m;
    struct t5g_encoder *enc;
    struct t5g_decoder *dec;
    struct t5g_cross *cross;
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
    s->cross = t5g_cross_build(s->dec, rows, n, t5g_cross_dtype(s->m));
    t5g_free(rows);
}

static void
generated(int argc, char **argv, struct t5g_pool *pool)
{
    struct t5g_err e = {0};
    const struct t5g_kernels *k = t5g_kernels_get(getenv("T5G_CPU"), &e);
    if (k == NULL)
        stop(&e);
    struct side a = side_open(argv[1], k, pool), b = side_open(argv[2], k, pool);
    struct t5g_decoder *const decoders[2] = {a.dec, b.dec};
    struct t5g_comparer *comparer = t5g_comparer_open(decoders, a.m->config.decoder.v, pool);
    struct t5g_source *in = t5g_source_open(&argv[3], 1, T5G_FRAME_SIZE_DEFAULT, true);
    struct t5g_generate_options o = {.max_new_tokens = (size_t)atoi(argv[4])};
    o.min_new_tokens = o.max_new_tokens;
    struct t5g_generator *g = t5g_generator_open(a.dec, a.m, &o);
    size_t n_prompt = (size_t)argc - 5, docs = 0;
    int32_t *path = t5g_alloc(1 + n_prompt + o.max_new_tokens, sizeof *path);
    struct t5g_doc doc = {0};
    struct t5g_divergence sum = {0};
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
        const struct t5g_cross *const cross[2] = {a.cross, b.cross};
        if (t5g_comparer_add(comparer, cross, path, n_prompt + job.out.n, n_prompt, &sum, NULL,
                             &e) < 0)
            stop(&e);
        t5g_sequence_free(&job.out);
        t5g_cross_free(a.cross);
        t5g_cross_free(b.cross);
    }
    double n = (double)sum.positions;
    printf(
        "{\"other\":\"%s\",\"documents\":%zu,\"positions\":%zu,\"kl\":%.5f,\"same_argmax\":%.4f}\n",
        b.m->profile, docs, sum.positions, sum.kl / n, (double)sum.same / n);
}

static void
put_token(void *arg, size_t i, int32_t id, const double logprob[2])
{
    fprintf(arg, "%zu\t%d\t%.6f\t%.6f\n", i, id, logprob[0], logprob[1]);
}

static void
given(char *source, char *other, char *texts, size_t most, const char *logprobs,
      struct t5g_pool *pool)
{
    static const char *const names[] = {"encoder and decoder", "decoder"};
    struct t5g_err e;
    struct t5g_tokenizer *tokenizer = t5g_tokenizer_open(source, &e);
    struct t5g_report *r =
        tokenizer != NULL ? t5g_report_open(source, other, true, tokenizer, pool, &e) : NULL;
    struct t5g_texts t = {.most = most};
    struct t5g_corpus_options o = {.paths = &texts, .n_paths = 1, .mode = T5G_CORPUS_JSONL};
    FILE *f = logprobs != NULL ? fopen(logprobs, "w") : NULL;
    if (r == NULL || t5g_texts_read(&t, tokenizer, &o, &e) < 0)
        stop(&e);
    for (int part = T5G_REPORT_PARTS - 1; part >= 0; part--) {
        struct t5g_report_row row;
        bool seen = f != NULL && part == T5G_REPORT_DECODER;
        if (t5g_report_run(r, &t, (enum t5g_report_part)part, &row, seen ? put_token : NULL, f,
                           &e) < 0)
            stop(&e);
        printf("{\"part\":\"%s\",\"texts\":%zu,\"positions\":%zu,\"kl\":%.5f,\"same_argmax\":%.4f,"
               "\"perplexity\":%.4f,\"perplexity_other\":%.4f,\"logprob_difference\":%.5f}\n",
               names[part], row.texts, row.positions, row.kl, row.same, row.perplexity[0],
               row.perplexity[1], row.apart);
        fflush(stdout);
    }
    if (f != NULL && fclose(f) != 0)
        perror("quality: LOGPROBS");
    t5g_texts_free(&t);
    t5g_report_close(r);
    t5g_tokenizer_close(tokenizer);
}

int
main(int argc, char **argv)
{
    struct t5g_err e = {0};
    bool text = argc > 1 && strcmp(argv[1], "--text") == 0;
    if (argc < 5 || (text && argc > 7)) {
        fprintf(stderr, "usage: quality MODEL OTHER IDS.t5g TOKENS [PROMPT-ID ...]\n"
                        "       quality --text MODEL OTHER TEXTS.jsonl [MOST [LOGPROBS]]\n");
        return T5G_EX_USAGE;
    }
    struct t5g_pool *pool = t5g_pool_open(t5g_cpu_count(), &e);
    if (pool == NULL)
        stop(&e);
    if (text)
        given(argv[2], argv[3], argv[4], argc > 5 ? (size_t)atoi(argv[5]) : 0,
              argc > 6 ? argv[6] : NULL, pool);
    else
        generated(argc, argv, pool);
    t5g_pool_close(pool);
    return 0;
}
