/* stops.c: texts at which a sequence ends, exact over the borders of tokens. */
#include "generate/stops.h"

#include <string.h>

struct t5g_stops {
    const struct t5g_tokenizer *t;
    char **v;       /* [n] */
    size_t n, most; /* bytes of the longest */
};

struct t5g_stops *
t5g_stops_open(const struct t5g_tokenizer *t, const char *const *texts, size_t n)
{
    struct t5g_stops *s = t5g_alloc(1, sizeof *s);
    s->t = t;
    s->n = n;
    s->v = t5g_alloc(n, sizeof *s->v);
    for (size_t i = 0; i < n; i++) {
        s->v[i] = t5g_strdup(texts[i]);
        s->most = t5g_max(s->most, strlen(texts[i]));
    }
    return s;
}

void
t5g_stops_close(struct t5g_stops *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->n; i++)
        t5g_free(s->v[i]);
    t5g_free(s->v);
    t5g_free(s);
}

/* The text in s [n] that is complete first; of several, the longest. */
static const char *
first(const struct t5g_stops *s, const char *text, size_t n)
{
    const char *found = NULL, *end = NULL;
    for (size_t i = 0; i < s->n; i++) {
        size_t len = strlen(s->v[i]);
        const char *at = n >= len ? memmem(text, n, s->v[i], len) : NULL;
        if (at == NULL)
            continue;
        bool longer = found != NULL && at + len == end && len > strlen(found);
        if (found == NULL || at + len < end || longer) {
            found = s->v[i];
            end = at + len;
        }
    }
    return found;
}

/* Bytes of text that an id settles, after those of the run before, go to out. */
static void
decode(const struct t5g_stops *s, struct t5g_buf *run, int32_t id, struct t5g_buf *out)
{
    struct t5g_detok d;
    t5g_detok_open_inside(&d, s->t, false);
    d.run = *run;
    t5g_detok_add(&d, &id, 1, out);
    *run = d.run;
}

/* text: the tail and the bytes behind it. Returns the stop text in it and the run, as if it ended.
 */
static const char *
search(const struct t5g_stops *s, struct t5g_buf *text, const struct t5g_buf *run)
{
    struct t5g_detok d;
    size_t sure = text->n;
    t5g_detok_open_inside(&d, s->t, false);
    t5g_buf_add(&d.run, run->p, run->n);
    t5g_detok_end(&d, text);
    t5g_detok_free(&d);
    const char *found = first(s, text->p, text->n);
    text->n = sure;
    return found;
}

const char *
t5g_stopping_add(const struct t5g_stops *s, struct t5g_stopping *x, int32_t id)
{
    size_t before = x->tail.n;
    decode(s, &x->run, id, &x->tail);
    x->n += x->tail.n - before;
    const char *found = search(s, &x->tail, &x->run);
    if (x->tail.n >= s->most) {
        size_t gone = x->tail.n - (s->most - 1);
        x->tail.n -= gone;
        memmove(x->tail.p, x->tail.p + gone, x->tail.n);
    }
    return found;
}

const char *
t5g_stopping_would(const struct t5g_stops *s, const struct t5g_stopping *x, int32_t id)
{
    struct t5g_stopping copy = {0};
    t5g_stopping_copy(&copy, x);
    const char *found = t5g_stopping_add(s, &copy, id);
    t5g_stopping_free(&copy);
    return found;
}

size_t
t5g_stopping_sure(const struct t5g_stops *s, const struct t5g_stopping *x)
{
    size_t open = 0; /* the longest end of the text with which a stop text may begin */
    for (size_t i = 0; i < s->n; i++) {
        size_t len = t5g_min(strlen(s->v[i]) - 1, x->tail.n);
        while (len > open && memcmp(x->tail.p + x->tail.n - len, s->v[i], len) != 0)
            len--;
        open = t5g_max(open, len);
    }
    return x->n - open;
}

void
t5g_stopping_reset(struct t5g_stopping *x)
{
    x->run.n = x->tail.n = x->n = 0;
}

void
t5g_stopping_copy(struct t5g_stopping *to, const struct t5g_stopping *from)
{
    t5g_stopping_reset(to);
    t5g_buf_add(&to->run, from->run.p, from->run.n);
    t5g_buf_add(&to->tail, from->tail.p, from->tail.n);
    to->n = from->n;
}

void
t5g_stopping_free(struct t5g_stopping *x)
{
    t5g_buf_free(&x->run);
    t5g_buf_free(&x->tail);
}
