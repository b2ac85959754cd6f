/* used_options.h: the options of this run as JSON, for what a later run needs to do the same. */
#ifndef T5G_USED_OPTIONS_H
#define T5G_USED_OPTIONS_H

#include "base/hash.h"
#include "base/mem.h"
#include "cli/option.h"

/* Remember an option of the command line; arg (NULL: none) must outlive the process. */
void t5g_used_add(const struct t5g_option *o, const char *arg);

/*
 * Append an object with every option so far, in the order of their first occurrence, except common
 * ones and those in `except` (long names, ended by NULL): {"num-beams":4,"sample":true}. A number
 * is a number, a flag is true, a repeatable one is an array. A file (an option whose argument is
 * called FILE, and which has been read) stands as the XXH3-128 of what was read, and so does a
 * value of more than 64 KiB. False, and nothing, if there are none.
 */
bool t5g_used_json(struct t5g_buf *b, const char *const *except);

/*
 * The XXH3-128 of what was read from the file that an option names (its argument as it was given),
 * from the program that reads it piece by piece; what t5g_read_file reads is known without.
 */
void t5g_used_contents(const char *file, const char hex[static T5G_HEX128]);

/* Whether the option with this dest was in the last command line that was parsed. */
bool t5g_used(const void *dest);

/*
 * An option's FILE or IMAGE "-" is standard input. Wrong use, which ends the process with 64, if
 * two options have it, or one beside an operand "-" of operands [n], or beside none of them where
 * that means standard input too (without). what: what the operands are.
 */
void t5g_used_stdin_check(char *const *operands, size_t n, bool without, const char *what);

/* The long name of the first option so far that would be in that object; NULL if there is none. */
const char *t5g_used_first(const char *const *except);

#endif
