/* prompts.c: the prompts of a t5g-decode run. */
#include "stage/prompts.h"
#include "base/io.h"
#include "base/jsonstr.h"
#include "base/utf8.h"
#include "cli/message.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* The prompt is in the meta of every answer's frame, and a meta has at most 1 MiB. */
#define JSON_MAX ((size_t)1000 << 10)

struct t5g_prompts {
    const struct t5g_tokenizer *t;
    size_t limit;          /* tokens of a prompt */
    struct t5g_prompt **v; /* [n] */
    size_t n, cap;
    int fd; /* of the file still being read, else -1 */
    const char *name;
    size_t line;
    struct t5g_buf chunk; /* unread part of the file */
    bool given;
    bool warned; /* about carriage returns */
};

int
t5g_prompt_fill(struct t5g_prompt *p, const struct t5g_tokenizer *t, size_t limit, const char *text,
                size_t n, struct t5g_err *e)
{
    size_t bad = t5g_utf8_check(text, n);
    p->text.n = p->json.n = p->ids.n = 0;
    if (bad < n)
        return t5g_err_set(e, T5G_EX_DATA, "prompt: invalid UTF-8 at byte %zu", bad);
    if (n > 0 && memchr(text, '\0', n) != NULL)
        return t5g_err_set(e, T5G_EX_DATA, "prompt: NUL is not allowed in a prompt to decode");
    t5g_jsonstr_write(&p->json, text, n);
    if (p->json.n > JSON_MAX)
        return t5g_err_set(e, T5G_EX_DATA, "prompt: %zu bytes as a JSON string, limit %zu",
                           p->json.n, JSON_MAX);
    t5g_buf_add(&p->text, text, n);
    t5g_tokenize(t, text, n, T5G_TOK_BARE, &p->ids);
    if (p->ids.n > limit)
        return t5g_err_set(e, T5G_EX_DATA, "prompt: %zu tokens, limit %zu (--max-prompt-tokens)",
                           p->ids.n, limit);
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
append(struct t5g_prompts *p, const char *text, size_t n, struct t5g_err *e)
{
    p->v = t5g_grow(p->v, p->n, &p->cap, sizeof *p->v);
    struct t5g_prompt *x = t5g_alloc(1, sizeof *x);
    if (t5g_prompt_fill(x, p->t, p->limit, text, n, e) < 0) {
        t5g_prompt_free(x);
        t5g_free(x);
        return -1;
    }
    p->v[p->n++] = x;
    return 0;
}

struct t5g_prompts *
t5g_prompts_open(const struct t5g_tokenizer *t, const struct t5g_list *given, const char *file,
                 size_t limit, struct t5g_err *e)
{
    struct t5g_prompts *p = t5g_alloc(1, sizeof *p);
    p->t = t;
    p->limit = limit;
    p->fd = -1;
    p->given = given->n > 0 || file != NULL;
    for (size_t i = 0; i < given->n; i++)
        if (append(p, given->v[i], strlen(given->v[i]), e) < 0)
            goto fail;
    if (file != NULL) {
        p->name = strcmp(file, "-") == 0 ? "stdin" : file;
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
    t5g_buf_free(&p->chunk);
    t5g_free(p->v);
    t5g_free(p);
}

bool
t5g_prompts_none(const struct t5g_prompts *p)
{
    return !p->given;
}

/* Take one line from the file; reads only what is available, so that prompts are answered as they
 * arrive. */
static int
read_line(struct t5g_prompts *p, struct t5g_err *e)
{
    for (;;) {
        char *end = p->chunk.n > 0 ? memchr(p->chunk.p, '\n', p->chunk.n) : NULL;
        size_t got = 0;
        if (end == NULL) {
            if (p->chunk.n > 4 * JSON_MAX)
                return t5g_err_set(e, T5G_EX_DATA, "%s: line %zu: longer than %zu bytes", p->name,
                                   p->line + 1, 4 * JSON_MAX);
            t5g_buf_reserve(&p->chunk, 4096);
            if (t5g_read_some(p->fd, p->name, p->chunk.p + p->chunk.n, 4096, &got, e) < 0)
                return -1;
            p->chunk.n += got;
        }
        if (end == NULL && got > 0)
            continue;
        if (end == NULL && p->chunk.n == 0)
            return 0;
        size_t n = end != NULL ? (size_t)(end - p->chunk.p) : p->chunk.n;
        p->line++;
        if (n > 0 && p->chunk.p[n - 1] == '\r' && !p->warned) {
            t5g_warn("%s: line %zu ends with a carriage return, which is part of the prompt: "
                     "convert the lines if that is not meant",
                     p->name, p->line);
            p->warned = true;
        }
        if (append(p, p->chunk.p, n, e) < 0)
            return t5g_err_in(e, "%s: line %zu", p->name, p->line);
        size_t used = n + (end != NULL);
        p->chunk.n -= used;
        memmove(p->chunk.p, p->chunk.p + used, p->chunk.n);
        return 1;
    }
}

int
t5g_prompts_get(struct t5g_prompts *p, size_t k, const struct t5g_prompt **out, struct t5g_err *e)
{
    while (k >= p->n && p->fd >= 0) {
        int r = read_line(p, e);
        if (r < 0)
            return -1;
        if (r == 0) {
            if (p->fd > 0)
                close(p->fd);
            p->fd = -1;
            if (p->n == 0)
                return t5g_err_set(e, T5G_EX_DATA, "%s: no prompt in it", p->name);
        }
    }
    if (k >= p->n)
        return 0;
    *out = p->v[k];
    return 1;
}
