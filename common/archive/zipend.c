/* zipend.c: end records of zip archives (APPNOTE 4.3.14 to 4.3.16). */
#include "archive/zipend.h"
#include "base/mem.h"

#include <string.h>
#include <unistd.h>

enum {
    END = 22,     /* bytes of the end record, without its comment */
    LOCATOR = 20, /* of the zip64 locator before it */
    END64 = 56,   /* of the zip64 end record */
    COMMENT_MAX = 65535,
};

/* The count in the zip64 end record that the locator at p points to, or the one right before it. */
static bool
count64(int fd, const unsigned char *p, uint64_t at, uint64_t *count)
{
    unsigned char r[END64];
    uint64_t places[] = {t5g_little(p + 8, 8), at - END64};
    for (size_t i = 0; i < T5G_LEN(places); i++)
        if (places[i] < at && pread(fd, r, END64, (off_t)places[i]) == END64 &&
            memcmp(r, "PK\6\6", 4) == 0) {
            *count = t5g_little(r + 32, 8);
            return true;
        }
    return false;
}

static int
find(int fd, const unsigned char *p, size_t n, uint64_t at, uint64_t *count, bool *wide,
     struct t5g_err *e)
{
    for (size_t i = n < END ? 0 : n - END + 1; i-- > 0;) {
        const unsigned char *end = p + i;
        if (memcmp(end, "PK\5\6", 4) != 0 || t5g_little(end + 20, 2) > n - i - END)
            continue;
        *count = t5g_little(end + 10, 2);
        *wide = i >= LOCATOR && memcmp(end - LOCATOR, "PK\6\7", 4) == 0 &&
                count64(fd, end - LOCATOR, at + i - LOCATOR, count);
        uint64_t part = t5g_little(end + 4, 2);
        if (part != 0 && part != 0xffff)
            return t5g_err_set(e, T5G_EX_DATA, "a zip archive in several parts");
        return 0;
    }
    return t5g_err_set(e, T5G_EX_DATA, "truncated or damaged: its list of members has no end");
}

int
t5g_zipend_count(int fd, uint64_t size, uint64_t *count, bool *wide, struct t5g_err *e)
{
    uint64_t look = END + COMMENT_MAX + LOCATOR;
    size_t n = (size_t)(size < look ? size : look);
    unsigned char *p = t5g_alloc_raw(n, 1);
    ssize_t got = pread(fd, p, n, (off_t)(size - n));
    int r = got == (ssize_t)n ? find(fd, p, n, size - n, count, wide, e)
                              : t5g_err_sys(e, T5G_EX_IO, "cannot read");
    t5g_free(p);
    return r;
}
