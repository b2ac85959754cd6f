/* t5g-decode: encoder outputs to generated token ids.  See t5g-decode(1). */
#include "cli/used_options.h"
#include "decode/options.h"

static struct {
    uint64_t batch, max_frame;
    bool force;
} opt = {.batch = 4096, .max_frame = T5G_FRAME_SIZE_DEFAULT};

static const struct t5g_option options[] = {
    T5G_OPTION_TABLE(prompting_options),
    T5G_OPTION_TABLE(generation_options),
    T5G_OPTION_TABLE(scoring_options),
    T5G_OPTION_TABLE(constraint_options),
    {'b', "batch-tokens", "N", T5G_OPT_U64, &opt.batch,
     "batch size: tokens of the documents decoded together (default 4096)", 1, 1e15},
    T5G_OPTION_TABLE(answering_options),
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

/* Options that HEAD does not name: they change no answer, or stand in the answer's frame. */
static const char *const not_in_head[] = {
    "prompt", "prompts", "prompts-jsonl", "null",   "max-prompt-tokens", "batch-tokens", "stream",
    "keep",   "force",   "max-frame",     "lookup", "attention",         "adapter",      NULL};

int
main(int argc, char **argv)
{
    struct t5g_err e = {0};
    t5g_start("t5g-decode");
    generation_begin();
    int first = t5g_run_options(&program, argc, argv);
    prompting_check(argv + first, (size_t)(argc - first));
    generation_check();
    scoring_check(answering_streams());
    constraint_check();
    answering_check();

    struct t5g_run run;
    t5g_run_open(&run);
    struct t5g_stage stage = {.unit = "tokens", .most = (size_t)opt.batch, .force = opt.force};
    if (answering_open(&stage, &e) < 0)
        t5g_die_err(&e);
    struct t5g_source *in =
        t5g_source_open(argv + first, (size_t)(argc - first), opt.max_frame, opt.force);
    t5g_source_compare(in, T5G_BY_ALL & ~T5G_BY_DECODER); /* whose answers are dropped */
    struct t5g_buf given = {0};
    (void)t5g_used_json(&given, not_in_head);
    answering_say(&given);
    stage.own.opt = given.n > 0 ? given.p : NULL;
    int r = t5g_run_through(&run, &stage, in, &e);
    int status = t5g_run_close(&run, r < 0 ? &e : NULL);
    t5g_source_close(in);
    answering_close();
    t5g_buf_free(&given);
    return status;
}
