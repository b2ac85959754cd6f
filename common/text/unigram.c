/*
 * unigram.c: the normalizer and the words of a unigram tokenizer, and the Viterbi search for the
 * pieces of a word whose scores have the largest sum.
 *
 * The search is Hugging Face's, sum for sum: doubles, starts from left to right, a later candidate
 * replaces an earlier one only if it is better. Words are searched once and then remembered.
 */
#include "text/unigram.h"
#include "base/utf8.h"
#include "text/added.h"
#include "text/charsmap.h"

#include <string.h>

#define SLOTS    (1u << 15) /* for remembered words: 2 MB */
#define WORD_MAX 30         /* bytes of a word that is remembered */
#define WORD_IDS 8
#define BAR_LEN  3

/* A word after a U+2581. used: n ids are known. */
struct word {
    uint8_t len, n;
    char text[WORD_MAX];
    int32_t ids[WORD_IDS];
};

/* The best path that ends at a byte; len: bytes of its last piece, 0: none. */
struct node {
    double score;
    uint32_t len;
    int32_t id;
};

/* A piece of the best path. */
struct piece {
    size_t at, len;
    int32_t id;
};

struct t5g_unigram {
    const struct t5g_table *t;
    struct t5g_graphemes *graphemes; /* NULL: no charsmap */
    struct t5g_charsmap charsmap;
    struct t5g_buf text[2]; /* of the normalizer's steps, in turn */
    uint8_t stop[256];      /* bytes at which a word may end: of space, or the first of more */
    struct t5g_buf word;
    struct word *words; /* [SLOTS] */
    struct node *nodes; /* [room] */
    struct piece *pieces;
    size_t room;
};

struct t5g_unigram *
t5g_unigram_open(const struct t5g_table *t)
{
    struct t5g_unigram *u = t5g_alloc(1, sizeof *u);
    u->t = t;
    for (size_t i = 0; i < t->n_steps && u->graphemes == NULL; i++)
        if (t->steps[i].op == T5G_STEP_CHARSMAP)
            u->graphemes = t5g_graphemes_open();
    if (u->graphemes != NULL) /* looked at when the table was opened */
        (void)t5g_charsmap_open(&u->charsmap, t->charsmap, t->h->charsmap.len, u->graphemes, NULL);
    u->stop[' '] = u->stop[0xe2] = 1;
    if ((t->h->pre & T5G_PRE_WORDS) != 0)
        for (int c = 0; c < 256; c++)
            if ((c >= '\t' && c <= '\r') || c == 0xc2 || c == 0xe1 || c == 0xe3)
                u->stop[c] = 1;
    return u;
}

void
t5g_unigram_close(struct t5g_unigram *u)
{
    if (u == NULL)
        return;
    t5g_graphemes_close(u->graphemes);
    t5g_buf_free(&u->text[0]);
    t5g_buf_free(&u->text[1]);
    t5g_buf_free(&u->word);
    t5g_free(u->words);
    t5g_free(u->nodes);
    t5g_free(u->pieces);
    t5g_free(u);
}

/* Cut white space off the ends of *s [*n]. */
static void
strip(const struct t5g_step *step, const char **s, size_t *n)
{
    size_t len;
    while (step->left && *n > 0 && (len = t5g_utf8_space(*s, *n)) > 0) {
        *s += len;
        *n -= len;
    }
    while (step->right && *n > 0) {
        size_t k = *n - 1;
        while (k > 0 && ((unsigned char)(*s)[k] & 0xc0) == 0x80)
            k--;
        if (t5g_utf8_space(*s + k, *n - k) == 0)
            break;
        *n = k;
    }
}

static void
replace(const struct t5g_table *t, const struct t5g_step *step, const char *s, size_t n,
        struct t5g_buf *out)
{
    const char *from = t->strings + step->from, *end = s + n, *hit;
    while ((hit = memmem(s, (size_t)(end - s), from, step->from_len)) != NULL) {
        t5g_buf_add(out, s, (size_t)(hit - s));
        t5g_buf_add(out, t->strings + step->to, step->to_len);
        s = hit + step->from_len;
    }
    t5g_buf_add(out, s, (size_t)(end - s));
}

/* Replace runs of two or more spaces. */
static void
replace_spaces(const struct t5g_table *t, const struct t5g_step *step, const char *s, size_t n,
               struct t5g_buf *out)
{
    const char *end = s + n, *hit;
    while ((hit = memmem(s, (size_t)(end - s), "  ", 2)) != NULL) {
        t5g_buf_add(out, s, (size_t)(hit - s));
        t5g_buf_add(out, t->strings + step->to, step->to_len);
        for (s = hit; s < end && *s == ' '; s++)
            continue;
    }
    t5g_buf_add(out, s, (size_t)(end - s));
}

const char *
t5g_unigram_normalize(struct t5g_unigram *u, const char *s, size_t *n)
{
    size_t turn = 0;
    for (size_t i = 0; i < u->t->n_steps; i++) {
        const struct t5g_step *step = &u->t->steps[i];
        struct t5g_buf *out = &u->text[turn];
        if (step->op == T5G_STEP_STRIP) {
            strip(step, &s, n);
            continue;
        }
        out->n = 0;
        t5g_buf_reserve(out, *n);
        if (step->op == T5G_STEP_CHARSMAP)
            t5g_charsmap_normalize(&u->charsmap, s, *n, out);
        else if (step->op == T5G_STEP_REPLACE)
            replace(u->t, step, s, *n, out);
        else
            replace_spaces(u->t, step, s, *n, out);
        s = out->p;
        *n = out->n;
        turn = 1 - turn;
    }
    return s;
}

/* The piece that is all of s[n], or T5G_NO_ID. */
static int32_t
find(const struct t5g_table *t, const char *s, size_t n)
{
    const struct t5g_unit *u = t->units;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        u = &t->units[u->base ^ c];
        if (u->label_id >> 23 != c)
            return T5G_NO_ID;
    }
    uint32_t id = u->label_id & T5G_NO_PIECE;
    return id == T5G_NO_PIECE || n == 0 ? T5G_NO_ID : (int32_t)id;
}

/* Length of the well-formed character at s. */
static size_t
length_of(const char *s)
{
    unsigned char c = (unsigned char)*s;
    return c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

static void
offer(struct node *to, double score, size_t len, int32_t id)
{
    if (to->len == 0 || score > to->score)
        *to = (struct node){score, (uint32_t)len, id};
}

/* The best path to every byte of s[n]. */
static void
search(const struct t5g_unigram *u, const char *s, size_t n)
{
    const struct t5g_table *t = u->t;
    struct node *nodes = u->nodes;
    for (size_t i = 0; i <= n; i++)
        nodes[i].len = 0;
    nodes[0].score = 0;
    for (size_t i = 0, len; i < n; i += len) {
        const struct t5g_unit *unit = t->units;
        double before = nodes[i].score;
        bool single = false;
        len = length_of(s + i);
        for (size_t k = i; k < n; k++) {
            unsigned char c = (unsigned char)s[k];
            unit = &t->units[unit->base ^ c];
            if (unit->label_id >> 23 != c)
                break;
            uint32_t id = unit->label_id & T5G_NO_PIECE;
            if (id != T5G_NO_PIECE) {
                offer(&nodes[k + 1], unit->score + before, k + 1 - i, (int32_t)id);
                single = single || k + 1 == i + len;
            }
        }
        if (!single)
            offer(&nodes[i + len], t->h->unknown_score + before, len, t->h->unknown);
    }
}

static void
put_unknown(const struct t5g_table *t, const char *s, size_t n, struct t5g_ids *out)
{
    int32_t id = find(t, s, n);
    if (id != T5G_NO_ID || t->h->byte_fallback == 0) {
        t5g_ids_add(out, id != T5G_NO_ID ? id : t->h->unknown);
        return;
    }
    for (size_t i = 0; i < n; i++)
        t5g_ids_add(out, t->h->byte_id[(unsigned char)s[i]]);
}

/* Append the ids of the word s[n]. Neighbouring unknown pieces are one. */
static void
viterbi(struct t5g_unigram *u, const char *s, size_t n, struct t5g_ids *out)
{
    size_t m = 0;
    if (u->room <= n) {
        t5g_free(u->nodes);
        t5g_free(u->pieces);
        u->room = 2 * n + 64;
        u->nodes = t5g_alloc_raw(u->room, sizeof *u->nodes);
        u->pieces = t5g_alloc_raw(u->room, sizeof *u->pieces);
    }
    search(u, s, n);
    for (size_t end = n; end > 0; end -= u->nodes[end].len) {
        const struct node *x = &u->nodes[end];
        size_t at = end - x->len;
        struct piece *last = &u->pieces[m - (m > 0)];
        if (m > 0 && x->id == u->t->h->unknown && last->id == x->id) {
            last->at = at;
            last->len += x->len;
        } else {
            u->pieces[m++] = (struct piece){at, x->len, x->id};
        }
    }
    while (m > 0) {
        const struct piece *x = &u->pieces[--m];
        if (x->id == u->t->h->unknown)
            put_unknown(u->t, s + x->at, x->len, out);
        else
            t5g_ids_add(out, x->id);
    }
}

/* The word s[n] with a U+2581 in front, and for each space in it. */
static void
add_barred(struct t5g_unigram *u, bool bar, const char *s, size_t n, struct t5g_ids *out)
{
    struct t5g_buf *w = &u->word;
    w->n = 0;
    if (bar)
        t5g_buf_adds(w, T5G_BAR);
    for (const char *end = s + n, *hit; s < end; s = hit + 1) {
        hit = memchr(s, ' ', (size_t)(end - s));
        t5g_buf_add(w, s, (size_t)((hit != NULL ? hit : end) - s));
        if (hit == NULL)
            break;
        t5g_buf_adds(w, T5G_BAR);
    }
    viterbi(u, w->p, w->n, out);
}

/* The word s[n] after a U+2581, by memory if it is known. */
static void
add_word(struct t5g_unigram *u, const char *s, size_t n, uint64_t hash, struct t5g_ids *out)
{
    struct word *w = &u->words[hash >> 32 & (SLOTS - 1)];
    if (n <= WORD_MAX && w->n > 0 && w->len == n && memcmp(w->text, s, n) == 0) {
        t5g_ids_append(out, w->ids, w->n);
        return;
    }
    size_t before = out->n;
    add_barred(u, true, s, n, out);
    size_t ids = out->n - before;
    if (n <= WORD_MAX && ids <= WORD_IDS) {
        w->len = (uint8_t)n;
        w->n = (uint8_t)ids;
        memcpy(w->text, s, n);
        memcpy(w->ids, out->p + before, ids * sizeof *w->ids);
    }
}

/* Length of the white space at s if words end at it. */
static size_t
white_at(const struct t5g_unigram *u, const char *s, size_t n)
{
    return (u->t->h->pre & T5G_PRE_WORDS) != 0 ? t5g_utf8_space(s, n) : 0;
}

/* Length of the U+2581, or the space that becomes one, at s. */
static size_t
bar_at(const char *s, size_t n)
{
    if (*s == ' ')
        return 1;
    return n >= BAR_LEN && memcmp(s, T5G_BAR, BAR_LEN) == 0 ? BAR_LEN : 0;
}

/* Words that begin with U+2581 and have no other. */
static void
add_split(struct t5g_unigram *u, const char *s, size_t n, bool begins, struct t5g_ids *out)
{
    bool always = (u->t->h->pre & T5G_PRE_ALWAYS) != 0;
    bool barred = always || (begins && (u->t->h->pre & T5G_PRE_FIRST) != 0), apart = true;
    for (size_t i = 0; i < n;) {
        size_t len, end;
        uint64_t hash = 0;
        if ((len = white_at(u, s + i, n - i)) > 0) {
            i += len;
            barred = always;
            apart = true;
            continue;
        }
        len = bar_at(s + i, n - i);
        bool bar = len > 0 || (apart && barred);
        for (end = i += len; end < n; end++) {
            unsigned char c = (unsigned char)s[end];
            if (u->stop[c] != 0 && (white_at(u, s + end, n - end) > 0 || bar_at(s + end, n - end)))
                break;
            hash = (hash ^ c) * 0x9e3779b97f4a7c15u;
        }
        if (bar)
            add_word(u, s + i, end - i, hash, out);
        else
            viterbi(u, s + i, end - i, out);
        i = end;
        apart = false;
    }
}

/* Words at white space only, or the whole text. */
static void
add_whole(struct t5g_unigram *u, const char *s, size_t n, bool begins, struct t5g_ids *out)
{
    unsigned pre = u->t->h->pre;
    for (size_t i = 0, len, end; i < n; i = end) {
        while (i < n && (len = white_at(u, s + i, n - i)) > 0) {
            i += len;
            begins = false;
        }
        for (end = i; end < n && white_at(u, s + end, n - end) == 0; end++)
            continue;
        bool bar = (pre & T5G_PRE_ALWAYS) != 0 || (begins && (pre & T5G_PRE_FIRST) != 0);
        if (i == end)
            break;
        if ((pre & T5G_PRE_BARS) != 0)
            add_barred(u, bar && bar_at(s + i, end - i) == 0, s + i, end - i, out);
        else
            viterbi(u, s + i, end - i, out);
    }
}

void
t5g_unigram_add(struct t5g_unigram *u, const char *s, size_t n, bool begins, struct t5g_ids *out)
{
    if (u->words == NULL)
        u->words = t5g_alloc(SLOTS, sizeof *u->words);
    if ((u->t->h->pre & T5G_PRE_SPLIT) != 0)
        add_split(u, s, n, begins, out);
    else
        add_whole(u, s, n, begins, out);
}
