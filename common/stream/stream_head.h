/* stream_head.h: the HEAD frame's meta: which programs, tokenizer and model made a stream. */
#ifndef T5G_STREAM_HEAD_H
#define T5G_STREAM_HEAD_H

#include "base/hash.h"
#include "base/mem.h"
#include "base/err.h"

/* What a HEAD says that programs compare; "" where it says nothing. */
struct t5g_head {
    char *meta;             /* whole JSON text as read; NULL before anything was read */
    char tok[T5G_HEX128];   /* tokenizer identity, from the last program that names one */
    char model[T5G_HEX128]; /* model identity, likewise */
    char num[64];           /* numeric profile, likewise */
};

/* Check {"t5g":1,"pg":[...]} and fill h. -1 with e (65) when it is not that. */
int t5g_head_read(struct t5g_head *h, const char *meta, size_t n, struct t5g_err *e);
void t5g_head_clear(struct t5g_head *h);

/*
 * Compare two HEADs that feed one output. -1 with e (65) naming the field ("tok", "model", "num")
 * when both name it and differ.
 */
int t5g_head_agree(const struct t5g_head *a, const struct t5g_head *b, const char *name,
                   struct t5g_err *e);

/*
 * The meta of a program's own HEAD: every member of `in` (NULL for a program at the front), with
 * {"id":tool,"vn":T5G_VERSION, and tok, model, num where not NULL} appended to "pg"
 * (once, where the last element says the same already). in must come from t5g_head_read. Freed by
 * t5g_free.
 */
char *t5g_head_make(const struct t5g_head *in, const char *tool, const char *tok, const char *model,
                    const char *num);

#endif
