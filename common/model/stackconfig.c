/* stackconfig.c: one stack's part of config.json. */
#include "model/stackconfig.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Every how many layers transformers uses full attention if the file lists no layer types. */
static size_t
read_pattern(struct t5g_fields *f, struct t5g_place p)
{
    if (t5g_field(p, "sliding_window_pattern") != NULL)
        return t5g_field_size(f, p, "sliding_window_pattern", 1, 1024);
    /* transformers 5 writes this name but does not read it: it always uses 6. */
    if (t5g_field(p, "_sliding_window_pattern") != NULL)
        return t5g_field_size(f, p, "_sliding_window_pattern", 6, 6);
    t5g_fields_fail(f, p, "layer_types", "missing");
    return 1;
}

static void
read_layer_types(struct t5g_stack_config *c, struct t5g_fields *f, struct t5g_place p)
{
    const struct t5g_json *list = t5g_field(p, "layer_types"), *v = t5g_json_first(list);
    c->full = t5g_alloc(c->layers, sizeof *c->full);
    if (list == NULL) {
        size_t pattern = read_pattern(f, p);
        for (size_t i = 0; i < c->layers; i++)
            c->full[i] = (i + 1) % pattern == 0;
        return;
    }
    if (!t5g_json_is_array(list) || t5g_json_size(list) != c->layers) {
        t5g_fields_fail(f, p, "layer_types", "expected a list of %zu names", c->layers);
        return;
    }
    for (size_t i = 0; i < c->layers; i++, v = t5g_json_next(v)) {
        const char *s = t5g_json_str(v);
        c->full[i] = s != NULL && strcmp(s, "full_attention") == 0;
        if (!c->full[i] && (s == NULL || strcmp(s, "sliding_attention") != 0))
            t5g_fields_fail(f, p, "layer_types",
                            "element %zu is %s, expected full_attention or sliding_attention", i,
                            s == NULL ? "no string" : s);
    }
}

/*
 * Rotary embedding of one kind of layer. New files: rope_parameters.KIND {rope_type, factor,
 * rope_theta}. Old files: rope_scaling (full layers only; it overrides rope_parameters) and the
 * theta in the field old_theta.
 */
static struct t5g_rope_config
read_rope(struct t5g_fields *f, struct t5g_place p, const char *kind, const char *old_theta,
          const char *old_scaling)
{
    struct t5g_rope_config r = {.theta = 1, .factor = 1};
    char name[2][128];
    struct t5g_place new = {t5g_json_get(t5g_field(p, "rope_parameters"), kind), name[0]};
    struct t5g_place old = {old_scaling != NULL ? t5g_field(p, old_scaling) : NULL, name[1]};
    snprintf(name[0], sizeof name[0], "%srope_parameters.%s.", p.where, kind);
    snprintf(name[1], sizeof name[1], "%srope_scaling.", p.where);

    struct t5g_place at = t5g_field(old, "rope_type") != NULL ? old : new;
    const char *type = t5g_field_str(f, at, "rope_type");
    if (type == NULL && (t5g_json_size(old.obj) > 0 || t5g_json_size(new.obj) > 0)) {
        /* transformers does not read `type`, an earlier name: refuse rather than guess. */
        t5g_fields_fail(f, t5g_json_size(old.obj) > 0 ? old : new, "rope_type", "missing");
    } else if (type != NULL && strcmp(type, "linear") == 0) {
        at = t5g_field(old, "factor") != NULL ? old : new;
        r.factor = (float)t5g_field_num(f, at, "factor", 0, 1e6);
    } else if (type != NULL && strcmp(type, "default") != 0) {
        t5g_fields_fail(f, at, "rope_type", "%s is not supported, expected default or linear",
                        type);
    }
    for (int i = 0; i < 2; i++) {
        at = i == 0 ? new : old;
        if (t5g_field(at, "partial_rotary_factor") != NULL &&
            t5g_json_num(t5g_field(at, "partial_rotary_factor")) != 1)
            t5g_fields_fail(f, at, "partial_rotary_factor", "not supported, expected 1");
    }
    if (t5g_field(old, "rope_theta") != NULL)
        r.theta = (float)t5g_field_num(f, old, "rope_theta", 0, 1e12);
    else if (t5g_field(new, "rope_theta") != NULL)
        r.theta = (float)t5g_field_num(f, new, "rope_theta", 0, 1e12);
    else if (t5g_field(p, old_theta) != NULL)
        r.theta = (float)t5g_field_num(f, p, old_theta, 0, 1e12);
    else
        t5g_fields_fail(f, new, "rope_theta", "missing");
    return r;
}

static void
check_supported(struct t5g_fields *f, struct t5g_place p)
{
    const char *act = t5g_field_str(f, p, "hidden_activation");
    if (act == NULL)
        t5g_fields_fail(f, p, "hidden_activation", "missing");
    else if (strcmp(act, "gelu_pytorch_tanh") != 0)
        t5g_fields_fail(f, p, "hidden_activation", "%s, expected gelu_pytorch_tanh", act);
    if (t5g_field_bool_or(f, p, "attention_bias", false))
        t5g_fields_fail(f, p, "attention_bias", "true, expected false");
}

void
t5g_stack_config_read(struct t5g_stack_config *c, struct t5g_fields *f, struct t5g_place p)
{
    /* These limits keep every product of sizes, the largest of which is v * d * 4, at most 2^42. */
    c->d = t5g_field_size(f, p, "hidden_size", 1, 1 << 16);
    c->f = t5g_field_size(f, p, "intermediate_size", 1, 1 << 20);
    c->layers = t5g_field_size(f, p, "num_hidden_layers", 1, 1024);
    c->h = t5g_field_size(f, p, "num_attention_heads", 1, 1024);
    c->hk = t5g_field_size(f, p, "num_key_value_heads", 1, 1024);
    c->dh = t5g_field_size(f, p, "head_dim", 2, 4096);
    c->v = t5g_field_size(f, p, "vocab_size", 1, 1 << 24);
    c->eps = (float)t5g_field_num(f, p, "rms_norm_eps", 0, 1);
    c->scale = (float)pow(t5g_field_num(f, p, "query_pre_attn_scalar", 0, 1e6), -0.5);
    if (t5g_field(p, "final_logit_softcapping") != NULL)
        c->logit_softcap = (float)t5g_field_num(f, p, "final_logit_softcapping", 0, 1e6);
    check_supported(f, p);
    if (f->failed)
        return;
    if (c->h % c->hk != 0)
        t5g_fields_fail(f, p, "num_key_value_heads", "%zu, expected a divisor of %zu heads", c->hk,
                        c->h);
    if (c->dh % 2 != 0)
        t5g_fields_fail(f, p, "head_dim", "%zu, expected an even number", c->dh);
    read_layer_types(c, f, p);
    bool local = false, full = false;
    for (size_t i = 0; i < c->layers; i++) {
        local = local || !c->full[i];
        full = full || c->full[i];
    }
    c->rope_full = c->rope_local = (struct t5g_rope_config){.theta = 1, .factor = 1};
    if (local || t5g_field(p, "sliding_window") != NULL)
        c->window = t5g_field_size(f, p, "sliding_window", 1, 1 << 30);
    if (full)
        c->rope_full = read_rope(f, p, "full_attention", "rope_theta", "rope_scaling");
    if (local)
        c->rope_local = read_rope(f, p, "sliding_attention", "rope_local_base_freq", NULL);
}
