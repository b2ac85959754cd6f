/* splitter.c: the documents of a stream to several files. */
#include "store/splitter.h"
#include "archive/tar.h"
#include "base/io.h"
#include "base/partset.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

struct t5g_splitter {
    struct t5g_partset set;
    const char *tool;
    struct t5g_source *in;
    bool as_tar;
    uint64_t files, docs, here, failed; /* here: documents in the current file */
    struct t5g_buf name;                /* of the current file */
    int fd;                             /* of it; -1: there is none */
    struct t5g_writer *w; /* into it; of a tar archive, of the document at hand in memory */
    struct t5g_tar *tar;
    int memory; /* tar: where a document becomes a segment */
};

struct t5g_splitter *
t5g_splitter_open(const char *prefix, bool tar, const char *tool, struct t5g_source *in,
                  struct t5g_err *e)
{
    struct t5g_splitter *s = t5g_alloc(1, sizeof *s);
    s->set = (struct t5g_partset){prefix, tar ? "tar" : "t5g", NULL};
    s->tool = tool;
    s->in = in;
    s->as_tar = tar;
    s->fd = s->memory = -1;
    if (tar && (s->memory = memfd_create("document", MFD_CLOEXEC)) < 0)
        t5g_err_sys(e, T5G_EX_OS, "cannot make a memory file");
    else if (t5g_partset_open(&s->set, e) == 0)
        return s;
    t5g_splitter_close(s);
    return NULL;
}

void
t5g_splitter_close(struct t5g_splitter *s)
{
    if (s == NULL)
        return;
    t5g_source_pass(s->in, NULL);
    t5g_writer_free(s->w);
    t5g_tar_close(s->tar);
    if (s->fd >= 0)
        close(s->fd);
    if (s->memory >= 0)
        close(s->memory);
    t5g_partset_drop(&s->set);
    t5g_buf_free(&s->name);
    t5g_free(s);
}

/* A segment begins: the file's, or a document's. */
static int
open_segment(struct t5g_splitter *s, int fd, struct t5g_err *e)
{
    s->w = t5g_writer_open(fd, s->name.p);
    if (t5g_writer_begin(s->w, t5g_source_head(s->in), s->tool, NULL, e) < 0)
        return -1;
    t5g_source_pass(s->in, s->w);
    return 0;
}

static int
close_segment(struct t5g_splitter *s, struct t5g_err *e)
{
    t5g_source_pass(s->in, NULL);
    if (t5g_writer_end(s->w, 0, e) < 0)
        return -1;
    s->failed += t5g_writer_docs_failed(s->w);
    t5g_writer_free(s->w);
    s->w = NULL;
    return 0;
}

/* A document as a member. NULL: a stream of no documents, so that a file without any is read as
 * what it is. */
static int
add_member(struct t5g_splitter *s, const struct t5g_doc *d, struct t5g_err *e)
{
    struct t5g_map segment = {0};
    char name[32] = "empty.t5g";
    if (d != NULL)
        snprintf(name, sizeof name, "%09llu.t5g", (unsigned long long)s->docs);
    if (ftruncate(s->memory, 0) < 0 || lseek(s->memory, 0, SEEK_SET) < 0)
        return t5g_err_sys(e, T5G_EX_OS, "memory file");
    if (open_segment(s, s->memory, e) < 0 ||
        (d != NULL && t5g_doc_write(s->w, d, NULL, NULL, e) < 0) || close_segment(s, e) < 0 ||
        t5g_map_fd(s->memory, "memory file", &segment, e) < 0)
        return -1;
    int r = t5g_tar_add(s->tar, name, segment.p, segment.size, e);
    t5g_unmap(&segment);
    return r < 0 ? t5g_err_in(e, "%s", s->name.p) : 0;
}

/* The current file is whole, and on disk. */
static int
end_file(struct t5g_splitter *s, struct t5g_err *e)
{
    if (s->fd < 0)
        return 0;
    if (s->as_tar && s->here == 0 && add_member(s, NULL, e) < 0)
        return -1;
    if (!s->as_tar && close_segment(s, e) < 0)
        return -1;
    if (s->as_tar && t5g_tar_finish(s->tar, e) < 0)
        return t5g_err_in(e, "%s", s->name.p);
    t5g_tar_close(s->tar);
    s->tar = NULL;
    int fd = s->fd;
    s->fd = -1;
    if (fsync(fd) < 0) {
        t5g_err_sys(e, T5G_EX_IO, "%s: cannot write", s->name.p);
        close(fd);
        return -1;
    }
    return close(fd) < 0 ? t5g_err_sys(e, T5G_EX_IO, "%s: cannot write", s->name.p) : 0;
}

int
t5g_splitter_next(struct t5g_splitter *s, struct t5g_err *e)
{
    if (end_file(s, e) < 0)
        return -1;
    t5g_partset_name(&s->set, s->files, &s->name);
    if ((s->fd = t5g_partset_part(&s->set, s->files, e)) < 0)
        return -1;
    s->files++;
    s->here = 0;
    if (!s->as_tar)
        return open_segment(s, s->fd, e);
    s->tar = t5g_tar_open(s->fd, e);
    return s->tar != NULL ? 0 : -1;
}

int
t5g_splitter_add(struct t5g_splitter *s, const struct t5g_doc *d, struct t5g_err *e)
{
    if ((s->as_tar ? add_member(s, d, e) : t5g_doc_write(s->w, d, NULL, NULL, e)) < 0)
        return -1;
    s->here++;
    s->docs++;
    return 0;
}

int
t5g_splitter_commit(struct t5g_splitter *s, uint64_t *stale, struct t5g_err *e)
{
    return end_file(s, e) < 0 ? -1 : t5g_partset_commit(&s->set, s->files, stale, e);
}

uint64_t
t5g_splitter_files(const struct t5g_splitter *s)
{
    return s->files;
}

uint64_t
t5g_splitter_failed(const struct t5g_splitter *s)
{
    return s->failed;
}
