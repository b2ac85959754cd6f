/* stamp.c: remember what was computed from files as long as they do not change. */
#include "base/stamp.h"
#include "base/cachedir.h"
#include "base/hash.h"
#include "base/own.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

int
t5g_stamp_of(const char *path, struct t5g_stamp *s, struct t5g_err *e)
{
    struct stat st;
    if (stat(path, &st) < 0)
        return t5g_err_sys(e, T5G_EX_NOINPUT, "%s: cannot stat", path);
    *s = (struct t5g_stamp){.dev = st.st_dev,
                            .ino = st.st_ino,
                            .size = (uint64_t)st.st_size,
                            .mtime_s = st.st_mtim.tv_sec,
                            .mtime_ns = st.st_mtim.tv_nsec,
                            .ctime_s = st.st_ctim.tv_sec,
                            .ctime_ns = st.st_ctim.tv_nsec};
    return 0;
}

/* The name contains a hash of the states, so that a changed file leads to another name. */
static char *
path_of(const char *kind, const struct t5g_stamp *s, size_t n)
{
    char hex[T5G_HEX128], name[128];
    t5g_hash128_hex(hex, s, n * sizeof *s);
    snprintf(name, sizeof name, "%s-%s", kind, hex);
    return t5g_cache_path(name);
}

bool
t5g_stamp_get(const char *kind, const struct t5g_stamp *s, size_t n, char *out, size_t size)
{
    char *path = path_of(kind, s, n);
    struct t5g_buf b = {0};
    bool found = false;
    if (path != NULL && t5g_own_read(path, 4096, &b, NULL) == 0 && b.n > 17) {
        char want[32];
        size_t len = b.n - 17; /* text, space, 16 hex digits */
        snprintf(want, sizeof want, " %016llx", (unsigned long long)t5g_hash64(b.p, len));
        if (memcmp(want, b.p + len, 17) == 0 && len < size) {
            memcpy(out, b.p, len);
            out[len] = '\0';
            found = true;
        }
    }
    t5g_buf_free(&b);
    t5g_free(path);
    return found;
}

void
t5g_stamp_put(const char *kind, const struct t5g_stamp *s, size_t n, const char *text)
{
    time_t now = time(NULL);
    for (size_t i = 0; i < n; i++)
        if (s[i].mtime_s + 2 > now || s[i].ctime_s + 2 > now)
            return;
    char *path = path_of(kind, s, n);
    struct t5g_buf b = {0};
    t5g_buf_printf(&b, "%s %016llx", text, (unsigned long long)t5g_hash64(text, strlen(text)));
    if (path != NULL)
        (void)t5g_own_write(path, b.p, b.n, NULL);
    t5g_buf_free(&b);
    t5g_free(path);
}
