/* scoring.c: t5g-decode's options of given texts. */
#include "options.h"
#include "base/io.h"
#include "cli/message.h"
#include "cli/used_options.h"
#include "generate/wordtree.h"

#include <string.h>

static struct {
    bool score, generate, no_eos, rank;
    struct t5g_list targets, choices;
    const char *target_file, *choice_file;
    int by;
    uint64_t limit;
} opt = {.limit = 16384};

const struct t5g_option scoring_options[] = {
    {0, "score", NULL, T5G_OPT_FLAG, &opt.score,
     "score given targets instead of generating: those below, or the document's own", 0, 0},
    {0, "target", "TEXT", T5G_OPT_LIST, &opt.targets, "a target to score (repeatable)", 0, 0},
    {0, "targets", "FILE", T5G_OPT_ONCE, &opt.target_file, "read targets from FILE, one per line",
     0, 0},
    {0, "choice", "TEXT", T5G_OPT_LIST, &opt.choices,
     "give the probability of this answer among all choices (repeatable)", 0, 0},
    {0, "choices", "FILE", T5G_OPT_ONCE, &opt.choice_file, "read choices from FILE, one per line",
     0, 0},
    {0, "generate", NULL, T5G_OPT_FLAG, &opt.generate,
     "generate one of the choices, instead of their probabilities", 0, 0},
    {0, "choices-by", "target|first", T5G_OPT_CHOICE, &opt.by,
     "compare choices as a whole, or by their first tokens (default target)", 0, 0},
    {0, "no-eos", NULL, T5G_OPT_FLAG, &opt.no_eos,
     "score targets and choices without the end of the sequence", 0, 0},
    {0, "rank", NULL, T5G_OPT_FLAG, &opt.rank, "write targets and choices by score, best first", 0,
     0},
    {0, "max-target-tokens", "N", T5G_OPT_U64, &opt.limit,
     "maximum length of a target or choice in tokens (default 16384)", 1, 1 << 30},
    T5G_OPTIONS_END,
};

static struct t5g_scoring scoring;
static struct t5g_given given;

static bool
has_targets(void)
{
    return opt.targets.n > 0 || opt.target_file != NULL;
}

static bool
has_choices(void)
{
    return opt.choices.n > 0 || opt.choice_file != NULL;
}

/* Whether texts are scored, and nothing is generated. */
static bool
scores(void)
{
    return opt.score || (has_choices() && !opt.generate);
}

bool
scoring_generates(void)
{
    return opt.generate;
}

bool
scoring_has_file(void)
{
    return opt.target_file != NULL || opt.choice_file != NULL;
}

void
scoring_check(bool stream)
{
    const char *changed = generation_changed();
    if (changed == NULL)
        changed = constraint_given();
    if (opt.generate && !has_choices())
        t5g_usage("--generate goes with --choice or --choices");
    if (opt.generate && (opt.by != 0 || opt.no_eos || opt.rank))
        t5g_usage("--generate excludes --%s", opt.by != 0  ? "choices-by"
                                              : opt.no_eos ? "no-eos"
                                                           : "rank");
    if (!opt.score && has_targets())
        t5g_usage("--target and --targets go with --score");
    if (opt.score && has_choices())
        t5g_usage("--score excludes --choice and --choices");
    if (!has_choices() && opt.by != 0)
        t5g_usage("--choices-by goes with --choice or --choices");
    if (!opt.score && !has_choices() && (opt.no_eos || opt.rank))
        t5g_usage("%s goes with --score, --choice or --choices", opt.rank ? "--rank" : "--no-eos");
    if (!opt.score && !has_choices() && t5g_used(&opt.limit))
        t5g_usage("--max-target-tokens goes with --score, --choice or --choices");
    if (!scores())
        return;
    if (stream || changed != NULL)
        t5g_usage("--%s acts on what is generated, and %s generates nothing",
                  stream ? "stream" : changed, opt.score ? "--score" : "--choice");
    if (opt.by != 0 && generation.logprobs)
        t5g_usage("--logprobs excludes --choices-by first, which scores first tokens alone");
}

/* The choices of which one is to be generated, to the constraint; file: where they are, or NULL. */
static int
constrain(struct t5g_prompts *p, const char *file, struct t5g_err *e)
{
    const struct t5g_prompt *text;
    struct t5g_word *words = NULL;
    size_t n = 0, cap = 0;
    int r;
    while ((r = t5g_prompts_get(p, n, &text, e)) == 1) {
        words = t5g_grow(words, n, &cap, sizeof *words);
        words[n].p = t5g_memdup(text->text.p, text->text.n);
        words[n++].n = text->text.n;
    }
    struct t5g_automaton *a = r == 0 ? t5g_choices_automaton(words, n, e) : NULL;
    if (a == NULL && r == 0 && file == NULL)
        e->code = T5G_EX_USAGE;
    else if (a == NULL && r == 0)
        t5g_err_in(e, "%s", file);
    for (size_t i = 0; i < n; i++)
        t5g_free((void *)(uintptr_t)words[i].p);
    t5g_free(words);
    if (a != NULL)
        constraint_give(a);
    return a != NULL ? 0 : -1;
}

int
scoring_open(const struct t5g_tokenizer *t, const struct t5g_config *c, bool nul, struct t5g_err *e)
{
    const char *noun = opt.score ? "target" : "choice";
    const char *file = opt.score ? opt.target_file : opt.choice_file;
    const struct t5g_list *list = opt.score ? &opt.targets : &opt.choices;
    if (!opt.score && !has_choices())
        return 0;
    scoring = (struct t5g_scoring){
        .tokenizer = t,
        .how = {.choices = !opt.score, .by_first = opt.by == 1, .no_eos = opt.no_eos},
        .take = {.noun = noun,
                 .limit = (size_t)opt.limit,
                 .limit_option = "--max-target-tokens",
                 .nul = nul},
        .rank = opt.rank,
        .logprobs = opt.score || generation.logprobs};
    if (!opt.generate && c->n_eos == 0 && !opt.no_eos && opt.by == 0)
        return t5g_err_set(e, T5G_EX_DATA, "the model has no end of sequence to score: --no-eos");
    scoring.how.eos = c->n_eos > 0 ? c->eos[0] : -1;
    if (list->n == 0 && file == NULL)
        return 0;
    struct t5g_prompts *p = t5g_prompts_open(t, list, file, &scoring.take, e);
    int r = p == NULL      ? -1
            : opt.generate ? constrain(p, file, e)
                           : t5g_given_read(&given, &scoring.how, p, noun, list->n,
                                            file != NULL ? t5g_input_name(file) : NULL, e);
    t5g_prompts_close(p);
    scoring.given = &given;
    return r;
}

const struct t5g_scoring *
scoring_asked(void)
{
    return scores() ? &scoring : NULL;
}

void
scoring_close(void)
{
    t5g_given_free(&given);
    t5g_free(opt.targets.v);
    t5g_free(opt.choices.v);
}
