/* cachedir.h: the cache folder, for files that can be made again. */
#ifndef T5G_CACHEDIR_H
#define T5G_CACHEDIR_H

#include "base/err.h"

/*
 * $XDG_CACHE_HOME/t5g/NAME, else $HOME/.cache/t5g/NAME, in fresh memory (t5g_free); NULL when
 * neither variable holds an absolute path. Creates nothing; t5g_write_file creates the folders.
 */
char *t5g_cache_path(const char *name);

#endif
