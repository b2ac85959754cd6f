/*
 * fuzz_stream.c: whole streams. A mutant rarely survives the checksums, so they are made right
 * first (bit 0 of the first byte leaves them alone). Read as a mapping and as a pipe, the two must
 * agree; what is whole must be whole when written again; recovery must cope with anything.
 */
#include "base/hash.h"
#include "stream/document.h"
#include "stream/scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MAX_FRAME ((uint64_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t
get(const unsigned char *p, size_t bytes)
{
    uint64_t v = 0;
    memcpy(&v, p, bytes);
    return v;
}

/* Document keys, checksums, chain and counts as the frames at hand would have them. */
static void
mend(unsigned char *p, size_t size)
{
    struct t5g_hash *chain = t5g_hash_open();
    struct t5g_end x = {0};
    uint64_t start = 0;
    for (size_t at = 0; size - at >= T5G_FRAME_HEADER;) {
        unsigned char *h = p + at;
        size_t left = size - at;
        uint64_t len = get(h + 16, 8), n = get(h + 24, 8), off = get(h + 32, 4),
                 meta = get(h + 36, 4);
        if (len < T5G_FRAME_HEADER || len > left || off > left || n > left - off ||
            meta > left - T5G_FRAME_HEADER)
            break;
        if (h[7] == 'H') {
            start = at;
            x = (struct t5g_end){0};
            t5g_hash_reset(chain);
        }
        x.frames++;
        x.docs_ok += h[7] == 'C';
        x.docs_failed += h[7] == 'X' && get(h + 40, 8) != 0;
        if (h[7] == 'E' && n == 64) {
            x.stream_len = at + len - start;
            x.chain = t5g_hash_get64(chain);
            x.status = (uint32_t)get(h + off + 40, 4) & 127;
            t5g_end_put(h + off, &x);
        }
        uint64_t hash = t5g_hash64(h + off, (size_t)n);
        memcpy(h + 112, &hash, 8);
        hash = t5g_frame_head_hash(h, (char *)h + T5G_FRAME_HEADER, (size_t)meta);
        memcpy(h + 120, &hash, 8);
        t5g_hash_add(chain, h + 120, 8);
        at += (size_t)len;
    }
    t5g_hash_close(chain);
}

/* Documents of a path, copied to a new stream at fd; the code of the end. */
static int
copy(char *path, int fd, uint64_t *docs)
{
    char *paths[] = {path};
    struct t5g_source *s = t5g_source_open(paths, 1, MAX_FRAME, false);
    struct t5g_writer *w = t5g_writer_open(fd, "copy");
    struct t5g_doc d = {0};
    struct t5g_err e = {0};
    int r = t5g_source_start(s, &e);
    if (r == 0) {
        char *meta = t5g_head_make(t5g_source_head(s), "fuzz", NULL);
        /* A HEAD near the limit of a meta has no room for one program more. */
        r = t5g_writer_head(w, meta, &e);
        t5g_free(meta);
        if (r == 0)
            t5g_source_pass(s, w);
    }
    *docs = 0;
    if (r == 0)
        while ((r = t5g_source_next(s, &d, &e)) == 1) {
            if (t5g_doc_write(w, &d, NULL, NULL, &e) < 0)
                abort(); /* a reader's limits are a writer's */
            ++*docs;
        }
    if (t5g_writer_started(w) && t5g_writer_end(w, r < 0 ? e.code : 0, &e) < 0)
        abort();
    t5g_doc_clear(&d);
    t5g_writer_free(w);
    t5g_source_close(s);
    return r < 0 ? e.code : 0;
}

static int
file_of(const unsigned char *p, size_t n, int *skipped)
{
    int fd = memfd_create("fuzz", 0);
    if (fd < 0 || write(fd, p, n) != (ssize_t)n || lseek(fd, 0, SEEK_SET) != 0)
        abort();
    *skipped = memfd_create("fuzz", 0); /* one byte in: read, not mapped */
    if (*skipped < 0 || write(*skipped, "x", 1) != 1 || write(*skipped, p, n) != (ssize_t)n ||
        lseek(*skipped, 1, SEEK_SET) != 1 || dup2(*skipped, STDIN_FILENO) < 0)
        abort();
    return fd;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    size_t n = size - 1;
    unsigned char *p = t5g_alloc(n + 1, 1);
    memcpy(p, data + 1, n);
    if ((data[0] & 1) == 0)
        mend(p, n);
    char path[64], dash[] = "-";
    int piped, fd = file_of(p, n, &piped), out = memfd_create("out", 0),
               sink = memfd_create("out", 0);
    uint64_t a, b, c;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int r = copy(path, out, &a), q = copy(dash, sink, &b);
    if (r != q || a != b)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", out);
    if (r == 0 && (copy(path, sink, &c) != 0 || c != a))
        abort();
    struct t5g_scan s = {0};
    struct t5g_scan_input in;
    struct t5g_err e;
    const struct t5g_frame *f;
    size_t frames;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (t5g_scan_open(&in, &s, path, MAX_FRAME, &e) == 0) {
        c = 0;
        while (t5g_scan_next(&in, &s, &f, &frames) == 1)
            c += f->kind == T5G_KIND_DOC;
        t5g_scan_close(&in);
        if (r == 0 && (s.damaged || c != a))
            abort();
    }
    t5g_scan_free(&s);
    close(fd);
    close(piped);
    close(out);
    close(sink);
    t5g_free(p);
    return 0;
}
