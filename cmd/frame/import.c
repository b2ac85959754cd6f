/* t5g-frame import: make a stream from files of t5g-frame export or of other software. */
#include "convert/convert.h"
#include "verbs.h"
#include "cli/progress.h"

#include <string.h>

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
    T5G_OPTIONS_END,
};

static const struct t5g_program program = {
    "t5g-frame import",
    "[options] --npy DIR | --safetensors FILE | --jsonl [FILE ...]",
    "Make a stream from npy, safetensors or JSON lines.",
    options,
    "t5g-frame import --npy arrays -o lines.t5g",
    T5G_O_ALL & ~(T5G_O_MODEL | T5G_O_THREADS)};

int
verb_import(int argc, char **argv)
{
    int first = t5g_run_options(&program, argc, argv), r;
    struct t5g_err e = {0};
    struct t5g_run run;
    struct t5g_importer im = {.run = &run};
    if ((opt.npy != NULL) + (opt.safetensors != NULL) + opt.jsonl != 1)
        t5g_usage("give one of --npy, --safetensors and --jsonl");
    if (first < argc && !opt.jsonl)
        t5g_usage("FILE operands need --jsonl");
    if (opt.safetensors != NULL && strcmp(opt.safetensors, "-") == 0)
        t5g_usage("--safetensors - is no file: the tensors of a file are used where they are");
    t5g_run_open(&run);
    t5g_progress_start("frames");
    if (opt.npy != NULL)
        r = t5g_npy_import(&im, opt.npy, &e);
    else if (opt.safetensors != NULL)
        r = t5g_safetensors_import(&im, opt.safetensors, &e);
    else
        r = t5g_jsonl_import(&im, argv + first, (size_t)(argc - first), &e);
    if (r == 0)
        r = t5g_index_end(&im, &e);
    return t5g_run_close(&run, r < 0 ? &e : NULL);
}
