/* members.c: the documents of an archive. */
#include "store/members.h"
#include "base/hash.h"
#include "store/object.h"

#include <string.h>
#include <strings.h>

#define JSON_MAX ((size_t)64 << 20)

struct t5g_members {
    struct t5g_unpack *u;
    const char *archive;
    bool keep_newline;
    bool ahead;    /* the member below is read up to its name */
    bool cut_name; /* which is longer than it may be */
    struct t5g_buf name, key;
    uint64_t *seen; /* [cap_seen] hashes of keys, open addressing; 0: free */
    size_t n_seen, cap_seen;
    size_t documents, skipped;
    struct t5g_buf json; /* of the document at hand */
    size_t *order;       /* [n_order] pictures as "images" names them */
    size_t n_order, cap_order;
    bool text, object; /* the document at hand has one */
};

struct t5g_members *
t5g_members_open(struct t5g_unpack *u, const char *archive, bool keep_newline)
{
    struct t5g_members *m = t5g_alloc(1, sizeof *m);
    m->u = u;
    m->archive = archive;
    m->keep_newline = keep_newline;
    m->cap_seen = 1024;
    m->seen = t5g_alloc(m->cap_seen, sizeof *m->seen);
    return m;
}

void
t5g_members_close(struct t5g_members *m)
{
    if (m == NULL)
        return;
    t5g_buf_free(&m->name);
    t5g_buf_free(&m->key);
    t5g_buf_free(&m->json);
    t5g_free(m->order);
    t5g_free(m->seen);
    t5g_free(m);
}

size_t
t5g_members_documents(const struct t5g_members *m)
{
    return m->documents;
}

size_t
t5g_members_skipped(const struct t5g_members *m)
{
    return m->skipped + t5g_unpack_skipped(m->u);
}

/* ---- keys ---- */

/* Put a key into the table; false when it is there. 8 bytes a document, doubled at half full. */
static bool
remember(struct t5g_members *m, uint64_t hash)
{
    hash = hash == 0 ? 1 : hash;
    if (2 * m->n_seen >= m->cap_seen) {
        uint64_t *old = m->seen;
        size_t n = m->cap_seen;
        m->cap_seen *= 2;
        m->seen = t5g_alloc(m->cap_seen, sizeof *m->seen);
        m->n_seen = 0;
        for (size_t i = 0; i < n; i++)
            if (old[i] != 0)
                remember(m, old[i]);
        t5g_free(old);
    }
    size_t i = hash & (m->cap_seen - 1);
    for (; m->seen[i] != 0; i = (i + 1) & (m->cap_seen - 1))
        if (m->seen[i] == hash)
            return false;
    m->seen[i] = hash;
    m->n_seen++;
    return true;
}

/* The path without what follows the first dot of its last part, and without "./" before it. */
static void
key_of(const char *name, size_t n, const char **key, size_t *len)
{
    while (n > 2 && memcmp(name, "./", 2) == 0) {
        name += 2;
        n -= 2;
    }
    size_t last = n;
    while (last > 0 && name[last - 1] != '/')
        last--;
    const char *dot = memchr(name + last, '.', n - last);
    *key = name;
    *len = dot != NULL ? (size_t)(dot - name) : n;
}

static const char *
suffix_of(const char *name)
{
    const char *slash = strrchr(name, '/'), *dot = strrchr(slash != NULL ? slash : name, '.');
    return dot != NULL ? dot : "";
}

/* ---- members ---- */

/* Any picture there is, so that none is missed in silence; t5g-vision says which it can read. */
static bool
is_picture(const unsigned char *p, size_t n)
{
    static const struct {
        size_t at;
        const char *magic;
        size_t n;
    } known[] = {{0, "\x89PNG", 4}, {0, "\xff\xd8\xff", 3}, {0, "GIF8", 4}, {8, "WEBP", 4},
                 {0, "II*\0", 4},   {0, "MM\0*", 4},        {4, "ftyp", 4}, {0, "BM", 2}};
    for (size_t i = 0; i < T5G_LEN(known); i++)
        if (n >= known[i].at + known[i].n &&
            memcmp(p + known[i].at, known[i].magic, known[i].n) == 0)
            return true;
    return n > 2 && p[0] == 'P' && p[1] >= '1' && p[1] <= '6' && strchr(" \t\n\r#", p[2]) != NULL;
}

/* A fault of this member is the document's; of the archive, the run's (-1). */
static int
member_fault(struct t5g_members *m, struct t5g_corpus_doc *d, int r, const struct t5g_err *why,
             struct t5g_err *e)
{
    if (r < 0) {
        *e = *why;
        return -1;
    }
    if (r > 0 && d->fault.code == 0) {
        d->fault = *why;
        t5g_err_in(&d->fault, "%s", m->name.p);
    }
    return 0;
}

static int
take_text(struct t5g_members *m, struct t5g_corpus_doc *d, struct t5g_err *e)
{
    struct t5g_err why = {0};
    if (m->text && d->fault.code == 0)
        t5g_err_set(&d->fault, T5G_EX_DATA, "%s: a second text", m->name.p);
    if (d->fault.code != 0)
        return 0;
    m->text = true;
    int r = t5g_unpack_read_all(m->u, T5G_TEXT_MAX, &d->text, &why);
    if (r == 0 && !m->keep_newline && d->text.n > 0 && d->text.p[d->text.n - 1] == '\n')
        d->text.p[--d->text.n] = '\0';
    return member_fault(m, d, r, &why, e);
}

/* The object is read when all members of the document are there: it names some of them. */
static int
take_json(struct t5g_members *m, struct t5g_corpus_doc *d, struct t5g_err *e)
{
    struct t5g_err why = {0};
    if (m->object && d->fault.code == 0)
        t5g_err_set(&d->fault, T5G_EX_DATA, "%s: a second object", m->name.p);
    if (d->fault.code != 0)
        return 0;
    m->object = true;
    return member_fault(m, d, t5g_unpack_read_all(m->u, JSON_MAX, &m->json, &why), &why, e);
}

static int
take_picture(struct t5g_members *m, struct t5g_corpus_doc *d, struct t5g_err *e)
{
    unsigned char first[12];
    size_t n = 0, got = 1;
    struct t5g_err why = {0};
    for (int r; n < sizeof first && got > 0; n += got)
        if ((r = t5g_unpack_read(m->u, first + n, sizeof first - n, &got, &why)) != 0)
            return member_fault(m, d, r, &why, e);
    if (!is_picture(first, n)) {
        m->skipped++;
        return 0;
    }
    if (d->fault.code != 0)
        return 0;
    size_t all = 0;
    for (size_t i = 0; i < d->n_pictures; i++)
        all += d->pictures[i].bytes.n;
    struct t5g_corpus_picture *p = t5g_corpus_doc_picture(d);
    t5g_buf_add(&p->name, m->name.p, m->name.n);
    t5g_buf_add(&p->bytes, first, n);
    if (all > T5G_TEXT_MAX) {
        t5g_err_set(&d->fault, T5G_EX_DATA, "more than %zu bytes of pictures", T5G_TEXT_MAX);
        return 0;
    }
    int r = t5g_unpack_read_all(m->u, T5G_PICTURE_MAX - n, &p->bytes, &why);
    return member_fault(m, d, r, &why, e);
}

static int
take(struct t5g_members *m, struct t5g_corpus_doc *d, struct t5g_err *e)
{
    const char *suffix = suffix_of(m->name.p);
    if (m->cut_name) { /* what it is called at its end nobody knows */
        if (d->fault.code == 0)
            t5g_err_set(&d->fault, T5G_EX_DATA, "a member's name is longer than %d bytes",
                        T5G_UNPACK_NAME_MAX);
        return 0;
    }
    if (strcasecmp(suffix, ".txt") == 0 || strcasecmp(suffix, ".md") == 0)
        return take_text(m, d, e);
    if (strcasecmp(suffix, ".json") == 0)
        return take_json(m, d, e);
    return take_picture(m, d, e);
}

/* ---- documents ---- */

/* A name in "images": the member of this path, or of this last part of a path. */
static void
name_picture(struct t5g_corpus_doc *d, const char *name, void *arg)
{
    struct t5g_members *m = arg;
    for (size_t i = 0; i < d->n_pictures; i++) {
        const char *have = d->pictures[i].name.p, *slash = strrchr(have, '/');
        if (strcmp(have, name) != 0 && (slash == NULL || strcmp(slash + 1, name) != 0))
            continue;
        if (m->n_order == m->cap_order) {
            size_t cap = 2 * m->cap_order + 8, *more = t5g_alloc(cap, sizeof *more);
            if (m->n_order > 0)
                memcpy(more, m->order, m->n_order * sizeof *more);
            t5g_free(m->order);
            m->order = more;
            m->cap_order = cap;
        }
        for (size_t k = 0; k < m->n_order; k++)
            if (m->order[k] == i)
                t5g_err_set(&d->fault, T5G_EX_DATA, "\"images\": %s: named twice", name);
        m->order[m->n_order++] = i;
        return;
    }
    t5g_err_set(&d->fault, T5G_EX_DATA, "\"images\": %s: no such picture beside it", name);
}

/* Pictures that "images" names, in that order; those it does not name are left out. */
static void
sort_pictures(struct t5g_members *m, struct t5g_corpus_doc *d)
{
    struct t5g_corpus_picture *sorted = t5g_alloc(d->cap_pictures, sizeof *sorted);
    size_t n = 0;
    for (; n < m->n_order; n++) {
        sorted[n] = d->pictures[m->order[n]];
        d->pictures[m->order[n]] = (struct t5g_corpus_picture){0};
    }
    for (size_t i = 0; i < d->cap_pictures; i++) /* buffers are kept for later ones */
        if (d->pictures[i].name.p != NULL)
            sorted[n++] = d->pictures[i];
    t5g_free(d->pictures);
    d->pictures = sorted;
    m->skipped += d->n_pictures - m->n_order;
    d->n_pictures = m->n_order;
}

static void
finish(struct t5g_members *m, struct t5g_corpus_doc *d)
{
    if (m->object && d->fault.code == 0) {
        struct t5g_object_options o = {.image = name_picture, .arg = m};
        m->n_order = 0;
        bool text = t5g_object_read(d, m->json.p != NULL ? m->json.p : "", m->json.n, "JSON", &o);
        if (text && m->text && d->fault.code == 0)
            t5g_err_set(&d->fault, T5G_EX_DATA, "a text in the object and one beside it");
        else if (m->n_order > 0 && d->fault.code == 0)
            sort_pictures(m, d);
        m->text = m->text || text;
    }
    d->has_text = m->text;
}

/* The next member that belongs to a document, up to its name. */
static int
look_ahead(struct t5g_members *m, struct t5g_err *e)
{
    struct t5g_member member;
    int r;
    while ((r = t5g_unpack_next(m->u, &member, e)) == 1) {
        const char *key;
        size_t n;
        m->name.n = 0;
        t5g_buf_add(&m->name, member.name, member.name_len);
        m->cut_name = member.cut;
        key_of(m->name.p, m->name.n, &key, &n);
        if (n > 0 && key[n - 1] != '/') {
            m->ahead = true;
            return 1;
        }
        m->skipped++; /* a hidden file has no key */
    }
    return r;
}

/* Take members while they have this key; *used: one of them was something to us. */
static int
gather(struct t5g_members *m, struct t5g_corpus_doc *d, bool *used, struct t5g_err *e)
{
    const char *key;
    size_t n, before = m->skipped;
    for (size_t taken = 0;; taken++) {
        if (taken > 0 && !m->ahead) {
            int r = look_ahead(m, e);
            if (r < 0)
                return -1;
            if (r == 0)
                return 0;
        }
        key_of(m->name.p, m->name.n, &key, &n);
        if (n != m->key.n || memcmp(key, m->key.p, n) != 0)
            return 0;
        m->ahead = false;
        if (take(m, d, e) < 0)
            return -1;
        *used = *used || m->skipped == before;
        before = m->skipped;
    }
}

int
t5g_members_next(struct t5g_members *m, struct t5g_corpus_doc *d, struct t5g_err *e)
{
    for (bool used = false; !used;) {
        const char *key;
        size_t n;
        int r = m->ahead ? 1 : look_ahead(m, e);
        if (r <= 0)
            return r;
        key_of(m->name.p, m->name.n, &key, &n);
        m->key.n = m->json.n = 0;
        t5g_buf_add(&m->key, key, n);
        m->text = m->object = false;
        d->id.n = d->text.n = d->prompt.n = d->n_pictures = 0;
        d->fault.code = 0;
        bool again = !remember(m, t5g_hash64(m->key.p, m->key.n));
        t5g_buf_adds(&d->id, m->archive);
        t5g_buf_addc(&d->id, ':');
        t5g_buf_add(&d->id, m->key.p, m->key.n);
        if (gather(m, d, &used, e) < 0)
            return -1;
        if (again)
            t5g_err_set(&d->fault, T5G_EX_DATA,
                        "this key came before: members of a document must stand together");
        finish(m, d);
        used = used && (m->text || m->object || d->n_pictures > 0 || d->fault.code != 0);
        if (used && !m->text && d->n_pictures == 0 && d->fault.code == 0)
            t5g_err_set(&d->fault, T5G_EX_DATA, "neither a text nor a picture");
    }
    m->documents++;
    return 1;
}
