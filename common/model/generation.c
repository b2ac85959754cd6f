/* generation.c: settings of generation_config.json that are not used. */
#include "model/generation.h"

#include <string.h>

/* neutral: the number without effect, besides null, false and an empty list or object. can: may be
 * used, see generate/settings.c. */
static const struct {
    const char *name;
    double neutral;
    bool can;
} settings[] = {
    {"num_beams", 1, true},
    {"num_beam_groups", 1, true},
    {"num_return_sequences", 1, true},
    {"diversity_penalty", 0, true},
    {"penalty_alpha", 0, false},
    {"length_penalty", 1, true},
    {"early_stopping", 0, true},
    {"repetition_penalty", 1, true},
    {"encoder_repetition_penalty", 1, true},
    {"no_repeat_ngram_size", 0, true},
    {"encoder_no_repeat_ngram_size", 0, true},
    {"exponential_decay_length_penalty", 0, true},
    {"min_length", 0, true},
    {"min_new_tokens", 0, true},
    {"max_length", 20, true},
    {"max_new_tokens", 0, true},
    {"max_time", 0, false},
    {"stop_strings", 0, true},
    {"forced_bos_token_id", -1, true},
    {"forced_eos_token_id", -1, true},
    {"suppress_tokens", -1, true},
    {"begin_suppress_tokens", -1, true},
    {"bad_words_ids", -1, true},
    {"force_words_ids", -1, false},
    {"sequence_bias", -1, true},
    {"constraints", -1, false},
    {"guidance_scale", 1, false},
    {"remove_invalid_values", 0, false},
    {"renormalize_logits", 0, false},
    {"watermarking_config", 0, false},
    {"dola_layers", 0, false},
};

/* Settings of sampling, which --sample or do_sample asks for, ids that config.c reads, and what
 * says how transformers works or what it returns, not what is generated. */
static const char *const others[] = {
    "do_sample",
    "temperature",
    "top_k",
    "top_p",
    "min_p",
    "typical_p",
    "epsilon_cutoff",
    "eta_cutoff",
    "bos_token_id",
    "eos_token_id",
    "pad_token_id",
    "decoder_start_token_id",
    "use_cache",
    "cache_implementation",
    "cache_config",
    "return_legacy_cache",
    "output_scores",
    "output_logits",
    "output_attentions",
    "output_hidden_states",
    "prefill_chunk_size",
    "return_dict_in_generate",
    "low_memory",
    "compile_config",
    "disable_compile",
    "transformers_version",
    "_from_model_config",
    "_commit_hash",
    "is_assistant",
    "continuous_batching_config",
};

static bool
is_known(const char *name)
{
    bool known = false;
    for (size_t i = 0; i < T5G_LEN(settings); i++)
        known = known || strcmp(settings[i].name, name) == 0;
    for (size_t i = 0; i < T5G_LEN(others); i++)
        known = known || strcmp(others[i], name) == 0;
    return known;
}

static bool
changes_nothing(const struct t5g_json *v, double neutral)
{
    if (v == NULL || t5g_json_is_null(v))
        return true;
    if (t5g_json_is_bool(v))
        return !t5g_json_true(v);
    if (t5g_json_is_array(v) || t5g_json_is_object(v))
        return t5g_json_first(v) == NULL;
    return t5g_json_num(v) == neutral;
}

static void
put(struct t5g_buf *out, size_t *n, const char *name, const struct t5g_json *v)
{
    t5g_buf_printf(out, "%s%s", (*n)++ > 0 ? ", " : "", name);
    if (t5g_json_is_array(v) || t5g_json_is_object(v))
        return; /* may be long */
    t5g_buf_addc(out, ' ');
    t5g_json_print(out, v);
}

void
t5g_generation_unused(struct t5g_buf *out, const struct t5g_json *root, bool used)
{
    size_t n = 0;
    for (size_t i = 0; i < T5G_LEN(settings); i++) {
        const struct t5g_json *v = t5g_json_get(root, settings[i].name);
        if (!(used && settings[i].can) && !changes_nothing(v, settings[i].neutral))
            put(out, &n, settings[i].name, v);
    }
    if (!used)
        return;
    for (const struct t5g_json *v = t5g_json_first(root); v != NULL; v = t5g_json_next(v))
        if (!is_known(t5g_json_key(v)) && !t5g_json_is_null(v))
            put(out, &n, t5g_json_key(v), v);
}
