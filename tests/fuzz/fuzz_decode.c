/* Any bytes through the child that decodes: whatever happens to it, the parent gets an answer. */
#include "image/image_bytes.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct t5g_image_reader *reader;
    const struct t5g_image_reader_options o = {
        .size = 24, .exif = true, .pan_and_scan = true, .crops = {4, 4, 1.2}, .cpu_seconds = 2};
    struct t5g_err e = {0};
    struct t5g_views v;
    unsigned sum = 0;
    if (reader == NULL && (reader = t5g_image_reader_open(&o, &e)) == NULL)
        abort();
    if (t5g_image_read(reader, data, size, &v, &e) < 0) {
        if (e.code != T5G_EX_DATA || e.msg[0] == '\0' || strlen(e.msg) > 600)
            abort();
        return 0;
    }
    if (v.n < 1 || v.n > 5 || v.w == 0 || v.h == 0)
        abort();
    for (size_t i = 0; i < v.n * 24 * 24 * 3; i++)
        sum += v.pixels[i]; /* all of it can be read */
    if (sum > v.n * 24 * 24 * 3 * 255)
        abort();
    return 0;
}
