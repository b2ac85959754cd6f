/* ask.c: which prompts a document is asked. */
#include "cli/ask.h"

/* One document at work. */
struct task {
    const struct t5g_asker *x;
    struct t5g_answers *answers;
    const struct t5g_cross *cross;
    const int32_t *source;
    size_t n_source;
};

static int
answer(const struct task *t, const struct t5g_prompt *const *prompts, size_t n, struct t5g_err *e)
{
    return t5g_answers_add(t->answers, t->x->generator, t->cross, t->source, t->n_source, prompts,
                           n, e);
}

/* The prompts of the run. */
static int
answer_run(const struct task *t, bool *fatal, struct t5g_err *e)
{
    struct t5g_prompts *prompts = t->x->prompts;
    const struct t5g_prompt *p, **all;
    size_t n = 0;
    int r;
    for (; (r = t5g_prompts_get(prompts, n, &p, e)) == 1; n++)
        if (t->x->live && answer(t, &p, 1, e) < 0)
            return -1;
    *fatal = r < 0;
    if (r < 0 || t->x->live)
        return r;
    all = t5g_alloc(n, sizeof *all);
    for (size_t k = 0; k < n; k++)
        t5g_prompts_get(prompts, k, &all[k], e);
    r = answer(t, all, n, e);
    t5g_free(all);
    return r;
}

int
t5g_ask(const struct t5g_asker *x, struct t5g_answers *a, const struct t5g_doc *doc,
        const struct t5g_cross *cross, bool *fatal, struct t5g_err *e)
{
    const struct t5g_frame *own = t5g_doc_find(doc, "prompt");
    const struct t5g_frame *ids = t5g_doc_find(doc, "input.ids");
    const struct t5g_prompt *p = NULL;
    struct task t = {.x = x, .answers = a, .cross = cross};
    if (ids != NULL && ids->kind == T5G_KIND_TENSOR && ids->dtype == T5G_I32) {
        t.source = (const int32_t *)(const void *)ids->data;
        t.n_source = (size_t)ids->size / sizeof *t.source;
    }
    if (!t5g_prompts_none(x->prompts))
        return answer_run(&t, fatal, e);
    if (own == NULL || own->kind != T5G_KIND_TEXT)
        return answer(&t, &p, 1, e);
    struct t5g_prompt mine = {0};
    int r = t5g_prompt_fill(&mine, x->tokenizer, (const char *)own->data, (size_t)own->size, e);
    p = &mine;
    if (r == 0)
        r = answer(&t, &p, 1, e);
    t5g_prompt_free(&mine);
    return r;
}
