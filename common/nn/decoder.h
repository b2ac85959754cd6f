/* decoder.h: encoder output and decoder ids to logits, one step or one prompt at a time. */
#ifndef T5G_DECODER_H
#define T5G_DECODER_H

#include "base/threads.h"
#include "kernels/kernels.h"
#include "model/model.h"
#include "nn/allowed.h"

struct t5g_decoder;

/* The model, pool and kernels belong to the caller and must outlive the decoder. */
struct t5g_decoder *t5g_decoder_open(const struct t5g_model *m, const struct t5g_kernels *k,
                                     struct t5g_pool *pool);
void t5g_decoder_close(struct t5g_decoder *x);

/* Cross keys and values of one document: built once, shared by any number of sequences. */
struct t5g_cross;

/*
 * enc [n, d] f32, used during the call only; n may be 0: over no rows the decoder is a causal
 * language model. Keys and values are kept as f32, rounded to bf16, or as rotated bytes (T5G_I8)
 * with a scale for each row of each head: nn/q8row.h.
 */
struct t5g_cross *t5g_cross_build(struct t5g_decoder *x, const float *enc, size_t n, int dtype);

/* Those of several documents, the same as each alone: short ones share products. Sets cross [n]. */
struct t5g_rows {
    const float *rows; /* [n, d] */
    size_t n;
};
void t5g_cross_build_many(struct t5g_decoder *x, const struct t5g_rows *docs, size_t n, int dtype,
                          struct t5g_cross **cross);

/* How they are kept unless told otherwise: exact with exact weights, as bytes with quantised ones.
 */
int t5g_cross_dtype(const struct t5g_model *m);
void t5g_cross_free(struct t5g_cross *c);

/* Own keys and values of one sequence of at most `max` positions (window layers keep less). */
struct t5g_kvcache;
struct t5g_kvcache *t5g_kvcache_open(const struct t5g_decoder *x, size_t max);
void t5g_kvcache_reset(struct t5g_kvcache *c);            /* position 0 again */
void t5g_kvcache_grow(struct t5g_kvcache *c, size_t max); /* more room; what is in it stays */
/* Replace the contents of `to` by those of `from`: for a beam that forks. */
void t5g_kvcache_copy(struct t5g_kvcache *to, const struct t5g_kvcache *from);
/* Remove the last n positions, those of rejected drafts; at most as many as one step added. */
void t5g_kvcache_drop(struct t5g_kvcache *c, size_t n);
void t5g_kvcache_free(struct t5g_kvcache *c);
size_t t5g_kvcache_pos(const struct t5g_kvcache *c);
size_t t5g_kvcache_max(const struct t5g_kvcache *c);

/*
 * Rows of given ids that branch stand in a tree behind a trunk: a sequence whose keys and values
 * are read only. Those of the tree lie in rows of a cache for it (t5g_kvcache_open_rows), in any
 * order.
 */
struct t5g_part;
struct t5g_limb {
    const struct t5g_kvcache *trunk;
    size_t depth;              /* ids between the trunk and the part's first one */
    size_t row;                /* the part's first row in its cache; the others follow */
    const struct t5g_part *up; /* the part of this step that holds its parent; NULL: an earlier
                                  step had it, and rows 0..depth of its cache are its ancestors */
    size_t up_n;               /* the first rows of up, which are ancestors */
};

/* The part of a step that belongs to one sequence: ids [n] at the cache's position, over one
 * document. */
struct t5g_part {
    const struct t5g_cross *cross;
    struct t5g_kvcache *kv;
    const int32_t *ids;
    size_t n;
    bool all;      /* all n rows are asked for, else the last one, if anything is */
    float *logits; /* [n or 1, v]; NULL: none */
    int32_t *best; /* [n or 1] instead of logits: the lowest id of the largest logit; NULL: none */
    float *rows;   /* [n or 1, d] what logits are made of; NULL: none */
    const struct t5g_limb *limb; /* where it stands in a tree; NULL: at the position of kv */
    bool no_eos;                 /* exclude eos ids */
    /* With best: [n or 1] ids of which it is the best, or -1 if there are none; NULL: all. */
    const struct t5g_allowed *const *allowed;
    bool bad; /* out: a logit is not finite (with best, not every logit is checked) */
};

/* Rows of a part that something is asked of. */
static inline size_t
t5g_part_asked(const struct t5g_part *p)
{
    bool any = p->logits != NULL || p->best != NULL || p->rows != NULL;
    return p->all ? p->n : any ? 1 : 0;
}

/*
 * One step of several sequences, parts [n_parts] with at most T5G_STEP_ROWS ids in total: appends
 * their keys and values, and fills logits (or best) and bad. Weights are read once for all parts,
 * and the keys and values of a document once for adjacent parts. No allocation; a row's result does
 * not depend on what else is in the step. ids must be in range, and the caches must have room.
 */
void t5g_decoder_step(struct t5g_decoder *x, struct t5g_part *parts, size_t n_parts);

/*
 * The same in the panel role, for ids that are given (a prompt, targets): at most T5G_ROW_BLOCK ids
 * in total, and T5G_PREFILL_ROWS of one sequence. A row's result depends on the role, so the role
 * depends only on the sequence: panels for all its given ids if they are at least
 * T5G_PREFILL_FROM, the start token among them, else t5g_decoder_step for all of them.
 */
enum { T5G_PREFILL_FROM = 16, T5G_PREFILL_ROWS = 256 };
void t5g_decoder_prefill(struct t5g_decoder *x, struct t5g_part *parts, size_t n_parts);

/*
 * The same for parts that all have a limb: at most T5G_ROW_BLOCK ids, and parts over one trunk side
 * by side. A row's result is the same in every tree in which it has the same ancestors.
 */
void t5g_decoder_branch(struct t5g_decoder *x, struct t5g_part *parts, size_t n_parts);

/* A cache of n rows for a tree, all of which every layer has; and its row `from` copied to `to`. */
struct t5g_kvcache *t5g_kvcache_open_rows(const struct t5g_decoder *x, size_t n);
void t5g_kvcache_move(struct t5g_kvcache *c, size_t to, size_t from);

size_t t5g_decoder_width(const struct t5g_decoder *x); /* d */

/* Most ids of a step over some of the `whole` given ids of a sequence. */
size_t t5g_decoder_given_rows(size_t whole);

/*
 * One step over ids [n], some of the `whole` given ids of a sequence, in the role that these have.
 * rows [n, d], out: what logits are made of.
 */
void t5g_decoder_given(struct t5g_decoder *x, const struct t5g_cross *cross, struct t5g_kvcache *kv,
                       const int32_t *ids, size_t n, size_t whole, float *rows);

/*
 * One step over ids [n] of one sequence, at most T5G_PREFILL_ROWS, in the panel role, and for each
 * layer a call of attended with the weights [n, h, rows of the document] that each row's softmax
 * gives to the document: the part of it over encoder keys, as it is, so that it adds up to 1 only
 * together with that over own keys. keep: memory for so many.
 */
typedef void t5g_attended_fn(void *arg, size_t layer, const float *weights);
void t5g_decoder_attend(struct t5g_decoder *x, const struct t5g_cross *cross,
                        struct t5g_kvcache *kv, const int32_t *ids, size_t n, float *keep,
                        t5g_attended_fn *attended, void *arg);
size_t t5g_cross_rows(const struct t5g_cross *c); /* of the document */

/* logits [n, v] of such rows, n at most T5G_STEP_ROWS; false: one is not finite. */
bool t5g_decoder_logits(struct t5g_decoder *x, const float *rows, size_t n, float *logits);

/*
 * ln of the probability of given ids: softmax of the logits of row number `row` at id, in the panel
 * role, where logits are not kept. rows [n, d], n at most T5G_ROW_BLOCK; wanted [n_wanted] ascend
 * by id; bad [n]: out, a logit of the row is not finite. A result does not depend on the others.
 */
struct t5g_wanted {
    size_t row;
    int32_t id;
    float logprob; /* out */
    void *arg;     /* the caller's */
};
void t5g_decoder_logprobs(struct t5g_decoder *x, const float *rows, size_t n,
                          struct t5g_wanted *wanted, size_t n_wanted, bool *bad);

/*
 * Feed any number of ids, all that are given of one sequence; logits [v] of the last, or [n, v]
 * when all. -1 with e: 65 when a logit is not finite, 70 when the cache has no room for n more
 * positions.
 */
int t5g_decoder_feed(struct t5g_decoder *x, const struct t5g_cross *cross, struct t5g_kvcache *kv,
                     const int32_t *ids, size_t n, bool all, float *logits, struct t5g_err *e);

#endif
