/* settings.h: options of generation from a model's generation_config.json. */
#ifndef T5G_SETTINGS_H
#define T5G_SETTINGS_H

#include "base/json.h"
#include "generate/generate.h"

/*
 * Set the fields of *o that an object with Hugging Face's names speaks of; path is its file, for
 * messages. given(field), NULL for none, tells which fields are settled already. Settings of
 * sampling count only if something is sampled, those of beams only with several of them, as in
 * transformers. c: the model's. -1 with e (65): "PATH: num_beams: ...".
 */
int t5g_settings_read(struct t5g_generate_options *o, const struct t5g_json *root, const char *path,
                      const struct t5g_config *c, bool (*given)(const void *field),
                      struct t5g_err *e);

#endif
