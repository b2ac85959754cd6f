/* zipmap.c: local headers, central directory and end records of a zip (APPNOTE 4.3.7 to 4.3.16). */
#include "archive/zipmap.h"
#include "base/mem.h"

#include <stdlib.h>

enum {
    LOCAL = 30,   /* bytes of a member's local header, without its name */
    ENTRY = 46,   /* of its entry in the central directory, without its name */
    END = 22,     /* of the end record */
    LOCATOR = 20, /* of the zip64 locator before it */
    END64 = 56,   /* of the zip64 end record before that */
    WIDE = 1,     /* id of the extra field with 64-bit sizes */
    ENCRYPTED = 1,
    MEMBERS_MAX = 1 << 17,
    NAME_MAX_Z = 1024,
};

/* Where the central directory is: bytes at..end of the file, and its number of entries. */
struct directory {
    uint64_t at, end, count;
};

static bool
is(const unsigned char *p, const char *signature)
{
    return memcmp(p, signature, 4) == 0;
}

/* The zip64 end record, whose locator is before the end record. */
static int
find_wide(struct directory *d, const unsigned char *p, uint64_t end, struct t5g_err *e)
{
    if (end < LOCATOR + END64 || t5g_little(p + end - LOCATOR + 8, 8) != end - LOCATOR - END64 ||
        !is(p + end - LOCATOR - END64, "PK\6\6"))
        return t5g_err_set(e, T5G_EX_DATA, "its zip64 end record is not where it should be");
    d->end = end - LOCATOR - END64;
    const unsigned char *r = p + d->end;
    d->count = t5g_little(r + 32, 8);
    d->at = t5g_little(r + 48, 8);
    if (t5g_little(r + 4, 8) != END64 - 12 || t5g_little(r + 16, 8) != 0 ||
        t5g_little(r + 24, 8) != d->count || t5g_little(r + 40, 8) != d->end - d->at)
        return t5g_err_set(e, T5G_EX_DATA, "its zip64 end record is damaged");
    return 0;
}

static int
find_directory(struct directory *d, const unsigned char *p, size_t size, struct t5g_err *e)
{
    if (size < END || !is(p + size - END, "PK\5\6"))
        return t5g_err_set(e, T5G_EX_DATA,
                           "a zip archive without end record after %zu bytes: it is cut off, or "
                           "something was appended",
                           size);
    const unsigned char *r = p + size - END;
    d->end = size - END;
    if (d->end >= LOCATOR && is(r - LOCATOR, "PK\6\7")) {
        if (find_wide(d, p, d->end, e) < 0)
            return -1;
    } else {
        d->count = t5g_little(r + 10, 2);
        d->at = t5g_little(r + 16, 4);
        if (t5g_little(r + 4, 4) != 0 || t5g_little(r + 8, 2) != d->count ||
            t5g_little(r + 12, 4) != d->end - d->at)
            return t5g_err_set(e, T5G_EX_DATA, "its end record is damaged");
    }
    if (t5g_little(r + 20, 2) != 0)
        return t5g_err_set(e, T5G_EX_DATA, "its end record is damaged");
    if (d->at > d->end)
        return t5g_err_set(e, T5G_EX_DATA, "its list of members lies outside");
    if (d->count > MEMBERS_MAX || d->count > (d->end - d->at) / ENTRY)
        return t5g_err_set(e, T5G_EX_DATA, "its list of members names %llu",
                           (unsigned long long)d->count);
    return 0;
}

/* The 64-bit fields among the n bytes of extra fields at p; false if one is missing. */
static bool
take_wide(const unsigned char *p, size_t n, uint64_t *const fields[3])
{
    const uint64_t narrow = 0xffffffff;
    if (*fields[0] != narrow && *fields[1] != narrow && *fields[2] != narrow)
        return true;
    while (n >= 4) {
        size_t len = (size_t)t5g_little(p + 2, 2);
        if (len > n - 4)
            return false;
        bool wide = t5g_little(p, 2) == WIDE;
        p += 4;
        n -= 4 + len;
        for (size_t i = 0; i < 3 && wide; i++) {
            if (*fields[i] != narrow)
                continue;
            if (len < 8)
                return false;
            *fields[i] = t5g_little(p, 8);
            p += 8;
            len -= 8;
        }
        if (wide)
            return true;
        p += len;
    }
    return false;
}

/* The bytes of m, behind its local header at byte `local`; they end before `limit`. */
static int
place(struct t5g_zip_member *m, const unsigned char *p, uint64_t local, uint64_t limit,
      struct t5g_err *e)
{
    const char *fault = NULL;
    if (local > limit || limit - local < LOCAL)
        fault = "begins outside";
    const unsigned char *h = p + (fault == NULL ? local : 0);
    uint64_t room = fault == NULL ? limit - local - LOCAL : 0, name = 0, before = 0;
    if (fault == NULL) {
        name = t5g_little(h + 26, 2);
        before = name + t5g_little(h + 28, 2);
        if (!is(h, "PK\3\4") || name != m->name_len || name > room ||
            memcmp(h + LOCAL, m->name, m->name_len) != 0)
            fault = "has another header than the list of members says";
        else if (before > room || m->size > room - before)
            fault = "does not lie inside";
    }
    if (fault != NULL)
        return t5g_err_set(e, T5G_EX_DATA, "member '%.*s' %s", (int)m->name_len, m->name, fault);
    m->data = h + LOCAL + before;
    return 0;
}

/* The entry at p [n] to *m; its length, or 0 with e. */
static size_t
read_entry(struct t5g_zip_member *m, const unsigned char *p, size_t n, uint64_t *local,
           struct t5g_err *e)
{
    if (n < ENTRY || !is(p, "PK\1\2")) {
        t5g_err_set(e, T5G_EX_DATA, "its list of members is damaged");
        return 0;
    }
    uint64_t packed = t5g_little(p + 20, 4), method = t5g_little(p + 10, 2);
    size_t extra = (size_t)t5g_little(p + 30, 2);
    m->crc = (uint32_t)t5g_little(p + 16, 4);
    m->size = t5g_little(p + 24, 4);
    m->name = (const char *)p + ENTRY;
    m->name_len = (size_t)t5g_little(p + 28, 2);
    *local = t5g_little(p + 42, 4);
    size_t len = ENTRY + m->name_len + extra + (size_t)t5g_little(p + 32, 2);
    if (len > n || m->name_len == 0 || m->name_len > NAME_MAX_Z || t5g_little(p + 34, 2) != 0) {
        t5g_err_set(e, T5G_EX_DATA, "its list of members is damaged");
        return 0;
    }
    const char *fault = NULL;
    if (!take_wide(p + ENTRY + m->name_len, extra, (uint64_t *[]){&m->size, &packed, local}))
        fault = "has no size";
    else if ((t5g_little(p + 8, 2) & ENCRYPTED) != 0)
        fault = "is encrypted";
    else if (method != 0 || packed != m->size)
        fault = "is compressed, expected it as it is";
    if (fault == NULL)
        return len;
    t5g_err_set(e, T5G_EX_DATA, "member '%.*s' %s", (int)m->name_len, m->name, fault);
    return 0;
}

static int
compare(const void *a, const void *b)
{
    const struct t5g_zip_member *x = a, *y = b;
    int r = memcmp(x->name, y->name, t5g_min(x->name_len, y->name_len));
    return r != 0 ? r : (x->name_len > y->name_len) - (x->name_len < y->name_len);
}

int
t5g_zipmap_read(struct t5g_zipmap *z, const unsigned char *p, size_t size, struct t5g_err *e)
{
    struct directory d = {0};
    if (find_directory(&d, p, size, e) < 0)
        return -1;
    uint64_t at = d.at;
    z->v = t5g_alloc((size_t)d.count, sizeof *z->v);
    for (; z->n < d.count; z->n++) {
        struct t5g_zip_member *m = &z->v[z->n];
        uint64_t local;
        size_t len = read_entry(m, p + at, (size_t)(d.end - at), &local, e);
        if (len == 0 || place(m, p, local, d.at, e) < 0)
            return -1;
        at += len;
    }
    if (at != d.end)
        return t5g_err_set(e, T5G_EX_DATA, "its list of members is damaged");
    if (z->n == 0)
        return t5g_err_set(e, T5G_EX_DATA, "a zip archive without members");
    z->first = z->v[0].name;
    z->first_len = z->v[0].name_len;
    qsort(z->v, z->n, sizeof *z->v, compare);
    for (size_t i = 1; i < z->n; i++)
        if (compare(&z->v[i - 1], &z->v[i]) == 0)
            return t5g_err_set(e, T5G_EX_DATA, "member '%.*s' occurs twice", (int)z->v[i].name_len,
                               z->v[i].name);
    return 0;
}

const struct t5g_zip_member *
t5g_zipmap_find(const struct t5g_zipmap *z, const char *name, size_t n)
{
    struct t5g_zip_member key = {.name = name, .name_len = n};
    return z->n > 0 ? bsearch(&key, z->v, z->n, sizeof *z->v, compare) : NULL;
}

void
t5g_zipmap_free(struct t5g_zipmap *z)
{
    t5g_free(z->v);
    *z = (struct t5g_zipmap){0};
}
