/* libarchive.c: libarchive, loaded when first needed. */
#include "archive/libarchive.h"
#include "archive/library.h"
#include "base/mem.h"

struct t5g_libarchive t5g_la;

int
t5g_libarchive_load(struct t5g_err *e)
{
#define SYMBOL(name) {#name, &t5g_la.name},
    static const struct t5g_symbol symbols[] = {T5G_LIBARCHIVE(SYMBOL)};
    if (t5g_la.archive_read_new != NULL)
        return 0;
    return t5g_library_load("libarchive.so.13", "packed files need libarchive", symbols,
                            T5G_LEN(symbols), e);
}
