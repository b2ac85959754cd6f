/* vocabulary.c: texts in an array, and a hash table of their ids. */
#include "text/vocabulary.h"
#include "base/hash.h"

#include <string.h>

void
t5g_vocabulary_make(struct t5g_vocabulary *v, size_t n)
{
    *v = (struct t5g_vocabulary){.n = n, .slots = 64};
    while (v->slots < 2 * n)
        v->slots *= 2;
    v->text = t5g_alloc(n, sizeof *v->text);
    v->slot = t5g_alloc_raw(v->slots, sizeof *v->slot);
    memset(v->slot, 0xff, v->slots * sizeof *v->slot);
}

void
t5g_vocabulary_free(struct t5g_vocabulary *v)
{
    t5g_free(v->text);
    t5g_free(v->score);
    t5g_free(v->slot);
    *v = (struct t5g_vocabulary){0};
}

/* The slot of a text, or the free one for it. */
static int32_t *
slot_of(const struct t5g_vocabulary *v, const char *s, size_t n)
{
    size_t i = t5g_hash64(s, n) & (v->slots - 1);
    for (; v->slot[i] != -1; i = (i + 1) & (v->slots - 1)) {
        const char *t = v->text[v->slot[i]];
        if (strlen(t) == n && memcmp(t, s, n) == 0)
            break;
    }
    return &v->slot[i];
}

void
t5g_vocabulary_add(struct t5g_vocabulary *v, size_t id, const char *text)
{
    *slot_of(v, text, strlen(text)) = (int32_t)id;
    v->text[id] = text;
}

int32_t
t5g_vocabulary_find(const struct t5g_vocabulary *v, const char *s, size_t n)
{
    return *slot_of(v, s, n);
}
