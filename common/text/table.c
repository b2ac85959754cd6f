/* table.c: find, compile and cache tokenizers. */
#include "text/table.h"
#include "base/cachedir.h"
#include "base/own.h"
#include "base/stamp.h"
#include "model/packed.h"
#include "text/byt5.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define KIND "table" /* of what is remembered for packed models */

/* Map a cached table; a damaged one is removed and counts as absent. */
static bool
open_kept(struct t5g_table *t, const char *path)
{
    if (t5g_own_map(path, &t->map, NULL) < 0)
        return false;
    if (t5g_table_bind(t, t->map.p, t->map.size, false, NULL) == 0)
        return true;
    t5g_unmap(&t->map);
    unlink(path);
    return false;
}

/* The hash in a table's header, which is remembered for its packed model. */
static void
content(char hex[static 32], const void *block, uint64_t n)
{
    struct t5g_table_header h = {0};
    memcpy(&h, block, t5g_min(n, sizeof h));
    snprintf(hex, 32, "%016llx", (unsigned long long)h.hash);
}

/* The table of a packed model, in place. It is hashed and its indices are looked at once, not
 * at every start. */
static int
open_packed(struct t5g_table *t, const char *path, struct t5g_err *e)
{
    const void *block;
    uint64_t n;
    struct t5g_stamp before, now;
    char hash[32], remembered[32];
    int r =
        t5g_stamp_of(path, &before, e) < 0 ? -1 : t5g_packed_table(path, &t->map, &block, &n, e);
    if (r < 1)
        return r;
    content(hash, block, n);
    bool checked = t5g_stamp_get(KIND, &before, 1, remembered, sizeof remembered) &&
                   strcmp(remembered, hash) == 0;
    if (t5g_table_bind(t, block, n, checked, e) < 0) {
        t5g_unmap(&t->map);
        return t5g_err_in(e, "%s", path);
    }
    if (!checked && t5g_stamp_of(path, &now, NULL) == 0 && memcmp(&now, &before, sizeof now) == 0)
        t5g_stamp_put(KIND, &before, 1, hash);
    return 1;
}

/* Where the table of these files is cached, or NULL. */
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

/* The table of these files: from the cache, or compiled and cached. */
static int
open_files(struct t5g_table *t, const struct t5g_map files[T5G_TOKENIZER_FILES], const char *dir,
           struct t5g_err *e)
{
    char *kept = kept_path(files);
    int r = 0;
    if (kept == NULL || !open_kept(t, kept)) {
        struct t5g_table_header *h = t5g_table_compile(files, dir, e);
        t->memory = h;
        if (h == NULL || t5g_table_bind(t, h, h->size, false, e) < 0)
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
        if (i == T5G_SPIECE_MODEL && files[T5G_TOKENIZER_JSON].p != NULL)
            continue;
        char *path = t5g_path_join(dir, t5g_tokenizer_files[i]);
        r = t5g_map_optional(path, &files[i], e);
        t5g_free(path);
    }
    const struct t5g_map *config = &files[T5G_TOKENIZER_CONFIG];
    bool none = files[T5G_TOKENIZER_JSON].p == NULL && files[T5G_SPIECE_MODEL].p == NULL &&
                !t5g_byt5_named(config->p, config->size);
    if (r >= 0)
        r = none ? 0 : open_files(t, files, dir, e) < 0 ? -1 : 1;
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
        return t5g_err_set(e, T5G_EX_NOINPUT, "%s: no tokenizer.json and no spiece.model", dir);
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
