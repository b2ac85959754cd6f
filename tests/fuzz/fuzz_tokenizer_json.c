/* Any bytes as tokenizer.json: refused, or a table that tokenizes and fits itself. */
#include "text/table.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct t5g_table t = {0};
    struct t5g_err e;
    struct t5g_table_header *h = t5g_table_compile((const char *)data, size, NULL, 0, "fuzz", &e);
    if (h != NULL && t5g_table_bind(&t, h, h->size) < 0)
        __builtin_trap();
    t5g_free(h);
    return 0;
}
