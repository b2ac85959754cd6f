/* charsmap.h: the precompiled normalization rules of SentencePiece, as Hugging Face applies them.
 */
#ifndef T5G_CHARSMAP_H
#define T5G_CHARSMAP_H

#include "base/err.h"
#include "base/mem.h"
#include "text/graphemes.h"

/*
 * Rules in place: a double array over the bytes of texts to replace (units as darts-clone writes
 * them), whose values are offsets of replacements, which end with NUL.
 */
struct t5g_charsmap {
    const uint32_t *units; /* [n] */
    size_t n;
    const char *texts; /* [size] */
    size_t size;
    const struct t5g_graphemes *graphemes;
    bool plain[256]; /* ASCII bytes that no rule changes */
};

/*
 * Point m into blob [size], 4-byte aligned, which must stay: u32 size of the units in bytes, the
 * units, the texts. -1 with e (65) if it is no such blob or its texts are not UTF-8; rules whose
 * value is not the start of a text then count as absent.
 */
int t5g_charsmap_open(struct t5g_charsmap *m, const void *blob, size_t size,
                      const struct t5g_graphemes *graphemes, struct t5g_err *e);

/*
 * Append s[n] (well-formed UTF-8), normalized, to out: of a grapheme cluster of less than 6 bytes
 * the shortest rule for its beginning replaces the whole; otherwise each character is replaced by
 * itself. That is not NFKC, nor what SentencePiece does.
 */
void t5g_charsmap_normalize(const struct t5g_charsmap *m, const char *s, size_t n,
                            struct t5g_buf *out);

#endif
