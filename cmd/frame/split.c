/* t5g-frame split: divide a stream into files of N documents, or into N files. */
#include "verbs.h"
#include "store/splitter.h"

#include <string.h>
#include <sys/stat.h>

static struct {
    uint64_t docs, parts, max_frame;
    const char *prefix;
    bool force, tar;
} opt = {.prefix = "part", .max_frame = T5G_FRAME_SIZE_DEFAULT};

static const struct t5g_option options[] = {
    {'n', NULL, "N", T5G_OPT_U64, &opt.docs, "number of documents per file", 1, 0x1p53},
    {0, "parts", "N", T5G_OPT_U64, &opt.parts, "N files with equal numbers of documents", 1,
     999999},
    {0, "tar", NULL, T5G_OPT_FLAG, &opt.tar,
     "write tar archives PREFIX-000000.tar, one member per document", 0, 0},
    {0, "prefix", "PREFIX", T5G_OPT_STRING, &opt.prefix,
     "name files PREFIX-000000.t5g, ... (default part)", 0, 0},
    FORCE_OPTION(&opt.force),
    T5G_OPTION_MAX_FRAME(&opt.max_frame),
    T5G_OPTIONS_END,
};

static const struct t5g_program program = {
    "t5g-frame split",
    "[options] -n N | --parts N [FILE ...]",
    "Split a stream into files of whole documents, in order.",
    options,
    "t5g-frame split --parts 2 lines.t5g",
    T5G_O_QUIET};

static void
ok(int result, const struct t5g_err *e)
{
    if (result < 0)
        t5g_die_err(e);
}

/* Count the documents of all inputs. These are read twice, so they must be regular files. */
static uint64_t
count_documents(char *const *paths, size_t n)
{
    uint64_t docs = 0;
    if (n == 0)
        t5g_usage("--parts reads its input twice: give FILEs");
    for (size_t i = 0; i < n; i++) {
        struct stat st;
        struct t5g_err e;
        struct t5g_frame f;
        int r;
        if (strcmp(paths[i], "-") == 0)
            t5g_usage("-: --parts reads its input twice: give regular files");
        if (stat(paths[i], &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
            t5g_usage("%s: --parts reads its input twice: give regular files", paths[i]);
        struct t5g_reader *in = t5g_reader_open(paths[i], opt.max_frame, &e);
        if (in == NULL)
            t5g_die_err(&e);
        while ((r = t5g_reader_next(in, &f, &e)) == 1)
            docs += f.kind == T5G_KIND_DOC;
        if (r < 0)
            t5g_die_err(&e);
        t5g_reader_close(in);
    }
    return docs;
}

/* The number of documents for file i: the first total % parts files get one more. */
static uint64_t
quota(uint64_t i, uint64_t total)
{
    return opt.parts == 0 ? opt.docs : total / opt.parts + (i < total % opt.parts);
}

int
verb_split(int argc, char **argv)
{
    int first = t5g_options_parse(&program, argc, argv), r = 0;
    size_t n = (size_t)(argc - first);
    struct t5g_err e = {0};
    struct t5g_doc doc = {0};
    if ((opt.docs > 0) == (opt.parts > 0))
        t5g_usage("give either -n or --parts");
    uint64_t total = opt.parts > 0 ? count_documents(argv + first, n) : 0;
    struct t5g_source *in = t5g_source_open(argv + first, n, opt.max_frame, opt.force);
    ok(t5g_source_start(in, &e), &e);
    struct t5g_splitter *out = t5g_splitter_open(opt.prefix, opt.tar, t5g_program_name(), in, &e);
    if (out == NULL)
        t5g_die_err(&e);
    uint64_t files = 0, here = 0, stale;
    for (; (r = t5g_source_next(in, &doc, &e)) == 1; here++) {
        bool full = files == 0 || here == quota(files - 1, total);
        if (full && (files == 0 || files != opt.parts)) {
            ok(t5g_splitter_next(out, &e), &e);
            files++;
            here = 0;
        }
        ok(t5g_splitter_add(out, &doc, &e), &e);
    }
    ok(r, &e);
    for (; files == 0 || files < opt.parts; files++)
        ok(t5g_splitter_next(out, &e), &e);
    ok(t5g_splitter_commit(out, &stale, &e), &e);
    if (stale > 0)
        t5g_warn("removed %llu files of an earlier, longer set: %s-%06llu.%s and up",
                 (unsigned long long)stale, opt.prefix, (unsigned long long)files,
                 opt.tar ? "tar" : "t5g");
    bool failed = t5g_splitter_failed(out) > 0;
    t5g_doc_clear(&doc);
    t5g_splitter_close(out);
    t5g_source_close(in);
    return failed ? T5G_EX_DOCS : T5G_EX_OK;
}
