/* scan_segment.c: the documents of a segment, from the frames found: which are whole, and how many
 * are lost. */
#include "stream/scan.h"

#include <string.h>

void
t5g_scan_lose(struct t5g_scan *s, uint64_t key)
{
    if (key != s->orphan)
        s->missing++;
    s->orphan = key;
    s->damaged = true;
    s->n = 0;
}

void
t5g_scan_end_segment(struct t5g_scan *s, const struct t5g_frame *f)
{
    struct t5g_end x = {0};
    if (s->n > 0)
        t5g_scan_lose(s, s->frames[0].doc_key);
    if (f != NULL) {
        t5g_end_take(&x, f->data);
        uint64_t docs = x.docs_ok + x.docs_failed;
        if (docs > s->whole && docs - s->whole > s->missing)
            s->missing = docs - s->whole;
        bool same = x.chain == t5g_hash_get64(s->chain) && x.frames == s->n_frames + 1;
        s->damaged |= !same || x.status != 0;
        s->uncertain |= !same && s->missing == 0; /* whole frames were lost, doubled or moved */
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
    s->frames = t5g_grow(s->frames, s->n, &s->cap, sizeof *s->frames);
    s->frames[s->n++] = *f;
}

bool
t5g_scan_place(struct t5g_scan *s, const struct t5g_frame *f)
{
    bool open = s->n > 0;
    if (f->kind == T5G_KIND_HEAD) {
        if (s->in_segment)
            t5g_scan_end_segment(s, NULL);
        s->n = 0;
        collect(s, f);
        return true;
    }
    if (f->kind == T5G_KIND_END) {
        t5g_scan_end_segment(s, f);
        return false;
    }
    if (open && (f->doc_key != s->frames[0].doc_key || f->kind == T5G_KIND_DOC)) {
        t5g_scan_lose(s, s->frames[0].doc_key);
        open = false;
    }
    if (f->kind == T5G_KIND_DOC) {
        s->orphan = 0; /* ids may repeat: this is not the lost document of the same key */
        collect(s, f);
        return false;
    }
    if (!open) {
        if (f->doc_key != 0)
            t5g_scan_lose(s, f->doc_key);
        return false;
    }
    if (t5g_kind_critical(f->kind) && strchr("TSCX", f->kind) == NULL) {
        t5g_scan_lose(s, f->doc_key);
        return false;
    }
    collect(s, f);
    if (f->kind != T5G_KIND_CLOSE && f->kind != T5G_KIND_ERROR)
        return false;
    s->whole++;
    return true;
}
