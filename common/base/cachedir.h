/* cachedir.h: where things that can be made again are kept. */
#ifndef T5G_CACHEDIR_H
#define T5G_CACHEDIR_H

#include "base/err.h"

/*
 * $XDG_CACHE_HOME/t5g/NAME, else $HOME/.cache/t5g/NAME, in fresh memory (t5g_free); NULL when
 * neither variable is set. Nothing is made; t5g_write_file makes the folders.
 */
char *t5g_cache_path(const char *name);

#endif
