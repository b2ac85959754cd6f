/* picture_limits.h: limits of a picture's size in any format. */
#ifndef T5G_PICTURE_LIMITS_H
#define T5G_PICTURE_LIMITS_H

#include "base/err.h"

#define T5G_PICTURE_FILE_MAX  ((size_t)64 << 20) /* bytes */
#define T5G_PICTURE_SIDE_MAX  16384              /* pixels */
#define T5G_PICTURE_AREA_MAX  89478485           /* pixels: beyond it Pillow warns of a bomb */
#define T5G_PICTURE_SCANS_MAX 256                /* of a JPEG */

/* 0 if a picture of w times h pixels is within the limits and not empty; else -1 with e (65), whose
 * message does not name the place. */
int t5g_picture_check_size(uint64_t w, uint64_t h, struct t5g_err *e);

#endif
