/* Any bytes as spiece.model: refused, or a table that fits itself. */
#include "text/table.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct t5g_table t = {0};
    struct t5g_map files[T5G_TOKENIZER_FILES] = {{0}};
    struct t5g_err e;
    files[T5G_SPIECE_MODEL].p = data != NULL ? data : (const uint8_t *)"";
    files[T5G_SPIECE_MODEL].size = size;
    struct t5g_table_header *h = t5g_table_compile(files, "fuzz", &e);
    if (h != NULL && t5g_table_bind(&t, h, h->size, false, &e) < 0)
        __builtin_trap();
    t5g_free(h);
    return 0;
}
