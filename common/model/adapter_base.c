/* adapter_base.c: the model that an adapter was trained on. */
#include "model/adapter_base.h"
#include "base/json.h"
#include "base/map.h"
#include "base/mem.h"
#include "model/hub.h"
#include "model/packed.h"

#include <sys/stat.h>

#define CONFIG_MAX ((size_t)1 << 20)

static const char config_name[] = "adapter_config.json";

/* The model of that name, as a path or in the hub's cache; NULL: it is in neither. */
static char *
find(const char *name, const char *revision)
{
    struct stat st;
    struct t5g_buf b = {0};
    char *path = NULL;
    if (stat(name, &st) == 0)
        return t5g_strdup(name);
    t5g_buf_printf(&b, revision != NULL ? "%s@%s" : "%s", name, revision);
    int r = t5g_hub_find(b.p, &path, NULL);
    t5g_buf_free(&b);
    return r == 1 ? path : NULL;
}

int
t5g_adapter_base(const char *dir, char **base, struct t5g_err *e)
{
    struct t5g_buf text = {0};
    if (!t5g_is_in(dir, config_name) || t5g_is_in(dir, "config.json"))
        return 0;
    int r = t5g_model_optional(dir, config_name, CONFIG_MAX, &text, e);
    struct t5g_json *root = r == 1 ? t5g_json_parse(text.p, text.n, config_name, e) : NULL;
    const char *name = t5g_json_str(t5g_json_get(root, "base_model_name_or_path"));
    *base = name != NULL ? find(name, t5g_json_str(t5g_json_get(root, "revision"))) : NULL;
    if (root == NULL)
        r = -1;
    else if (*base == NULL)
        r = t5g_err_set(
            e, T5G_EX_NOINPUT,
            "%s: an adapter, and its model%s%s is not here: give the model with -m, and "
            "the adapter with --adapter %s",
            dir, name != NULL ? " " : "", name != NULL ? name : "", dir);
    t5g_json_free(root);
    t5g_buf_free(&text);
    return r;
}
