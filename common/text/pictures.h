/* pictures.h: texts around pictures, as written by Gemma3Processor of transformers. */
#ifndef T5G_TEXT_PICTURES_H
#define T5G_TEXT_PICTURES_H

#include "text/tokenizer.h"

/* Literals and numbers of a model directory. */
struct t5g_picture_text {
    char *boi, *eoi, *soft; /* "<start_of_image>", "<end_of_image>", "<image_soft_token>" */
    size_t per;             /* soft tokens for each view: mm_tokens_per_image */
    int32_t image;          /* the model's id of soft tokens: image_token_index */
    int32_t soft_id;        /* the tokenizer's id of them, which may differ */
};

/*
 * From DIR/config.json, and from DIR/tokenizer_config.json if it has the literals. -1 with e (65,
 * 66) if the model takes no pictures or its tokenizer has no soft token.
 */
int t5g_picture_text_load(struct t5g_picture_text *p, const char *dir,
                          const struct t5g_tokenizer *t, struct t5g_err *e);
void t5g_picture_text_clear(struct t5g_picture_text *p);

/* The text of n pictures alone: n literals of boi, joined by spaces, appended to out. */
void t5g_picture_text_alone(const struct t5g_picture_text *p, size_t n, struct t5g_buf *out);

/*
 * Append to out the ids of text[0..n), in which each of n_pictures occurrences of boi is a picture
 * with crops[k] more views (crops NULL: none). Before tokenizing, each view becomes boi, `per` soft
 * tokens, eoi. flags: of t5g_tokenize. -1 with e (65) if the text has another number of boi, or
 * soft tokens of its own.
 */
int t5g_tokenize_pictures(const struct t5g_tokenizer *t, const struct t5g_picture_text *p,
                          const char *text, size_t n, const size_t *crops, size_t n_pictures,
                          unsigned flags, struct t5g_ids *out, struct t5g_err *e);

#endif
