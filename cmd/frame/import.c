/* t5g-frame import: a stream from what export wrote, or from files of others. */
#include "convert.h"
#include "cli/progress.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static struct {
    const char *npy, *safetensors;
    bool jsonl;
} opt;

static const struct t5g_option options[] = {
    {0, "npy", "DIR", T5G_OPT_STRING, &opt.npy, "a directory of .npy files, with or without index",
     0, 0},
    {0, "safetensors", "FILE", T5G_OPT_STRING, &opt.safetensors, "one safetensors file", 0, 0},
    {0, "jsonl", NULL, T5G_OPT_FLAG, &opt.jsonl, "JSON lines: FILE operands, or stdin", 0, 0},
    NO_MORE_OPTIONS,
};

static const struct t5g_program program = {
    "t5g-frame import",
    "[options] --npy DIR | --safetensors FILE | --jsonl [FILE ...]",
    "Make a stream from npy, safetensors or JSON lines.",
    options,
};

/* Lines as they come, so that a pipe of them becomes a pipe of documents. */
static int
take_lines(struct importer *im, int fd, const char *name, struct t5g_err *e)
{
    struct t5g_buf b = {0};
    size_t got = 1, number = 0;
    int r = 0;
    while (r == 0 && got > 0 && !t5g_run_stopping(&im->run)) {
        size_t seen = b.n;
        t5g_buf_reserve(&b, 1 << 16);
        r = t5g_read_some(fd, name, b.p + b.n, b.cap - b.n - 1, &got, e);
        b.n += r == 0 ? got : 0;
        char *start = b.p, *end = b.p + b.n, *nl;
        while (r == 0 && start < end &&
               ((nl = memchr(start < b.p + seen ? b.p + seen : start, '\n',
                             (size_t)(end - (start < b.p + seen ? b.p + seen : start)))) != NULL ||
                got == 0)) {
            number++;
            nl = nl != NULL ? nl : end; /* the last line may lack its newline */
            if (index_take(im, start, (size_t)(nl - start), e) < 0)
                r = t5g_err_in(e, "%s:%zu", name, number);
            start = nl < end ? nl + 1 : end;
        }
        b.n = (size_t)(end - start);
        memmove(b.p, start, b.n);
    }
    t5g_buf_free(&b);
    return r;
}

static int
import_jsonl(struct importer *im, char **paths, size_t n, struct t5g_err *e)
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
    int first = t5g_options_parse(&program, argc, argv), r;
    struct t5g_err e = {0};
    struct importer im = {0};
    if ((opt.npy != NULL) + (opt.safetensors != NULL) + opt.jsonl != 1)
        t5g_usage("give one of --npy, --safetensors and --jsonl");
    if (first < argc && !opt.jsonl)
        t5g_usage("operands go with --jsonl");
    t5g_run_open(&im.run);
    t5g_progress_start("frames");
    if (opt.npy != NULL)
        r = import_npy(&im, opt.npy, &e);
    else if (opt.safetensors != NULL)
        r = import_safetensors(&im, opt.safetensors, &e);
    else
        r = import_jsonl(&im, argv + first, (size_t)(argc - first), &e);
    if (r == 0)
        r = index_end(&im, &e);
    return t5g_run_close(&im.run, r < 0 ? &e : NULL);
}
