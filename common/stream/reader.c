/*
 * reader.c: the frames of a stream in order, each verified before it is returned.
 *
 * There are two kinds of input behind one interface: a mapped regular file, whose payloads are used
 * in place, and everything else, which is read frame by frame: a pipe, a compressed file, or the
 * members *.t5g of an archive in order. A header is trusted only after its hash over header and
 * meta was verified; even then the payload buffer grows only as bytes arrive.
 */
#include "stream/reader.h"
#include "archive/unpack.h"
#include "base/hash.h"
#include "base/io.h"
#include "stream/stream_head.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define GROW ((size_t)1 << 20)

enum state { AT_START, IN_SEGMENT, IN_DOC, AFTER_ERROR, AFTER_END };

struct t5g_reader {
    int fd;
    bool own, mapped;
    char *name;
    uint64_t max_frame;
    struct t5g_map map;
    struct t5g_unpack *in; /* not mapped; opened at the first read */
    bool in_member;
    uint64_t at; /* offset of the next byte */
    unsigned char header[T5G_FRAME_HEADER];
    struct t5g_buf meta;    /* meta of the current frame, and a NUL */
    unsigned char *payload; /* pipe: payload of the current frame */
    size_t payload_cap;
    enum state state;
    bool explained; /* there was an ERROR outside a document */
    uint64_t doc_key;
    uint64_t segment_start, frames, docs_ok, docs_failed, total;
    struct t5g_hash *chain;
    char last[64]; /* name or kind of the last frame, for messages */
};

struct t5g_reader *
t5g_reader_open_fd(int fd, bool own, const char *name, uint64_t max_frame)
{
    struct t5g_reader *r = t5g_alloc(1, sizeof *r);
    struct stat st;
    r->fd = fd;
    r->own = own;
    r->name = t5g_strdup(name);
    r->max_frame = max_frame;
    r->chain = t5g_hash_open();
    /* A file not at its start is not mapped: the stream is the rest of it. */
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 && lseek(fd, 0, SEEK_CUR) == 0)
        r->mapped = t5g_map_fd(fd, name, &r->map, NULL) == 0;
    t5g_map_cut_status(&r->map, T5G_EX_UPSTREAM);
    if (r->mapped && t5g_unpack_known(r->map.p, r->map.size)) {
        t5g_unmap(&r->map);
        r->mapped = false;
    }
    return r;
}

struct t5g_reader *
t5g_reader_open(const char *path, uint64_t max_frame, struct t5g_err *e)
{
    struct stat st;
    if (strcmp(path, "-") == 0)
        return t5g_reader_open_fd(STDIN_FILENO, false, "stdin", max_frame);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        t5g_err_sys(e, T5G_EX_NOINPUT, "%s: cannot open", path);
        return NULL;
    }
    if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
        t5g_err_set(e, T5G_EX_NOINPUT, "%s: is a directory", path);
        close(fd);
        return NULL;
    }
    return t5g_reader_open_fd(fd, true, path, max_frame);
}

void
t5g_reader_close(struct t5g_reader *r)
{
    if (r == NULL)
        return;
    if (r->mapped)
        t5g_unmap(&r->map);
    t5g_unpack_close(r->in);
    if (r->own)
        close(r->fd);
    t5g_hash_close(r->chain);
    t5g_buf_free(&r->meta);
    t5g_free(r->payload);
    t5g_free(r->name);
    t5g_free(r);
}

const char *
t5g_reader_name(const struct t5g_reader *r)
{
    return r->name;
}

bool
t5g_reader_mapped(const struct t5g_reader *r)
{
    return r->mapped;
}

bool
t5g_reader_ready(const struct t5g_reader *r)
{
    return r->mapped || !t5g_would_block(r->fd);
}

static int
cut(struct t5g_reader *r, struct t5g_err *e)
{
    if (r->total == 0)
        return t5g_err_set(e, T5G_EX_UPSTREAM, "unexpected end of stream in the first frame");
    return t5g_err_set(e, T5G_EX_UPSTREAM, "unexpected end of stream after frame %llu (%s)",
                       (unsigned long long)r->total, r->last);
}

static t5g_reader_note *tell;

void
t5g_reader_notes(t5g_reader_note *fn)
{
    tell = fn;
}

static void
note(void *reader, const char *member, const char *what)
{
    const struct t5g_reader *r = reader;
    if (tell != NULL)
        tell(r->name, member, what);
}

static bool
is_stream(const struct t5g_member *m)
{
    return m->name_len >= 4 && strcmp(m->name + m->name_len - 4, ".t5g") == 0;
}

/* Go to the next member that contains a stream. 1, 0 after the last, -1 with e. */
static int
next_member(struct t5g_reader *r, struct t5g_err *e)
{
    struct t5g_member m;
    int result;
    while ((result = t5g_unpack_next(r->in, &m, e)) == 1 && !is_stream(&m))
        note(r, m.name, "not named *.t5g");
    r->in_member = result == 1;
    return result;
}

/* As take, from an input that is not mapped. */
static int
unpack(struct t5g_reader *r, char *buf, size_t n, size_t *got, struct t5g_err *e)
{
    *got = 0;
    if (r->in == NULL) {
        if ((r->in = t5g_unpack_open(r->fd, e)) == NULL)
            return -1;
        t5g_unpack_set_note(r->in, note, r);
    }
    while (*got < n) {
        size_t some = 0;
        int more = 0;
        bool archive = t5g_unpack_is_archive(r->in);
        if ((!archive || r->in_member) &&
            t5g_unpack_read(r->in, buf + *got, n - *got, &some, e) != 0)
            return -1;
        *got += some;
        if (some == 0 && (!archive || (more = next_member(r, e)) <= 0))
            return more;
    }
    return 0;
}

/* Up to n bytes into buf; fewer only at the end of input. */
static int
take(struct t5g_reader *r, void *buf, size_t n, size_t *got, struct t5g_err *e)
{
    if (!r->mapped) {
        if (unpack(r, buf, n, got, e) < 0)
            return -1;
    } else {
        *got = t5g_min(n, r->map.size - (size_t)r->at);
        memcpy(buf, r->map.p + r->at, *got);
    }
    r->at += *got;
    return 0;
}

static int
take_all(struct t5g_reader *r, void *buf, size_t n, struct t5g_err *e)
{
    size_t got;
    if (take(r, buf, n, &got, e) < 0)
        return -1;
    return got == n ? 0 : cut(r, e);
}

static int
damaged(const struct t5g_frame *f, const char *what, struct t5g_err *e)
{
    return t5g_err_set(e, T5G_EX_DATA, "frame at byte %llu: damaged: %s",
                       (unsigned long long)f->offset, what);
}

/* The bytes between the parts of a frame, which must be zero. */
static int
take_padding(struct t5g_reader *r, const struct t5g_frame *f, uint64_t n, struct t5g_err *e)
{
    unsigned char pad[T5G_ALIGN];
    if (take_all(r, pad, (size_t)n, e) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (pad[i] != 0)
            return damaged(f, "padding is not zero", e);
    return 0;
}

static int
take_payload(struct t5g_reader *r, struct t5g_frame *f, struct t5g_err *e)
{
    if (r->mapped) {
        if (f->size > r->map.size - r->at) {
            r->at = r->map.size;
            return cut(r, e);
        }
        f->data = r->map.p + r->at;
        r->at += f->size;
        return 0;
    }
    for (uint64_t have = 0; have < f->size || r->payload == NULL;) {
        size_t want = (size_t)(f->size < have + t5g_max(GROW, (size_t)have)
                                   ? f->size
                                   : have + t5g_max(GROW, (size_t)have));
        if (r->payload_cap < want || r->payload == NULL) {
            unsigned char *p = t5g_alloc_raw(want, 1);
            if (have > 0)
                memcpy(p, r->payload, (size_t)have);
            t5g_free(r->payload);
            r->payload = p;
            r->payload_cap = want;
        }
        if (take_all(r, r->payload + have, want - (size_t)have, e) < 0)
            return -1;
        have = want;
    }
    f->data = r->payload;
    return 0;
}

static int
check_kind(const struct t5g_frame *f, struct t5g_err *e)
{
    static const char known[] = {T5G_KIND_HEAD,  T5G_KIND_DOC,   T5G_KIND_TENSOR, T5G_KIND_TEXT,
                                 T5G_KIND_CLOSE, T5G_KIND_ERROR, T5G_KIND_END};
    if (t5g_kind_critical(f->kind) && memchr(known, f->kind, sizeof known) == NULL)
        return t5g_err_set(e, T5G_EX_DATA,
                           "frame at byte %llu: unknown critical kind '%c': made by a newer t5g",
                           (unsigned long long)f->offset, f->kind);
    return 0;
}

static int
take_meta(struct t5g_reader *r, struct t5g_frame *f, struct t5g_err *e)
{
    r->meta.n = 0;
    t5g_buf_reserve(&r->meta, f->meta_len);
    if (take_all(r, r->meta.p, f->meta_len, e) < 0)
        return -1;
    r->meta.n = f->meta_len;
    r->meta.p[f->meta_len] = '\0';
    f->meta = r->meta.p;
    if (t5g_frame_head_hash(r->header, f->meta, f->meta_len) != f->head_hash)
        return damaged(f, "header checksum differs", e);
    if (check_kind(f, e) < 0)
        return -1;
    struct t5g_head h = {0};
    int result = t5g_frame_check_meta(f, e);
    if (result == 0 && f->kind == T5G_KIND_HEAD)
        result = t5g_head_read(&h, f->meta, f->meta_len, e);
    t5g_head_clear(&h);
    return result == 0 ? 0 : t5g_err_in(e, "frame at byte %llu", (unsigned long long)f->offset);
}

static int
check_end(struct t5g_reader *r, const struct t5g_frame *f, struct t5g_err *e)
{
    struct t5g_end x;
    if (f->size != 64 || f->meta_len != 0)
        return damaged(f, "END has the wrong size", e);
    t5g_end_take(&x, f->data);
    unsigned char again[64];
    t5g_end_put(again, &x);
    if (memcmp(again, f->data, 64) != 0)
        return damaged(f, "reserved bytes of END are not 0", e);
    if (x.status == 0 && r->explained)
        return damaged(f, "END has status 0 after an ERROR outside a document", e);
    if (x.stream_len != r->at - r->segment_start || x.frames != r->frames ||
        x.docs_ok != r->docs_ok || x.docs_failed != r->docs_failed ||
        x.chain != t5g_hash_get64(r->chain))
        return t5g_err_set(e, T5G_EX_DATA,
                           "frame at byte %llu: END does not match the frames before it (lost, "
                           "doubled or moved frames)",
                           (unsigned long long)f->offset);
    return 0;
}

static int
misplaced(const struct t5g_frame *f, const char *where, struct t5g_err *e)
{
    return t5g_err_set(e, T5G_EX_DATA, "frame at byte %llu: kind '%c' %s",
                       (unsigned long long)f->offset, f->kind, where);
}

/* HEAD ( DOC item* (CLOSE | ERROR) )* ERROR? END */
static int
check_grammar(struct t5g_reader *r, const struct t5g_frame *f, struct t5g_err *e)
{
    bool item =
        f->kind == T5G_KIND_TENSOR || f->kind == T5G_KIND_TEXT || !t5g_kind_critical(f->kind);
    if (r->state == AT_START || r->state == AFTER_END) {
        if (f->kind != T5G_KIND_HEAD)
            return misplaced(f, "where a HEAD is expected", e);
        if (f->doc_key != 0)
            return damaged(f, "document key outside a document", e);
        r->state = IN_SEGMENT;
        return 0;
    }
    if (r->state == AFTER_ERROR && f->kind != T5G_KIND_END)
        return misplaced(f, "where END is expected", e);
    if (r->state == IN_DOC) {
        if (f->doc_key != r->doc_key)
            return damaged(f, "belongs to another document", e);
        if (f->kind == T5G_KIND_CLOSE || f->kind == T5G_KIND_ERROR) {
            r->state = IN_SEGMENT;
            r->docs_ok += f->kind == T5G_KIND_CLOSE;
            r->docs_failed += f->kind == T5G_KIND_ERROR;
            return 0;
        }
        return item ? 0 : misplaced(f, "inside a document", e);
    }
    if (f->kind == T5G_KIND_DOC) {
        if (f->doc_key == 0)
            return damaged(f, "DOC without a document key", e);
        r->doc_key = f->doc_key;
        r->state = IN_DOC;
        return 0;
    }
    if (f->doc_key != 0)
        return damaged(f, "document key outside a document", e);
    if (f->kind == T5G_KIND_ERROR) {
        r->state = AFTER_ERROR;
        r->explained = true;
    } else if (f->kind == T5G_KIND_END) {
        r->state = AFTER_END;
    } else if (t5g_kind_critical(f->kind)) {
        return misplaced(f, "outside a document", e);
    }
    return 0;
}

static void
remember(struct t5g_reader *r, const struct t5g_frame *f)
{
    static const char *const names[] = {
        ['H'] = "HEAD", ['D'] = "DOC", ['C'] = "CLOSE", ['X'] = "ERROR", ['E'] = "END"};
    r->frames++;
    r->total++;
    t5g_frame_name(f, r->last, sizeof r->last);
    if (r->last[0] == '\0' && f->kind < T5G_LEN(names) && names[f->kind] != NULL)
        snprintf(r->last, sizeof r->last, "%s", names[f->kind]);
    else if (r->last[0] == '\0')
        snprintf(r->last, sizeof r->last, "kind '%c'", f->kind);
}

static int
read_frame(struct t5g_reader *r, struct t5g_frame *f, struct t5g_err *e)
{
    struct t5g_frame_layout l;
    uint64_t offset = r->at;
    size_t got;
    if (take(r, r->header, sizeof r->header, &got, e) < 0)
        return -1;
    if (got == 0) {
        if (r->state == AFTER_END)
            return 0;
        if (r->state == AT_START && r->in != NULL && t5g_unpack_is_archive(r->in))
            return t5g_err_set(e, T5G_EX_DATA,
                               "not a t5g stream: an archive without *.t5g members");
        if (r->state == AT_START)
            return t5g_err_set(e, T5G_EX_UPSTREAM, "empty input: upstream wrote nothing");
        return cut(r, e);
    }
    /* A short header with other first bytes is not a truncated stream, but no stream. */
    if (memcmp(r->header, T5G_FRAME_MAGIC, t5g_min(got, 7)) == 0 && got < sizeof r->header)
        return cut(r, e);
    if (t5g_frame_take_header(f, &l, r->header, offset, r->max_frame, e) < 0 ||
        take_meta(r, f, e) < 0 ||
        take_padding(r, f, l.payload_off - T5G_FRAME_HEADER - f->meta_len, e) < 0 ||
        take_payload(r, f, e) < 0 ||
        take_padding(r, f, l.frame_len - l.payload_off - f->size, e) < 0)
        return -1;
    if (t5g_hash64(f->data, (size_t)f->size) != f->payload_hash)
        return damaged(f, "payload checksum differs", e);
    if (t5g_frame_check_text(f, e) < 0)
        return t5g_err_in(e, "frame at byte %llu", (unsigned long long)f->offset);
    return 1;
}

int
t5g_reader_next(struct t5g_reader *r, struct t5g_frame *f, struct t5g_err *e)
{
    unsigned char link[8];
    int got = read_frame(r, f, e);
    if (got <= 0)
        return got < 0 ? t5g_err_in(e, "%s", r->name) : 0;
    if (f->kind == T5G_KIND_HEAD && (r->state == AT_START || r->state == AFTER_END)) {
        r->segment_start = f->offset;
        r->frames = r->docs_ok = r->docs_failed = 0;
        r->explained = false;
        t5g_hash_reset(r->chain);
    }
    if (check_grammar(r, f, e) < 0)
        return t5g_err_in(e, "%s", r->name);
    remember(r, f);
    if (f->kind == T5G_KIND_END && check_end(r, f, e) < 0)
        return t5g_err_in(e, "%s", r->name);
    memcpy(link, r->header + 120, 8);
    t5g_hash_add(r->chain, link, 8);
    return 1;
}

void
t5g_reader_keep(struct t5g_reader *r, void **owned)
{
    *owned = r->mapped ? NULL : r->payload;
    if (!r->mapped) {
        r->payload = NULL;
        r->payload_cap = 0;
    }
}
