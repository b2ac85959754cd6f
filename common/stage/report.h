/* report.h: how much a packed model differs from its source on given texts. */
#ifndef T5G_REPORT_H
#define T5G_REPORT_H

#include "base/threads.h"
#include "generate/divergence.h"
#include "stage/texts.h"

/* Longer texts are compared piece by piece, each after its own start token. */
enum { T5G_REPORT_PIECE = 2048 };

struct t5g_report;

/*
 * Open both models, mapped, to compute with pool; pool and tokenizer, that of the source, belong to
 * the caller. any: allow models of different checkpoints, with vocabularies of the same size. NULL
 * with e: 65 if the two do not belong together, or one has no decoder.
 */
struct t5g_report *t5g_report_open(const char *source, const char *other, bool any,
                                   const struct t5g_tokenizer *tokenizer, struct t5g_pool *pool,
                                   struct t5g_err *e);
void t5g_report_close(struct t5g_report *r);

enum t5g_report_part {
    /* The first half of a text is the document, the second half is fed to the decoder. */
    T5G_REPORT_BOTH,
    /* The text follows a document of no rows, over which the decoder is a causal language model. */
    T5G_REPORT_DECODER,
    T5G_REPORT_PARTS
};

/* Texts of any length have the same weight: these are means over texts of means over positions;
 * perplexity is e to the mean over texts of the mean -ln p. */
struct t5g_report_row {
    size_t texts, positions;
    double kl, same, apart; /* nats; share, 0 to 1; nats */
    double perplexity[2];   /* of source and other */
};

/* A compared target of text i: its id, and its ln p by both models. */
typedef void (*t5g_report_seen)(void *arg, size_t i, int32_t id, const double logprob[2]);

/*
 * Compare on every text of t, teacher-forced. seen (NULL allowed) is called for every target in
 * order. -1 with e (65), which names text i, counted from 1: a number is not finite.
 */
int t5g_report_run(struct t5g_report *r, const struct t5g_texts *t, enum t5g_report_part part,
                   struct t5g_report_row *row, t5g_report_seen seen, void *arg, struct t5g_err *e);

/*
 * Open both models, compare both parts with the program's number of threads and write a table to
 * standard output. Tells cli/progress.h how far it is, and of every text at the end. -1 with e, as
 * above; also if a mapped file was cut meanwhile, or nothing could be written.
 */
int t5g_report_print(const char *source, const char *other, const struct t5g_tokenizer *tokenizer,
                     const struct t5g_texts *t, struct t5g_err *e);

#endif
