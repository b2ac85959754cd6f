/* file_list.c: --files0-from: a list of file names. */
#include "cli/file_list.h"
#include "base/io.h"
#include "cli/message.h"

#include <string.h>
#include <unistd.h>

#define LIST_MAX ((size_t)1 << 32) /* bytes: some forty million names */

static void
read_list(struct t5g_buf *list, const char *file, const char *name)
{
    struct t5g_err e;
    int r = strcmp(file, "-") == 0 ? t5g_read_all(STDIN_FILENO, name, LIST_MAX, list, &e)
                                   : t5g_read_file(file, LIST_MAX, list, &e);
    if (r < 0)
        t5g_die_err(&e);
    t5g_buf_adds(list, ""); /* makes p a pointer, and puts a NUL after the last name */
}

void
t5g_names_from(struct t5g_names *names, const char *file)
{
    const char *name = strcmp(file, "-") == 0 ? "stdin" : file;
    struct t5g_buf *list = &names->list;
    read_list(list, file, name);
    if (list->n > 0 && memchr(list->p, '\0', list->n) == NULL &&
        memchr(list->p, '\n', list->n) != NULL && access(list->p, F_OK) < 0)
        t5g_die(T5G_EX_DATA, "%s: names must end with NUL, as find -print0 writes them, not lines",
                name);
    bool hinted = false;
    size_t n = 0;
    for (size_t at = 0; at < list->n; at += strlen(list->p + at) + 1)
        n++;
    names->v = t5g_alloc(n + 1, sizeof *names->v);
    names->n = n;
    n = 0;
    for (char *p = list->p; n < names->n; p += strlen(p) + 1, n++) {
        if (p[0] == '\0')
            t5g_die(T5G_EX_DATA, "%s: name %zu is empty", name, n + 1);
        if (strcmp(file, "-") == 0 && strcmp(p, "-") == 0)
            t5g_die(T5G_EX_USAGE, "stdin: name %zu is -, but standard input is the list", n + 1);
        names->v[n] = p;
        if (!hinted && strchr(p, '\n') != NULL && access(p, F_OK) < 0) {
            t5g_warn("%s: name %zu has newlines in it, and there is no such file: names must end "
                     "with NUL, as find -print0 writes them",
                     name, n + 1);
            hinted = true;
        }
    }
}

void
t5g_names_free(struct t5g_names *names)
{
    if (names->list.p != NULL)
        t5g_free(names->v);
    t5g_buf_free(&names->list);
}
