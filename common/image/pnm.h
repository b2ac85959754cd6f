/* pnm.h: samples of a PNM, which need no decompression. */
#ifndef T5G_PNM_H
#define T5G_PNM_H

#include "image/picture.h"

/* rgb [h, w, 3] of a file that t5g_pnm_check passed. */
void t5g_pnm_decode(const struct t5g_picture *p, const unsigned char *file, uint8_t *rgb);

#endif
