/* options.h: options of t5g-decode that are in files of their own. */
#ifndef T5G_DECODE_OPTIONS_H
#define T5G_DECODE_OPTIONS_H

#include "cli/option.h"
#include "generate/constraint.h"
#include "generate/generate.h"
#include "stage/decode.h"
#include "text/tokenizer.h"

/* prompting.c: a table for T5G_OPTION_TABLE. */
extern const struct t5g_option prompting_options[];

/* Refuse options that exclude each other, and a second use of stdin: 64. operands [n] of the run.
 */
void prompting_check(char *const *operands, size_t n);
/* Prompts come from stdin, perhaps from a person, so every answer is written at once. */
bool prompting_live(void);
/* Texts in files end with NUL. */
bool prompting_nul(void);
/* Set prompts and take of x. -1 with e (65, 66, 74). */
int prompting_open(struct t5g_asker *x, const struct t5g_tokenizer *t,
                   const struct t5g_variants *variants, struct t5g_err *e);
void prompting_close(void);

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
/* The first option of the table, --logprobs excepted, that is not at its default; NULL: none. */
const char *generation_changed(void);

/* scoring.c: a table for T5G_OPTION_TABLE. */
extern const struct t5g_option scoring_options[];

/* Refuse options that exclude each other: 64. */
void scoring_check(bool stream);
/* Whether targets or choices are read from a file. */
bool scoring_has_file(void);
/* Whether one of the choices is to be generated; scoring_open gives them to the constraint. */
bool scoring_generates(void);
/* Read what is to be scored. nul: texts of files end with NUL. -1 with e (64, 65, 66). */
int scoring_open(const struct t5g_tokenizer *t, const struct t5g_config *c, bool nul,
                 struct t5g_err *e);
/* What the run scores; NULL: nothing, it generates. */
const struct t5g_scoring *scoring_asked(void);
void scoring_close(void);

/* answering.c: a table for T5G_OPTION_TABLE. */
extern const struct t5g_option answering_options[];
/* Each token is written when it is chosen. */
bool answering_streams(void);
/* Refuse options that exclude each other: 64. */
void answering_check(void);
/*
 * Open the model, its tokenizer and everything that the options of all tables ask for, and set the
 * members of stage that depend on them. -1 with e (64 to 77).
 */
int answering_open(struct t5g_stage *stage, struct t5g_err *e);
/* Add what HEAD says of named adapters to the options of the run, a JSON object or empty. */
void answering_say(struct t5g_buf *used);
void answering_close(void);

/* classifying.c: -1 with e (64) if the model is a classifier and an option of generation is given.
 */
int classifying_check(const struct t5g_config *c, struct t5g_err *e);

/* constraint.c: a table for T5G_OPTION_TABLE. */
extern const struct t5g_option constraint_options[];
/* Refuse what cannot be a constraint: 64 or 65. */
void constraint_check(void);
/* The first option of the table that was given, or NULL. */
const char *constraint_given(void);
/* A constraint from elsewhere, which is owned from here on. */
void constraint_give(struct t5g_automaton *a);
/* The constraint of the options, or NULL; the caller closes it. Ends the process if the model does
 * not support it. */
struct t5g_constraint *constraint_open(const struct t5g_tokenizer *t, const struct t5g_config *c);

#endif
