/* prompting.c: t5g-decode's options of prompts. */
#include "options.h"
#include "cli/used_options.h"
#include "cli/message.h"

#include <string.h>

static struct {
    struct t5g_list prompts;
    const char *file, *jsonl, *template;
    uint64_t limit;
    bool nul;
} opt = {.limit = 16384};

static struct t5g_buf template;

const struct t5g_option prompting_options[] = {
    {'p', "prompt", "PROMPT", T5G_OPT_LIST, &opt.prompts,
     "text that the decoder starts with (repeatable)", 0, 0},
    {0, "prompts", "FILE", T5G_OPT_ONCE, &opt.file,
     "read prompts from FILE, one per line (-: stdin, each as it arrives)", 0, 0},
    {0, "prompts-jsonl", "FILE", T5G_OPT_ONCE, &opt.jsonl,
     "read prompts from JSON lines: members \"prompt\" and \"adapter\"", 0, 0},
    {0, "template", "FILE", T5G_OPT_ONCE, &opt.template,
     "put the text in FILE around each prompt, in place of its {prompt}", 0, 0},
    {'0', "null", NULL, T5G_OPT_FLAG, &opt.nul,
     "texts in files of prompts, targets and choices end with NUL", 0, 0},
    {0, "max-prompt-tokens", "N", T5G_OPT_U64, &opt.limit,
     "maximum length of a prompt in tokens (default 16384)", 1, 1 << 30},
    T5G_OPTIONS_END,
};

static const char *
file(void)
{
    return opt.jsonl != NULL ? opt.jsonl : opt.file;
}

bool
prompting_live(void)
{
    return file() != NULL && strcmp(file(), "-") == 0;
}

bool
prompting_nul(void)
{
    return opt.nul;
}

void
prompting_check(char *const *operands, size_t n)
{
    if (opt.file != NULL && opt.jsonl != NULL)
        t5g_usage("--prompts and --prompts-jsonl exclude each other");
    if (opt.nul && opt.file == NULL && opt.jsonl == NULL && !scoring_has_file())
        t5g_usage("-0 is for the files of --prompts, --targets and --choices");
    if (opt.nul && opt.jsonl != NULL)
        t5g_usage("-0 is for texts: --prompts-jsonl reads lines");
    t5g_used_stdin_check(operands, n, true, "encoder outputs");
}

int
prompting_open(struct t5g_asker *x, const struct t5g_tokenizer *t,
               const struct t5g_variants *variants, struct t5g_err *e)
{
    x->take = (struct t5g_prompts_options){.noun = "prompt",
                                           .limit = (size_t)opt.limit,
                                           .limit_option = "--max-prompt-tokens",
                                           .nul = opt.nul,
                                           .jsonl = opt.jsonl != NULL,
                                           .variants = variants};
    if (opt.template != NULL && t5g_template_read(&template, opt.template, e) < 0)
        return -1;
    x->take.template = opt.template != NULL ? &template : NULL;
    x->prompts = t5g_prompts_open(t, &opt.prompts, file(), &x->take, e);
    return x->prompts == NULL ? -1 : 0;
}

void
prompting_close(void)
{
    t5g_buf_free(&template);
    t5g_free(opt.prompts.v);
}
