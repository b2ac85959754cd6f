/* stream_head.c: the meta of the HEAD frame. */
#include "stream/stream_head.h"
#include "base/json.h"
#include "base/jsonstr.h"

#include <stdio.h>
#include <string.h>

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
        } else if (take(p, "tok", h->tok, sizeof h->tok, e) < 0 ||
                   take(p, "model", h->model, sizeof h->model, e) < 0 ||
                   take(p, "num", h->num, sizeof h->num, e) < 0) {
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

int
t5g_head_agree(const struct t5g_head *a, const struct t5g_head *b, const char *name,
               struct t5g_err *e)
{
    const struct {
        const char *key, *a, *b;
    } f[] = {{"tok", a->tok, b->tok}, {"model", a->model, b->model}, {"num", a->num, b->num}};
    for (size_t i = 0; i < T5G_LEN(f); i++)
        if (f[i].a[0] != '\0' && f[i].b[0] != '\0' && strcmp(f[i].a, f[i].b) != 0)
            return t5g_err_set(e, T5G_EX_DATA,
                               "%s: HEAD: \"%s\" is %s, earlier input had %s (--force accepts it)",
                               name, f[i].key, f[i].b, f[i].a);
    return 0;
}

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

char *
t5g_head_make(const struct t5g_head *in, const char *tool, const char *tok, const char *model,
              const char *num, const char *opt)
{
    struct t5g_buf own = {0}, out = {0};
    struct t5g_json_walk w;
    t5g_buf_adds(&own, "{\"id\":");
    t5g_jsonstr_write(&own, tool, strlen(tool));
    put(&own, "vn", T5G_VERSION);
    put(&own, "tok", tok);
    put(&own, "model", model);
    put(&own, "num", num);
    if (opt != NULL)
        t5g_buf_printf(&own, ",\"opt\":%s", opt);
    t5g_buf_addc(&own, '}');
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
