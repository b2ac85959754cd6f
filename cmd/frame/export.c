/* t5g-frame export: convert a stream for other software. */
#include "convert/convert.h"
#include "verbs.h"

#include <stdio.h>
#include <string.h>

static struct {
    const char *npy, *safetensors, *matrix, *name;
    bool jsonl, head, force;
    uint64_t max_frame;
} opt = {.max_frame = T5G_FRAME_SIZE_DEFAULT};

static const struct t5g_option options[] = {
    {0, "npy", "DIR", T5G_OPT_STRING, &opt.npy,
     "write a directory of .npy files with an index.jsonl", 0, 0},
    {0, "safetensors", "FILE", T5G_OPT_STRING, &opt.safetensors, "write one safetensors file", 0,
     0},
    {0, "matrix", "FILE", T5G_OPT_STRING, &opt.matrix,
     "write one array of all embeddings, and their ids beside it", 0, 0},
    {0, "name", "NAME", T5G_OPT_STRING, &opt.name,
     "with --matrix: the tensor to take instead of embedding", 0, 0},
    {0, "jsonl", NULL, T5G_OPT_FLAG, &opt.jsonl, "write one JSON object per document", 0, 0},
    {0, "head", NULL, T5G_OPT_FLAG, &opt.head,
     "with --jsonl: write the stream's HEAD as the first line", 0, 0},
    FORCE_OPTION(&opt.force),
    T5G_OPTION_MAX_FRAME(&opt.max_frame),
    T5G_OPTIONS_END,
};

static const struct t5g_program program = {
    "t5g-frame export",
    "[options] --npy DIR | --safetensors FILE | --matrix FILE | --jsonl [FILE ...]",
    "Convert a stream for other software.",
    options,
    "t5g-frame export --npy arrays lines.t5g",
    T5G_O_OUTPUT | T5G_O_TALK};

static int
export_jsonl(struct t5g_source *in)
{
    struct text t;
    struct t5g_err e = {0};
    struct t5g_doc doc = {0};
    uint64_t failed = 0;
    text_open(&t);
    t.json = true;
    int r = t5g_source_start(in, &e);
    if (r == 0 && opt.head)
        t5g_index_put_head(&t.out, in);
    while (r >= 0 && (r = t5g_source_next(in, &doc, &e)) == 1) {
        if ((r = t5g_index_put(&t.out, &doc, t5g_index_put_data, NULL, &e)) < 0)
            break;
        t5g_buf_addc(&t.out, '\n');
        failed += doc.failed;
        text_send(&t);
    }
    t5g_doc_clear(&doc);
    return text_end(&t, failed > 0 ? T5G_EX_DOCS : T5G_EX_OK, r < 0 ? &e : NULL);
}

int
verb_export(int argc, char **argv)
{
    int first = t5g_options_parse(&program, argc, argv), status;
    struct t5g_err e;
    uint64_t failed = 0;
    if ((opt.npy != NULL) + (opt.safetensors != NULL) + (opt.matrix != NULL) + opt.jsonl != 1)
        t5g_usage("give one of --npy, --safetensors, --matrix and --jsonl");
    const char *to = opt.safetensors != NULL ? opt.safetensors : opt.matrix;
    if (to != NULL && strcmp(to, "-") == 0)
        t5g_usage("--%s - is no file: only --jsonl writes to standard output",
                  opt.matrix != NULL ? "matrix" : "safetensors");
    if (opt.name != NULL && opt.matrix == NULL)
        t5g_usage("--name needs --matrix");
    if (t5g_common.output != NULL && !opt.jsonl)
        t5g_usage("-o needs --jsonl");
    if (opt.head && !opt.jsonl)
        t5g_usage("--head needs --jsonl: the other forms always include HEAD");
    bool headless = opt.jsonl && !opt.head; /* nothing says then what made the documents */
    const char *name = opt.name != NULL ? opt.name : "embedding";
    if (opt.force && headless)
        t5g_usage("--force is for output that names a model: with --jsonl it needs --head");
    struct t5g_source *in =
        t5g_source_open(argv + first, (size_t)(argc - first), opt.max_frame, opt.force || headless);
    if (opt.matrix != NULL)
        compare_vectors(in, name);
    if (opt.jsonl)
        status = export_jsonl(in);
    else if ((opt.npy != NULL      ? t5g_npy_export(in, opt.npy, &failed, &e)
              : opt.matrix != NULL ? export_matrix(in, opt.matrix, name, opt.force, &failed, &e)
                                   : t5g_safetensors_export(in, opt.safetensors, &failed, &e)) < 0)
        t5g_die_err(&e);
    else
        status = failed > 0 ? T5G_EX_DOCS : T5G_EX_OK;
    t5g_source_close(in);
    return status;
}
