/* tar.c: tar archives written through libarchive. */
#include "archive/tar.h"
#include "archive/libarchive.h"
#include "base/mem.h"

#include <stdio.h>

struct t5g_tar {
    struct archive *archive;
    size_t members;
};

static int
tar_fault(struct t5g_tar *t, struct t5g_err *e)
{
    const char *why = t5g_la.archive_error_string(t->archive);
    return t5g_err_set(e, T5G_EX_IO, "cannot write: %s", why != NULL ? why : "unknown reason");
}

struct t5g_tar *
t5g_tar_open(int fd, struct t5g_err *e)
{
    struct t5g_tar *t;
    if (t5g_libarchive_load(e) < 0)
        return NULL;
    t = t5g_alloc(1, sizeof *t);
    t->archive = t5g_la.archive_write_new();
    if (t->archive != NULL &&
        t5g_la.archive_write_set_format_pax_restricted(t->archive) == ARCHIVE_OK &&
        t5g_la.archive_write_add_filter_none(t->archive) == ARCHIVE_OK &&
        t5g_la.archive_write_open_fd(t->archive, fd) == ARCHIVE_OK)
        return t;
    t5g_err_set(e, T5G_EX_OS, "cannot write a tar archive");
    t5g_tar_close(t);
    return NULL;
}

int
t5g_tar_add(struct t5g_tar *t, const char *name, const void *data, size_t n, struct t5g_err *e)
{
    struct archive_entry *entry = t5g_la.archive_entry_new();
    t5g_la.archive_entry_set_pathname(entry, name);
    t5g_la.archive_entry_set_filetype(entry, AE_IFREG);
    t5g_la.archive_entry_set_perm(entry, 0644);
    t5g_la.archive_entry_set_size(entry, (la_int64_t)n);
    t5g_la.archive_entry_set_mtime(entry, 0, 0);
    int r = t5g_la.archive_write_header(t->archive, entry) == ARCHIVE_OK ? 0 : tar_fault(t, e);
    if (r == 0 && n > 0 && t5g_la.archive_write_data(t->archive, data, n) != (la_ssize_t)n)
        r = tar_fault(t, e);
    t5g_la.archive_entry_free(entry);
    t->members++;
    return r;
}

int
t5g_tar_finish(struct t5g_tar *t, struct t5g_err *e)
{
    char text[64];
    int n = snprintf(text, sizeof text, "{\"members\":%zu}\n", t->members);
    if (t5g_tar_add(t, "MANIFEST", text, (size_t)n, e) < 0)
        return -1;
    return t5g_la.archive_write_close(t->archive) == ARCHIVE_OK ? 0 : tar_fault(t, e);
}

void
t5g_tar_close(struct t5g_tar *t)
{
    if (t == NULL)
        return;
    if (t->archive != NULL)
        t5g_la.archive_write_free(t->archive);
    t5g_free(t);
}
