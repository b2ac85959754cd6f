/* t5g-encode: token ids to encoder output.  See t5g-encode(1). */
#include "stage/compute.h"
#include "stage/encode_options.h"
#include "nn/linear.h"
#include "text/tokenizer.h"
#include "stage/model_path.h"

#include <stdio.h>
#include <string.h>

static struct {
    struct t5g_encode_options x;
    bool keep, force;
    struct t5g_list adapters;
    const char *cache;
    uint64_t max_frame;
} opt = {.x.pool = -1, .x.group = 1, .max_frame = T5G_FRAME_SIZE_DEFAULT};

static const struct t5g_option options[] = {
    {0, "dtype", "f32|bf16|q8", T5G_OPT_CHOICE, &opt.x.dtype,
     "element type of encoder.out or embedding (default f32)", 0, 0},
    {0, "group", "N", T5G_OPT_U64, &opt.x.group, "average each N rows of encoder.out to one", 1,
     1e6},
    {0, "pool", "none|mean|max|first|last", T5G_OPT_CHOICE, &opt.x.pool,
     "write one pooled vector (embedding) instead of encoder.out", 0, 0},
    {0, "dims", "N", T5G_OPT_U64, &opt.x.dims, "cut an embedding to its first N elements", 1, 1e6},
    {0, "normalize", NULL, T5G_OPT_FLAG, &opt.x.normalize,
     "divide an embedding by its L2 norm, after the cut", 0, 0},
    {0, "layer", "K", T5G_OPT_LIST, &opt.x.layers,
     "add the rows after layer K, as hidden.K (repeatable)", 0, 0},
    T5G_OPTION_ADAPTER(&opt.adapters),
    T5G_OPTION_CACHE(&opt.cache),
    {0, "keep", NULL, T5G_OPT_FLAG, &opt.keep, "keep image.feat in the output", 0, 0},
    T5G_OPTION_FORCE(&opt.force, "accept streams made with another tokenizer or model"),
    T5G_OPTION_MAX_FRAME(&opt.max_frame),
    T5G_OPTIONS_END,
};

static const struct t5g_program program = {"t5g-encode",
                                           "[options] [FILE ...]",
                                           "Turn documents of token ids into encoder outputs.",
                                           options,
                                           "t5g-tokenize -l lines.txt | t5g-encode -o lines.t5g",
                                           T5G_O_ALL | T5G_O_COMPUTE | T5G_O_ENCODER_PREFIX};

static bool
dropped(const char *name, void *arg)
{
    (void)arg;
    /* Replace the output of an earlier run. */
    if (strcmp(name, "encoder.out") == 0 || strcmp(name, "encoder.out.scale") == 0 ||
        strcmp(name, "embedding") == 0 || strncmp(name, "hidden.", 7) == 0)
        return true;
    return strcmp(name, "image.feat") == 0 && !opt.keep;
}

/* The identity of the model's tokenizer; empty if the directory has none. */
static struct t5g_tokenizer_id
tokenizer_id(const char *path)
{
    struct t5g_err e = {0};
    struct t5g_tokenizer *t;
    struct t5g_tokenizer_id id = {0};
    if (t5g_tokenizer_find(&t, path, &e) < 0)
        t5g_die_err(&e);
    if (t != NULL)
        id = *t5g_tokenizer_id(t);
    t5g_tokenizer_close(t);
    return id;
}

int
main(int argc, char **argv)
{
    t5g_start("t5g-encode");
    int first = t5g_run_options(&program, argc, argv);

    struct t5g_err e = {0};
    struct t5g_run run;
    t5g_run_open(&run);
    const char *path = t5g_model_path();
    const struct t5g_kernels *kernels;
    struct t5g_model *model = t5g_compute_open(&kernels, path, T5G_SKIP_DECODER, &opt.adapters, &e);
    struct t5g_pool *pool = model != NULL ? t5g_pool_open(t5g_thread_count(), &e) : NULL;
    if (pool == NULL)
        t5g_die_err(&e);
    struct t5g_tokenizer_id tokenizer = tokenizer_id(path);
    struct t5g_encoding x = {.encoder = t5g_encoder_open(model, kernels, pool),
                             .config = &model->config,
                             .cache = t5g_caching_open(opt.cache),
                             .parts = &model->parts,
                             .num = model->profile,
                             .force = opt.force,
                             .dropped = dropped};
    struct t5g_encode_asked asked;
    if (t5g_encode_ask(&asked, &x, &opt.x, t5g_model_given(), kernels, &e) < 0)
        t5g_die_err(&e);
    t5g_caching_profile(x.profile, model->profile, kernels->name);
    struct t5g_source *in =
        t5g_source_open(argv + first, (size_t)(argc - first), opt.max_frame, opt.force);

    struct t5g_stage stage = {.unit = "tokens",
                              .rows = "input.ids",
                              .most = T5G_ROW_BLOCK,
                              .take = t5g_encode_batch,
                              .arg = &x,
                              .tok = &tokenizer,
                              .own = {.parts = &model->parts,
                                      .made = T5G_BY_ENCODER,
                                      .modules = t5g_shape_modules(&x.shape),
                                      .num = model->profile},
                              .uses = T5G_BY_ENCODER | T5G_BY_VISION,
                              .force = opt.force};
    int r = t5g_run_through(&run, &stage, in, &e);
    int status = t5g_run_close(&run, r < 0 ? &e : NULL);
    t5g_source_close(in);
    t5g_caching_close(x.cache);
    t5g_encoder_close(x.encoder);
    t5g_encode_asked_free(&asked);
    t5g_free(opt.adapters.v);
    t5g_pool_close(pool);
    t5g_model_close(model);
    return status;
}
