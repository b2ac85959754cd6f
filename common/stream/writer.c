/* writer.c: one segment of a stream, with the counts and the chain for END. */
#include "stream/writer.h"
#include "base/bug.h"
#include "base/hash.h"
#include "base/io.h"
#include "base/jsonstr.h"
#include "base/stop.h"
#include "base/utf8.h"
#include "stream/stream_head.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUFFER ((size_t)1 << 16) /* collects small frames; larger payloads are not copied */
#define LAST   ((size_t)1 << 14) /* more room, for the frames of t5g_writer_abandon */

enum state { NOTHING, IN_SEGMENT, IN_DOC, AFTER_ERROR, ENDED };

struct t5g_writer {
    int fd;
    char *name;
    enum state state;
    uint64_t doc_key, len, frames, docs_ok, docs_failed;
    struct t5g_hash *chain;
    struct t5g_buf out;
    bool broken; /* a write failed, perhaps in the middle of a frame */
    bool last;   /* in t5g_writer_abandon: frames go into the room after BUFFER */
};

struct t5g_writer *
t5g_writer_open(int fd, const char *name)
{
    struct t5g_writer *w = t5g_alloc(1, sizeof *w);
    w->fd = fd;
    w->name = t5g_strdup(name);
    w->chain = t5g_hash_open();
    t5g_buf_reserve(&w->out, BUFFER + LAST);
    return w;
}

void
t5g_writer_free(struct t5g_writer *w)
{
    if (w == NULL)
        return;
    t5g_hash_close(w->chain);
    t5g_buf_free(&w->out);
    t5g_free(w->name);
    t5g_free(w);
}

/* A call out of order is a bug of the program, whatever its input. */
static void
expect(bool right)
{
    if (!right)
        t5g_bug("frames written out of order");
}

int
t5g_writer_flush(struct t5g_writer *w, struct t5g_err *e)
{
    t5g_stop_hold();
    int r = w->out.n > 0 ? t5g_write_full(w->fd, w->name, w->out.p, w->out.n, e) : 0;
    w->out.n = 0;
    w->broken = w->broken || r < 0;
    t5g_stop_release();
    return r;
}

bool
t5g_writer_holds(const struct t5g_writer *w)
{
    return w->out.n > 0;
}

static int
add(struct t5g_writer *w, const void *p, size_t n, struct t5g_err *e)
{
    if (!w->last && w->out.n + n > BUFFER && t5g_writer_flush(w, e) < 0)
        return -1;
    if (n > BUFFER) {
        int r = t5g_write_full(w->fd, w->name, p, n, e);
        w->broken = w->broken || r < 0;
        return r;
    }
    t5g_buf_add(&w->out, p, n);
    return 0;
}

/* Append a frame; all frames go through here. known: f->payload_hash is already set. */
static int
put(struct t5g_writer *w, struct t5g_frame *f, bool known, struct t5g_err *e)
{
    static const char zero[T5G_ALIGN];
    unsigned char header[T5G_FRAME_HEADER];
    uint64_t total = t5g_frame_put_header(header, f, known);
    size_t meta_pad = (size_t)(t5g_round_up(sizeof header + f->meta_len, T5G_ALIGN) -
                               sizeof header - f->meta_len);
    size_t pad = (size_t)(total - sizeof header - f->meta_len - meta_pad - f->size);
    if (add(w, header, sizeof header, e) < 0 || add(w, f->meta, f->meta_len, e) < 0 ||
        add(w, zero, meta_pad, e) < 0 || add(w, f->data, (size_t)f->size, e) < 0 ||
        add(w, zero, pad, e) < 0)
        return -1;
    w->len += total;
    w->frames++;
    t5g_hash_add(w->chain, header + 120, 8);
    return 0;
}

/* Check and append a frame. */
static int
send(struct t5g_writer *w, struct t5g_frame *f, bool known, struct t5g_err *e)
{
    /* Errors here come from the input, so the output's name would mislead. */
    bool read = f->label_len > 0; /* from a stream, checked by its reader */
    if (t5g_frame_check(f, UINT64_MAX, e) < 0 ||
        (!read && (t5g_frame_check_meta(f, e) < 0 || t5g_frame_check_text(f, e) < 0)))
        return -1;
    return put(w, f, known, e);
}

static struct t5g_frame
make(const struct t5g_writer *w, int kind, const char *meta, size_t n)
{
    return (struct t5g_frame){.kind = (uint8_t)kind,
                              .doc_key = w->state == IN_DOC ? w->doc_key : 0,
                              .meta = meta,
                              .meta_len = n,
                              .data = (const unsigned char *)""};
}

int
t5g_writer_head(struct t5g_writer *w, const char *meta, struct t5g_err *e)
{
    expect(w->state == NOTHING);
    struct t5g_frame f = make(w, T5G_KIND_HEAD, meta, strlen(meta));
    struct t5g_head h;
    if (t5g_head_read(&h, meta, strlen(meta), e) < 0)
        return -1;
    t5g_head_clear(&h);
    t5g_stop_hold();
    int r = send(w, &f, false, e);
    if (r == 0)
        w->state = IN_SEGMENT;
    t5g_stop_release();
    return r;
}

int
t5g_writer_begin(struct t5g_writer *w, const struct t5g_head *in, const char *tool,
                 const struct t5g_head_entry *own, struct t5g_err *e)
{
    char *meta = t5g_head_make(in, tool, own);
    int r = t5g_writer_head(w, meta, e);
    t5g_free(meta);
    return r;
}

/*
 * Make an id valid in a meta: a file name may be ill-formed UTF-8, and an id from JSON lines may
 * contain NUL. Both become U+FFFD, so that even such a document can be written.
 */
static void
clean_id(struct t5g_buf *out, const char *id, size_t n)
{
    t5g_buf_adds(out, "");
    while (n > 0) {
        const char *nul = memchr(id, '\0', n);
        size_t len = nul != NULL ? (size_t)(nul - id) : n;
        t5g_utf8_replace(out, id, len);
        if (nul != NULL)
            t5g_buf_adds(out, "\xef\xbf\xbd");
        id += len + (nul != NULL);
        n -= len + (nul != NULL);
    }
}

/* Complete an object after its first member. */
static void
add_members(struct t5g_buf *meta, const char *extra)
{
    if (extra != NULL && extra[0] != '\0') {
        t5g_buf_addc(meta, ',');
        t5g_buf_adds(meta, extra);
    }
    t5g_buf_addc(meta, '}');
}

int
t5g_writer_doc(struct t5g_writer *w, const char *id, size_t id_len, const char *extra,
               struct t5g_err *e)
{
    struct t5g_buf meta = {0}, clean = {0};
    expect(w->state == IN_SEGMENT);
    clean_id(&clean, id, id_len);
    t5g_buf_adds(&meta, "{\"id\":");
    t5g_jsonstr_write(&meta, clean.p, clean.n);
    add_members(&meta, extra);
    struct t5g_frame f = make(w, T5G_KIND_DOC, meta.p, meta.n);
    f.doc_key = t5g_doc_key(clean.p, clean.n);
    t5g_stop_hold();
    int r = send(w, &f, false, e);
    if (r == 0) {
        w->state = IN_DOC;
        w->doc_key = f.doc_key;
    }
    t5g_stop_release();
    t5g_buf_free(&clean);
    t5g_buf_free(&meta);
    return r;
}

static int
send_named(struct t5g_writer *w, struct t5g_frame *f, const char *name, const char *extra,
           struct t5g_err *e)
{
    struct t5g_buf meta = {0};
    expect(w->state == IN_DOC);
    t5g_buf_adds(&meta, "{\"name\":");
    t5g_jsonstr_write(&meta, name, strlen(name));
    add_members(&meta, extra);
    f->meta = meta.p;
    f->meta_len = meta.n;
    t5g_stop_hold();
    int r = send(w, f, false, e);
    t5g_stop_release();
    t5g_buf_free(&meta);
    return r;
}

int
t5g_writer_tensor(struct t5g_writer *w, const char *name, int dtype, size_t ndim,
                  const uint64_t *dims, const void *data, const char *extra, struct t5g_err *e)
{
    struct t5g_frame f = make(w, T5G_KIND_TENSOR, NULL, 0);
    expect(ndim <= T5G_FRAME_NDIM_MAX && t5g_dtype_size(dtype) > 0);
    f.dtype = (uint8_t)dtype;
    f.ndim = (uint8_t)ndim;
    f.size = t5g_dtype_size(dtype);
    for (size_t i = 0; i < ndim; i++) {
        f.dims[i] = dims[i];
        f.size *= dims[i];
    }
    if (f.size > 0)
        f.data = data;
    return send_named(w, &f, name, extra, e);
}

int
t5g_writer_text(struct t5g_writer *w, const char *name, const char *text, size_t n,
                struct t5g_err *e)
{
    struct t5g_frame f = make(w, T5G_KIND_TEXT, NULL, 0);
    f.size = n;
    if (n > 0)
        f.data = (const unsigned char *)text;
    return send_named(w, &f, name, NULL, e);
}

int
t5g_writer_close(struct t5g_writer *w, const char *meta, struct t5g_err *e)
{
    expect(w->state == IN_DOC);
    struct t5g_frame f =
        make(w, T5G_KIND_CLOSE, meta != NULL ? meta : "{}", strlen(meta != NULL ? meta : "{}"));
    t5g_stop_hold();
    int r = send(w, &f, false, e);
    if (r == 0) {
        w->state = IN_SEGMENT;
        w->docs_ok++;
    }
    t5g_stop_release();
    return r;
}

int
t5g_writer_error(struct t5g_writer *w, const char *tool, int code, const char *msg,
                 struct t5g_err *e)
{
    struct t5g_buf meta = {0};
    expect(w->state == IN_DOC || w->state == IN_SEGMENT);
    t5g_buf_adds(&meta, "{\"tool\":");
    t5g_jsonstr_write(&meta, tool, strlen(tool));
    t5g_buf_printf(&meta, ",\"code\":%d,\"msg\":", code);
    t5g_jsonstr_write(&meta, msg, strlen(msg));
    t5g_buf_addc(&meta, '}');
    struct t5g_frame f = make(w, T5G_KIND_ERROR, meta.p, meta.n);
    t5g_stop_hold();
    int r = send(w, &f, false, e);
    if (r == 0) {
        w->docs_failed += w->state == IN_DOC;
        w->state = w->state == IN_DOC ? IN_SEGMENT : AFTER_ERROR;
    }
    t5g_stop_release();
    t5g_buf_free(&meta);
    return r;
}

int
t5g_writer_frame(struct t5g_writer *w, const struct t5g_frame *in, struct t5g_err *e)
{
    struct t5g_frame f = *in;
    bool item = f.kind == T5G_KIND_TENSOR || f.kind == T5G_KIND_TEXT || !t5g_kind_critical(f.kind);
    bool ends = f.kind == T5G_KIND_CLOSE || f.kind == T5G_KIND_ERROR;
    if (f.kind == T5G_KIND_DOC) {
        expect(w->state == IN_SEGMENT && f.doc_key != 0);
    } else {
        expect((w->state == IN_DOC && (item || ends)) ||
               (w->state == IN_SEGMENT && !t5g_kind_critical(f.kind)));
        f.doc_key = w->state == IN_DOC ? w->doc_key : 0;
    }
    t5g_stop_hold();
    int r = send(w, &f, true, e);
    if (r == 0 && f.kind == T5G_KIND_DOC) {
        w->state = IN_DOC;
        w->doc_key = f.doc_key;
    } else if (r == 0 && ends) {
        w->state = IN_SEGMENT;
        w->docs_ok += f.kind == T5G_KIND_CLOSE;
        w->docs_failed += f.kind == T5G_KIND_ERROR;
    }
    t5g_stop_release();
    return r;
}

/* The END frame, with its payload in `payload`. */
static struct t5g_frame
make_end(const struct t5g_writer *w, int status, unsigned char payload[64])
{
    struct t5g_end x = {.stream_len = w->len + T5G_FRAME_END_SIZE,
                        .frames = w->frames + 1,
                        .docs_ok = w->docs_ok,
                        .docs_failed = w->docs_failed,
                        .chain = t5g_hash_get64(w->chain),
                        .status = (uint32_t)status};
    t5g_end_put(payload, &x);
    struct t5g_frame f = make(w, T5G_KIND_END, NULL, 0);
    f.data = payload;
    f.size = 64;
    return f;
}

int
t5g_writer_end(struct t5g_writer *w, int status, struct t5g_err *e)
{
    unsigned char payload[64];
    expect(w->state == IN_SEGMENT || (w->state == AFTER_ERROR && status != 0));
    struct t5g_frame f = make_end(w, status, payload);
    t5g_stop_hold();
    w->state = ENDED;
    int r = send(w, &f, false, e) < 0 ? -1 : t5g_writer_flush(w, e);
    t5g_stop_release();
    return r;
}

/* Append an ERROR frame with this meta to the buffer. */
static void
put_error(struct t5g_writer *w, const struct t5g_buf *meta)
{
    struct t5g_frame f = make(w, T5G_KIND_ERROR, meta->p, meta->n);
    (void)put(w, &f, false, NULL);
    w->docs_failed += w->state == IN_DOC;
    w->state = w->state == IN_DOC ? IN_SEGMENT : AFTER_ERROR;
}

void
t5g_writer_abandon(struct t5g_writer *w, int status, const char *tool, int code, const char *msg)
{
    unsigned char payload[64];
    char room[LAST / 2], number[16];
    struct t5g_buf meta = {room, 0, sizeof room};
    if (w->broken || w->state == ENDED || w->state == AFTER_ERROR)
        return;
    w->last = true;
    if (w->state == NOTHING) {
        t5g_buf_adds(&meta, "{\"t5g\":1,\"pg\":[{\"id\":");
        t5g_jsonstr_write(&meta, tool, strlen(tool));
        t5g_buf_adds(&meta, ",\"vn\":\"" T5G_VERSION "\"}]}");
        struct t5g_frame f = make(w, T5G_KIND_HEAD, meta.p, meta.n);
        (void)put(w, &f, false, NULL);
        w->state = IN_SEGMENT;
    }
    size_t digits = sizeof number - 1;
    number[digits] = '\0';
    for (int c = code; c > 0 && digits > 0; c /= 10)
        number[--digits] = (char)('0' + c % 10);
    meta.n = 0;
    t5g_buf_adds(&meta, "{\"tool\":");
    t5g_jsonstr_write(&meta, tool, strlen(tool));
    t5g_buf_adds(&meta, ",\"code\":");
    t5g_buf_adds(&meta, number + digits);
    t5g_buf_adds(&meta, ",\"msg\":");
    t5g_jsonstr_write(&meta, msg, t5g_min(strlen(msg), 1000)); /* six bytes each at most */
    t5g_buf_addc(&meta, '}');
    if (w->state == IN_DOC)
        put_error(w, &meta);
    put_error(w, &meta);
    struct t5g_frame f = make_end(w, status, payload);
    w->state = ENDED;
    (void)put(w, &f, false, NULL);
    for (size_t at = 0; at < w->out.n;) {
        ssize_t r = write(w->fd, w->out.p + at, w->out.n - at);
        if (r < 0 && errno != EINTR)
            return;
        at += r > 0 ? (size_t)r : 0;
    }
    w->out.n = 0;
}

uint64_t
t5g_writer_docs_ok(const struct t5g_writer *w)
{
    return w->docs_ok;
}

uint64_t
t5g_writer_docs_failed(const struct t5g_writer *w)
{
    return w->docs_failed;
}

bool
t5g_writer_in_doc(const struct t5g_writer *w)
{
    return w->state == IN_DOC;
}

bool
t5g_writer_started(const struct t5g_writer *w)
{
    return w->state != NOTHING;
}
