/* prompts.h: texts that a t5g-decode run is given, such as prompts: from options, from a file, or
 * interactively from stdin. */
#ifndef T5G_PROMPTS_H
#define T5G_PROMPTS_H

#include "cli/option.h"
#include "stage/variants.h"
#include "text/tokenizer.h"

/* One prompt: its text, its ids without post-processor, and its text as a JSON string. With a
 * template the ids are those of the filled template, and text is what was filled in. */
struct t5g_prompt {
    struct t5g_buf text, json;
    struct t5g_ids ids;
    const struct t5g_variant *by; /* that it is asked of; NULL: the document's choice */
};

/* How texts are taken. */
struct t5g_prompts_options {
    const char *noun;         /* what messages call one: "prompt" */
    size_t limit;             /* most tokens of one, */
    const char *limit_option; /* the option that sets it */
    bool nul;                 /* in the file each ends with NUL instead of newline */
    /* Lines of the file are objects: members "prompt", and "adapter", which is one of variants. */
    bool jsonl;
    const struct t5g_variants *variants; /* for jsonl */
    const struct t5g_buf *template;      /* as t5g_template_read gives it; NULL: none */
};

/*
 * Read a template ("-": stdin), byte for byte: a text with at least one {prompt}. -1 with e (66,
 * 77, 74; 65 if it has none, is not UTF-8, has a NUL, or is longer than 1000 KiB).
 */
int t5g_template_read(struct t5g_buf *out, const char *file, struct t5g_err *e);

struct t5g_prompts;

/*
 * given: the texts of an option, which come first. file: one prompt per line, byte for byte without
 * the newline; "-" for stdin, NULL for none. o is copied. NULL with e (65, 66).
 */
struct t5g_prompts *t5g_prompts_open(const struct t5g_tokenizer *t, const struct t5g_list *given,
                                     const char *file, const struct t5g_prompts_options *o,
                                     struct t5g_err *e);
void t5g_prompts_close(struct t5g_prompts *p);

/* Get prompt k, waiting for it if prompts come from stdin. Returns 1, 0 if there are fewer, -1 with
 * e. */
int t5g_prompts_get(struct t5g_prompts *p, size_t k, const struct t5g_prompt **out,
                    struct t5g_err *e);

/* Neither texts nor a file were given: documents use their own prompts, or none. */
bool t5g_prompts_none(const struct t5g_prompts *p);

/* Fill a prompt that is not from the list from text. -1 with e (65) if text is not UTF-8, has a
 * NUL, or has more than o->limit tokens. */
int t5g_prompt_fill(struct t5g_prompt *p, const struct t5g_tokenizer *t,
                    const struct t5g_prompts_options *o, const char *text, size_t n,
                    struct t5g_err *e);
void t5g_prompt_free(struct t5g_prompt *p);

#endif
