/* stream_head.h: the meta of the HEAD frame: the programs, tokenizer and model behind a stream. */
#ifndef T5G_STREAM_HEAD_H
#define T5G_STREAM_HEAD_H

#include "base/hash.h"
#include "base/mem.h"
#include "base/err.h"

/* The fields of a HEAD that programs compare; "" if absent. */
struct t5g_head {
    char *meta;             /* the whole JSON text; NULL before a HEAD was read */
    char tok[T5G_HEX128];   /* tokenizer identity, from the last program that names one */
    char model[T5G_HEX128]; /* model identity, likewise */
    char num[64];           /* numeric profile, likewise */
};

/* Check {"t5g":1,"pg":[...]} and fill h. 0, or -1 with e (65). */
int t5g_head_read(struct t5g_head *h, const char *meta, size_t n, struct t5g_err *e);
void t5g_head_clear(struct t5g_head *h);

/*
 * Compare two HEADs that feed one output. -1 with e (65) naming the field ("tok", "model", "num")
 * if both have it and differ.
 */
int t5g_head_agree(const struct t5g_head *a, const struct t5g_head *b, const char *name,
                   struct t5g_err *e);

/*
 * The meta of a program's own HEAD: the members of `in` (from t5g_head_read; NULL for the first
 * program), with {"id":tool,"vn":T5G_VERSION} and tok, model, num and opt (a JSON object) if not
 * NULL appended to "pg", unless its last element is the same. Freed by t5g_free.
 */
char *t5g_head_make(const struct t5g_head *in, const char *tool, const char *tok, const char *model,
                    const char *num, const char *opt);

#endif
