/* t5g-frame cat: join streams and their segments into one segment. */
#include "verbs.h"

static struct {
    bool force;
    uint64_t docs, max_frame;
} opt = {.docs = UINT64_MAX, .max_frame = T5G_FRAME_SIZE_DEFAULT};

static const struct t5g_option options[] = {
    {0, "docs", "N", T5G_OPT_U64, &opt.docs, "fail unless there are N documents", 0, 0x1p53},
    FORCE_OPTION(&opt.force),
    T5G_OPTION_MAX_FRAME(&opt.max_frame),
    T5G_OPTIONS_END,
};

static const struct t5g_program program = {
    "t5g-frame cat",
    "[options] [FILE ...]",
    "Join streams into one segment, with one END that counts all.",
    options,
    "t5g-frame cat -o all.t5g report.t5g lines.t5g",
    T5G_O_ALL & ~(T5G_O_MODEL | T5G_O_THREADS)};

void
copy_doc(struct t5g_run *run, const struct t5g_doc *d)
{
    struct t5g_err io;
    if (d->failed) {
        t5g_run_pass_failed(run, d);
        return;
    }
    if (t5g_doc_write(run->w, d, NULL, NULL, &io) < 0)
        t5g_die_err(&io);
    t5g_run_done(run, d->n_items);
}

static int
copy_batch(void *arg, struct t5g_run *run, const struct t5g_batch *b, struct t5g_err *e)
{
    (void)arg;
    (void)e;
    for (size_t i = 0; i < b->n && !run->stop; i++)
        copy_doc(run, &b->docs[i]);
    return 0;
}

int
verb_cat(int argc, char **argv)
{
    int first = t5g_run_options(&program, argc, argv);
    struct t5g_err e = {0};
    struct t5g_run run;
    t5g_run_open(&run);
    struct t5g_source *in =
        t5g_source_open(argv + first, (size_t)(argc - first), opt.max_frame, opt.force);
    struct t5g_stage stage = {.unit = "frames", .take = copy_batch, .force = opt.force};
    int r = t5g_run_through(&run, &stage, in, &e);
    uint64_t docs = t5g_writer_docs_ok(run.w) + t5g_writer_docs_failed(run.w);
    if (r == 0 && opt.docs != UINT64_MAX && docs != opt.docs && !run.stop)
        r = t5g_err_set(&e, T5G_EX_DATA, "%llu documents, --docs says %llu",
                        (unsigned long long)docs, (unsigned long long)opt.docs);
    int status = t5g_run_close(&run, r < 0 ? &e : NULL);
    t5g_source_close(in);
    return status;
}
