/* cache.h: results kept on disk by a hash of what they were made from; t5g-cache(5). */
#ifndef T5G_CACHE_H
#define T5G_CACHE_H

#include "base/hash.h"
#include "stream/document.h"

struct t5g_cache;

/* Counts of this process. */
struct t5g_cache_stats {
    uint64_t hits, misses, stored;
    uint64_t bytes_read, bytes_written; /* of tensors */
    double saved;                       /* seconds that it took to compute the hits */
};

/*
 * dir NULL: $T5G_CACHE_DIR, else $XDG_CACHE_HOME/t5g, else $HOME/.cache/t5g. Folders are created
 * when needed. warn (NULL allowed) is called with a message for the first problem: an unusable
 * cache is treated as empty, not as an error.
 */
struct t5g_cache *t5g_cache_open(const char *dir, void (*warn)(const char *line));
void t5g_cache_close(struct t5g_cache *c);
const struct t5g_cache_stats *t5g_cache_stats(const struct t5g_cache *c);

/*
 * A key is XXH3-128 over everything that a result depends on: first the kind of result
 * ("encoder.out", "image.feat") and the names of model, numeric profile and options (the list ends
 * with NULL), then every input tensor. `check` is a second hash with another prefix, stored in the
 * entry, since XXH3 does not resist deliberate collisions.
 */
struct t5g_cache_key {
    struct t5g_hash *key, *check; /* private */
    char hex[T5G_HEX128], check_hex[T5G_HEX128];
};

void t5g_cache_key_open(struct t5g_cache_key *k, const char *const *names);
void t5g_cache_key_add(struct t5g_cache_key *k, int dtype, size_t ndim, const uint64_t *dims,
                       const void *data, size_t bytes);
void t5g_cache_key_close(struct t5g_cache_key *k); /* sets hex and check_hex */

/* A result is a few tensors: rows, their scales if they are quantised, hidden states. */
enum { T5G_CACHE_TENSORS = 34 };

/* A tensor to be stored; extra: as for t5g_writer_tensor. */
struct t5g_cache_tensor {
    const char *name, *extra;
    int dtype;
    size_t ndim;
    uint64_t dims[2];
    const void *data;
};

/* A cached result. */
struct t5g_cache_entry {
    struct t5g_frame tensors[T5G_CACHE_TENSORS]; /* [n], valid until t5g_cache_entry_close */
    size_t n;
    struct t5g_doc doc; /* private, like source */
    struct t5g_source *source;
};

/*
 * True on a hit: *entry holds the tensors of these names (the list ends with NULL). Every byte is
 * verified, and ids [n_ids] (if not 0) are compared with those stored. A damaged entry is removed
 * and counts as a miss.
 */
bool t5g_cache_get(struct t5g_cache *c, const struct t5g_cache_key *k, const char *const *names,
                   const int32_t *ids, size_t n_ids, struct t5g_cache_entry *entry);
void t5g_cache_entry_close(struct t5g_cache_entry *entry);

/* Store tensors [n] that took `seconds` to compute, and its input ids if any. The entry appears
 * whole or not at all; if several processes write the same key, one wins. */
void t5g_cache_put(struct t5g_cache *c, const struct t5g_cache_key *k,
                   const struct t5g_cache_tensor *tensors, size_t n, const int32_t *ids,
                   size_t n_ids, double seconds);

/* The cache folder, "" if there is none; lives with c. */
const char *t5g_cache_dir(const struct t5g_cache *c);
/* The default folder, where tables and notes are, if c was opened with dir NULL and it is another;
 * else NULL. Lives with c. */
const char *t5g_cache_notes_dir(const struct t5g_cache *c);

#endif
