/*
 * output.c: stdout, or a file that appears whole or not at all.
 *
 * A regular FILE is written as FILE.XXXXXX beside it, flushed to disk and renamed: as make expects,
 * the target exists if and only if it is complete. See base/temporary.h for the temporary name.
 */
#include "cli/output.h"
#include "base/mem.h"
#include "base/temporary.h"
#include "cli/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct {
    int fd;
    bool open;
    const char *name;                /* for messages */
    char *target;                    /* real path to rename to; NULL if written in place */
    struct t5g_temporary *temporary; /* the file to rename */
} out = {.fd = -1};

static int
open_file(const char *path, struct t5g_err *e)
{
    struct stat st;
    if (path[0] == '\0')
        return t5g_err_set(e, T5G_EX_CREATE, "-o: empty file name");
    bool exists = stat(path, &st) == 0;
    if (!exists && errno != ENOENT)
        return t5g_err_sys(e, T5G_EX_CREATE, "%s: cannot create", path);
    if (exists && !S_ISREG(st.st_mode)) { /* /dev/null, a FIFO: nothing to rename */
        int fd = open(path, O_WRONLY | O_CLOEXEC);
        return fd >= 0 ? fd : t5g_err_sys(e, T5G_EX_CREATE, "%s: cannot open for writing", path);
    }
    if (exists && access(path, W_OK) < 0)
        return t5g_err_sys(e, T5G_EX_CREATE, "%s: cannot write", path);
    char *real = realpath(path, NULL); /* follows a link to an existing file */
    if (real == NULL && exists)
        return t5g_err_sys(e, T5G_EX_CREATE, "%s: cannot create", path);
    if (real == NULL && lstat(path, &st) == 0 && S_ISLNK(st.st_mode))
        return t5g_err_set(e, T5G_EX_CREATE, "%s: dangling symbolic link", path);
    out.target = t5g_strdup(real != NULL ? real : path);
    free(real);
    t5g_signals_unfinished(out.name);
    int fd = t5g_temporary_open(&out.temporary, out.target,
                                exists ? st.st_mode & 0777 : t5g_temporary_mode(0666), e);
    if (fd < 0)
        t5g_signals_unfinished(NULL);
    return fd;
}

int
t5g_output_open(const char *path, bool frames, struct t5g_err *e)
{
    out.name = path != NULL ? path : "stdout";
    out.fd = path != NULL ? open_file(path, e) : STDOUT_FILENO;
    if (out.fd < 0) {
        if (e->code == T5G_EX_NOINPUT)
            e->code = T5G_EX_CREATE;
        return -1;
    }
    if (frames && isatty(out.fd))
        return t5g_err_set(e, T5G_EX_USAGE,
                           "%s: is a terminal; frames are binary: use -o FILE or a pipe, and "
                           "'t5g-frame ls' to look",
                           out.name);
    out.open = true;
    return out.fd;
}

const char *
t5g_output_name(void)
{
    return out.name;
}

/* The rename must reach the disk too; it is no error if a folder cannot be synced. */
static void
sync_folder(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        close(fd);
    }
}

int
t5g_output_commit(struct t5g_err *e)
{
    struct t5g_temporary *t = out.temporary;
    if (!out.open)
        return 0;
    if (t == NULL)
        t5g_signals_done();
    if (t != NULL && fsync(out.fd) < 0)
        return t5g_err_sys(e, T5G_EX_IO, "%s: cannot write", out.name);
    out.open = false;
    if (close(out.fd) < 0)
        return t5g_err_sys(e, T5G_EX_IO, "%s: cannot write", out.name);
    if (t != NULL) {
        char *folder = t5g_path_folder(out.target); /* from here on only the renaming may fail */
        t5g_signals_done();
        out.temporary = NULL;
        t5g_signals_unfinished(NULL);
        int r = t5g_temporary_rename(t, out.target, e);
        if (r == 0)
            sync_folder(folder);
        t5g_free(folder);
        if (r < 0)
            return -1;
    }
    t5g_free(out.target);
    out.target = NULL;
    return 0;
}

void
t5g_output_discard(void)
{
    t5g_temporary_remove(out.temporary);
    out.temporary = NULL;
    t5g_signals_unfinished(NULL);
}

const char *
t5g_output_unfinished(void)
{
    return out.temporary != NULL ? out.name : NULL;
}
