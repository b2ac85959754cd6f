/* adapter_config.c: the settings of an adapter. A key that is not known here must be off. */
#include "model/adapter_config.h"
#include "base/io.h"
#include "model/adapter_pattern.h"

#include <math.h>
#include <regex.h>
#include <string.h>

#define CONFIG_MAX ((size_t)4 << 20)

static const char file[] = "adapter_config.json";

/* A pattern of module names and what it sets; in the order of the file, the first that matches. */
struct t5g_adapter_pattern {
    regex_t re;
    double value;
};

/* Keys that are read, or that matter only in training. */
static const char *const known[] = {
    "auto_mapping",
    "base_model_name_or_path",
    "corda_config",
    "ensure_weight_tying",
    "eva_config",
    "exclude_modules",
    "fan_in_fan_out",
    "inference_mode",
    "init_lora_weights",
    "layers_pattern",
    "layers_to_transform",
    "loftq_config",
    "lora_alpha",
    "lora_dropout",
    "lora_ga_config",
    "megatron_core",
    "modules_to_save",
    "peft_type",
    "peft_version",
    "qalora_group_size",
    "r",
    "rank_pattern",
    "alpha_pattern",
    "revision",
    "runtime_config",
    "target_modules",
    "task_type",
    "trainable_token_indices",
    "use_dora",
    "use_rslora",
    "bias",
};

/* Initialisations that change the base as well. */
static const char *const changing[] = {"pissa", "corda", "olora", "loftq", "lora_ga", "mica"};

static bool
is_off(const struct t5g_json *v)
{
    bool empty = (t5g_json_is_object(v) || t5g_json_is_array(v)) && t5g_json_size(v) == 0;
    return t5g_json_is_null(v) || empty || (t5g_json_is_bool(v) && !t5g_json_true(v));
}

static void
fault_of(struct t5g_faults *f, const char *key, const struct t5g_json *v, const char *what)
{
    struct t5g_buf b = {0};
    t5g_json_print(&b, v);
    if (b.n > 60) {
        b.n = 60;
        t5g_buf_adds(&b, "...");
    }
    t5g_faults_add(f, "%s: %s: %s, %s", file, key, b.p, what);
    t5g_buf_free(&b);
}

static bool
flag(const struct t5g_adapter_config *c, const char *key, struct t5g_faults *f)
{
    const struct t5g_json *v = t5g_json_get(c->root, key);
    if (v != NULL && !t5g_json_is_null(v) && !t5g_json_is_bool(v))
        fault_of(f, key, v, "expected true or false");
    return t5g_json_true(v);
}

/* ---- patterns ---- */

static struct t5g_adapter_pattern *
patterns(const struct t5g_adapter_config *c, const char *key, bool whole, size_t *n,
         struct t5g_faults *f)
{
    const struct t5g_json *all = t5g_json_get(c->root, key);
    struct t5g_adapter_pattern *v = NULL;
    size_t cap = 0;
    if (all != NULL && !t5g_json_is_null(all) && !t5g_json_is_object(all))
        fault_of(f, key, all, "expected an object");
    if (!t5g_json_is_object(all))
        return NULL;
    for (const struct t5g_json *x = t5g_json_first(all); x != NULL; x = t5g_json_next(x)) {
        struct t5g_buf text = {0};
        int64_t number;
        v = t5g_grow(v, *n, &cap, sizeof *v);
        v[*n].value = t5g_json_num(x);
        if (whole ? !t5g_json_int(x, 1, 1 << 20, &number) : !isfinite(v[*n].value)) {
            fault_of(f, key, x, whole ? "expected a rank above 0" : "expected a number");
            v[*n].value = 0;
        }
        const char *why = t5g_adapter_pattern(&text, t5g_json_key(x));
        if (why == NULL && regcomp(&v[*n].re, text.p, REG_EXTENDED | REG_NOSUB) != 0)
            why = "not an expression";
        if (why != NULL)
            t5g_faults_add(f, "%s: %s: '%s': not served: %s", file, key, t5g_json_key(x), why);
        else
            ++*n;
        t5g_buf_free(&text);
    }
    return v;
}

static double
matched(const struct t5g_adapter_pattern *v, size_t n, const char *module, double otherwise)
{
    for (size_t i = 0; i < n; i++)
        if (regexec(&v[i].re, module, 0, NULL, 0) == 0)
            return v[i].value;
    return otherwise;
}

size_t
t5g_adapter_rank(const struct t5g_adapter_config *c, const char *module)
{
    return (size_t)matched(c->ranks, c->n_ranks, module, (double)c->r);
}

double
t5g_adapter_scale(const struct t5g_adapter_config *c, const char *module)
{
    double r = (double)t5g_adapter_rank(c, module);
    double alpha = matched(c->alphas, c->n_alphas, module, c->alpha);
    return alpha / (c->rslora ? sqrt(r) : r);
}

bool
t5g_adapter_saves(const struct t5g_adapter_config *c, const char *module)
{
    const struct t5g_json *all = t5g_json_get(c->root, "modules_to_save");
    for (const struct t5g_json *x = t5g_json_first(all); x != NULL; x = t5g_json_next(x)) {
        const char *name = t5g_json_str(x), *at = name != NULL ? strstr(module, name) : NULL;
        size_t n = at != NULL ? strlen(name) : 0;
        if (at != NULL && (at == module || at[-1] == '.') && (at[n] == '\0' || at[n] == '.'))
            return true;
    }
    return false;
}

/* ---- tokens ---- */

/* The list for a module: its name ends with the key. */
static const struct t5g_json *
list_for(const struct t5g_adapter_config *c, const char *module)
{
    if (!t5g_json_is_object(c->tokens))
        return c->tokens;
    for (const struct t5g_json *x = t5g_json_first(c->tokens); x != NULL; x = t5g_json_next(x))
        if (t5g_ends(module, t5g_json_key(x)))
            return x;
    return NULL;
}

bool
t5g_adapter_tokens(const struct t5g_adapter_config *c, const char *module, size_t v, int32_t **ids,
                   size_t *n, struct t5g_faults *f)
{
    const struct t5g_json *list = list_for(c, module);
    bool good = true;
    *n = 0;
    *ids = NULL;
    if (!t5g_json_is_array(list)) {
        t5g_faults_add(f, "%s: trainable_token_indices: no list for '%s'", file, module);
        return false;
    }
    *ids = t5g_alloc(t5g_json_size(list), sizeof **ids);
    for (const struct t5g_json *x = t5g_json_first(list); x != NULL; x = t5g_json_next(x)) {
        int64_t id = 0;
        if (!t5g_json_int(x, 0, (int64_t)v - 1, &id)) {
            fault_of(f, "trainable_token_indices", x, "expected an id of the model");
            good = false;
        }
        (*ids)[(*n)++] = (int32_t)id;
    }
    return good;
}

/* ---- the file ---- */

static void
check_numbers(struct t5g_adapter_config *c, struct t5g_faults *f)
{
    const struct t5g_json *v = t5g_json_get(c->root, "r");
    int64_t r = 0;
    if (v == NULL)
        t5g_faults_add(f, "%s: r: missing", file);
    else if (!t5g_json_int(v, 1, 1 << 20, &r))
        fault_of(f, "r", v, "expected a rank above 0");
    c->r = r >= 1 && r <= 1 << 20 ? (size_t)r : 0;
    v = t5g_json_get(c->root, "lora_alpha");
    c->alpha = t5g_json_num(v);
    if (v == NULL)
        t5g_faults_add(f, "%s: lora_alpha: missing", file);
    else if (!isfinite(c->alpha))
        fault_of(f, "lora_alpha", v, "expected a number");
    if (!isfinite(c->alpha))
        c->alpha = 0;
}

static void
check_served(const struct t5g_adapter_config *c, struct t5g_faults *f)
{
    const struct t5g_json *bias = t5g_json_get(c->root, "bias");
    const struct t5g_json *init = t5g_json_get(c->root, "init_lora_weights");
    if (bias != NULL && !t5g_json_is_null(bias) &&
        (t5g_json_str(bias) == NULL || strcmp(t5g_json_str(bias), "none") != 0))
        fault_of(f, "bias", bias, "not served: only none");
    for (size_t i = 0; i < T5G_LEN(changing); i++)
        if (t5g_json_str(init) != NULL &&
            strncmp(t5g_json_str(init), changing[i], strlen(changing[i])) == 0)
            fault_of(
                f, "init_lora_weights", init,
                "not served: it changes the base too (PEFT can convert such an adapter when it "
                "saves it)");
    for (const struct t5g_json *x = t5g_json_first(c->root); x != NULL; x = t5g_json_next(x)) {
        bool found = is_off(x);
        for (size_t i = 0; i < T5G_LEN(known) && !found; i++)
            found = strcmp(t5g_json_key(x), known[i]) == 0;
        if (!found)
            fault_of(f, t5g_json_key(x), x, "not served");
    }
}

int
t5g_adapter_config_read(struct t5g_adapter_config *c, const char *dir, struct t5g_faults *f,
                        struct t5g_err *e)
{
    struct t5g_buf text = {0};
    char *path = t5g_path_join(dir, file);
    *c = (struct t5g_adapter_config){0};
    int r = t5g_read_regular(path, CONFIG_MAX, &text, e);
    if (r == 0 && (c->root = t5g_json_parse(text.n > 0 ? text.p : "", text.n, path, e)) == NULL)
        r = -1;
    t5g_buf_free(&text);
    if (r == 0 && !t5g_json_is_object(c->root))
        r = t5g_err_set(e, T5G_EX_DATA, "%s: not an object", path);
    t5g_free(path);
    if (r < 0)
        return -1;
    const struct t5g_json *type = t5g_json_get(c->root, "peft_type");
    if (type == NULL)
        t5g_faults_add(f, "%s: peft_type: missing, expected LORA", file);
    else if (t5g_json_str(type) == NULL || strcmp(t5g_json_str(type), "LORA") != 0) {
        fault_of(f, "peft_type", type, "not served: only LORA");
        return 0; /* the other keys mean nothing then */
    }
    c->lora = true;
    check_numbers(c, f);
    check_served(c, f);
    c->rslora = flag(c, "use_rslora", f);
    c->dora = flag(c, "use_dora", f);
    c->tied_too = flag(c, "ensure_weight_tying", f);
    c->base = t5g_json_str(t5g_json_get(c->root, "base_model_name_or_path"));
    c->ranks = patterns(c, "rank_pattern", true, &c->n_ranks, f);
    c->alphas = patterns(c, "alpha_pattern", false, &c->n_alphas, f);
    c->tokens = t5g_json_get(c->root, "trainable_token_indices");
    return 0;
}

static void
free_patterns(struct t5g_adapter_pattern *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        regfree(&v[i].re);
    t5g_free(v);
}

void
t5g_adapter_config_free(struct t5g_adapter_config *c)
{
    free_patterns(c->ranks, c->n_ranks);
    free_patterns(c->alphas, c->n_alphas);
    t5g_json_free(c->root);
    *c = (struct t5g_adapter_config){0};
}
