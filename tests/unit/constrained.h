/* constrained.h: constraints on the tiny model, against a judge of texts. */
#ifndef CONSTRAINED_H
#define CONSTRAINED_H

#include "generate/constraint.h"
#include "golden.h"

extern struct gd_model tiny;
extern struct t5g_tokenizer *tokenizer;
int open_tiny(void **state); /* group setup and teardown */
int close_tiny(void **state);

/* A number below n, the next of the test's own. */
uint32_t draw(uint32_t n);

/* Cases of a generator: `few` in make check, or as many as T5G_CONSTRAINT_CASES says. */
size_t cases(size_t few);

/* The code points of the well-formed characters that begin with s [n] and are longer; false: none.
 */
bool begins_character(const unsigned char *s, size_t n, uint32_t *lo, uint32_t *hi);

/* Something that judges texts. */
struct judge {
    bool (*matches)(const void *arg, const struct t5g_buf *text, bool *whole);
    const void *arg;
    const char *what;
};

/* Ids chosen at random of those allowed, at most `steps` up to 256. With `check`, every one of the
 * vocabulary is judged before. */
void walk(struct t5g_constraint *c, const struct judge *j, size_t steps, bool check);

/* The constraint of a schema that is right. */
struct t5g_constraint *schema_constraint(const char *schema);

/*
 * Greedily, with and without log-probabilities and guesses: the ids of what is judged id by id.
 * Drawn, and by beams: the text is a match, or begins one. Between jobs_open and jobs_close, which
 * hold documents.
 */
void jobs_open(void);
void jobs_close(void);
void check_generation(struct t5g_constraint *c, const struct judge *j);

#endif
