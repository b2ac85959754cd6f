/*
 * bpe.c: byte-pair encoding (Sennrich et al. 2016) with the order of Hugging Face tokenizers:
 * always the pair of lowest rank, of equal ones the leftmost.
 *
 * A text is cut into words wherever no merge can reach across (see compile.c); a character that is
 * no token is such a wall too, and becomes its byte tokens. Words are short then: up to SMALL
 * symbols the best pair is looked for anew each time, beyond that a heap keeps the cost at n log n.
 * Results of short words are remembered.
 */
#include "text/bpe.h"
#include "base/utf8.h"

#include <string.h>

#define SMALL    48
#define SLOTS    (1u << 15) /* of the memory for words: 2 MB */
#define WORD_MAX 30         /* bytes of a word that is remembered */
#define WORD_IDS 8

struct word {
    uint8_t len, n;
    char text[WORD_MAX];
    int32_t ids[WORD_IDS];
};

/* A symbol of a long word, in a doubly linked list by index; id T5G_NO_ID: merged away. */
struct symbol {
    int32_t id, prev, next;
};

/* A pair that could merge: stale when the symbols at `at` no longer give `id`. */
struct candidate {
    uint32_t rank, at, id;
};

struct t5g_bpe {
    const struct t5g_table *t;
    struct word *words;   /* [SLOTS] */
    struct t5g_ids chars; /* symbols of the word at hand */
    struct symbol *symbols;
    struct candidate *heap;
    size_t cap, n_heap;
};

struct t5g_bpe *
t5g_bpe_open(const struct t5g_table *t)
{
    struct t5g_bpe *b = t5g_alloc(1, sizeof *b);
    b->t = t;
    b->words = t5g_alloc(SLOTS, sizeof *b->words);
    return b;
}

void
t5g_bpe_close(struct t5g_bpe *b)
{
    if (b == NULL)
        return;
    t5g_ids_free(&b->chars);
    t5g_free(b->symbols);
    t5g_free(b->heap);
    t5g_free(b->words);
    t5g_free(b);
}

/* The merge of a pair, or NULL. */
static const struct t5g_merge *
merge_of(const struct t5g_table *t, int32_t a, int32_t b)
{
    uint32_t mask = t->h->merge_mask;
    for (size_t i = t5g_pair_hash((uint32_t)a, (uint32_t)b) & mask;; i = (i + 1) & mask) {
        const struct t5g_merge *m = &t->merges[i];
        if (m->a == (uint32_t)a && m->b == (uint32_t)b)
            return m;
        if (m->a == UINT32_MAX)
            return NULL;
    }
}

static bool
can_touch(const struct t5g_table *t, int32_t a, int32_t b)
{
    uint64_t pair = ((uint64_t)(uint32_t)a << 32 | (uint32_t)b) + 1;
    uint32_t mask = t->h->bigram_mask;
    for (size_t i = t5g_pair_hash((uint32_t)a, (uint32_t)b) & mask; t->bigrams[i] != 0;
         i = (i + 1) & mask)
        if (t->bigrams[i] == pair)
            return true;
    return false;
}

static void
merge_small(const struct t5g_table *t, int32_t *id, size_t n, struct t5g_ids *out)
{
    const struct t5g_merge *pair[SMALL];
    for (size_t i = 0; i + 1 < n; i++)
        pair[i] = merge_of(t, id[i], id[i + 1]);
    for (;;) {
        size_t best = n;
        uint32_t rank = UINT32_MAX;
        for (size_t i = 0; i + 1 < n; i++)
            if (pair[i] != NULL && pair[i]->rank < rank) {
                best = i;
                rank = pair[i]->rank;
            }
        if (best == n)
            break;
        id[best] = (int32_t)pair[best]->id;
        n--;
        memmove(id + best + 1, id + best + 2, (n - best - 1) * sizeof *id);
        if (n > best + 1)
            memmove(pair + best, pair + best + 1, (n - best - 1) * sizeof(pair[0]));
        if (best > 0)
            pair[best - 1] = merge_of(t, id[best - 1], id[best]);
        if (best + 1 < n)
            pair[best] = merge_of(t, id[best], id[best + 1]);
    }
    t5g_ids_append(out, id, n);
}

static bool
before(const struct candidate *a, const struct candidate *b)
{
    return a->rank != b->rank ? a->rank < b->rank : a->at < b->at;
}

static void
push(struct t5g_bpe *b, size_t at)
{
    const struct symbol *s = b->symbols + at;
    if (s->next < 0)
        return;
    const struct t5g_merge *m = merge_of(b->t, s->id, b->symbols[s->next].id);
    if (m == NULL)
        return;
    struct candidate c = {m->rank, (uint32_t)at, m->id};
    size_t i = b->n_heap++;
    for (; i > 0 && before(&c, &b->heap[(i - 1) / 2]); i = (i - 1) / 2)
        b->heap[i] = b->heap[(i - 1) / 2];
    b->heap[i] = c;
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
merge_large(struct t5g_bpe *b, const int32_t *id, size_t n, struct t5g_ids *out)
{
    if (b->cap < n) {
        t5g_free(b->symbols);
        t5g_free(b->heap);
        b->symbols = t5g_alloc_raw(n, sizeof *b->symbols);
        b->heap = t5g_alloc_raw(3 * n,
                                sizeof *b->heap); /* n at first, two for each of at most n merges */
        b->cap = n;
    }
    for (size_t i = 0; i < n; i++)
        b->symbols[i] = (struct symbol){id[i], (int32_t)i - 1, i + 1 < n ? (int32_t)i + 1 : -1};
    b->n_heap = 0;
    for (size_t i = 0; i + 1 < n; i++)
        push(b, i);
    while (b->n_heap > 0) {
        struct candidate c = pop(b);
        struct symbol *s = b->symbols + c.at;
        if (s->id == T5G_NO_ID || s->next < 0)
            continue;
        const struct t5g_merge *m = merge_of(b->t, s->id, b->symbols[s->next].id);
        if (m == NULL || m->id != c.id)
            continue; /* a neighbour has changed since */
        struct symbol *gone = b->symbols + s->next;
        s->id = (int32_t)m->id;
        s->next = gone->next;
        gone->id = T5G_NO_ID;
        if (s->next >= 0)
            b->symbols[s->next].prev = (int32_t)c.at;
        if (s->prev >= 0)
            push(b, (size_t)s->prev);
        push(b, c.at);
    }
    for (int32_t i = 0; i >= 0; i = b->symbols[i].next)
        t5g_ids_add(out, b->symbols[i].id);
}

/* The word whose symbols are in b->chars and whose text is s[0..n). */
static void
encode_word(struct t5g_bpe *b, const char *s, size_t n, struct t5g_ids *out)
{
    size_t start = out->n;
    if (b->chars.n == 0)
        return;
    if (b->chars.n == 1) {
        t5g_ids_add(out, b->chars.p[0]);
        return;
    }
    struct word *w = n <= WORD_MAX ? &b->words[t5g_hash64(s, n) & (SLOTS - 1)] : NULL;
    if (w != NULL && w->len == n && memcmp(w->text, s, n) == 0) {
        t5g_ids_append(out, w->ids, w->n);
        return;
    }
    if (b->chars.n <= SMALL)
        merge_small(b->t, b->chars.p, b->chars.n, out);
    else
        merge_large(b, b->chars.p, b->chars.n, out);
    if (w != NULL && out->n - start <= WORD_IDS) {
        w->len = (uint8_t)n;
        w->n = (uint8_t)(out->n - start);
        memcpy(w->text, s, n);
        memcpy(w->ids, out->p + start, w->n * sizeof *w->ids);
    }
}

void
t5g_bpe_encode(struct t5g_bpe *b, const char *s, size_t n, struct t5g_ids *out)
{
    const struct t5g_table *t = b->t;
    const unsigned char *p = (const unsigned char *)s;
    size_t word = 0;
    int32_t last = T5G_NO_ID;
    b->chars.n = 0;
    for (size_t i = 0, len; i < n; i += len) {
        len = t5g_utf8_len(p + i, n - i, NULL);
        uint32_t c = len > 0 ? t5g_utf8_decode(p + i, len) : 0;
        if (c == ' ' && t->h->space_is_bar)
            c = 0x2581;
        int32_t id = t->chars[t->page[c >> 8] * 256u + (c & 255)];
        if (last == T5G_NO_ID || id == T5G_NO_ID || !can_touch(t, last, id)) {
            encode_word(b, s + word, i - word, out);
            b->chars.n = 0;
            word = i;
        }
        if (id != T5G_NO_ID)
            t5g_ids_add(&b->chars, id);
        for (size_t k = 0; k < len && id == T5G_NO_ID; k++)
            t5g_ids_add(out, t->h->byte_id[p[i + k]]);
        if (id == T5G_NO_ID)
            word = i + len;
        last = id;
    }
    encode_word(b, s + word, n - word, out);
}
