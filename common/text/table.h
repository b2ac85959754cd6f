/* table.h: a tokenizer compiled to one block of memory that is used in place. */
#ifndef T5G_TABLE_H
#define T5G_TABLE_H

#include "base/err.h"
#include "base/hash.h"
#include "base/io.h"
#include "base/mem.h"

#define T5G_TABLE_MAGIC   "t5g-tok\n"
#define T5G_TABLE_VERSION 5u /* of the layout and of how its contents are computed */
#define T5G_NO_ID         (-1)

/* A span of the block, in bytes from its start; 64-byte aligned. */
struct t5g_span {
    uint64_t off, len;
};

/* Kinds of token for the detokenizer. SPACED: its spaces are its own, none was a U+2581. */
enum { T5G_TOKEN_SPECIAL = 1, T5G_TOKEN_BYTE = 2, T5G_TOKEN_ABSENT = 4, T5G_TOKEN_SPACED = 8 };

/* The model that cuts a text into tokens. */
enum { T5G_MODEL_BPE, T5G_MODEL_UNIGRAM };

/* How a text is cut into words before a unigram model. */
enum {
    T5G_PRE_WORDS = 1,  /* at white space, which is dropped */
    T5G_PRE_BARS = 2,   /* spaces become U+2581 */
    T5G_PRE_ALWAYS = 4, /* a U+2581 is put in front of a word without one */
    T5G_PRE_FIRST = 8,  /* the same, only where the text begins */
    T5G_PRE_SPLIT = 16, /* a word ends before each U+2581 */
    T5G_PRE_PYTHON = 32 /* BPE of ByT5: white space is Python's, the end token is not doubled */
};

/* How texts are made from tokens. */
enum {
    T5G_DECODE_FIRST = 1,    /* U+2581 of the first token are dropped */
    T5G_DECODE_BYTES = 2,    /* a run of byte tokens is one token, which may hold U+2581 */
    T5G_DECODE_CLEAN_UP = 4, /* see cleanup.h */
    T5G_DECODE_IGNORE = 8    /* ill-formed UTF-8 of byte tokens is dropped */
};

/* A step of a unigram tokenizer's normalizer; from and to [bytes] are in `strings`. */
enum { T5G_STEP_CHARSMAP, T5G_STEP_STRIP, T5G_STEP_REPLACE, T5G_STEP_SPACES };
struct t5g_step {
    uint32_t op;
    uint32_t left, right;    /* STRIP: at which ends */
    uint32_t from, from_len; /* REPLACE: the text to replace */
    uint32_t to, to_len;     /* REPLACE, SPACES (two or more): the replacement */
};

/*
 * A unit of the double array of pieces over bytes: the child of unit u after byte c is unit
 * u.base ^ c, if its label is c. A base has one owner; unused units, among them the first 256 but
 * for the root (the first), have the label T5G_NO_LABEL.
 */
struct t5g_unit {
    uint32_t base;
    uint32_t label_id; /* label << 23 | id of the piece that ends here, or T5G_NO_PIECE */
    double score;      /* of that piece */
};
#define T5G_NO_LABEL 256u
#define T5G_NO_PIECE 0x7fffffu

struct t5g_merge {
    uint32_t a, b;     /* pair of ids; a = UINT32_MAX: free slot */
    uint32_t rank, id; /* position in the list of merges; id of the result */
};
#define T5G_NO_RANK UINT32_MAX

/* Flags of an added token for the tokenizer. */
enum {
    T5G_ADDED_SPECIAL = 1,
    T5G_ADDED_LSTRIP = 2,
    T5G_ADDED_RSTRIP = 4,
    T5G_ADDED_SINGLE_WORD = 8
};

/* Node of a trie of added tokens: edges first..first + n, sorted by byte. */
struct t5g_trie_node {
    uint32_t first, n;
    int32_t id;     /* token that ends here, or T5G_NO_ID */
    uint32_t flags; /* its T5G_ADDED_* */
};

struct t5g_trie_edge {
    uint32_t byte, to;
};

struct t5g_table_header {
    char magic[8];
    uint32_t version, header_size;
    uint64_t size; /* of the whole block */
    /* XXH3-64 of this header with the XXH3-64 of everything after it in this place. */
    uint64_t hash;
    char identity[40]; /* see identify() in compile.c */
    char file[40];     /* XXH128 of tokenizer.json, hex: the identity of earlier versions */
    uint32_t n_ids;    /* largest id + 1 */
    uint32_t merge_mask, bigram_mask; /* slots - 1 of the hash tables */
    uint32_t space_is_bar;    /* U+0020 becomes U+2581 before merging, and back when decoding */
    uint32_t raw, normalized; /* roots of the tries: original texts, normalised texts */
    int32_t byte_id[256];
    struct t5g_span text_off; /* u32 [n_ids + 1]: token i is printed as text[off[i]..off[i + 1]) */
    struct t5g_span text;     /* bytes */
    struct t5g_span kind;     /* u8 [n_ids] T5G_TOKEN_*; a byte token's text is that one byte */
    struct t5g_span page;     /* u16 [0x1100]: page of 256 code points */
    struct t5g_span chars;    /* i32 [pages][256]: id of the one-character token, or T5G_NO_ID */
    struct t5g_span merges;   /* struct t5g_merge [merge_mask + 1], open addressing */
    struct t5g_span bigrams;  /* struct t5g_merge [bigram_mask + 1]: pairs of character ids inside
                                 some merge's result, rank T5G_NO_RANK if no merge themselves */
    struct t5g_span joins;    /* u64 [128][2]: bit b of row a: ASCII characters a b are a bigram */
    struct t5g_span nodes, edges;  /* tries of added tokens */
    struct t5g_span before, after; /* i32: the post-processor's ids around a text */
    /* Of a unigram model; it has no chars, merges, bigrams and joins. */
    uint32_t model;         /* T5G_MODEL_* */
    uint32_t pre, decode;   /* T5G_PRE_*, T5G_DECODE_* */
    int32_t unknown;        /* the id of what no piece covers */
    double unknown_score;   /* of one character of it */
    uint32_t byte_fallback; /* unknown text becomes byte tokens */
    uint32_t reserved;
    struct t5g_span units;    /* struct t5g_unit [multiple of 256] */
    struct t5g_span steps;    /* struct t5g_step */
    struct t5g_span strings;  /* bytes */
    struct t5g_span charsmap; /* see charsmap.h */
};

/* The block, mapped or in memory, with pointers to its sections. */
struct t5g_table {
    const struct t5g_table_header *h;
    struct t5g_map map; /* where h is, if from the cache or a packed model */
    void *memory;       /* where h is otherwise */
    const uint32_t *text_off;
    const char *text;
    const uint8_t *kind;
    const uint16_t *page;
    const int32_t *chars;
    const struct t5g_merge *merges, *bigrams;
    const uint64_t *joins;
    const struct t5g_trie_node *nodes;
    const struct t5g_trie_edge *edges;
    const int32_t *before, *after;
    size_t n_before, n_after;
    const struct t5g_unit *units;
    const struct t5g_step *steps; /* [n_steps] */
    size_t n_steps;
    const char *strings, *charsmap;
};

/* Open DIR's tokenizer: from the cache if it is there undamaged, else compiled, and cached if
 * possible. -1 with e. */
int t5g_table_open(struct t5g_table *t, const char *dir, struct t5g_err *e);
/* The same for a model that may have none: 1, or 0 if it has none, or -1 with e. */
int t5g_table_find(struct t5g_table *t, const char *dir, struct t5g_err *e);
void t5g_table_close(struct t5g_table *t);

/* The files that make a tokenizer. */
enum {
    T5G_TOKENIZER_JSON,
    T5G_TOKENIZER_CONFIG,
    T5G_SPECIAL_TOKENS_MAP,
    T5G_ADDED_TOKENS,
    T5G_SPIECE_MODEL, /* read only where the first is missing */
    T5G_TOKENIZER_FILES
};
extern const char *const t5g_tokenizer_files[T5G_TOKENIZER_FILES]; /* their names */

/*
 * Compile the files (p NULL: no such file; the first or the last is required) of directory dir to a
 * block in new memory (t5g_free). Unsupported features are refused by name. NULL with e (65).
 */
struct t5g_table_header *t5g_table_compile(const struct t5g_map files[T5G_TOKENIZER_FILES],
                                           const char *dir, struct t5g_err *e);

/*
 * Point t's sections into block [size] after checking its hash and that every index stays inside
 * its section (checked: both are known to be right). -1 with e (65): another version, or damaged.
 */
int t5g_table_bind(struct t5g_table *t, const void *block, uint64_t size, bool checked,
                   struct t5g_err *e);

/* The hash for the header of a block. */
uint64_t t5g_table_hash(const void *block, uint64_t size);

static inline uint64_t
t5g_pair_hash(uint32_t a, uint32_t b)
{
    uint64_t x = ((uint64_t)a << 32 | b) * 0x9e3779b97f4a7c15u;
    return x ^ x >> 32;
}

/* The entry of a pair in merges or bigrams, or the free one (a = UINT32_MAX) for it; the search
 * starts at `i`, t5g_pair_hash() & mask. */
static inline const struct t5g_merge *
t5g_pair_from(const struct t5g_merge *table, uint32_t mask, size_t i, uint32_t a, uint32_t b)
{
    while ((table[i].a != a || table[i].b != b) && table[i].a != UINT32_MAX)
        i = (i + 1) & mask;
    return &table[i];
}

static inline const struct t5g_merge *
t5g_pair_find(const struct t5g_merge *table, uint32_t mask, uint32_t a, uint32_t b)
{
    return t5g_pair_from(table, mask, t5g_pair_hash(a, b) & mask, a, b);
}

#endif
