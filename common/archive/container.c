/* container.c: the magic numbers and names of packed files. */
#include "archive/container.h"
#include "base/mem.h"
#include "archive/untar.h"

#include <string.h>
#include <strings.h>

enum { TAR_BLOCK = 512 };

/* A tar header with a wrong checksum: it has the ustar magic, or octal numbers in the right places.
 */
static bool
is_damaged_tar(const unsigned char *p, size_t n)
{
    static const struct {
        size_t at, n;
    } numbers[] = {{100, 8}, {108, 8}, {116, 8}, {124, 12}, {136, 12}, {148, 8}};
    size_t well = 0;
    /* The magic is enough, even if the file ends within the header: text has no NUL. */
    if (n >= 262 && memcmp(p + 257, "ustar", 5) == 0 && memchr(p, 0, 262) != NULL)
        return true;
    if (n < TAR_BLOCK)
        return false;
    for (size_t i = 0; i < T5G_LEN(numbers); i++) {
        const unsigned char *q = p + numbers[i].at;
        size_t k = 0, end = numbers[i].n - 1;
        while (k < end && ((q[k] >= '0' && q[k] <= '7') || q[k] == ' '))
            k++;
        well += k + 2 >= numbers[i].n && (q[k] == 0 || q[k] == ' ') && q[end] <= ' ';
    }
    return well >= T5G_LEN(numbers) - 1 && memchr(p, 0, 100) != NULL;
}

/* An empty tar archive begins with its two end-of-archive blocks. */
static bool
is_zeros(const unsigned char *p, size_t n)
{
    size_t i = 0;
    while (i < n && p[i] == 0)
        i++;
    return n >= 2 * TAR_BLOCK && i == n;
}

static bool
begins(const unsigned char *p, size_t n, const char *magic, size_t m)
{
    return n >= m && memcmp(p, magic, m) == 0;
}

static const struct {
    const char *magic;
    size_t n;
} compressed[] = {
    {"\x1f\x8b\x08", 3},
    {"\xfd"
     "7zXZ\0",
     6},
    {"\x28\xb5\x2f\xfd", 4},
    {"\x04\x22\x4d\x18", 4},
    /* "BZh9" may begin a text; in a bzip2 file, digits of pi or of its square root follow. */
    {"BZh", 3},
};

/* The n bytes begin with the magic number of a compressed file or, if `part`, are a part of one. */
static bool
is_compressed(const unsigned char *p, size_t n, bool part)
{
    for (size_t i = 0; i < T5G_LEN(compressed); i++) {
        const char *magic = compressed[i].magic;
        size_t m = compressed[i].n;
        if (part ? n < m && memcmp(p, magic, n) == 0 : begins(p, n, magic, m)) {
            if (part || magic[0] != 'B')
                return true;
            return n >= 10 && (memcmp(p + 4, "\x31\x41\x59\x26\x53\x59", 6) == 0 ||
                               memcmp(p + 4, "\x17\x72\x45\x38\x50\x90", 6) == 0);
        }
    }
    return part && n > 3 && n < 10 && memcmp(p, "BZh", 3) == 0;
}

bool
t5g_packing_skippable(const unsigned char *p, size_t n)
{
    return n >= 4 && (p[0] & 0xf0) == 0x50 && memcmp(p + 1, "\x2a\x4d\x18", 3) == 0;
}

bool
t5g_packing_compressed(enum t5g_packing what)
{
    return what == T5G_GZIP || what == T5G_COMPRESSED || what == T5G_SKIPPABLE;
}

/* A cpio header: only digits, including the length of the name after it, which ends with NUL. */
static bool
is_cpio(const unsigned char *p, size_t n)
{
    bool octal = begins(p, n, "070707", 6);
    size_t digits = octal ? 76 : 110, name = 0;
    if (n <= digits || (!octal && !begins(p, n, "070701", 6) && !begins(p, n, "070702", 6)))
        return false;
    for (size_t i = 0; i < digits; i++) {
        const char *known = "0123456789abcdef", *c = strchr(known, p[i] | 0x20);
        if (p[i] < '0' || c == NULL || (octal && c - known > 7))
            return false;
        if (octal ? i >= 59 && i < 65 : i >= 94 && i < 102)
            name = name * (octal ? 8 : 16) + (size_t)(c - known);
    }
    return name > 0 && (name > n - digits || p[digits + name - 1] == 0);
}

const char *
t5g_packing_foreign(const unsigned char *p, size_t n)
{
    static const struct {
        const char *magic;
        size_t n;
        const char *name;
    } known[] = {{"Rar!\x1a\x07", 6, "a rar archive"},
                 {"!<arch>\n", 8, "an ar archive"},
                 {"!<thin>\n", 8, "an ar archive"},
                 {"MSCF\0\0\0\0", 8, "a cab archive"},
                 {"xar!\0", 5, "a xar archive"},
                 {"LZIP\1", 5, "compressed with lzip"},
                 {"\x1f\x9d", 2, "compressed with compress"},
                 {"\x1f\xa0", 2, "compressed with compress"},
                 {"\x89LZO\0", 5, "compressed with lzop"},
                 {"\x5d\0\0\x80\0", 5, "compressed with lzma"},
                 {"PK00PK\3\4", 8, "a zip archive in several parts"},
                 {"PK\7\x08PK\3\4", 8, "a zip archive in several parts"}};
    for (size_t i = 0; i < T5G_LEN(known); i++)
        if (begins(p, n, known[i].magic, known[i].n))
            return known[i].name;
    return is_cpio(p, n) ? "a cpio archive" : NULL;
}

bool
t5g_packing_begun(const unsigned char *p, size_t n)
{
    static const unsigned char frame[] = {0x2a, 0x4d, 0x18};
    if (n > 0 && n < 4 && (p[0] & 0xf0) == 0x50 && memcmp(p + 1, frame, n - 1) == 0)
        return true;
    return is_compressed(p, n, true);
}

enum t5g_packing
t5g_packing_of(const unsigned char *p, size_t n)
{
    n = t5g_min(n, T5G_PACKING_LOOK);
    if (is_compressed(p, n, false))
        return p[0] == 0x1f ? T5G_GZIP : T5G_COMPRESSED;
    if (t5g_packing_skippable(p, n))
        return T5G_SKIPPABLE;
    if (begins(p, n, "PK\3\4", 4) || begins(p, n, "PK\5\6", 4))
        return T5G_ZIP;
    if (begins(p, n, "7z\xbc\xaf\x27\x1c", 6))
        return T5G_SEVEN;
    if ((n >= TAR_BLOCK && t5g_untar_is_header(p)) || is_zeros(p, n))
        return T5G_TAR;
    return is_damaged_tar(p, n) ? T5G_TAR_DAMAGED : T5G_PLAIN;
}

/* Whether name ends in suffix, ignoring case. */
static bool
ends(const char *name, size_t n, const char *suffix)
{
    size_t m = strlen(suffix);
    return n > m && strncasecmp(name + n - m, suffix, m) == 0;
}

enum t5g_packing
t5g_packing_named(const char *name)
{
    static const char *const archives[] = {".tar", ".tgz",  ".tbz", ".tbz2",
                                           ".txz", ".tzst", ".zip", ".7z"},
                             *const packed[] = {".gz", ".bz2", ".xz", ".zst", ".lz4"};
    size_t n = strlen(name);
    for (size_t i = 0; i < T5G_LEN(archives); i++)
        if (ends(name, n, archives[i]))
            return T5G_TAR;
    for (size_t i = 0; i < T5G_LEN(packed); i++)
        if (ends(name, n, packed[i]))
            return ends(name, n - strlen(packed[i]), ".tar") ? T5G_TAR : T5G_COMPRESSED;
    return T5G_PLAIN;
}
