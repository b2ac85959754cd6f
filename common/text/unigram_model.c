/* unigram_model.c: pieces and scores, the unknown token, byte tokens. */
#include "text/unigram_model.h"
#include "text/added.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define PIECES_MAX      (1 << 22)
#define UNKNOWN_PENALTY 10.0 /* of unknown text, below the least score */

/* A piece: ["text", score]; its place is its id. */
static int
read_piece(struct t5g_vocabulary *v, size_t id, const struct t5g_json *x, struct t5g_err *e)
{
    const struct t5g_json *text = t5g_json_first(x),
                          *score = text != NULL ? t5g_json_next(text) : NULL;
    const char *s = t5g_json_str(text);
    if (s == NULL || !t5g_json_is_number(score) || !isfinite(t5g_json_num(score)))
        return t5g_err_set(e, T5G_EX_DATA, "model.vocab: entry %zu: expected a text and a score",
                           id);
    if (strlen(s) > T5G_SCORED_MAX)
        return t5g_err_set(e, T5G_EX_DATA, "model.vocab: entry %zu: %zu bytes, limit %d", id,
                           strlen(s), T5G_SCORED_MAX);
    /* The table has a space for a U+2581, but Metaspace drops only the latter from a first token.
     */
    if (strchr(s, ' ') != NULL && strstr(s, T5G_BAR) != NULL)
        return t5g_err_set(e, T5G_EX_DATA,
                           "model.vocab: entry %zu: both U+0020 and U+2581: not supported", id);
    t5g_vocabulary_add(v, id, s);
    v->score[id] = t5g_json_num(score);
    return 0;
}

static int
read_pieces(struct t5g_vocabulary *v, const struct t5g_json *vocab, struct t5g_err *e)
{
    size_t n = t5g_json_size(vocab), id = 0;
    int r = 0;
    if (!t5g_json_is_array(vocab) || n == 0 || n > PIECES_MAX)
        return t5g_err_set(e, T5G_EX_DATA, "model.vocab: expected an array of up to %d",
                           PIECES_MAX);
    t5g_vocabulary_make(v, n);
    v->score = t5g_alloc(n, sizeof *v->score);
    for (const struct t5g_json *x = t5g_json_first(vocab); x != NULL && r == 0;
         x = t5g_json_next(x))
        r = read_piece(v, id++, x, e);
    return r;
}

/* Byte tokens: for unknown text all of them are needed, if any. */
static int
read_bytes(const struct t5g_vocabulary *v, struct t5g_table_header *h, bool fallback,
           struct t5g_err *e)
{
    char name[8];
    int have = 0;
    for (int b = 0; b < 256; b++) {
        snprintf(name, sizeof name, "<0x%02X>", b);
        h->byte_id[b] = t5g_vocabulary_find(v, name, 6);
        have += h->byte_id[b] != T5G_NO_ID;
    }
    if (fallback && have != 0 && have != 256)
        return t5g_err_set(
            e, T5G_EX_DATA,
            "model.byte_fallback: %d of 256 byte tokens: not supported, expected all", have);
    h->byte_fallback = fallback && have == 256;
    return 0;
}

/* What would make the choice of pieces random. */
static int
check_sampling(const struct t5g_json *m, struct t5g_err *e)
{
    static const char *const off[] = {"alpha", "nbest_size", "dropout"};
    for (size_t i = 0; i < T5G_LEN(off); i++) {
        const struct t5g_json *v = t5g_json_get(m, off[i]);
        if (v != NULL && !t5g_json_is_null(v) && t5g_json_num(v) != 0)
            return t5g_err_set(e, T5G_EX_DATA, "model.%s: not supported, expected null", off[i]);
    }
    return 0;
}

int
t5g_unigram_model(struct t5g_vocabulary *v, struct t5g_table_header *h, const struct t5g_json *m,
                  struct t5g_err *e)
{
    int64_t unknown;
    double least = INFINITY;
    if (check_sampling(m, e) < 0 || read_pieces(v, t5g_json_get(m, "vocab"), e) < 0)
        return -1;
    if (!t5g_json_int(t5g_json_get(m, "unk_id"), 0, (int64_t)v->n - 1, &unknown))
        return t5g_err_set(e, T5G_EX_DATA, "model.unk_id: expected an id of the vocabulary");
    for (size_t i = 0; i < v->n; i++)
        least = v->score[i] < least ? v->score[i] : least;
    h->unknown = (int32_t)unknown;
    h->unknown_score = least - UNKNOWN_PENALTY;
    return read_bytes(v, h, t5g_json_true(t5g_json_get(m, "byte_fallback")), e);
}

void
t5g_unigram_hash(struct t5g_hash *hash, const struct t5g_vocabulary *v,
                 const struct t5g_table_header *h, const struct t5g_pipeline *p)
{
    const struct t5g_buf *parts[] = {&p->steps, &p->strings, &p->charsmap};
    const uint32_t flags[] = {p->pre, p->decode, (uint32_t)h->unknown, h->byte_fallback, p->bytes};
    t5g_hash_add(hash, v->score, v->n * sizeof *v->score);
    t5g_hash_add(hash, flags, sizeof flags);
    for (size_t i = 0; i < T5G_LEN(parts); i++)
        t5g_hash_add(hash, parts[i]->n > 0 ? parts[i]->p : "", parts[i]->n);
}
