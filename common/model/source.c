/* source.c: what people call a model. */
#include "model/source.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The component of path[0..n) before the last one, in [*from, *to); false if there is none. */
static bool
component_before(const char *path, size_t n, size_t *from, size_t *to)
{
    while (n > 0 && path[n - 1] != '/')
        n--;
    while (n > 0 && path[n - 1] == '/')
        n--;
    *to = n;
    while (n > 0 && path[n - 1] != '/')
        n--;
    *from = n;
    return *from < *to;
}

/* .../models--ORG--NAME/snapshots/REVISION[/...]: "ORG/NAME" in b. */
static bool
hub_name(struct t5g_buf *b, const char *path)
{
    static const char models[] = "models--", snapshots[] = "/snapshots/";
    const char *at = strstr(path, snapshots);
    size_t from, to;
    if (at == NULL || !component_before(path, (size_t)(at - path) + 1, &from, &to) ||
        strncmp(path + from, models, sizeof models - 1) != 0)
        return false;
    for (from += sizeof models - 1; from < to; from++) {
        bool dashes = path[from] == '-' && path[from + 1] == '-' && from + 2 < to;
        t5g_buf_addc(b, dashes ? '/' : path[from]);
        from += dashes;
    }
    return true;
}

/* Whether the folder at path[0..n) is the Transformer module of sentence-transformers. */
static bool
is_module(const char *path, size_t n)
{
    struct t5g_buf b = {0};
    t5g_buf_add(&b, path, n);
    t5g_buf_adds(&b, "/../modules.json");
    bool is = access(b.p, F_OK) == 0;
    t5g_buf_free(&b);
    return is;
}

/* The last component of path[0..n), or what dots stand for. */
static void
last_component(struct t5g_buf *b, const char *path, size_t n)
{
    size_t from;
    while (n > 1 && path[n - 1] == '/')
        n--;
    for (from = n; from > 0 && path[from - 1] != '/';)
        from--;
    bool dots = from == n || (path[from] == '.' && n - from <= 2 && path[n - 1] == '.');
    char *real = NULL;
    if (dots || is_module(path, n)) {
        struct t5g_buf up = {0};
        t5g_buf_add(&up, path, n);
        t5g_buf_adds(&up, dots ? "" : "/..");
        real = realpath(up.p, NULL);
        t5g_buf_free(&up);
    }
    const char *slash = real != NULL ? strrchr(real, '/') : NULL;
    if (slash != NULL)
        t5g_buf_adds(b, slash + 1);
    else
        t5g_buf_add(b, path + from, n - from);
    free(real);
}

void
t5g_model_source(char out[T5G_SOURCE_NAME], const char *path)
{
    struct t5g_buf name = {0}, clean = {0};
    char *real = realpath(path, NULL);
    if (!hub_name(&name, real != NULL ? real : path))
        last_component(&name, path, strlen(path));
    free(real);
    t5g_buf_adds(&clean, "");
    t5g_utf8_replace(&clean, name.p != NULL ? name.p : "", name.n);
    size_t n = t5g_min(clean.n, T5G_SOURCE_NAME - 1);
    while (n > 0 && n < clean.n && ((unsigned char)clean.p[n] & 0xc0) == 0x80)
        n--; /* to the beginning of a character */
    memcpy(out, clean.p, n);
    out[n] = '\0';
    t5g_buf_free(&name);
    t5g_buf_free(&clean);
}
