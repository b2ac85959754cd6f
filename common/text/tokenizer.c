/* tokenizer.c: added tokens cut out of the raw text, the rest byte-pair encoded, the template
 * around it. */
#include "text/tokenizer.h"
#include "base/bug.h"
#include "base/utf8.h"
#include "text/bpe.h"
#include "text/table.h"
#include "text/text_impl.h"
#include "text/trie.h"

#include <string.h>

struct t5g_tokenizer *
t5g_tokenizer_open(const char *dir, struct t5g_err *e)
{
    struct t5g_tokenizer *t = t5g_alloc(1, sizeof *t);
    if (t5g_table_open(&t->table, dir, e) < 0) {
        t5g_tokenizer_close(t);
        return NULL;
    }
    const struct t5g_trie_node *root = t->table.nodes;
    for (uint32_t i = 0; i < root->n; i++)
        t->starts[t->table.edges[root->first + i].byte & 255] = true;
    t->bpe = t5g_bpe_open(&t->table);
    return t;
}

void
t5g_tokenizer_close(struct t5g_tokenizer *t)
{
    if (t == NULL)
        return;
    t5g_bpe_close(t->bpe);
    t5g_table_close(&t->table);
    t5g_free(t);
}

void
t5g_ids_reserve(struct t5g_ids *ids, size_t more)
{
    if (more <= ids->cap - ids->n)
        return;
    size_t cap = t5g_max(t5g_max(ids->cap * 2, ids->n + more), 64);
    int32_t *p = t5g_alloc_raw(cap, sizeof *p);
    if (ids->n > 0)
        memcpy(p, ids->p, ids->n * sizeof *p);
    t5g_free(ids->p);
    ids->p = p;
    ids->cap = cap;
}

void
t5g_ids_append(struct t5g_ids *ids, const int32_t *p, size_t n)
{
    t5g_ids_reserve(ids, n);
    for (size_t i = 0; i < n; i++)
        ids->p[ids->n++] = p[i];
}

void
t5g_ids_free(struct t5g_ids *ids)
{
    t5g_free(ids->p);
    *ids = (struct t5g_ids){0};
}

void
t5g_tokenize(const struct t5g_tokenizer *t, const char *text, size_t n, unsigned flags,
             struct t5g_ids *out)
{
    const struct t5g_table *table = &t->table;
    size_t start = 0, i = 0;
    if (t5g_utf8_check(text, n) != n)
        t5g_bug("ill-formed UTF-8 reached the tokenizer");
    if ((flags & T5G_TOK_BARE) == 0)
        t5g_ids_append(out, table->before, table->n_before);
    while (i < n) {
        int32_t id;
        bool special;
        size_t len = t->starts[(unsigned char)text[i]]
                         ? t5g_trie_match(table, text + i, n - i, &id, &special)
                         : 0;
        if (len == 0) {
            i++;
            continue;
        }
        if (!special || (flags & T5G_TOK_TEXT_ONLY) == 0) {
            t5g_bpe_encode(t->bpe, text + start, i - start, out);
            t5g_ids_add(out, id);
            start = i + len;
        }
        i += len; /* a special literal that stays text is passed over whole, as HF's
                     split_special_tokens does */
    }
    t5g_bpe_encode(t->bpe, text + start, n - start, out);
    if ((flags & T5G_TOK_BARE) == 0)
        t5g_ids_append(out, table->after, table->n_after);
}

size_t
t5g_tokenizer_before(const struct t5g_tokenizer *t, const int32_t **ids)
{
    *ids = t->table.before;
    return t->table.n_before;
}

size_t
t5g_tokenizer_after(const struct t5g_tokenizer *t, const int32_t **ids)
{
    *ids = t->table.after;
    return t->table.n_after;
}

const char *
t5g_tokenizer_identity(const struct t5g_tokenizer *t)
{
    return t->table.h->identity;
}

size_t
t5g_tokenizer_size(const struct t5g_tokenizer *t)
{
    return t->table.h->n_ids;
}
