/* library.c: shared libraries loaded on demand. */
#include "archive/library.h"

#include <dlfcn.h>
#include <string.h>

int
t5g_library_load(const char *soname, const char *purpose, const struct t5g_symbol *symbols,
                 size_t n, struct t5g_err *e)
{
    void *library = dlopen(soname, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        return t5g_err_set(e, T5G_EX_UNAVAIL, "%s: %s", purpose, dlerror());
    for (size_t i = 0; i < n; i++) {
        void *p = dlsym(library, symbols[i].name);
        if (p == NULL)
            return t5g_err_set(e, T5G_EX_UNAVAIL, "%s: %s is too old: no %s", purpose, soname,
                               symbols[i].name);
        memcpy(symbols[i].to, &p,
               sizeof p); /* ISO C has no cast from void * to a function pointer */
    }
    return 0;
}
