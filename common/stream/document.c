/* document.c: whole documents of one or several streams. */
#include "stream/document.h"
#include "archive/unpack.h"
#include "base/json.h"
#include "base/stop.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void
t5g_doc_clear(struct t5g_doc *d)
{
    for (size_t i = 0; i < d->n_owned; i++)
        t5g_free(d->owned[i]);
    t5g_free(d->owned);
    t5g_free(d->items);
    t5g_free(d->id);
    *d = (struct t5g_doc){0};
}

static void
own(struct t5g_doc *d, void *p)
{
    d->owned = t5g_grow(d->owned, d->n_owned, &d->cap_owned, sizeof *d->owned);
    d->owned[d->n_owned++] = p;
}

/* A frame whose bytes stay valid as long as the document. */
static struct t5g_frame
keep(struct t5g_doc *d, struct t5g_reader *r, const struct t5g_frame *f)
{
    struct t5g_frame k = *f;
    void *payload;
    k.meta = t5g_memdup(f->meta, f->meta_len);
    own(d, (void *)(uintptr_t)k.meta);
    t5g_reader_keep(r, &payload);
    if (payload != NULL)
        own(d, payload);
    return k;
}

static void
add_item(struct t5g_doc *d, struct t5g_frame f)
{
    d->items = t5g_grow(d->items, d->n_items, &d->cap_items, sizeof *d->items);
    d->items[d->n_items++] = f;
}

const struct t5g_frame *
t5g_doc_find(const struct t5g_doc *d, const char *name)
{
    for (size_t i = 0; i < d->n_items; i++)
        if (t5g_frame_is(&d->items[i], name))
            return &d->items[i];
    return NULL;
}

int
t5g_doc_only(const struct t5g_doc *d, const char *name, int kind, const struct t5g_frame **out,
             struct t5g_err *e)
{
    size_t n = 0;
    *out = NULL;
    for (size_t i = 0; i < d->n_items; i++) {
        if (!t5g_frame_is(&d->items[i], name))
            continue;
        *out = &d->items[i];
        n++;
    }
    if (n > 1)
        return t5g_err_set(e, T5G_EX_DATA, "%s: %zu frames of this name, expected one", name, n);
    if (n == 1 && (*out)->kind != kind)
        return t5g_err_set(e, T5G_EX_DATA, "%s: kind '%c', expected a %s", name, (*out)->kind,
                           kind == T5G_KIND_TEXT ? "TEXT" : "TENSOR");
    return (int)n;
}

int
t5g_doc_tensor(const struct t5g_doc *d, const char *name, int dtype, size_t ndim,
               const struct t5g_frame **out, struct t5g_err *e)
{
    const struct t5g_frame *f;
    int n = t5g_doc_only(d, name, T5G_KIND_TENSOR, &f, e);
    if (n < 0)
        return -1;
    if (n == 0)
        return t5g_err_set(e, T5G_EX_DATA, "no %s frame", name);
    if (f->dtype != dtype)
        return t5g_err_set(e, T5G_EX_DATA, "%s: dtype %s, expected %s", name,
                           t5g_dtype_name(f->dtype), t5g_dtype_name(dtype));
    if (f->ndim != ndim)
        return t5g_err_set(e, T5G_EX_DATA, "%s: %u dimensions, expected %zu", name, f->ndim, ndim);
    *out = f;
    return 0;
}

int
t5g_doc_write_open(struct t5g_writer *w, const struct t5g_doc *d,
                   bool (*skip)(const char *name, void *arg), void *arg, struct t5g_err *e)
{
    char name[256];
    if (t5g_writer_frame(w, &d->open, e) < 0)
        return -1;
    for (size_t i = 0; i < d->n_items; i++) {
        if (skip != NULL)
            t5g_frame_name(&d->items[i], name, sizeof name);
        if ((skip == NULL || !skip(name, arg)) && t5g_writer_frame(w, &d->items[i], e) < 0)
            return -1;
    }
    return 0;
}

int
t5g_doc_write(struct t5g_writer *w, const struct t5g_doc *d,
              bool (*skip)(const char *name, void *arg), void *arg, struct t5g_err *e)
{
    t5g_stop_hold();
    int r = t5g_doc_write_open(w, d, skip, arg, e) < 0 ? -1 : t5g_writer_frame(w, &d->close, e);
    t5g_stop_release();
    return r;
}

struct t5g_source {
    char *const *paths;
    size_t n, next;
    char *standard[1];
    uint64_t max_frame;
    bool force, started;
    unsigned compared; /* T5G_BY_... */
    struct t5g_reader *reader;
    struct t5g_writer *pass; /* gets the frames outside documents; NULL: none */
    struct t5g_head head;    /* of the first segment */
    struct t5g_head later;   /* of the segment being read, if that is not the first */
    struct t5g_head all;     /* what the segments so far name, for comparison; no meta */
    struct t5g_err upstream; /* from the ERROR outside a document that explains END; code 0: none */
    char tool[64];           /* that wrote that ERROR */
    struct t5g_cause cause;  /* the same, for t5g_source_cause; tool NULL before END */
    char name[256];
    bool hold;
    struct t5g_reader **held; /* [n_held] readers at their end, with documents still in use */
    size_t n_held, cap_held;
};

struct t5g_source *
t5g_source_open(char *const *paths, size_t n, uint64_t max_frame, bool force)
{
    static char dash[] = "-";
    struct t5g_source *s = t5g_alloc(1, sizeof *s);
    s->standard[0] = dash;
    s->paths = n > 0 ? paths : s->standard;
    s->n = n > 0 ? n : 1;
    s->max_frame = max_frame;
    s->force = force;
    s->compared = T5G_BY_ALL;
    snprintf(s->name, sizeof s->name, "%s", strcmp(s->paths[0], "-") == 0 ? "stdin" : s->paths[0]);
    return s;
}

struct t5g_source *
t5g_source_open_fd(int fd, const char *name, uint64_t max_frame)
{
    struct t5g_source *s = t5g_alloc(1, sizeof *s);
    s->reader = t5g_reader_open_fd(fd, true, name, max_frame);
    s->max_frame = max_frame;
    snprintf(s->name, sizeof s->name, "%s", name);
    return s;
}

void
t5g_source_close(struct t5g_source *s)
{
    if (s == NULL)
        return;
    t5g_source_release(s);
    t5g_reader_close(s->reader);
    t5g_head_clear(&s->head);
    t5g_head_clear(&s->later);
    t5g_free(s);
}

void
t5g_source_hold(struct t5g_source *s)
{
    s->hold = true;
}

void
t5g_source_release(struct t5g_source *s)
{
    for (size_t i = 0; i < s->n_held; i++)
        t5g_reader_close(s->held[i]);
    t5g_free(s->held);
    s->held = NULL;
    s->n_held = s->cap_held = 0;
}

bool
t5g_source_ready(const struct t5g_source *s)
{
    struct stat st;
    if (s->reader != NULL)
        return t5g_reader_ready(s->reader);
    return s->next == s->n || (stat(s->paths[s->next], &st) == 0 && S_ISREG(st.st_mode));
}

/* An input was read to its end. */
static void
retire(struct t5g_source *s)
{
    if (s->hold) {
        s->held = t5g_grow(s->held, s->n_held, &s->cap_held, sizeof *s->held);
        s->held[s->n_held++] = s->reader;
    } else {
        t5g_reader_close(s->reader);
    }
    s->reader = NULL;
}

void
t5g_source_compare(struct t5g_source *s, unsigned what)
{
    s->compared = what;
}

void
t5g_source_after(struct t5g_source *s, const struct t5g_source *earlier)
{
    t5g_head_merge(&s->all, &earlier->all);
}

const struct t5g_head *
t5g_source_head(const struct t5g_source *s)
{
    return &s->head;
}

const struct t5g_head *
t5g_source_segment(const struct t5g_source *s)
{
    return s->later.meta != NULL ? &s->later : &s->head;
}

const char *
t5g_source_name(const struct t5g_source *s)
{
    return s->name;
}

void
t5g_source_pass(struct t5g_source *s, struct t5g_writer *w)
{
    s->pass = w;
}

static int
take_head(struct t5g_source *s, const struct t5g_frame *f, struct t5g_err *e)
{
    struct t5g_head h;
    if (t5g_head_read(&h, f->meta, f->meta_len, e) < 0)
        return t5g_err_in(e, "%s", s->name);
    s->upstream.code = 0;
    int r = s->force ? 0 : t5g_head_agree(&s->all, &h, s->compared, s->name, e);
    /* Later segments may not differ from each other either, even if the first one names nothing. */
    t5g_head_merge(&s->all, &h);
    t5g_head_clear(&s->later);
    *(s->started ? &s->later : &s->head) = h;
    s->started = true;
    return r;
}

struct t5g_cause
t5g_cause_read(const struct t5g_frame *error, int code, struct t5g_buf *keep)
{
    struct t5g_json *j = t5g_json_parse(error->meta, error->meta_len, "ERROR", NULL);
    const char *tool = t5g_json_str(t5g_json_get(j, "tool")),
               *msg = t5g_json_str(t5g_json_get(j, "msg"));
    int64_t said = code;
    if (!t5g_json_int(t5g_json_get(j, "code"), 0, INT32_MAX, &said))
        said = code;
    keep->n = 0;
    t5g_buf_adds(keep, msg != NULL ? msg : "no reason given");
    size_t at = keep->n + 1;
    t5g_buf_addc(keep, '\0');
    if (tool != NULL)
        t5g_buf_adds(keep, tool);
    t5g_json_free(j);
    return (struct t5g_cause){tool != NULL ? keep->p + at : NULL, (int)said, keep->p};
}

/* Why the program upstream gave up, from its ERROR frame outside any document. */
static void
take_upstream_error(struct t5g_source *s, const struct t5g_frame *f)
{
    struct t5g_buf keep = {0};
    struct t5g_cause c = t5g_cause_read(f, T5G_EX_UPSTREAM, &keep);
    snprintf(s->tool, sizeof s->tool, "%s", c.tool != NULL ? c.tool : "upstream");
    t5g_err_set(&s->upstream, c.code > 0 && c.code <= 255 ? c.code : T5G_EX_UPSTREAM, "%s", c.msg);
    t5g_buf_free(&keep);
}

static int
take_end(struct t5g_source *s, const struct t5g_frame *f, struct t5g_err *e)
{
    struct t5g_end x;
    t5g_end_take(&x, f->data);
    if (x.status == 0)
        return 0;
    if (s->upstream.code == 0)
        return t5g_err_set(e, T5G_EX_UPSTREAM, "%s: upstream failed with status %u", s->name,
                           x.status);
    s->cause = (struct t5g_cause){s->tool, s->upstream.code, s->upstream.msg};
    t5g_err_set(e, T5G_EX_UPSTREAM, "%s failed: %s", s->tool, s->upstream.msg);
    return strcmp(s->name, "stdin") == 0 ? -1 : t5g_err_in(e, "%s", s->name);
}

const struct t5g_cause *
t5g_source_cause(const struct t5g_source *s)
{
    return s->cause.tool != NULL ? &s->cause : NULL;
}

/* A file that is standard input could be read a second time, a pipe not. */
static int
check_dashes(const struct t5g_source *s, struct t5g_err *e)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++)
        n += strcmp(s->paths[i], "-") == 0;
    return n < 2 ? 0 : t5g_err_set(e, T5G_EX_USAGE, "-: standard input can be read only once");
}

/* Next frame of a document. Opens inputs and handles HEAD and END on the way; with stop_at_head,
 * returns 2 at a HEAD. */
static int
next_frame(struct t5g_source *s, struct t5g_frame *f, bool stop_at_head, struct t5g_err *e)
{
    for (;;) {
        if (s->reader == NULL) {
            if (s->next == s->n)
                return 0;
            if (s->next == 0 && check_dashes(s, e) < 0)
                return -1;
            const char *path = s->paths[s->next++];
            snprintf(s->name, sizeof s->name, "%s", strcmp(path, "-") == 0 ? "stdin" : path);
            if ((s->reader = t5g_reader_open(path, s->max_frame, e)) == NULL)
                return -1;
        }
        int r = t5g_reader_next(s->reader, f, e);
        if (r < 0)
            return -1;
        if (r == 0) {
            retire(s);
        } else if (f->kind == T5G_KIND_HEAD) {
            if (take_head(s, f, e) < 0)
                return -1;
            if (stop_at_head)
                return 2;
        } else if (f->kind == T5G_KIND_ERROR && f->doc_key == 0) {
            take_upstream_error(s, f);
        } else if (f->kind == T5G_KIND_END) {
            if (take_end(s, f, e) < 0)
                return -1;
        } else if (f->doc_key != 0) {
            return 1;
        } else if (s->pass != NULL && t5g_writer_frame(s->pass, f, e) < 0) {
            return -1;
        }
    }
}

int
t5g_source_start(struct t5g_source *s, struct t5g_err *e)
{
    struct t5g_frame f;
    return s->started || next_frame(s, &f, true, e) == 2 ? 0 : -1;
}

int
t5g_source_frame(struct t5g_source *s, struct t5g_frame *f, struct t5g_err *e)
{
    return next_frame(s, f, false, e);
}

static void
take_id(struct t5g_doc *d)
{
    struct t5g_buf id = {0};
    t5g_buf_adds(&id, ""); /* so that an empty one is not NULL */
    t5g_frame_label(&d->open, &id);
    d->id = id.p;
    d->id_len = id.n;
}

int
t5g_source_next(struct t5g_source *s, struct t5g_doc *d, struct t5g_err *e)
{
    struct t5g_frame f;
    int r;
    t5g_doc_clear(d);
    while ((r = next_frame(s, &f, false, e)) == 1) {
        struct t5g_frame k = keep(d, s->reader, &f);
        if (k.kind == T5G_KIND_DOC) {
            d->open = k;
            take_id(d);
        } else if (k.kind == T5G_KIND_CLOSE || k.kind == T5G_KIND_ERROR) {
            d->close = k;
            d->failed = k.kind == T5G_KIND_ERROR;
            return 1;
        } else {
            add_item(d, k);
        }
    }
    return r;
}

bool
t5g_may_be_stream(const char *path)
{
    char magic[512];
    struct stat st;
    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
        return true; /* a pipe cannot be read twice */
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return true;
    ssize_t n = read(fd, magic, sizeof magic);
    close(fd);
    return n >= 4 && (memcmp(magic, T5G_FRAME_MAGIC, 4) == 0 || t5g_unpack_known(magic, (size_t)n));
}
