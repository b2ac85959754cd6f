/* t5g-frame head: the first documents of a stream. */
#include "verbs.h"

static struct {
    uint64_t n, max_frame;
    bool drain, force;
} opt = {.n = 10, .max_frame = T5G_FRAME_SIZE_DEFAULT};

static const struct t5g_option options[] = {
    {'n', NULL, "N", T5G_OPT_U64, &opt.n, "number of documents (default 10)", 0, 0x1p53},
    {0, "drain", NULL, T5G_OPT_FLAG, &opt.drain,
     "read and check the rest too, so that the upstream program can finish", 0, 0},
    FORCE_OPTION(&opt.force),
    T5G_OPTION_MAX_FRAME(&opt.max_frame),
    T5G_OPTIONS_END,
};

static const struct t5g_program program = {"t5g-frame head",
                                           "[options] [FILE ...]",
                                           "Copy the first documents of a stream.",
                                           options,
                                           "t5g-frame head -n 10 -o few.t5g lines.t5g",
                                           T5G_O_ALL & ~(T5G_O_MODEL | T5G_O_THREADS)};

/* With --drain all documents come here, and arg counts those that are written. */
static int
take(void *arg, struct t5g_run *run, const struct t5g_batch *b, struct t5g_err *e)
{
    uint64_t *done = arg;
    (void)e;
    for (size_t i = 0; i < b->n && *done < opt.n; i++, ++*done)
        copy_doc(run, &b->docs[i]);
    if (*done == opt.n)
        t5g_source_pass(run->in, NULL);
    run->enough = *done == opt.n && !opt.drain;
    return 0;
}

int
verb_head(int argc, char **argv)
{
    int first = t5g_run_options(&program, argc, argv);
    struct t5g_err e = {0};
    struct t5g_run run;
    uint64_t done = 0;
    t5g_run_open(&run);
    run.enough = opt.n == 0 && !opt.drain;
    struct t5g_source *in =
        t5g_source_open(argv + first, (size_t)(argc - first), opt.max_frame, opt.force);
    struct t5g_stage stage = {.unit = "frames", .take = take, .arg = &done, .force = opt.force};
    int r = t5g_run_through(&run, &stage, in, &e);
    int status = t5g_run_close(&run, r < 0 ? &e : NULL);
    t5g_source_close(in);
    return status;
}
