/* features.c: the pictures of a document as rows of the encoder. */
#include "stage/features.h"
#include "base/json.h"
#include "base/units.h"

#include <stdio.h>
#include <string.h>

void
t5g_features_free(struct t5g_features *f)
{
    t5g_free(f->rows);
    t5g_free(f->views);
    *f = (struct t5g_features){0};
}

void
t5g_features_empty(struct t5g_features *f)
{
    f->pictures = f->total_views = 0;
    f->damaged.code = 0;
}

/* Make room for n items of size; it grows to at least twice the capacity *cap. */
static void *
grown(void *p, size_t *cap, size_t used, size_t n, size_t size)
{
    if (n <= *cap)
        return p;
    *cap = t5g_max(n, 2 * *cap);
    void *more = t5g_alloc_raw(*cap, size);
    if (used > 0)
        memcpy(more, p, used * size);
    t5g_free(p);
    return more;
}

struct part {
    const struct t5g_looker *l;
    size_t before, of; /* finished views, expected views */
};

static bool
report(void *arg, size_t done, size_t total)
{
    const struct part *p = arg;
    if (p->l->progress != NULL)
        p->l->progress(p->before * total + done, p->of * total);
    return true; /* go on: SIGTERM ends the program by itself */
}

/* Features of one view, from the cache or the tower. The key is the tower's input, not the file. */
static int
look(struct part *part, const uint8_t *pixels, float *out, struct t5g_err *e)
{
    const struct t5g_looker *l = part->l;
    const float *value = l->processor->value;
    size_t side = l->processor->size, bytes = l->tokens * l->d * sizeof *out;
    struct t5g_cache_key key;
    struct t5g_cache_entry entry;
    if (l->cache == NULL)
        return t5g_vision_run(l->vision, pixels, value, out, report, part, e);
    t5g_cache_key_open(&key, (const char *[]){"image.feat", l->identity, l->profile, NULL});
    t5g_cache_key_add(&key, T5G_U8, 3, (uint64_t[]){side, side, 3}, pixels, side * side * 3);
    t5g_cache_key_add(&key, T5G_F32, 2, (uint64_t[]){3, 256}, value, 3 * 256 * sizeof *value);
    t5g_cache_key_close(&key);
    if (t5g_cache_get(l->cache, &key, (const char *[]){"image.feat", NULL}, NULL, 0, &entry)) {
        bool right = entry.tensors[0].dtype == T5G_F32 && entry.tensors[0].size == bytes;
        if (right)
            memcpy(out, entry.tensors[0].data, bytes);
        t5g_cache_entry_close(&entry);
        if (right)
            return 0;
    }
    double before = t5g_seconds();
    if (t5g_vision_run(l->vision, pixels, value, out, report, part, e) < 0)
        return -1;
    struct t5g_cache_tensor made = {"image.feat", NULL, T5G_F32, 2, {l->tokens, l->d}, out};
    t5g_cache_put(l->cache, &key, &made, 1, NULL, 0, t5g_seconds() - before);
    return 0;
}

int
t5g_features_add(const struct t5g_looker *l, struct t5g_features *f, const void *file, size_t n,
                 size_t of, struct t5g_err *e)
{
    struct t5g_views v;
    size_t view = l->tokens * l->d, side = l->processor->size;
    if (t5g_image_read(l->reader, file, n, &v, e) < 0)
        return -1;
    if (v.damaged != 0 && f->damaged.code == 0)
        t5g_err_set(&f->damaged, T5G_EX_DATA,
                    "JPEG: coded data is damaged at byte %zu, the picture is not whole", v.damaged);
    f->rows =
        grown(f->rows, &f->cap_views, f->total_views, f->total_views + v.n, view * sizeof(float));
    for (size_t i = 0; i < v.n; i++) {
        struct part part = {l, f->total_views + i, of - f->pictures + f->total_views + v.n - 1};
        if (look(&part, v.pixels + i * side * side * 3, f->rows + (f->total_views + i) * view, e) <
            0)
            return -1;
    }
    f->views = grown(f->views, &f->cap_pictures, f->pictures, f->pictures + 1, sizeof *f->views);
    f->views[f->pictures++] = v.n;
    f->total_views += v.n;
    return 0;
}

/* Put "photo.png", or "picture 2" without a file name, before e; nothing if it is the document's
 * id. */
static void
name_picture(const struct t5g_doc *doc, const struct t5g_frame *frame, size_t k, struct t5g_err *e)
{
    struct t5g_json *meta = t5g_json_parse(frame->meta, frame->meta_len, "", NULL);
    const char *file = t5g_json_str(t5g_json_get(meta, "file"));
    if (file != NULL && strcmp(file, doc->id) != 0)
        t5g_err_in(e, "%.300s", file);
    else if (file == NULL)
        t5g_err_in(e, "picture %zu", k + 1);
    t5g_json_free(meta);
}

int
t5g_features_of(const struct t5g_looker *l, struct t5g_features *f, const struct t5g_doc *doc,
                struct t5g_err *e)
{
    size_t of = 0;
    bool warned = false;
    t5g_features_empty(f);
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < doc->n_items; i++) {
            const struct t5g_frame *frame = &doc->items[i];
            if (!t5g_frame_is(frame, "image.bytes"))
                continue;
            if (frame->kind != T5G_KIND_TENSOR || frame->dtype != T5G_U8 || frame->ndim != 1)
                return t5g_err_set(e, T5G_EX_DATA, "image.bytes: expected u8 [n]");
            if (pass == 0) {
                of++;
            } else if (t5g_features_add(l, f, frame->data, frame->size, of, e) < 0) {
                name_picture(doc, frame, f->pictures, e);
                return -1;
            } else if (f->damaged.code != 0 && !warned) {
                name_picture(doc, frame, f->pictures - 1, &f->damaged);
                warned = true;
            }
        }
    return 0;
}

int
t5g_features_write(const struct t5g_looker *l, const struct t5g_features *f, size_t k,
                   struct t5g_writer *w, struct t5g_err *e)
{
    size_t first = 0;
    for (size_t i = 0; i < k; i++)
        first += f->views[i];
    for (size_t i = first; i < first + f->views[k]; i++)
        if (t5g_writer_tensor(w, "image.feat", T5G_F32, 2, (uint64_t[]){l->tokens, l->d},
                              f->rows + i * l->tokens * l->d, NULL, e) < 0)
            return -1;
    return 0;
}

/* ---- features in place of pictures ---- */

/* How the document's ids were made from its text: the flags of t5g_tokenize (t5g-tokenize
 * --no-bos). */
static unsigned
made_with(const struct t5g_retokenizer *again, const struct t5g_doc *doc,
          const struct t5g_frame *text, const struct t5g_features *f)
{
    struct t5g_ids bare = {0};
    const struct t5g_frame *ids = t5g_doc_find(doc, "input.ids");
    bool same =
        ids != NULL &&
        t5g_tokenize_pictures(again->tokenizer, &again->around, (const char *)text->data,
                              text->size, NULL, f->pictures, T5G_TOK_BARE, &bare, NULL) == 0 &&
        ids->size == bare.n * sizeof *bare.p &&
        memcmp(ids->data, bare.p, bare.n * sizeof *bare.p) == 0;
    t5g_ids_free(&bare);
    return same ? T5G_TOK_BARE : 0;
}

int
t5g_retokenize(const struct t5g_retokenizer *again, const struct t5g_doc *doc,
               const struct t5g_features *f, struct t5g_ids *ids, struct t5g_err *e)
{
    size_t *crops = t5g_alloc(f->pictures, sizeof *crops);
    const struct t5g_frame *text;
    int r = t5g_doc_only(doc, "text", T5G_KIND_TEXT, &text, e);
    ids->n = 0;
    for (size_t i = 0; i < f->pictures; i++)
        crops[i] = f->views[i] - 1;
    if (f->total_views == f->pictures)
        r = 0; /* no text is needed */
    else if (r == 0)
        r = t5g_err_set(e, T5G_EX_DATA, "no text frame to put crops into (--pan-and-scan)");
    else if (r > 0)
        r = t5g_tokenize_pictures(again->tokenizer, &again->around, (const char *)text->data,
                                  text->size, crops, f->pictures, made_with(again, doc, text, f),
                                  ids, e);
    t5g_free(crops);
    return r;
}

int
t5g_features_put(const struct t5g_looker *l, struct t5g_writer *w, const struct t5g_doc *doc,
                 const struct t5g_features *f, const struct t5g_ids *ids, struct t5g_err *e)
{
    char meta[64];
    size_t k = 0;
    if (t5g_writer_frame(w, &doc->open, e) < 0)
        return -1;
    for (size_t i = 0; i < doc->n_items; i++) {
        const struct t5g_frame *frame = &doc->items[i];
        int r;
        if (t5g_frame_is(frame, "image.bytes"))
            r = t5g_features_write(l, f, k++, w, e);
        else if (ids->n > 0 && t5g_frame_is(frame, "input.ids"))
            r = t5g_writer_tensor(w, "input.ids", T5G_I32, 1, (uint64_t[]){ids->n}, ids->p, NULL,
                                  e);
        else
            r = t5g_writer_frame(w, frame, e);
        if (r < 0)
            return -1;
    }
    snprintf(meta, sizeof meta, "{\"ntok\":%zu}", ids->n);
    return ids->n > 0 ? t5g_writer_close(w, meta, e) : t5g_writer_frame(w, &doc->close, e);
}
