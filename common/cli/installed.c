/* installed.c: where the installed model is, from where the program is. */
#include "cli/installed.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

enum { ROOM = PATH_MAX + 64 };

/*
 * The program's path without links. The kernel also passes the name by which it was started, which
 * is all there is where /proc is not mounted. -1: not known.
 */
static int
own_path(char path[static ROOM])
{
    ssize_t n = readlink("/proc/self/exe", path, PATH_MAX);
    if (n > 0 && n < PATH_MAX) {
        path[n] = '\0';
        return 0;
    }
    unsigned long name = getauxval(AT_EXECFN);
    return name != 0 && realpath((const char *)name, path) != NULL ? 0 : -1;
}

const char *
t5g_installed_model(void)
{
    static char path[ROOM];
    if (own_path(path) < 0)
        return NULL;
    for (int i = 0; i < 2; i++) {
        char *slash = strrchr(path, '/');
        if (slash == NULL)
            return NULL;
        *slash = '\0';
    }
    return strcat(path, "/share/t5g/model");
}
