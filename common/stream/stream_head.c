/* stream_head.c: the meta of the HEAD frame. */
#include "stream/stream_head.h"
#include "base/json.h"
#include "base/jsonstr.h"

#include <stdio.h>
#include <string.h>

/* How messages call what another part made. */
static const char *const made[T5G_IDS] = {
    [T5G_ID_ENCODER] = "encoder output of another encoder",
    [T5G_ID_VISION] = "image features of another vision part",
    [T5G_ID_DECODER] = "output of another decoder",
};

/* ---- reading ---- */

static int
take(const struct t5g_json *pg, const char *key, char *out, size_t size, struct t5g_err *e)
{
    const struct t5g_json *v = t5g_json_get(pg, key);
    if (v == NULL)
        return 0;
    const char *s = t5g_json_str(v);
    if (s == NULL || strlen(s) >= size)
        return t5g_err_set(e, T5G_EX_DATA,
                           "HEAD: pg: \"%s\": expected a string of at most %zu bytes", key,
                           size - 1);
    snprintf(out, size, "%s", s);
    return 0;
}

/* The members of one element of "pg". */
static int
take_entry(struct t5g_head *h, const struct t5g_json *p, struct t5g_err *e)
{
    char source[T5G_SOURCE_NAME] = "", model[T5G_HEX128] = "";
    if (take(p, "tok", h->tok, sizeof h->tok, e) < 0 ||
        take(p, "model", model, sizeof model, e) < 0 ||
        take(p, "source", source, sizeof source, e) < 0 ||
        take(p, "num", h->num, sizeof h->num, e) < 0)
        return -1;
    if (model[0] != '\0') { /* an earlier version, after which nothing is known of the parts */
        memcpy(h->model, model, sizeof model);
        memset(h->id, 0, sizeof h->id);
        memset(h->source, 0, sizeof h->source);
        h->modules[0] = '\0';
    }
    for (int i = 0; i < T5G_IDS; i++) {
        if (t5g_json_get(p, t5g_id_name((enum t5g_id)i)) == NULL)
            continue;
        if (take(p, t5g_id_name((enum t5g_id)i), h->id[i], sizeof h->id[i], e) < 0)
            return -1;
        memcpy(h->source[i], source, sizeof source);
        if (i == T5G_ID_ENCODER) {
            h->modules[0] = '\0';
            if (take(p, "modules", h->modules, sizeof h->modules, e) < 0)
                return -1;
        }
    }
    return 0;
}

int
t5g_head_read(struct t5g_head *h, const char *meta, size_t n, struct t5g_err *e)
{
    int64_t version;
    int r = -1;
    *h = (struct t5g_head){0};
    struct t5g_json *j = t5g_json_parse(meta, n, "HEAD", e);
    if (j == NULL)
        return -1;
    const struct t5g_json *pg = t5g_json_get(j, "pg");
    if (!t5g_json_int(t5g_json_get(j, "t5g"), 1, 1, &version)) {
        t5g_err_set(e, T5G_EX_DATA, "HEAD: \"t5g\": expected 1");
        goto out;
    }
    if (!t5g_json_is_array(pg)) {
        t5g_err_set(e, T5G_EX_DATA, "HEAD: \"pg\": expected an array");
        goto out;
    }
    for (const struct t5g_json *p = t5g_json_first(pg); p != NULL; p = t5g_json_next(p))
        if (!t5g_json_is_object(p)) {
            t5g_err_set(e, T5G_EX_DATA, "HEAD: \"pg\": expected objects");
            goto out;
        } else if (take_entry(h, p, e) < 0) {
            goto out;
        }
    h->meta = t5g_memdup(meta, n);
    r = 0;
out:
    t5g_json_free(j);
    return r;
}

void
t5g_head_clear(struct t5g_head *h)
{
    t5g_free(h->meta);
    *h = (struct t5g_head){0};
}

/* ---- comparing ---- */

enum { SHORT = 12 }; /* digits of an identity in messages */

/* Append "'base' (0123456789ab)", or the digits alone. */
static void
put_source(struct t5g_buf *b, const char *source, const char *id)
{
    if (source[0] != '\0')
        t5g_buf_printf(b, "'%s' (%.*s)", source, SHORT, id);
    else
        t5g_buf_printf(b, "%.*s", SHORT, id);
}

/* e for part i. first, second: how the sources are introduced. */
static int
differs(struct t5g_err *e, int i, const char *first, const char *a_source, const char *a,
        const char *second, const char *b_source, const char *b)
{
    struct t5g_buf text = {0};
    t5g_buf_printf(&text, "%s: %s ", made[i], first);
    put_source(&text, a_source, a);
    t5g_buf_printf(&text, ", %s ", second);
    put_source(&text, b_source, b);
    t5g_err_set(e, T5G_EX_DATA, "%s (--force accepts it)", text.p);
    t5g_buf_free(&text);
    return -1;
}

static bool
differ(const char *a, const char *b)
{
    return a[0] != '\0' && b[0] != '\0' && strcmp(a, b) != 0;
}

/* Whether h names one of the parts. */
static bool
names_part(const struct t5g_head *h, unsigned what)
{
    for (int i = 0; i < T5G_IDS; i++)
        if ((what & 1U << i) != 0 && h->id[i][0] != '\0')
            return true;
    return false;
}

/* Whether h has only the identity of earlier versions for what is compared; the encoder decides. */
static bool
is_old(const struct t5g_head *h, unsigned what)
{
    unsigned first = (what & T5G_BY_ENCODER) != 0 ? T5G_BY_ENCODER : what & T5G_BY_MODEL;
    return first != 0 && !names_part(h, first) && h->model[0] != '\0';
}

static int
agree_on_parts(const struct t5g_head *a, const struct t5g_head *b, unsigned what, struct t5g_err *e)
{
    bool a_old = is_old(a, what), b_old = is_old(b, what);
    if (a_old && b_old && strcmp(a->model, b->model) != 0)
        return t5g_err_set(e, T5G_EX_DATA,
                           "made with another model: %.*s, earlier input with %.*s (--force "
                           "accepts it)",
                           SHORT, b->model, SHORT, a->model);
    if (a_old != b_old && (a_old || names_part(a, what)) && (b_old || names_part(b, what)))
        return t5g_err_set(e, T5G_EX_DATA,
                           "%s by an earlier version, which had one identity for a whole model "
                           "(%.*s): it cannot be compared with %s (--force accepts it)",
                           b_old ? "made" : "earlier input was made", SHORT,
                           b_old ? b->model : a->model, b_old ? "earlier input" : "this one");
    for (int i = 0; i < T5G_IDS; i++)
        if ((what & 1U << i) != 0 && differ(a->id[i], b->id[i]))
            return differs(e, i, "made by", b->source[i], b->id[i], "earlier input by",
                           a->source[i], a->id[i]);
    bool encoders = a->id[T5G_ID_ENCODER][0] != '\0' && b->id[T5G_ID_ENCODER][0] != '\0';
    if ((what & T5G_BY_MODULES) != 0 && encoders && strcmp(a->modules, b->modules) != 0)
        return t5g_err_set(
            e, T5G_EX_DATA,
            "embeddings of other modules after the encoder: %.*s, earlier input %.*s "
            "(--force accepts it)",
            SHORT, b->modules[0] != '\0' ? b->modules : "no modules", SHORT,
            a->modules[0] != '\0' ? a->modules : "no modules");
    return 0;
}

int
t5g_head_agree(const struct t5g_head *a, const struct t5g_head *b, unsigned what, const char *name,
               struct t5g_err *e)
{
    const struct {
        const char *key, *a, *b;
        unsigned bit;
    } f[] = {{"tok", a->tok, b->tok, T5G_BY_TOKENIZER}, {"num", a->num, b->num, T5G_BY_PROFILE}};
    if (agree_on_parts(a, b, what, e) < 0)
        return t5g_err_in(e, "%s", name);
    for (size_t i = 0; i < T5G_LEN(f); i++)
        if ((what & f[i].bit) != 0 && differ(f[i].a, f[i].b))
            return t5g_err_set(e, T5G_EX_DATA,
                               "%s: HEAD: \"%s\" is %s, earlier input had %s (--force accepts it)",
                               name, f[i].key, f[i].b, f[i].a);
    return 0;
}

void
t5g_head_merge(struct t5g_head *a, const struct t5g_head *b)
{
    if (a->tok[0] == '\0')
        memcpy(a->tok, b->tok, sizeof a->tok);
    if (a->num[0] == '\0')
        memcpy(a->num, b->num, sizeof a->num);
    if (a->model[0] == '\0')
        memcpy(a->model, b->model, sizeof a->model);
    for (int i = 0; i < T5G_IDS; i++) {
        if (a->id[i][0] != '\0' || b->id[i][0] == '\0')
            continue;
        memcpy(a->id[i], b->id[i], sizeof a->id[i]);
        memcpy(a->source[i], b->source[i], sizeof a->source[i]);
        if (i == T5G_ID_ENCODER)
            memcpy(a->modules, b->modules, sizeof a->modules);
    }
}

int
t5g_head_check(const struct t5g_head *h, const struct t5g_parts *ours, unsigned what,
               struct t5g_err *e)
{
    if (is_old(h, what))
        return t5g_err_set(e, T5G_EX_DATA,
                           "made by an earlier version, which had one identity for a whole model "
                           "(%.*s): whether that was the same %s as that of '%s' is not known "
                           "(--force accepts it)",
                           SHORT, h->model,
                           (what & T5G_BY_ENCODER) != 0 ? "encoder" : "vision part", ours->source);
    for (int i = 0; i < T5G_IDS; i++)
        if ((what & 1U << i) != 0 && differ(h->id[i], ours->id[i]))
            return differs(e, i, "made by", h->source[i], h->id[i], "this model is", ours->source,
                           ours->id[i]);
    return 0;
}

/* ---- writing ---- */

static void
put(struct t5g_buf *b, const char *key, const char *value)
{
    if (value == NULL)
        return;
    t5g_buf_printf(b, ",\"%s\":", key);
    t5g_jsonstr_write(b, value, strlen(value));
}

/* Append `own` to the array `raw`, unless it is already the last element: a program that is run
 * repeatedly must not make HEAD grow. */
static void
put_chain(struct t5g_buf *out, const char *raw, size_t n, const struct t5g_buf *own)
{
    while (n > 0 && strchr(" \t\r\n", raw[n - 1]) != NULL)
        n--;
    n--; /* the bracket */
    while (n > 0 && strchr(" \t\r\n", raw[n - 1]) != NULL)
        n--;
    t5g_buf_add(out, raw, n);
    if (n < own->n || memcmp(raw + n - own->n, own->p, own->n) != 0) {
        if (raw[n - 1] != '[')
            t5g_buf_addc(out, ',');
        t5g_buf_add(out, own->p, own->n);
    }
    t5g_buf_addc(out, ']');
}

/* What a program says of itself. */
static void
put_entry(struct t5g_buf *b, const char *tool, const struct t5g_head_entry *x)
{
    t5g_buf_adds(b, "{\"id\":");
    t5g_jsonstr_write(b, tool, strlen(tool));
    put(b, "vn", T5G_VERSION);
    if (x != NULL) {
        put(b, "tok", x->tok);
        bool named = false;
        for (int i = 0; i < T5G_IDS && x->parts != NULL; i++)
            if ((x->made & 1U << i) != 0 && x->parts->id[i][0] != '\0') {
                put(b, t5g_id_name((enum t5g_id)i), x->parts->id[i]);
                named = true;
            }
        if (named && x->parts->source[0] != '\0')
            put(b, "source", x->parts->source);
        put(b, "modules", x->modules);
        put(b, "num", x->num);
        if (x->opt != NULL)
            t5g_buf_printf(b, ",\"opt\":%s", x->opt);
    }
    t5g_buf_addc(b, '}');
}

char *
t5g_head_make(const struct t5g_head *in, const char *tool, const struct t5g_head_entry *entry)
{
    struct t5g_buf own = {0}, out = {0};
    struct t5g_json_walk w;
    put_entry(&own, tool, entry);
    if (in == NULL || in->meta == NULL) {
        t5g_buf_printf(&out, "{\"t5g\":1,\"pg\":[%s]}", own.p);
    } else if (t5g_json_walk_open(&w, in->meta, strlen(in->meta))) {
        /* Copied as text, so that numbers beyond the precision of a double stay unchanged. */
        while (t5g_json_walk_next(&w)) {
            t5g_buf_addc(&out, out.n == 0 ? '{' : ',');
            t5g_buf_add(&out, w.key, w.key_len);
            t5g_buf_addc(&out, ':');
            if (t5g_jsonstr_equal(w.key, w.key_len, "pg"))
                put_chain(&out, w.value, w.value_len, &own);
            else
                t5g_buf_add(&out, w.value, w.value_len);
        }
        t5g_buf_addc(&out, '}');
    }
    t5g_buf_free(&own);
    return out.p;
}
