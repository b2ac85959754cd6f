/* generation.c: settings of generation_config.json that are not followed. */
#include "model/generation.h"

/* The number without effect, besides null, false and an empty list or object. */
static const struct {
    const char *name;
    double neutral;
} settings[] = {
    {"num_beams", 1},
    {"num_beam_groups", 1},
    {"num_return_sequences", 1},
    {"diversity_penalty", 0},
    {"penalty_alpha", 0},
    {"length_penalty", 1},
    {"early_stopping", 0},
    {"repetition_penalty", 1},
    {"encoder_repetition_penalty", 1},
    {"no_repeat_ngram_size", 0},
    {"encoder_no_repeat_ngram_size", 0},
    {"exponential_decay_length_penalty", 0},
    {"min_length", 0},
    {"min_new_tokens", 0},
    {"max_length", 20},
    {"max_new_tokens", 0},
    {"max_time", 0},
    {"stop_strings", 0},
    {"forced_bos_token_id", -1},
    {"forced_eos_token_id", -1},
    {"suppress_tokens", -1},
    {"begin_suppress_tokens", -1},
    {"bad_words_ids", -1},
    {"force_words_ids", -1},
    {"sequence_bias", -1},
    {"constraints", -1},
    {"guidance_scale", 1},
    {"remove_invalid_values", 0},
    {"renormalize_logits", 0},
    {"watermarking_config", 0},
    {"dola_layers", 0},
};

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

void
t5g_generation_unused(struct t5g_buf *out, const struct t5g_json *root)
{
    size_t n = 0;
    for (size_t i = 0; i < T5G_LEN(settings); i++) {
        const struct t5g_json *v = t5g_json_get(root, settings[i].name);
        if (changes_nothing(v, settings[i].neutral))
            continue;
        t5g_buf_printf(out, "%s%s", n++ > 0 ? ", " : "", settings[i].name);
        if (t5g_json_is_array(v) || t5g_json_is_object(v))
            continue; /* may be long */
        t5g_buf_addc(out, ' ');
        t5g_json_print(out, v);
    }
}
