/* picture_limits.h: how large a picture may be, whatever its format. */
#ifndef T5G_PICTURE_LIMITS_H
#define T5G_PICTURE_LIMITS_H

#include "base/err.h"

#define T5G_PICTURE_FILE_MAX  ((size_t)64 << 20) /* bytes */
#define T5G_PICTURE_SIDE_MAX  16384              /* pixels */
#define T5G_PICTURE_AREA_MAX  89478485           /* pixels: where Pillow begins to warn of bombs */
#define T5G_PICTURE_SCANS_MAX 256                /* of a JPEG */

/* 0 when a picture of w times h pixels is within them and has pixels; else -1 with e (65), whose
 * message lacks the place. */
int t5g_picture_check_size(uint64_t w, uint64_t h, struct t5g_err *e);

#endif
