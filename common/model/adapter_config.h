/* adapter_config.h: adapter_config.json of PEFT: what acts when an adapter is used. */
#ifndef T5G_ADAPTER_CONFIG_H
#define T5G_ADAPTER_CONFIG_H

#include "base/json.h"
#include "model/faults.h"

struct t5g_adapter_pattern;

struct t5g_adapter_config {
    struct t5g_json *root; /* owns strings */
    bool lora;             /* or another type, and then nothing else is read */
    size_t r;              /* 0: a fault */
    double alpha;
    bool rslora, dora;
    bool tied_too;                              /* ensure_weight_tying */
    const char *base;                           /* base_model_name_or_path; NULL: none */
    struct t5g_adapter_pattern *ranks, *alphas; /* [n_...] */
    size_t n_ranks, n_alphas;
    const struct t5g_json *tokens; /* trainable_token_indices: a list, or lists by module; NULL */
};

/*
 * Read DIR/adapter_config.json. What is not LoRA, or has settings that change the computation and
 * are not served, is a fault named by its key. -1 with e if there is no such file or it is no JSON
 * object.
 */
int t5g_adapter_config_read(struct t5g_adapter_config *c, const char *dir, struct t5g_faults *f,
                            struct t5g_err *e);
void t5g_adapter_config_free(struct t5g_adapter_config *c);

/* Rank (0: not known, after a fault) and scale of a module, by its name in the model that was
 * trained ("model.decoder...."). */
size_t t5g_adapter_rank(const struct t5g_adapter_config *c, const char *module);
double t5g_adapter_scale(const struct t5g_adapter_config *c, const char *module);

/* Whether modules_to_save names the module. */
bool t5g_adapter_saves(const struct t5g_adapter_config *c, const char *module);

/*
 * The ids of an embedding's token rows, in the order of the rows: *ids [*n], freed by t5g_free.
 * False with a fault if there are none for the module, or one is not an id below v.
 */
bool t5g_adapter_tokens(const struct t5g_adapter_config *c, const char *module, size_t v,
                        int32_t **ids, size_t *n, struct t5g_faults *f);

#endif
