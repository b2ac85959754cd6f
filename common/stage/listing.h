/* listing.h: what a model is made of, as a table. */
#ifndef T5G_LISTING_H
#define T5G_LISTING_H

#include "base/err.h"
#include "base/mem.h"
#include "cli/option.h"

/*
 * Append the table of the model at path, a directory or a packed file, with the adapters that are
 * asked for (NULL: none) to b: its source, the adapters, the identities of its parts, and for each
 * part and type of weights their number and size. -1 with e, as t5g_model_open and
 * t5g_tokenizer_find.
 */
int t5g_listing_put(struct t5g_buf *b, const char *path, const struct t5g_list *adapters,
                    struct t5g_err *e);

/* Whether path is a regular file that t5g-pack wrote, by its HEAD. */
bool t5g_listing_is_packed(const char *path);

#endif
