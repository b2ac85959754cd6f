/* cachedir.c: the cache folder (XDG base directory specification). */
#include "base/cachedir.h"
#include "base/mem.h"

#include <stdlib.h>

char *
t5g_cache_path(const char *name)
{
    const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    struct t5g_buf b = {0};
    /* The specification says to ignore relative values: they would scatter caches over folders. */
    if (base != NULL && base[0] == '/')
        t5g_buf_printf(&b, "%s/t5g/%s", base, name);
    else if (home != NULL && home[0] == '/')
        t5g_buf_printf(&b, "%s/.cache/t5g/%s", home, name);
    return b.p;
}
