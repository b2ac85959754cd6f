/* cache.h: results kept on disk under what they were made from; t5g-cache(5). */
#ifndef T5G_CACHE_H
#define T5G_CACHE_H

#include "base/hash.h"
#include "stream/document.h"

struct t5g_cache;

/* Counts of this process. */
struct t5g_cache_stats {
    uint64_t hits, misses, stored;
    uint64_t bytes_read, bytes_written; /* of tensors */
    double saved;                       /* seconds that the hits took when they were made */
};

/*
 * dir NULL: $T5G_CACHE_DIR, else $XDG_CACHE_HOME/t5g, else $HOME/.cache/t5g. Folders are made as
 * they are needed. warn (NULL allowed) is called with a line about the first thing that goes wrong:
 * a cache that cannot be used is a cache without entries, never an error.
 */
struct t5g_cache *t5g_cache_open(const char *dir, void (*warn)(const char *line));
void t5g_cache_close(struct t5g_cache *c);
const struct t5g_cache_stats *t5g_cache_stats(const struct t5g_cache *c);

/*
 * A key is XXH3-128 over everything a result depends on, as a binary record: begin with the kind of
 * result ("encoder.out", "image.feat") and the names of model, numeric profile and options (NULL
 * ends the list), then add every input tensor. `check` is a second hash of the same, with another
 * beginning, that an entry holds: XXH3 is no defence against somebody who looks for a collision.
 */
struct t5g_cache_key {
    struct t5g_hash *key, *check; /* private */
    char hex[T5G_HEX128], check_hex[T5G_HEX128];
};

void t5g_cache_key_open(struct t5g_cache_key *k, const char *const *names);
void t5g_cache_key_add(struct t5g_cache_key *k, int dtype, size_t ndim, const uint64_t *dims,
                       const void *data, size_t bytes);
void t5g_cache_key_close(struct t5g_cache_key *k); /* hex and check_hex are there now */

/* A result in hand: one tensor, and the ids it was made from where there are any. */
struct t5g_cache_entry {
    struct t5g_frame tensor; /* valid until t5g_cache_entry_close */
    struct t5g_doc doc;      /* private, as is the next */
    struct t5g_source *source;
};

/*
 * True on a hit: *entry holds the tensor `name`. Every byte was checked, and ids [n_ids] (0: not
 * looked at) compared word by word. What is damaged is removed and counts as missing.
 */
bool t5g_cache_get(struct t5g_cache *c, const struct t5g_cache_key *k, const char *name,
                   const int32_t *ids, size_t n_ids, struct t5g_cache_entry *entry);
void t5g_cache_entry_close(struct t5g_cache_entry *entry);

/* Keep a tensor that took `seconds` to make. Appears whole or not at all; of several writers of one
 * key, one wins. */
void t5g_cache_put(struct t5g_cache *c, const struct t5g_cache_key *k, const char *name, int dtype,
                   size_t ndim, const uint64_t *dims, const void *data, const int32_t *ids,
                   size_t n_ids, double seconds);

/* ---- looking after it (t5g-frame cache-*) ---- */

enum t5g_cache_kind {
    T5G_CACHE_ENTRY,
    T5G_CACHE_TABLE,      /* a compiled tokenizer */
    T5G_CACHE_NOTE,       /* what was found out about model files */
    T5G_CACHE_UNFINISHED, /* of a writer, perhaps dead */
};

struct t5g_cache_file {
    const char *path; /* valid during the call */
    uint64_t size;
    int64_t mtime, mtime_ns; /* of the last use, to the hour */
    enum t5g_cache_kind kind;
};

/* Where it is; lives with c. */
const char *t5g_cache_dir(const struct t5g_cache *c);

/* True: the entry at path is what its writer wrote, every byte, and of the key in its name. Else e
 * (66: there is none). */
bool t5g_cache_entry_whole(const char *path, struct t5g_err *e);

/* Call fn for everything in the cache that has the name of something kept; also, where c was opened
 * with dir NULL, for the tables and notes that are kept elsewhere then. -1 with e when a folder
 * cannot be read; none is no error. */
int t5g_cache_each(struct t5g_cache *c, void (*fn)(const struct t5g_cache_file *f, void *arg),
                   void *arg, struct t5g_err *e);

#endif
