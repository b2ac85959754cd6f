/* stops.h: texts at which a sequence ends, exact over the borders of tokens. */
#ifndef T5G_STOPS_H
#define T5G_STOPS_H

#include "text/detokenizer.h"

/* The texts of a run. */
struct t5g_stops;

/* texts [n], n > 0: well-formed UTF-8, none empty; copied. t must outlive them. */
struct t5g_stops *t5g_stops_open(const struct t5g_tokenizer *t, const char *const *texts, size_t n);
void t5g_stops_close(struct t5g_stops *s); /* NULL is allowed */

/* How far the text of a sequence is. Zero-initialise; freed by t5g_stopping_free. */
struct t5g_stopping {
    struct t5g_buf run;  /* bytes of byte tokens, of which those that follow decide what they are */
    struct t5g_buf tail; /* the last bytes before them, fewer than the longest text has */
    size_t n;            /* bytes of text before the run */
};

/*
 * Add an id. Returns the text that it completes in what t5g-detok prints for all ids so far, or
 * NULL. Of several, that which is complete first, and of those the longest; it lives with s.
 */
const char *t5g_stopping_add(const struct t5g_stops *s, struct t5g_stopping *x, int32_t id);

/* What t5g_stopping_add would return. */
const char *t5g_stopping_would(const struct t5g_stops *s, const struct t5g_stopping *x, int32_t id);

/* How many of the first bytes of the text stand before any stop text that may follow. */
size_t t5g_stopping_sure(const struct t5g_stops *s, const struct t5g_stopping *x);

void t5g_stopping_reset(struct t5g_stopping *x);
void t5g_stopping_copy(struct t5g_stopping *to, const struct t5g_stopping *from);
void t5g_stopping_free(struct t5g_stopping *x);

#endif
