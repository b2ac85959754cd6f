/* generation.c: t5g-decode's options of generation. */
#include "options.h"
#include "base/num.h"
#include "cli/message.h"
#include "stage/words.h"

#include <stdlib.h>
#include <string.h>

struct t5g_generate_options generation;

static struct {
    int early;
    const char *bad_words, *sequence_bias, *decay;
    const char *forced_bos, *forced_eos, *suppress, *begin_suppress;
} text;

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
    {0, "early-stopping", "false|true|never", T5G_OPT_CHOICE, &text.early,
     "beam search: when to stop (default false)", 0, 0},
    {0, "repetition-penalty", "X", T5G_OPT_DOUBLE, &generation.repetition_penalty,
     "penalise tokens that occur already (1: no penalty)", 0.001, 1000},
    {0, "no-repeat-ngram-size", "N", T5G_OPT_U64, &generation.no_repeat_ngram,
     "do not let any N-gram of tokens occur twice", 0, 1 << 20},
    {0, "encoder-repetition-penalty", "X", T5G_OPT_DOUBLE, &generation.encoder_repetition_penalty,
     "favour tokens of the document (above 1), or avoid them (below)", 0.001, 1000},
    {0, "encoder-no-repeat-ngram-size", "N", T5G_OPT_U64, &generation.encoder_no_repeat_ngram,
     "do not repeat any N-gram of tokens of the document", 0, 1 << 20},
    {0, "bad-words", "FILE", T5G_OPT_STRING, &text.bad_words,
     "never write the texts in FILE, one a line", 0, 0},
    {0, "sequence-bias", "FILE", T5G_OPT_STRING, &text.sequence_bias,
     "add to the scores of texts: lines of TEXT, tab, number", 0, 0},
    {0, "forced-bos-token-id", "ID", T5G_OPT_STRING, &text.forced_bos,
     "begin with this token, unless there is a prompt", 0, 0},
    {0, "forced-eos-token-id", "ID,...", T5G_OPT_STRING, &text.forced_eos,
     "end with one of these tokens at the limit of length", 0, 0},
    {0, "suppress-tokens", "ID,...", T5G_OPT_STRING, &text.suppress, "never choose these tokens", 0,
     0},
    {0, "begin-suppress-tokens", "ID,...", T5G_OPT_STRING, &text.begin_suppress,
     "never choose these tokens as the first", 0, 0},
    {0, "exponential-decay-length-penalty", "N,X", T5G_OPT_STRING, &text.decay,
     "after N tokens, make an end likelier by X ^ (tokens since)", 0, 0},
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
    {0, "typical-p", "X", T5G_OPT_DOUBLE, &generation.typical_p,
     "locally typical sampling: tokens of average surprise, up to probability X", 0.000001, 1},
    {0, "epsilon-cutoff", "X", T5G_OPT_DOUBLE, &generation.epsilon_cutoff,
     "discard tokens with a probability below X", 0, 0.999999},
    {0, "eta-cutoff", "X", T5G_OPT_DOUBLE, &generation.eta_cutoff,
     "discard tokens below X, or less if the distribution is flat", 0, 0.999999},
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

/* "N,X" of --exponential-decay-length-penalty. */
static int
read_decay(struct t5g_err *e)
{
    static const char what[] = "--exponential-decay-length-penalty";
    const char *comma = text.decay != NULL ? strchr(text.decay, ',') : NULL;
    uint64_t start;
    if (text.decay == NULL)
        return 0;
    if (comma == NULL)
        return t5g_err_set(e, T5G_EX_USAGE, "%s: expected N,X", what);
    char *first = t5g_memdup(text.decay, (size_t)(comma - text.decay));
    int r = t5g_num_u64(what, first, 0, 1 << 20, &start, e);
    t5g_free(first);
    if (r < 0 || t5g_num_double(what, comma + 1, 0.001, 1000, &generation.decay_factor, e) < 0)
        return -1;
    generation.decay_start = (size_t)start;
    return 0;
}

/* A list of ids of the vocabulary [v], at most `most` of them. */
static int
read_ids(const char *what, const char *list, size_t v, size_t most, struct t5g_ids *out,
         struct t5g_err *e)
{
    if (list == NULL)
        return 0;
    out->n = 0;
    for (const char *s = list;; s++) {
        size_t n = strcspn(s, ",");
        char *one = t5g_memdup(s, n);
        uint64_t id;
        int r = t5g_num_u64(what, one, 0, v - 1, &id, e);
        t5g_free(one);
        if (r < 0)
            return -1;
        t5g_ids_add(out, (int32_t)id);
        if (out->n > most)
            return t5g_err_set(e, T5G_EX_USAGE, "%s: takes one id", what);
        s += n;
        if (*s == '\0')
            return 0;
    }
}

void
generation_check(bool stream)
{
    struct t5g_err e = {0};
    generation.early_stopping = (enum t5g_early)text.early;
    if (generation.num_beams > 1 && stream)
        t5g_usage("--num-beams excludes --sample, --stream and --lookup");
    if (read_decay(&e) < 0 || t5g_generate_check(&generation, &e) < 0)
        t5g_usage("%s", e.msg);
    generation.logprobs = generation.logprobs || generation.sample || generation.num_beams > 1;
}

int
generation_open(const struct t5g_tokenizer *t, const struct t5g_config *c, struct t5g_err *e)
{
    struct t5g_generate_options *o = &generation;
    size_t v = c->decoder.v;
    if (read_ids("--forced-bos-token-id", text.forced_bos, v, 1, &o->forced_bos, e) < 0 ||
        read_ids("--forced-eos-token-id", text.forced_eos, v, v, &o->forced_eos, e) < 0 ||
        read_ids("--suppress-tokens", text.suppress, v, v, &o->suppress, e) < 0 ||
        read_ids("--begin-suppress-tokens", text.begin_suppress, v, v, &o->begin_suppress, e) < 0)
        return -1;
    if (text.bad_words != NULL && t5g_words_bad(o, t, c, text.bad_words, e) < 0)
        return -1;
    if (text.sequence_bias != NULL && t5g_words_bias(o, t, c, text.sequence_bias, e) < 0)
        return -1;
    return 0;
}

void
generation_close(void)
{
    t5g_generate_options_free(&generation);
}
