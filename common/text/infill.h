/* infill.h: texts with gaps, and what was put into them. */
#ifndef T5G_INFILL_H
#define T5G_INFILL_H

#include "text/detokenizer.h"
#include "text/sentinels.h"

#define T5G_GAP "<gap>"

/*
 * Append text[0..n) to out, with sentinel k in place of gap k. *gaps: how many. -1 with e (65) if
 * there is none, or more than sentinels.
 */
int t5g_infill_text(const struct t5g_sentinels *s, const char *text, size_t n, struct t5g_buf *out,
                    size_t *gaps, struct t5g_err *e);

/* 0 if ids [n] hold the first `gaps` sentinels in order, and no other; -1 with e (65) if the text
 * had some of its own. */
int t5g_infill_check(const struct t5g_sentinels *s, const int32_t *ids, size_t n, size_t gaps,
                     struct t5g_err *e);

/*
 * Append the text of input [n] to out, with what stands behind the same sentinel in answer [m], up
 * to the next one, in place of each sentinel. A sentinel without an answer becomes T5G_GAP; of
 * several answers the first counts. d is ready for a sequence, and is so again.
 */
void t5g_infill(const struct t5g_sentinels *s, struct t5g_detok *d, const int32_t *input, size_t n,
                const int32_t *answer, size_t m, struct t5g_buf *out);

#endif
