/*
 * bpe.c: byte-pair encoding (Sennrich et al. 2016) in the order of Hugging Face tokenizers: always
 * the pair of lowest rank, and the leftmost of equal ones.
 *
 * A text is cut into words at walls, which no merge can cross (see compile.c); a character without
 * a token is such a wall too, and becomes byte tokens. So words are short: up to SMALL symbols the
 * best pair is searched anew each time; for longer words a heap keeps the cost at n log n. Results
 * of short words are remembered.
 *
 * The tables are larger than the CPU's caches, and each merge of a word depends on the one before.
 * So characters are processed in blocks: each table entry is prefetched some steps before it is
 * needed, and the block's words take turns at merging.
 */
#include "text/bpe.h"
#include "base/utf8.h"

#include <string.h>

#define SMALL    48
#define SLOTS    (1u << 15) /* for remembered words: 2 MB */
#define WORD_MAX 30         /* bytes of a word that is remembered */
#define WORD_IDS 8
#define SEGMENT  128 /* characters looked up together */
#define BLOCK    512 /* words merged together */

struct word {
    uint8_t len, n;
    char text[WORD_MAX];
    int32_t ids[WORD_IDS];
};

/* A word of the block: len bytes of text, n symbols (finally ids) from `first` on. */
struct piece {
    const unsigned char *text;    /* NULL: the symbols are its ids */
    size_t len, first, n, merged; /* merged: the result of the latest merge, or n */
    struct word *memory;          /* where to keep its result, or NULL */
};

/* A symbol of a long word, in a doubly linked list by index; id T5G_NO_ID: merged away. */
struct symbol {
    int32_t id, prev, next;
};

/* A pair that could merge; stale if the symbols at `at` no longer merge to `id`. */
struct candidate {
    uint32_t rank, at, id;
};

struct t5g_bpe {
    const struct t5g_table *t;
    struct word *words; /* [SLOTS]; NULL before the first text */
    /* Symbols [n] of the block's words; merge[i]: the merge of symbols i - 1 and i. Those from
     * `first` on belong to the open word; `hash` is of its characters. */
    int32_t *id;
    uint64_t *merge;
    size_t n, room, first;
    uint64_t hash;
    struct piece pieces[BLOCK];
    size_t n_pieces;
    struct symbol *symbols;
    struct candidate *heap;
    size_t cap, n_heap;
};

struct t5g_bpe *
t5g_bpe_open(const struct t5g_table *t)
{
    struct t5g_bpe *b = t5g_alloc(1, sizeof *b);
    b->t = t;
    return b;
}

void
t5g_bpe_close(struct t5g_bpe *b)
{
    if (b == NULL)
        return;
    t5g_free(b->id);
    t5g_free(b->merge);
    t5g_free(b->symbols);
    t5g_free(b->heap);
    t5g_free(b->words);
    t5g_free(b);
}

/* A merge as one number: the smaller of two comes first. NONE: the pair does not merge. */
#define NONE UINT64_MAX

static uint64_t
number_of(const struct t5g_merge *m)
{
    return (uint64_t)m->rank << 32 | m->id; /* a free slot is all ones */
}

static uint64_t
merge_of(const struct t5g_table *t, int32_t a, int32_t b)
{
    return number_of(t5g_pair_find(t->merges, t->h->merge_mask, (uint32_t)a, (uint32_t)b));
}

/* Inlined at all costs: gcc takes a function that only prefetches for one without effect, and
 * leaves calls of it out. */
__attribute__((always_inline)) static inline void
prefetch_merge(const struct t5g_table *t, int32_t a, int32_t b)
{
    __builtin_prefetch(&t->merges[t5g_pair_hash((uint32_t)a, (uint32_t)b) & t->h->merge_mask]);
}

/* Do one merge of a short word; false: there is none left. */
static bool
merge_once(struct t5g_bpe *b, struct piece *w)
{
    int32_t *id = b->id + w->first;
    uint64_t *merge = b->merge + w->first, first = NONE;
    size_t m = w->merged, best = 0;
    if (m < w->n && m > 0)
        merge[m] = merge_of(b->t, id[m - 1], id[m]);
    if (m + 1 < w->n)
        merge[m + 1] = merge_of(b->t, id[m], id[m + 1]);
    for (size_t i = 1; i < w->n; i++) { /* which one is least cannot be foreseen: no branches */
        bool less = merge[i] < first;
        first = less ? merge[i] : first;
        best = less ? i : best;
    }
    if (best == 0)
        return false;
    m = w->merged = best - 1;
    id[m] = (int32_t)(uint32_t)first;
    w->n--;
    for (size_t i = best; i < w->n; i++) {
        id[i] = id[i + 1];
        merge[i] = merge[i + 1];
    }
    if (m > 0)
        prefetch_merge(b->t, id[m - 1], id[m]);
    if (m + 1 < w->n)
        prefetch_merge(b->t, id[m], id[m + 1]);
    return true;
}

static bool
before(const struct candidate *a, const struct candidate *b)
{
    return a->rank != b->rank ? a->rank < b->rank : a->at < b->at;
}

static void
push(struct t5g_bpe *b, size_t at, uint64_t merge)
{
    if (merge == NONE)
        return;
    struct candidate c = {(uint32_t)(merge >> 32), (uint32_t)at, (uint32_t)merge};
    size_t i = b->n_heap++;
    for (; i > 0 && before(&c, &b->heap[(i - 1) / 2]); i = (i - 1) / 2)
        b->heap[i] = b->heap[(i - 1) / 2];
    b->heap[i] = c;
}

/* Push the merge of symbol `at` with the next one, which has changed. */
static void
push_new(struct t5g_bpe *b, size_t at)
{
    const struct symbol *s = b->symbols + at;
    if (s->next >= 0)
        push(b, at, merge_of(b->t, s->id, b->symbols[s->next].id));
}

static struct candidate
pop(struct t5g_bpe *b)
{
    struct candidate top = b->heap[0], last = b->heap[--b->n_heap];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= b->n_heap)
            break;
        if (child + 1 < b->n_heap && before(&b->heap[child + 1], &b->heap[child]))
            child++;
        if (!before(&b->heap[child], &last))
            break;
        b->heap[i] = b->heap[child];
        i = child;
    }
    b->heap[i] = last;
    return top;
}

static void
merge_long(struct t5g_bpe *b, struct piece *w)
{
    size_t n = w->n;
    int32_t *id = b->id + w->first;
    if (b->cap < n) {
        t5g_free(b->symbols);
        t5g_free(b->heap);
        b->symbols = t5g_alloc_raw(n, sizeof *b->symbols);
        b->heap = t5g_alloc_raw(3 * n, sizeof *b->heap); /* n at first, two for each merge */
        b->cap = n;
    }
    for (size_t i = 0; i < n; i++)
        b->symbols[i] = (struct symbol){id[i], (int32_t)i - 1, i + 1 < n ? (int32_t)i + 1 : -1};
    b->n_heap = 0;
    for (size_t i = 1; i < n; i++)
        push(b, i - 1, b->merge[w->first + i]);
    while (b->n_heap > 0) {
        struct candidate c = pop(b);
        struct symbol *s = b->symbols + c.at;
        if (s->id == T5G_NO_ID || s->next < 0)
            continue;
        uint64_t merge = merge_of(b->t, s->id, b->symbols[s->next].id);
        if (merge == NONE || (uint32_t)merge != c.id)
            continue; /* a neighbour has changed since */
        struct symbol *gone = b->symbols + s->next;
        s->id = (int32_t)c.id;
        s->next = gone->next;
        gone->id = T5G_NO_ID;
        if (s->next >= 0)
            b->symbols[s->next].prev = (int32_t)c.at;
        if (s->prev >= 0)
            push_new(b, (size_t)s->prev);
        push_new(b, c.at);
    }
    w->n = 0;
    for (int32_t i = 0; i >= 0; i = b->symbols[i].next)
        id[w->n++] = b->symbols[i].id;
}

/* Room for `more` symbols. */
static void
make_room(struct t5g_bpe *b, size_t more)
{
    if (more <= b->room - b->n)
        return;
    size_t room = 2 * (b->n + more);
    int32_t *ids = t5g_alloc_raw(room, sizeof *ids);
    uint64_t *merges = t5g_alloc_raw(room, sizeof *merges);
    for (size_t i = 0; i < b->n; i++) {
        ids[i] = b->id[i];
        merges[i] = b->merge[i];
    }
    t5g_free(b->id);
    t5g_free(b->merge);
    b->id = ids;
    b->merge = merges;
    b->room = room;
}

/* Add a symbol to the open word. */
static inline void
add_symbol(struct t5g_bpe *b, int32_t id, uint64_t merge)
{
    b->id[b->n] = id;
    b->merge[b->n++] = merge;
}

static uint64_t
hash_more(uint64_t hash, uint32_t c)
{
    return (hash ^ c) * 0x9e3779b97f4a7c15u;
}

/* Where the open word's result is, if remembered. */
static struct word *
memory_of(const struct t5g_bpe *b)
{
    return &b->words[b->hash >> 32 & (SLOTS - 1)];
}

/* End the open word, which is the text from `text` to `end`. */
static void
end_word(struct t5g_bpe *b, const unsigned char *text, const unsigned char *end)
{
    size_t len = (size_t)(end - text), n = b->n - b->first;
    if (n == 0)
        return;
    struct piece *w = &b->pieces[b->n_pieces++];
    *w = (struct piece){text, len, b->first, n, n, NULL};
    if (n > 1 && len <= WORD_MAX) {
        w->memory = memory_of(b);
        __builtin_prefetch(w->memory);
    }
    b->first = b->n;
    b->hash = 0;
}

/* Merge the block's words and append their ids. */
static void
end_block(struct t5g_bpe *b, struct t5g_ids *out)
{
    struct piece *turn[BLOCK];
    size_t n = 0;
    for (size_t i = 0; i < b->n_pieces; i++) {
        struct piece *w = &b->pieces[i];
        if (w->text == NULL)
            continue;
        if (w->memory != NULL && w->memory->len == w->len &&
            memcmp(w->memory->text, w->text, w->len) == 0) {
            w->n = w->memory->n;
            memcpy(b->id + w->first, w->memory->ids, w->n * sizeof *b->id);
            w->memory = NULL;
        } else if (w->n > SMALL) {
            merge_long(b, w);
        } else if (w->n > 1) {
            turn[n++] = w;
        }
    }
    while (n > 0) {
        size_t left = 0;
        for (size_t i = 0; i < n; i++)
            if (merge_once(b, turn[i]))
                turn[left++] = turn[i];
        n = left;
    }
    t5g_ids_reserve(out, b->n);
    for (size_t i = 0; i < b->n_pieces; i++) {
        const struct piece *w = &b->pieces[i];
        for (size_t k = 0; k < w->n; k++)
            out->p[out->n++] = b->id[w->first + k];
        if (w->memory != NULL && w->n <= WORD_IDS) {
            w->memory->len = (uint8_t)w->len;
            w->memory->n = (uint8_t)w->n;
            memcpy(w->memory->text, w->text, w->len);
            memcpy(w->memory->ids, b->id + w->first, w->n * sizeof *b->id);
        }
    }
    /* The open word continues in the next block. */
    b->n_pieces = 0;
    b->n -= b->first;
    for (size_t i = 0; i < b->n; i++) {
        b->id[i] = b->id[b->first + i];
        b->merge[i] = b->merge[b->first + i];
    }
    b->first = 0;
}

/* Whether p[0] and p[1] are ASCII characters that no merge joins, so that a word ends between
 * them. */
static bool
is_wall(const struct t5g_table *t, const unsigned char *p)
{
    return ((p[0] | p[1]) & 0x80) == 0 && (t->joins[2 * p[0] + p[1] / 64] >> p[1] % 64 & 1) == 0;
}

/* The symbol a character starts as, or T5G_NO_ID. */
static inline int32_t
symbol_of(const struct t5g_table *t, uint32_t c)
{
    if (c == ' ' && t->h->space_is_bar != 0)
        c = 0x2581;
    return t->chars[t->page[c >> 8] * 256u + (c & 255)];
}

/* The id of p[0] where it is an ASCII character between walls; else T5G_NO_ID. */
static inline int32_t
lone_character(const struct t5g_table *t, const unsigned char *p, const unsigned char *end)
{
    return p[0] < 0x80 && (p + 1 == end || is_wall(t, p)) ? symbol_of(t, p[0]) : T5G_NO_ID;
}

/* Length of the ASCII word at p; 0: none, or it may continue with another character. Sets the open
 * word's hash. */
static size_t
ascii_word(struct t5g_bpe *b, const unsigned char *p, const unsigned char *end)
{
    const unsigned char *q = p;
    uint64_t hash = 0;
    for (; q < end && *q < 0x80 && (q == p || !is_wall(b->t, q - 1)); q++)
        hash = hash_more(hash, *q);
    b->hash = hash;
    return q < end && *q >= 0x80 ? 0 : (size_t)(q - p);
}

/*
 * Add symbols of p[0..end): at most SEGMENT characters, and only up to a wall between ASCII
 * characters. Returns where it stopped. *word: start of the open word; *last: the symbol before p;
 * T5G_NO_ID: p is at a wall.
 */
static const unsigned char *
segment(struct t5g_bpe *b, const unsigned char *p, const unsigned char *end,
        const unsigned char **word, int32_t *last)
{
    const struct t5g_table *t = b->t;
    const unsigned char *at[SEGMENT + 1];
    int32_t id[SEGMENT], left = *last;
    uint32_t code[SEGMENT], slot[SEGMENT], mask = t->h->bigram_mask;
    size_t m = 0;
    for (; m < SEGMENT && p < end; m++) {
        if (m > 0 && is_wall(t, p - 1))
            break;
        at[m] = p;
        code[m] = t5g_utf8_next(&p);
        id[m] = symbol_of(t, code[m]);
        slot[m] = (uint32_t)t5g_pair_hash((uint32_t)left, (uint32_t)id[m]) & mask;
        __builtin_prefetch(&t->bigrams[slot[m]]);
        left = id[m];
    }
    at[m] = p;
    for (size_t i = 0; i < m; *last = id[i++]) {
        const struct t5g_merge *bigram =
            t5g_pair_from(t->bigrams, mask, slot[i], (uint32_t)*last, (uint32_t)id[i]);
        if (bigram->a == UINT32_MAX) { /* no merge joins the two */
            end_word(b, *word, at[i]);
            *word = at[i];
        }
        b->hash = hash_more(b->hash, code[i]);
        if (id[i] != T5G_NO_ID)
            add_symbol(b, id[i], number_of(bigram));
        else
            for (const unsigned char *byte = at[i]; byte < at[i + 1]; byte++)
                add_symbol(b, t->h->byte_id[*byte], NONE);
    }
    if (p == end || is_wall(t, p - 1)) {
        end_word(b, *word, p);
        *word = p;
        *last = T5G_NO_ID;
    }
    return p;
}

/* A word that needs no merging: its n ids. */
static void
add_ids(struct t5g_bpe *b, const int32_t *ids, size_t n)
{
    for (size_t i = 0; i < n; i++)
        b->id[b->n + i] = ids[i];
    b->pieces[b->n_pieces++] = (struct piece){.first = b->n, .n = n};
    b->first = b->n += n;
}

void
t5g_bpe_add_id(struct t5g_bpe *b, int32_t id, struct t5g_ids *out)
{
    make_room(b, 1);
    add_ids(b, &id, 1);
    if (b->n_pieces > BLOCK - SEGMENT - 1)
        end_block(b, out);
}

void
t5g_bpe_add(struct t5g_bpe *b, const char *s, size_t n, struct t5g_ids *out)
{
    const unsigned char *p = (const unsigned char *)s, *end = p + n, *word = p;
    int32_t last = T5G_NO_ID, id;
    if (b->words == NULL)
        b->words = t5g_alloc(SLOTS, sizeof *b->words);
    while (p < end) {
        bool fresh = last == T5G_NO_ID && b->n == b->first; /* p is at a wall */
        make_room(b, 4 * SEGMENT + WORD_IDS);
        if (fresh && (id = lone_character(b->t, p, end)) != T5G_NO_ID) {
            add_ids(b, &id, 1);
            word = ++p;
        } else {
            size_t len = fresh ? ascii_word(b, p, end) : 0;
            const struct word *w = memory_of(b);
            if (len > 0 && w->len == len && memcmp(w->text, p, len) == 0) {
                add_ids(b, w->ids, w->n);
                word = p += len;
            } else {
                b->hash = 0;
                p = segment(b, p, len > 0 ? p + len : end, &word, &last);
            }
        }
        if (b->n_pieces > BLOCK - SEGMENT - 1)
            end_block(b, out);
    }
}

void
t5g_bpe_finish(struct t5g_bpe *b, struct t5g_ids *out)
{
    end_block(b, out);
}
