/* prompts.h: the prompts of a t5g-decode run: from -p, from a file, or from stdin as they come. */
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
 * given: the -p texts; file: one prompt a line, byte for byte without the newline, "-" for stdin,
 * NULL for none. Both: -p first. limit: most tokens of one. NULL with e (65, 66).
 */
struct t5g_prompts *t5g_prompts_open(const struct t5g_tokenizer *t, const struct t5g_list *given,
                                     const char *file, size_t limit, struct t5g_err *e);
void t5g_prompts_close(struct t5g_prompts *p);

/* Number k, waiting for it where prompts come from stdin: 1, 0 when there are fewer, -1 with e. */
int t5g_prompts_get(struct t5g_prompts *p, size_t k, const struct t5g_prompt **out,
                    struct t5g_err *e);

/* Nothing was given: documents' own prompts, or none, are used. */
bool t5g_prompts_none(const struct t5g_prompts *p);

/* A prompt that did not come from the list; filled from text. -1 with e (65): not UTF-8, NUL, more
 * than limit tokens. */
int t5g_prompt_fill(struct t5g_prompt *p, const struct t5g_tokenizer *t, size_t limit,
                    const char *text, size_t n, struct t5g_err *e);
void t5g_prompt_free(struct t5g_prompt *p);

#endif
