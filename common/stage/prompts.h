/* prompts.h: the prompts of a t5g-decode run: from -p, from a file, or interactively from stdin. */
#ifndef T5G_PROMPTS_H
#define T5G_PROMPTS_H

#include "cli/option.h"
#include "text/tokenizer.h"

/* One prompt: its text, its ids without post-processor, and its text as a JSON string. */
struct t5g_prompt {
    struct t5g_buf text, json;
    struct t5g_ids ids;
};

struct t5g_prompts;

/*
 * given: the texts of -p. file: one prompt per line, byte for byte without the newline; "-" for
 * stdin, NULL for none. The texts of -p come first. limit: maximum tokens of a prompt. NULL with e
 * (65, 66).
 */
struct t5g_prompts *t5g_prompts_open(const struct t5g_tokenizer *t, const struct t5g_list *given,
                                     const char *file, size_t limit, struct t5g_err *e);
void t5g_prompts_close(struct t5g_prompts *p);

/* Get prompt k, waiting for it if prompts come from stdin. Returns 1, 0 if there are fewer, -1 with
 * e. */
int t5g_prompts_get(struct t5g_prompts *p, size_t k, const struct t5g_prompt **out,
                    struct t5g_err *e);

/* Neither texts nor a file were given: documents use their own prompts, or none. */
bool t5g_prompts_none(const struct t5g_prompts *p);

/* Fill a prompt that is not from the list from text. -1 with e (65) if text is not UTF-8, has a
 * NUL, or has more than limit tokens. */
int t5g_prompt_fill(struct t5g_prompt *p, const struct t5g_tokenizer *t, size_t limit,
                    const char *text, size_t n, struct t5g_err *e);
void t5g_prompt_free(struct t5g_prompt *p);

#endif
