/* given.c: targets and choices as ids, and what must hold for choices. */
#include "stage/given.h"

#include <string.h>

void
t5g_given_free(struct t5g_given *g)
{
    t5g_targets_free(&g->whole);
    t5g_targets_free(&g->first);
}

const struct t5g_targets *
t5g_given_tree(const struct t5g_given *g)
{
    return g->by_first ? &g->first : &g->whole;
}

int
t5g_given_add(struct t5g_given *g, const struct t5g_given_options *o, const int32_t *ids, size_t n,
              struct t5g_err *e)
{
    bool end = !o->no_eos && !o->by_first;
    if (n == 0 && (o->choices || !end))
        return t5g_err_set(e, T5G_EX_DATA, "empty%s",
                           o->choices ? "" : ", and --no-eos leaves nothing to score");
    int32_t *all = t5g_alloc(n + 1, sizeof *all);
    if (n > 0)
        memcpy(all, ids, n * sizeof *all);
    all[n] = o->eos;
    t5g_targets_add(&g->whole, all, n + end);
    if (o->by_first)
        t5g_targets_add(&g->first, all, 1);
    t5g_free(all);
    return 0;
}

int
t5g_given_finish(struct t5g_given *g, const struct t5g_given_options *o, size_t *a, size_t *b)
{
    struct t5g_targets *t = o->by_first ? &g->first : &g->whole;
    int r = 0;
    g->by_first = o->by_first;
    t5g_targets_grow(t);
    if (!o->choices)
        return 0;
    size_t *owner = t5g_alloc(t->n_nodes, sizeof *owner); /* choice that ends there, from 1 */
    for (size_t i = 0; i < t->n && r == 0; i++) {
        size_t *at = &owner[t->leaf[i]];
        if (*at > 0) {
            *a = *at - 1;
            *b = i;
            r = -1;
        }
        *at = i + 1;
    }
    t5g_free(owner);
    return r;
}

/* Text number i, of an option or of a line, is at fault. */
static int
blame(struct t5g_err *e, const char *noun, size_t i, size_t options, const char *file)
{
    if (i >= options)
        return t5g_err_in(e, "%s: %s %zu", file, noun, i - options + 1);
    e->code = T5G_EX_USAGE;
    return t5g_err_in(e, "--%s", noun);
}

int
t5g_given_read(struct t5g_given *g, const struct t5g_given_options *o, struct t5g_prompts *p,
               const char *noun, size_t options, const char *file, struct t5g_err *e)
{
    const struct t5g_prompt *text, *other;
    size_t a, b;
    int r;
    for (size_t i = 0; (r = t5g_prompts_get(p, i, &text, e)) == 1; i++)
        if (t5g_given_add(g, o, text->ids.p, text->ids.n, e) < 0)
            return blame(e, noun, i, options, file);
    if (r < 0)
        return -1;
    if (t5g_given_finish(g, o, &a, &b) == 0)
        return 0;
    (void)t5g_prompts_get(p, a, &other, e);
    (void)t5g_prompts_get(p, b, &text, e);
    if (o->by_first)
        t5g_err_set(e, T5G_EX_DATA, "%.300s and %.300s begin with the same token", other->json.p,
                    text->json.p);
    else
        t5g_err_set(e, T5G_EX_DATA, "%.300s and %.300s are the same tokens", other->json.p,
                    text->json.p);
    return blame(e, noun, b, options, file);
}
