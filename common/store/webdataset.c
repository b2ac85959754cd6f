/*
 * webdataset.c: the documents of an archive, in one pass.
 *
 * One member is always read ahead, far enough to know its kind. A text or object begins a document,
 * which takes the following members that belong to it. A picture, or an object without "text", may
 * come before its text ("photo.1.jpg", "photo.meta.json", "photo.txt"), so such members wait as
 * long as their paths agree up to the first dot.
 */
#include "store/webdataset.h"
#include "store/keys.h"
#include "store/looks.h"
#include "store/jsondoc.h"
#include "archive/untar.h"
#include "base/utf8.h"

#include <string.h>
#include <strings.h>

#define JSON_MAX    ((size_t)64 << 20)
#define WAITING_MAX ((size_t)256 << 20) /* bytes of pictures waiting for a text */

enum { BLOCK = 1 << 16 };

/* Marks on keys. */
enum {
    TEXT = 1,  /* a text or an object has this key */
    MORE = 2,  /* ... and other members with it */
    PART = 4,  /* a text with this key would own a picture already returned */
    ALONE = 8, /* pictures without a text have this key */
};

enum kind { A_TEXT, AN_OBJECT, A_PICTURE, NO_NAME };

/* A picture or object that may belong to a later text. */
struct waiting {
    struct t5g_corpus_picture p; /* the name and bytes of either */
    bool object;
    struct t5g_err *fault; /* NULL: none */
};

struct t5g_members {
    struct t5g_unpack *u;
    struct t5g_members_options o;
    struct t5g_keys *keys;
    size_t documents;
    /* The member ahead. */
    bool ahead, ended;
    enum kind kind;
    struct t5g_buf name;    /* its path */
    struct t5g_buf first;   /* the first bytes of a picture, all bytes of an object */
    struct t5g_err trouble; /* from reading them; code 0: none */
    bool tells;             /* it is an object with a "text" */
    /* Waiting members, oldest first. */
    struct waiting *waiting; /* [cap_waiting] */
    size_t at_waiting, n_waiting, cap_waiting, waiting_bytes;
    /* The current document. */
    struct t5g_buf key, json, json_name;
    size_t bytes; /* of its pictures */
    bool text, object, object_tells;
    size_t *order; /* [n_order] indices of pictures in the order of "images" */
    size_t n_order, cap_order;
    char *block; /* [BLOCK] */
};

struct t5g_members *
t5g_members_open(struct t5g_unpack *u, const struct t5g_members_options *o)
{
    struct t5g_members *m = t5g_alloc(1, sizeof *m);
    m->u = u;
    m->o = *o;
    m->keys = t5g_keys_open();
    m->block = t5g_alloc_raw(BLOCK, 1);
    return m;
}

static void
drop_waiting(struct waiting *w)
{
    t5g_buf_free(&w->p.name);
    t5g_buf_free(&w->p.bytes);
    t5g_free(w->fault);
}

void
t5g_members_close(struct t5g_members *m)
{
    if (m == NULL)
        return;
    for (size_t i = 0; i < m->n_waiting; i++)
        drop_waiting(&m->waiting[m->at_waiting + i]);
    t5g_free(m->waiting);
    t5g_buf_free(&m->name);
    t5g_buf_free(&m->first);
    t5g_buf_free(&m->key);
    t5g_buf_free(&m->json);
    t5g_buf_free(&m->json_name);
    t5g_free(m->order);
    t5g_free(m->block);
    t5g_keys_close(m->keys);
    t5g_free(m);
}

size_t
t5g_members_documents(const struct t5g_members *m)
{
    return m->documents;
}

static void
note_skipped(const struct t5g_members *m, const char *name, const char *why)
{
    if (m->o.note != NULL)
        m->o.note(m->o.note_arg, name, why);
}

/* ---- names ---- */

/* Offset of the last component of a path. */
static size_t
last_part(const char *name)
{
    const char *slash = strrchr(name, '/');
    return slash != NULL ? (size_t)(slash - name) + 1 : 0;
}

/* Length of the path without the suffix of its last component. */
static size_t
stem(const char *name)
{
    const char *dot = strrchr(name + last_part(name), '.');
    return dot != NULL ? (size_t)(dot - name) : strlen(name);
}

/* Length of the path up to the first dot of its last component. */
static size_t
first_stem(const char *name)
{
    const char *dot = strchr(name + last_part(name), '.');
    return dot != NULL ? (size_t)(dot - name) : strlen(name);
}

/* Whether name is key[0..n), or that followed by a dot and anything without a slash. */
static bool
covers(const char *key, size_t n, const char *name)
{
    return strncmp(name, key, n) == 0 && (name[n] == '\0' || name[n] == '.') &&
           strchr(name + n, '/') == NULL;
}

static bool
one_stem(const char *a, const char *b, size_t (*of)(const char *))
{
    size_t n = of(a);
    return n == of(b) && memcmp(a, b, n) == 0;
}

/* ---- the member ahead ---- */

/* Read the first bytes of a member that is neither a text nor an object: 1 if it is a picture. */
static int
look_at(struct t5g_members *m, struct t5g_err *e)
{
    size_t got = 1;
    while (m->first.n < T5G_LOOKS && got > 0) {
        int r = t5g_unpack_read(m->u, m->block, T5G_LOOKS - m->first.n, &got, &m->trouble);
        if (r < 0)
            *e = m->trouble;
        if (r != 0)
            return r; /* an unreadable member may be a picture */
        t5g_buf_add(&m->first, m->block, got);
    }
    return t5g_looks_picture((unsigned char *)m->first.p, m->first.n) ||
           t5g_named_picture(m->name.p, m->name.n);
}

static int
load_object(struct t5g_members *m, struct t5g_err *e)
{
    int r = t5g_unpack_read_all(m->u, JSON_MAX, &m->first, &m->trouble);
    if (r < 0) {
        *e = m->trouble;
        return -1;
    }
    m->tells = r == 0 && m->first.n > 0 && t5g_object_has_text(m->first.p, m->first.n);
    return 0;
}

/* Set the kind of the member with this name. 1, 0 if it is skipped, -1 with e. */
static int
know(struct t5g_members *m, struct t5g_err *e)
{
    const char *part = m->name.p + last_part(m->name.p), *suffix = m->name.p + stem(m->name.p);
    m->trouble.code = 0;
    m->first.n = 0;
    t5g_buf_adds(&m->first, "");
    if (part[0] == '.' || part[0] == '\0') {
        note_skipped(m, m->name.p, part[0] == '.' ? "a hidden file" : "no name");
        return 0;
    }
    if (strcasecmp(suffix, ".txt") == 0 || strcasecmp(suffix, ".md") == 0) {
        m->kind = A_TEXT;
        return 1;
    }
    if (strcasecmp(suffix, ".json") == 0) {
        m->kind = AN_OBJECT;
        return load_object(m, e) < 0 ? -1 : 1;
    }
    m->kind = A_PICTURE;
    int r = look_at(m, e);
    if (r == 0)
        note_skipped(m, m->name.p, "neither a text nor a picture");
    return r;
}

/* Make the next member that is not skipped the one ahead. 1, 0 after the last, -1 with e. */
static int
look_ahead(struct t5g_members *m, struct t5g_err *e)
{
    struct t5g_member member;
    int r = 0;
    while (!m->ahead && !m->ended) {
        r = t5g_unpack_next(m->u, &member, e);
        if (r < 0)
            return -1;
        m->ended = r == 0;
        if (m->ended)
            break;
        m->name.n = 0;
        t5g_buf_adds(&m->name, t5g_untar_plain_name(member.name));
        m->kind = NO_NAME; /* the suffix of a truncated name is unknown */
        if (!member.cut && (r = know(m, e)) < 0)
            return -1;
        m->ahead = r == 1;
    }
    return m->ahead;
}

/* ---- pictures ---- */

/* Read the rest of the picture ahead into p. 0, 1 if it cannot be read (why), -1 with why. */
static int
read_picture(struct t5g_members *m, struct t5g_corpus_picture *p, struct t5g_err *why)
{
    p->name.n = p->bytes.n = 0;
    t5g_buf_add(&p->name, m->name.p, m->name.n);
    t5g_buf_add(&p->bytes, m->first.p, m->first.n);
    *why = m->trouble;
    if (why->code != 0)
        return 1;
    for (size_t got = 1; got > 0;) { /* without spare room: there may be many small ones */
        int r = t5g_unpack_read(m->u, m->block, BLOCK, &got, why);
        if (r != 0)
            return r;
        if (p->bytes.n + got > T5G_PICTURE_MAX) {
            t5g_err_set(why, T5G_EX_DATA, "more than %zu bytes", T5G_PICTURE_MAX);
            return 1;
        }
        t5g_buf_add(&p->bytes, m->block, got);
    }
    return 0;
}

static struct waiting *
first_waiting(const struct t5g_members *m)
{
    return &m->waiting[m->at_waiting];
}

/* Let the picture or object ahead wait for its text. */
static int
let_wait(struct t5g_members *m, struct t5g_err *e)
{
    struct t5g_err why = m->trouble;
    if (m->at_waiting + m->n_waiting == m->cap_waiting) {
        size_t cap = 2 * m->n_waiting + 16;
        struct waiting *more = t5g_alloc(cap, sizeof *more);
        if (m->n_waiting > 0)
            memcpy(more, first_waiting(m), m->n_waiting * sizeof *more);
        t5g_free(m->waiting);
        m->waiting = more;
        m->cap_waiting = cap;
        m->at_waiting = 0;
    }
    struct waiting *w = first_waiting(m) + m->n_waiting;
    *w = (struct waiting){.object = m->kind == AN_OBJECT};
    if (w->object) {
        t5g_buf_add(&w->p.name, m->name.p, m->name.n);
        t5g_buf_add(&w->p.bytes, m->first.p, m->first.n);
    }
    int r = w->object ? why.code != 0 : read_picture(m, &w->p, &why);
    m->n_waiting++;
    m->waiting_bytes += w->p.bytes.n;
    m->ahead = false;
    if (r < 0) {
        *e = why;
        return -1;
    }
    if (r > 0) {
        w->fault = t5g_alloc(1, sizeof *w->fault);
        *w->fault = why;
        t5g_err_in(w->fault, "%s", w->p.name.p);
    }
    return 0;
}

/* Whether the document has room for another picture; if not, that is its fault. */
static bool
has_room(struct t5g_members *m, struct t5g_corpus_doc *d)
{
    if (d->fault.code != 0)
        return false;
    if (d->n_pictures == T5G_PICTURES_MAX)
        t5g_err_set(&d->fault, T5G_EX_DATA, "more than %d pictures", T5G_PICTURES_MAX);
    else if (m->bytes > T5G_TEXT_MAX)
        t5g_err_set(&d->fault, T5G_EX_DATA, "more than %zu bytes of pictures", T5G_TEXT_MAX);
    return d->fault.code == 0;
}

/* A picture or object joins the document: none of the longer keys that it fits may be a text's. */
static void
mark_picture(struct t5g_members *m, struct t5g_corpus_doc *d, const char *name, size_t longer_than)
{
    size_t all = strlen(name);
    for (size_t n = last_part(name) + 1; n <= all; n++) {
        if (n > longer_than && (name[n] == '.' || n == all) &&
            (t5g_keys_mark(m->keys, name, n, PART) & TEXT) != 0 && d->fault.code == 0)
            t5g_err_set(&d->fault, T5G_EX_DATA,
                        "%s: its text, %.*s, came before: the members of a document must be "
                        "consecutive",
                        name, (int)n, name);
    }
}

static bool
has_key(const struct t5g_members *m, const char *name)
{
    return stem(name) == m->key.n && memcmp(name, m->key.p, m->key.n) == 0;
}

/* Make this the object of the document, swapping its bytes with *bytes. It is parsed after all
 * members are there, because it names some. Among several without "text", the one with the
 * document's key counts. */
static void
take_object(struct t5g_members *m, const char *name, struct t5g_buf *bytes, bool tells)
{
    if (m->object && !(has_key(m, name) && !has_key(m, m->json_name.p))) {
        note_skipped(m, name, "its document has another object");
        return;
    }
    if (m->object)
        note_skipped(m, m->json_name.p, "its document has another object");
    struct t5g_buf before = m->json;
    m->json = *bytes;
    *bytes = before;
    m->json_name.n = 0;
    t5g_buf_adds(&m->json_name, name);
    m->object = true;
    m->object_tells = tells;
}

/* Move the oldest waiting member into the document. */
static void
take_waiting(struct t5g_members *m, struct t5g_corpus_doc *d, size_t longer_than)
{
    struct waiting *w = first_waiting(m);
    mark_picture(m, d, w->p.name.p, longer_than);
    m->at_waiting++;
    m->n_waiting--;
    m->waiting_bytes -= w->p.bytes.n;
    if (w->fault != NULL && d->fault.code == 0)
        d->fault = *w->fault;
    if (w->object) {
        take_object(m, w->p.name.p, &w->p.bytes, false);
    } else if (has_room(m, d)) {
        struct t5g_corpus_picture *p = t5g_corpus_doc_picture(d), empty = *p;
        m->bytes += w->p.bytes.n;
        *p = w->p;
        w->p = empty;
    }
    drop_waiting(w);
}

static int
take_picture(struct t5g_members *m, struct t5g_corpus_doc *d, struct t5g_err *e)
{
    struct t5g_err why = {0};
    mark_picture(m, d, m->name.p, m->key.n);
    if (!has_room(m, d))
        return 0;
    struct t5g_corpus_picture *p = t5g_corpus_doc_picture(d);
    int r = read_picture(m, p, &why);
    m->bytes += p->bytes.n;
    if (r < 0)
        *e = why;
    if (r > 0) {
        d->fault = why;
        t5g_err_in(&d->fault, "%s", m->name.p);
    }
    return r < 0 ? -1 : 0;
}

/* ---- documents ---- */

static void
set_id(const struct t5g_members *m, struct t5g_corpus_doc *d, const char *p, size_t n)
{
    d->id.n = 0;
    t5g_buf_adds(&d->id, m->o.archive);
    t5g_buf_addc(&d->id, ':');
    t5g_buf_add(&d->id, p, n);
}

static void
set_key(struct t5g_members *m, struct t5g_corpus_doc *d, const char *name)
{
    m->key.n = 0;
    t5g_buf_add(&m->key, name, stem(name));
    set_id(m, d, m->key.p, m->key.n);
}

/* Whether the member ahead is part of the current document. */
static bool
joins(const struct t5g_members *m)
{
    const char *name = m->name.p;
    if (m->kind == A_PICTURE)
        return covers(m->key.p, m->key.n, name);
    if (m->kind == A_TEXT)
        return !m->text &&
               (has_key(m, name) || (!m->object_tells && covers(name, stem(name), m->json_name.p)));
    return m->kind == AN_OBJECT &&
           (has_key(m, name) ? !m->object || !has_key(m, m->json_name.p)
                             : !m->tells && covers(m->key.p, m->key.n, name));
}

static int
take_text(struct t5g_members *m, struct t5g_corpus_doc *d, struct t5g_err *e)
{
    struct t5g_err why = {0};
    m->text = true;
    if (d->fault.code != 0)
        return 0;
    int r = t5g_unpack_read_all(m->u, T5G_TEXT_MAX, &d->text, &why);
    if (r < 0)
        *e = why;
    if (r > 0) {
        d->fault = why;
        t5g_err_in(&d->fault, "%s", m->name.p);
    }
    if (r == 0 && !m->o.keep_newline && d->text.n > 0 && d->text.p[d->text.n - 1] == '\n')
        d->text.p[--d->text.n] = '\0';
    return r < 0 ? -1 : 0;
}

static int
take(struct t5g_members *m, struct t5g_corpus_doc *d, struct t5g_err *e)
{
    m->ahead = false;
    if (m->kind == A_PICTURE)
        return take_picture(m, d, e);
    if (m->kind == A_TEXT) {
        if (!has_key(m, m->name.p)) { /* the key so far, of an object, was longer */
            set_key(m, d, m->name.p);
            for (size_t i = 0; i < d->n_pictures; i++)
                mark_picture(m, d, d->pictures[i].name.p, m->key.n);
        }
        return take_text(m, d, e);
    }
    if (m->kind == AN_OBJECT) {
        if (m->trouble.code != 0 && d->fault.code == 0) {
            d->fault = m->trouble;
            t5g_err_in(&d->fault, "%s", m->name.p);
        }
        take_object(m, m->name.p, &m->first, m->tells);
    } else if (d->fault.code == 0)
        t5g_err_set(&d->fault, T5G_EX_DATA, "a member's name is longer than %d bytes",
                    T5G_UNPACK_NAME_MAX);
    return 0;
}

/* A name in "images": the picture with this path, or with this last component. */
static void
name_picture(struct t5g_corpus_doc *d, const char *name, void *arg)
{
    struct t5g_members *m = arg;
    name = t5g_untar_plain_name(name);
    for (size_t i = 0; i < d->n_pictures; i++) {
        const char *have = d->pictures[i].name.p;
        if (strcmp(have, name) != 0 && strcmp(have + last_part(have), name) != 0)
            continue;
        m->order = t5g_grow(m->order, m->n_order, &m->cap_order, sizeof *m->order);
        for (size_t k = 0; k < m->n_order; k++)
            if (m->order[k] == i) {
                t5g_err_set(&d->fault, T5G_EX_DATA, "\"images\": %s: named twice", name);
                return;
            }
        m->order[m->n_order++] = i;
        return;
    }
    t5g_err_set(&d->fault, T5G_EX_DATA, "\"images\": %s: no such picture beside it", name);
}

/* Put the pictures in the order of "images", leaving out those it does not name. */
static void
sort_pictures(struct t5g_members *m, struct t5g_corpus_doc *d)
{
    struct t5g_corpus_picture *sorted = t5g_alloc(d->cap_pictures, sizeof *sorted);
    size_t n = 0;
    for (; n < m->n_order; n++) {
        sorted[n] = d->pictures[m->order[n]];
        d->pictures[m->order[n]] = (struct t5g_corpus_picture){0};
    }
    for (size_t i = 0; i < d->cap_pictures; i++) { /* keep their buffers for later pictures */
        if (d->pictures[i].name.p == NULL)
            continue;
        if (i < d->n_pictures)
            note_skipped(m, d->pictures[i].name.p, "\"images\" does not name it");
        sorted[n++] = d->pictures[i];
    }
    t5g_free(d->pictures);
    d->pictures = sorted;
    d->n_pictures = m->n_order;
}

/* Two pictures of one name would be ambiguous. */
static void
check_names(struct t5g_corpus_doc *d)
{
    for (size_t i = 0; i < d->n_pictures; i++)
        for (size_t k = 0; k < i && d->fault.code == 0; k++) {
            const struct t5g_buf *a = &d->pictures[i].name, *b = &d->pictures[k].name;
            if (a->n == b->n && memcmp(a->p, b->p, a->n) == 0)
                t5g_err_set(&d->fault, T5G_EX_DATA, "%s: twice in the archive", a->p);
        }
}

/* Compare the key with earlier ones; path: that of the first text or object. */
static void
check_key(struct t5g_members *m, struct t5g_corpus_doc *d, const struct t5g_buf *path)
{
    bool more = d->n_pictures > 0 || (m->text && m->object);
    unsigned before = t5g_keys_mark(m->keys, m->key.p, m->key.n, TEXT | (more ? MORE : 0));
    if (d->fault.code != 0)
        return;
    if ((before & PART) != 0)
        t5g_err_set(&d->fault, T5G_EX_DATA,
                    "a part of it came before: the members of a document must be consecutive");
    else if ((before & TEXT) != 0 &&
             (more || (before & MORE) != 0 || (m->object && !m->object_tells)))
        t5g_err_set(&d->fault, T5G_EX_DATA,
                    "this key came before: the members of a document must be consecutive");
    else if ((before & TEXT) != 0)
        set_id(m, d, path->p, path->n);
}

/* Complete the document after its last member. path: as for check_key; NULL: it has no key. */
static void
finish(struct t5g_members *m, struct t5g_corpus_doc *d, const struct t5g_buf *path)
{
    check_names(d);
    if (m->object && d->fault.code == 0) {
        struct t5g_object_options o = {.image = name_picture, .arg = m};
        size_t mark = t5g_utf8_mark(m->json.p, m->json.n);
        m->n_order = 0;
        bool text = t5g_object_read(d, m->json.p + mark, m->json.n - mark, "JSON", &o);
        if (text && m->text && d->fault.code == 0)
            t5g_err_set(&d->fault, T5G_EX_DATA, "a text both in the object and beside it");
        else if (m->n_order > 0 && d->fault.code == 0)
            sort_pictures(m, d);
        m->text = m->text || text;
    }
    d->has_text = m->text;
    if (path != NULL && (m->text || m->object))
        check_key(m, d, path);
    if (!m->text && d->n_pictures == 0 && d->fault.code == 0)
        t5g_err_set(&d->fault, T5G_EX_DATA, "neither a text nor a picture");
}

/* Return the oldest waiting member, with those of the same object or key, as a document without a
 * text member. */
static void
give_alone(struct t5g_members *m, struct t5g_corpus_doc *d)
{
    const char *name = first_waiting(m)->p.name.p;
    size_t object = 0, n, taken = 0;
    while (object < m->n_waiting && !(first_waiting(m)[object].object &&
                                      covers(first_waiting(m)[object].p.name.p,
                                             stem(first_waiting(m)[object].p.name.p), name)))
        object++;
    bool alone = object == m->n_waiting;
    set_key(m, d, alone ? name : first_waiting(m)[object].p.name.p);
    if (alone && (t5g_keys_mark(m->keys, m->key.p, m->key.n, ALONE) & ALONE) != 0)
        set_id(m, d, name, strlen(name));
    for (n = 1; n < m->n_waiting; n++) {
        const struct waiting *w = first_waiting(m) + n;
        bool same = alone ? has_key(m, w->p.name.p) && strcmp(w->p.name.p, w[-1].p.name.p) != 0
                          : covers(m->key.p, m->key.n, w->p.name.p);
        if (!same)
            break;
    }
    for (; taken < n; taken++)
        take_waiting(m, d, alone ? 0 : m->key.n);
    struct t5g_buf path = {0};
    t5g_buf_adds(&path, m->json_name.p);
    finish(m, d, &path);
    t5g_buf_free(&path);
}

/* Return the document that begins with the member ahead and includes the waiting members. */
static int
give_document(struct t5g_members *m, struct t5g_corpus_doc *d, struct t5g_err *e)
{
    struct t5g_buf path = {0};
    bool named = m->kind != NO_NAME;
    int r;
    t5g_buf_adds(&path, m->name.p);
    set_key(m, d, m->name.p);
    while (m->n_waiting > 0)
        take_waiting(m, d, m->key.n);
    do
        r = take(m, d, e) < 0 ? -1 : look_ahead(m, e);
    while (r == 1 && named && joins(m));
    if (r >= 0)
        finish(m, d, named ? &path : NULL);
    t5g_buf_free(&path);
    return r < 0 ? -1 : 1;
}

/* The number of waiting members, from the newest back, that belong to the text or object ahead. */
static size_t
count_covered(const struct t5g_members *m)
{
    size_t k = 0, n = stem(m->name.p);
    while (k < m->n_waiting && m->kind != NO_NAME &&
           covers(m->name.p, n, first_waiting(m)[m->n_waiting - 1 - k].p.name.p))
        k++;
    return k;
}

/* Whether the member ahead may belong to a later text, together with the waiting ones. */
static bool
waits(const struct t5g_members *m)
{
    const char *name = m->name.p;
    bool may = m->kind == A_PICTURE ||
               (m->kind == AN_OBJECT && !m->tells && stem(name) > first_stem(name));
    if (!may || m->n_waiting == 0)
        return may;
    return m->n_waiting < T5G_PICTURES_MAX && m->waiting_bytes <= WAITING_MAX &&
           one_stem(name, first_waiting(m)->p.name.p, first_stem);
}

int
t5g_members_next(struct t5g_members *m, struct t5g_corpus_doc *d, struct t5g_err *e)
{
    int r;
    m->bytes = 0;
    m->json.n = m->json_name.n = 0;
    t5g_buf_adds(&m->json, "");
    t5g_buf_adds(&m->json_name, "");
    m->text = m->object = m->object_tells = false;
    while ((r = look_ahead(m, e)) == 1 && waits(m))
        if (let_wait(m, e) < 0)
            return -1;
    if (r < 0 || (r == 0 && m->n_waiting == 0))
        return r;
    if (m->n_waiting > 0 && (r == 0 || m->kind == A_PICTURE || count_covered(m) < m->n_waiting)) {
        give_alone(m, d);
    } else if (give_document(m, d, e) < 0) {
        return -1;
    }
    m->documents++;
    return 1;
}
