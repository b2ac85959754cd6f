/* corpus.c: documents from files, lines, NUL-separated texts and JSON lines, in bounded memory. */
#include "store/corpus.h"
#include "base/io.h"
#include "base/jsonstr.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK  ((size_t)1 << 17)
#define ID_MAX 65536 /* bytes of a JSON line's id: it travels in frame metadata, which is small */

struct t5g_corpus {
    struct t5g_corpus_options o;
    size_t text, path;   /* next of o.texts, next of o.paths */
    int fd;              /* input being read, -1 between inputs */
    const char *name;    /* of that input, for messages and ids */
    size_t record;       /* records taken from it so far */
    char *chunk;         /* [CHUNK] */
    size_t at, have;     /* unread part of chunk */
    struct t5g_buf line; /* raw JSON line */
};

void
t5g_corpus_doc_free(struct t5g_corpus_doc *d)
{
    t5g_buf_free(&d->id);
    t5g_buf_free(&d->text);
    t5g_buf_free(&d->prompt);
}

struct t5g_corpus *
t5g_corpus_open(const struct t5g_corpus_options *o)
{
    struct t5g_corpus *c = t5g_alloc(1, sizeof *c);
    static char dash[] = "-", *const standard_input[] = {dash};
    c->o = *o;
    if (o->n_paths == 0 && o->n_texts == 0) {
        c->o.paths = standard_input;
        c->o.n_paths = 1;
    }
    c->fd = -1;
    c->chunk = t5g_alloc_raw(CHUNK, 1);
    return c;
}

void
t5g_corpus_close(struct t5g_corpus *c)
{
    if (c == NULL)
        return;
    if (c->fd > 0)
        close(c->fd);
    t5g_buf_free(&c->line);
    t5g_free(c->chunk);
    t5g_free(c);
}

static int
open_next(struct t5g_corpus *c, struct t5g_err *e)
{
    const char *path = c->o.paths[c->path++];
    bool standard = strcmp(path, "-") == 0;
    struct stat st;
    c->name = standard ? "stdin" : path;
    c->fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (c->fd < 0)
        return t5g_err_sys(e, T5G_EX_NOINPUT, "%s: cannot open", path);
    if (fstat(c->fd, &st) == 0 && S_ISDIR(st.st_mode))
        return t5g_err_set(e, T5G_EX_NOINPUT, "%s: is a directory", path);
    c->record = 0;
    c->at = c->have = 0;
    return 0;
}

static void
close_input(struct t5g_corpus *c)
{
    if (c->fd > 0)
        close(c->fd);
    c->fd = -1;
}

/* What a document of this input is called: the operand as given, of an absolute path the file name.
 */
static const char *
input_id(const struct t5g_corpus *c)
{
    const char *slash = c->name[0] == '/' ? strrchr(c->name, '/') : NULL;
    return slash != NULL && slash[1] != '\0' ? slash + 1 : c->name;
}

/*
 * Append the bytes up to `end` (or end of file when end < 0) to out, at most T5G_TEXT_MAX of them.
 * 1 when a record was read, 0 at end of file with nothing, -1 with e. *excess: bytes beyond the
 * limit.
 */
static int
read_record(struct t5g_corpus *c, int end, struct t5g_buf *out, size_t *excess, struct t5g_err *e)
{
    bool any = end < 0; /* a whole file is a document also when it is empty */
    *excess = 0;
    for (;;) {
        if (c->at == c->have) {
            c->at = 0;
            if (t5g_read_some(c->fd, c->name, c->chunk, CHUNK, &c->have, e) < 0)
                return -1;
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

/* The line's own id, which replaces FILE:LINE. */
static void
read_id(struct t5g_corpus_doc *d, const struct t5g_json_walk *w, bool string)
{
    struct t5g_buf id = {0};
    t5g_buf_adds(&id, "");
    if (string)
        t5g_jsonstr_read(&id, w->value, w->value_len);
    else
        t5g_buf_add(&id, w->value, w->value_len);
    if (memchr(id.p, '\0', id.n) != NULL) {
        t5g_err_set(&d->fault, T5G_EX_DATA, "JSON line: \"id\": NUL is not allowed");
    } else if (id.n > ID_MAX) {
        t5g_err_set(&d->fault, T5G_EX_DATA, "JSON line: \"id\": %zu bytes, limit %d", id.n, ID_MAX);
    } else {
        d->id.n = 0;
        t5g_buf_add(&d->id, id.p, id.n);
    }
    t5g_buf_free(&id);
}

/* Fields of one JSON line; faults go to d->fault. */
static void
read_object(struct t5g_corpus *c, struct t5g_corpus_doc *d)
{
    struct t5g_json_walk w;
    bool has_text = false;
    const char *raw = c->line.p != NULL ? c->line.p : "";
    if (t5g_json_check(raw, c->line.n, true, "JSON line", &d->fault) < 0)
        return;
    if (!t5g_json_walk_open(&w, raw, c->line.n)) {
        t5g_err_set(&d->fault, T5G_EX_DATA, "JSON line: not an object");
        return;
    }
    while (t5g_json_walk_next(&w)) {
        bool string = w.value[0] == '"';
        bool integer = strspn(w.value, "-0123456789") >= w.value_len;
        if (t5g_jsonstr_equal(w.key, w.key_len, "text") && string) {
            t5g_jsonstr_read(&d->text, w.value, w.value_len);
            has_text = true;
        } else if (t5g_jsonstr_equal(w.key, w.key_len, "prompt") && string) {
            t5g_jsonstr_read(&d->prompt, w.value, w.value_len);
            d->has_prompt = true;
        } else if (t5g_jsonstr_equal(w.key, w.key_len, "id") && (string || integer)) {
            read_id(d, &w, string);
        } else if (t5g_jsonstr_equal(w.key, w.key_len, "text") ||
                   t5g_jsonstr_equal(w.key, w.key_len, "prompt") ||
                   t5g_jsonstr_equal(w.key, w.key_len, "id")) {
            t5g_err_set(&d->fault, T5G_EX_DATA, "JSON line: %.*s: expected a string",
                        (int)w.key_len, w.key);
        }
    }
    if (!has_text && d->fault.code == 0)
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
    t5g_buf_adds(&d->id, input_id(c));
    if (mode != T5G_CORPUS_FILE)
        t5g_buf_printf(&d->id, ":%zu", c->record);
    if (excess > 0)
        t5g_err_set(&d->fault, T5G_EX_DATA, "%zu bytes of text, limit %zu", into->n + excess,
                    T5G_TEXT_MAX);
    else if (mode == T5G_CORPUS_JSONL)
        read_object(c, d);
    else if (mode == T5G_CORPUS_FILE && !c->o.keep_newline && d->text.n > 0 &&
             d->text.p[d->text.n - 1] == '\n')
        d->text.p[--d->text.n] = '\0';
    return 1;
}

int
t5g_corpus_next(struct t5g_corpus *c, struct t5g_corpus_doc *d, struct t5g_err *e)
{
    d->id.n = d->text.n = d->prompt.n = 0;
    t5g_buf_adds(&d->text, ""); /* an empty text has a pointer too */
    t5g_buf_adds(&d->prompt, "");
    d->has_prompt = false;
    d->fault.code = 0;
    if (c->text < c->o.n_texts) {
        t5g_buf_adds(&d->text, c->o.texts[c->text++]);
        t5g_buf_printf(&d->id, "e%zu", c->text);
        return 1;
    }
    for (;;) {
        if (c->fd < 0) {
            if (c->path == c->o.n_paths)
                return 0;
            if (open_next(c, e) < 0)
                return -1;
        }
        int r = read_from_input(c, d, e);
        if (r != 0 && c->o.mode != T5G_CORPUS_FILE)
            return r;
        close_input(c);
        if (r != 0)
            return r;
    }
}
