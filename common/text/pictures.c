/* pictures.c: the string around pictures (transformers: processing_gemma3.py), then its ids. */
#include "text/pictures.h"
#include "base/json.h"
#include "model/config.h"
#include "model/packed.h"

#include <string.h>

#define FILE_MAX ((size_t)4 << 20)

/* A literal from tokenizer_config.json, else the usual one. */
static char *
literal(const struct t5g_json *root, const char *key, const char *usual)
{
    const char *s = t5g_json_str(t5g_json_get(root, key));
    if (s == NULL)
        s = t5g_json_str(t5g_json_get(t5g_json_get(root, "extra_special_tokens"), key));
    return t5g_strdup(s != NULL && s[0] != '\0' ? s : usual);
}

static int
read_literals(struct t5g_picture_text *p, const char *dir, struct t5g_err *e)
{
    char *path = t5g_path_join(dir, "tokenizer_config.json");
    struct t5g_buf b = {0};
    struct t5g_json *root = NULL;
    int r = t5g_model_optional(dir, "tokenizer_config.json", FILE_MAX, &b, e);
    if (r == 1)
        root = t5g_json_parse(b.p, b.n, path, e);
    bool failed = r < 0 || (r == 1 && root == NULL);
    p->boi = literal(root, "boi_token", "<start_of_image>");
    p->eoi = literal(root, "eoi_token", "<end_of_image>");
    p->soft = literal(root, "image_token", "<image_soft_token>");
    t5g_json_free(root);
    t5g_buf_free(&b);
    t5g_free(path);
    return failed ? -1 : 0;
}

int
t5g_picture_text_load(struct t5g_picture_text *p, const char *dir, const struct t5g_tokenizer *t,
                      struct t5g_err *e)
{
    struct t5g_config c;
    struct t5g_ids ids = {0};
    *p = (struct t5g_picture_text){0};
    if (t5g_config_load(&c, dir, e) < 0)
        return -1;
    p->per = c.mm_tokens;
    p->image = c.image;
    bool able = c.has_vision && c.image >= 0;
    t5g_config_clear(&c);
    if (!able)
        return t5g_err_set(e, T5G_EX_DATA, "%s/config.json: a model without pictures", dir);
    if (read_literals(p, dir, e) < 0)
        return -1;
    t5g_tokenize(t, p->soft, strlen(p->soft), T5G_TOK_BARE, &ids);
    size_t n = ids.n;
    p->soft_id = n == 1 ? ids.p[0] : -1;
    t5g_ids_free(&ids);
    if (n != 1)
        return t5g_err_set(e, T5G_EX_DATA, "%s/tokenizer.json: %s is %zu tokens, expected 1", dir,
                           p->soft, n);
    return 0;
}

void
t5g_picture_text_clear(struct t5g_picture_text *p)
{
    t5g_free(p->boi);
    t5g_free(p->eoi);
    t5g_free(p->soft);
    *p = (struct t5g_picture_text){0};
}

void
t5g_picture_text_alone(const struct t5g_picture_text *p, size_t n, struct t5g_buf *out)
{
    for (size_t i = 0; i < n; i++) {
        t5g_buf_adds(out, i > 0 ? " " : "");
        t5g_buf_adds(out, p->boi);
    }
}

/* The text for one view. */
static void
add_view(const struct t5g_picture_text *p, struct t5g_buf *out)
{
    t5g_buf_adds(out, "\n\n");
    t5g_buf_adds(out, p->boi);
    for (size_t i = 0; i < p->per; i++)
        t5g_buf_adds(out, p->soft);
    t5g_buf_adds(out, p->eoi);
    t5g_buf_adds(out, "\n\n");
}

static void
add_picture(const struct t5g_picture_text *p, size_t crops, struct t5g_buf *out)
{
    if (crops > 0)
        t5g_buf_adds(out, "Here is the original image ");
    add_view(p, out);
    if (crops > 0)
        t5g_buf_adds(out, " and here are some crops to help you see better ");
    for (size_t i = 0; i < crops; i++) {
        t5g_buf_adds(out, i > 0 ? " " : "");
        add_view(p, out);
    }
}

int
t5g_tokenize_pictures(const struct t5g_tokenizer *t, const struct t5g_picture_text *p,
                      const char *text, size_t n, const size_t *crops, size_t n_pictures,
                      unsigned flags, struct t5g_ids *out, struct t5g_err *e)
{
    struct t5g_buf whole = {0};
    const char *at = text, *end = text + n, *next;
    size_t len = strlen(p->boi), seen = 0, views = n_pictures, first = out->n, soft = 0;
    for (size_t i = 0; crops != NULL && i < n_pictures; i++)
        views += crops[i];
    for (; (next = memmem(at, (size_t)(end - at), p->boi, len)) != NULL; at = next + len, seen++) {
        t5g_buf_add(&whole, at, (size_t)(next - at));
        if (seen < n_pictures)
            add_picture(p, crops != NULL ? crops[seen] : 0, &whole);
    }
    t5g_buf_add(&whole, at, (size_t)(end - at));
    if (seen == n_pictures)
        t5g_tokenize(t, whole.p, whole.n, flags, out);
    t5g_buf_free(&whole);
    if (seen != n_pictures)
        return t5g_err_set(e, T5G_EX_DATA,
                           "%zu picture%s, but the text has %s %zu time%s: write it once where "
                           "each picture belongs",
                           n_pictures, n_pictures == 1 ? "" : "s", p->boi, seen,
                           seen == 1 ? "" : "s");
    for (size_t i = first; i < out->n; i++) {
        if (out->p[i] == p->soft_id)
            out->p[i] = p->image;
        soft += out->p[i] == p->image;
    }
    if (soft != views * p->per)
        return t5g_err_set(e, T5G_EX_DATA,
                           "%zu image tokens, %zu pictures need %zu: the text "
                           "itself holds %s",
                           soft, views, views * p->per, p->soft);
    return 0;
}
