/*
 * gap.c: what to accept after bytes that are not a frame.
 *
 * A header is damaged, so that the length of its frame is unknown, or bytes were lost or inserted.
 * The frames found after this gap may belong to the stream, or to another stream in the payload
 * that was lost. The END of the segment decides, since it says where the segment began and what it
 * contains.
 *
 * 1. An END that leads back to where the segment began, or to before the gap (if bytes were lost),
 *    closes the segment: the last such END, since a payload may contain others. A HEAD or END in
 *    between does not belong to the stream, nor do the frames before it. Of the documents after it,
 *    the last ones are accepted, up to the number that the END counts.
 * 2. If there is no such END, the segment's own may be lost. Then segments are accepted that follow
 *    each other up to the last byte of the input, each as long as its END says, without any frame
 *    between them.
 * 3. The END of 1 is accepted only if the input ends after it, or segments as in 2 begin there, or,
 *    if it leads back to exactly where the segment began, a HEAD follows. An END in a payload may
 *    say anything, but cannot know what comes after the payload.
 *
 * All frames after the first gap of an input are listed once; then each gap costs only look-ups. A
 * frame counts only if both of its checksums are right. If only the payload's is wrong, its payload
 * is searched too, so that a header in a payload cannot hide the frames after it; after too many
 * vain attempts it is skipped.
 */
#include "stream/scan.h"

#include <stdlib.h>
#include <string.h>

struct mark {
    uint64_t at, len, key;
    uint8_t kind;
};

/* An END of the list. */
struct closing {
    uint64_t start; /* where its segment began, by its own length */
    size_t i;       /* index of its mark */
    size_t last;    /* the largest i up to this one in the order of start */
};

struct t5g_gap {
    struct mark *v; /* [n] in order */
    size_t n, cap;
    struct closing *ends; /* [n_ends] by start, then i */
    size_t n_ends;
    /* [n_tiles] descending: starts of the segments that fill the input to its end. */
    uint64_t *tiles;
    size_t n_tiles;
};

void
t5g_gap_free(struct t5g_gap *g)
{
    if (g == NULL)
        return;
    t5g_free(g->v);
    t5g_free(g->ends);
    t5g_free(g->tiles);
    t5g_free(g);
}

void
t5g_gap_frame(const struct t5g_scan_input *in, size_t i, struct t5g_frame *f)
{
    (void)t5g_scan_header(in, in->gap->v[i].at, f);
}

static void
add(struct t5g_gap *g, const struct t5g_frame *f, uint64_t len)
{
    g->v = t5g_grow(g->v, g->n, &g->cap, sizeof *g->v);
    g->v[g->n++] = (struct mark){f->offset, len, f->doc_key, f->kind};
    g->n_ends += f->kind == T5G_KIND_END;
}

/* The first mark at or after `at`. */
static size_t
from(const struct t5g_gap *g, uint64_t at)
{
    size_t low = 0, high = g->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (g->v[mid].at < at)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static bool
is_at(const struct t5g_gap *g, uint64_t at, int kind)
{
    size_t i = from(g, at);
    return i < g->n && g->v[i].at == at && g->v[i].kind == kind;
}

static struct t5g_end
end_at(const struct t5g_scan_input *in, const struct mark *m)
{
    struct t5g_end x;
    t5g_end_take(&x, in->p + m->at + T5G_FRAME_HEADER);
    return x;
}

/* Where the segment of an END began; 0 also if that would be before the input. */
static uint64_t
start_of(const struct t5g_scan_input *in, const struct mark *m)
{
    uint64_t end = m->at + m->len, len = end_at(in, m).stream_len;
    return len < end ? end - len : 0;
}

static int
by_start(const void *a, const void *b)
{
    const struct closing *x = a, *y = b;
    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    return x->i < y->i ? -1 : x->i > y->i;
}

static void
sort_ends(const struct t5g_scan_input *in, struct t5g_gap *g)
{
    size_t n = 0;
    g->ends = t5g_alloc(g->n_ends, sizeof *g->ends);
    for (size_t i = 0; i < g->n; i++)
        if (g->v[i].kind == T5G_KIND_END)
            g->ends[n++] = (struct closing){start_of(in, &g->v[i]), i, 0};
    if (n > 0)
        qsort(g->ends, n, sizeof *g->ends, by_start);
    for (size_t i = 0; i < n; i++)
        g->ends[i].last = i > 0 ? t5g_max(g->ends[i - 1].last, g->ends[i].i) : g->ends[i].i;
}

/* From the end of the input backwards. Damaged bytes without any frame may lie between two
 * segments, but nothing after the last one. */
static void
lay_tiles(const struct t5g_scan_input *in, struct t5g_gap *g)
{
    g->tiles = t5g_alloc(g->n_ends, sizeof *g->tiles);
    for (size_t i = g->n; i > 0;) {
        const struct mark *end = &g->v[i - 1];
        uint64_t start = start_of(in, end);
        if (end->kind != T5G_KIND_END || (i == g->n && end->at + end->len != in->size) ||
            start >= end->at || !is_at(g, start, T5G_KIND_HEAD))
            return;
        g->tiles[g->n_tiles++] = start;
        i = from(g, start);
    }
}

/* The first of the segments that fill the rest of the input, at or after `at`; in->size: none. */
static uint64_t
first_tile(const struct t5g_scan_input *in, uint64_t at)
{
    const struct t5g_gap *g = in->gap;
    uint64_t first = in->size;
    for (size_t low = 0, high = g->n_tiles; low < high;) {
        size_t mid = low + (high - low) / 2;
        if (g->tiles[mid] >= at) {
            first = g->tiles[mid];
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return first;
}

/* List the frames from `at` on. */
static void
list(struct t5g_scan_input *in, uint64_t at)
{
    struct t5g_gap *g = in->gap = t5g_alloc(1, sizeof *g);
    struct t5g_frame f;
    const unsigned char *p;
    while ((p = memmem(in->p + at, in->size - at, T5G_FRAME_MAGIC, 7)) != NULL) {
        at = (uint64_t)(p - in->p);
        uint64_t len = t5g_scan_header(in, at, &f);
        if (len == 0 || len > in->size - at) {
            at++;
        } else if (t5g_scan_payload(in, &f)) {
            add(g, &f, len);
            at += len;
        } else {
            at += t5g_scan_may_waste(in, f.size) ? 1 : len;
        }
    }
    sort_ends(in, g);
    lay_tiles(in, g);
}

/* Count the documents among n marks: whole ones, and parts of others except that with the key
 * `lost`, which is already counted. */
static void
tally(const struct mark *v, size_t n, uint64_t lost, uint64_t *whole, uint64_t *parts)
{
    uint64_t open = 0;
    *whole = *parts = 0;
    for (size_t i = 0; i < n; i++) {
        bool gap = i > 0 && v[i].at != v[i - 1].at + v[i - 1].len;
        if (open != 0 && (gap || v[i].key != open || v[i].kind == T5G_KIND_DOC)) {
            ++*parts;
            lost = open;
            open = 0;
        }
        if (v[i].kind == T5G_KIND_DOC) {
            open = v[i].key;
        } else if (open == 0) {
            *parts += v[i].key != 0 && v[i].key != lost;
            lost = v[i].key != 0 ? v[i].key : lost;
        } else if (v[i].kind == T5G_KIND_CLOSE || v[i].kind == T5G_KIND_ERROR) {
            ++*whole;
            open = 0;
        }
    }
    *parts += open != 0;
}

/* What is known about a segment before a gap. */
struct before {
    uint64_t documents, frames, lost; /* lost: key of a document counted in documents */
};

/* The first mark from i on such that the marks up to k, an END, may be the rest of its segment: END
 * counts at least as much. Surplus documents are dropped at the front. k if there is none. */
static size_t
fit(const struct t5g_scan_input *in, const struct before *b, size_t i, size_t k)
{
    const struct mark *v = in->gap->v;
    struct t5g_end x = end_at(in, &v[k]);
    uint64_t whole, parts, documents = x.docs_ok + x.docs_failed;
    tally(v + i, k - i, b->lost, &whole, &parts);
    bool open = false;
    for (; i < k && b->documents + whole + parts > documents && whole > 0; i++) {
        bool ends = v[i].kind == T5G_KIND_CLOSE || v[i].kind == T5G_KIND_ERROR;
        whole -= open && ends;
        open = v[i].kind == T5G_KIND_DOC || (open && !ends);
    }
    return b->documents + whole + parts <= documents && b->frames + (k - i) + 1 <= x.frames ? i : k;
}

/* Whether only the HEAD of a segment is missing: its END counts exactly marks i to k. */
static bool
beheaded(const struct t5g_scan_input *in, size_t i, size_t k)
{
    struct t5g_end x = end_at(in, &in->gap->v[k]);
    uint64_t whole, parts;
    tally(in->gap->v + i, k - i, 0, &whole, &parts);
    return parts == 0 && whole == x.docs_ok + x.docs_failed && k - i + 2 == x.frames;
}

/* Accept marks first to stop - 1, and in doubtful mode also those from skip to first - 1. */
static void
believe(struct t5g_scan_input *in, struct t5g_scan *s, size_t skip, size_t first, size_t stop)
{
    uint64_t whole = 0, parts;
    if (first > skip) /* else there may be no marks at all, and v is NULL */
        tally(in->gap->v + skip, first - skip, 0, &whole, &parts);
    if (s->doubtful)
        first = skip;
    else
        s->left_out += whole;
    in->next = first;
    in->stop = stop;
}

/* Mark k, an END, closes the segment whose rest begins at mark a. fresh: by its length it began
 * after the start of the gap, where there is no HEAD: bytes were inserted, or that HEAD is lost. */
static void
close_segment(struct t5g_scan_input *in, struct t5g_scan *s, size_t a, size_t k, bool fresh)
{
    const struct mark *v = in->gap->v;
    struct before b = {s->whole + s->missing + (s->n > 0), s->n_frames,
                       s->n > 0 ? s->frames[0].doc_key : s->orphan};
    size_t first = a, run = k;
    for (size_t i = a; i < k; i++)
        if (v[i].kind == T5G_KIND_HEAD || v[i].kind == T5G_KIND_END)
            first = i + 1;
    while (run > first && v[run - 1].at + v[run - 1].len == v[run].at)
        run--;
    if (fresh && (!s->in_segment || beheaded(in, run, k))) {
        b = (struct before){0, 1, 0};
        if (s->in_segment)
            t5g_scan_end_segment(s, NULL);
        first = run;
    }
    first = fit(in, &b, first, k);
    if (first == k)
        first = fit(in, &b, run, k);
    believe(in, s, a, first, k + 1);
    in->at = v[k].at + v[k].len;
}

/* The number of ENDs whose segment began at or before `start`. */
static size_t
up_to(const struct t5g_gap *g, uint64_t start)
{
    size_t low = 0, high = g->n_ends;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (g->ends[mid].start <= start)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* The END from mark a on that closes the segment begun at in->start; g->n: none. */
static size_t
find_end(const struct t5g_scan_input *in, size_t a, bool *fresh)
{
    const struct t5g_gap *g = in->gap;
    size_t n = in->start != T5G_SCAN_NOWHERE ? up_to(g, in->start) : 0, i = a;
    *fresh = false;
    if (n > 0 && g->ends[n - 1].start == in->start && g->ends[n - 1].i >= a)
        return g->ends[n - 1].i;
    n = up_to(g, in->at);
    if (n > 0 && g->ends[n - 1].last >= a)
        return g->ends[n - 1].last;
    /* One whose HEAD was lost with the gap. */
    while (i < g->n && g->v[i].kind != T5G_KIND_END)
        i++;
    *fresh = true;
    return i < g->n && !is_at(g, start_of(in, &g->v[i]), T5G_KIND_HEAD) ? i : g->n;
}

/* Skip the frame if the damaged header's own lengths lead to a frame or to the end of the input. */
static bool
skip_by_lengths(struct t5g_scan_input *in)
{
    uint64_t guess[4], best = 0;
    struct t5g_frame f = {0};
    const unsigned char *p = in->p + in->at;
    uint64_t left = in->size - in->at;
    int same = 0;
    for (size_t i = 0; i < 7 && left >= T5G_FRAME_HEADER; i++)
        same += p[i] == (unsigned char)T5G_FRAME_MAGIC[i];
    if (same < 6) /* one byte of the magic itself may be damaged */
        return false;
    t5g_frame_guess(p, guess);
    for (size_t i = 0; i < T5G_LEN(guess); i++) {
        if (guess[i] < T5G_FRAME_HEADER || guess[i] > left || guess[i] <= best)
            continue;
        if (guess[i] == left || t5g_scan_header(in, in->at + guess[i], &f) > 0)
            best = guess[i];
        else if (!t5g_scan_may_waste(in, T5G_FRAME_HEADER + f.meta_len))
            break;
    }
    in->at += best;
    return best > 0;
}

void
t5g_gap_cross(struct t5g_scan_input *in, struct t5g_scan *s)
{
    bool fresh;
    if (t5g_scan_may_waste(in, 0) && skip_by_lengths(in))
        return;
    if (in->gap == NULL)
        list(in, in->at);
    struct t5g_gap *g = in->gap;
    size_t a = from(g, in->at), k = find_end(in, a, &fresh);
    uint64_t end = k < g->n ? g->v[k].at + g->v[k].len : 0;
    bool exact = k < g->n && start_of(in, &g->v[k]) == in->start && is_at(g, end, T5G_KIND_HEAD);
    if (k < g->n && (exact || end == in->size || first_tile(in, end) == end)) {
        close_segment(in, s, a, k, fresh);
        return;
    }
    uint64_t next = first_tile(in, in->at);
    size_t stop = from(g, next);
    believe(in, s, a, stop, stop);
    in->at = next;
}
