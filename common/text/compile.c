/*
 * compile.c: tokenizer.json, or spiece.model as one, to a table.
 *
 * Besides the file's contents it computes, for BPE, the bigrams: pairs of neighbouring characters
 * inside the result of some merge. Two characters that are no such pair can never be merged,
 * because every merge's result is a piece of the text; so a text may be cut between them and its
 * parts merged separately. This holds for any BPE vocabulary and any order of merges.
 */
#include "base/json.h"
#include "base/utf8.h"
#include "text/byt5.h"
#include "text/spiece.h"
#include "text/table.h"
#include "text/tokenizer_json.h"
#include "text/trie.h"
#include "text/unigram.h"
#include "text/unigram_model.h"
#include "text/vocabulary.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IDS_MAX         (1 << 22) /* largest id; the most merges are 4 times that */
#define UNKNOWN_PENALTY 10.0      /* of unknown text, below the least score */
#define JSON_MAX        ((size_t)256 << 20)

struct compiler {
    struct t5g_table_header h;
    struct t5g_pipeline p;
    struct t5g_added_list added;
    struct t5g_vocabulary v;
    int32_t *chars; /* [0x110000] id of the one-character token */
    struct t5g_merge *merges, *bigrams;
    size_t n_bigrams;
    struct t5g_hash *hash;
    uint64_t parts[2]; /* hashes of the vocabulary and of the merges, for the identity */
    struct t5g_err *e;
};

static size_t
power_above(size_t n)
{
    size_t p = 64;
    while (p < n)
        p *= 2;
    return p;
}

static void
hash_text(struct t5g_hash *h, int64_t id, const char *text)
{
    t5g_hash_add(h, &id, sizeof id);
    t5g_hash_add(h, text, strlen(text) + 1);
}

static void
hash_vocabulary(struct compiler *c)
{
    for (size_t i = 0; i < c->v.n; i++)
        if (c->v.text[i] != NULL)
            hash_text(c->hash, (int64_t)i, c->v.text[i]);
    c->parts[0] = t5g_hash_get64(c->hash);
}

static int
read_vocabulary(struct compiler *c, const struct t5g_json *vocab)
{
    int64_t id, max = -1;
    if (!t5g_json_is_object(vocab))
        return t5g_err_set(c->e, T5G_EX_DATA, "model.vocab: expected an object");
    for (const struct t5g_json *v = t5g_json_first(vocab); v != NULL; v = t5g_json_next(v)) {
        if (!t5g_json_int(v, 0, IDS_MAX, &id))
            return t5g_err_set(c->e, T5G_EX_DATA, "model.vocab: '%s': expected an id up to %d",
                               t5g_json_key(v), IDS_MAX);
        max = id > max ? id : max;
    }
    t5g_vocabulary_make(&c->v, (size_t)(max + 1));
    for (const struct t5g_json *v = t5g_json_first(vocab); v != NULL; v = t5g_json_next(v)) {
        const char *key = t5g_json_key(v);
        t5g_json_int(v, 0, IDS_MAX, &id);
        if (c->v.text[id] != NULL)
            return t5g_err_set(c->e, T5G_EX_DATA, "model.vocab: id %lld is both '%s' and '%s'",
                               (long long)id, c->v.text[id], key);
        t5g_vocabulary_add(&c->v, (size_t)id, key);
    }
    hash_vocabulary(c);
    return 0;
}

static int32_t
find_in(const void *arg, const char *text, size_t n)
{
    return t5g_vocabulary_find(arg, text, n);
}

static int
read_added(struct compiler *c, const struct t5g_added_files *f)
{
    const struct t5g_json *vocab = t5g_json_get(t5g_json_get(f->tokenizer, "model"), "vocab");
    const struct t5g_added_vocabulary v = {find_in, &c->v, t5g_json_size(vocab), c->p.steps.n > 0};
    int32_t max = (int32_t)c->v.n - 1;
    if (t5g_added_read(&c->added, f, c->p.gemma, c->p.space_is_bar, &v, c->e) < 0)
        return -1;
    for (size_t i = 0; i < c->added.n; i++)
        max = c->added.v[i].id > max ? c->added.v[i].id : max;
    c->h.n_ids = (uint32_t)max + 1;
    return 0;
}

/* The byte of a token <0xHH>, or -1. */
static int
byte_of(const char *s)
{
    if (strlen(s) != 6 || strncmp(s, "<0x", 3) != 0 || s[5] != '>' ||
        strspn(s + 3, "0123456789abcdefABCDEF") != 2)
        return -1;
    return (int)strtol(s + 3, NULL, 16);
}

static int
read_characters(struct compiler *c)
{
    c->chars = t5g_alloc_raw(0x110000, sizeof *c->chars);
    memset(c->chars, 0xff, 0x110000 * sizeof *c->chars);
    for (size_t id = 0; id < c->v.n; id++) {
        const unsigned char *s = (const unsigned char *)c->v.text[id];
        size_t n = s != NULL ? strlen((const char *)s) : 0;
        if (n > 0 && n <= 4 && t5g_utf8_len(s, n, NULL) == n)
            c->chars[t5g_utf8_decode(s, n)] = (int32_t)id;
    }
    for (int b = 0; b < 256; b++) {
        char name[8];
        snprintf(name, sizeof name, "<0x%02X>", b);
        c->h.byte_id[b] = t5g_vocabulary_find(&c->v, name, 6);
        if (c->h.byte_id[b] == T5G_NO_ID)
            return t5g_err_set(c->e, T5G_EX_DATA, "model.vocab: byte token %s is missing", name);
    }
    return 0;
}

/* A table of pairs with free slots. */
static struct t5g_merge *
free_slots(size_t slots)
{
    struct t5g_merge *p = t5g_alloc_raw(slots, sizeof *p);
    memset(p, 0xff, slots * sizeof *p);
    return p;
}

static void
add_bigram(struct compiler *c, uint32_t a, uint32_t b)
{
    if (c->n_bigrams * 2 > c->h.bigram_mask) {
        struct t5g_merge *old = c->bigrams;
        size_t n = (size_t)c->h.bigram_mask + 1;
        c->h.bigram_mask = (uint32_t)(2 * n - 1);
        c->bigrams = free_slots(2 * n);
        c->n_bigrams = 0;
        for (size_t i = 0; i < n; i++)
            if (old[i].a != UINT32_MAX)
                add_bigram(c, old[i].a, old[i].b);
        t5g_free(old);
    }
    size_t i = (size_t)(t5g_pair_find(c->bigrams, c->h.bigram_mask, a, b) - c->bigrams);
    c->n_bigrams += c->bigrams[i].a == UINT32_MAX;
    c->bigrams[i] = (struct t5g_merge){a, b, T5G_NO_RANK, UINT32_MAX};
}

/* Bigrams that are merges become the merge's entry: one look-up answers both questions. */
static void
rank_bigrams(struct compiler *c)
{
    for (size_t i = 0; i <= c->h.bigram_mask; i++) {
        struct t5g_merge *p = &c->bigrams[i];
        const struct t5g_merge *m = t5g_pair_find(c->merges, c->h.merge_mask, p->a, p->b);
        if (p->a != UINT32_MAX && m->a != UINT32_MAX)
            *p = *m;
    }
}

/* All neighbours inside a merge's result; those with a character that is not a token never
 * occur. */
static void
add_bigrams_of(struct compiler *c, const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t n = strlen(text);
    int32_t before = T5G_NO_ID;
    for (size_t i = 0, len; i < n; i += len) {
        len = t5g_utf8_len(s + i, n - i, NULL);
        int32_t id = c->chars[t5g_utf8_decode(s + i, len)];
        if (before != T5G_NO_ID && id != T5G_NO_ID)
            add_bigram(c, (uint32_t)before, (uint32_t)id);
        before = id;
    }
}

/* The two parts of a merge: ["a", "b"], or "a b" in older files. */
static bool
parts_of(const struct t5g_json *v, const char **a, size_t *n, const char **b)
{
    if (t5g_json_is_array(v)) {
        const struct t5g_json *x = t5g_json_first(v), *y = x != NULL ? t5g_json_next(x) : NULL;
        *a = t5g_json_str(x);
        *b = t5g_json_str(y);
        if (*a == NULL || *b == NULL || t5g_json_next(y) != NULL)
            return false;
        *n = strlen(*a);
        return true;
    }
    *a = t5g_json_str(v);
    const char *space = *a != NULL ? strchr(*a, ' ') : NULL;
    if (space == NULL || strchr(space + 1, ' ') != NULL)
        return false;
    *n = (size_t)(space - *a);
    *b = space + 1;
    return true;
}

/* One entry of the list of merges. */
static int
read_merge(struct compiler *c, const struct t5g_json *v, size_t rank, struct t5g_buf *both)
{
    const char *a, *b;
    size_t len;
    both->n = 0;
    if (!parts_of(v, &a, &len, &b))
        return t5g_err_set(c->e, T5G_EX_DATA, "model.merges: entry %zu: expected two tokens", rank);
    t5g_buf_add(both, a, len);
    t5g_buf_adds(both, b);
    int32_t x = t5g_vocabulary_find(&c->v, a, len), y = t5g_vocabulary_find(&c->v, b, strlen(b)),
            z = t5g_vocabulary_find(&c->v, both->p, both->n);
    if (x == T5G_NO_ID || y == T5G_NO_ID || z == T5G_NO_ID)
        return t5g_err_set(c->e, T5G_EX_DATA,
                           "model.merges: entry %zu: a part or the result is no token", rank);
    size_t i =
        (size_t)(t5g_pair_find(c->merges, c->h.merge_mask, (uint32_t)x, (uint32_t)y) - c->merges);
    c->merges[i] =
        (struct t5g_merge){(uint32_t)x, (uint32_t)y, (uint32_t)rank, (uint32_t)z}; /* last counts */
    t5g_hash_add(c->hash, (int32_t[]){x, y}, 2 * sizeof x);
    add_bigrams_of(c, both->p);
    return 0;
}

static int
read_merges(struct compiler *c, const struct t5g_json *merges)
{
    size_t n = t5g_json_size(merges), rank = 0;
    struct t5g_buf both = {0};
    int r = 0;
    if (!t5g_json_is_array(merges) || n > 4 * (size_t)IDS_MAX)
        return t5g_err_set(c->e, T5G_EX_DATA, "model.merges: expected an array of at most %d",
                           4 * IDS_MAX);
    size_t slots = power_above(n * 2);
    c->h.merge_mask = (uint32_t)(slots - 1);
    c->merges = free_slots(slots);
    c->h.bigram_mask = 1023;
    c->bigrams = free_slots(1024);
    t5g_hash_reset(c->hash);
    for (const struct t5g_json *v = t5g_json_first(merges); v != NULL && r == 0;
         v = t5g_json_next(v))
        r = read_merge(c, v, rank++, &both);
    rank_bigrams(c);
    c->parts[1] = t5g_hash_get64(c->hash);
    t5g_buf_free(&both);
    return r;
}

static int
check_model(const struct compiler *c, const struct t5g_json *m)
{
    static const char *const off[] = {"dropout", "continuing_subword_prefix", "end_of_word_suffix"};
    const struct t5g_json *type = t5g_json_get(m, "type"), *v;
    if (c->p.unigram)
        return 0;
    if (!t5g_json_is_object(m) ||
        (type != NULL && (t5g_json_str(type) == NULL || strcmp(t5g_json_str(type), "BPE") != 0)))
        return t5g_err_set(c->e, T5G_EX_DATA, "model.type: not supported, expected BPE or Unigram");
    if (c->p.gemma) /* it uses vocabulary and merges only */
        return 0;
    for (size_t i = 0; i < T5G_LEN(off); i++) {
        v = t5g_json_get(m, off[i]);
        const char *s = t5g_json_str(v);
        if (v != NULL && !t5g_json_is_null(v) && (s == NULL || s[0] != '\0') &&
            t5g_json_num(v) != 0)
            return t5g_err_set(c->e, T5G_EX_DATA, "model.%s: not supported, expected null", off[i]);
    }
    if (t5g_json_true(t5g_json_get(m, "ignore_merges")))
        return t5g_err_set(c->e, T5G_EX_DATA, "model.ignore_merges: not supported, expected false");
    if (!t5g_json_true(t5g_json_get(m, "byte_fallback")))
        return t5g_err_set(c->e, T5G_EX_DATA, "model.byte_fallback: not supported, expected true");
    return 0;
}

/* Append a section, aligned. */
static struct t5g_span
append(struct t5g_buf *out, const void *p, size_t n)
{
    static const char zero[T5G_ALIGN];
    t5g_buf_add(out, zero, (size_t)(t5g_round_up(out->n, T5G_ALIGN) - out->n));
    struct t5g_span s = {out->n, n};
    t5g_buf_add(out, p, n);
    return s;
}

/* Texts as the detokenizer prints them, and kinds. An added token is printed as its own text, even
 * if the vocabulary has another for its id. */
static void
append_texts(struct compiler *c, struct t5g_buf *out)
{
    struct t5g_buf text = {0}, off = {0}, kind = {0};
    const char **printed = t5g_alloc(c->h.n_ids, sizeof *printed);
    for (size_t id = 0; id < c->v.n; id++)
        printed[id] = c->v.text[id];
    for (size_t i = 0; i < c->added.n; i++)
        printed[c->added.v[i].id] = c->added.v[i].text;
    for (uint32_t id = 0; id <= c->h.n_ids; id++) {
        uint32_t at = (uint32_t)text.n;
        t5g_buf_add(&off, &at, sizeof at);
        if (id == c->h.n_ids)
            break;
        const char *s = printed[id];
        int byte = s != NULL && c->p.bytes ? byte_of(s) : -1;
        bool spaced = s != NULL && strchr(s, ' ') != NULL;
        t5g_buf_addc(&kind, (char)(s == NULL   ? T5G_TOKEN_ABSENT
                                   : byte >= 0 ? T5G_TOKEN_BYTE
                                   : spaced    ? T5G_TOKEN_SPACED
                                               : 0));
        if (byte >= 0) {
            t5g_buf_addc(&text, (char)byte);
            continue;
        }
        while (s != NULL && *s != '\0')
            if (c->p.bar_is_space && strncmp(s, T5G_BAR, 3) == 0) {
                t5g_buf_addc(&text, ' ');
                s += 3;
            } else {
                t5g_buf_addc(&text, *s++);
            }
    }
    for (size_t i = 0; i < c->added.n; i++)
        if (c->added.v[i].skipped)
            kind.p[c->added.v[i].id] |= T5G_TOKEN_SPECIAL;
    t5g_buf_addc(&text, '\0');
    c->h.text_off = append(out, off.p, off.n);
    c->h.text = append(out, text.p, text.n);
    c->h.kind = append(out, kind.p, kind.n);
    t5g_free(printed);
    t5g_buf_free(&text);
    t5g_buf_free(&off);
    t5g_buf_free(&kind);
}

/* Pages of 256 code points; all empty pages are page 0. */
static void
append_chars(struct compiler *c, struct t5g_buf *out)
{
    struct t5g_buf pages = {0};
    uint16_t page[0x1100] = {0}, n = 1;
    int32_t none[256];
    memset(none, 0xff, sizeof none);
    t5g_buf_add(&pages, none, sizeof none);
    for (size_t i = 0; i < T5G_LEN(page); i++)
        if (memcmp(c->chars + i * 256, none, sizeof none) != 0) {
            page[i] = n++;
            t5g_buf_add(&pages, c->chars + i * 256, sizeof none);
        }
    c->h.page = append(out, page, sizeof page);
    c->h.chars = append(out, pages.p, pages.n);
    t5g_buf_free(&pages);
}

/* The first symbol of an ASCII character, or T5G_NO_ID. */
static int32_t
symbol_of(const struct compiler *c, uint32_t ascii)
{
    return c->chars[ascii == ' ' && c->h.space_is_bar ? 0x2581 : ascii];
}

static void
append_joins(struct compiler *c, struct t5g_buf *out)
{
    uint64_t joins[128][2] = {0};
    for (uint32_t a = 0; a < 128; a++)
        for (uint32_t b = 0; b < 128; b++) {
            int32_t x = symbol_of(c, a), y = symbol_of(c, b);
            if (t5g_pair_find(c->bigrams, c->h.bigram_mask, (uint32_t)x, (uint32_t)y)->a !=
                UINT32_MAX)
                joins[a][b / 64] |= (uint64_t)1 << b % 64;
        }
    c->h.joins = append(out, joins, sizeof joins);
}

static int
append_tries(struct compiler *c, struct t5g_buf *out)
{
    struct t5g_buf nodes = {0}, edges = {0};
    int r = t5g_trie_build(&nodes, &edges, &c->added, false, false, &c->h.raw, c->e);
    if (r == 0)
        r = t5g_trie_build(&nodes, &edges, &c->added, true, c->h.space_is_bar, &c->h.normalized,
                           c->e);
    c->h.nodes = append(out, nodes.p, nodes.n);
    c->h.edges = append(out, edges.p, edges.n);
    t5g_buf_free(&nodes);
    t5g_buf_free(&edges);
    return r;
}

static void
append_bpe(struct compiler *c, struct t5g_buf *out)
{
    append_chars(c, out);
    c->h.merges = append(out, c->merges, ((size_t)c->h.merge_mask + 1) * sizeof *c->merges);
    c->h.bigrams = append(out, c->bigrams, ((size_t)c->h.bigram_mask + 1) * sizeof *c->bigrams);
    append_joins(c, out);
}

static void
append_unigram(struct compiler *c, struct t5g_buf *out)
{
    struct t5g_scored *v = t5g_alloc(c->v.n, sizeof *v);
    struct t5g_buf units = {0};
    for (size_t i = 0; i < c->v.n; i++)
        v[i] = (struct t5g_scored){c->v.text[i], strlen(c->v.text[i]), (int32_t)i, c->v.score[i]};
    t5g_double_array(&units, v, c->v.n);
    c->h.units = append(out, units.p, units.n);
    c->h.steps = append(out, c->p.steps.p, c->p.steps.n);
    c->h.strings = append(out, c->p.strings.p, c->p.strings.n);
    c->h.charsmap = append(out, c->p.charsmap.p, c->p.charsmap.n);
    c->h.model = T5G_MODEL_UNIGRAM;
    t5g_buf_free(&units);
    t5g_free(v);
}

static struct t5g_table_header *
assemble(struct compiler *c)
{
    struct t5g_buf out = {0};
    t5g_buf_add(&out, &c->h, sizeof c->h);
    append_texts(c, &out);
    c->h.pre = c->p.pre;
    c->h.decode = c->p.decode;
    if (c->p.unigram)
        append_unigram(c, &out);
    else
        append_bpe(c, &out);
    if (append_tries(c, &out) < 0) {
        t5g_buf_free(&out);
        return NULL;
    }
    c->h.before = append(&out, c->p.before.p, c->p.before.n * sizeof(int32_t));
    c->h.after = append(&out, c->p.after.p, c->p.after.n * sizeof(int32_t));
    memcpy(c->h.magic, T5G_TABLE_MAGIC, 8);
    c->h.version = T5G_TABLE_VERSION;
    c->h.header_size = sizeof c->h;
    c->h.size = out.n;
    memcpy(out.p, &c->h, sizeof c->h);
    c->h.hash = t5g_table_hash(out.p, out.n);
    memcpy(out.p, &c->h, sizeof c->h);
    return (struct t5g_table_header *)(void *)out.p;
}

/* Refuse an added token that the normalizer changes: it would be searched by another text. */
static int
check_normalized(const struct compiler *c, const struct t5g_table_header *h)
{
    struct t5g_table t;
    int r = t5g_table_bind(&t, h, h->size, false, c->e);
    struct t5g_unigram *u = r == 0 ? t5g_unigram_open(&t) : NULL;
    for (size_t i = 0; i < c->added.n && r == 0; i++) {
        const struct t5g_added *x = &c->added.v[i];
        size_t n = x->n;
        const char *s = x->normalized ? t5g_unigram_normalize(u, x->text, &n) : x->text;
        if (n != x->n || memcmp(s, x->text, n) != 0)
            r = t5g_err_set(c->e, T5G_EX_DATA,
                            "added token '%s': normalized: not supported, because the normalizer "
                            "changes its text",
                            x->text);
    }
    t5g_unigram_close(u);
    return r;
}

static int
by_id(const void *a, const void *b)
{
    const struct t5g_added *x = a, *y = b;
    return x->id < y->id ? -1 : x->id > y->id;
}

/*
 * The identity covers everything that affects ids and text, and nothing else: eight hex digits each
 * for the vocabulary, the merges, the added tokens, and the ids around a text. Not the order or
 * spelling of members, padding, truncation, or a token's flag that transformers sets in any case.
 */
static void
identify(struct compiler *c)
{
    struct t5g_hash *h = c->hash;
    uint64_t part[4] = {c->parts[0], c->parts[1]};
    t5g_hash_reset(h);
    if (c->added.n > 0)
        qsort(c->added.v, c->added.n, sizeof *c->added.v, by_id);
    for (size_t i = 0; i < c->added.n; i++) {
        const struct t5g_added *x = &c->added.v[i];
        const uint8_t flags[] = {x->special, x->skipped, x->lstrip, x->rstrip,
                                 (uint8_t)(x->normalized | x->single_word << 1)};
        hash_text(h, x->id, x->text);
        t5g_hash_add(h, flags, sizeof flags);
    }
    part[2] = t5g_hash_get64(h);
    t5g_hash_reset(h);
    hash_text(h, c->p.space_is_bar, "");
    t5g_hash_add(h, c->p.before.p, c->p.before.n * sizeof(int32_t));
    hash_text(h, -1, "");
    t5g_hash_add(h, c->p.after.p, c->p.after.n * sizeof(int32_t));
    part[3] = t5g_hash_get64(h);
    for (size_t i = 0; i < T5G_LEN(part); i++)
        snprintf(c->h.identity + 8 * i, 9, "%08lx", (unsigned long)(part[i] >> 32));
}

static int
read_unigram(struct compiler *c, const struct t5g_json *m)
{
    if (t5g_unigram_model(&c->v, &c->h, m, c->e) < 0)
        return -1;
    hash_vocabulary(c);
    t5g_hash_reset(c->hash);
    t5g_unigram_hash(c->hash, &c->v, &c->h, &c->p);
    c->parts[1] = t5g_hash_get64(c->hash);
    return 0;
}

/* What is made of the model and its vocabulary. */
static int
read_model(struct compiler *c, const struct t5g_added_files *f)
{
    const struct t5g_json *m = t5g_json_get(f->tokenizer, "model");
    if (check_model(c, m) < 0)
        return -1;
    if (c->p.unigram)
        return read_unigram(c, m) < 0 ? -1 : read_added(c, f);
    return read_vocabulary(c, t5g_json_get(m, "vocab")) < 0 || read_added(c, f) < 0 ||
                   read_characters(c) < 0 || read_merges(c, t5g_json_get(m, "merges")) < 0
               ? -1
               : 0;
}

const char *const t5g_tokenizer_files[] = {"tokenizer.json", "tokenizer_config.json",
                                           "special_tokens_map.json", "added_tokens.json",
                                           "spiece.model"};

/* The tree of spiece.model, or of ByT5's bytes, as a tokenizer.json. */
static struct t5g_json *
parse_spiece(const struct t5g_map *file, const struct t5g_json *config, const char *dir,
             struct t5g_err *e)
{
    struct t5g_buf text = {0};
    struct t5g_json *root = NULL;
    int r = file->p != NULL ? t5g_spiece_convert(&text, file->p, file->size, config, e)
                            : t5g_byt5_convert(&text, config, e);
    if (r == 0)
        root = t5g_json_parse(text.p, text.n, "tokenizer.json", e);
    if (root == NULL)
        t5g_err_in(e, "%s/%s", dir,
                   t5g_tokenizer_files[file->p != NULL ? T5G_SPIECE_MODEL : T5G_TOKENIZER_CONFIG]);
    t5g_buf_free(&text);
    return root;
}

/* The trees of the files; roots[i] NULL: no such file. */
static int
parse_files(const struct t5g_map files[T5G_TOKENIZER_FILES], const char *dir,
            struct t5g_json *roots[T5G_TOKENIZER_FILES], struct t5g_err *e)
{
    for (size_t i = 0; i < T5G_TOKENIZER_FILES; i++) {
        char *path = t5g_path_join(dir, t5g_tokenizer_files[i]);
        bool bad = false;
        if (files[i].size > JSON_MAX)
            bad = t5g_err_set(e, T5G_EX_DATA, "%s: %zu bytes, limit %zu", path, files[i].size,
                              JSON_MAX) < 0;
        else if (i == T5G_SPIECE_MODEL && roots[0] == NULL)
            bad = (roots[0] = parse_spiece(&files[i], roots[1], dir, e)) == NULL;
        else if (i != T5G_SPIECE_MODEL && files[i].p != NULL)
            bad = (roots[i] = t5g_json_parse((const char *)files[i].p, files[i].size, path, e)) ==
                  NULL;
        t5g_free(path);
        if (bad)
            return -1;
    }
    return 0;
}

struct t5g_table_header *
t5g_table_compile(const struct t5g_map files[T5G_TOKENIZER_FILES], const char *dir,
                  struct t5g_err *e)
{
    struct compiler c = {.e = e, .hash = t5g_hash_open()};
    struct t5g_table_header *h = NULL;
    struct t5g_json *roots[T5G_TOKENIZER_FILES] = {NULL};
    const size_t main = files[0].p != NULL                  ? T5G_TOKENIZER_JSON
                        : files[T5G_SPIECE_MODEL].p != NULL ? T5G_SPIECE_MODEL
                                                            : T5G_TOKENIZER_CONFIG;
    if (parse_files(files, dir, roots, e) == 0) {
        const struct t5g_added_files f = {roots[0], roots[1], roots[2], roots[3]};
        if (t5g_pipeline_read(&c.p, roots[0], roots[1], e) == 0 && read_model(&c, &f) == 0) {
            c.h.space_is_bar = c.p.space_is_bar;
            t5g_hash128_hex(c.h.file, files[main].p, files[main].size);
            identify(&c);
            h = assemble(&c);
            if (h != NULL && c.p.unigram && check_normalized(&c, h) < 0) {
                t5g_free(h);
                h = NULL;
            }
        }
        if (h == NULL) {
            char *path = t5g_path_join(dir, t5g_tokenizer_files[main]);
            t5g_err_in(e, "%s", path);
            t5g_free(path);
        }
    }
    t5g_pipeline_clear(&c.p);
    t5g_added_clear(&c.added);
    t5g_hash_close(c.hash);
    t5g_vocabulary_free(&c.v);
    t5g_free(c.chars);
    t5g_free(c.merges);
    t5g_free(c.bigrams);
    for (size_t i = 0; i < T5G_TOKENIZER_FILES; i++)
        t5g_json_free(roots[i]);
    return h;
}
