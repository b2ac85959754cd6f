/* pictures.h: texts that stand around pictures, as Gemma3Processor of transformers writes them. */
#ifndef T5G_TEXT_PICTURES_H
#define T5G_TEXT_PICTURES_H

#include "text/tokenizer.h"

/* Literals and numbers of a model directory. */
struct t5g_picture_text {
    char *boi, *eoi, *soft; /* "<start_of_image>", "<end_of_image>", "<image_soft_token>" */
    size_t per;             /* soft tokens a picture: mm_tokens_per_image */
    int32_t image;          /* id that the model knows soft tokens by: image_token_index */
    int32_t soft_id;        /* id that the tokenizer gives them, which may be another */
};

/*
 * Of DIR/config.json, and of DIR/tokenizer_config.json where it names the literals. -1 with e (65,
 * 66) when the model takes no pictures or its tokenizer does not know them.
 */
int t5g_picture_text_load(struct t5g_picture_text *p, const char *dir,
                          const struct t5g_tokenizer *t, struct t5g_err *e);
void t5g_picture_text_clear(struct t5g_picture_text *p);

/* The text of n pictures alone: n literals of boi, joined by spaces, appended to out. */
void t5g_picture_text_alone(const struct t5g_picture_text *p, size_t n, struct t5g_buf *out);

/*
 * Ids of text[0..n), in which each of n_pictures occurrences of boi is a picture with crops[k] more
 * views of it (crops NULL: none), appended to out: each view becomes boi, `per` soft tokens, eoi in
 * the string before it is tokenized. -1 with e (65) when the text holds another number of boi, or
 * soft tokens of its own.
 */
int t5g_tokenize_pictures(const struct t5g_tokenizer *t, const struct t5g_picture_text *p,
                          const char *text, size_t n, const size_t *crops, size_t n_pictures,
                          struct t5g_ids *out, struct t5g_err *e);

#endif
