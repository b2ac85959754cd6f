/* index_import.c: JSON objects to documents. */
#include "convert/convert.h"
#include "base/hash.h"
#include "base/jsonstr.h"
#include "cli/program.h"

#include <string.h>

enum { ID, DOC, FRAMES, CLOSE, ERROR, DOC_KEYS };

static int
take_document(struct t5g_importer *im, const struct t5g_json_span *m, struct t5g_err *e)
{
    struct t5g_buf id = {0}, meta = {0};
    struct t5g_json_span element = {0};
    uint64_t frames = 0;
    t5g_json_span_decode(&id, &m[ID]);
    uint64_t key = t5g_doc_key(id.p, id.n);
    t5g_import_make_meta(&meta, "id", &m[ID], &m[DOC]);
    int r = t5g_import_write_frame(im, T5G_KIND_DOC, &meta, NULL, key, e);
    for (; r == 0 && m[FRAMES].p != NULL && t5g_json_span_next(&m[FRAMES], &element); frames++)
        r = t5g_import_take_frame(im, &element, key, e);
    const struct t5g_json_span *last = t5g_json_span_starts(&m[ERROR], '{') ? &m[ERROR] : &m[CLOSE];
    meta.n = 0;
    if (t5g_json_span_starts(last, '{'))
        t5g_buf_add(&meta, last->p, last->n);
    else
        t5g_buf_adds(&meta, "{}");
    if (r == 0)
        r = t5g_import_write_frame(im, last == &m[ERROR] ? T5G_KIND_ERROR : T5G_KIND_CLOSE, &meta,
                                   NULL, key, e);
    if (r == 0 && last == &m[ERROR])
        t5g_run_failed(im->run);
    else if (r == 0)
        t5g_run_done(im->run, frames);
    t5g_buf_free(&id);
    t5g_buf_free(&meta);
    return r;
}

/* Write HEAD: that of the index with this program added, or one with this program only. */
static int
start(struct t5g_importer *im, const char *meta, size_t n, struct t5g_err *e)
{
    struct t5g_head h = {0};
    if (meta != NULL && t5g_head_read(&h, meta, n, e) < 0)
        return -1;
    int r = t5g_writer_begin(im->run->w, &h, t5g_program_name(), NULL, e);
    t5g_head_clear(&h);
    return r;
}

int
t5g_index_end(struct t5g_importer *im, struct t5g_err *e)
{
    return t5g_writer_started(im->run->w) ? 0 : start(im, NULL, 0, e);
}

/* Take one line: the HEAD of the index, or a document. */
static int
take_line(struct t5g_importer *im, const char *line, size_t n, struct t5g_err *e)
{
    static const char *const keys[DOC_KEYS] = {"id", "doc", "frames", "close", "error"};
    static const char *const head[] = {"t5g"};
    struct t5g_json_span m[DOC_KEYS], version;
    if (t5g_json_check(line, n, true, "JSON", e) < 0)
        return -1;
    t5g_json_span_pick(line, n, keys, m, DOC_KEYS);
    t5g_json_span_pick(line, n, head, &version, 1);
    if (version.p != NULL && !t5g_writer_started(im->run->w))
        return start(im, line, n, e);
    if (t5g_index_end(im, e) < 0)
        return -1;
    if (!t5g_json_span_starts(&m[ID], '"'))
        return t5g_err_set(e, T5G_EX_DATA, "expected an object with a string \"id\"");
    if (m[FRAMES].p != NULL && !t5g_json_span_starts(&m[FRAMES], '['))
        return t5g_err_set(e, T5G_EX_DATA, "\"frames\": expected an array");
    return take_document(im, m, e);
}

int
t5g_index_take(struct t5g_importer *im, const char *text, size_t n, bool last,
               struct t5g_index_place *place, size_t *taken, struct t5g_err *e)
{
    size_t at = 0;
    int r = 0;
    while (r == 0 && at < n && !im->run->stop) {
        const char *line = text + at, *nl = memchr(line, '\n', n - at);
        size_t len = nl != NULL ? (size_t)(nl - line) : n - at;
        if (nl == NULL && !last)
            break;
        place->lines++;
        if ((r = take_line(im, line, len, e)) < 0 && place->name != NULL)
            t5g_err_in(e, "%s:%zu", place->name, place->lines);
        at += len + (nl != NULL);
    }
    if (taken != NULL)
        *taken = at;
    return r;
}
