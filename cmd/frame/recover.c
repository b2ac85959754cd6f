/*
 * t5g-frame recover: the whole documents of a damaged stream.
 *
 * A document is whole if its frames follow each other without a gap from DOC to CLOSE or ERROR, all
 * with its key and valid checksums. stream/scan.h decides what is a frame of the stream, rather
 * than of one of its payloads.
 */
#include "verbs.h"
#include "stream/scan.h"
#include "cli/progress.h"

#include <stdio.h>
#include <string.h>

static struct {
    uint64_t max_frame;
    bool force, doubtful;
} opt = {.max_frame = T5G_FRAME_SIZE_DEFAULT};

static const struct t5g_option options[] = {
    {0, "doubtful", NULL, T5G_OPT_FLAG, &opt.doubtful,
     "also save what may have been the contents of a lost frame", 0, 0},
    FORCE_OPTION(&opt.force),
    T5G_OPTION_MAX_FRAME(&opt.max_frame),
    T5G_OPTIONS_END,
};

static const struct t5g_program program = {"t5g-frame recover",
                                           "[options] [FILE ...]",
                                           "Save the whole documents of damaged streams.",
                                           options,
                                           "t5g-frame recover -o saved.t5g lines.t5g",
                                           T5G_O_OUTPUT | T5G_O_QUIET | T5G_O_COUNTS};

static struct t5g_run run;
static struct t5g_head head;

/* Write HEAD, based on the first undamaged one, before the first document. */
static void
start(void)
{
    struct t5g_err e;
    if (t5g_writer_started(run.w))
        return;
    if (t5g_writer_begin(run.w, &head, t5g_program_name(), NULL, &e) < 0)
        t5g_die_err(&e);
}

static int
take_head(const struct t5g_frame *f, const char *name, struct t5g_err *e)
{
    struct t5g_head h;
    if (t5g_head_read(&h, f->meta, f->meta_len, e) < 0)
        return -1;
    int r = opt.force ? 0 : t5g_head_agree(&head, &h, T5G_BY_ALL, name, e);
    if (head.meta == NULL) {
        head = h;
        start();
    } else {
        t5g_head_clear(&h);
    }
    return r;
}

static void
write_document(const struct t5g_frame *f, size_t n)
{
    struct t5g_err e;
    start();
    for (size_t i = 0; i < n; i++)
        if (t5g_writer_frame(run.w, &f[i], &e) < 0)
            t5g_die_err(&e);
    if (f[n - 1].kind == T5G_KIND_ERROR)
        t5g_run_failed(&run);
    else
        t5g_run_done(&run, n);
}

static void
report(const struct t5g_scan *s)
{
    char left_out[128] = "";
    if (s->left_out > 0)
        snprintf(left_out, sizeof left_out,
                 "; %llu left out, which may come from inside a lost one (--doubtful saves them)",
                 (unsigned long long)s->left_out);
    t5g_warn("%llu documents saved, %s%llu lost%s",
             (unsigned long long)(t5g_writer_docs_ok(run.w) + t5g_writer_docs_failed(run.w)),
             s->uncertain ? "at least " : "", (unsigned long long)s->lost, left_out);
}

static int
recover(const char *path, struct t5g_scan *s, struct t5g_err *e)
{
    struct t5g_scan_input in;
    const struct t5g_frame *f;
    size_t n;
    int r = t5g_scan_open(&in, s, path, opt.max_frame, e);
    if (r < 0)
        return -1;
    while ((r = t5g_scan_next(&in, s, &f, &n)) == 1) {
        if (f->kind == T5G_KIND_HEAD) {
            if ((r = take_head(f, in.name, e)) < 0)
                break;
        } else {
            write_document(f, n);
        }
    }
    t5g_scan_close(&in);
    return r < 0 ? -1 : 0;
}

int
verb_recover(int argc, char **argv)
{
    int first = t5g_run_options(&program, argc, argv), r = 0;
    size_t n;
    char **paths = operands_of(argc, argv, first, &n);
    struct t5g_err e = {0};
    struct t5g_scan s = {.doubtful = opt.doubtful};
    t5g_run_open(&run);
    t5g_progress_start("frames");
    for (size_t i = 0; i < n && r == 0; i++)
        r = recover(paths[i], &s, &e);
    if (r == 0 && !t5g_writer_started(run.w))
        r = t5g_err_set(&e, T5G_EX_DATA, "no undamaged HEAD and no whole document in the input");
    if (r == 0 && s.damaged)
        report(&s);
    int status = t5g_run_close(&run, r < 0 ? &e : NULL);
    if (status == T5G_EX_OK && s.damaged)
        status = T5G_EX_DOCS;
    t5g_scan_free(&s);
    t5g_head_clear(&head);
    return status;
}
