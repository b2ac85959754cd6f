/* cleanup.c: nine replacements, in the order of transformers. */
#include "text/cleanup.h"

#include <string.h>

static const struct {
    const char *from, *to;
} rules[] = {{" .", "."},     {" ?", "?"},   {" !", "!"},   {" ,", ","},     {" ' ", "'"},
             {" n't", "n't"}, {" 'm", "'m"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};

/* Replace in place, which never makes the text longer. Returns the new length. */
static size_t
replace(char *text, size_t n, const char *from, const char *to)
{
    size_t from_len = strlen(from), to_len = strlen(to), end = 0, at = 0;
    const char *hit;
    while ((hit = memmem(text + at, n - at, from, from_len)) != NULL) {
        size_t len = (size_t)(hit - (text + at));
        memmove(text + end, text + at, len);
        memcpy(text + end + len, to, to_len);
        end += len + to_len;
        at += len + from_len;
    }
    memmove(text + end, text + at, n - at);
    return end + n - at;
}

void
t5g_cleanup(const char *text, size_t n, struct t5g_buf *out)
{
    size_t before = out->n;
    if (n == 0)
        return;
    t5g_buf_add(out, text, n);
    for (size_t i = 0; i < T5G_LEN(rules); i++)
        n = replace(out->p + before, n, rules[i].from, rules[i].to);
    out->n = before + n;
    out->p[out->n] = '\0';
}

/*
 * No replacement reaches over the place before a space, unless the character before that is a space
 * or an apostrophe (" ' "), or an n, behind which an apostrophe may come to stand (" n't").
 */
size_t
t5g_cleanup_sure(const char *text, size_t n)
{
    for (size_t i = n; i-- > 1;)
        if (text[i] == ' ' && text[i - 1] != ' ' && text[i - 1] != '\'' && text[i - 1] != 'n')
            return i;
    return 0;
}
