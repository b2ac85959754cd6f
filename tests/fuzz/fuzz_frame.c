/* fuzz_frame.c: one frame header and a meta; what passes must pack to the same bytes. */
#include "stream/frame.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char again[T5G_FRAME_HEADER];
    struct t5g_frame f;
    struct t5g_frame_layout l;
    struct t5g_err e;
    char name[16];
    if (size < T5G_FRAME_HEADER)
        return 0;
    if (t5g_frame_take_header(&f, &l, data, 64, T5G_FRAME_PAYLOAD_MAX, &e) < 0)
        return 0;
    bool cut = f.meta_len > size - T5G_FRAME_HEADER;
    if (cut)
        f.meta_len = size - T5G_FRAME_HEADER;
    char *meta = t5g_memdup(data + T5G_FRAME_HEADER, f.meta_len);
    f.meta = meta;
    uint64_t len = t5g_frame_put_header(again, &f, true);
    if (!cut && (len != l.frame_len || memcmp(again, data, 112) != 0))
        abort();
    if (t5g_frame_check_meta(&f, &e) == 0)
        t5g_frame_name(&f, name, sizeof name);
    t5g_free(meta);
    return 0;
}
