/* picture_limits.c: limits of a picture's size in any format. */
#include "image/picture_limits.h"

int
t5g_picture_check_size(uint64_t w, uint64_t h, struct t5g_err *e)
{
    if (w == 0 || h == 0)
        return t5g_err_set(e, T5G_EX_DATA, "%llu x %llu pixels, nothing to see",
                           (unsigned long long)w, (unsigned long long)h);
    if (w > T5G_PICTURE_SIDE_MAX || h > T5G_PICTURE_SIDE_MAX)
        return t5g_err_set(e, T5G_EX_DATA, "%llu x %llu pixels, at most %d a side",
                           (unsigned long long)w, (unsigned long long)h, T5G_PICTURE_SIDE_MAX);
    if (w * h > T5G_PICTURE_AREA_MAX)
        return t5g_err_set(e, T5G_EX_DATA, "%llu x %llu = %llu pixels, at most %d",
                           (unsigned long long)w, (unsigned long long)h,
                           (unsigned long long)(w * h), T5G_PICTURE_AREA_MAX);
    return 0;
}
