/* hash.h: XXH3, for checksums (64 bits) and identities (128 bits). Not cryptographic. */
#ifndef T5G_HASH_H
#define T5G_HASH_H

#include "base/base.h"

#define T5G_HEX128 33 /* 32 hex digits and NUL, as xxh128sum prints them */

uint64_t t5g_hash64(const void *p, size_t n); /* XXH3-64, seed 0; n may be 0 */
/* The hash of n bytes at p followed by m bytes at q. Allocates nothing. */
uint64_t t5g_hash64_two(const void *p, size_t n, const void *q, size_t m);

/* XXH3-128 of n bytes as 32 hex digits. */
void t5g_hash128_hex(char out[T5G_HEX128], const void *p, size_t n);

/* Streaming form of both. open never fails; close frees. */
struct t5g_hash;
struct t5g_hash *t5g_hash_open(void);
void t5g_hash_reset(struct t5g_hash *h);
void t5g_hash_add(struct t5g_hash *h, const void *p, size_t n);
uint64_t t5g_hash_get64(const struct t5g_hash *h); /* XXH3-64 of all added so far */
void t5g_hash_get128_hex(const struct t5g_hash *h, char out[T5G_HEX128]); /* XXH3-128 of the same */
void t5g_hash_close(struct t5g_hash *h);

#endif
