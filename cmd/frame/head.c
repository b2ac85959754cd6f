/* t5g-frame head: the first documents of a stream. */
#include "verbs.h"
#include "cli/progress.h"

static struct {
    uint64_t n, max_frame;
    bool drain, force;
} opt = {.n = 10, .max_frame = T5G_FRAME_SIZE_DEFAULT};

static const struct t5g_option options[] = {
    {'n', NULL, "N", T5G_OPT_U64, &opt.n, "number of documents (default 10)", 0, 0x1p53},
    {0, "drain", NULL, T5G_OPT_FLAG, &opt.drain,
     "read and check the rest too, so that the program before can finish", 0, 0},
    FORCE_OPTION(&opt.force),
    MAX_FRAME_OPTION(&opt.max_frame),
    NO_MORE_OPTIONS,
};

static const struct t5g_program program = {"t5g-frame head",
                                           "[options] [FILE ...]",
                                           "Copy the first documents of a stream.",
                                           options,
                                           "t5g-frame head -n 10 -o few.t5g lines.t5g",
                                           T5G_O_ALL & ~(T5G_O_MODEL | T5G_O_THREADS)};

int
verb_head(int argc, char **argv)
{
    int first = t5g_run_options(&program, argc, argv);
    struct t5g_err e = {0};
    struct t5g_run run;
    struct t5g_doc doc = {0};
    t5g_run_open(&run);
    struct t5g_source *in =
        t5g_source_open(argv + first, (size_t)(argc - first), opt.max_frame, opt.force);
    t5g_progress_start("frames");
    uint64_t done = 0;
    int r = copy_start(&run, in, opt.force, &e);
    while (r >= 0 && (done < opt.n || opt.drain) && !t5g_run_stopping(&run) &&
           (r = t5g_source_next(in, &doc, &e)) == 1) {
        if (done < opt.n)
            copy_doc(&run, &doc);
        if (++done == opt.n)
            t5g_source_pass(in, NULL);
    }
    int status = t5g_run_close(&run, r < 0 ? &e : NULL);
    t5g_doc_clear(&doc);
    t5g_source_close(in);
    return status;
}
