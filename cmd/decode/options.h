/* options.h: options of t5g-decode that are in files of their own. */
#ifndef T5G_DECODE_OPTIONS_H
#define T5G_DECODE_OPTIONS_H

#include "cli/option.h"
#include "generate/constraint.h"
#include "generate/generate.h"
#include "text/tokenizer.h"

/* generation.c: a table for T5G_OPTION_TABLE, and what it fills. */
extern const struct t5g_option generation_options[];
extern struct t5g_generate_options generation;

/* Set the defaults, before options are parsed. */
void generation_begin(void);
/* Refuse options that exclude each other: 64. */
void generation_check(void);
/* What the model and its tokenizer decide. -1 with e (64 for an id that the model lacks; 65, 66).
 */
int generation_open(const struct t5g_tokenizer *t, const struct t5g_config *c, struct t5g_err *e);
void generation_close(void);

/* constraint.c */
extern const struct t5g_option constraint_options[];
/* Refuse what cannot be a constraint: 64 or 65. */
void constraint_check(void);
/* The constraint of the options, or NULL; the caller closes it. Ends the process if the model does
 * not support it. */
struct t5g_constraint *constraint_open(const struct t5g_tokenizer *t, const struct t5g_config *c);

#endif
