/* records.c: the frames of a stream as text records. */
#include "cli/records.h"
#include "base/io.h"
#include "base/json.h"
#include "base/jsonstr.h"
#include "base/utf8.h"
#include "cli/common.h"
#include "cli/progress.h"

#include <string.h>

struct t5g_records {
    struct t5g_records_options o;
    struct t5g_detok detok;
    struct t5g_buf id, text, out;
    size_t sequences; /* complete ones of this document */
    bool inside;      /* a sequence with parts is under way */
    bool begun;       /* LINE and NUL: some of its text is written */
    uint64_t failed;
};

struct t5g_records *
t5g_records_open(const struct t5g_tokenizer *t, const struct t5g_records_options *o)
{
    struct t5g_records *r = t5g_alloc(1, sizeof *r);
    r->o = *o;
    t5g_detok_open(&r->detok, t, o->all);
    return r;
}

void
t5g_records_close(struct t5g_records *r)
{
    if (r == NULL)
        return;
    t5g_detok_free(&r->detok);
    t5g_buf_free(&r->id);
    t5g_buf_free(&r->text);
    t5g_buf_free(&r->out);
    t5g_free(r);
}

uint64_t
t5g_records_failed(const struct t5g_records *r)
{
    return r->failed;
}

/* One well-formed character of a text in LINE or NUL form. */
static void
put_char(struct t5g_records *r, const unsigned char *s, size_t n)
{
    uint32_t c = t5g_utf8_decode(s, n);
    bool line = r->o.form == T5G_RECORDS_LINE;
    if (c == '\n' && line && r->o.newline == T5G_NEWLINE_SPACE)
        t5g_buf_addc(&r->out, ' ');
    else if (c == '\n' && line && r->o.newline == T5G_NEWLINE_ESCAPE)
        t5g_buf_adds(&r->out, "\\n");
    else if (c == '\\' && line && r->o.newline == T5G_NEWLINE_ESCAPE)
        t5g_buf_adds(&r->out, "\\\\"); /* so that "\n" can be told from a backslash and an n */
    else if (r->o.terminal && c != '\n' && c != '\t' && (c < 0x20 || (c >= 0x7f && c < 0xa0)))
        t5g_buf_printf(&r->out, "\\x%02x", (unsigned)c);
    else
        t5g_buf_add(&r->out, s, n);
}

/* Move the decoded text so far into the output: all forms but JSON, which needs it whole. */
static void
pour(struct t5g_records *r)
{
    if (r->o.form == T5G_RECORDS_JSONL)
        return;
    const unsigned char *s = (const unsigned char *)r->text.p;
    for (size_t i = 0, n; i < r->text.n; i += n) {
        n = t5g_utf8_len(s + i, r->text.n - i, NULL);
        n = n > 0 ? n : 1;
        put_char(r, s + i, n);
    }
    r->begun = r->begun || r->text.n > 0;
    r->text.n = 0;
}

static void
end_record(struct t5g_records *r)
{
    t5g_buf_addc(&r->out, r->o.form == T5G_RECORDS_NUL ? '\0' : '\n');
    r->begun = r->inside = false;
    r->text.n = 0;
}

static void
put_member(struct t5g_records *r, const struct t5g_json *meta, const char *key)
{
    const struct t5g_json *v = t5g_json_get(meta, key);
    if (v == NULL)
        return;
    t5g_buf_printf(&r->out, ",\"%s\":", key);
    t5g_json_print(&r->out, v);
}

/* The sequence is complete: end its line, or write its object. */
static void
finish_sequence(struct t5g_records *r, const struct t5g_json *meta)
{
    t5g_detok_end(&r->detok, &r->text);
    pour(r);
    if (r->o.form == T5G_RECORDS_JSONL) {
        t5g_buf_adds(&r->out, "{\"id\":");
        t5g_jsonstr_write(&r->out, r->id.p, r->id.n);
        t5g_buf_adds(&r->out, ",\"text\":");
        t5g_jsonstr_write(&r->out, r->text.p, r->text.n);
        put_member(r, meta, "prompt");
        put_member(r, meta, "rank");
        put_member(r, meta, "score");
        put_member(r, meta, "finish");
        t5g_buf_addc(&r->out, '}');
    }
    end_record(r);
    r->sequences++;
}

static int
fail(struct t5g_records *r, const char *msg, struct t5g_err *e)
{
    t5g_warn("%.*s: %s", (int)t5g_min(r->id.n, 1000), r->id.p, msg);
    struct t5g_buf scrap = {0};
    t5g_detok_end(&r->detok, &scrap);
    t5g_buf_free(&scrap);
    if (r->o.form == T5G_RECORDS_JSONL) {
        t5g_buf_adds(&r->out, "{\"id\":");
        t5g_jsonstr_write(&r->out, r->id.p, r->id.n);
        t5g_buf_adds(&r->out, ",\"error\":");
        t5g_jsonstr_write(&r->out, msg, strlen(msg));
        t5g_buf_addc(&r->out, '}');
    }
    end_record(r);
    r->failed++;
    t5g_progress_doc(true);
    if (r->o.stop_on_error)
        return t5g_err_set(e, T5G_EX_DATA,
                           "stopped at the first failed document (--on-error stop)");
    return 0;
}

static int
take_tensor(struct t5g_records *r, const struct t5g_frame *f, struct t5g_err *e)
{
    char name[64];
    t5g_frame_name(f, name, sizeof name);
    if (strcmp(name, r->o.frame) != 0)
        return 0;
    struct t5g_json *meta = t5g_json_parse(f->meta, f->meta_len, name, e);
    if (meta == NULL)
        return -1;
    if (f->dtype == T5G_I32 && f->ndim == 1) {
        bool part = t5g_json_get(meta, "part") != NULL;
        t5g_detok_add(&r->detok, (const int32_t *)(const void *)f->data, (size_t)f->dims[0],
                      &r->text);
        t5g_progress_add(f->dims[0]);
        r->inside = true;
        if (!part || t5g_json_get(meta, "finish") != NULL)
            finish_sequence(r, meta);
        else
            pour(r);
    }
    t5g_json_free(meta);
    return 0;
}

static int
take_error(struct t5g_records *r, const struct t5g_frame *f, struct t5g_err *e)
{
    struct t5g_json *meta = t5g_json_parse(f->meta, f->meta_len, "ERROR frame", e);
    if (meta == NULL)
        return -1;
    const char *msg = t5g_json_str(t5g_json_get(meta, "msg"));
    int result = fail(r, msg != NULL ? msg : "failed upstream", e);
    t5g_json_free(meta);
    return result;
}

static int
take_close(struct t5g_records *r, struct t5g_err *e)
{
    if (r->inside)
        return fail(r, "last sequence has no end", e);
    if (r->sequences == 0)
        return fail(r,
                    strcmp(r->o.frame, "decode.ids") == 0
                        ? "no decode.ids frame: run t5g-decode before t5g-detok"
                        : "no input.ids frame",
                    e);
    t5g_progress_doc(false);
    return 0;
}

static int
take_doc(struct t5g_records *r, const struct t5g_frame *f, struct t5g_err *e)
{
    r->sequences = 0;
    r->id.n = 0;
    struct t5g_json *meta = t5g_json_parse(f->meta, f->meta_len, "DOC frame", e);
    if (meta == NULL)
        return -1;
    const char *id = t5g_json_str(t5g_json_get(meta, "id"));
    t5g_buf_adds(&r->id, id != NULL ? id : "");
    t5g_json_free(meta);
    return 0;
}

int
t5g_records_frame(struct t5g_records *r, const struct t5g_frame *f, struct t5g_err *e)
{
    int result = 0;
    switch (f->kind) {
    case T5G_KIND_DOC:
        result = take_doc(r, f, e);
        break;
    case T5G_KIND_TENSOR:
        result = take_tensor(r, f, e);
        break;
    case T5G_KIND_CLOSE:
        result = take_close(r, e);
        break;
    case T5G_KIND_ERROR:
        if (f->doc_key != 0)
            result = take_error(r, f, e);
        break;
    default:
        break;
    }
    if (r->out.n > 0 && t5g_write_full(r->o.fd, r->o.name, r->out.p, r->out.n, e) < 0)
        result = -1;
    r->out.n = 0;
    return result;
}
