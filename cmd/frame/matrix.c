/* t5g-frame export --matrix: the vectors of all documents as one array, and their ids. */
#include "convert/convert.h"
#include "convert/vectors.h"
#include "verbs.h"
#include "base/bug.h"
#include "base/temporary.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The header of a 2-dimensional array: always so long, so that the number of rows, which is known
 * at the end, fits. */
enum { HEADER = 128 };

struct matrix {
    char *path, *ids_path; /* of the files; links are followed */
    int fd, ids;
    struct t5g_temporary *file, *ids_file;
    struct t5g_buf out, names; /* not written yet */
    uint64_t rows, d;
    char pooling[T5G_POOLING_NAME]; /* of the rows so far */
};

/* X.npy to X.ids; another name gets .ids at its end. */
static char *
path_of_ids(const char *path)
{
    struct t5g_buf b = {0};
    size_t n = strlen(path);
    bool npy = n > 4 && strcmp(path + n - 4, ".npy") == 0 && path[n - 5] != '/';
    t5g_buf_add(&b, path, npy ? n - 4 : n);
    t5g_buf_adds(&b, ".ids");
    return b.p;
}

static int
send(struct matrix *m, bool all, struct t5g_err *e)
{
    struct {
        struct t5g_buf *b;
        int fd;
        const char *name;
    } parts[] = {{&m->out, m->fd, m->path}, {&m->names, m->ids, m->ids_path}};
    for (size_t i = 0; i < T5G_LEN(parts); i++) {
        struct t5g_buf *b = parts[i].b;
        if (b->n == 0 || (!all && b->n < 1 << 16))
            continue;
        if (t5g_write_full(parts[i].fd, parts[i].name, b->p, b->n, e) < 0)
            return -1;
        b->n = 0;
    }
    return 0;
}

/*
 * The regular file that path names, or may name as it does not exist; links are followed. NULL with
 * e (73): the header is written at the end, which a FIFO or a device cannot take.
 */
static char *
file_of(const char *path, struct t5g_err *e)
{
    struct stat st;
    if (lstat(path, &st) < 0 && errno == ENOENT)
        return t5g_strdup(path);
    char *real = realpath(path, NULL), *copy = NULL;
    if (real == NULL || stat(real, &st) < 0)
        t5g_err_sys(e, T5G_EX_CREATE, "%s: cannot create", path);
    else if (!S_ISREG(st.st_mode))
        t5g_err_set(e, T5G_EX_CREATE, "%s: not a regular file, which an array needs", path);
    else
        copy = t5g_strdup(real);
    free(real);
    return copy;
}

static int
open_files(struct matrix *m, const char *path, struct t5g_err *e)
{
    *m = (struct matrix){.fd = -1, .ids = -1};
    char *beside = path_of_ids(path);
    m->path = file_of(path, e);
    m->ids_path = m->path == NULL ? NULL : file_of(beside, e);
    t5g_free(beside);
    if (m->ids_path == NULL || (m->fd = t5g_temporary_open(&m->file, m->path, 0666, e)) < 0 ||
        (m->ids = t5g_temporary_open(&m->ids_file, m->ids_path, 0666, e)) < 0)
        return -1;
    char zero[HEADER] = {0};
    t5g_buf_add(&m->out, zero, sizeof zero);
    return 0;
}

/* Take the vectors of one document. -1 with e (65) if they do not fit; it then adds nothing. */
static int
take(struct matrix *m, const struct t5g_doc *doc, const char *name, struct t5g_err *e)
{
    size_t found = 0, start = m->out.n, names = m->names.n;
    uint64_t rows = m->rows;
    int r = 0;
    for (size_t i = 0; i < doc->n_items && r == 0; i++) {
        struct t5g_vectors v;
        if (!t5g_frame_is(&doc->items[i], name))
            continue;
        found++;
        if ((r = t5g_vectors_of(doc, i, &v, e)) < 0)
            break;
        if (m->d != 0 && v.d != m->d)
            r = t5g_err_set(e, T5G_EX_DATA, "%s: %zu columns, documents before have %llu", name,
                            v.d, (unsigned long long)m->d);
        for (size_t k = 0; k < v.n && r == 0; k++) {
            put_escaped(&m->names, doc->id, doc->id_len);
            t5g_buf_addc(&m->names, '\n');
        }
        if (r == 0) {
            t5g_buf_add(&m->out, v.rows, v.n * v.d * sizeof *v.rows);
            m->rows += v.n;
            m->d = v.d;
        }
        t5g_vectors_free(&v);
    }
    if (r == 0 && found == 0)
        r = t5g_err_set(e, T5G_EX_DATA, "no tensor '%s'", name);
    if (r < 0) {
        m->out.n = start;
        m->names.n = names;
        m->rows = rows;
    }
    return r;
}

/* Put both files in place, the array last. */
static int
finish(struct matrix *m, struct t5g_err *e)
{
    struct t5g_buf head = {0};
    t5g_npy_header(&head, T5G_F32, 2, (uint64_t[]){m->rows, m->d});
    if (head.n != HEADER)
        t5g_bug("npy header of another length");
    int r = send(m, true, e);
    if (r == 0 && lseek(m->fd, 0, SEEK_SET) < 0)
        r = t5g_err_sys(e, T5G_EX_IO, "%s: cannot seek", m->path);
    if (r == 0)
        r = t5g_write_full(m->fd, m->path, head.p, head.n, e);
    t5g_buf_free(&head);
    int *fds[] = {&m->fd, &m->ids};
    for (size_t i = 0; i < T5G_LEN(fds); i++) {
        if (r == 0 && fsync(*fds[i]) < 0)
            r = t5g_err_sys(e, T5G_EX_IO, "%s: cannot write", i == 0 ? m->path : m->ids_path);
        if (close(*fds[i]) < 0 && r == 0)
            r = t5g_err_sys(e, T5G_EX_IO, "%s: cannot write", i == 0 ? m->path : m->ids_path);
        *fds[i] = -1;
    }
    if (r == 0) {
        r = t5g_temporary_rename(m->ids_file, m->ids_path, e);
        m->ids_file = NULL;
    }
    if (r == 0) {
        r = t5g_temporary_rename(m->file, m->path, e);
        m->file = NULL;
    }
    return r;
}

static void
clear(struct matrix *m)
{
    if (m->fd >= 0)
        close(m->fd);
    if (m->ids >= 0)
        close(m->ids);
    t5g_temporary_remove(m->file);
    t5g_temporary_remove(m->ids_file);
    t5g_buf_free(&m->out);
    t5g_buf_free(&m->names);
    t5g_free(m->path);
    t5g_free(m->ids_path);
}

void
compare_vectors(struct t5g_source *in, const char *name)
{
    t5g_source_compare(in, t5g_made_by(name) | T5G_BY_TOKENIZER | T5G_BY_PROFILE);
}

/* Vectors of two poolings cannot be told apart in the array. */
static int
same_pooling(struct matrix *m, const struct t5g_source *in, const struct t5g_doc *doc,
             const char *name, struct t5g_err *e)
{
    for (size_t i = 0; i < doc->n_items; i++)
        if (t5g_frame_is(&doc->items[i], name) &&
            t5g_vectors_pooled(&doc->items[i], m->pooling, e) < 0)
            return t5g_err_in(e, "%s: %.*s", t5g_source_name(in), (int)doc->id_len, doc->id);
    return 0;
}

int
export_matrix(struct t5g_source *in, const char *path, const char *name, bool mixed,
              uint64_t *failed, struct t5g_err *e)
{
    struct matrix m;
    struct t5g_doc doc = {0};
    int r = open_files(&m, path, e);
    if (r == 0)
        r = t5g_source_start(in, e);
    while (r == 0 && (r = t5g_source_next(in, &doc, e)) == 1) {
        struct t5g_err own = {0};
        if (doc.failed) {
            ++*failed;
        } else if (!mixed && same_pooling(&m, in, &doc, name, e) < 0) {
            r = -1;
            break;
        } else if (take(&m, &doc, name, &own) < 0) {
            t5g_warn_doc(doc.id, doc.id_len, NULL, own.msg);
            ++*failed;
        }
        r = send(&m, false, e);
    }
    t5g_doc_clear(&doc);
    if (r == 0 && m.rows == 0) /* how wide would the array be? */
        r = t5g_err_set(e, T5G_EX_DATA, "no document has a tensor '%s' of vectors", name);
    if (r == 0)
        r = finish(&m, e);
    clear(&m);
    return r;
}
