/*
 * untar.c: tar archives, read sequentially.
 *
 * A member consists of blocks of 512 bytes: optional extended headers (pax: x, g; GNU: L, K), its
 * header, optional further blocks of its map of holes (GNU: S), its bytes. After the last member
 * come two blocks of zeros. Formats: POSIX.1-2001 (pax), and the GNU tar manual, "Tar Internals".
 */
#include "archive/untar.h"
#include "archive/holes.h"

#include <stdio.h>
#include <string.h>

enum {
    BLOCK = 512,
    EXTENDED_MAX = 1 << 20, /* bytes of one extended header */
    ZEROS_MAX = 1 << 26,    /* bytes of zeros read after the end */
};

/* Offsets in a header. */
enum {
    NAME = 0,
    SIZE = 124,
    CHECKSUM = 148,
    TYPE = 156,
    LINK = 157,
    MAGIC = 257,
    PREFIX = 345,
    SPARSE = 386,
    SPARSE_MORE = 482,
    REAL_SIZE = 483,
};

/* The contents of extended headers: for the next member, or of a global one for all that follow. */
struct extended {
    struct t5g_buf name, link, sparse_name; /* n = 0: absent */
    bool has_size, has_real, sparse, sparse1;
    uint64_t size, real;
};

struct t5g_untar {
    t5g_untar_fill *fill;
    t5g_untar_skip *skip; /* may be NULL */
    void *arg;
    const unsigned char *p; /* [n] bytes from fill */
    size_t n;
    uint64_t at;
    unsigned char held[BLOCK]; /* its last n_held bytes come before p; they were read ahead */
    size_t n_held;
    struct extended global, own;
    struct t5g_holes map;
    uint64_t left, padding; /* of the member in the archive: not yet read */
    uint64_t size, done;    /* of the file: bytes, and bytes returned */
    bool mapped;            /* the file is sparse */
    struct t5g_err fault;   /* of the member; code 0: none */
    struct t5g_buf name, link, payload;
    uint64_t zeros; /* bytes since the last member */
    char warning[128];
    bool ended;
};

struct t5g_untar *
t5g_untar_open(t5g_untar_fill *fill, t5g_untar_skip *skip, void *arg)
{
    struct t5g_untar *t = t5g_alloc(1, sizeof *t);
    t->fill = fill;
    t->skip = skip;
    t->arg = arg;
    return t;
}

static void
clear(struct extended *x)
{
    t5g_buf_free(&x->name);
    t5g_buf_free(&x->link);
    t5g_buf_free(&x->sparse_name);
    *x = (struct extended){0};
}

void
t5g_untar_close(struct t5g_untar *t)
{
    if (t == NULL)
        return;
    clear(&t->global);
    clear(&t->own);
    t5g_holes_free(&t->map);
    t5g_buf_free(&t->name);
    t5g_buf_free(&t->link);
    t5g_buf_free(&t->payload);
    t5g_free(t);
}

uint64_t
t5g_untar_at(const struct t5g_untar *t)
{
    return t->at;
}

const char *
t5g_untar_warning(const struct t5g_untar *t)
{
    return t->warning[0] != '\0' ? t->warning : NULL;
}

const char *
t5g_untar_plain_name(const char *name)
{
    while (strncmp(name, "./", 2) == 0)
        for (name += 2; *name == '/';)
            name++;
    return name;
}

/* ---- bytes ---- */

/* Read n bytes into buf, or discard them if it is NULL; fewer only at the end. */
static int
take(struct t5g_untar *t, void *buf, uint64_t n, uint64_t *got, struct t5g_err *e)
{
    for (*got = 0; *got < n;) {
        const void *p = t->held + BLOCK - t->n_held;
        size_t *have = t->n_held > 0 ? &t->n_held : &t->n;
        if (t->n_held == 0 && t->n == 0) {
            if (t->fill(t->arg, &p, &t->n, e) < 0)
                return -1;
            if (t->n == 0)
                return 0;
            t->p = p;
        }
        size_t some = (size_t)(n - *got < *have ? n - *got : *have);
        if (t->n_held == 0) {
            p = t->p;
            t->p += some;
        }
        if (buf != NULL)
            memcpy((char *)buf + *got, p, some);
        *have -= some;
        t->at += some;
        *got += some;
    }
    return 0;
}

static int
cut(const struct t5g_untar *t, struct t5g_err *e)
{
    return t5g_err_set(e, T5G_EX_DATA, "truncated inside a member, at byte %llu",
                       (unsigned long long)t->at);
}

static int
take_all(struct t5g_untar *t, void *buf, uint64_t n, struct t5g_err *e)
{
    uint64_t got;
    if (take(t, buf, n, &got, e) < 0)
        return -1;
    return got == n ? 0 : cut(t, e);
}

/* Skip n bytes. */
static int
pass(struct t5g_untar *t, uint64_t n, struct t5g_err *e)
{
    uint64_t got, here = t->n_held + t->n;
    if (n <= here || t->skip == NULL)
        return take_all(t, NULL, n, e);
    if (take_all(t, NULL, here, e) < 0 || t->skip(t->arg, n - here, &got, e) < 0)
        return -1;
    t->at += got;
    return got == n - here ? 0 : cut(t, e);
}

static bool
is_zero(const unsigned char *p, size_t n)
{
    return n == 0 || (p[0] == 0 && memcmp(p, p + 1, n - 1) == 0);
}

/* ---- headers ---- */

/* A number in a header: octal, or binary if the first bit is set. -1: negative or too large. */
static int
number(const unsigned char *p, size_t n, uint64_t *out)
{
    uint64_t v = 0;
    if (p[0] & 0x80) {
        v = p[0] & 0x7f;
        for (size_t i = 1; i < n; i++) {
            if (v >> 55 != 0)
                return -1;
            v = v << 8 | p[i];
        }
    } else {
        size_t i = 0;
        while (i < n && (p[i] == ' ' || p[i] == 0))
            i++;
        for (; i < n && p[i] >= '0' && p[i] <= '7'; i++)
            v = v << 3 | (p[i] - '0'); /* 12 digits at most */
    }
    *out = v;
    return v >> 62 != 0 ? -1 : 0;
}

bool
t5g_untar_is_header(const unsigned char *p)
{
    unsigned sum = 0;
    int with_sign = 0; /* some old programs summed signed bytes */
    uint64_t want;
    size_t i = CHECKSUM;
    while (i < CHECKSUM + 8 && p[i] == ' ')
        i++;
    if (i == CHECKSUM + 8 || p[i] < '0' || p[i] > '7')
        return false;
    for (i = 0; i < BLOCK; i++) {
        unsigned char c = i >= CHECKSUM && i < CHECKSUM + 8 ? ' ' : p[i];
        sum += c;
        with_sign += (signed char)c;
    }
    return number(p + CHECKSUM, 8, &want) == 0 && (want == sum || (int64_t)want == with_sign);
}

static void
set_text(struct t5g_buf *b, const void *p, size_t max)
{
    b->n = 0;
    t5g_buf_add(b, p, strnlen(p, max));
}

/* Read the contents of an extended header. */
static int
take_payload(struct t5g_untar *t, uint64_t size, struct t5g_err *e)
{
    if (size > EXTENDED_MAX)
        return t5g_err_set(e, T5G_EX_DATA, "damaged: an extended header of %llu bytes at byte %llu",
                           (unsigned long long)size, (unsigned long long)t->at);
    t->payload.n = 0;
    t5g_buf_reserve(&t->payload, size);
    if (take_all(t, t->payload.p, size, e) < 0 || pass(t, -size % BLOCK, e) < 0)
        return -1;
    t->payload.n = size;
    t->payload.p[size] = '\0';
    return 0;
}

/* The n characters at s as a decimal number. */
static bool
decimal(const char *s, size_t n, uint64_t *out)
{
    *out = 0;
    for (size_t i = 0; i < n; i++) {
        if (s[i] < '0' || s[i] > '9' || *out >> 58 != 0)
            return false;
        *out = *out * 10 + (uint64_t)(s[i] - '0');
    }
    return n > 0;
}

/* GNU.sparse.map: "offset,size,offset,size". */
static bool
read_map(struct t5g_holes *map, const char *s, size_t n)
{
    for (const char *end = s + n; s < end;) {
        const char *comma = memchr(s, ',', (size_t)(end - s));
        uint64_t v;
        if (comma == NULL)
            comma = end;
        if (!decimal(s, (size_t)(comma - s), &v))
            return false;
        t5g_holes_number(map, v);
        s = comma < end ? comma + 1 : end;
    }
    return true;
}

static bool
is(const char *key, size_t n, const char *s)
{
    return n == strlen(s) && memcmp(key, s, n) == 0;
}

/* One record of a pax header. false: its value is invalid. */
static bool
pax_record(struct t5g_untar *t, struct extended *x, const char *key, size_t n, const char *value,
           size_t m)
{
    struct t5g_buf *text = is(key, n, "path")              ? &x->name
                           : is(key, n, "linkpath")        ? &x->link
                           : is(key, n, "GNU.sparse.name") ? &x->sparse_name
                                                           : NULL;
    uint64_t v;
    if (text != NULL) {
        text->n = 0;
        t5g_buf_add(text, value, m);
        return memchr(value, '\0', m) == NULL;
    }
    if (is(key, n, "size")) {
        x->has_size = m > 0; /* an empty value cancels a global one */
        return m == 0 || (decimal(value, m, &x->size) && x->size >> 62 == 0);
    }
    if (n < 11 || memcmp(key, "GNU.sparse.", 11) != 0)
        return true;
    key += 11;
    n -= 11;
    x->sparse = true;
    if (is(key, n, "major"))
        return decimal(value, m, &v) && v <= 1 && (x->sparse1 = v == 1, true);
    if (is(key, n, "minor"))
        return decimal(value, m, &v) && v <= 1;
    if (is(key, n, "size") || is(key, n, "realsize")) {
        x->has_real = true;
        return decimal(value, m, &x->real) && x->real >> 62 == 0;
    }
    if (is(key, n, "map"))
        return read_map(&t->map, value, m);
    if (is(key, n, "offset") || is(key, n, "numbytes"))
        return decimal(value, m, &v) && (t5g_holes_number(&t->map, v), true);
    return is(key, n, "numblocks");
}

/* Parse the payload as a pax header: repeated "LENGTH KEY=VALUE\n". */
static int
read_pax(struct t5g_untar *t, struct extended *x, struct t5g_err *e)
{
    for (size_t at = 0; at < t->payload.n;) {
        const char *p = t->payload.p + at;
        const char *space = memchr(p, ' ', t->payload.n - at);
        uint64_t len = 0;
        bool well = space != NULL && decimal(p, (size_t)(space - p), &len) &&
                    len <= t->payload.n - at && len > (size_t)(space - p) + 1 && p[len - 1] == '\n';
        const char *equal = well ? memchr(space, '=', (size_t)(p + len - space)) : NULL;
        if (equal == NULL || !pax_record(t, x, space + 1, (size_t)(equal - space - 1), equal + 1,
                                         (size_t)(p + len - 1 - (equal + 1))))
            return t5g_err_set(e, T5G_EX_DATA, "damaged: the extended header before byte %llu",
                               (unsigned long long)t->at);
        at += len;
    }
    return 0;
}

/* ---- members ---- */

/* The map of an old GNU sparse file: in its header, and in blocks after it. */
static int
read_old_map(struct t5g_untar *t, const unsigned char *header, struct t5g_err *e)
{
    unsigned char block[BLOCK];
    const unsigned char *p = header + SPARSE;
    int n = 4;
    bool more = header[SPARSE_MORE] != 0;
    for (;;) {
        for (int i = 0; i < 2 * n && p[12 * i] != 0; i++) {
            uint64_t v;
            if (number(p + 12 * i, 12, &v) < 0)
                t5g_holes_spoil(&t->map);
            t5g_holes_number(&t->map, v);
        }
        if (!more)
            return 0;
        if (take_all(t, block, BLOCK, e) < 0)
            return -1;
        p = block;
        n = 21;
        more = block[504] != 0;
    }
}

/* The map of GNU sparse 1.0: decimal lines before the bytes, padded to whole blocks. */
static int
read_new_map(struct t5g_untar *t, struct t5g_err *e)
{
    unsigned char block[BLOCK];
    uint64_t v = 0, want = 0, lines = 0;
    for (bool digit = false; lines == 0 || lines <= want;) {
        if (t->left < BLOCK) {
            t5g_holes_spoil(&t->map);
            return 0;
        }
        if (take_all(t, block, BLOCK, e) < 0)
            return -1;
        t->left -= BLOCK;
        for (size_t i = 0; i < BLOCK && (lines == 0 || lines <= want); i++) {
            if (block[i] >= '0' && block[i] <= '9' && v >> 58 == 0) {
                v = v * 10 + (block[i] - '0');
                digit = true;
                continue;
            }
            if (block[i] != '\n' || !digit || (lines == 0 && v >> 40 != 0)) {
                t5g_holes_spoil(&t->map);
                return 0;
            }
            if (lines++ == 0)
                want = 2 * v;
            else
                t5g_holes_number(&t->map, v);
            v = 0;
            digit = false;
        }
    }
    return 0;
}

static void
set_names(struct t5g_untar *t, const unsigned char *header)
{
    const struct extended *x = &t->own, *g = &t->global;
    const struct t5g_buf *name = x->sparse_name.n > 0 ? &x->sparse_name
                                 : x->name.n > 0      ? &x->name
                                                      : &g->name,
                         *link = x->link.n > 0 ? &x->link : &g->link;
    t->name.n = t->link.n = 0;
    if (name->n > 0) {
        t5g_buf_adds(&t->name, name->p);
    } else {
        /* GNU tar's magic has spaces, and its headers other fields where POSIX has a prefix. */
        if (memcmp(header + MAGIC, "ustar\0", 6) == 0 && header[PREFIX] != 0) {
            set_text(&t->name, header + PREFIX, 155);
            t5g_buf_addc(&t->name, '/');
        }
        t5g_buf_add(&t->name, header + NAME, strnlen((const char *)header + NAME, 100));
    }
    if (link->n > 0)
        t5g_buf_adds(&t->link, link->p);
    else
        set_text(&t->link, header + LINK, 100);
}

/* Whether a hard link has no bytes of its own, whatever its size field: a header or the end follows
 * at once. (pax allows links with bytes.) */
static int
look_behind_link(struct t5g_untar *t, bool *none, struct t5g_err *e)
{
    unsigned char block[BLOCK];
    *none = true;
    if (t->left == 0)
        return 0;
    if (take_all(t, block, BLOCK, e) < 0)
        return -1;
    memcpy(t->held, block, BLOCK);
    t->n_held = BLOCK;
    t->at -= BLOCK;
    *none = t5g_untar_is_header(t->held) || is_zero(t->held, BLOCK);
    return 0;
}

static const char *
kind_of(int type)
{
    switch (type) {
    case '2':
        return "a symbolic link";
    case '3':
    case '4':
        return "a device";
    case '6':
        return "a named pipe";
    case 'V':
        return "the name of the archive";
    case 'N':
        return "a list of long names";
    }
    return "a part of a file that began in another archive";
}

/* Set m->type by the header's type; t->left is the size, and becomes 0 if no bytes follow. */
static int
set_type(struct t5g_untar *t, struct t5g_untar_member *m, int type, struct t5g_err *e)
{
    bool none;
    m->type = T5G_UNTAR_FILE;
    if (type == '1') {
        if (look_behind_link(t, &none, e) < 0)
            return -1;
        if (none) {
            m->type = T5G_UNTAR_LINK;
            t->left = 0;
        }
    } else if (type == '5' || type == 'D') {
        m->type = T5G_UNTAR_FOLDER;
        if (type == '5')
            t->left = 0; /* the size is room to reserve; no bytes follow */
    } else if (strchr("2346VNM", type) != NULL && type != 0) {
        m->type = T5G_UNTAR_OTHER;
        m->kind = kind_of(type);
        if (strchr("2346", type) != NULL)
            t->left = 0;
    } else if ((type == 0 || type == '0') && t->name.n > 0 && t->name.p[t->name.n - 1] == '/') {
        m->type = T5G_UNTAR_FOLDER; /* from before there were types */
    }
    return 0;
}

static int
begin_member(struct t5g_untar *t, const unsigned char *header, uint64_t size,
             struct t5g_untar_member *m, struct t5g_err *e)
{
    const struct extended *x = &t->own;
    set_names(t, header);
    t->left = x->has_size ? x->size : t->global.has_size ? t->global.size : size;
    t->fault.code = 0;
    t->done = 0;
    if (set_type(t, m, header[TYPE], e) < 0)
        return -1;
    t->padding = -t->left % BLOCK;
    t->size = t->left;
    t->mapped = m->type == T5G_UNTAR_FILE && (header[TYPE] == 'S' || x->sparse);
    if (t->mapped) {
        if (header[TYPE] == 'S') {
            if (read_old_map(t, header, e) < 0)
                return -1;
            if (number(header + REAL_SIZE, 12, &t->size) < 0)
                t5g_holes_spoil(&t->map);
        } else {
            if (x->has_real)
                t->size = x->real;
            else
                t5g_holes_spoil(&t->map);
            if (x->sparse1 && read_new_map(t, e) < 0)
                return -1;
        }
        if (!t5g_holes_fit(&t->map, t->left, t->size))
            t5g_err_set(&t->fault, T5G_EX_DATA, "damaged: its map of holes is invalid");
    }
    m->name = t->name.p;
    m->link = t->link.p;
    m->size = t->size;
    m->holes = t->fault.code == 0 && t->mapped ? t->size - t->left : 0;
    return 1;
}

/* Skip data after the end-of-archive blocks; a header in it is an error. */
static int
pass_rest(struct t5g_untar *t, const unsigned char *first, size_t n, struct t5g_err *e)
{
    unsigned char block[BLOCK];
    uint64_t from = t->at - n, got = n;
    memcpy(block, first, n);
    for (;;) {
        if (got == BLOCK && memcmp(block + MAGIC, "ustar", 5) == 0)
            return t5g_err_set(e, T5G_EX_DATA, "damaged: bytes %llu to %llu are not a header",
                               (unsigned long long)from, (unsigned long long)t->at - BLOCK);
        if (got < BLOCK)
            break;
        if (take(t, block, BLOCK, &got, e) < 0)
            return -1;
    }
    snprintf(t->warning, sizeof t->warning,
             "skipped: %llu bytes after the end of the archive, from byte %llu on",
             (unsigned long long)(t->at - from), (unsigned long long)from);
    return 0;
}

/* A block that is not a header: of zeros, or the end. 1: continue, 0: the end, -1 with e. */
static int
no_header(struct t5g_untar *t, const unsigned char *block, size_t n, struct t5g_err *e)
{
    bool zero = is_zero(block, n);
    if (zero && n == BLOCK) {
        t->zeros += BLOCK;
        if (t->zeros <= ZEROS_MAX)
            return 1;
        snprintf(t->warning, sizeof t->warning,
                 "more than %d bytes of zeros after the end of the archive: data after byte %llu "
                 "is not read",
                 ZEROS_MAX, (unsigned long long)t->at);
        return 0;
    }
    if (n == 0 && t->zeros >= BLOCK) {
        if (t->zeros == BLOCK)
            snprintf(t->warning, sizeof t->warning,
                     "one end-of-archive block instead of two, at byte %llu",
                     (unsigned long long)t->at - BLOCK);
        return 0;
    }
    if (t->zeros >= BLOCK)
        return zero ? 0 : pass_rest(t, block, n, e);
    if (n < BLOCK)
        return t5g_err_set(e, T5G_EX_DATA,
                           "truncated: the end-of-archive blocks are missing at byte %llu",
                           (unsigned long long)t->at);
    return t5g_err_set(e, T5G_EX_DATA, "damaged: the checksum of the header at byte %llu differs",
                       (unsigned long long)t->at - BLOCK);
}

/* Read an extended header. 1, 0 if it is not of that type, -1 with e. */
static int
extend(struct t5g_untar *t, int type, uint64_t size, struct t5g_err *e)
{
    if (type == 0 || strchr("xXgLK", type) == NULL)
        return 0;
    if (take_payload(t, size, e) < 0)
        return -1;
    if (type == 'L' || type == 'K')
        set_text(type == 'L' ? &t->own.name : &t->own.link, t->payload.p, t->payload.n);
    else if (read_pax(t, type == 'g' ? &t->global : &t->own, e) < 0)
        return -1;
    return 1;
}

int
t5g_untar_next(struct t5g_untar *t, struct t5g_untar_member *m, struct t5g_err *e)
{
    unsigned char block[BLOCK];
    uint64_t got, size;
    *m = (struct t5g_untar_member){0};
    if (pass(t, t->left + t->padding, e) < 0)
        return -1;
    t->left = t->padding = t->size = 0;
    clear(&t->own);
    t5g_holes_clear(&t->map);
    m->at = t->at;
    for (bool begun = false; !t->ended;) {
        if (take(t, block, BLOCK, &got, e) < 0)
            return -1;
        if (got < BLOCK || !t5g_untar_is_header(block)) {
            if (begun)
                return t5g_err_set(e, T5G_EX_DATA, "damaged: no header at byte %llu",
                                   (unsigned long long)(t->at - got));
            int r = no_header(t, block, got, e);
            if (r < 0)
                return -1;
            t->ended = r == 0;
            m->at = t->at;
            continue;
        }
        t->zeros = 0;
        if (number(block + SIZE, 12, &size) < 0)
            return t5g_err_set(e, T5G_EX_DATA, "damaged: a size in the header at byte %llu",
                               (unsigned long long)t->at - BLOCK);
        int r = extend(t, block[TYPE], size, e);
        if (r < 0)
            return -1;
        if (r == 0)
            return begin_member(t, block, size, m, e);
        begun = block[TYPE] != 'g';
    }
    return 0;
}

int
t5g_untar_read(struct t5g_untar *t, void *buf, size_t n, size_t *got, struct t5g_err *e)
{
    uint64_t run = t->size - t->done, some;
    bool bytes = true;
    *got = 0;
    if (t->fault.code != 0) {
        *e = t->fault;
        return 1;
    }
    if (t->mapped && run > 0)
        bytes = t5g_holes_run(&t->map, t->done, t->size, &run);
    some = run < n ? run : n;
    if (bytes && take_all(t, buf, some, e) < 0)
        return -1;
    if (bytes)
        t->left -= some;
    else
        memset(buf, 0, (size_t)some);
    t->done += some;
    *got = (size_t)some;
    return 0;
}
