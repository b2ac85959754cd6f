/* t5g-frame import: a stream from what export wrote, or from files of others. */
#include "convert/convert.h"
#include "verbs.h"
#include "cli/progress.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static struct {
    const char *npy, *safetensors;
    bool jsonl;
} opt;

static const struct t5g_option options[] = {
    {0, "npy", "DIR", T5G_OPT_ONCE, &opt.npy,
     "read a directory of .npy files, with or without index", 0, 0},
    {0, "safetensors", "FILE", T5G_OPT_ONCE, &opt.safetensors, "read one safetensors file", 0, 0},
    {0, "jsonl", NULL, T5G_OPT_FLAG, &opt.jsonl, "read JSON lines from FILE operands or stdin", 0,
     0},
    NO_MORE_OPTIONS,
};

static const struct t5g_program program = {
    "t5g-frame import",
    "[options] --npy DIR | --safetensors FILE | --jsonl [FILE ...]",
    "Make a stream from npy, safetensors or JSON lines.",
    options,
    "t5g-frame import --npy arrays -o lines.t5g",
    T5G_O_ALL & ~(T5G_O_MODEL | T5G_O_THREADS)};

/* The whole lines in b, numbered on from *number; `last`: what has no newline too. */
static int
take_buffer(struct t5g_importer *im, struct t5g_buf *b, bool last, const char *name, size_t *number,
            struct t5g_err *e)
{
    size_t at = 0;
    int r = 0;
    while (r == 0 && at < b->n) {
        const char *line = b->p + at, *nl = memchr(line, '\n', b->n - at);
        size_t len = nl != NULL ? (size_t)(nl - line) : b->n - at;
        if (nl == NULL && !last)
            break;
        ++*number;
        if ((r = t5g_index_take(im, line, len, e)) < 0)
            t5g_err_in(e, "%s:%zu", name, *number);
        at += len + (nl != NULL);
    }
    memmove(b->p, b->p + at, b->n - at);
    b->n -= at;
    return r;
}

/* Lines as they come, so that a pipe of them becomes a pipe of documents. */
static int
take_lines(struct t5g_importer *im, int fd, const char *name, struct t5g_err *e)
{
    struct t5g_buf b = {0};
    size_t got = 1, number = 0;
    int r = 0;
    while (r == 0 && got > 0) {
        t5g_buf_reserve(&b, 1 << 16);
        size_t before = b.n;
        r = t5g_read_some(fd, name, b.p + b.n, b.cap - b.n - 1, &got, e);
        if (r < 0)
            break;
        b.n += got;
        /* A long line comes in many pieces: only a new newline is worth looking for. */
        if (got == 0 || memchr(b.p + before, '\n', got) != NULL)
            r = take_buffer(im, &b, got == 0, name, &number, e);
    }
    t5g_buf_free(&b);
    return r;
}

static int
import_jsonl(struct t5g_importer *im, char **paths, size_t n, struct t5g_err *e)
{
    int r = 0;
    if (n == 0)
        return take_lines(im, STDIN_FILENO, "stdin", e);
    for (size_t i = 0; i < n && r == 0; i++) {
        bool dash = strcmp(paths[i], "-") == 0;
        int fd = dash ? STDIN_FILENO : open(paths[i], O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            return t5g_err_sys(e, T5G_EX_NOINPUT, "%s: cannot open", paths[i]);
        r = take_lines(im, fd, dash ? "stdin" : paths[i], e);
        if (!dash)
            close(fd);
    }
    return r;
}

int
verb_import(int argc, char **argv)
{
    int first = t5g_run_options(&program, argc, argv), r;
    struct t5g_err e = {0};
    struct t5g_run run;
    struct t5g_importer im = {0};
    if ((opt.npy != NULL) + (opt.safetensors != NULL) + opt.jsonl != 1)
        t5g_usage("give one of --npy, --safetensors and --jsonl");
    if (first < argc && !opt.jsonl)
        t5g_usage("operands go with --jsonl");
    t5g_run_open(&run);
    im.w = run.w;
    t5g_progress_start("frames");
    if (opt.npy != NULL)
        r = t5g_npy_import(&im, opt.npy, &e);
    else if (opt.safetensors != NULL)
        r = t5g_safetensors_import(&im, opt.safetensors, &e);
    else
        r = import_jsonl(&im, argv + first, (size_t)(argc - first), &e);
    if (r == 0)
        r = t5g_index_end(&im, &e);
    return t5g_run_close(&run, r < 0 ? &e : NULL);
}
