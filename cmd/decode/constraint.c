/* constraint.c: options of t5g-decode that constrain what is generated. */
#include "options.h"
#include "cli/message.h"
#include "generate/json_schema.h"
#include "generate/regex.h"

#include <string.h>

static const char *regex, *schema;

const struct t5g_option constraint_options[] = {
    {0, "regex", "RE", T5G_OPT_STRING, &regex, "generate only text that matches RE as a whole", 0,
     0},
    {0, "json-schema", "FILE", T5G_OPT_ONCE, &schema,
     "generate only JSON that is valid under the schema in FILE", 0, 0},
    T5G_OPTIONS_END,
};

static struct t5g_automaton *made; /* until constraint_open */

static struct t5g_automaton *
from_regex(struct t5g_err *e)
{
    struct t5g_regex *r = t5g_regex_parse(regex, strlen(regex), T5G_EX_USAGE, e);
    if (r == NULL)
        return NULL;
    struct t5g_automaton *a = t5g_automaton_open();
    int bad = t5g_automaton_finish(a, t5g_regex_node(a, r, T5G_NODE_RETURN), e);
    t5g_regex_free(r);
    if (bad == 0)
        return a;
    t5g_automaton_close(a);
    return NULL;
}

const char *
constraint_given(void)
{
    return regex != NULL ? "regex" : schema != NULL ? "json-schema" : NULL;
}

void
constraint_give(struct t5g_automaton *a)
{
    made = a;
}

void
constraint_check(void)
{
    struct t5g_err e = {0};
    if (regex != NULL && schema != NULL)
        t5g_usage("--regex excludes --json-schema");
    if (constraint_given() != NULL && scoring_generates())
        t5g_usage("--generate excludes --%s", constraint_given());
    if (regex != NULL && (made = from_regex(&e)) == NULL)
        t5g_usage("--regex: %s", e.msg);
    if (schema != NULL && (made = t5g_json_schema_open(schema, &e)) == NULL)
        t5g_die_err(&e);
}

struct t5g_constraint *
constraint_open(const struct t5g_tokenizer *t, const struct t5g_config *c)
{
    struct t5g_err e = {0};
    if (made == NULL)
        return NULL;
    struct t5g_constraint *x = t5g_constraint_open(made, t, c, &e);
    if (x == NULL)
        t5g_die_err(&e);
    return x;
}
