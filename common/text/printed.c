/* printed.c: what t5g-detok prints for a token. */
#include "text/printed.h"
#include "text/text_impl.h"

size_t
t5g_printed_ids(const struct t5g_tokenizer *t)
{
    return t->table.h->n_ids;
}

const char *
t5g_printed(const struct t5g_tokenizer *t, int32_t id, size_t *n)
{
    const struct t5g_table *x = &t->table;
    *n = 0;
    if (id < 0 || (uint32_t)id >= x->h->n_ids ||
        (x->kind[id] & (T5G_TOKEN_ABSENT | T5G_TOKEN_SPECIAL)) != 0)
        return "";
    *n = x->text_off[id + 1] - x->text_off[id];
    return x->text + x->text_off[id];
}
