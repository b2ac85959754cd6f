/*
 * detokenizer.c: token ids to text, as Hugging Face tokenizers decode with Replace, ByteFallback
 * and Fuse: unknown ids and (unless all) special tokens are dropped first; then a maximal run of
 * byte tokens is text if it is well-formed as a whole, else one U+FFFD for each byte.
 */
#include "text/detokenizer.h"
#include "base/utf8.h"
#include "text/text_impl.h"

void
t5g_detok_open(struct t5g_detok *d, const struct t5g_tokenizer *t, bool all)
{
    *d = (struct t5g_detok){.t = t, .all = all};
}

void
t5g_detok_free(struct t5g_detok *d)
{
    t5g_buf_free(&d->run);
}

void
t5g_detok_end(struct t5g_detok *d, struct t5g_buf *out)
{
    if (d->run.n == 0)
        return;
    if (t5g_utf8_check(d->run.p, d->run.n) == d->run.n)
        t5g_buf_add(out, d->run.p, d->run.n);
    else
        for (size_t i = 0; i < d->run.n; i++)
            t5g_buf_adds(out, "\xef\xbf\xbd");
    d->run.n = 0;
}

void
t5g_detok_add(struct t5g_detok *d, const int32_t *ids, size_t n, struct t5g_buf *out)
{
    const struct t5g_table *t = &d->t->table;
    for (size_t i = 0; i < n; i++) {
        if (ids[i] < 0 || (uint32_t)ids[i] >= t->h->n_ids)
            continue;
        uint32_t id = (uint32_t)ids[i];
        if ((t->kind[id] & T5G_TOKEN_ABSENT) != 0 ||
            (!d->all && (t->kind[id] & T5G_TOKEN_SPECIAL) != 0))
            continue;
        const char *s = t->text + t->text_off[id];
        size_t len = t->text_off[id + 1] - t->text_off[id];
        if ((t->kind[id] & T5G_TOKEN_BYTE) != 0) {
            t5g_buf_add(&d->run, s, len);
            continue;
        }
        t5g_detok_end(d, out);
        t5g_buf_add(out, s, len);
    }
}
