/* report.h: how far a packed model is from its source, on given texts. */
#ifndef T5G_REPORT_H
#define T5G_REPORT_H

#include "base/threads.h"
#include "generate/divergence.h"
#include "stage/texts.h"

/* Longer texts are compared piece by piece, each behind a start token of its own. */
enum { T5G_REPORT_PIECE = 2048 };

struct t5g_report;

/*
 * Open both models, mapped, for computing with pool, which is the caller's. any: also models of
 * different checkpoints, as long as their vocabularies are of one size. NULL with e: 65 when the
 * two do not belong together, or one has no decoder.
 */
struct t5g_report *t5g_report_open(const char *source, const char *other, bool any,
                                   struct t5g_pool *pool, struct t5g_err *e);
void t5g_report_close(struct t5g_report *r);

/* Of the source. Lives with r. */
const struct t5g_tokenizer *t5g_report_tokenizer(const struct t5g_report *r);

enum t5g_report_part {
    /* The first half of a text is the document, the second half what follows. */
    T5G_REPORT_BOTH,
    /* The text follows a document of no rows, over which the decoder is a causal language model. */
    T5G_REPORT_DECODER,
    T5G_REPORT_PARTS
};

/* Every text counts the same, whatever its length: these are means over texts of means over its
 * positions, and perplexity is e to the mean over texts of the mean -ln p. */
struct t5g_report_row {
    size_t texts, positions;
    double kl, same, apart; /* nats; share, 0 to 1; nats */
    double perplexity[2];   /* of source and other */
};

/* A target as it was compared: of text i, its id, and ln p of it by both models. */
typedef void (*t5g_report_seen)(void *arg, size_t i, int32_t id, const double logprob[2]);

/*
 * Compare on every text of t, teacher-forced. seen (NULL allowed) is called for every target in
 * order, progress (NULL allowed) between pieces, with positions out of all of this part. -1 with e
 * (65): a number is not finite; text i, counted from 1, is named.
 */
int t5g_report_run(struct t5g_report *r, const struct t5g_texts *t, enum t5g_report_part part,
                   struct t5g_report_row *row, t5g_report_seen seen, void *arg,
                   void (*progress)(size_t done, size_t total), struct t5g_err *e);

/* Compare both parts and append a table of them to b. */
int t5g_report_table(struct t5g_report *r, const struct t5g_texts *t, struct t5g_buf *b,
                     void (*progress)(size_t done, size_t total), struct t5g_err *e);

#endif
