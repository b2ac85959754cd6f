/* table.h: a tokenizer as one block of memory: what tokenizer.json says, ready to be used in place.
 */
#ifndef T5G_TABLE_H
#define T5G_TABLE_H

#include "base/err.h"
#include "base/hash.h"
#include "base/io.h"
#include "base/mem.h"

#define T5G_TABLE_MAGIC   "t5g-tok\n"
#define T5G_TABLE_VERSION 2u /* of the layout and of everything that is computed into it */
#define T5G_NO_ID         (-1)

/* A span of the block, in bytes from its start; 64-byte aligned. */
struct t5g_span {
    uint64_t off, len;
};

/* What a token is for the detokenizer. */
enum { T5G_TOKEN_SPECIAL = 1, T5G_TOKEN_BYTE = 2, T5G_TOKEN_ABSENT = 4 };

struct t5g_merge {
    uint32_t a, b;     /* pair of ids; a = UINT32_MAX: free slot */
    uint32_t rank, id; /* position in the list of merges; id of the result */
};
#define T5G_NO_RANK UINT32_MAX

/* Node of the trie of added tokens: edges first..first + n, sorted by byte. */
struct t5g_trie_node {
    uint32_t first, n;
    int32_t id; /* token that ends here, or T5G_NO_ID */
    uint32_t special;
};

struct t5g_trie_edge {
    uint32_t byte, to;
};

struct t5g_table_header {
    char magic[8];
    uint32_t version, header_size;
    uint64_t size, hash; /* of the whole block; XXH3-64 of everything after the header */
    char identity[40];   /* XXH128 of tokenizer.json, hex */
    uint32_t n_ids;      /* largest id + 1 */
    uint32_t merge_mask, bigram_mask; /* slots - 1 of the hash tables */
    uint32_t space_is_bar; /* U+0020 becomes U+2581 before merging, and back when decoding */
    int32_t byte_id[256];
    struct t5g_span
        text_off; /* u32 [n_ids + 1]: token i is text[off[i]..off[i + 1]) as it is printed */
    struct t5g_span text;    /* bytes */
    struct t5g_span kind;    /* u8 [n_ids] T5G_TOKEN_*; of a byte token the text is that one byte */
    struct t5g_span page;    /* u16 [0x1100]: page of 256 code points */
    struct t5g_span chars;   /* i32 [pages][256]: id of the one-character token, or T5G_NO_ID */
    struct t5g_span merges;  /* struct t5g_merge [merge_mask + 1], open addressing */
    struct t5g_span bigrams; /* struct t5g_merge [bigram_mask + 1]: pairs of character ids inside
                                some merge's result, rank T5G_NO_RANK if no merge themselves */
    struct t5g_span joins;   /* u64 [128][2]: bit b of row a: ASCII characters a b are a bigram */
    struct t5g_span nodes, edges;  /* trie of added tokens; node 0 is the root */
    struct t5g_span before, after; /* i32: what the post-processor puts around a text */
};

/* The block, mapped from the cache or in memory, with pointers to its sections. */
struct t5g_table {
    const struct t5g_table_header *h;
    struct t5g_map map; /* where h lies when it comes from the cache */
    void *memory;       /* where h lies otherwise */
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
};

/* Open DIR's tokenizer: from the cache when there and undamaged, else compiled, and kept if
 * possible. */
int t5g_table_open(struct t5g_table *t, const char *dir, struct t5g_err *e);
void t5g_table_close(struct t5g_table *t);

/*
 * Compile the text of tokenizer.json (and tokenizer_config.json, NULL when absent) to a block in
 * fresh memory (t5g_free). Whatever this implementation does not do is refused by name. NULL with e
 * (65).
 */
struct t5g_table_header *t5g_table_compile(const char *json, size_t n, const char *config,
                                           size_t n_config, const char *name, struct t5g_err *e);

/* Point t's sections into block [size]; checks sizes, not the hash. -1 when it is no table of this
 * version. */
int t5g_table_bind(struct t5g_table *t, const void *block, uint64_t size);

static inline uint64_t
t5g_pair_hash(uint32_t a, uint32_t b)
{
    uint64_t x = ((uint64_t)a << 32 | b) * 0x9e3779b97f4a7c15u;
    return x ^ x >> 32;
}

/* The entry of a pair in merges or bigrams, or the free one (a = UINT32_MAX) where it would go;
 * `i` is where the search starts, t5g_pair_hash() & mask. */
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
