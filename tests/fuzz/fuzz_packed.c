/* Any bytes as a packed model: refused, or its tensors lie inside and have the sizes they need. */
#include "base/hash.h"
#include "model/packed.h"
#include "model/matrix.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile unsigned char seen;

static int
look(void *arg, const struct t5g_tensor *t, struct t5g_err *e)
{
    const unsigned char *from = arg;
    (void)e;
    if (t->data < from || t->name == NULL)
        abort();
    if (t->size > 0)
        seen = (unsigned char)(t->data[0] + t->data[t->size - 1]);
    if (t5g_is_quantised(t->dtype)) {
        struct t5g_quant_sizes z = t5g_quant_sizes(t->dtype, t->dims[0], t->dims[1], t->group);
        if (t->scale != t->data + z.panels || z.panels + z.scales + z.zeros != t->size)
            abort();
    }
    return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct t5g_err e = {0};
    struct t5g_parts parts;
    char num[64];
    unsigned char *file = t5g_alloc_raw(size, 1);
    memcpy(file, data, size);
    if (t5g_packed_tensors(file, size, "file", -1, look, file, &e) < 0 && e.code != T5G_EX_DATA)
        abort();
    if (t5g_packed_identity(file, size, "file", &parts, num, &e) == 0 &&
        (parts.id[T5G_ID_ENCODER][0] == '\0' || strlen(parts.source) >= T5G_SOURCE_NAME))
        abort();
    t5g_free(file);
    return 0;
}
