/* Pictures of any bytes, in process: container checks, decoding, EXIF, turning, crops, resizing. */
#include "base/mem.h"
#include "image/image_bytes.h"
#include "image/resize.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SIDE = 24, ARENA = 1 << 22 };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static unsigned char memory[ARENA];
    static uint8_t view[SIDE * SIDE * 3];
    struct t5g_arena a = {.p = memory, .size = ARENA};
    struct t5g_picture p;
    struct t5g_err e = {0};
    unsigned char *file = t5g_alloc_raw(size, 1); /* so that its end is known to the sanitizer */
    memcpy(file, data, size);
    t5g_exif_orientation(file, size);
    t5g_xmp_orientation(file, size);
    if (t5g_picture_check(&p, file, size, &e) < 0) {
        if (e.code != T5G_EX_DATA || e.msg[0] == '\0')
            abort();
    } else {
        if (p.w == 0 || p.h == 0 || p.w * p.h > T5G_PICTURE_AREA_MAX || p.orientation < 1 ||
            p.orientation > 8)
            abort();
        uint8_t *rgb = NULL;
        size_t w = p.w, h = p.h, cw, ch;
        if (t5g_picture_decode(&p, file, size, &a, &rgb, &e) == 0) {
            t5g_picture_orient(1 + (int)(size % 8), &a, &rgb, &w, &h, &e);
            t5g_resize(view, SIDE, rgb, w, h, w * 3, &a, &e);
            t5g_crops(&(struct t5g_pan_and_scan){1 + size % 9, 1 + size % 5, 1.2}, w, h, &cw, &ch);
        }
    }
    t5g_free(file);
    return 0;
}
