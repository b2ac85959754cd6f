/* t5g-decode: encoder outputs to generated token ids.  See t5g-decode(1). */
#include "cli/used_options.h"
#include "decode/options.h"
#include "stage/compute.h"
#include "stage/decode.h"
#include "stage/label.h"
#include "stage/model_path.h"

#include <string.h>

static struct {
    uint64_t batch, max_frame;
    bool stream, keep, force;
    int kv, attention;
} opt = {.attention = -1, .batch = 4096, .max_frame = T5G_FRAME_SIZE_DEFAULT};

static const struct t5g_option options[] = {
    T5G_OPTION_TABLE(prompting_options),
    T5G_OPTION_TABLE(generation_options),
    T5G_OPTION_TABLE(scoring_options),
    T5G_OPTION_TABLE(constraint_options),
    {'b', "batch-tokens", "N", T5G_OPT_U64, &opt.batch,
     "batch size: tokens of the documents decoded together (default 4096)", 1, 1e15},
    {0, "stream", NULL, T5G_OPT_FLAG, &opt.stream, "write each token when it is chosen, or settled",
     0, 0},
    {0, "kv", "auto|f32|bf16|q8", T5G_OPT_CHOICE, &opt.kv,
     "type of cached keys and values (auto: f32; q8 with quantised weights)", 0, 0},
    {0, "attention", "mean|layers|heads", T5G_OPT_CHOICE, &opt.attention,
     "keep which rows of the document each token attends to: decode.attention", 0, 0},
    {0, "keep", NULL, T5G_OPT_FLAG, &opt.keep, "keep encoder.out in the output", 0, 0},
    T5G_OPTION_FORCE(&opt.force, "accept streams made with another tokenizer or model"),
    T5G_OPTION_MAX_FRAME(&opt.max_frame),
    T5G_OPTIONS_END,
};

static const struct t5g_program program = {"t5g-decode",
                                           "[options] [FILE ...]",
                                           "Generate token ids from encoder outputs.",
                                           options,
                                           "t5g-decode -p 'section:' report.t5g | t5g-detok",
                                           T5G_O_ALL | T5G_O_COMPUTE};

static struct {
    struct t5g_model *model;
    struct t5g_pool *pool;
    struct t5g_decoding x;
    struct t5g_attending attending;
    struct t5g_labelling labels; /* of a classifier, instead of x */
} at;

/* Options that HEAD does not name: they change no answer, or stand in the answer's frame. */
static const char *const not_in_head[] = {"prompt",
                                          "prompts",
                                          "prompts-jsonl",
                                          "null",
                                          "max-prompt-tokens",
                                          "batch-tokens",
                                          "stream",
                                          "keep",
                                          "force",
                                          "max-frame",
                                          "lookup",
                                          "attention",
                                          NULL};

static int
kv_dtype(void)
{
    static const int dtypes[] = {0, T5G_F32, T5G_BF16, T5G_I8};
    return opt.kv != 0 ? dtypes[opt.kv] : t5g_cross_dtype(at.model);
}

static bool
dropped(const char *name, void *arg)
{
    (void)arg;
    /* Replace the answers of an earlier run. */
    bool rows = strcmp(name, "encoder.out") == 0 || strcmp(name, "encoder.out.scale") == 0;
    return strncmp(name, "decode.", 7) == 0 || strcmp(name, "label.logits") == 0 ||
           (rows && !opt.keep);
}

static void
open_all(struct t5g_err *e)
{
    const char *path = t5g_model_path();
    const struct t5g_kernels *kernels;
    const unsigned need = T5G_NEED_DECODER | T5G_SKIP_ENCODER | T5G_TAKE_LABELS;
    if ((at.model = t5g_compute_open(&kernels, path, need, e)) == NULL ||
        classifying_check(&at.model->config, e) < 0 ||
        (at.x.asker.tokenizer = t5g_tokenizer_open(path, e)) == NULL ||
        prompting_open(&at.x.asker, at.x.asker.tokenizer, e) < 0 ||
        scoring_open(at.x.asker.tokenizer, &at.model->config, prompting_nul(), e) < 0 ||
        generation_open(at.x.asker.tokenizer, &at.model->config, e) < 0 ||
        (at.pool = t5g_pool_open(t5g_thread_count(), e)) == NULL)
        t5g_die_err(e);
    at.x.kernels = kernels;
    at.x.decoder = t5g_decoder_open(at.model, kernels, at.pool);
    generation.constraint = constraint_open(at.x.asker.tokenizer, &at.model->config);
    at.x.asker.generator = t5g_generator_open(at.x.decoder, at.model, &generation);
    at.x.asker.scoring = scoring_by(at.x.decoder, &at.model->config);
    at.x.asker.at_once = prompting_live() || opt.stream;
    at.x.config = &at.model->config;
    at.x.how = &generation;
    at.x.kv = kv_dtype();
    at.x.mode = opt.stream         ? T5G_ANSWERS_TOKENS
                : prompting_live() ? T5G_ANSWERS_LIVE
                                   : T5G_ANSWERS_WHOLE;
    at.x.dropped = dropped;
    at.attending = (struct t5g_attending){at.x.decoder, (enum t5g_attended_form)opt.attention};
    at.x.attending = opt.attention >= 0 ? &at.attending : NULL;
    if (opt.attention >= 0 && at.x.asker.scoring != NULL)
        t5g_usage("--attention is for generated answers: nothing is generated");
    at.labels = (struct t5g_labelling){.decoder = at.x.decoder,
                                       .model = at.model,
                                       .kernels = kernels,
                                       .pool = at.pool,
                                       .kv = at.x.kv,
                                       .dropped = dropped};
}

static void
close_all(void)
{
    t5g_generator_close(at.x.asker.generator);
    scoring_close();
    t5g_constraint_close(generation.constraint);
    t5g_decoder_close(at.x.decoder);
    t5g_pool_close(at.pool);
    t5g_prompts_close(at.x.asker.prompts);
    t5g_tokenizer_close(at.x.asker.tokenizer);
    t5g_model_close(at.model);
    generation_close();
    prompting_close();
}

int
main(int argc, char **argv)
{
    struct t5g_err e = {0};
    t5g_start("t5g-decode");
    generation_begin();
    int first = t5g_run_options(&program, argc, argv);
    prompting_check(argv + first, (size_t)(argc - first));
    generation_check();
    scoring_check(opt.stream);
    constraint_check();
    if (opt.attention >= 0 && opt.stream)
        t5g_usage("--attention excludes --stream");

    struct t5g_run run;
    t5g_run_open(&run);
    open_all(&e);
    struct t5g_source *in =
        t5g_source_open(argv + first, (size_t)(argc - first), opt.max_frame, opt.force);
    bool classifies = at.model->config.labels.kind != T5G_HEAD_TEXT;
    struct t5g_buf given = {0};
    struct t5g_stage stage = {.unit = "tokens",
                              .rows = at.x.asker.at_once ? NULL : "encoder.out",
                              .most = (size_t)opt.batch,
                              .take = classifies ? t5g_label_batch : t5g_decode_batch,
                              .arg = classifies ? (void *)&at.labels : &at.x,
                              .tok = t5g_tokenizer_id(at.x.asker.tokenizer),
                              .model = at.model->identity,
                              .num = at.model->profile,
                              .opt = t5g_used_json(&given, not_in_head) ? given.p : NULL,
                              .force = opt.force};
    int r = t5g_run_through(&run, &stage, in, &e);
    int status = t5g_run_close(&run, r < 0 ? &e : NULL);
    t5g_source_close(in);
    close_all();
    t5g_buf_free(&given);
    return status;
}
