/* crc32.h: the CRC of PNG and zip. */
#ifndef T5G_CRC32_H
#define T5G_CRC32_H

#include "base/base.h"

/* CRC-32 of n bytes (ISO 3309, polynomial 0xedb88320), as in PNG (5.5) and zip (APPNOTE 4.4.7). */
uint32_t t5g_crc32(const unsigned char *p, size_t n);

#endif
