/* answering.c: what t5g-decode opens to answer, and its options of how answers are computed and
 * kept. */
#include "options.h"
#include "cli/message.h"
#include "stage/compute.h"
#include "stage/label.h"
#include "stage/model_path.h"

#include <string.h>

static struct {
    bool stream, keep;
    struct t5g_list adapters;
    int kv, attention;
} opt = {.attention = -1};

const struct t5g_option answering_options[] = {
    {0, "stream", NULL, T5G_OPT_FLAG, &opt.stream, "write each token when it is chosen, or settled",
     0, 0},
    {0, "kv", "auto|f32|bf16|q8", T5G_OPT_CHOICE, &opt.kv,
     "type of cached keys and values (auto: f32; q8 with quantised weights)", 0, 0},
    {0, "attention", "mean|layers|heads", T5G_OPT_CHOICE, &opt.attention,
     "keep which rows of the document each token attends to: decode.attention", 0, 0},
    {0, "adapter", "[NAME=]DIR", T5G_OPT_LIST, &opt.adapters,
     "use the PEFT adapter in DIR, or where NAME is chosen (repeatable)", 0, 0},
    {0, "keep", NULL, T5G_OPT_FLAG, &opt.keep, "keep encoder.out in the output", 0, 0},
    T5G_OPTIONS_END,
};

static struct {
    struct t5g_variants variants;
    const struct t5g_model *model; /* of the first */
    struct t5g_pool *pool;
    struct t5g_decoding x;
    enum t5g_attended_form attending;
    const struct t5g_parts **parts; /* [variants.n - 1] of the named ones */
    struct t5g_labelling labels;    /* of a classifier, instead of x */
} at;

bool
answering_streams(void)
{
    return opt.stream;
}

void
answering_check(void)
{
    if (opt.attention >= 0 && opt.stream)
        t5g_usage("--attention excludes --stream");
}

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

/* The model, its tokenizer and what the options make of them. */
static int
open_model(const struct t5g_kernels **kernels, struct t5g_err *e)
{
    const char *path = t5g_model_path();
    const unsigned need = T5G_NEED_DECODER | T5G_SKIP_ENCODER | T5G_TAKE_LABELS;
    t5g_variants_read(&at.variants, &opt.adapters);
    if (t5g_variants_open(&at.variants, kernels, path, need, e) < 0)
        return -1;
    at.model = at.variants.v[0].model;
    if (classifying_check(&at.model->config, e) < 0 ||
        (at.x.asker.tokenizer = t5g_tokenizer_open(t5g_tokenizer_path(), e)) == NULL ||
        prompting_open(&at.x.asker, at.x.asker.tokenizer, &at.variants, e) < 0 ||
        scoring_open(at.x.asker.tokenizer, &at.model->config, prompting_nul(), e) < 0 ||
        generation_open(at.x.asker.tokenizer, &at.model->config, e) < 0 ||
        (at.pool = t5g_pool_open(t5g_thread_count(), e)) == NULL)
        return -1;
    generation.constraint = constraint_open(at.x.asker.tokenizer, &at.model->config);
    return 0;
}

/* What computes for each variant. */
static void
open_variants(const struct t5g_kernels *kernels)
{
    at.parts = t5g_alloc(at.variants.n, sizeof *at.parts);
    for (size_t i = 0; i < at.variants.n; i++) {
        struct t5g_variant *v = &at.variants.v[i];
        v->decoder = t5g_decoder_open(v->model, kernels, at.pool);
        v->generator = t5g_generator_open(v->decoder, v->model, &generation);
        if (scoring_asked() != NULL)
            v->scorer = t5g_scorer_open(v->decoder, &v->model->config);
        if (i > 0)
            at.parts[i - 1] = &v->model->parts;
    }
}

int
answering_open(struct t5g_stage *stage, struct t5g_err *e)
{
    const struct t5g_kernels *kernels;
    if (open_model(&kernels, e) < 0)
        return -1;
    struct t5g_decoding *x = &at.x;
    x->kernels = kernels;
    open_variants(kernels);
    x->variants = &at.variants;
    x->force = stage->force;
    x->asker.scoring = scoring_asked();
    x->asker.at_once = prompting_live() || opt.stream;
    x->config = &at.model->config;
    x->how = &generation;
    x->kv = kv_dtype();
    x->mode = opt.stream         ? T5G_ANSWERS_TOKENS
              : prompting_live() ? T5G_ANSWERS_LIVE
                                 : T5G_ANSWERS_WHOLE;
    x->dropped = dropped;
    at.attending = (enum t5g_attended_form)opt.attention;
    x->attending = opt.attention >= 0 ? &at.attending : NULL;
    if (opt.attention >= 0 && x->asker.scoring != NULL)
        t5g_usage("--attention is for generated answers: nothing is generated");
    at.labels = (struct t5g_labelling){.decoder = at.variants.v[0].decoder,
                                       .model = at.model,
                                       .kernels = kernels,
                                       .pool = at.pool,
                                       .kv = x->kv,
                                       .dropped = dropped};

    bool classifies = at.model->config.labels.kind != T5G_HEAD_TEXT;
    stage->rows = x->asker.at_once ? NULL : "encoder.out";
    stage->take = classifies ? t5g_label_batch : t5g_decode_batch;
    stage->arg = classifies ? (void *)&at.labels : x;
    stage->tok = t5g_tokenizer_id(x->asker.tokenizer);
    stage->own = (struct t5g_head_entry){
        .parts = &at.model->parts, .made = T5G_BY_DECODER, .num = at.model->profile};
    stage->uses = T5G_BY_ENCODER | T5G_BY_VISION;
    stage->also = at.parts;
    stage->n_also = at.variants.n - 1;
    return 0;
}

void
answering_say(struct t5g_buf *used)
{
    t5g_variants_json(&at.variants, used);
}

void
answering_close(void)
{
    scoring_close();
    t5g_variants_close(&at.variants);
    t5g_constraint_close(generation.constraint);
    t5g_pool_close(at.pool);
    t5g_prompts_close(at.x.asker.prompts);
    t5g_tokenizer_close(at.x.asker.tokenizer);
    t5g_free(at.parts);
    t5g_free(opt.adapters.v);
    generation_close();
    prompting_close();
}
