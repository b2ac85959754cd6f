/* tarread.c: tar archives with hard links resolved. */
#include "archive/tarread.h"
#include "archive/filter.h"
#include "archive/links.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 1 << 16 };

/* A position in a regular file. */
struct place {
    int fd;
    uint64_t at;
    char *block; /* [BLOCK] */
};

struct t5g_tarread {
    struct place main, other;
    struct t5g_untar *tar;
    struct t5g_untar *linked;   /* not NULL: a second reader, at the target of a hard link */
    const struct t5g_buf *kept; /* not NULL: the bytes of that target */
    size_t at_kept;
    struct t5g_links *links;
    struct t5g_buf name, bytes; /* of the current member, to be kept for links to it */
    bool keeping;
    uint64_t size;
    uint64_t grown;       /* bytes added by holes and links */
    uint64_t packed;      /* bytes of the archive as stored */
    struct t5g_err fault; /* of the current member; code 0: none */
};

/* ---- positions ---- */

static int
fill_place(void *arg, const void **p, size_t *n, struct t5g_err *e)
{
    struct place *place = arg;
    ssize_t got;
    if (place->block == NULL)
        place->block = t5g_alloc_raw(BLOCK, 1);
    do
        got = pread(place->fd, place->block, BLOCK, (off_t)place->at);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return t5g_err_sys(e, T5G_EX_IO, "cannot read");
    place->at += (uint64_t)got;
    *p = place->block;
    *n = (size_t)got;
    return 0;
}

static int
skip_place(void *arg, uint64_t n, uint64_t *done, struct t5g_err *e)
{
    struct place *place = arg;
    struct stat st;
    if (fstat(place->fd, &st) < 0)
        return t5g_err_sys(e, T5G_EX_IO, "cannot read");
    uint64_t size = (uint64_t)st.st_size, left = size > place->at ? size - place->at : 0;
    *done = n < left ? n : left;
    place->at += *done;
    return 0;
}

struct t5g_tarread *
t5g_tarread_open(int fd, t5g_untar_fill *fill, void *arg)
{
    struct t5g_tarread *t = t5g_alloc(1, sizeof *t);
    t->main.fd = t->other.fd = fd;
    if (fd >= 0) {
        t->tar = t5g_untar_open(fill_place, skip_place, &t->main);
    } else {
        t->tar = t5g_untar_open(fill, NULL, arg);
        t->links = t5g_links_open();
    }
    return t;
}

void
t5g_tarread_close(struct t5g_tarread *t)
{
    if (t == NULL)
        return;
    t5g_untar_close(t->tar);
    t5g_untar_close(t->linked);
    t5g_links_close(t->links);
    t5g_free(t->main.block);
    t5g_free(t->other.block);
    t5g_buf_free(&t->name);
    t5g_buf_free(&t->bytes);
    t5g_free(t);
}

const char *
t5g_tarread_warning(const struct t5g_tarread *t)
{
    return t5g_untar_warning(t->tar);
}

/* ---- members ---- */

static int
read_some(struct t5g_tarread *t, void *buf, size_t n, size_t *got, struct t5g_err *e)
{
    *got = 0;
    if (t->fault.code != 0) {
        *e = t->fault;
        return 1;
    }
    if (t->linked != NULL)
        return t5g_untar_read(t->linked, buf, n, got, e);
    if (t->kept == NULL)
        return t5g_untar_read(t->tar, buf, n, got, e);
    *got = t5g_min(n, t->kept->n - t->at_kept);
    memcpy(buf, t->kept->p + t->at_kept, *got);
    t->at_kept += *got;
    return 0;
}

int
t5g_tarread_read(struct t5g_tarread *t, void *buf, size_t n, size_t *got, struct t5g_err *e)
{
    int r = read_some(t, buf, n, got, e);
    if (t->keeping && r != 0)
        t->keeping = false;
    if (t->keeping)
        t5g_buf_add(&t->bytes, buf, *got);
    return r;
}

/* Read the rest of a member that a link may point to, and keep the whole of it. */
static int
keep(struct t5g_tarread *t, struct t5g_err *e)
{
    if (t->main.fd >= 0 || t->name.n == 0)
        return 0;
    for (size_t got = 1; t->keeping && got > 0;) {
        char some[4096];
        if (t5g_tarread_read(t, some, sizeof some, &got, e) < 0)
            return -1;
    }
    t5g_links_keep(t->links, t->name.p, t->bytes.p, t->keeping ? t->bytes.n : SIZE_MAX);
    t->name.n = 0;
    return 0;
}

/* At the first hard link: record the places of all members before it. */
static int
list_places(struct t5g_tarread *t, uint64_t until, struct t5g_err *e)
{
    struct t5g_untar_member m;
    int r;
    t->links = t5g_links_open();
    t->other.at = 0;
    struct t5g_untar *tar = t5g_untar_open(fill_place, skip_place, &t->other);
    while ((r = t5g_untar_next(tar, &m, e)) == 1 && m.at < until)
        if (m.type == T5G_UNTAR_FILE)
            t5g_links_place(t->links, t5g_untar_plain_name(m.name), m.at);
    t5g_untar_close(tar);
    return r < 0 ? -1 : 0;
}

/* Count n bytes that are not stored in the archive. */
static void
grow(struct t5g_tarread *t, uint64_t n)
{
    if (n >> 62 == 0)
        t->grown += n;
    if (n >> 62 != 0 ||
        (t->grown > T5G_TARREAD_GROWTH && t->grown / T5G_FILTER_RATIO > t->packed)) {
        t->grown -= n >> 62 == 0 ? n : 0;
        t5g_err_set(&t->fault, T5G_EX_DATA, "expands more than %d times", T5G_FILTER_RATIO);
    }
}

/* The member is a hard link: find its bytes. */
static int
follow(struct t5g_tarread *t, struct t5g_untar_member *m, struct t5g_err *e)
{
    const char *target = t5g_untar_plain_name(m->link);
    struct t5g_untar_member other = {0};
    uint64_t at;
    if (t->main.fd < 0) {
        t->kept = t5g_links_find_kept(t->links, target);
        if (t->kept == NULL)
            t5g_err_set(&t->fault, T5G_EX_DATA,
                        "a hard link to %s, which is not available: give the tar as an "
                        "uncompressed file",
                        target);
        other.size = t->kept != NULL ? t->kept->n : 0;
    } else {
        if (t->links == NULL && list_places(t, m->at, e) < 0)
            return -1;
        if (!t5g_links_find_place(t->links, target, &at)) {
            t5g_err_set(&t->fault, T5G_EX_DATA, "a hard link to %s, which is not an earlier file",
                        target);
        } else {
            t5g_links_place(t->links, t5g_untar_plain_name(m->name), at);
            t->other.at = at;
            t->linked = t5g_untar_open(fill_place, skip_place, &t->other);
            if (t5g_untar_next(t->linked, &other, e) < 0)
                return -1;
        }
    }
    m->type = T5G_UNTAR_FILE;
    m->size = other.size;
    if (t->fault.code == 0)
        grow(t, other.size);
    return 0;
}

int
t5g_tarread_next(struct t5g_tarread *t, uint64_t packed, struct t5g_untar_member *m,
                 struct t5g_err *e)
{
    if (keep(t, e) < 0)
        return -1;
    t5g_untar_close(t->linked);
    t->linked = NULL;
    t->kept = NULL;
    t->at_kept = 0;
    t->keeping = false;
    t->bytes.n = 0;
    t->fault.code = 0;
    int r;
    do
        r = t5g_untar_next(t->tar, m, e);
    while (r == 1 && m->type == T5G_UNTAR_FOLDER);
    if (r <= 0 || m->type == T5G_UNTAR_OTHER)
        return r;
    t->packed = packed != 0 ? packed : t5g_untar_at(t->tar);
    bool link = m->type == T5G_UNTAR_LINK;
    if (link && follow(t, m, e) < 0)
        return -1;
    if (m->holes > 0)
        grow(t, m->holes);
    if (t->main.fd >= 0 && t->links != NULL && !link)
        t5g_links_place(t->links, t5g_untar_plain_name(m->name), m->at);
    if (t->main.fd < 0) {
        t->name.n = 0;
        t5g_buf_adds(&t->name, t5g_untar_plain_name(m->name));
        t->keeping = t->fault.code == 0 && m->holes == 0 && m->size <= T5G_LINKS_ONE;
    }
    return 1;
}
