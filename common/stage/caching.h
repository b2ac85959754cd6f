/* caching.h: the option --cache of programs that can cache results. */
#ifndef T5G_CACHING_H
#define T5G_CACHING_H

#include "store/cache.h"

/* A numeric profile's share of a key: weights, kernel level, generation of the kernels. */
void t5g_caching_profile(char out[96], const char *weights, const char *level);

/* option is the argument of --cache[=DIR|off]. NULL or "off": no cache (returns NULL); "": the
 * default folder. */
struct t5g_cache *t5g_caching_open(const char *option);

/* Print a line about the cache if --stats is given, and close it. NULL is allowed. */
void t5g_caching_close(struct t5g_cache *c);

#endif
