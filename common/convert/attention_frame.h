/* attention_frame.h: the attention of an answer, from a stream. */
#ifndef T5G_ATTENTION_FRAME_H
#define T5G_ATTENTION_FRAME_H

#include "base/json.h"
#include "stream/document.h"

/* A decode.attention of a document, which must outlive it. t5g_attention_free. */
struct t5g_attention {
    struct t5g_json *meta;
    const int32_t *ids;   /* [n] of the answer */
    const float *weights; /* [n, layers, heads, rows]; 1 where only means are kept */
    size_t n, layers, heads, rows;
    bool apart[2];      /* layers, heads were kept apart */
    size_t group;       /* tokens to a row */
    const char *prompt; /* NULL: none */
};

/*
 * Number k, from 1, of the document: 1, or 0 if it has fewer. -1 with e (65): it is not f32 with
 * the axes that t5g-stream(5) names, has no weights, or does not stand behind a decode.ids of as
 * many ids.
 */
int t5g_attention_find(struct t5g_attention *a, const struct t5g_doc *d, size_t k,
                       struct t5g_err *e);
void t5g_attention_free(struct t5g_attention *a);

/*
 * out [n, rows], freed by the caller: the weights of layer and head, from 1; 0: means. *n is 1 with
 * the token of that number, or with 0 all of them. NULL with e (65): there is no such layer, head
 * or token, or a weight is not from 0 to 1.
 */
float *t5g_attention_take(const struct t5g_attention *a, size_t layer, size_t head, size_t token,
                          size_t *n, struct t5g_err *e);

#endif
