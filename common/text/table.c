/* table.c: finding, verifying and keeping compiled tokenizers. */
#include "text/table.h"
#include "base/cachedir.h"
#include "base/own.h"
#include "model/packed.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const void *
section(const void *block, uint64_t size, struct t5g_span s, uint64_t want, bool *good)
{
    if (s.off % T5G_ALIGN != 0 || s.off > size || s.len > size - s.off || s.len < want)
        *good = false;
    return (const char *)block + s.off;
}

int
t5g_table_bind(struct t5g_table *t, const void *block, uint64_t size)
{
    const struct t5g_table_header *h = block;
    bool good = true;
    if (size < sizeof *h || memcmp(h->magic, T5G_TABLE_MAGIC, 8) != 0 ||
        h->version != T5G_TABLE_VERSION || h->header_size != sizeof *h || h->size != size)
        return -1;
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
    return good ? 0 : -1;
}

/* Map a kept table; a damaged one is removed and counts as absent. */
static bool
open_kept(struct t5g_table *t, const char *path)
{
    if (t5g_own_map(path, &t->map, NULL) < 0)
        return false;
    const struct t5g_table_header *h = (const void *)t->map.p;
    if (t5g_table_bind(t, h, t->map.size) == 0 &&
        t5g_hash64(h + 1, t->map.size - sizeof *h) == h->hash)
        return true;
    t5g_unmap(&t->map);
    unlink(path);
    return false;
}

/* tokenizer_config.json decides which tokens are special when printing; it may be absent. */
static int
read_config(const char *dir, struct t5g_map *m, struct t5g_err *e)
{
    char *path = t5g_path_join(dir, "tokenizer_config.json");
    int r = 0;
    if (access(path, F_OK) == 0 || errno != ENOENT)
        r = t5g_map_file(path, m, e);
    t5g_free(path);
    return r;
}

/* The table of a packed model, where it lies. */
static int
open_packed(struct t5g_table *t, const char *path, struct t5g_err *e)
{
    const void *block;
    uint64_t n;
    if (t5g_packed_table(path, &t->map, &block, &n, e) < 0)
        return -1;
    if (t5g_table_bind(t, block, n) == 0)
        return 0;
    t5g_unmap(&t->map);
    return t5g_err_set(e, T5G_EX_DATA, "%s: its tokenizer is of another version: pack it again",
                       path);
}

int
t5g_table_open(struct t5g_table *t, const char *dir, struct t5g_err *e)
{
    *t = (struct t5g_table){0};
    if (t5g_is_packed(dir))
        return open_packed(t, dir, e);
    char *path = t5g_path_join(dir, "tokenizer.json"), *kept = NULL;
    struct t5g_map json = {0}, config = {0};
    int r = -1;
    if (t5g_map_file(path, &json, e) < 0 || read_config(dir, &config, e) < 0)
        goto out;
    char key[2 * T5G_HEX128 + 32], a[T5G_HEX128], b[T5G_HEX128];
    t5g_hash128_hex(a, json.p, json.size);
    t5g_hash128_hex(b, config.p, config.size);
    snprintf(key, sizeof key, "%u %s %s", T5G_TABLE_VERSION, a, b);
    t5g_hash128_hex(a, key, strlen(key));
    snprintf(key, sizeof key, "tokenizer-%s", a);
    kept = t5g_cache_path(key);
    r = 0;
    if (kept != NULL && open_kept(t, kept))
        goto out;
    struct t5g_table_header *h = t5g_table_compile((const char *)json.p, json.size,
                                                   (const char *)config.p, config.size, path, e);
    if (h == NULL) {
        r = -1;
        goto out;
    }
    t->memory = h;
    if (t5g_table_bind(t, h, h->size) < 0)
        r = t5g_err_set(e, T5G_EX_BUG, "%s: compiled table does not fit itself", path);
    else if (kept != NULL)
        (void)t5g_own_write(kept, h, h->size, NULL); /* only a cache */
out:
    t5g_free(kept);
    t5g_free(path);
    t5g_unmap(&json);
    t5g_unmap(&config);
    return r;
}

void
t5g_table_close(struct t5g_table *t)
{
    if (t->map.p != NULL)
        t5g_unmap(&t->map);
    t5g_free(t->memory);
    *t = (struct t5g_table){0};
}
