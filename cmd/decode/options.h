/* options.h: options of t5g-decode that are in files of their own. */
#ifndef T5G_DECODE_OPTIONS_H
#define T5G_DECODE_OPTIONS_H

#include "cli/option.h"
#include "generate/generate.h"

/* generation.c: a table for T5G_OPTION_TABLE, and what it fills. */
extern const struct t5g_option generation_options[];
extern struct t5g_generate_options generation;

/* Set the defaults, before options are parsed. */
void generation_begin(void);
/* Refuse options that exclude each other: 64. stream: --stream was given. */
void generation_check(bool stream);

#endif
