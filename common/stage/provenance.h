/* provenance.h: what a run needs to make a record again, as members of a JSON object. */
#ifndef T5G_PROVENANCE_H
#define T5G_PROVENANCE_H

#include "stream/stream_head.h"

/*
 * Append, from the HEAD of a segment (checked by t5g_head_read), "programs", an array of "NAME
 * VERSION" that ends with this program, and, where HEAD names them, "tokenizer", "encoder",
 * "vision" and "decoder", each {"identity","source"}, "model", the identity of earlier versions,
 * "profile" and "options", those of the last program that has some. No braces.
 */
void t5g_provenance(struct t5g_buf *b, const struct t5g_head *h);

/* Append ",\"prompt_hash\":", the XXH3-128 of the prompt's bytes, as xxh128sum prints it. */
void t5g_provenance_prompt(struct t5g_buf *b, const char *prompt);

#endif
