/* adapter_names.c: names of an adapter's tensors. */
#include "model/adapter_names.h"
#include "base/mem.h"

#include <string.h>

/* Ends of names, with a component more for the adapter's name where there is a '*'. */
static const struct {
    const char *end;
    enum t5g_piece_kind kind;
} ends[] = {
    {".lora_A.weight", T5G_PIECE_A},
    {".lora_A.*.weight", T5G_PIECE_A},
    {".lora_B.weight", T5G_PIECE_B},
    {".lora_B.*.weight", T5G_PIECE_B},
    {".lora_magnitude_vector", T5G_PIECE_MAGNITUDE},
    {".lora_magnitude_vector.weight", T5G_PIECE_MAGNITUDE},
    {".lora_magnitude_vector.*.weight", T5G_PIECE_MAGNITUDE},
    {".lora_magnitude_vector.*", T5G_PIECE_MAGNITUDE},
    {".lora_embedding_A", T5G_PIECE_EMBED_A},
    {".lora_embedding_A.*", T5G_PIECE_EMBED_A},
    {".lora_embedding_B", T5G_PIECE_EMBED_B},
    {".lora_embedding_B.*", T5G_PIECE_EMBED_B},
    {".token_adapter.trainable_tokens_delta", T5G_PIECE_TOKENS},
    {".token_adapter.trainable_tokens_delta.*", T5G_PIECE_TOKENS},
    {".base_layer.weight", T5G_PIECE_BASE_WEIGHT},
    {".base_layer.eoi_embedding", T5G_PIECE_BASE_EOI},
    {".modules_to_save.*.weight", T5G_PIECE_WEIGHT},
    {".modules_to_save.*.eoi_embedding", T5G_PIECE_EOI},
    {".weight", T5G_PIECE_WEIGHT},
    {".eoi_embedding", T5G_PIECE_EOI},
};

/* Where name ends with `end`; '*' stands for one component. NULL: it does not. */
static const char *
ends_at(const char *name, const char *end)
{
    const char *p = name + strlen(name), *q = end + strlen(end);
    while (q > end) {
        q--;
        if (*q == '*') {
            const char *last = p;
            while (p > name && p[-1] != '.')
                p--;
            if (p == last)
                return NULL;
        } else if (p == name || *--p != *q) {
            return NULL;
        }
    }
    return p > name ? p : NULL;
}

/* Take "modules_to_save.NAME." out of the middle of a name: what is saved may have modules in it.
 */
static void
cut_saved(char *name)
{
    static const char word[] = ".modules_to_save.";
    char *at = strstr(name, word);
    char *next = at != NULL ? strchr(at + sizeof word - 1, '.') : NULL;
    if (next != NULL)
        memmove(at, next, strlen(next) + 1);
}

struct t5g_piece_name
t5g_piece_name_split(const char *name)
{
    static const char outer[] = "base_model.model.";
    struct t5g_piece_name p = {.kind = T5G_PIECE_OTHER};
    if (strncmp(name, outer, sizeof outer - 1) == 0)
        name += sizeof outer - 1;
    char *whole = t5g_strdup(name);
    cut_saved(whole);
    const char *end = whole + strlen(whole);
    for (size_t i = 0; i < T5G_LEN(ends) && p.kind == T5G_PIECE_OTHER; i++) {
        const char *at = ends_at(whole, ends[i].end);
        if (at != NULL) {
            p.kind = ends[i].kind;
            end = at;
        }
    }
    struct t5g_name split = t5g_name_split(whole, NULL);
    p.part = split.part;
    p.key = t5g_memdup(whole, (size_t)(end - whole));
    p.module =
        split.rest < end ? t5g_memdup(split.rest, (size_t)(end - split.rest)) : t5g_strdup("");
    t5g_free(whole);
    return p;
}

void
t5g_piece_name_free(struct t5g_piece_name *p)
{
    t5g_free(p->module);
    t5g_free(p->key);
    *p = (struct t5g_piece_name){0};
}
