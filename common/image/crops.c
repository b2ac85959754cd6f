/* crops.c: number and size of pan-and-scan crops. */
#include "image/crops.h"

#include <math.h>

size_t
t5g_crops(const struct t5g_pan_and_scan *o, size_t w, size_t h, size_t *cw, size_t *ch)
{
    size_t longer = t5g_max(w, h), shorter = t5g_min(w, h);
    double ratio = (double)longer / (double)shorter;
    if (ratio < o->min_ratio)
        return 0;
    size_t n = t5g_min(longer / o->min_crop, (size_t)floor(ratio + 0.5));
    n = t5g_min(t5g_max(n, 2), o->max_crops);
    size_t part = (longer + n - 1) / n;
    if (t5g_min(part, shorter) < o->min_crop)
        return 0;
    *cw = w >= h ? part : w;
    *ch = w >= h ? h : part;
    return n;
}
