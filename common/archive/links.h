/* links.h: possible targets of an archive's hard links: the offsets of earlier members if the
 * archive can be read twice, else the bytes of the last members. */
#ifndef T5G_LINKS_H
#define T5G_LINKS_H

#include "base/mem.h"

struct t5g_links;

enum {
    T5G_LINKS_ONE = 16 << 20, /* bytes of the largest member kept */
    T5G_LINKS_ALL = 64 << 20, /* bytes kept in all; the oldest members are dropped first */
};

struct t5g_links *t5g_links_open(void);
void t5g_links_close(struct t5g_links *l);

/* Record a member at byte `at` of the archive. It replaces an earlier one of the same name. */
void t5g_links_place(struct t5g_links *l, const char *name, uint64_t at);
bool t5g_links_find_place(const struct t5g_links *l, const char *name, uint64_t *at);

/* Keep the n bytes of a member; one over T5G_LINKS_ONE is only recorded as not kept. Not to be
 * mixed with t5g_links_place. */
void t5g_links_keep(struct t5g_links *l, const char *name, const void *p, size_t n);
/* The bytes of a member, valid until the next t5g_links_keep; NULL: not kept, or no longer. */
const struct t5g_buf *t5g_links_find_kept(const struct t5g_links *l, const char *name);

#endif
