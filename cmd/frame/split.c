/* t5g-frame split: divide a stream into files of N documents, or into N files. */
#include "base/partset.h"
#include "verbs.h"
#include "base/io.h"
#include "archive/tar.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

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

static struct {
    uint64_t files, failed, docs;
    struct t5g_partset set;
    int fd;
    bool open;            /* a file is being written */
    struct t5g_writer *w; /* into that file; with --tar, into `memory` */
    struct t5g_tar *tar;
    int memory; /* --tar: a memory file in which a document becomes a segment */
    struct t5g_buf name;
} out;

static void
ok(int result, const struct t5g_err *e)
{
    if (result < 0)
        t5g_die_err(e);
}

/* Begin a segment: that of a file, or with --tar of a document. */
static void
open_segment(struct t5g_source *in, int fd)
{
    struct t5g_err e;
    out.w = t5g_writer_open(fd, out.name.p);
    ok(t5g_writer_begin(out.w, t5g_source_head(in), t5g_program_name(), NULL, NULL, NULL, &e), &e);
    t5g_source_pass(in, out.w);
}

static void
close_segment(struct t5g_source *in)
{
    struct t5g_err e;
    t5g_source_pass(in, NULL);
    ok(t5g_writer_end(out.w, 0, &e), &e);
    out.failed += t5g_writer_docs_failed(out.w);
    t5g_writer_free(out.w);
    out.w = NULL;
}

static void
open_file(struct t5g_source *in)
{
    struct t5g_err e;
    t5g_partset_name(&out.set, out.files, &out.name);
    ok(out.fd = t5g_partset_part(&out.set, out.files, &e), &e);
    out.open = true;
    if (!opt.tar)
        open_segment(in, out.fd);
    else if ((out.tar = t5g_tar_open(out.fd, &e)) == NULL)
        t5g_die_err(&e);
}

/* Add a document as a member: a stream of its own, named by its number in the input. NULL: a stream
 * without documents, so that a tar without any can be read. */
static void
add_member(struct t5g_source *in, const struct t5g_doc *doc)
{
    struct t5g_err e;
    struct t5g_map segment = {0};
    char name[32] = "empty.t5g";
    if (doc != NULL)
        snprintf(name, sizeof name, "%09llu.t5g", (unsigned long long)out.docs);
    if (ftruncate(out.memory, 0) < 0 || lseek(out.memory, 0, SEEK_SET) < 0)
        ok(t5g_err_sys(&e, T5G_EX_OS, "memory file"), &e);
    open_segment(in, out.memory);
    ok(doc != NULL ? t5g_doc_write(out.w, doc, NULL, NULL, &e) : 0, &e);
    close_segment(in);
    ok(t5g_map_fd(out.memory, "memory file", &segment, &e), &e);
    int r = t5g_tar_add(out.tar, name, segment.p, segment.size, &e);
    t5g_unmap(&segment);
    ok(r < 0 ? t5g_err_in(&e, "%s", out.name.p) : 0, &e);
}

static void
close_file(struct t5g_source *in, uint64_t documents)
{
    struct t5g_err e;
    if (opt.tar && documents == 0)
        add_member(in, NULL);
    if (!opt.tar)
        close_segment(in);
    else if (t5g_tar_finish(out.tar, &e) < 0)
        ok(t5g_err_in(&e, "%s", out.name.p), &e);
    t5g_tar_close(out.tar);
    out.tar = NULL;
    out.open = false;
    if (fsync(out.fd) < 0 || close(out.fd) < 0)
        ok(t5g_err_sys(&e, T5G_EX_IO, "%s: cannot write", out.name.p), &e);
    out.files++;
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
    uint64_t total = opt.parts > 0 ? count_documents(argv + first, n) : 0, here = 0;
    if (opt.tar && (out.memory = memfd_create("document", MFD_CLOEXEC)) < 0)
        t5g_die(T5G_EX_OS, "cannot make a memory file");
    out.set = (struct t5g_partset){opt.prefix, opt.tar ? "tar" : "t5g", NULL};
    struct t5g_source *in = t5g_source_open(argv + first, n, opt.max_frame, opt.force);
    ok(t5g_source_start(in, &e), &e);
    ok(t5g_partset_open(&out.set, &e), &e);
    while ((r = t5g_source_next(in, &doc, &e)) == 1) {
        bool last = opt.parts > 0 && out.files + 1 == opt.parts;
        if (!out.open || (here == quota(out.files, total) && !last)) {
            if (out.open)
                close_file(in, here);
            open_file(in);
            here = 0;
        }
        if (opt.tar)
            add_member(in, &doc);
        else
            ok(t5g_doc_write(out.w, &doc, NULL, NULL, &e), &e);
        here++;
        out.docs++;
    }
    ok(r, &e);
    while (out.open || out.files == 0 || out.files < opt.parts) {
        if (!out.open) {
            open_file(in);
            here = 0;
        }
        close_file(in, here);
    }
    uint64_t stale;
    ok(t5g_partset_commit(&out.set, out.files, &stale, &e), &e);
    if (stale > 0)
        t5g_warn("removed %llu files of an earlier, longer set: %s-%06llu.%s and up",
                 (unsigned long long)stale, opt.prefix, (unsigned long long)out.files,
                 out.set.ending);
    t5g_doc_clear(&doc);
    t5g_source_close(in);
    t5g_buf_free(&out.name);
    return out.failed > 0 ? T5G_EX_DOCS : T5G_EX_OK;
}
