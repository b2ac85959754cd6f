/* npy_export.c: a stream to a directory of .npy files and an index. */
#include "convert/convert.h"
#include "base/mem.h"
#include "base/temporary.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct directory {
    const char *path;
    uint64_t doc;
};

static int
write_file(const char *dir, const char *name, const struct t5g_buf *head, const void *p, size_t n,
           struct t5g_err *e)
{
    char *path = t5g_path_join(dir, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666), r = -1;
    if (fd < 0)
        t5g_err_sys(e, T5G_EX_CREATE, "%s: cannot create", path);
    else if (t5g_write_full(fd, path, head->p, head->n, e) == 0 &&
             t5g_write_full(fd, path, p, n, e) == 0)
        r = 0;
    if (fd >= 0 && close(fd) < 0 && r == 0)
        r = t5g_err_sys(e, T5G_EX_IO, "%s: cannot write", path);
    t5g_free(path);
    return r;
}

/* Append 60 bytes of a tensor's name at most, all but letters, digits, '.', '_' and '-' as %XX. */
static void
put_safe(struct t5g_buf *b, const char *name)
{
    for (size_t i = 0; name[i] != '\0' && i < 60; i++) {
        unsigned char c = (unsigned char)name[i];
        if (c < 0x80 && (memchr("._-", c, 3) != NULL || (c >= '0' && c <= '9') ||
                         ((c | 32) >= 'a' && (c | 32) <= 'z')))
            t5g_buf_addc(b, (char)c);
        else
            t5g_buf_printf(b, "%%%02X", c);
    }
}

/* ids and names are untrusted: a file name begins with numbers, and contains no id. */
static int
put_file(void *arg, struct t5g_buf *b, const struct t5g_frame *f, size_t i, struct t5g_err *e)
{
    const struct directory *d = arg;
    struct t5g_buf file = {0}, head = {0};
    char name[T5G_FRAME_NAME_MAX + 1];
    size_t n = (size_t)f->size;
    float *wide = NULL;
    t5g_frame_name(f, name, sizeof name);
    t5g_buf_printf(&file, "%06llu-%03zu-", (unsigned long long)d->doc, i);
    put_safe(&file, name);
    t5g_buf_adds(&file, ".npy");
    t5g_npy_header(&head, f->dtype, f->ndim, f->dims);
    if (f->dtype == T5G_BF16) {
        wide = t5g_alloc_raw(n / 2, sizeof *wide);
        t5g_to_f32(wide, f->data, T5G_BF16, n / 2);
        n *= 2;
    }
    int r = write_file(d->path, file.p, &head, wide != NULL ? (void *)wide : f->data, n, e);
    t5g_free(wide);
    t5g_buf_printf(b, ",\"file\":\"%s\"", file.p);
    t5g_buf_free(&file);
    t5g_buf_free(&head);
    return r;
}

static int
fill(struct t5g_source *in, struct directory *d, uint64_t *failed, struct t5g_err *e)
{
    struct t5g_buf index = {0};
    struct t5g_doc doc = {0};
    int r = t5g_source_start(in, e);
    if (r == 0) {
        t5g_index_put_head(&index, in);
        while ((r = t5g_source_next(in, &doc, e)) == 1) {
            if ((r = t5g_index_put(&index, &doc, put_file, d, e)) < 0)
                break;
            t5g_buf_addc(&index, '\n');
            *failed += doc.failed;
            d->doc++;
        }
    }
    if (r == 0)
        r = write_file(d->path, T5G_NPY_INDEX, &index, "", 0, e);
    t5g_doc_clear(&doc);
    t5g_buf_free(&index);
    return r;
}

/* Whether path is a directory that is not empty, so that the rename at the end would fail. */
static bool
holds_files(const char *path)
{
    DIR *d = opendir(path);
    if (d == NULL)
        return false;
    const struct dirent *at;
    while ((at = readdir(d)) != NULL &&
           (strcmp(at->d_name, ".") == 0 || strcmp(at->d_name, "..") == 0))
        ;
    closedir(d);
    return at != NULL;
}

int
t5g_npy_export(struct t5g_source *in, const char *dir, uint64_t *failed, struct t5g_err *e)
{
    if (holds_files(dir))
        return t5g_err_set(e, T5G_EX_CREATE, "%s: directory not empty", dir);
    struct t5g_temporary *t = t5g_temporary_folder(dir, t5g_temporary_mode(0777), e);
    if (t == NULL)
        return -1;
    struct directory d = {.path = t5g_temporary_name(t)};
    if (fill(in, &d, failed, e) == 0)
        return t5g_temporary_rename(t, dir, e); /* replaces only an empty directory */
    t5g_temporary_remove(t);
    return -1;
}
