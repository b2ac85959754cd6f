/* scan.c: undamaged frames and whole documents among bytes that may hold anything. */
#include "stream/scan.h"
#include "stream/head.h"

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
    *in = (struct t5g_scan_input){.max_frame = max_frame};
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

/* Length of the undamaged frame at `at`, or 0. */
static uint64_t
frame_at(const struct t5g_scan_input *in, uint64_t at, struct t5g_frame *f)
{
    struct t5g_frame_layout l;
    uint64_t left = in->size - at;
    if (left < T5G_FRAME_HEADER || t5g_frame_unpack(f, &l, in->p + at, at, in->max_frame, NULL) < 0)
        return 0;
    f->meta = (const char *)in->p + at + T5G_FRAME_HEADER;
    if (l.frame_len > left || t5g_frame_head_hash(in->p + at, f->meta, f->meta_len) != f->head_hash)
        return 0;
    f->data = in->p + at + l.payload_off;
    struct t5g_head h = {0};
    bool good = t5g_hash64(f->data, (size_t)f->size) == f->payload_hash &&
                t5g_frame_check_meta(f, NULL) == 0 && t5g_frame_check_text(f, NULL) == 0 &&
                (f->kind != T5G_KIND_END || f->size == 64) &&
                (f->kind != T5G_KIND_HEAD || t5g_head_read(&h, f->meta, f->meta_len, NULL) == 0);
    t5g_head_clear(&h);
    return good ? l.frame_len : 0;
}

/* The document being collected, or the one a stray frame belongs to, is not whole. */
static void
lose(struct t5g_scan *s, uint64_t key)
{
    if (key != s->orphan)
        s->missing++;
    s->orphan = key;
    s->damaged = true;
    s->n = 0;
}

static void
end_segment(struct t5g_scan *s, const struct t5g_frame *f)
{
    struct t5g_end x = {0};
    if (s->n > 0)
        lose(s, s->frames[0].doc_key);
    if (f != NULL) {
        t5g_end_unpack(&x, f->data);
        uint64_t docs = x.docs_ok + x.docs_failed;
        if (docs > s->whole && docs - s->whole > s->missing)
            s->missing = docs - s->whole;
        bool same = x.chain == t5g_hash_get64(s->chain) && x.frames == s->n_frames + 1;
        s->damaged |= !same || x.status != 0;
        s->uncertain |= !same && s->missing == 0; /* whole frames were dropped, doubled or moved */
    } else {
        s->damaged = s->uncertain = true;
    }
    s->lost += s->missing;
    s->in_segment = false;
    s->whole = s->missing = s->n_frames = s->orphan = 0;
    t5g_hash_reset(s->chain);
}

static void
collect(struct t5g_scan *s, const struct t5g_frame *f)
{
    if (s->n == s->cap) {
        s->cap = s->cap * 2 + 16;
        struct t5g_frame *v = t5g_alloc(s->cap, sizeof *v);
        if (s->n > 0)
            memcpy(v, s->frames, s->n * sizeof *v);
        t5g_free(s->frames);
        s->frames = v;
    }
    s->frames[s->n++] = *f;
}

/* Put an undamaged frame where it belongs; true when it completes a document or is a HEAD. */
static bool
place(struct t5g_scan *s, const struct t5g_frame *f)
{
    bool open = s->n > 0;
    if (f->kind == T5G_KIND_HEAD) {
        if (s->in_segment)
            end_segment(s, NULL);
        s->n = 0;
        collect(s, f);
        return true;
    }
    if (f->kind == T5G_KIND_END) {
        end_segment(s, f);
        return false;
    }
    if (open && (f->doc_key != s->frames[0].doc_key || f->kind == T5G_KIND_DOC)) {
        lose(s, s->frames[0].doc_key);
        open = false;
    }
    if (f->kind == T5G_KIND_DOC) {
        s->orphan = 0; /* ids may repeat: a new document even where the key is that of a lost one */
        collect(s, f);
        return false;
    }
    if (!open) {
        if (f->doc_key != 0)
            lose(s, f->doc_key);
        return false;
    }
    if (t5g_kind_critical(f->kind) && strchr("TSCX", f->kind) == NULL) {
        lose(s, f->doc_key);
        return false;
    }
    collect(s, f);
    if (f->kind != T5G_KIND_CLOSE && f->kind != T5G_KIND_ERROR)
        return false;
    s->whole++;
    return true;
}

int
t5g_scan_next(struct t5g_scan_input *in, struct t5g_scan *s, const struct t5g_frame **f, size_t *n)
{
    struct t5g_frame now;
    if (s->n > 0 &&
        (s->frames[0].kind == T5G_KIND_HEAD || strchr("CX", s->frames[s->n - 1].kind) != NULL))
        s->n = 0; /* handed out by the last call */
    while (in->at < in->size) {
        const unsigned char *p = memmem(in->p + in->at, in->size - in->at, T5G_FRAME_MAGIC, 7);
        uint64_t at = p != NULL ? (uint64_t)(p - in->p) : in->size;
        uint64_t len = p != NULL ? frame_at(in, at, &now) : 0;
        if (len == 0) {
            in->at = t5g_min(at + 1, in->size);
            continue;
        }
        if (at != in->end_of_last) {
            s->damaged = true;
            if (s->n > 0)
                lose(s, s->frames[0].doc_key);
        }
        in->at = in->end_of_last = at + len;
        bool done = place(s, &now);
        if (now.kind != T5G_KIND_END) {
            unsigned char link[8];
            memcpy(link, in->p + at + 120, 8);
            t5g_hash_add(s->chain, link, 8);
            s->n_frames++;
            s->in_segment = true;
        }
        if (done) {
            *f = s->frames;
            *n = s->n;
            return 1;
        }
    }
    if (in->end_of_last != in->size)
        s->damaged = true;
    if (s->in_segment)
        end_segment(s, NULL);
    return 0;
}
