/* ask.c: which prompts a document is asked. */
#include "stage/ask.h"

/* One document at work. */
struct task {
    const struct t5g_asker *x;
    struct t5g_answers *answers;
    const struct t5g_cross *cross;
    const int32_t *source;
    size_t n_source;
};

/* One prompt: it waits for the others, or is answered at once. */
static int
add(const struct task *t, const struct t5g_prompt *p, struct t5g_err *e)
{
    t5g_answers_add(t->answers, t->cross, t->source, t->n_source, p);
    return t->x->at_once ? t5g_answers_now(t->answers, t->x->generator, e) : 0;
}

int
t5g_ask(const struct t5g_asker *x, struct t5g_answers *a, const struct t5g_doc *doc,
        const struct t5g_cross *cross, bool *fatal, struct t5g_err *e)
{
    const struct t5g_frame *own, *ids;
    const struct t5g_prompt *p;
    struct task t = {.x = x, .answers = a, .cross = cross};
    int r = 0;
    if (t5g_doc_only(doc, "prompt", T5G_KIND_TEXT, &own, e) < 0)
        return -1;
    if (t5g_doc_find(doc, "input.ids") != NULL) {
        if (t5g_doc_tensor(doc, "input.ids", T5G_I32, 1, &ids, e) < 0)
            return -1;
        t.source = (const int32_t *)(const void *)ids->data;
        t.n_source = (size_t)ids->size / sizeof *t.source;
    }
    if (!t5g_prompts_none(x->prompts)) {
        for (size_t n = 0; (r = t5g_prompts_get(x->prompts, n, &p, e)) == 1; n++)
            if (add(&t, p, e) < 0)
                return -1;
        *fatal = r < 0;
        return r;
    }
    if (own == NULL)
        return add(&t, NULL, e);
    struct t5g_prompt mine = {0};
    r = t5g_prompt_fill(&mine, x->tokenizer, x->max_prompt, (const char *)own->data,
                        (size_t)own->size, e);
    if (r == 0)
        r = add(&t, &mine, e);
    t5g_prompt_free(&mine);
    return r;
}
