/* table_bind.c: check a block of memory and point a table into it. */
#include "base/utf8.h"
#include "text/charsmap.h"
#include "text/table.h"

#include <math.h>
#include <string.h>

uint64_t
t5g_table_hash(const void *block, uint64_t size)
{
    struct t5g_table_header h;
    memcpy(&h, block, sizeof h);
    h.hash = t5g_hash64((const char *)block + sizeof h, size - sizeof h);
    return t5g_hash64(&h, sizeof h);
}

static const void *
section(const void *block, uint64_t size, struct t5g_span s, uint64_t want, bool *good)
{
    if (s.off % T5G_ALIGN != 0 || s.off > size || s.len > size - s.off || s.len < want)
        *good = false;
    return (const char *)block + s.off;
}

static void
bind_bpe(struct t5g_table *t, const struct t5g_table_header *h, bool *good)
{
    uint64_t merges = (uint64_t)h->merge_mask + 1, bigrams = (uint64_t)h->bigram_mask + 1;
    t->page = section(h, h->size, h->page, 0x1100 * 2, good);
    t->chars = section(h, h->size, h->chars, 256 * 4, good);
    t->merges = section(h, h->size, h->merges, merges * sizeof *t->merges, good);
    t->bigrams = section(h, h->size, h->bigrams, bigrams * sizeof *t->bigrams, good);
    t->joins = section(h, h->size, h->joins, sizeof(uint64_t[128][2]), good);
}

static void
bind_unigram(struct t5g_table *t, const struct t5g_table_header *h, bool *good)
{
    t->units = section(h, h->size, h->units, 256 * sizeof *t->units, good);
    t->steps = section(h, h->size, h->steps, 0, good);
    t->n_steps = h->steps.len / sizeof *t->steps;
    t->strings = section(h, h->size, h->strings, 0, good);
    t->charsmap = section(h, h->size, h->charsmap, 0, good);
}

static bool
bind_sections(struct t5g_table *t, const struct t5g_table_header *h)
{
    bool good = true;
    uint64_t size = h->size;
    t->h = h;
    t->text_off = section(h, size, h->text_off, ((uint64_t)h->n_ids + 1) * 4, &good);
    t->text = section(h, size, h->text, 0, &good);
    t->kind = section(h, size, h->kind, h->n_ids, &good);
    if (h->model == T5G_MODEL_BPE)
        bind_bpe(t, h, &good);
    else
        bind_unigram(t, h, &good);
    t->nodes = section(h, size, h->nodes, sizeof *t->nodes, &good);
    t->edges = section(h, size, h->edges, 0, &good);
    t->before = section(h, size, h->before, 0, &good);
    t->after = section(h, size, h->after, 0, &good);
    t->n_before = h->before.len / 4;
    t->n_after = h->after.len / 4;
    return good;
}

/* Whether the ids exist (or are min, if that is T5G_NO_ID). */
static bool
good_ids(const struct t5g_table *t, const int32_t *ids, size_t n, int32_t min)
{
    for (size_t i = 0; i < n; i++)
        if (ids[i] < min || ids[i] >= (int64_t)t->h->n_ids)
            return false;
    return true;
}

/* Whether every search in a table of pairs ends: its size is a power of two, and a slot is free. */
static bool
good_pairs(const struct t5g_merge *p, uint32_t mask)
{
    if ((((uint64_t)mask + 1) & mask) != 0)
        return false;
    for (uint64_t i = 0; i <= mask; i++)
        if (p[i].a == UINT32_MAX)
            return true;
    return false;
}

static bool
good_tries(const struct t5g_table *t)
{
    uint64_t nodes = t->h->nodes.len / sizeof *t->nodes, edges = t->h->edges.len / sizeof *t->edges;
    if (t->h->raw >= nodes || t->h->normalized >= nodes)
        return false;
    for (uint64_t i = 0; i < nodes; i++)
        if (t->nodes[i].first > edges || t->nodes[i].n > edges - t->nodes[i].first ||
            !good_ids(t, &t->nodes[i].id, 1, T5G_NO_ID))
            return false;
    for (uint64_t i = 0; i < edges; i++)
        if (t->edges[i].to >= nodes || t->edges[i].byte > 255)
            return false;
    return true;
}

static bool
good_bpe(const struct t5g_table *t)
{
    const struct t5g_table_header *h = t->h;
    uint64_t pages = h->chars.len / (256 * sizeof *t->chars);
    for (size_t i = 0; i < 0x1100; i++)
        if (t->page[i] >= pages)
            return false;
    return good_ids(t, t->chars, (size_t)pages * 256, T5G_NO_ID) &&
           good_ids(t, h->byte_id, T5G_LEN(h->byte_id), 0) &&
           good_pairs(t->merges, h->merge_mask) && good_pairs(t->bigrams, h->bigram_mask);
}

/* Every unit's children are units, and scores are numbers, so that each text has a best path. */
static bool
good_units(const struct t5g_table *t)
{
    uint64_t n = t->h->units.len / sizeof *t->units;
    if (n % 256 != 0)
        return false;
    for (uint64_t i = 0; i < n; i++) {
        uint32_t id = t->units[i].label_id & T5G_NO_PIECE;
        if (t->units[i].base >= n || (id != T5G_NO_PIECE && id >= t->h->n_ids) ||
            !isfinite(t->units[i].score))
            return false;
    }
    return true;
}

static bool
good_steps(const struct t5g_table *t)
{
    uint64_t strings = t->h->strings.len;
    bool charsmap = false;
    for (size_t i = 0; i < t->n_steps; i++) {
        const struct t5g_step *s = &t->steps[i];
        if (s->op > T5G_STEP_SPACES || s->from > strings || s->from_len > strings - s->from ||
            s->to > strings || s->to_len > strings - s->to ||
            (s->op == T5G_STEP_REPLACE && s->from_len == 0) ||
            t5g_utf8_check(t->strings + s->from, s->from_len) != s->from_len ||
            t5g_utf8_check(t->strings + s->to, s->to_len) != s->to_len)
            return false;
        charsmap = charsmap || s->op == T5G_STEP_CHARSMAP;
    }
    struct t5g_charsmap m;
    return !charsmap || t5g_charsmap_open(&m, t->charsmap, t->h->charsmap.len, NULL, NULL) == 0;
}

static bool
good_unigram(const struct t5g_table *t)
{
    const struct t5g_table_header *h = t->h;
    return h->model == T5G_MODEL_UNIGRAM && isfinite(h->unknown_score) &&
           good_ids(t, &h->unknown, 1, 0) &&
           good_ids(t, h->byte_id, T5G_LEN(h->byte_id), h->byte_fallback != 0 ? 0 : T5G_NO_ID) &&
           good_units(t) && good_steps(t);
}

/* Whether all indices stay inside. (Ids of pairs are not indices.) */
static bool
good_indices(const struct t5g_table *t)
{
    const struct t5g_table_header *h = t->h;
    if (h->n_ids > INT32_MAX || t->text_off[0] != 0 || t->text_off[h->n_ids] > h->text.len)
        return false;
    for (uint32_t i = 0; i < h->n_ids; i++)
        if (t->text_off[i] > t->text_off[i + 1])
            return false;
    return (h->model == T5G_MODEL_BPE ? good_bpe(t) : good_unigram(t)) &&
           good_ids(t, t->before, t->n_before, 0) && good_ids(t, t->after, t->n_after, 0) &&
           good_tries(t) && memchr(h->identity, '\0', T5G_HEX128) != NULL &&
           memchr(h->file, '\0', T5G_HEX128) != NULL;
}

int
t5g_table_bind(struct t5g_table *t, const void *block, uint64_t size, bool checked,
               struct t5g_err *e)
{
    const struct t5g_table_header *h = block;
    if (size < sizeof *h || memcmp(h->magic, T5G_TABLE_MAGIC, 8) != 0 ||
        h->version != T5G_TABLE_VERSION || h->header_size != sizeof *h)
        return t5g_err_set(e, T5G_EX_DATA, "its tokenizer is of another version: pack it again");
    if (h->size != size || (!checked && t5g_table_hash(block, size) != h->hash))
        return t5g_err_set(e, T5G_EX_DATA, "its tokenizer is damaged (checksum): pack it again");
    if (!bind_sections(t, h) || (!checked && !good_indices(t)))
        return t5g_err_set(e, T5G_EX_DATA, "its tokenizer is damaged (index): pack it again");
    return 0;
}
