/* keys.h: marks on names, 8 bytes each. */
#ifndef T5G_KEYS_H
#define T5G_KEYS_H

#include "base/mem.h"

struct t5g_keys;
struct t5g_keys *t5g_keys_open(void);
void t5g_keys_close(struct t5g_keys *k);

/* Marks, up to 15, of the name p[0..n) so far (0: never seen); those in `add` are put to them. */
unsigned t5g_keys_mark(struct t5g_keys *k, const char *p, size_t n, unsigned add);

#endif
