/* generation.c: t5g-decode's options of generation. */
#include "options.h"
#include "cli/message.h"

struct t5g_generate_options generation;

static int early;

const struct t5g_option generation_options[] = {
    {'n', "max-new-tokens", "N", T5G_OPT_U64, &generation.max_new_tokens,
     "maximum number of new tokens (default 256)", 1, 1 << 20},
    {0, "min-new-tokens", "N", T5G_OPT_U64, &generation.min_new_tokens,
     "minimum number of new tokens", 0, 1 << 20},
    {0, "lookup", "N", T5G_OPT_U64, &generation.lookup,
     "guess up to N tokens ahead from the document: same ids, faster", 0, T5G_LOOKUP_MAX},
    {0, "num-beams", "N", T5G_OPT_U64, &generation.num_beams, "beam search with N beams", 1,
     T5G_BEAMS_MAX},
    {0, "num-return-sequences", "N", T5G_OPT_U64, &generation.num_return,
     "number of sequences per prompt: N best beams, or N samples", 1, 1024},
    {0, "length-penalty", "X", T5G_OPT_DOUBLE, &generation.length_penalty,
     "beam search: divide scores by length ^ X (default 1)", -100, 100},
    {0, "early-stopping", "false|true|never", T5G_OPT_CHOICE, &early,
     "beam search: when to stop (default false)", 0, 0},
    {0, "repetition-penalty", "X", T5G_OPT_DOUBLE, &generation.repetition_penalty,
     "penalise tokens that occur already (1: no penalty)", 0.001, 1000},
    {0, "no-repeat-ngram-size", "N", T5G_OPT_U64, &generation.no_repeat_ngram,
     "do not let any N-gram of tokens occur twice", 0, 1 << 20},
    {0, "sample", NULL, T5G_OPT_FLAG, &generation.sample,
     "sample instead of taking the most likely token", 0, 0},
    {0, "temperature", "X", T5G_OPT_DOUBLE, &generation.temperature,
     "sampling temperature: divide logits by X (default 1)", 0.001, 1000},
    {0, "top-k", "N", T5G_OPT_U64, &generation.top_k,
     "sample from the N most likely tokens only (default 50; 0: all)", 0, 1 << 30},
    {0, "top-p", "X", T5G_OPT_DOUBLE, &generation.top_p,
     "nucleus sampling: smallest set of tokens with total probability X", 0.000001, 1},
    {0, "min-p", "X", T5G_OPT_DOUBLE, &generation.min_p, "discard tokens below X * top probability",
     0, 1},
    {0, "seed", "N", T5G_OPT_U64, &generation.seed, "random seed (default 0)", 0, 0x1p53},
    {0, "logprobs", NULL, T5G_OPT_FLAG, &generation.logprobs,
     "write log-probabilities (decode.logprob) and scores", 0, 0},
    T5G_OPTIONS_END,
};

void
generation_begin(void)
{
    generation = t5g_generate_defaults;
}

void
generation_check(bool stream)
{
    struct t5g_err e = {0};
    generation.early_stopping = (enum t5g_early)early;
    if (generation.num_beams > 1 && stream)
        t5g_usage("--num-beams excludes --sample, --stream and --lookup");
    if (t5g_generate_check(&generation, &e) < 0)
        t5g_usage("%s", e.msg);
    generation.logprobs = generation.logprobs || generation.sample || generation.num_beams > 1;
}
