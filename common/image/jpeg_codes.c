/* jpeg_codes.c: the code tables of T.81, K.3 to K.6, which Motion JPEG leaves out. */
#include "image/jpeg.h"

#include <string.h>

/* The AC codes' first symbols; the others follow in order. */
static const uint8_t luminance[] = {0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31,
                                    0x41, 0x06, 0x13, 0x51, 0x61, 0x07, 0x22, 0x71, 0x14, 0x32,
                                    0x81, 0x91, 0xa1, 0x08, 0x23, 0x42, 0xb1, 0xc1, 0x15, 0x52,
                                    0xd1, 0xf0, 0x24, 0x33, 0x62, 0x72, 0x82};
static const uint8_t chrominance[] = {
    0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07, 0x61,
    0x71, 0x13, 0x22, 0x32, 0x81, 0x08, 0x14, 0x42, 0x91, 0xa1, 0xb1, 0xc1, 0x09, 0x23, 0x33,
    0x52, 0xf0, 0x15, 0x62, 0x72, 0xd1, 0x0a, 0x16, 0x24, 0x34, 0xe1, 0x25, 0xf1};

static const uint8_t lengths[4][16] = {
    {0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0},    /* DC 0 */
    {0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0},    /* DC 1 */
    {0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125},  /* AC 0 */
    {0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 119}}; /* AC 1 */

static void
define(struct t5g_jpeg_codes *c, const uint8_t length[16], const uint8_t *symbol, size_t n)
{
    bool have[256] = {false};
    if (c->defined)
        return;
    *c = (struct t5g_jpeg_codes){.defined = true};
    memcpy(c->count + 1, length, 16);
    for (size_t i = 0; i < n; i++) {
        c->symbol[i] = symbol[i];
        have[symbol[i]] = true;
    }
    /* The rest, in order: 10 sizes with every run of zeros. */
    for (unsigned s = 0; symbol != NULL && s < 256; s++)
        if ((s & 15) >= 1 && (s & 15) <= 10 && !have[s])
            c->symbol[n++] = (uint8_t)s;
    for (unsigned s = 0; symbol == NULL && s < 12; s++)
        c->symbol[s] = (uint8_t)s;
}

void
t5g_jpeg_standard_codes(struct t5g_jpeg *j)
{
    define(&j->dc[0], lengths[0], NULL, 0);
    define(&j->dc[1], lengths[1], NULL, 0);
    define(&j->ac[0], lengths[2], luminance, sizeof luminance);
    define(&j->ac[1], lengths[3], chrominance, sizeof chrominance);
}
