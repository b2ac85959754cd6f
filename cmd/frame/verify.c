/* t5g-frame verify: read and check every byte of every file. */
#include "verbs.h"

static uint64_t max_frame = T5G_FRAME_SIZE_DEFAULT;

static const struct t5g_option options[] = {
    T5G_OPTION_MAX_FRAME(&max_frame),
    T5G_OPTIONS_END,
};

static const struct t5g_program program = {
    "t5g-frame verify",
    "[options] [FILE ...]",
    "Check every byte of streams: lengths, checksums, order, counts.",
    options,
    "t5g-frame verify lines.t5g",
    T5G_O_VERBOSE};

/* Each file by itself: one command may check files of different models. */
static int
verify(char *path, struct t5g_err *e)
{
    char *paths[] = {path};
    struct t5g_source *in = t5g_source_open(paths, 1, max_frame, true);
    struct t5g_frame f;
    uint64_t docs = 0, failed = 0;
    int r;
    while ((r = t5g_source_frame(in, &f, e)) == 1) {
        docs += f.kind == T5G_KIND_CLOSE;
        failed += f.kind == T5G_KIND_ERROR;
    }
    if (r == 0)
        t5g_note("%s: whole, %llu documents, %llu of them failed", t5g_source_name(in),
                 (unsigned long long)(docs + failed), (unsigned long long)failed);
    t5g_source_close(in);
    return r;
}

int
verb_verify(int argc, char **argv)
{
    int first = t5g_options_parse(&program, argc, argv), status = T5G_EX_OK;
    size_t n;
    char **paths = operands_of(argc, argv, first, &n);
    for (size_t i = 0; i < n; i++) {
        struct t5g_err e;
        if (verify(paths[i], &e) == 0)
            continue;
        t5g_say("%s", e.msg);
        if (status == T5G_EX_OK)
            status = e.code;
    }
    return status;
}
