/* corpus.c: documents from files, lines, NUL-separated texts and JSON lines, in bounded memory. */
#include "store/corpus.h"
#include "archive/container.h"
#include "base/io.h"
#include "base/utf8.h"
#include "store/jsondoc.h"
#include "store/webdataset.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK ((size_t)1 << 17)

struct t5g_corpus {
    struct t5g_corpus_options o;
    size_t text, path;           /* next of o.texts, next of o.paths */
    bool alone;                  /* the pictures of the options were returned without a text */
    int fd;                      /* input being read, -1 between inputs */
    struct t5g_unpack *in;       /* its bytes */
    struct t5g_members *members; /* its documents, if it is an archive */
    const char *name;            /* of that input, for messages and ids */
    size_t record;               /* records read from it so far */
    char *chunk;                 /* [CHUNK] */
    size_t at, have;             /* unread part of chunk */
    struct t5g_buf line;         /* raw JSON line */
};

struct t5g_corpus *
t5g_corpus_open(const struct t5g_corpus_options *o)
{
    struct t5g_corpus *c = t5g_alloc(1, sizeof *c);
    static char dash[] = "-", *const standard_input[] = {dash};
    c->o = *o;
    if (o->n_paths == 0 && o->n_texts == 0 && o->n_pictures == 0 && !o->nothing) {
        c->o.paths = standard_input;
        c->o.n_paths = 1;
    }
    c->fd = -1;
    c->chunk = t5g_alloc_raw(CHUNK, 1);
    return c;
}

static void
close_input(struct t5g_corpus *c)
{
    t5g_members_close(c->members);
    t5g_unpack_close(c->in);
    if (c->fd > 0)
        close(c->fd);
    c->members = NULL;
    c->in = NULL;
    c->fd = -1;
}

void
t5g_corpus_close(struct t5g_corpus *c)
{
    if (c == NULL)
        return;
    close_input(c);
    t5g_buf_free(&c->line);
    t5g_free(c->chunk);
    t5g_free(c);
}

/* Report a skipped member of an archive, or a warning. */
static void
note(void *arg, const char *member, const char *what)
{
    const struct t5g_corpus *c = arg;
    if (c->o.note != NULL)
        c->o.note(c->name, member, what);
}

static int
open_next(struct t5g_corpus *c, struct t5g_err *e)
{
    const char *path = c->o.paths[c->path++];
    bool standard = strcmp(path, "-") == 0;
    struct stat st;
    c->name = standard ? "stdin" : path;
    c->record = 0;
    c->fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (c->fd < 0)
        return t5g_err_sys(e, T5G_EX_NOINPUT, "%s: cannot open", path);
    if (fstat(c->fd, &st) == 0 && S_ISDIR(st.st_mode))
        return t5g_err_set(e, T5G_EX_NOINPUT, "%s: is a directory", path);
    c->at = c->have = 0;
    if ((c->in = t5g_unpack_open(c->fd, e)) == NULL)
        return t5g_err_in(e, "%s", c->name);
    bool archive = t5g_unpack_is_archive(c->in);
    enum t5g_packing promised = t5g_packing_named(path);
    if (promised == T5G_TAR && !archive) /* with damaged first bytes, it would pass for text */
        return t5g_err_set(e, T5G_EX_DATA, "%s: not an archive, contrary to its name", path);
    if (promised != T5G_PLAIN && t5g_unpack_is_plain(c->in))
        return t5g_err_set(e, T5G_EX_DATA, "%s: not compressed, contrary to its name", path);
    const char *foreign = t5g_unpack_foreign(c->in);
    if (foreign != NULL)
        return t5g_err_set(e, T5G_EX_DATA, "%s: %s, which is not read", c->name, foreign);
    if (!archive)
        return 0;
    if (c->o.mode != T5G_CORPUS_FILE || c->o.n_pictures > 0)
        return t5g_err_set(e, T5G_EX_USAGE,
                           "%s: is an archive, which has documents of its own: "
                           "leave out -l, -0, --jsonl and -i",
                           c->name);
    t5g_unpack_set_note(c->in, note, c);
    c->members =
        t5g_members_open(c->in, &(struct t5g_members_options){.archive = t5g_corpus_id(path),
                                                              .keep_newline = c->o.keep_newline,
                                                              .note = note,
                                                              .note_arg = c});
    return 0;
}

/*
 * An operand that cannot be opened or read becomes a failed document (1) with the id of its next
 * record. An error of standard input or the system, or damage to an archive or compressed file,
 * ends the run (-1).
 */
static int
unreadable(struct t5g_corpus *c, struct t5g_corpus_doc *d, const struct t5g_err *cause,
           struct t5g_err *e)
{
    bool alone =
        c->members == NULL && strcmp(c->o.paths[c->path - 1], "-") != 0 &&
        (cause->code == T5G_EX_NOINPUT || cause->code == T5G_EX_PERM || cause->code == T5G_EX_IO);
    if (!alone) {
        if (e != NULL)
            *e = *cause;
        return -1;
    }
    d->id.n = 0;
    t5g_buf_adds(&d->id, t5g_corpus_id(c->name));
    if (c->record > 0)
        t5g_buf_printf(&d->id, ":%zu", c->record + 1);
    d->fault = *cause;
    close_input(c);
    return 1;
}

/* After the last document of an archive. */
static int
end_archive(struct t5g_corpus *c, struct t5g_err *e)
{
    if (t5g_members_documents(c->members) == 0 && !c->o.allow_empty)
        return t5g_err_set(e, T5G_EX_DATA, "%s: no documents in this archive", c->name);
    return 0;
}

const char *
t5g_corpus_id(const char *path)
{
    const char *slash = path[0] == '/' ? strrchr(path, '/') : NULL;
    if (strcmp(path, "-") == 0)
        return "stdin";
    return slash != NULL && slash[1] != '\0' ? slash + 1 : path;
}

/*
 * Add a picture and read it whole; if that fails, it is the document's fault. regular: accept only
 * regular files, since a line of data must not make the program open devices or pipes.
 */
static void
add_picture(struct t5g_corpus_doc *d, const char *path, bool regular)
{
    struct stat st;
    if (d->n_pictures == T5G_PICTURES_MAX) {
        if (d->fault.code == 0)
            t5g_err_set(&d->fault, T5G_EX_DATA, "more than %d pictures", T5G_PICTURES_MAX);
        return;
    }
    struct t5g_corpus_picture *p = t5g_corpus_doc_picture(d);
    t5g_buf_adds(&p->name, path);
    if (d->fault.code != 0)
        return;
    bool standard = !regular && strcmp(path, "-") == 0;
    int fd =
        standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | (regular ? O_NONBLOCK : 0));
    if (fd < 0)
        t5g_err_sys(&d->fault, T5G_EX_NOINPUT, "%s: cannot open", path);
    else if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
        t5g_err_set(&d->fault, T5G_EX_NOINPUT, "%s: is a directory", path);
    else if (regular && !S_ISREG(st.st_mode))
        t5g_err_set(&d->fault, T5G_EX_NOINPUT, "%s: not a regular file", path);
    else
        t5g_read_all(fd, path, T5G_PICTURE_MAX, &p->bytes, &d->fault);
    if (fd > 0)
        close(fd);
    if (p->bytes.cap / 2 > p->bytes.n) { /* there may be many small pictures */
        struct t5g_buf all = p->bytes;
        p->bytes = (struct t5g_buf){0};
        t5g_buf_add(&p->bytes, all.p, all.n);
        t5g_buf_free(&all);
    }
}

/*
 * Append the bytes up to `end` (or end of file if end < 0) to out, at most T5G_TEXT_MAX of them;
 * *excess counts those beyond. 1 with a record, 0 at end of file without one, -1 with e.
 */
static int
read_record(struct t5g_corpus *c, int end, struct t5g_buf *out, size_t *excess, struct t5g_err *e)
{
    bool any = end < 0; /* a whole file is a document even if it is empty */
    *excess = 0;
    for (;;) {
        if (c->at == c->have) {
            c->at = 0;
            if (t5g_unpack_read(c->in, c->chunk, CHUNK, &c->have, e) != 0)
                return t5g_err_in(e, "%s", c->name);
            if (c->have == 0)
                return any ? 1 : 0;
        }
        const char *p = c->chunk + c->at, *q = end < 0 ? NULL : memchr(p, end, c->have - c->at);
        size_t n = q != NULL ? (size_t)(q - p) : c->have - c->at;
        size_t take = t5g_min(n, T5G_TEXT_MAX - out->n);
        t5g_buf_add(out, p, take);
        *excess += n - take;
        c->at += n + (q != NULL);
        any = true;
        if (q != NULL)
            return 1;
    }
}

/* Add a picture named by a JSON line. */
static void
add_named(struct t5g_corpus_doc *d, const char *path, void *arg)
{
    (void)arg;
    add_picture(d, path, true);
}

static void
read_line(struct t5g_corpus *c, struct t5g_corpus_doc *d)
{
    struct t5g_object_options o = {.with_id = true, .image = add_named};
    const char *raw = c->line.p != NULL ? c->line.p : "";
    size_t mark = c->record == 1 ? t5g_utf8_mark(raw, c->line.n) : 0;
    d->has_text = t5g_object_read(d, raw + mark, c->line.n - mark, "JSON line", &o);
    if (!d->has_text && d->n_pictures == 0 && d->fault.code == 0)
        t5g_err_set(&d->fault, T5G_EX_DATA, "JSON line: \"text\" is missing");
}

static int
read_from_input(struct t5g_corpus *c, struct t5g_corpus_doc *d, struct t5g_err *e)
{
    enum t5g_corpus_mode mode = c->o.mode;
    struct t5g_buf *into = mode == T5G_CORPUS_JSONL ? &c->line : &d->text;
    int end = mode == T5G_CORPUS_FILE ? -1 : mode == T5G_CORPUS_NUL ? '\0' : '\n';
    size_t excess;
    c->line.n = 0;
    int r = read_record(c, end, into, &excess, e);
    if (r <= 0)
        return r;
    c->record++;
    t5g_buf_adds(&d->id, t5g_corpus_id(c->name));
    if (mode != T5G_CORPUS_FILE)
        t5g_buf_printf(&d->id, ":%zu", c->record);
    if (excess > 0)
        t5g_err_set(&d->fault, T5G_EX_DATA, "%zu bytes of text, limit %zu", into->n + excess,
                    T5G_TEXT_MAX);
    else if (mode == T5G_CORPUS_JSONL)
        read_line(c, d);
    else if (mode == T5G_CORPUS_FILE && !c->o.keep_newline && d->text.n > 0 &&
             d->text.p[d->text.n - 1] == '\n')
        d->text.p[--d->text.n] = '\0';
    return 1;
}

/* Add the pictures of the options. */
static void
add_pictures(const struct t5g_corpus *c, struct t5g_corpus_doc *d)
{
    for (size_t i = 0; i < c->o.n_pictures; i++)
        add_picture(d, c->o.pictures[i], false);
}

int
t5g_corpus_next(struct t5g_corpus *c, struct t5g_corpus_doc *d, struct t5g_err *e)
{
    d->id.n = d->text.n = d->prompt.n = d->adapter.n = 0;
    t5g_buf_adds(&d->text, ""); /* so that an empty text is not NULL */
    t5g_buf_adds(&d->prompt, "");
    t5g_buf_adds(&d->adapter, "");
    d->has_text = true;
    d->has_prompt = d->has_adapter = false;
    d->n_pictures = d->n_targets = 0;
    d->fault.code = 0;
    if (c->text < c->o.n_texts) {
        t5g_buf_adds(&d->text, c->o.texts[c->text++]);
        if (c->o.n_pictures > 0) /* a question about the picture rather than a text */
            t5g_buf_adds(&d->id, t5g_corpus_id(c->o.pictures[0]));
        else
            t5g_buf_printf(&d->id, "e%zu", c->text);
        add_pictures(c, d);
        return 1;
    }
    if (c->o.n_texts == 0 && c->o.n_paths == 0 && c->o.n_pictures > 0) {
        if (c->alone)
            return 0;
        c->alone = true;
        d->has_text = false;
        t5g_buf_adds(&d->id, t5g_corpus_id(c->o.pictures[0]));
        add_pictures(c, d);
        return 1;
    }
    for (;;) {
        struct t5g_err cause = {0};
        if (c->fd < 0) {
            if (c->path == c->o.n_paths)
                return 0;
            if (open_next(c, &cause) < 0)
                return unreadable(c, d, &cause, e);
        }
        bool archive = c->members != NULL;
        int r = archive ? t5g_members_next(c->members, d, &cause) : read_from_input(c, d, &cause);
        if (r < 0 && archive)
            t5g_err_in(&cause, "%s", c->name);
        if (r < 0)
            return unreadable(c, d, &cause, e);
        if (r != 0 && (archive || c->o.mode != T5G_CORPUS_FILE))
            return r;
        if (archive && end_archive(c, e) < 0)
            return -1;
        close_input(c);
        if (r > 0)
            add_pictures(c, d);
        if (r != 0)
            return r;
    }
}
