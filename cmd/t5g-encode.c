/* t5g-encode: token ids to encoder output.  See t5g-encode(1). */
#include "cli/progress.h"
#include "cli/run.h"
#include "nn/encoder.h"
#include "nn/input.h"
#include "nn/pool_rows.h"
#include "text/tokenizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DTYPE_F32, DTYPE_BF16 };

static struct {
    int dtype, pool;
    bool keep, force;
    uint64_t max_frame;
} opt = {.max_frame = T5G_FRAME_SIZE_DEFAULT};

static const struct t5g_option options[] = {
    {0, "dtype", "f32|bf16", T5G_OPT_CHOICE, &opt.dtype, "element type of encoder.out", 0, 0},
    {0, "pool", "none|mean|max|first", T5G_OPT_CHOICE, &opt.pool,
     "write one pooled row as embedding instead", 0, 0},
    {0, "keep", NULL, T5G_OPT_FLAG, &opt.keep, "pass image.feat on too", 0, 0},
    {0, "force", NULL, T5G_OPT_FLAG, &opt.force, "take streams made with another tokenizer", 0, 0},
    {0, "max-frame", "BYTES", T5G_OPT_BYTES, &opt.max_frame, "largest frame to accept (default 8G)",
     4096, 0x1p40},
    {0, NULL, NULL, T5G_OPT_FLAG, NULL, NULL, 0, 0},
};

static const struct t5g_program program = {
    "t5g-encode",
    "[options] [FILE ...]",
    "Turn documents of token ids into encoder outputs.",
    options,
};

static bool
report(void *arg, size_t done, size_t total)
{
    (void)arg;
    t5g_progress_part(done, total);
    return true; /* SIGTERM lets the document finish */
}

static bool
dropped(const char *name, void *arg)
{
    (void)arg;
    /* What this program writes replaces what an earlier run of it left in the stream. */
    if (strcmp(name, "encoder.out") == 0 || strcmp(name, "embedding") == 0)
        return true;
    return strcmp(name, "image.feat") == 0 && !opt.keep;
}

/* The rows as asked for: pooled, or all of them as f32 or bf16 (narrowed in place). */
static int
write_rows(struct t5g_writer *w, float *rows, size_t n, size_t d, struct t5g_err *e)
{
    if (opt.pool != 0) {
        t5g_pool_rows(rows, n, d, (enum t5g_pooling)opt.pool);
        return t5g_writer_tensor(w, "embedding", T5G_F32, 1, (uint64_t[]){d}, rows, NULL, e);
    }
    if (opt.dtype == DTYPE_BF16) {
        unsigned char *narrow = (unsigned char *)rows;
        for (size_t i = 0; i < n * d; i++) {
            uint16_t v = t5g_f32_to_bf16(rows[i]);
            memcpy(narrow + 2 * i, &v, 2); /* never beyond the element just read */
        }
        return t5g_writer_tensor(w, "encoder.out", T5G_BF16, 2, (uint64_t[]){n, d}, narrow, NULL,
                                 e);
    }
    return t5g_writer_tensor(w, "encoder.out", T5G_F32, 2, (uint64_t[]){n, d}, rows, NULL, e);
}

static int
process(struct t5g_run *run, struct t5g_encoder *enc, const struct t5g_config *c,
        const struct t5g_doc *doc, struct t5g_err *e)
{
    const int32_t *ids;
    float *features, *rows;
    size_t n_features, n, d = c->encoder.d;
    if (t5g_input_ids(doc, c, &ids, &n, e) < 0 ||
        t5g_input_features(doc, c, ids, n, &features, &n_features, e) < 0)
        return -1;
    rows = t5g_alloc_raw(n * d, sizeof(float));
    int r = t5g_encode(enc, ids, n, features, n_features, rows, report, NULL, e);
    if (r == 0) {
        struct t5g_err io;
        if (t5g_doc_write_open(run->w, doc, dropped, NULL, &io) < 0 ||
            write_rows(run->w, rows, n, d, &io) < 0 ||
            t5g_writer_frame(run->w, &doc->close, &io) < 0)
            t5g_die_err(&io);
        t5g_run_done(run, n);
    }
    t5g_free(rows);
    t5g_free(features);
    return r;
}

/* Identity of the tokenizer beside the weights; "" where a directory has none. */
static void
tokenizer_identity(const char *path, char out[T5G_HEX128])
{
    struct t5g_err e = {0};
    struct t5g_tokenizer *t = t5g_tokenizer_open(path, &e);
    if (t == NULL && e.code != T5G_EX_NOINPUT)
        t5g_die_err(&e);
    snprintf(out, T5G_HEX128, "%s", t != NULL ? t5g_tokenizer_identity(t) : "");
    t5g_tokenizer_close(t);
}

int
main(int argc, char **argv)
{
    t5g_start("t5g-encode");
    int first = t5g_options_parse(&program, argc, argv);
    if (opt.pool != 0 && opt.dtype != DTYPE_F32)
        t5g_usage("--pool writes f32: leave --dtype out");

    struct t5g_err e = {0};
    struct t5g_run run;
    t5g_run_open(&run);
    const char *path = t5g_model_path();
    const struct t5g_kernels *kernels = t5g_kernels_get(getenv("T5G_CPU"), &e);
    struct t5g_model *model = kernels != NULL ? t5g_model_open(path, 0, &e) : NULL;
    struct t5g_pool *pool = model != NULL ? t5g_pool_open(t5g_thread_count(), &e) : NULL;
    if (pool == NULL)
        t5g_die_err(&e);
    char tokenizer[T5G_HEX128] = "";
    tokenizer_identity(path, tokenizer);
    struct t5g_encoder *enc = t5g_encoder_open(model, kernels, pool);
    struct t5g_source *in =
        t5g_source_open(argv + first, (size_t)(argc - first), opt.max_frame, opt.force);

    t5g_progress_start("tokens");
    struct t5g_doc doc = {0};
    int r = t5g_run_start(&run, in, tokenizer, model->identity, model->profile, opt.force, &e);
    if (r == 0) {
        while (!t5g_run_stopping(&run) && (r = t5g_source_next(in, &doc, &e)) == 1)
            if (doc.failed)
                t5g_run_pass_failed(&run, &doc);
            else if (process(&run, enc, &model->config, &doc, &e) < 0)
                t5g_run_fail(&run, doc.id, doc.id_len, &doc.open, &e);
    }
    int status = t5g_run_close(&run, r < 0 ? &e : NULL);
    t5g_doc_clear(&doc);
    t5g_source_close(in);
    t5g_encoder_close(enc);
    t5g_pool_close(pool);
    t5g_model_close(model);
    return status;
}
