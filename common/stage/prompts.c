/* prompts.c: texts that a t5g-decode run is given, such as prompts. */
#include "stage/prompts.h"
#include "base/hash.h"
#include "base/io.h"
#include "base/jsonstr.h"
#include "base/utf8.h"
#include "cli/used_options.h"
#include "stage/lines.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* The prompt is in the meta of every answer's frame, and a meta has at most 1 MiB. */
#define JSON_MAX ((size_t)1000 << 10)

#define FIELD "{prompt}"

struct t5g_prompts {
    const struct t5g_tokenizer *t;
    struct t5g_prompts_options o;
    struct t5g_prompt **v; /* [n] */
    size_t n, cap;
    int fd;                  /* of the file still being read, else -1 */
    const char *name, *file; /* file: as it was given */
    struct t5g_hash *hash;   /* of what was read of it */
    size_t line;
    struct t5g_buf chunk; /* unread part of the file */
    bool given;
    bool warned; /* about a line */
};

int
t5g_template_read(struct t5g_buf *out, const char *file, struct t5g_err *e)
{
    if (t5g_read_input(file, JSON_MAX, out, e) < 0)
        return -1;
    file = t5g_input_name(file);
    size_t bad = t5g_utf8_check(out->p, out->n);
    if (bad < out->n)
        return t5g_err_set(e, T5G_EX_DATA, "%s: invalid UTF-8 at byte %zu", file, bad);
    if (out->n > 0 && memchr(out->p, '\0', out->n) != NULL)
        return t5g_err_set(e, T5G_EX_DATA, "%s: NUL is not allowed in a template", file);
    if (out->n == 0 || memmem(out->p, out->n, FIELD, strlen(FIELD)) == NULL)
        return t5g_err_set(e, T5G_EX_DATA, "%s: no %s where the prompt belongs", file, FIELD);
    return 0;
}

/* The template with text [n] in every place for it. */
static void
fill(struct t5g_buf *out, const struct t5g_buf *template, const char *text, size_t n)
{
    const char *p = template->p, *end = p + template->n, *at;
    for (; (at = memmem(p, (size_t)(end - p), FIELD, strlen(FIELD))) != NULL;
         p = at + strlen(FIELD)) {
        t5g_buf_add(out, p, (size_t)(at - p));
        t5g_buf_add(out, text, n);
    }
    t5g_buf_add(out, p, (size_t)(end - p));
}

int
t5g_prompt_fill(struct t5g_prompt *p, const struct t5g_tokenizer *t,
                const struct t5g_prompts_options *o, const char *text, size_t n, struct t5g_err *e)
{
    size_t bad = t5g_utf8_check(text, n);
    p->text.n = p->json.n = p->ids.n = 0;
    if (bad < n)
        return t5g_err_set(e, T5G_EX_DATA, "%s: invalid UTF-8 at byte %zu", o->noun, bad);
    if (n > 0 && memchr(text, '\0', n) != NULL)
        return t5g_err_set(e, T5G_EX_DATA, "%s: NUL is not allowed in a %s to decode", o->noun,
                           o->noun);
    t5g_jsonstr_write(&p->json, text, n);
    if (p->json.n > JSON_MAX)
        return t5g_err_set(e, T5G_EX_DATA, "%s: %zu bytes as a JSON string, limit %zu", o->noun,
                           p->json.n, JSON_MAX);
    t5g_buf_add(&p->text, text, n);
    if (o->template != NULL) {
        struct t5g_buf whole = {0};
        fill(&whole, o->template, text, n);
        t5g_tokenize(t, whole.p, whole.n, T5G_TOK_BARE, &p->ids);
        t5g_buf_free(&whole);
    } else {
        t5g_tokenize(t, text, n, T5G_TOK_BARE, &p->ids);
    }
    if (p->ids.n > o->limit)
        return t5g_err_set(e, T5G_EX_DATA, "%s: %zu tokens, limit %zu (%s)", o->noun, p->ids.n,
                           o->limit, o->limit_option);
    return 0;
}

void
t5g_prompt_free(struct t5g_prompt *p)
{
    t5g_buf_free(&p->text);
    t5g_buf_free(&p->json);
    t5g_ids_free(&p->ids);
}

static int
append(struct t5g_prompts *p, const char *text, size_t n, const struct t5g_variant *by,
       struct t5g_err *e)
{
    p->v = t5g_grow(p->v, p->n, &p->cap, sizeof *p->v);
    struct t5g_prompt *x = t5g_alloc(1, sizeof *x);
    if (t5g_prompt_fill(x, p->t, &p->o, text, n, e) < 0) {
        t5g_prompt_free(x);
        t5g_free(x);
        return -1;
    }
    x->by = by;
    p->v[p->n++] = x;
    return 0;
}

struct t5g_prompts *
t5g_prompts_open(const struct t5g_tokenizer *t, const struct t5g_list *given, const char *file,
                 const struct t5g_prompts_options *o, struct t5g_err *e)
{
    struct t5g_prompts *p = t5g_alloc(1, sizeof *p);
    p->t = t;
    p->o = *o;
    p->fd = -1;
    p->given = given->n > 0 || file != NULL;
    for (size_t i = 0; i < given->n; i++)
        if (append(p, given->v[i], strlen(given->v[i]), NULL, e) < 0)
            goto fail;
    if (file != NULL) {
        p->file = file;
        p->hash = t5g_hash_open();
        p->name = t5g_input_name(file);
        p->fd = strcmp(file, "-") == 0 ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC);
        if (p->fd < 0) {
            t5g_err_sys(e, T5G_EX_NOINPUT, "%s: cannot open", file);
            goto fail;
        }
    }
    return p;
fail:
    t5g_prompts_close(p);
    return NULL;
}

void
t5g_prompts_close(struct t5g_prompts *p)
{
    if (p == NULL)
        return;
    for (size_t i = 0; i < p->n; i++) {
        t5g_prompt_free(p->v[i]);
        t5g_free(p->v[i]);
    }
    if (p->fd > 0)
        close(p->fd);
    t5g_hash_close(p->hash);
    t5g_buf_free(&p->chunk);
    t5g_free(p->v);
    t5g_free(p);
}

bool
t5g_prompts_none(const struct t5g_prompts *p)
{
    return !p->given;
}

/* The value of "adapter": null counts as absent. */
static int
choose(const struct t5g_prompts *p, const struct t5g_json_walk *w, const struct t5g_variant **by,
       struct t5g_err *e)
{
    struct t5g_buf name = {0};
    if (w->value[0] == 'n')
        return 0;
    if (w->value[0] != '"')
        return t5g_err_set(e, T5G_EX_DATA, "\"adapter\": expected a string");
    t5g_jsonstr_read(&name, w->value, w->value_len);
    *by = t5g_variants_find(p->o.variants, name.p, name.n, e);
    t5g_buf_free(&name);
    return *by != NULL ? 0 : -1;
}

/* Append the prompt of line [n] of the file. */
static int
take(struct t5g_prompts *p, const char *line, size_t n, struct t5g_err *e)
{
    static const char *const member[] = {"prompt", "adapter"};
    struct t5g_json_walk w;
    struct t5g_buf text = {0};
    const struct t5g_variant *by = NULL;
    bool found = false;
    int r = 0;
    if (!p->o.jsonl)
        return append(p, line, n, NULL, e);
    if (t5g_json_check_members(line, n, member, 2, "JSON", e) < 0)
        return -1;
    t5g_buf_adds(&text, "");
    if (t5g_json_walk_open(&w, line, n))
        while (t5g_json_walk_next(&w) && r == 0) {
            if (t5g_jsonstr_equal(w.key, w.key_len, member[0]) && w.value[0] == '"') {
                t5g_jsonstr_read(&text, w.value, w.value_len);
                found = true;
            }
            if (t5g_jsonstr_equal(w.key, w.key_len, member[1]))
                r = choose(p, &w, &by, e);
        }
    if (r == 0)
        r = found ? append(p, text.p, text.n, by, e)
                  : t5g_err_set(e, T5G_EX_DATA, "no \"prompt\" that is a string");
    t5g_buf_free(&text);
    return r;
}

/* Take one line from the file; reads only what is available, so that prompts are answered as they
 * arrive. */
static int
read_line(struct t5g_prompts *p, struct t5g_err *e)
{
    for (;;) {
        char *end = p->chunk.n > 0 ? memchr(p->chunk.p, p->o.nul ? '\0' : '\n', p->chunk.n) : NULL;
        size_t got = 0;
        if (end == NULL) {
            if (p->chunk.n > 4 * JSON_MAX)
                return t5g_err_set(e, T5G_EX_DATA, "%s: %s %zu: longer than %zu bytes", p->name,
                                   p->o.nul ? "text" : "line", p->line + 1, 4 * JSON_MAX);
            t5g_buf_reserve(&p->chunk, 4096);
            if (t5g_read_some(p->fd, p->name, p->chunk.p + p->chunk.n, 4096, &got, e) < 0)
                return -1;
            t5g_hash_add(p->hash, p->chunk.p + p->chunk.n, got);
            p->chunk.n += got;
        }
        if (end == NULL && got > 0)
            continue;
        if (end == NULL && p->chunk.n == 0)
            return 0;
        size_t n = end != NULL ? (size_t)(end - p->chunk.p) : p->chunk.n;
        p->line++;
        if (!p->warned && !p->o.nul && !p->o.jsonl)
            p->warned = t5g_line_warns(p->name, p->line, p->chunk.p, n, p->o.noun);
        if (take(p, p->chunk.p, n, e) < 0)
            return t5g_err_in(e, "%s: %s %zu", p->name, p->o.nul ? "text" : "line", p->line);
        size_t used = n + (end != NULL);
        p->chunk.n -= used;
        memmove(p->chunk.p, p->chunk.p + used, p->chunk.n);
        return 1;
    }
}

/* At the end of the file. */
static void
end_file(struct t5g_prompts *p)
{
    char hex[T5G_HEX128];
    t5g_hash_get128_hex(p->hash, hex);
    t5g_used_contents(p->file, hex);
    if (p->fd > 0)
        close(p->fd);
    p->fd = -1;
}

int
t5g_prompts_get(struct t5g_prompts *p, size_t k, const struct t5g_prompt **out, struct t5g_err *e)
{
    while (k >= p->n && p->fd >= 0) {
        int r = read_line(p, e);
        if (r < 0)
            return -1;
        if (r == 0) {
            end_file(p);
            if (p->n == 0)
                return t5g_err_set(e, T5G_EX_DATA, "%s: no %s in it", p->name, p->o.noun);
        }
    }
    if (k >= p->n)
        return 0;
    *out = p->v[k];
    return 1;
}
