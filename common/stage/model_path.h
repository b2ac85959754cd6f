/* model_path.h: which model a program uses. */
#ifndef T5G_MODEL_PATH_H
#define T5G_MODEL_PATH_H

/*
 * The model directory or packed model to use: -m, else T5G_MODEL, else PREFIX/share/t5g/model for a
 * program in PREFIX/bin, so that an installation can be moved. The string stays valid. If there is
 * no model, ends the process (64, 65, 66) with a message that says what is there instead, and what
 * to do. Of a directory of sentence-transformers it is the folder of the Transformer module.
 */
const char *t5g_model_path(void);

/* The same before the look into modules.json. */
const char *t5g_model_given(void);

/*
 * If what was given is a folder with an adapter of PEFT and no model, the model above is the one it
 * was trained on, and this is the folder; else NULL.
 */
char *t5g_model_adapter(void);

/* Where the tokenizer is: with the adapter, if one was given so and has a tokenizer; else with the
 * model. */
const char *t5g_tokenizer_path(void);

#endif
