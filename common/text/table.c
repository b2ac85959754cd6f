/* table.c: finding, verifying and keeping compiled tokenizers. */
#include "text/table.h"
#include "base/cachedir.h"
#include "base/own.h"
#include "model/packed.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

static bool
bind_sections(struct t5g_table *t, const struct t5g_table_header *h)
{
    bool good = true;
    uint64_t size = h->size;
    t->h = h;
    t->text_off = section(h, size, h->text_off, ((uint64_t)h->n_ids + 1) * 4, &good);
    t->text = section(h, size, h->text, 0, &good);
    t->kind = section(h, size, h->kind, h->n_ids, &good);
    t->page = section(h, size, h->page, 0x1100 * 2, &good);
    t->chars = section(h, size, h->chars, 256 * 4, &good);
    t->merges =
        section(h, size, h->merges, ((uint64_t)h->merge_mask + 1) * sizeof *t->merges, &good);
    t->bigrams =
        section(h, size, h->bigrams, ((uint64_t)h->bigram_mask + 1) * sizeof *t->bigrams, &good);
    t->joins = section(h, size, h->joins, sizeof(uint64_t[128][2]), &good);
    t->nodes = section(h, size, h->nodes, sizeof *t->nodes, &good);
    t->edges = section(h, size, h->edges, 0, &good);
    t->before = section(h, size, h->before, 0, &good);
    t->after = section(h, size, h->after, 0, &good);
    t->n_before = h->before.len / 4;
    t->n_after = h->after.len / 4;
    return good;
}

/* Ids that are there. */
static bool
good_ids(const struct t5g_table *t, const int32_t *ids, size_t n, int32_t min)
{
    for (size_t i = 0; i < n; i++)
        if (ids[i] < min || ids[i] >= (int64_t)t->h->n_ids)
            return false;
    return true;
}

/* A table of pairs whose search ends: its size is a power of two, and a slot is free. */
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

/* Whatever is used as an index stays inside. (Ids of pairs are no index.) */
static bool
good_indices(const struct t5g_table *t)
{
    const struct t5g_table_header *h = t->h;
    uint64_t pages = h->chars.len / (256 * sizeof *t->chars);
    if (h->n_ids > INT32_MAX || t->text_off[0] != 0 || t->text_off[h->n_ids] > h->text.len)
        return false;
    for (uint32_t i = 0; i < h->n_ids; i++)
        if (t->text_off[i] > t->text_off[i + 1])
            return false;
    for (size_t i = 0; i < 0x1100; i++)
        if (t->page[i] >= pages)
            return false;
    return good_ids(t, t->chars, (size_t)pages * 256, T5G_NO_ID) &&
           good_ids(t, h->byte_id, T5G_LEN(h->byte_id), 0) &&
           good_ids(t, t->before, t->n_before, 0) && good_ids(t, t->after, t->n_after, 0) &&
           good_pairs(t->merges, h->merge_mask) && good_pairs(t->bigrams, h->bigram_mask) &&
           good_tries(t) && memchr(h->identity, '\0', T5G_HEX128) != NULL &&
           memchr(h->file, '\0', T5G_HEX128) != NULL;
}

int
t5g_table_bind(struct t5g_table *t, const void *block, uint64_t size, struct t5g_err *e)
{
    const struct t5g_table_header *h = block;
    if (size < sizeof *h || memcmp(h->magic, T5G_TABLE_MAGIC, 8) != 0 ||
        h->version != T5G_TABLE_VERSION || h->header_size != sizeof *h)
        return t5g_err_set(e, T5G_EX_DATA, "its tokenizer is of another version: pack it again");
    if (h->size != size || t5g_table_hash(block, size) != h->hash)
        return t5g_err_set(e, T5G_EX_DATA, "its tokenizer is damaged (checksum): pack it again");
    if (!bind_sections(t, h) || !good_indices(t))
        return t5g_err_set(e, T5G_EX_DATA, "its tokenizer is damaged (index): pack it again");
    return 0;
}

/* Map a kept table; a damaged one is removed and counts as absent. */
static bool
open_kept(struct t5g_table *t, const char *path)
{
    if (t5g_own_map(path, &t->map, NULL) < 0)
        return false;
    if (t5g_table_bind(t, t->map.p, t->map.size, NULL) == 0)
        return true;
    t5g_unmap(&t->map);
    unlink(path);
    return false;
}

/* The table of a packed model, where it lies. */
static int
open_packed(struct t5g_table *t, const char *path, struct t5g_err *e)
{
    const void *block;
    uint64_t n;
    int r = t5g_packed_table(path, &t->map, &block, &n, e);
    if (r < 1 || t5g_table_bind(t, block, n, e) == 0)
        return r;
    t5g_unmap(&t->map);
    return t5g_err_in(e, "%s", path);
}

/* Where the table of these files is kept, or NULL. */
static char *
kept_path(const struct t5g_map files[T5G_TOKENIZER_FILES])
{
    struct t5g_buf key = {0};
    char hex[T5G_HEX128], name[64];
    t5g_buf_printf(&key, "%u", T5G_TABLE_VERSION);
    for (size_t i = 0; i < T5G_TOKENIZER_FILES; i++) {
        t5g_hash128_hex(hex, files[i].p != NULL ? files[i].p : (const void *)"", files[i].size);
        t5g_buf_printf(&key, " %s", files[i].p != NULL ? hex : "-");
    }
    t5g_hash128_hex(hex, key.p, key.n);
    t5g_buf_free(&key);
    snprintf(name, sizeof name, "tokenizer-%s", hex);
    return t5g_cache_path(name);
}

/* The table of these files: kept from an earlier time, or made and kept. */
static int
open_files(struct t5g_table *t, const struct t5g_map files[T5G_TOKENIZER_FILES], const char *dir,
           struct t5g_err *e)
{
    char *kept = kept_path(files);
    int r = 0;
    if (kept == NULL || !open_kept(t, kept)) {
        struct t5g_table_header *h = t5g_table_compile(files, dir, e);
        t->memory = h;
        if (h == NULL || t5g_table_bind(t, h, h->size, e) < 0)
            r = -1;
        else if (kept != NULL)
            (void)t5g_own_write(kept, h, h->size, NULL); /* only a cache */
    }
    t5g_free(kept);
    return r;
}

int
t5g_table_find(struct t5g_table *t, const char *dir, struct t5g_err *e)
{
    struct t5g_map files[T5G_TOKENIZER_FILES] = {{0}};
    *t = (struct t5g_table){0};
    int r = t5g_is_packed(dir, e);
    if (r != 0)
        return r < 0 ? -1 : open_packed(t, dir, e);
    for (size_t i = 0; i < T5G_TOKENIZER_FILES && r >= 0; i++) {
        char *path = t5g_path_join(dir, t5g_tokenizer_files[i]);
        r = t5g_map_optional(path, &files[i], e);
        t5g_free(path);
        if (i == 0 && r == 0)
            return 0;
    }
    if (r >= 0)
        r = open_files(t, files, dir, e) < 0 ? -1 : 1;
    for (size_t i = 0; i < T5G_TOKENIZER_FILES; i++)
        t5g_unmap(&files[i]);
    if (r < 0)
        t5g_table_close(t);
    return r;
}

int
t5g_table_open(struct t5g_table *t, const char *dir, struct t5g_err *e)
{
    int r = t5g_table_find(t, dir, e);
    if (r == 0)
        return t5g_err_set(e, T5G_EX_NOINPUT, "%s: no tokenizer.json", dir);
    return r < 0 ? -1 : 0;
}

void
t5g_table_close(struct t5g_table *t)
{
    if (t->map.p != NULL)
        t5g_unmap(&t->map);
    t5g_free(t->memory);
    *t = (struct t5g_table){0};
}
