/* jsonl_import.c: JSON lines of files and pipes to documents. */
#include "convert/convert.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static int
take_lines(struct t5g_importer *im, int fd, const char *name, struct t5g_err *e)
{
    struct t5g_index_place place = {name, 0};
    struct t5g_buf b = {0};
    size_t got = 1;
    int r = 0;
    while (r == 0 && got > 0 && !im->run->stop) {
        t5g_buf_reserve(&b, 1 << 16);
        size_t before = b.n, taken;
        r = t5g_read_some(fd, name, b.p + b.n, b.cap - b.n - 1, &got, e);
        if (r < 0)
            break;
        b.n += got;
        /* A long line arrives in many pieces: continue only at a newline. */
        if (got > 0 && memchr(b.p + before, '\n', got) == NULL)
            continue;
        r = t5g_index_take(im, b.p, b.n, got == 0, &place, &taken, e);
        memmove(b.p, b.p + taken, b.n - taken);
        b.n -= taken;
    }
    t5g_buf_free(&b);
    return r;
}

int
t5g_jsonl_import(struct t5g_importer *im, char *const *paths, size_t n, struct t5g_err *e)
{
    int r = 0;
    if (n == 0)
        return take_lines(im, STDIN_FILENO, "stdin", e);
    for (size_t i = 0; i < n && r == 0 && !im->run->stop; i++) {
        bool dash = strcmp(paths[i], "-") == 0;
        int fd = dash ? STDIN_FILENO : open(paths[i], O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            return t5g_err_sys(e, T5G_EX_NOINPUT, "%s: cannot open", paths[i]);
        r = take_lines(im, fd, dash ? "stdin" : paths[i], e);
        if (!dash)
            close(fd);
    }
    return r;
}
