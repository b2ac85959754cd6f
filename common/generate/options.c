/* options.c: generation options: defaults, and which can be combined. */
#include "generate/generate.h"
#include "base/mem.h"

const struct t5g_generate_options t5g_generate_defaults = {.max_new_tokens = 256,
                                                           .num_beams = 1,
                                                           .num_return = 1,
                                                           .num_beam_groups = 1,
                                                           .length_penalty = 1,
                                                           .repetition_penalty = 1,
                                                           .encoder_repetition_penalty = 1,
                                                           .temperature = 1,
                                                           .top_k = 50,
                                                           .top_p = 1,
                                                           .typical_p = 1};

void
t5g_generate_options_free(struct t5g_generate_options *o)
{
    t5g_bias_close(o->sequence_bias);
    t5g_bias_close(o->bad_words);
    t5g_stops_close(o->stops);
    o->sequence_bias = o->bad_words = NULL;
    o->stops = NULL;
    t5g_ids_free(&o->forced_bos);
    t5g_ids_free(&o->forced_eos);
    t5g_ids_free(&o->suppress);
    t5g_ids_free(&o->begin_suppress);
}

bool
t5g_generate_needs_source(const struct t5g_generate_options *o)
{
    return o->encoder_no_repeat_ngram > 0 ||
           (o->encoder_repetition_penalty != 0 && o->encoder_repetition_penalty != 1);
}

static bool
shapes_draws(const struct t5g_generate_options *o)
{
    const struct t5g_generate_options *d = &t5g_generate_defaults;
    return o->temperature < d->temperature || o->temperature > d->temperature ||
           o->top_p < d->top_p || o->min_p > d->min_p || o->top_k != d->top_k ||
           o->typical_p < d->typical_p || o->epsilon_cutoff > 0 || o->eta_cutoff > 0 ||
           o->seed != d->seed;
}

static bool
shapes_beams(const struct t5g_generate_options *o)
{
    const struct t5g_generate_options *d = &t5g_generate_defaults;
    return o->length_penalty < d->length_penalty || o->length_penalty > d->length_penalty ||
           o->early_stopping != d->early_stopping;
}

static int
check_groups(const struct t5g_generate_options *o, struct t5g_err *e)
{
    const char *what = NULL;
    if (o->num_beam_groups <= 1) {
        if (o->diversity_penalty > 0)
            what = "--diversity-penalty goes with --num-beam-groups";
    } else if (o->num_beams <= 1) {
        what = "--num-beam-groups goes with --num-beams";
    } else if (o->num_beams % o->num_beam_groups != 0) {
        what = "--num-beams is not a multiple of --num-beam-groups";
    } else if (o->diversity_penalty <= 0) {
        what = "--num-beam-groups needs a --diversity-penalty above 0: the groups would be "
               "the same";
    } else if (o->sample) {
        what = "--num-beam-groups excludes --sample";
    }
    return what != NULL ? t5g_err_set(e, T5G_EX_USAGE, "%s", what) : 0;
}

int
t5g_generate_check(const struct t5g_generate_options *o, struct t5g_err *e)
{
    if (o->num_beams > 1 && o->lookup > 0)
        return t5g_err_set(e, T5G_EX_USAGE, "--num-beams excludes --lookup");
    if (check_groups(o, e) < 0)
        return -1;
    if (o->num_beams > 1 && o->num_return > o->num_beams)
        return t5g_err_set(e, T5G_EX_USAGE, "--num-return-sequences is larger than --num-beams");
    if (!o->sample && o->num_return > o->num_beams)
        return t5g_err_set(e, T5G_EX_USAGE,
                           "--num-return-sequences is larger than --num-beams (or give --sample)");
    if (o->min_new_tokens > o->max_new_tokens)
        return t5g_err_set(e, T5G_EX_USAGE, "--min-new-tokens is larger than --max-new-tokens");
    if (!o->sample && shapes_draws(o))
        return t5g_err_set(e, T5G_EX_USAGE,
                           "--temperature, --top-k, --top-p, --min-p, --typical-p, "
                           "--epsilon-cutoff, --eta-cutoff and --seed go with --sample");
    if (o->num_beams == 1 && shapes_beams(o))
        return t5g_err_set(e, T5G_EX_USAGE,
                           "--length-penalty and --early-stopping go with --num-beams");
    return 0;
}
