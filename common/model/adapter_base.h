/* adapter_base.h: the model that an adapter was trained on. */
#ifndef T5G_ADAPTER_BASE_H
#define T5G_ADAPTER_BASE_H

#include "base/err.h"

/*
 * If `dir` holds an adapter of PEFT and no model, look for the model that its adapter_config.json
 * names (base_model_name_or_path, revision): a path, or a name in the hub's cache. 1 with *base,
 * its path, freed by t5g_free; 0 if `dir` is something else; -1 with e (66), which says what to
 * give.
 */
int t5g_adapter_base(const char *dir, char **base, struct t5g_err *e);

#endif
