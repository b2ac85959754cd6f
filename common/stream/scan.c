/* scan.c: find undamaged frames and whole documents in damaged input. */
#include "stream/scan.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int
t5g_scan_open(struct t5g_scan_input *in, struct t5g_scan *s, const char *path, uint64_t max_frame,
              struct t5g_err *e)
{
    bool dash = strcmp(path, "-") == 0;
    struct stat st;
    *in = (struct t5g_scan_input){.max_frame = max_frame, .start = T5G_SCAN_NOWHERE};
    in->name = t5g_strdup(dash ? "stdin" : path);
    int fd = dash ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC), r = 0;
    if (fd < 0) {
        r = t5g_err_sys(e, T5G_EX_NOINPUT, "%s: cannot open", path);
    } else if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && lseek(fd, 0, SEEK_CUR) == 0) {
        r = t5g_map_fd(fd, in->name, &in->map, e);
        in->p = in->map.p;
        in->size = in->map.size;
    } else {
        r = t5g_read_all(fd, in->name, SIZE_MAX / 2, &in->read, e);
        in->p = (const unsigned char *)in->read.p;
        in->size = in->read.n;
    }
    if (fd >= 0 && !dash)
        close(fd);
    if (r == 0 && in->size == 0)
        r = t5g_err_set(e, T5G_EX_UPSTREAM, "%s: empty input: upstream wrote nothing", in->name);
    if (r < 0)
        t5g_scan_close(in);
    if (s->chain == NULL)
        s->chain = t5g_hash_open();
    return r;
}

void
t5g_scan_close(struct t5g_scan_input *in)
{
    t5g_gap_free(in->gap);
    t5g_unmap(&in->map);
    t5g_buf_free(&in->read);
    t5g_free(in->name);
    *in = (struct t5g_scan_input){0};
}

void
t5g_scan_free(struct t5g_scan *s)
{
    t5g_free(s->frames);
    t5g_hash_close(s->chain);
    *s = (struct t5g_scan){0};
}

/* Take a frame with a valid header; good: the payload is valid too. True if it is a HEAD or
 * completes a document. */
static bool
take(struct t5g_scan_input *in, struct t5g_scan *s, const struct t5g_frame *f, bool good)
{
    unsigned char link[8];
    bool done = false;
    if (f->offset != in->end_of_last) {
        s->damaged = true;
        if (s->n > 0)
            t5g_scan_lose(s, s->frames[0].doc_key);
    }
    if (f->kind == T5G_KIND_HEAD)
        in->start = f->offset;
    if (good)
        done = t5g_scan_place(s, f);
    else if (f->kind == T5G_KIND_END)
        t5g_scan_end_segment(s, NULL);
    else if (f->doc_key != 0)
        t5g_scan_lose(s, f->doc_key);
    s->damaged |= !good;
    if (f->kind == T5G_KIND_END) {
        in->start = T5G_SCAN_NOWHERE;
        return false;
    }
    memcpy(link, in->p + f->offset + 120, 8);
    t5g_hash_add(s->chain, link, 8);
    s->n_frames++;
    s->in_segment = true;
    return done;
}

/* The next accepted frame after a gap, or the frame at in->at. 1, 0 if a gap begins there, -1 at
 * the end of the input. */
static int
step(struct t5g_scan_input *in, struct t5g_frame *f, bool *good, uint64_t *end)
{
    if (in->next < in->stop) {
        t5g_gap_frame(in, in->next++, f);
        *good = true;
        *end = f->offset + t5g_frame_length(f);
        return 1;
    }
    if (in->at >= in->size)
        return -1;
    uint64_t len = t5g_scan_header(in, in->at, f);
    if (len == 0)
        return 0;
    *good = len <= in->size - in->at && t5g_scan_payload(in, f);
    *end = in->at = in->at + t5g_min(len, in->size - in->at);
    return 1;
}

int
t5g_scan_next(struct t5g_scan_input *in, struct t5g_scan *s, const struct t5g_frame **f, size_t *n)
{
    struct t5g_frame now;
    bool good;
    uint64_t end;
    int r;
    if (s->n > 0 &&
        (s->frames[0].kind == T5G_KIND_HEAD || strchr("CX", s->frames[s->n - 1].kind) != NULL))
        s->n = 0; /* returned by the last call */
    while ((r = step(in, &now, &good, &end)) >= 0) {
        if (r == 0) {
            s->damaged = true;
            t5g_gap_cross(in, s);
            continue;
        }
        bool done = take(in, s, &now, good);
        in->end_of_last = end;
        if (done) {
            *f = s->frames;
            *n = s->n;
            return 1;
        }
    }
    if (in->end_of_last != in->size)
        s->damaged = true;
    if (s->in_segment)
        t5g_scan_end_segment(s, NULL);
    return 0;
}
