/* names.c: the layouts of tensor names. */
#include "model/names.h"

#include <string.h>

static const struct {
    const char *name, *prefix;
} parts[T5G_PART_N] = {
    [T5G_PART_DECODER] = {"decoder", "model.decoder."},
    [T5G_PART_ENCODER] = {"encoder", "model.encoder."},
    [T5G_PART_HEAD] = {"head", "lm_head."},
    [T5G_PART_PROJECTOR] = {"projector", "model.encoder.multi_modal_projector."},
    [T5G_PART_SCORE] = {"score", "score."},
    [T5G_PART_SCREEN] = {"screen", "screen."},
    [T5G_PART_VISION] = {"vision", "model.encoder.vision_tower."},
};

const char *
t5g_part_name(enum t5g_part part)
{
    return parts[part].name;
}

const char *
t5g_part_prefix(enum t5g_part part)
{
    return parts[part].prefix;
}

/* If *p starts with s, move it past s. */
static bool
skip(const char **p, const char *s)
{
    size_t n = strlen(s);
    if (strncmp(*p, s, n) != 0)
        return false;
    *p += n;
    return true;
}

static bool
starts(const char *p, const char *s)
{
    return skip(&p, s);
}

static struct t5g_name
made(const char *name, enum t5g_part part, const char *rest)
{
    return (struct t5g_name){.part = part, .prefix = (size_t)(rest - name), .rest = rest};
}

/* The name after "encoder." in a whole model, or the whole name in an encoder. */
static struct t5g_name
split_encoder(const char *name, const char *p)
{
    if (skip(&p, "vision_tower.")) {
        skip(&p, "vision_model.");
        return made(name, starts(p, "head.") ? T5G_PART_IGNORED : T5G_PART_VISION, p);
    }
    if (skip(&p, "multi_modal_projector."))
        return made(name, T5G_PART_PROJECTOR, p);
    skip(&p, "text_model.");
    if (starts(p, "embed_tokens.") || starts(p, "layers.") || starts(p, "norm."))
        return made(name, T5G_PART_ENCODER, p);
    return made(name, T5G_PART_UNKNOWN, name);
}

/* The name in another model. */
static struct t5g_name
split_embedded(const char *name, const char *encoder)
{
    const char *p = name;
    if (!skip(&p, encoder) || !skip(&p, "."))
        return made(name, T5G_PART_IGNORED, name);
    skip(&p, "model.");
    skip(&p, "encoder.");
    return starts(p, "lm_head.") || starts(p, "decoder.") ? made(name, T5G_PART_IGNORED, name)
                                                          : split_encoder(name, p);
}

size_t
t5g_name_find_encoder(const char *name)
{
    static const char end[] = "embed_tokens.weight";
    static const char *const inner[] = {"text_model.", "encoder.", "model."};
    size_t n = strlen(name), len = sizeof end - 1;
    if (n <= len || strcmp(name + n - len, end) != 0)
        return 0;
    n -= len;
    for (size_t i = 0; i < T5G_LEN(inner); i++) {
        size_t k = strlen(inner[i]);
        if (n > k && strncmp(name + n - k, inner[i], k) == 0)
            n -= k;
    }
    return name[n - 1] == '.' ? n - 1 : 0;
}

struct t5g_name
t5g_name_split(const char *name, const char *encoder)
{
    const char *p = name;
    if (encoder != NULL)
        return split_embedded(name, encoder);
    if (strcmp(p, "lm_head.weight") == 0)
        return made(name, T5G_PART_IGNORED, name);
    if (skip(&p, "lm_head."))
        return made(name, T5G_PART_HEAD, p);
    if (skip(&p, "score."))
        return made(name, T5G_PART_SCORE, p);
    if (skip(&p, "screen."))
        return made(name, T5G_PART_SCREEN, p);
    skip(&p, "model.");
    if (skip(&p, "decoder."))
        return made(name, T5G_PART_DECODER, p);
    skip(&p, "encoder.");
    return split_encoder(name, p);
}
