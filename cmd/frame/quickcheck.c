/*
 * t5g-frame quickcheck: check where the segments of a file begin and end.
 *
 * A segment ends with 192 bytes that give its length, so the segments of a file of any size can be
 * walked from its end with two small reads each. This finds a file that is truncated or not a
 * stream; only verify finds a flipped bit in the middle.
 */
#include "verbs.h"
#include "base/hash.h"
#include "base/io.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct t5g_option options[] = {T5G_OPTIONS_END};

static const struct t5g_program program = {
    "t5g-frame quickcheck",
    "[options] FILE ...",
    "Check the beginning and the end of every segment of files, but nothing in between.",
    options,
    "t5g-frame quickcheck *.t5g",
    0};

/* Read the frame at byte `at` and verify its header hash, but neither meta nor payload. */
static int
frame_at(const struct t5g_map *m, uint64_t at, struct t5g_frame *f, struct t5g_err *e)
{
    struct t5g_frame_layout l;
    if (t5g_frame_take_header(f, &l, m->p + at, at, UINT64_MAX, e) < 0)
        return -1;
    f->meta = (const char *)m->p + at + T5G_FRAME_HEADER;
    if (l.frame_len > m->size - at ||
        t5g_frame_head_hash(m->p + at, f->meta, f->meta_len) != f->head_hash)
        return t5g_err_set(e, T5G_EX_DATA, "frame at byte %llu: damaged: header checksum differs",
                           (unsigned long long)at);
    f->data = m->p + at + l.payload_off;
    return 0;
}

/* Check the segment that ends at byte *end, and set *end to its beginning. */
static int
check_segment(const struct t5g_map *m, uint64_t *end, struct t5g_err *e)
{
    struct t5g_frame f;
    struct t5g_end x;
    uint64_t at = *end - T5G_FRAME_END_SIZE;
    if (*end < T5G_FRAME_END_SIZE || *end % T5G_ALIGN != 0 ||
        memcmp(m->p + at, T5G_FRAME_MAGIC "E", 8) != 0)
        return t5g_err_set(e, T5G_EX_UPSTREAM, "truncated: no END frame before byte %llu",
                           (unsigned long long)*end);
    if (frame_at(m, at, &f, e) < 0)
        return -1;
    if (f.size != 64 || f.meta_len != 0 || t5g_hash64(f.data, 64) != f.payload_hash)
        return t5g_err_set(e, T5G_EX_DATA, "frame at byte %llu: END is damaged",
                           (unsigned long long)at);
    t5g_end_take(&x, f.data);
    if (x.stream_len > *end || x.stream_len < T5G_FRAME_END_SIZE + T5G_FRAME_HEADER ||
        x.stream_len % T5G_ALIGN != 0)
        return t5g_err_set(
            e, T5G_EX_DATA, "frame at byte %llu: END counts %llu bytes, but there are %llu",
            (unsigned long long)at, (unsigned long long)x.stream_len, (unsigned long long)*end);
    *end -= x.stream_len;
    if (frame_at(m, *end, &f, e) < 0)
        return -1;
    if (f.kind != T5G_KIND_HEAD)
        return t5g_err_set(e, T5G_EX_DATA, "frame at byte %llu: kind '%c' where a HEAD is expected",
                           (unsigned long long)*end, f.kind);
    if (x.status != 0)
        return t5g_err_set(e, T5G_EX_UPSTREAM, "upstream failed with status %u", x.status);
    return 0;
}

static int
quickcheck(const char *path, struct t5g_err *e)
{
    struct t5g_map m = {0};
    uint64_t end;
    struct stat st;
    bool standard = strcmp(path, "-") == 0;
    if (standard && fstat(STDIN_FILENO, &st) == 0 && !S_ISREG(st.st_mode))
        t5g_usage("stdin: a pipe has no end to look at: give regular files");
    int r = standard ? t5g_map_fd(STDIN_FILENO, "stdin", &m, e) : t5g_map_file(path, &m, e);
    if (r < 0)
        return -1;
    end = m.size;
    if (m.size == 0)
        r = t5g_err_set(e, T5G_EX_UPSTREAM, "empty input: upstream wrote nothing");
    else if (memcmp(m.p, T5G_FRAME_MAGIC, t5g_min(m.size, 7)) != 0)
        r = t5g_err_set(e, T5G_EX_DATA, "not a t5g stream");
    while (r == 0 && end > 0)
        r = check_segment(&m, &end, e);
    t5g_unmap(&m);
    return r == 0 ? 0 : t5g_err_in(e, "%s", standard ? "stdin" : path);
}

int
verb_quickcheck(int argc, char **argv)
{
    int first = t5g_options_parse(&program, argc, argv), status = T5G_EX_OK;
    if (first == argc)
        t5g_usage("a FILE is missing: a pipe has no end to look at");
    for (int i = first; i < argc; i++) {
        struct t5g_err e;
        if (quickcheck(argv[i], &e) == 0)
            continue;
        t5g_say("%s", e.msg);
        if (status == T5G_EX_OK)
            status = e.code;
    }
    return status;
}
