/* fuzz_config.c: any text as config.json, and the part behind a NUL as generation_config.json. */
#include "model/config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_stack(const struct t5g_stack_config *c)
{
    if (c->d == 0 || c->layers == 0 || c->h % c->hk != 0 || c->dh % 2 != 0 || c->v == 0 ||
        c->full == NULL || !isfinite(c->scale) || !(c->rope_full.factor > 0))
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data, *cut = size > 0 ? memchr(text, 0, size) : NULL;
    size_t n = cut != NULL ? (size_t)(cut - text) : size;
    struct t5g_config c;
    struct t5g_err e = {0};
    if (t5g_config_parse(&c, text, n, "c", cut != NULL ? cut + 1 : NULL,
                         cut != NULL ? size - n - 1 : 0, "g", &e) == 0) {
        check_stack(&c.encoder);
        if (c.has_decoder)
            check_stack(&c.decoder);
        t5g_config_clear(&c);
    } else if (e.code != T5G_EX_DATA) {
        abort();
    }
    return 0;
}
