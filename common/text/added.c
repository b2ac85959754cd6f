/*
 * added.c: the table of added tokens. Tokens are added one after another and get their ids; a later
 * one with the same text changes the flags of the earlier.
 *
 * The order is that of transformers' TokenizersBackend.__init__: GemmaTokenizer starts empty, every
 * other class with the list in tokenizer.json. Then come the tokens of tokenizer_config.json's
 * added_tokens_decoder (without it, of added_tokens.json and tokenizer.json) by their stated ids,
 * then the named special tokens, then extra_special_tokens.
 */
#include "text/added.h"
#include "base/hash.h"
#include "base/utf8.h"
#include "text/added_files.h"

#include <string.h>

#define ADDED_MAX 1024 /* bytes of an added token: bounds the depth of the trie */

struct table {
    struct t5g_added_list *out;
    uint32_t *slot; /* [slots] 1 + index in out by hash of the text; 0: free */
    size_t slots;
    bool *last; /* [n] special in the latest statement */
    bool *kept; /* [n] its normalised text differs and was kept for decoding */
    const struct t5g_added_vocabulary *vocabulary;
    bool space_is_bar;
};

static uint32_t *
slot_of(const struct table *t, const char *text, size_t n)
{
    size_t i = t5g_hash64(text, n) & (t->slots - 1);
    for (; t->slot[i] != 0; i = (i + 1) & (t->slots - 1)) {
        const struct t5g_added *x = &t->out->v[t->slot[i] - 1];
        if (x->n == n && memcmp(x->text, text, n) == 0)
            break;
    }
    return &t->slot[i];
}

/* The text's entry; a new one has id -1. */
static size_t
entry_of(struct table *t, const char *text)
{
    size_t n = strlen(text);
    uint32_t *slot = slot_of(t, text, n);
    if (*slot == 0) {
        t->out->v[t->out->n] = (struct t5g_added){.text = text, .n = n, .id = -1};
        *slot = (uint32_t)++t->out->n;
    }
    return *slot - 1;
}

/* The first id after the vocabulary and all added tokens so far. */
static int64_t
next_id(const struct table *t)
{
    int64_t next = (int64_t)t->vocabulary->size;
    for (size_t i = 0; i < t->out->n; i++)
        if (t->out->v[i].id >= next)
            next = t->out->v[i].id + 1;
    return next;
}

/* Whether x has a space that normalisation turns into U+2581. */
static bool
changes(const struct table *t, const struct t5g_added *x)
{
    return x->normalized && t->space_is_bar && strchr(x->text, ' ') != NULL;
}

/* One call of add_tokens in Hugging Face tokenizers. */
static void
add_all(struct table *t, const struct t5g_added_versions *list)
{
    const struct t5g_added_vocabulary *vocabulary = t->vocabulary;
    int64_t next = next_id(t);
    for (size_t i = 0; i < list->n; i++) {
        const struct t5g_added_version *v = &list->v[i];
        if (v->text[0] == '\0')
            continue;
        size_t at = entry_of(t, v->text);
        struct t5g_added *x = &t->out->v[at];
        if (x->id < 0)
            x->id = vocabulary->find(vocabulary->arg, x->text, x->n);
        if (x->id < 0)
            x->id = (int32_t)next++;
        x->lstrip = v->lstrip;
        x->rstrip = v->rstrip;
        x->single_word = v->single_word;
        x->normalized = v->normalized;
        x->special = x->special || v->special;
        t->last[at] = v->special;
        t->kept[at] = t->kept[at] || changes(t, x);
    }
}

/* TokenizersBackend copies the tokenizer by serialising it: only the latest statements remain. */
static void
copy_all(struct table *t)
{
    for (size_t i = 0; i < t->out->n; i++) {
        t->out->v[i].special = t->last[i];
        t->kept[i] = changes(t, &t->out->v[i]);
    }
}

void
t5g_added_put_normalized(struct t5g_buf *out, const struct t5g_added *x)
{
    for (size_t i = 0; i < x->n; i++)
        if (x->text[i] == ' ')
            t5g_buf_adds(out, T5G_BAR);
        else
            t5g_buf_addc(out, x->text[i]);
}

/* Decoding skips a token by its text, the normalised one if it is normalised. */
static void
settle_skipped(const struct table *t)
{
    for (size_t i = 0; i < t->out->n; i++) {
        struct t5g_added *x = &t->out->v[i];
        x->skipped = x->special;
        if (!t->kept[i])
            continue;
        struct t5g_buf b = {0};
        t5g_added_put_normalized(&b, x);
        uint32_t slot = *slot_of(t, b.p, b.n);
        x->skipped = slot != 0 && t->out->v[slot - 1].special;
        t5g_buf_free(&b);
    }
}

/*
 * What tells whether two added tokens can overlap in a text: bytes that begin one, and bytes within
 * one; and, of each token [n], whether another is its beginning or continues it.
 */
struct overlaps {
    bool first[256], within[256];
    bool *nested;
};

static void
find_overlaps(const struct table *t, struct overlaps *o)
{
    for (size_t i = 0; i < t->out->n; i++) {
        const struct t5g_added *x = &t->out->v[i];
        o->first[(unsigned char)x->text[0]] = true;
        for (size_t k = 1; k < x->n; k++) {
            uint32_t slot = *slot_of(t, x->text, k);
            o->within[(unsigned char)x->text[k]] = true;
            if (slot != 0)
                o->nested[i] = o->nested[slot - 1] = true;
        }
    }
}

/* Whether a text may tell if x is searched in the original or in the normalised text. */
static bool
normalized_acts(const struct table *t, const struct overlaps *o, size_t i)
{
    const struct t5g_added *x = &t->out->v[i];
    bool acts = x->lstrip || x->rstrip || o->nested[i] || o->within[(unsigned char)x->text[0]] ||
                (t->space_is_bar && strstr(x->text, T5G_BAR) != NULL);
    for (size_t k = 0; k < x->n && !acts; k++)
        acts = t5g_utf8_space(x->text + k, x->n - k) > 0 ||
               (k > 0 && o->first[(unsigned char)x->text[k]]);
    return acts;
}

/*
 * Clear `normalized` where it has no effect, so that such tokenizers are the same one: of tokens
 * without white space that cannot overlap with others. A token with single_word sees where the
 * others are searched, so there all are kept; and a charsmap may make a token of other text.
 */
static void
settle_normalized(const struct table *t)
{
    struct overlaps o = {.nested = t5g_alloc(t->out->n + 1, sizeof *o.nested)};
    bool words = t->vocabulary->charsmap;
    for (size_t i = 0; i < t->out->n; i++)
        words = words || t->out->v[i].single_word;
    find_overlaps(t, &o);
    for (size_t i = 0; i < t->out->n && !words; i++)
        t->out->v[i].normalized = t->out->v[i].normalized && normalized_acts(t, &o, i);
    t5g_free(o.nested);
}

static int
check(const struct t5g_added_version *v, struct t5g_err *e)
{
    if (strlen(v->text) > ADDED_MAX)
        return t5g_err_set(e, T5G_EX_DATA, "added token '%.40s...': %zu bytes, limit %d", v->text,
                           strlen(v->text), ADDED_MAX);
    return 0;
}

/* Refuse two texts with one id: Hugging Face's own tables keep only the flags of the later. */
static int
check_ids(const struct t5g_added_list *l, struct t5g_err *e)
{
    size_t slots = 64;
    while (slots < 2 * l->n)
        slots *= 2;
    uint32_t *slot = t5g_alloc(slots, sizeof *slot);
    int r = 0;
    for (size_t i = 0; i < l->n && r == 0; i++) {
        size_t at = t5g_hash64(&l->v[i].id, sizeof l->v[i].id) & (slots - 1);
        for (; slot[at] != 0 && l->v[slot[at] - 1].id != l->v[i].id; at = (at + 1) & (slots - 1))
            continue;
        if (slot[at] != 0)
            r = t5g_err_set(e, T5G_EX_DATA,
                            "added tokens '%s' and '%s' both come to id %ld: the vocabulary's ids "
                            "have gaps",
                            l->v[slot[at] - 1].text, l->v[i].text, (long)l->v[i].id);
        slot[at] = (uint32_t)i + 1;
    }
    t5g_free(slot);
    return r;
}

int
t5g_added_read(struct t5g_added_list *out, const struct t5g_added_files *f, bool gemma,
               bool space_is_bar, const struct t5g_added_vocabulary *vocabulary, struct t5g_err *e)
{
    struct t5g_added_versions own = {0}, more = {0};
    struct table t = {
        .out = out, .vocabulary = vocabulary, .slots = 64, .space_is_bar = space_is_bar};
    *out = (struct t5g_added_list){0};
    int r = t5g_added_of_file(&own, f->tokenizer, e);
    if (r == 0)
        r = t5g_added_of_config(&more, f, &own, gemma, e);
    size_t n = own.n + more.n;
    for (size_t i = 0; i < n && r == 0; i++)
        r = check(i < own.n ? &own.v[i] : &more.v[i - own.n], e);
    if (r == 0) {
        while (t.slots < 2 * n)
            t.slots *= 2;
        t.slot = t5g_alloc(t.slots, sizeof *t.slot);
        t.last = t5g_alloc(n + 1, sizeof *t.last);
        t.kept = t5g_alloc(n + 1, sizeof *t.kept);
        out->v = t5g_alloc(n + 1, sizeof *out->v);
        if (!gemma) {
            add_all(&t, &own);
            copy_all(&t);
        }
        add_all(&t, &more);
        settle_skipped(&t);
        settle_normalized(&t);
        r = check_ids(out, e);
    }
    t5g_free(t.slot);
    t5g_free(t.last);
    t5g_free(t.kept);
    t5g_free(own.v);
    t5g_free(more.v);
    return r;
}

void
t5g_added_clear(struct t5g_added_list *l)
{
    t5g_free(l->v);
    *l = (struct t5g_added_list){0};
}
