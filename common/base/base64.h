/* base64.h: bytes as text (RFC 4648). */
#ifndef T5G_BASE64_H
#define T5G_BASE64_H

#include "base/mem.h"

/* Append p [n] in base64, with padding. */
void t5g_base64(struct t5g_buf *b, const unsigned char *p, size_t n);

/* Append the bytes of s [n], which is base64 with padding and nothing else. 0, or -1. */
int t5g_base64_read(struct t5g_buf *b, const char *s, size_t n);

#endif
