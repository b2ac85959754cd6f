/* settings.c: options of generation from a model's generation_config.json. */
#include "generate/settings.h"
#include "base/num.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

struct reader {
    struct t5g_generate_options *o;
    const struct t5g_json *root;
    const char *path;
    const struct t5g_config *c;
    bool (*given)(const void *field);
    struct t5g_err *e;
};

enum kind { FLAG, SIZE, NUMBER, EARLY, IDS, BIAS, WORDS, DECAY };
enum need { ALWAYS, SAMPLING, BEAMS };

static const struct setting {
    const char *name;
    size_t at; /* offset of the field */
    enum kind kind;
    enum need need;
    double min, max;
} settings[] = {
#define AT(field) offsetof(struct t5g_generate_options, field)
    {"do_sample", AT(sample), FLAG, ALWAYS, 0, 0},
    {"num_beams", AT(num_beams), SIZE, ALWAYS, 1, T5G_BEAMS_MAX},
    {"num_return_sequences", AT(num_return), SIZE, ALWAYS, 1, 1024},
    {"max_new_tokens", AT(max_new_tokens), SIZE, ALWAYS, 1, 1 << 20},
    {"max_length", AT(max_length), SIZE, ALWAYS, 1, 1 << 30},
    {"min_new_tokens", AT(min_new_tokens), SIZE, ALWAYS, 0, 1 << 20},
    {"min_length", AT(min_length), SIZE, ALWAYS, 0, 1 << 30},
    {"length_penalty", AT(length_penalty), NUMBER, BEAMS, -100, 100},
    {"num_beam_groups", AT(num_beam_groups), SIZE, BEAMS, 1, T5G_BEAMS_MAX},
    {"diversity_penalty", AT(diversity_penalty), NUMBER, BEAMS, 0, 1000},
    {"early_stopping", AT(early_stopping), EARLY, BEAMS, 0, 0},
    {"repetition_penalty", AT(repetition_penalty), NUMBER, ALWAYS, 0.001, 1000},
    {"no_repeat_ngram_size", AT(no_repeat_ngram), SIZE, ALWAYS, 0, 1 << 20},
    {"encoder_repetition_penalty", AT(encoder_repetition_penalty), NUMBER, ALWAYS, 0.001, 1000},
    {"encoder_no_repeat_ngram_size", AT(encoder_no_repeat_ngram), SIZE, ALWAYS, 0, 1 << 20},
    {"sequence_bias", AT(sequence_bias), BIAS, ALWAYS, 0, 0},
    {"bad_words_ids", AT(bad_words), WORDS, ALWAYS, 0, 0},
    {"forced_bos_token_id", AT(forced_bos), IDS, ALWAYS, 0, 1},
    {"forced_eos_token_id", AT(forced_eos), IDS, ALWAYS, 0, 0},
    {"suppress_tokens", AT(suppress), IDS, ALWAYS, 0, 0},
    {"begin_suppress_tokens", AT(begin_suppress), IDS, ALWAYS, 0, 0},
    {"exponential_decay_length_penalty", AT(decay_factor), DECAY, ALWAYS, 0.001, 1000},
    {"temperature", AT(temperature), NUMBER, SAMPLING, 0.001, 1000},
    {"top_k", AT(top_k), SIZE, SAMPLING, 0, 1 << 30},
    {"top_p", AT(top_p), NUMBER, SAMPLING, 0.000001, 1},
    {"min_p", AT(min_p), NUMBER, SAMPLING, 0, 1},
    {"typical_p", AT(typical_p), NUMBER, SAMPLING, 0.000001, 1},
    {"epsilon_cutoff", AT(epsilon_cutoff), NUMBER, SAMPLING, 0, 0.999999},
    {"eta_cutoff", AT(eta_cutoff), NUMBER, SAMPLING, 0, 0.999999},
#undef AT
};

static int
expected(const struct reader *r, const struct setting *s, const char *what)
{
    return t5g_err_set(r->e, T5G_EX_DATA, "%s: %s: expected %s", r->path, s->name, what);
}

static int
wrong_number(const struct reader *r, const struct setting *s)
{
    char least[32], most[32];
    t5g_num_print(least, s->min);
    t5g_num_print(most, s->max);
    return t5g_err_set(r->e, T5G_EX_DATA, "%s: %s: expected a %snumber from %s to %s", r->path,
                       s->name, s->kind == SIZE ? "whole " : "", least, most);
}

/* Add ids of the vocabulary: an array of them, or one. */
static int
read_ids(const struct reader *r, const struct t5g_json *v, struct t5g_ids *out)
{
    int64_t id;
    const struct t5g_json *one = t5g_json_is_array(v) ? t5g_json_first(v) : v;
    for (; one != NULL; one = t5g_json_is_array(v) ? t5g_json_next(one) : NULL) {
        if (!t5g_json_int(one, 0, (int64_t)r->c->decoder.v - 1, &id))
            return -1;
        t5g_ids_add(out, (int32_t)id);
    }
    return 0;
}

/* [[ids, amount], ...] */
static int
read_bias(const struct reader *r, const struct t5g_json *v, struct t5g_bias *out)
{
    size_t n = 0;
    for (const struct t5g_json *x = t5g_json_first(v); x != NULL; x = t5g_json_next(x), n++) {
        const struct t5g_json *run = t5g_json_first(x), *amount = t5g_json_next(run);
        struct t5g_ids ids = {0};
        bool good = t5g_json_size(x) == 2 && t5g_json_is_array(run) && t5g_json_is_number(amount) &&
                    read_ids(r, run, &ids) == 0 && ids.n > 0;
        if (good)
            t5g_bias_add(out, ids.p, ids.n, (float)t5g_json_num(amount), n);
        t5g_ids_free(&ids);
        if (!good)
            return -1;
    }
    return 0;
}

/* [[ids], ...], but for a word that is an eos id alone, which transformers leaves out too. */
static int
read_words(const struct reader *r, const struct t5g_json *v, struct t5g_bias *out)
{
    size_t n = 0;
    for (const struct t5g_json *x = t5g_json_first(v); x != NULL; x = t5g_json_next(x), n++) {
        struct t5g_ids ids = {0};
        bool good = t5g_json_is_array(x) && read_ids(r, x, &ids) == 0 && ids.n > 0;
        if (good && (ids.n > 1 || !t5g_config_is_eos(r->c, ids.p[0])))
            t5g_bias_add(out, ids.p, ids.n, -INFINITY, n);
        t5g_ids_free(&ids);
        if (!good)
            return -1;
    }
    return 0;
}

static int
read_runs(const struct reader *r, const struct setting *s, const struct t5g_json *v,
          struct t5g_bias **field)
{
    size_t first, second;
    t5g_bias_close(*field);
    *field = NULL;
    if (t5g_json_is_array(v) && t5g_json_first(v) == NULL)
        return 0;
    *field = t5g_bias_open();
    int bad = !t5g_json_is_array(v) || (s->kind == BIAS ? read_bias : read_words)(r, v, *field) < 0;
    if (bad)
        return expected(r, s,
                        s->kind == BIAS ? "a list of [ids of the vocabulary, number]"
                                        : "a list of lists of ids of the vocabulary");
    (void)t5g_bias_seal(*field, &first, &second);
    return 0;
}

static int
read_decay(const struct reader *r, const struct setting *s, const struct t5g_json *v)
{
    const struct t5g_json *start = t5g_json_first(v), *factor = t5g_json_next(start);
    int64_t from;
    if (t5g_json_size(v) != 2 || !t5g_json_int(start, 0, 1 << 30, &from) ||
        !(t5g_json_num(factor) >= s->min && t5g_json_num(factor) <= s->max))
        return expected(r, s, "[first token, factor]");
    r->o->decay_start = (size_t)from;
    r->o->decay_factor = t5g_json_num(factor);
    return 0;
}

static int
read_early(const struct reader *r, const struct setting *s, const struct t5g_json *v)
{
    const char *word = t5g_json_str(v);
    if (!t5g_json_is_bool(v) && (word == NULL || strcmp(word, "never") != 0))
        return expected(r, s, "true, false or \"never\"");
    r->o->early_stopping = word != NULL       ? T5G_EARLY_NEVER
                           : t5g_json_true(v) ? T5G_EARLY_TRUE
                                              : T5G_EARLY_FALSE;
    return 0;
}

static int
read_one(const struct reader *r, const struct setting *s, const struct t5g_json *v)
{
    void *field = (char *)r->o + s->at;
    struct t5g_ids *ids = field;
    int64_t n;
    switch (s->kind) {
    case FLAG:
        if (!t5g_json_is_bool(v))
            return expected(r, s, "true or false");
        *(bool *)field = t5g_json_true(v);
        return 0;
    case SIZE:
        if (!t5g_json_int(v, (int64_t)s->min, (int64_t)s->max, &n))
            return wrong_number(r, s);
        *(size_t *)field = (size_t)n;
        return 0;
    case NUMBER:
        if (!(t5g_json_num(v) >= s->min && t5g_json_num(v) <= s->max))
            return wrong_number(r, s);
        *(double *)field = t5g_json_num(v);
        return 0;
    case EARLY:
        return read_early(r, s, v);
    case IDS:
        ids->n = 0;
        if (read_ids(r, v, ids) < 0 || (s->max > 0 && ids->n > 1))
            return expected(r, s, s->max > 0 ? "an id of the vocabulary" : "ids of the vocabulary");
        return 0;
    case BIAS:
    case WORDS:
        return read_runs(r, s, v, field);
    case DECAY:
        return read_decay(r, s, v);
    }
    return 0;
}

/* Settings of one need that are not given. */
static int
read_all(const struct reader *r, enum need need)
{
    for (size_t i = 0; i < T5G_LEN(settings); i++) {
        const struct setting *s = &settings[i];
        const struct t5g_json *v = t5g_json_get(r->root, s->name);
        if (s->need != need || v == NULL || t5g_json_is_null(v) ||
            (r->given != NULL && r->given((char *)r->o + s->at)))
            continue;
        if (read_one(r, s, v) < 0)
            return -1;
    }
    return 0;
}

/* As in transformers, max_length has no effect beside a number of new tokens. */
static void
settle_length(const struct reader *r)
{
    const struct t5g_json *v = t5g_json_get(r->root, "max_new_tokens");
    bool said = v != NULL && !t5g_json_is_null(v);
    if (r->o->max_length > 0 && (said || (r->given != NULL && r->given(&r->o->max_new_tokens))))
        r->o->max_length = 0;
    if (r->o->max_length > 0)
        r->o->max_new_tokens = r->o->max_length;
}

int
t5g_settings_read(struct t5g_generate_options *o, const struct t5g_json *root, const char *path,
                  const struct t5g_config *c, bool (*given)(const void *field), struct t5g_err *e)
{
    struct reader r = {o, root, path, c, given, e};
    if (read_all(&r, ALWAYS) < 0 || (o->sample && read_all(&r, SAMPLING) < 0) ||
        (o->num_beams > 1 && read_all(&r, BEAMS) < 0))
        return -1;
    settle_length(&r);
    return 0;
}
