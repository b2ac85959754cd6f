/* Any ids: printed as well-formed UTF-8, the same at once and id by id. */
#include "base/utf8.h"
#include "text/detokenizer.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct t5g_tokenizer *t;
    struct t5g_buf whole = {0}, parts = {0};
    struct t5g_detok d;
    if (t == NULL) {
        char *dir = t5g_path_join(getenv("T5G_TESTS"), "models/tiny");
        t = t5g_tokenizer_open(dir, NULL);
        t5g_free(dir);
        if (t == NULL)
            abort();
    }
    /* Two bytes an id reach the whole vocabulary and beyond; the first byte chooses what is
     * printed. */
    size_t n = size > 1 ? (size - 1) / 2 : 0;
    int32_t *ids = t5g_alloc(n, sizeof *ids);
    for (size_t i = 0; i < n; i++)
        ids[i] = (int16_t)(data[1 + 2 * i] | data[2 + 2 * i] << 8);
    t5g_detok_open(&d, t, size > 0 && (data[0] & 1) != 0);
    t5g_detok_add(&d, ids, n, &whole);
    t5g_detok_end(&d, &whole);
    for (size_t i = 0; i < n; i++)
        t5g_detok_add(&d, ids + i, 1, &parts);
    t5g_detok_end(&d, &parts);
    if (whole.n != parts.n || (whole.n > 0 && memcmp(whole.p, parts.p, whole.n) != 0))
        __builtin_trap();
    if (whole.n > 0 && t5g_utf8_check(whole.p, whole.n) != whole.n)
        __builtin_trap();
    t5g_detok_free(&d);
    t5g_buf_free(&whole);
    t5g_buf_free(&parts);
    t5g_free(ids);
    return 0;
}
