/* streams.c: streams in memory for tests. */
#include "streams.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void
make_any(struct make *m, struct t5g_frame *f)
{
    static const char zero[64];
    unsigned char header[T5G_FRAME_HEADER];
    if (f->data == NULL)
        f->data = (const unsigned char *)"";
    if (f->meta == NULL)
        f->meta = "";
    uint64_t len = t5g_frame_put_header(header, f, false);
    size_t off = (size_t)t5g_round_up(sizeof header + f->meta_len, 64);
    m->at = m->b.n;
    t5g_buf_add(&m->b, header, sizeof header);
    t5g_buf_add(&m->b, f->meta, f->meta_len);
    t5g_buf_add(&m->b, zero, off - sizeof header - f->meta_len);
    t5g_buf_add(&m->b, f->data, (size_t)f->size);
    t5g_buf_add(&m->b, zero, (size_t)len - off - (size_t)f->size);
    m->frames++;
    if (m->chain == NULL)
        m->chain = t5g_hash_open();
    t5g_hash_add(m->chain, header + 120, 8);
}

void
make_frame(struct make *m, int kind, uint64_t key, const char *meta, const void *data, size_t size)
{
    struct t5g_frame f = {.kind = (uint8_t)kind, .doc_key = key, .meta = meta, .data = data};
    f.meta_len = meta != NULL ? strlen(meta) : 0;
    f.size = size;
    make_any(m, &f);
}

void
make_head(struct make *m)
{
    m->start = m->b.n;
    m->frames = m->ok = m->failed = 0;
    if (m->chain != NULL)
        t5g_hash_reset(m->chain);
    make_frame(m, 'H', 0, "{\"t5g\":1,\"pg\":[{\"id\":\"make\",\"vn\":\"1\"}]}", NULL, 0);
}

void
make_doc(struct make *m, const char *id)
{
    char meta[300];
    snprintf(meta, sizeof meta, "{\"id\":\"%s\"}", id);
    m->key = t5g_doc_key(id, strlen(id));
    make_frame(m, 'D', m->key, meta, NULL, 0);
}

void
make_ids(struct make *m, const char *name, const int32_t *v, size_t n)
{
    char meta[300];
    snprintf(meta, sizeof meta, "{\"name\":\"%s\"}", name);
    struct t5g_frame f = {.kind = 'T', .dtype = T5G_I32, .ndim = 1, .doc_key = m->key};
    f.dims[0] = n;
    f.meta = meta;
    f.meta_len = strlen(meta);
    f.data = (const unsigned char *)v;
    f.size = n * sizeof *v;
    make_any(m, &f);
}

void
make_text(struct make *m, const char *name, const char *text)
{
    char meta[300];
    snprintf(meta, sizeof meta, "{\"name\":\"%s\"}", name);
    make_frame(m, 'S', m->key, meta, text, strlen(text));
}

void
make_close(struct make *m)
{
    make_frame(m, 'C', m->key, "{}", NULL, 0);
    m->ok++;
    m->key = 0;
}

void
make_error(struct make *m, const char *msg)
{
    char meta[300];
    snprintf(meta, sizeof meta, "{\"tool\":\"make\",\"code\":65,\"msg\":\"%s\"}", msg);
    make_frame(m, 'X', m->key, meta, NULL, 0);
    m->failed += m->key != 0;
    m->key = 0;
}

void
make_end(struct make *m, uint32_t status)
{
    unsigned char payload[64];
    struct t5g_end x = {.stream_len = m->b.n - m->start + T5G_FRAME_END_SIZE,
                        .frames = m->frames + 1,
                        .docs_ok = m->ok,
                        .docs_failed = m->failed,
                        .chain = m->chain != NULL ? t5g_hash_get64(m->chain) : 0,
                        .status = status};
    t5g_end_put(payload, &x);
    make_frame(m, 'E', 0, NULL, payload, sizeof payload);
}

void
make_free(struct make *m)
{
    t5g_hash_close(m->chain);
    t5g_buf_free(&m->b);
    *m = (struct make){0};
}

void
make_patch(struct make *m, size_t at, const void *bytes, size_t n)
{
    unsigned char *p = (unsigned char *)m->b.p + m->at;
    uint32_t meta_len;
    memcpy(p + at, bytes, n);
    memcpy(&meta_len, p + 36, 4);
    if (m->at + T5G_FRAME_HEADER + meta_len > m->b.n)
        meta_len = 0;
    uint64_t h = t5g_frame_head_hash(p, (char *)p + T5G_FRAME_HEADER, meta_len);
    memcpy(p + 120, &h, 8);
    /* The chain again, from the first frame of the segment. */
    t5g_hash_reset(m->chain);
    for (size_t o = (size_t)m->start; o < m->b.n;) {
        uint64_t len;
        memcpy(&len, m->b.p + o + 16, 8);
        t5g_hash_add(m->chain, m->b.p + o + 120, 8);
        if (o == m->at)
            break;
        o += (size_t)len;
    }
}

void
make_sample(struct make *m)
{
    static const int32_t ids[] = {2, 17, 305, 1};
    static const float rows[2][3] = {{1.5f, -2, 0}, {3, 4, 1e-30f}};
    make_head(m);
    make_doc(m, "a.txt");
    make_ids(m, "input.ids", ids, 4);
    struct t5g_frame f = {.kind = 'T', .dtype = T5G_F32, .ndim = 2, .dims = {2, 3}};
    f.doc_key = m->key;
    f.meta = "{\"name\":\"encoder.out\",\"x\":[1,{}]}";
    f.meta_len = strlen(f.meta);
    f.data = (const unsigned char *)rows;
    f.size = sizeof rows;
    make_any(m, &f);
    make_text(m, "prompt", "sec\xc3\xa9tion:");
    make_close(m);
    make_doc(m, "b.txt");
    make_error(m, "invalid UTF-8 at byte 0");
    make_doc(m, "c.txt");
    make_ids(m, "input.ids", ids, 0);
    make_close(m);
    make_end(m, 0);
}

size_t
frame_offsets(const struct make *m, size_t *out, size_t max)
{
    size_t n = 0;
    for (size_t o = 0; o < m->b.n && n + 1 < max; n++) {
        uint64_t len;
        out[n] = o;
        memcpy(&len, m->b.p + o + 16, 8);
        o += (size_t)len;
    }
    out[n] = m->b.n;
    return n;
}

static void
need(bool right, const char *what)
{
    if (!right) {
        perror(what);
        abort();
    }
}

int
open_bytes(const void *p, size_t n, enum way way)
{
    int fd, ends[2];
    if (way == PIPED && n <= 60000) { /* a pipe takes 64 KiB before its writer has to wait */
        need(pipe(ends) == 0, "pipe");
        need(write(ends[1], p, n) == (ssize_t)n, "write");
        close(ends[1]);
        return ends[0];
    }
    /* A file that is not at its beginning is read like a pipe. */
    off_t skip = way == PIPED ? 1 : 0;
    fd = memfd_create("stream", 0);
    need(fd >= 0, "memfd_create");
    need(pwrite(fd, p, n, skip) == (ssize_t)n, "pwrite");
    need(lseek(fd, skip, SEEK_SET) == skip, "lseek");
    return fd;
}

int
read_bytes(const void *p, size_t n, enum way way, size_t *frames, struct t5g_err *e)
{
    struct t5g_err own;
    struct t5g_frame f;
    size_t count = 0;
    int r;
    if (e == NULL)
        e = &own;
    struct t5g_reader *in =
        t5g_reader_open_fd(open_bytes(p, n, way), true, "in", T5G_FRAME_SIZE_DEFAULT);
    while ((r = t5g_reader_next(in, &f, e)) == 1)
        count++;
    t5g_reader_close(in);
    if (frames != NULL)
        *frames = count;
    return r < 0 ? e->code : 0;
}
