/* classifying.c: t5g-decode with a classifier. */
#include "cli/used_options.h"
#include "options.h"

int
classifying_check(const struct t5g_config *c, struct t5g_err *e)
{
    static const char *const without_effect[] = {
        "max-prompt-tokens", "batch-tokens", "kv", "keep", "force", "max-frame", "adapter", NULL};
    if (c->labels.kind == T5G_HEAD_TEXT)
        return 0;
    const char *name = t5g_used_first(without_effect);
    return name == NULL ? 0
                        : t5g_err_set(e, T5G_EX_USAGE,
                                      "--%s: the model is a classifier (%s), which generates "
                                      "no text and reads no prompt",
                                      name, c->classifier);
}
