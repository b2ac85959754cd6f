/* tokenizer.c: cut added tokens out of the text, give the rest to the model, add the template. */
#include "text/tokenizer.h"
#include "base/bug.h"
#include "base/utf8.h"
#include "model/explain.h"
#include "text/bpe.h"
#include "text/table.h"
#include "text/text_impl.h"
#include "text/trie.h"
#include "text/word_characters.h"

#include <string.h>

/* First bytes of the trie's tokens. */
static void
first_bytes(const struct t5g_table *t, uint32_t root, bool bar, bool starts[256])
{
    const struct t5g_trie_node *node = t->nodes + root;
    for (uint32_t i = 0; i < node->n; i++)
        starts[t->edges[node->first + i].byte & 255] = true;
    if (bar && starts[0xe2])
        starts[' '] = true;
}

int
t5g_tokenizer_find(struct t5g_tokenizer **out, const char *dir, struct t5g_err *e)
{
    struct t5g_tokenizer *t = t5g_alloc(1, sizeof *t);
    int r = t5g_table_find(&t->table, dir, e);
    *out = r == 1 ? t : NULL;
    if (r < 1) {
        t5g_tokenizer_close(t);
        return r;
    }
    const struct t5g_table_header *h = t->table.h;
    first_bytes(&t->table, h->raw, false, t->starts);
    first_bytes(&t->table, h->normalized, h->space_is_bar != 0, t->starts_normalized);
    t->normalized = t->table.nodes[h->normalized].n > 0;
    if (h->model == T5G_MODEL_UNIGRAM)
        t->unigram = t5g_unigram_open(&t->table);
    else
        t->bpe = t5g_bpe_open(&t->table);
    memcpy(t->id.id, h->identity, T5G_HEX128);
    memcpy(t->id.file, h->file, T5G_HEX128);
    return 1;
}

struct t5g_tokenizer *
t5g_tokenizer_open(const char *dir, struct t5g_err *e)
{
    struct t5g_tokenizer *t;
    struct t5g_err why = {0}, own = {0};
    bool usual = t5g_explain_model(dir, T5G_EXPLAIN_TOKENIZER, &why) == 0;
    int r = t5g_tokenizer_find(&t, dir, &own);
    if (r == 0)
        t5g_err_set(&own, T5G_EX_NOINPUT, "%s: no tokenizer in this packed model", dir);
    /* ByT5 has none of the usual files; if its own is wrong, that is what to say. */
    bool byt5 = r < 0 && strstr(own.msg, t5g_tokenizer_files[T5G_TOKENIZER_CONFIG]) != NULL;
    if (r < 1 && e != NULL)
        *e = usual || byt5 ? own : why;
    return t;
}

void
t5g_tokenizer_close(struct t5g_tokenizer *t)
{
    if (t == NULL)
        return;
    t5g_bpe_close(t->bpe);
    t5g_unigram_close(t->unigram);
    t5g_table_close(&t->table);
    t5g_free(t);
}

/* One pass over a piece of the text: added tokens are cut out, the rest is passed to the next
 * step. */
struct pass {
    const struct t5g_tokenizer *t;
    uint32_t root;
    bool normalized; /* the text is read as if normalised */
    bool text_only;
    bool begins; /* the text begins with the pass's own */
    struct t5g_ids *out;
};

static void encode_piece(const struct pass *p, const char *text, size_t n, bool begins);

/* Length of the white space character at s. */
static size_t
white(const struct pass *p, const char *s, size_t n)
{
    bool python = (p->t->table.h->pre & T5G_PRE_PYTHON) != 0;
    return python && *s >= 0x1c && *s <= 0x1f ? 1 : t5g_utf8_space(s, n);
}

/* Bytes of Unicode white space at the end of s[0..n); a space that became U+2581 is not one. */
static size_t
space_before(const struct pass *p, const char *s, size_t n)
{
    size_t from = n;
    while (from > 0) {
        size_t k = from - 1;
        while (k > 0 && ((unsigned char)s[k] & 0xc0) == 0x80)
            k--;
        if (white(p, s + k, from - k) == 0 ||
            (p->normalized && p->t->table.h->space_is_bar && s[k] == ' '))
            break;
        from = k;
    }
    return n - from;
}

static size_t
space_after(const struct pass *p, const char *s, size_t n)
{
    size_t to = 0, len;
    while (to < n && (len = white(p, s + to, n - to)) > 0 &&
           !(p->normalized && p->t->table.h->space_is_bar && s[to] == ' '))
        to += len;
    return to;
}

/* Whether a character of a word ends s[0..n). */
static bool
word_before(const char *s, size_t n)
{
    size_t k = n;
    while (k > 0 && ((unsigned char)s[--k] & 0xc0) == 0x80)
        continue;
    return n > 0 && t5g_in_word(t5g_utf8_decode((const unsigned char *)s + k, n - k));
}

static bool
word_after(const char *s, size_t n)
{
    size_t len = n > 0 ? t5g_utf8_len((const unsigned char *)s, n, NULL) : 0;
    return len > 0 && t5g_in_word(t5g_utf8_decode((const unsigned char *)s, len));
}

static void
add_id(const struct pass *p, int32_t id)
{
    if (p->t->unigram != NULL)
        t5g_ids_add(p->out, id);
    else
        t5g_bpe_add_id(p->t->bpe, id, p->out);
}

/*
 * As Hugging Face's find_matches: the longest of the leftmost tokens; the search continues after
 * the token's own text even if the token includes white space after it.
 */
static void
cut_out(const struct pass *p, const char *text, size_t n)
{
    const struct t5g_table *table = &p->t->table;
    const bool *starts = p->normalized ? p->t->starts_normalized : p->t->starts;
    bool bar = p->normalized && table->h->space_is_bar != 0;
    size_t start = 0, len;
    for (size_t i = 0; i < n; i += len) {
        const struct t5g_trie_node *x = NULL;
        len = 1;
        if (starts[(unsigned char)text[i]])
            x = t5g_trie_match(table, p->root, bar, text + i, n - i, &len);
        if (x == NULL) {
            len = 1;
            continue;
        }
        if (p->text_only && (x->flags & T5G_ADDED_SPECIAL) != 0)
            continue; /* skipped whole, as with HF's split_special_tokens */
        if ((x->flags & T5G_ADDED_SINGLE_WORD) != 0 &&
            (word_before(text, i) || word_after(text + i + len, n - i - len)))
            continue;
        size_t from = i, to = i + len;
        if ((x->flags & T5G_ADDED_LSTRIP) != 0)
            from = t5g_max(i - space_before(p, text, i), start);
        if ((x->flags & T5G_ADDED_RSTRIP) != 0)
            to += space_after(p, text + to, n - to);
        if (start < from)
            encode_piece(p, text + start, from - start, p->begins && start == 0);
        if (from < to) /* else it was white space of the token before */
            add_id(p, x->id);
        start = to;
    }
    if (start < n)
        encode_piece(p, text + start, n - start, p->begins && start == 0);
}

/* Text left by a pass: to the second pass, or to the model. BPE normalizes on the way. */
static void
encode_piece(const struct pass *p, const char *text, size_t n, bool begins)
{
    struct t5g_unigram *unigram = p->t->unigram;
    if (unigram != NULL && !p->normalized)
        text = t5g_unigram_normalize(unigram, text, &n);
    if (!p->normalized && p->t->normalized) {
        struct pass second = *p;
        second.root = p->t->table.h->normalized;
        second.normalized = true;
        second.begins = begins;
        cut_out(&second, text, n);
    } else if (unigram != NULL) {
        t5g_unigram_add(unigram, text, n, begins, p->out);
    } else {
        t5g_bpe_add(p->t->bpe, text, n, p->out);
    }
}

void
t5g_tokenize(const struct t5g_tokenizer *t, const char *text, size_t n, unsigned flags,
             struct t5g_ids *out)
{
    const struct t5g_table *table = &t->table;
    if (t5g_utf8_check(text, n) != n)
        t5g_bug("ill-formed UTF-8 reached the tokenizer");
    const size_t before = out->n;
    if ((flags & T5G_TOK_BARE) == 0)
        t5g_ids_append(out, table->before, table->n_before);
    struct pass first = {.t = t,
                         .root = table->h->raw,
                         .text_only = (flags & T5G_TOK_TEXT_ONLY) != 0,
                         .begins = true,
                         .out = out};
    cut_out(&first, text, n);
    if (t->bpe != NULL)
        t5g_bpe_finish(t->bpe, out);
    bool ended = (table->h->pre & T5G_PRE_PYTHON) != 0 && out->n > before && table->n_after == 1 &&
                 out->p[out->n - 1] == table->after[0];
    if ((flags & T5G_TOK_BARE) == 0 && !ended)
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

const struct t5g_tokenizer_id *
t5g_tokenizer_id(const struct t5g_tokenizer *t)
{
    return &t->id;
}

const char *
t5g_tokenizer_identity(const struct t5g_tokenizer *t)
{
    return t->id.id;
}

int
t5g_tokenizer_check(const struct t5g_tokenizer_id *ours, const char *theirs, struct t5g_err *e)
{
    static const char *const parts[] = {"vocabulary", "merges or scores", "added tokens",
                                        "tokens around a text"};
    const char *other = NULL;
    size_t same = 0;
    if (strcmp(theirs, ours->id) == 0 || strcmp(theirs, ours->file) == 0)
        return 0;
    for (size_t i = T5G_LEN(parts); i-- > 0 && strlen(theirs) == T5G_HEX128 - 1;)
        if (memcmp(theirs + 8 * i, ours->id + 8 * i, 8) == 0)
            same++;
        else
            other = parts[i];
    return t5g_err_set(e, T5G_EX_DATA,
                       "made with another tokenizer%s%s: %s, this one is %s (--force accepts it)",
                       same > 0 ? ", the first difference is in the " : "", same > 0 ? other : "",
                       theirs, ours->id);
}
