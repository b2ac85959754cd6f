/* Any bytes as tokenizer.json and, each after a NUL, the three files beside it: refused, or a table
 * that fits itself. */
#include "text/table.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct t5g_table t = {0};
    struct t5g_map files[T5G_TOKENIZER_FILES] = {{0}};
    struct t5g_err e;
    char *text = t5g_alloc(size + 1, 1), *at = text;
    memcpy(text, data, size);
    for (size_t i = 0; i < T5G_SPIECE_MODEL && at <= text + size; i++) {
        size_t left = (size_t)(text + size - at), last = i + 1 == T5G_SPIECE_MODEL;
        files[i].p = (unsigned char *)at;
        files[i].size = last ? left : strnlen(at, left);
        at += files[i].size + 1;
    }
    struct t5g_table_header *h = t5g_table_compile(files, "fuzz", &e);
    if (h != NULL && t5g_table_bind(&t, h, h->size, false, &e) < 0)
        __builtin_trap();
    t5g_free(h);
    t5g_free(text);
    return 0;
}
