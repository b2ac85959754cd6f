/*
 * detokenizer.c: token ids to text, as Hugging Face tokenizers decode with Replace or Metaspace,
 * ByteFallback and Fuse: unknown ids and (unless all) special tokens are dropped first; then a
 * maximal run of byte tokens is text if it is well-formed as a whole, else one U+FFFD for each
 * byte. Metaspace drops every U+2581 of the first token; the table has spaces for them.
 */
#include "text/detokenizer.h"
#include "base/utf8.h"
#include "text/added.h"
#include "text/cleanup.h"
#include "text/text_impl.h"

#include <string.h>

void
t5g_detok_open(struct t5g_detok *d, const struct t5g_tokenizer *t, bool all)
{
    bool clean_up = (t->table.h->decode & T5G_DECODE_CLEAN_UP) != 0;
    *d = (struct t5g_detok){.t = t, .all = all, .clean_up = clean_up};
}

void
t5g_detok_open_inside(struct t5g_detok *d, const struct t5g_tokenizer *t, bool all)
{
    *d = (struct t5g_detok){.t = t, .all = all, .inside = true, .fragment = true};
}

void
t5g_detok_free(struct t5g_detok *d)
{
    t5g_buf_free(&d->run);
    t5g_buf_free(&d->held);
}

/* The text s [n] without what stands for U+2581 in it. */
static void
put_first(const char *s, size_t n, const char *bar, struct t5g_buf *out)
{
    size_t len = strlen(bar);
    for (const char *end = s + n, *hit; s < end; s = hit + len) {
        hit = memmem(s, (size_t)(end - s), bar, len);
        t5g_buf_add(out, s, (size_t)((hit != NULL ? hit : end) - s));
        if (hit == NULL)
            break;
    }
}

/* The text of a run of byte tokens that counts as one token. */
static void
put_run(const struct t5g_detok *d, const char *s, size_t n, bool first, struct t5g_buf *out)
{
    const char *end = s + n, *hit;
    if (first && (d->t->table.h->decode & T5G_DECODE_FIRST) != 0) {
        put_first(s, n, T5G_BAR, out);
        return;
    }
    for (; (hit = memmem(s, (size_t)(end - s), T5G_BAR, 3)) != NULL; s = hit + 3) {
        t5g_buf_add(out, s, (size_t)(hit - s));
        t5g_buf_addc(out, ' ');
    }
    t5g_buf_add(out, s, (size_t)(end - s));
}

/* As Python decodes with errors="ignore". */
static void
put_well_formed(const char *s, size_t n, struct t5g_buf *out)
{
    for (size_t i = 0, len, bad; i<n; i += len> 0 ? len : bad) {
        len = t5g_utf8_len((const unsigned char *)s + i, n - i, &bad);
        t5g_buf_add(out, s + i, len);
    }
}

static void
end_run(struct t5g_detok *d, struct t5g_buf *out)
{
    bool whole = (d->t->table.h->decode & T5G_DECODE_BYTES) != 0;
    if (d->run.n == 0)
        return;
    if ((d->t->table.h->decode & T5G_DECODE_IGNORE) != 0)
        put_well_formed(d->run.p, d->run.n, out);
    else if (t5g_utf8_check(d->run.p, d->run.n) != d->run.n)
        for (size_t i = 0; i < d->run.n; i++)
            t5g_buf_adds(out, "\xef\xbf\xbd");
    else if (whole)
        put_run(d, d->run.p, d->run.n, !d->inside, out);
    else
        t5g_buf_add(out, d->run.p, d->run.n);
    d->inside = true;
    d->run.n = 0;
}

void
t5g_detok_end(struct t5g_detok *d, struct t5g_buf *out)
{
    end_run(d, d->clean_up ? &d->held : out);
    t5g_cleanup(d->held.p, d->held.n, out);
    d->held.n = 0;
    d->inside = d->fragment;
}

/* Pass on what is held and cannot change any more. */
static void
settle(struct t5g_detok *d, struct t5g_buf *out)
{
    size_t n = t5g_cleanup_sure(d->held.p, d->held.n);
    t5g_cleanup(d->held.p, n, out);
    d->held.n -= n;
    if (n > 0)
        memmove(d->held.p, d->held.p + n, d->held.n);
}

void
t5g_detok_add(struct t5g_detok *d, const int32_t *ids, size_t n, struct t5g_buf *out)
{
    const struct t5g_table *t = &d->t->table;
    bool drop = (t->h->decode & T5G_DECODE_FIRST) != 0,
         whole = (t->h->decode & T5G_DECODE_BYTES) != 0;
    struct t5g_buf *to = d->clean_up ? &d->held : out;
    for (size_t i = 0; i < n; i++) {
        if (ids[i] < 0 || (uint32_t)ids[i] >= t->h->n_ids)
            continue;
        uint32_t id = (uint32_t)ids[i], kind = t->kind[id];
        if ((kind & T5G_TOKEN_ABSENT) != 0 || (!d->all && (kind & T5G_TOKEN_SPECIAL) != 0))
            continue;
        const char *s = t->text + t->text_off[id];
        size_t len = t->text_off[id + 1] - t->text_off[id];
        if ((kind & T5G_TOKEN_BYTE) != 0) {
            t5g_buf_add(&d->run, s, len);
            d->inside = d->inside || !whole;
            continue;
        }
        end_run(d, to);
        if (drop && !d->inside && (kind & T5G_TOKEN_SPACED) == 0)
            put_first(s, len, " ", to);
        else
            t5g_buf_add(to, s, len);
        d->inside = true;
    }
    if (d->clean_up)
        settle(d, out);
}
