/*
 * Any well-formed text: tokenizing and printing it gives the text back (spaces and U+2581 are one
 * to this tokenizer), and cutting the memory of words short does not change the ids.
 */
#include "base/utf8.h"
#include "text/detokenizer.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct t5g_tokenizer *
open_tiny(void)
{
    struct t5g_err e;
    char *dir = t5g_path_join(getenv("T5G_TESTS"), "models/tiny");
    struct t5g_tokenizer *t = t5g_tokenizer_open(dir, &e);
    if (t == NULL)
        abort();
    t5g_free(dir);
    return t;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct t5g_tokenizer *t;
    struct t5g_buf text = {0}, want = {0}, got = {0};
    struct t5g_ids ids = {0}, again = {0};
    struct t5g_detok d;
    if (t == NULL)
        t = open_tiny();
    t5g_buf_adds(&text, "");
    t5g_utf8_replace(&text, (const char *)data, size);
    t5g_tokenize(t, text.p, text.n, T5G_TOK_BARE, &ids);
    t5g_tokenize(t, text.p, text.n, T5G_TOK_BARE, &again); /* now from the memory of words */
    if (ids.n != again.n || (ids.n > 0 && memcmp(ids.p, again.p, ids.n * sizeof *ids.p) != 0))
        __builtin_trap();
    for (size_t i = 0; i < text.n; i++)
        if (text.n - i >= 3 && memcmp(text.p + i, "\xe2\x96\x81", 3) == 0) {
            t5g_buf_addc(&want, ' ');
            i += 2;
        } else {
            t5g_buf_addc(&want, text.p[i]);
        }
    t5g_detok_open(&d, t, true);
    t5g_detok_add(&d, ids.p, ids.n, &got);
    t5g_detok_end(&d, &got);
    if (got.n != want.n || (got.n > 0 && memcmp(got.p, want.p, got.n) != 0))
        __builtin_trap();
    t5g_detok_free(&d);
    t5g_buf_free(&text);
    t5g_buf_free(&want);
    t5g_buf_free(&got);
    t5g_ids_free(&ids);
    t5g_ids_free(&again);
    return 0;
}
