/* t5g-vision: pictures to image features, rows of the encoder's input.  See t5g-vision(1). */
#include "stage/caching.h"
#include "stage/compute.h"
#include "stage/vision.h"
#include "cli/progress.h"
#include "stage/model_path.h"

#include <string.h>

static struct {
    int sandbox, alpha;
    bool no_exif, pan_and_scan, force;
    struct t5g_list adapters;
    const char *cache;
    uint64_t cpu_limit, max_frame;
} opt = {.cpu_limit = 10, .max_frame = T5G_FRAME_SIZE_DEFAULT};

static const struct t5g_option options[] = {
    {0, "pan-and-scan", NULL, T5G_OPT_FLAG, &opt.pan_and_scan,
     "process long or wide pictures in crops as well", 0, 0},
    {0, "alpha", "auto|white|drop", T5G_OPT_CHOICE, &opt.alpha,
     "transparent pixels: as transformers does it, on white, or alpha dropped", 0, 0},
    {0, "no-exif", NULL, T5G_OPT_FLAG, &opt.no_exif,
     "ignore the orientation stored in the file (EXIF, XMP)", 0, 0},
    {0, "sandbox", "auto|require|off", T5G_OPT_CHOICE, &opt.sandbox,
     "seccomp sandbox around the picture decoder", 0, 0},
    {0, "cpu-limit", "SECONDS", T5G_OPT_U64, &opt.cpu_limit,
     "processor time limit for decoding one picture (default 10)", 1, 86400},
    T5G_OPTION_ADAPTER(&opt.adapters),
    T5G_OPTION_CACHE(&opt.cache),
    T5G_OPTION_FORCE(&opt.force, "accept streams made with another tokenizer or model"),
    T5G_OPTION_MAX_FRAME(&opt.max_frame),
    T5G_OPTIONS_END,
};

static const struct t5g_program program = {
    "t5g-vision",
    "[options] [STREAM ... | IMAGE ...]",
    "Turn the pictures of documents into image features.",
    options,
    "t5g-tokenize -i number.png | t5g-vision | t5g-encode -o number.t5g",
    T5G_O_ALL | T5G_O_COMPUTE | T5G_O_ENCODER_PREFIX};

/* at.again.tokenizer is set only with pan and scan or with picture operands. */
static struct t5g_vision_stage at;

/* Call this first: the reader forks its children before there are threads and weights. */
static void
open_looker(struct t5g_processor *processor, const char *path, bool pictures)
{
    struct t5g_err e = {0};
    struct t5g_config c;
    if (t5g_config_load(&c, path, &e) < 0)
        t5g_die_err(&e);
    if (!c.has_vision)
        t5g_die(T5G_EX_DATA, "%s/config.json: a model without pictures", path);
    if (t5g_processor_load(processor, path, c.vision.image_size, &e) < 0)
        t5g_die_err(&e);
    bool pan = opt.pan_and_scan || processor->pan_and_scan;
    at.looker = (struct t5g_looker){.processor = processor,
                                    .tokens = c.mm_tokens,
                                    .d = c.encoder.d,
                                    .progress = t5g_progress_part};
    at.looker.reader = t5g_image_reader_open(
        &(struct t5g_image_reader_options){.size = c.vision.image_size,
                                           .alpha = (enum t5g_alpha)opt.alpha,
                                           .exif = !opt.no_exif,
                                           .pan_and_scan = pan,
                                           .crops = processor->crops,
                                           .sandbox = (enum t5g_sandbox_mode)opt.sandbox,
                                           .cpu_seconds = (unsigned)opt.cpu_limit},
        &e);
    t5g_config_clear(&c);
    if (at.looker.reader == NULL)
        t5g_die_err(&e);
    if (!t5g_image_reader_strict(at.looker.reader) && opt.sandbox == T5G_SANDBOX_AUTO)
        t5g_warn("no seccomp on this system: pictures are decoded in a child with limits only");
    if (!pan && !pictures)
        return;
    if ((at.again.tokenizer = t5g_tokenizer_open(t5g_tokenizer_path(), &e)) == NULL ||
        t5g_picture_text_load(&at.again.around, path, at.again.tokenizer, &e) < 0)
        t5g_die_err(&e);
}

int
main(int argc, char **argv)
{
    t5g_start("t5g-vision");
    char **paths = argv + t5g_run_options(&program, argc, argv);
    struct t5g_run run;
    t5g_run_open(&run);
    const char *path = t5g_model_path();
    /* Without operands, the input is a stream from stdin. */
    bool pictures = t5g_are_pictures(paths);
    struct t5g_err e = {0};
    struct t5g_processor processor;
    open_looker(&processor, path, pictures);

    const struct t5g_kernels *kernels;
    const unsigned need = T5G_NEED_VISION | T5G_SKIP_ENCODER | T5G_SKIP_DECODER;
    struct t5g_model *model = t5g_compute_open(&kernels, path, need, &opt.adapters, &e);
    struct t5g_pool *pool = model != NULL ? t5g_pool_open(t5g_thread_count(), &e) : NULL;
    if (pool == NULL)
        t5g_die_err(&e);
    at.looker.vision = t5g_vision_open(model, kernels, pool);
    at.looker.cache = t5g_caching_open(opt.cache);
    at.looker.identity = model->parts.id[T5G_ID_VISION];
    t5g_caching_profile(at.looker.profile, model->profile, kernels->name);
    int r = 0;
    struct t5g_source *in = NULL;
    if (pictures) {
        r = t5g_look_at_files(&at, &run, paths, model, &e);
    } else {
        struct t5g_stage stage = {
            .unit = "pictures",
            .take = t5g_vision_batch,
            .arg = &at,
            .tok = at.again.tokenizer != NULL ? t5g_tokenizer_id(at.again.tokenizer) : NULL,
            .own = {.parts = &model->parts, .made = T5G_BY_VISION, .num = model->profile},
            .uses = T5G_BY_VISION,
            .force = opt.force};
        in = t5g_source_open(paths, (size_t)(argv + argc - paths), opt.max_frame, opt.force);
        r = t5g_run_through(&run, &stage, in, &e);
    }
    int status = t5g_run_close(&run, r < 0 ? &e : NULL);
    t5g_source_close(in);
    t5g_caching_close(at.looker.cache);
    t5g_vision_close(at.looker.vision);
    t5g_free(opt.adapters.v);
    t5g_pool_close(pool);
    t5g_model_close(model);
    t5g_image_reader_close(at.looker.reader);
    t5g_features_free(&at.features);
    t5g_ids_free(&at.ids);
    t5g_picture_text_clear(&at.again.around);
    t5g_tokenizer_close(at.again.tokenizer);
    return status;
}
