/* adapting.c: the adapters of a run. */
#include "stage/adapting.h"
#include "base/mem.h"
#include "model/adapter.h"
#include "stage/model_path.h"

#include <stdlib.h>
#include <string.h>

/* T5G_ADAPTER cut into its directories, for the life of the process: at the colons. */
static char *
from_environment(void)
{
    static char *copy;
    const char *text = getenv("T5G_ADAPTER");
    t5g_free(copy);
    copy = text != NULL && text[0] != '\0' ? t5g_strdup(text) : NULL;
    return copy;
}

/* v is freed by t5g_free; the strings are borrowed. */
static struct t5g_list
asked_for(const struct t5g_list *given)
{
    struct t5g_list l = {0};
    char *text = given->n == 0 ? from_environment() : NULL;
    size_t cap = 0;
    if (t5g_model_adapter() != NULL) {
        l.v = t5g_grow(l.v, l.n, &cap, sizeof *l.v);
        l.v[l.n++] = t5g_model_adapter();
    }
    for (size_t i = 0; i < given->n; i++) {
        l.v = t5g_grow(l.v, l.n, &cap, sizeof *l.v);
        l.v[l.n++] = given->v[i];
    }
    for (char *rest = text, *one; (one = strsep(&rest, ":")) != NULL;) {
        if (one[0] == '\0')
            continue;
        l.v = t5g_grow(l.v, l.n, &cap, sizeof *l.v);
        l.v[l.n++] = one;
    }
    return l;
}

bool
t5g_adapting_any(const struct t5g_list *given)
{
    struct t5g_list l = asked_for(given);
    t5g_free(l.v);
    return l.n > 0;
}

int
t5g_adapting_apply(struct t5g_model *m, const struct t5g_kernels *k, const struct t5g_list *given,
                   struct t5g_err *e)
{
    struct t5g_list l = asked_for(given);
    int r = 0;
    for (size_t i = 0; i < l.n && r == 0; i++) {
        struct t5g_adapter *a = t5g_adapter_open(l.v[i], m, e);
        if (a == NULL)
            r = -1;
        else
            t5g_adapter_apply(a, m, k);
    }
    t5g_free(l.v);
    return r;
}
