/* ballot.h: the choices of one prompt as they come from a stream, and the best of them. */
#ifndef T5G_BALLOT_H
#define T5G_BALLOT_H

#include "base/json.h"
#include "base/mem.h"

struct t5g_vote {
    struct t5g_buf text;
    struct t5g_buf numbers; /* ,"probability":P,"score":S  as they stand in the stream */
    struct t5g_buf place;   /* ,"choice":K */
    double probability, score;
    size_t number;
};

/* Zero-initialise; freed by t5g_ballot_free. */
struct t5g_ballot {
    struct t5g_vote *v; /* [cap], n of them used; their memory is reused */
    size_t n, cap;
    struct t5g_buf prompt; /* ,"prompt":P,"adapter":A  or less */
    char *prompt_text;     /* NULL: none */
};

void t5g_ballot_free(struct t5g_ballot *b);
void t5g_ballot_clear(struct t5g_ballot *b);

/* Whether meta is that of a choice; whether it is the first of its prompt; and whether with it, the
 * last one added, all of its prompt are there. */
bool t5g_ballot_takes(const struct t5g_json *meta);
bool t5g_ballot_begins(const struct t5g_json *meta);
bool t5g_ballot_full(const struct t5g_ballot *b, const struct t5g_json *meta);

void t5g_ballot_add(struct t5g_ballot *b, const struct t5g_json *meta, const char *text, size_t n);

/* Sort by probability, the largest first, then by score, then in their order in the stream. */
void t5g_ballot_sort(struct t5g_ballot *b);

/* Append {"id":ID,"text":BEST,"prompt":P,"choices":[{"text":T,"probability":P,"score":S},...]}, of
 * choices that are sorted. If two texts are equal, each has its number too, "choice":K. */
void t5g_ballot_json(const struct t5g_ballot *b, const char *id, size_t n, struct t5g_buf *out);

#endif
