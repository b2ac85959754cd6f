/* generation.c: t5g-decode's options of generation. */
#include "options.h"
#include "base/num.h"
#include "cli/used_options.h"
#include "base/utf8.h"
#include "cli/message.h"
#include "generate/settings.h"
#include "model/generation.h"
#include "stage/words.h"

#include <stdlib.h>
#include <string.h>

struct t5g_generate_options generation;

static bool from_model;

enum { STOP_MAX = 65536 }; /* bytes; a meta has the text */

static struct {
    int early;
    struct t5g_list stops;
    const char *bad_words, *sequence_bias, *decay;
    const char *forced_bos, *forced_eos, *suppress, *begin_suppress;
} text;

const struct t5g_option generation_options[] = {
    {'n', "max-new-tokens", "N", T5G_OPT_U64, &generation.max_new_tokens,
     "maximum number of new tokens (default 256)", 1, 1 << 20},
    {0, "min-new-tokens", "N", T5G_OPT_U64, &generation.min_new_tokens,
     "minimum number of new tokens", 0, 1 << 20},
    {0, "stop", "TEXT", T5G_OPT_LIST, &text.stops,
     "end a sequence where TEXT would follow (repeatable)", 0, 0},
    {0, "lookup", "N", T5G_OPT_U64, &generation.lookup,
     "guess up to N tokens ahead from the document: same ids, faster", 0, T5G_LOOKUP_MAX},
    {0, "num-beams", "N", T5G_OPT_U64, &generation.num_beams, "beam search with N beams", 1,
     T5G_BEAMS_MAX},
    {0, "num-return-sequences", "N", T5G_OPT_U64, &generation.num_return,
     "number of sequences per prompt: N best beams, or N samples", 1, 1024},
    {0, "length-penalty", "X", T5G_OPT_DOUBLE, &generation.length_penalty,
     "beam search: divide scores by length ^ X (default 1)", -100, 100},
    {0, "num-beam-groups", "N", T5G_OPT_U64, &generation.num_beam_groups,
     "diverse beam search: N groups of beams, each unlike those before it", 1, T5G_BEAMS_MAX},
    {0, "diversity-penalty", "X", T5G_OPT_DOUBLE, &generation.diversity_penalty,
     "diverse beam search: subtract X for each beam before that chose the same token", 0, 1000},
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
    {0, "bad-words", "FILE", T5G_OPT_ONCE, &text.bad_words,
     "never write the texts in FILE, one a line", 0, 0},
    {0, "sequence-bias", "FILE", T5G_OPT_ONCE, &text.sequence_bias,
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
    {0, "generation-config", NULL, T5G_OPT_FLAG, &from_model,
     "use the settings of the model's generation_config.json too", 0, 0},
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

/* A text at which sequences end; what: where it is from. */
static int
add_stop(const char *what, const char *s, struct t5g_list *texts, struct t5g_err *e)
{
    size_t n = strlen(s), bad = t5g_utf8_check(s, n);
    if (n == 0 || n > STOP_MAX)
        return t5g_err_set(e, T5G_EX_USAGE, "%s: a text of %zu bytes, expected 1 to %d", what, n,
                           STOP_MAX);
    if (bad < n)
        return t5g_err_set(e, T5G_EX_DATA, "%s: invalid UTF-8 at byte %zu", what, bad);
    texts->v[texts->n++] = (char *)(uintptr_t)s;
    return 0;
}

/* The texts of --stop, or else the model's. */
static int
read_stops(const struct t5g_tokenizer *t, const struct t5g_config *c, struct t5g_err *e)
{
    const struct t5g_json *own = from_model ? t5g_json_get(c->generation, "stop_strings") : NULL;
    const struct t5g_json *one = t5g_json_is_array(own) ? t5g_json_first(own) : own;
    size_t most = t5g_max(text.stops.n, 1 + t5g_json_size(own));
    struct t5g_list all = {.v = t5g_alloc(most, sizeof *all.v)};
    int r = 0;
    for (size_t i = 0; i < text.stops.n && r == 0; i++)
        r = add_stop("--stop", text.stops.v[i], &all, e);
    if (text.stops.n > 0 || t5g_json_is_null(own))
        one = NULL;
    for (; one != NULL && r == 0; one = t5g_json_is_array(own) ? t5g_json_next(one) : NULL)
        if (t5g_json_str(one) == NULL || add_stop("stop_strings", t5g_json_str(one), &all, e) < 0) {
            t5g_err_set(e, T5G_EX_DATA, "%s: stop_strings: expected texts", c->generation_path);
            r = -1;
        }
    if (r == 0 && all.n > 0)
        generation.stops = t5g_stops_open(t, (const char *const *)all.v, all.n);
    t5g_free(all.v);
    return r;
}

/* Whether a field of `generation` was given on the command line. */
static bool
given(const void *field)
{
    static const struct {
        const void *field, *dest;
    } texts[] = {
        {&generation.early_stopping, &text.early},
        {&generation.bad_words, &text.bad_words},
        {&generation.sequence_bias, &text.sequence_bias},
        {&generation.decay_factor, &text.decay},
        {&generation.forced_bos, &text.forced_bos},
        {&generation.forced_eos, &text.forced_eos},
        {&generation.suppress, &text.suppress},
        {&generation.begin_suppress, &text.begin_suppress},
    };
    for (size_t i = 0; i < T5G_LEN(texts); i++)
        if (texts[i].field == field)
            return t5g_used(texts[i].dest);
    return t5g_used(field);
}

/* -1 with e if an option has no effect beside the others, whatever its value. */
static int
check_idle(struct t5g_err *e)
{
    static const struct {
        const void *dest;
        const char *name;
        enum { OF_SAMPLE, OF_BEAMS, OF_GROUPS } of;
    } all[] = {
        {&generation.temperature, "temperature", OF_SAMPLE},
        {&generation.top_k, "top-k", OF_SAMPLE},
        {&generation.top_p, "top-p", OF_SAMPLE},
        {&generation.min_p, "min-p", OF_SAMPLE},
        {&generation.typical_p, "typical-p", OF_SAMPLE},
        {&generation.epsilon_cutoff, "epsilon-cutoff", OF_SAMPLE},
        {&generation.eta_cutoff, "eta-cutoff", OF_SAMPLE},
        {&generation.seed, "seed", OF_SAMPLE},
        {&generation.length_penalty, "length-penalty", OF_BEAMS},
        {&text.early, "early-stopping", OF_BEAMS},
        {&generation.num_beam_groups, "num-beam-groups", OF_BEAMS},
        {&generation.diversity_penalty, "diversity-penalty", OF_GROUPS},
    };
    static const char *const needs[] = {"--sample", "--num-beams above 1",
                                        "--num-beam-groups above 1"};
    const bool acts[] = {generation.sample, generation.num_beams > 1,
                         generation.num_beam_groups > 1};
    for (size_t i = 0; i < T5G_LEN(all); i++)
        if (t5g_used(all[i].dest) && !acts[all[i].of])
            return t5g_err_set(e, T5G_EX_USAGE, "--%s goes with %s", all[i].name, needs[all[i].of]);
    return 0;
}

/* What e says of options is so because of the model's file. */
static int
blame_model(const struct t5g_config *c, struct t5g_err *e)
{
    e->code = T5G_EX_DATA;
    return t5g_err_in(e, "%s: with its settings", c->generation_path);
}

/* What the model's file says; options of the command line win. */
static int
read_model(const struct t5g_config *c, struct t5g_err *e)
{
    struct t5g_buf unused = {0};
    struct t5g_err alone = {0};
    (void)t5g_generate_check(&generation, &alone); /* of the command line */
    if (c->generation == NULL && c->notice != NULL)
        return t5g_err_set(e, T5G_EX_DATA, "%s", c->notice);
    if (c->generation == NULL)
        return t5g_err_set(e, T5G_EX_NOINPUT,
                           "--generation-config: the model has no generation_config.json");
    if (t5g_settings_read(&generation, c->generation, c->generation_path, c, given, e) < 0)
        return -1;
    if (t5g_generate_check(&generation, e) < 0)
        return strcmp(alone.msg, e->msg) == 0 ? -1 : blame_model(c, e);
    if (check_idle(e) < 0)
        return -1;
    t5g_generation_unused(&unused, c->generation, true);
    if (unused.n > 0)
        t5g_warn("%s: not used: %s", c->generation_path, unused.p);
    t5g_buf_free(&unused);
    return 0;
}

/* -1 if every one of the forced ids is suppressed too: no id would be left. */
static int
check_forced(const char *what, const struct t5g_ids *forced, struct t5g_err *e)
{
    size_t lost = 0;
    for (size_t i = 0; i < forced->n; i++)
        for (size_t k = 0; k < generation.suppress.n; k++)
            if (generation.suppress.p[k] == forced->p[i]) {
                lost++;
                break;
            }
    if (lost == 0 || lost < forced->n)
        return 0;
    return t5g_err_set(e, T5G_EX_USAGE, "%s and --suppress-tokens: token %d is in both", what,
                       (int)forced->p[0]);
}

static void
settle(void)
{
    generation.logprobs = generation.logprobs || generation.sample || generation.num_beams > 1;
}

void
generation_check(void)
{
    struct t5g_err e = {0};
    generation.early_stopping = (enum t5g_early)text.early;
    if (read_decay(&e) < 0 ||
        (!from_model && (check_idle(&e) < 0 || t5g_generate_check(&generation, &e) < 0)))
        t5g_usage("%s", e.msg);
    settle();
}

int
generation_open(const struct t5g_tokenizer *t, const struct t5g_config *c, struct t5g_err *e)
{
    struct t5g_generate_options *o = &generation;
    size_t v = c->decoder.v;
    if (from_model && read_model(c, e) < 0)
        return -1;
    if (!from_model && c->notice != NULL)
        t5g_warn("%s%s", c->notice,
                 c->generation == NULL ? " (skipped, as transformers does)" : "");
    settle();
    if (read_ids("--forced-bos-token-id", text.forced_bos, v, 1, &o->forced_bos, e) < 0 ||
        read_ids("--forced-eos-token-id", text.forced_eos, v, v, &o->forced_eos, e) < 0 ||
        read_ids("--suppress-tokens", text.suppress, v, v, &o->suppress, e) < 0 ||
        read_ids("--begin-suppress-tokens", text.begin_suppress, v, v, &o->begin_suppress, e) < 0)
        return -1;
    if (check_forced("--forced-bos-token-id", &o->forced_bos, e) < 0)
        return text.suppress != NULL && text.forced_bos != NULL ? -1 : blame_model(c, e);
    if (check_forced("--forced-eos-token-id", &o->forced_eos, e) < 0)
        return text.suppress != NULL && text.forced_eos != NULL ? -1 : blame_model(c, e);
    if (text.bad_words != NULL && t5g_words_bad(o, t, c, text.bad_words, e) < 0)
        return -1;
    if (text.sequence_bias != NULL && t5g_words_bias(o, t, c, text.sequence_bias, e) < 0)
        return -1;
    return read_stops(t, c, e);
}

void
generation_close(void)
{
    t5g_generate_options_free(&generation);
    t5g_free(text.stops.v);
}

const char *
generation_changed(void)
{
    for (const struct t5g_option *o = generation_options; o->help != NULL; o++)
        if (t5g_used(o->dest) && o->dest != &generation.logprobs)
            return o->name;
    return NULL;
}
