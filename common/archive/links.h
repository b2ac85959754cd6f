/* links.h: what the hard links of an archive can point to: members that came before, by place where
 * the archive can be read twice, else the bytes of the last ones. */
#ifndef T5G_LINKS_H
#define T5G_LINKS_H

#include "base/mem.h"

struct t5g_links;

enum {
    T5G_LINKS_ONE = 16 << 20, /* bytes of a member beyond which they are not kept */
    T5G_LINKS_ALL = 64 << 20, /* of all that are kept: the oldest go first */
};

struct t5g_links *t5g_links_open(void);
void t5g_links_close(struct t5g_links *l);

/* A member begins at byte `at` of the archive. A later one of that name takes its place. */
void t5g_links_place(struct t5g_links *l, const char *name, uint64_t at);
bool t5g_links_find_place(const struct t5g_links *l, const char *name, uint64_t *at);

/* The [n] bytes of a member; of one over T5G_LINKS_ONE it is kept that they are not there. Not to
 * be mixed with t5g_links_place. */
void t5g_links_keep(struct t5g_links *l, const char *name, const void *p, size_t n);
/* NULL: not kept, or no longer. Valid until the next t5g_links_keep. */
const struct t5g_buf *t5g_links_find_kept(const struct t5g_links *l, const char *name);

#endif
