/*
 * stream_head.h: the meta of the HEAD frame: the programs, the tokenizer and the parts of models
 * behind a stream.
 */
#ifndef T5G_STREAM_HEAD_H
#define T5G_STREAM_HEAD_H

#include "base/err.h"
#include "base/mem.h"
#include "stream/parts.h"

/* The fields of a HEAD that programs compare; "" if absent, each from the last program that has it.
 */
struct t5g_head {
    char *meta;           /* the whole JSON text; NULL before a HEAD was read */
    char tok[T5G_HEX128]; /* tokenizer identity */
    char id[T5G_IDS][T5G_HEX128];
    char source[T5G_IDS][T5G_SOURCE_NAME]; /* name of the model whose part it is */
    /* What earlier versions wrote, one identity for a whole model. Parts that were named before it
     * are "". */
    char model[T5G_HEX128];
    char modules[T5G_HEX128]; /* what comes after the encoder and pooling, of the encoder's entry */
    char num[64];             /* numeric profile */
};

/* Check {"t5g":1,"pg":[...]} and fill h. 0, or -1 with e (65). */
int t5g_head_read(struct t5g_head *h, const char *meta, size_t n, struct t5g_err *e);
void t5g_head_clear(struct t5g_head *h);

/*
 * Compare two HEADs that feed one output; a is the earlier one. what: of the above. -1 with e (65),
 * which begins with `name`, that of b's input, and says what differs and both sources, if both name
 * it and differ, or if only one of them was made by an earlier version.
 */
int t5g_head_agree(const struct t5g_head *a, const struct t5g_head *b, unsigned what,
                   const char *name, struct t5g_err *e);

/* Take the fields that a does not have from b; meta stays. */
void t5g_head_merge(struct t5g_head *a, const struct t5g_head *b);

/*
 * Compare what a stream's HEAD names with the model that is to use it. what: the parts that made
 * what is used. -1 with e (65) if both have a part and differ, or if the HEAD names the model as
 * earlier versions did.
 */
int t5g_head_check(const struct t5g_head *h, const struct t5g_parts *ours, unsigned what,
                   struct t5g_err *e);

/* What a program says of itself in HEAD; NULL: nothing. */
struct t5g_head_entry {
    const char *tok;
    const struct t5g_parts *parts;
    unsigned made; /* which of them, T5G_BY_ENCODER and so on */
    const char *modules, *num;
    const char *opt; /* a JSON object */
};

/*
 * The meta of a program's own HEAD: the members of `in` (from t5g_head_read; NULL for the first
 * program), with {"id":tool,"vn":T5G_VERSION} and what own has appended to "pg", unless its last
 * element is the same. own NULL: nothing. Freed by t5g_free.
 */
char *t5g_head_make(const struct t5g_head *in, const char *tool, const struct t5g_head_entry *own);

#endif
