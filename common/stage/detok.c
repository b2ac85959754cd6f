/* detok.c: the frames of a stream as text records. */
#include "stage/detok.h"
#include "base/escape.h"
#include "base/io.h"
#include "base/json.h"
#include "base/jsonstr.h"
#include "base/stop.h"
#include "base/utf8.h"
#include "stage/ballot.h"
#include "stage/columns.h"
#include "stage/labelled.h"
#include "stage/provenance.h"
#include "cli/message.h"
#include "cli/program.h"
#include "cli/progress.h"
#include "cli/signals.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { REQUESTED_MAX = 1024 }; /* sequences of a prompt */

struct t5g_records {
    struct t5g_records_options o;
    struct t5g_detok detok;
    struct t5g_buf id, text, out;
    struct t5g_buf made;         /* provenance of this document's segment */
    size_t sequences;            /* complete sequences of this document */
    bool inside;                 /* a sequence with parts has begun */
    bool solid;                  /* trim: its first text other than white space is written */
    struct t5g_buf white;        /* trim: white space that may be its end */
    struct t5g_columns *columns; /* TSV */
    struct t5g_ids gaps, answer; /* with infill: input.ids, the current sequence so far */
    struct t5g_ballot ballot;    /* choices of the current prompt */
    uint64_t failed;
    bool given_up;   /* this document failed here: skip the rest of it */
    uint64_t tokens; /* ids of the current sequence */
    uint64_t n_ids; /* in the last frame of ids; unweighed: no decode.logprob has followed it yet */
    bool unweighed;
    struct t5g_ids input; /* input.ids, for labels of tokens */
};

struct t5g_records *
t5g_records_open(const struct t5g_tokenizer *t, const struct t5g_records_options *o)
{
    struct t5g_records *r = t5g_alloc(1, sizeof *r);
    r->o = *o;
    t5g_detok_open(&r->detok, t, o->all);
    if (o->form == T5G_RECORDS_TSV)
        r->columns = t5g_columns_open();
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
    t5g_buf_free(&r->made);
    t5g_ids_free(&r->input);
    t5g_buf_free(&r->white);
    t5g_columns_close(r->columns);
    t5g_ids_free(&r->gaps);
    t5g_ids_free(&r->answer);
    t5g_ballot_free(&r->ballot);
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
        t5g_buf_adds(&r->out, "\\\\"); /* to distinguish "\n" from a backslash and an n */
    else if (r->o.terminal && c != '\n' && c != '\t')
        t5g_escape(&r->out, (const char *)s, n, false);
    else
        t5g_buf_add(&r->out, s, n);
}

/* What Python's str.strip() removes. */
static bool
is_white(uint32_t c)
{
    return (c >= 0x1c && c <= 0x1f) || t5g_utf8_is_space(c);
}

static size_t
char_len(const char *s, size_t n)
{
    size_t len = t5g_utf8_len((const unsigned char *)s, n, NULL);
    return len > 0 ? len : 1;
}

static void
put_text(struct t5g_records *r, const char *s, size_t n)
{
    for (size_t i = 0, len; i < n; i += len) {
        len = char_len(s + i, n - i);
        put_char(r, (const unsigned char *)s + i, len);
    }
}

/* Move the text so far to *out, except for white space at its ends. */
static void
trim(struct t5g_records *r, struct t5g_buf *out)
{
    const char *s = r->text.p;
    for (size_t i = 0, len; i < r->text.n; i += len) {
        len = char_len(s + i, r->text.n - i);
        if (is_white(t5g_utf8_decode((const unsigned char *)s + i, len))) {
            if (r->solid)
                t5g_buf_add(&r->white, s + i, len);
            continue;
        }
        t5g_buf_add(out, r->white.p, r->white.n);
        t5g_buf_add(out, s + i, len);
        r->white.n = 0;
        r->solid = true;
    }
    r->text.n = 0;
}

/* In LINE and NUL form, move the text decoded so far to the output, without waiting for more. */
static void
pour(struct t5g_records *r)
{
    if (r->o.form != T5G_RECORDS_LINE && r->o.form != T5G_RECORDS_NUL)
        return;
    struct t5g_buf trimmed = {0};
    if (r->o.trim)
        trim(r, &trimmed);
    const struct t5g_buf *b = r->o.trim ? &trimmed : &r->text;
    put_text(r, b->p, b->n);
    t5g_buf_free(&trimmed);
    r->text.n = 0;
}

/* Trim a complete text, for the other forms. */
static void
trim_whole(struct t5g_records *r)
{
    struct t5g_buf trimmed = {0};
    if (!r->o.trim)
        return;
    trim(r, &trimmed);
    t5g_buf_free(&r->text);
    r->text = trimmed;
}

static void
end_record(struct t5g_records *r)
{
    if (r->o.form != T5G_RECORDS_TSV)
        t5g_buf_addc(&r->out, r->o.form == T5G_RECORDS_NUL ? '\0' : '\n');
    r->inside = r->solid = false;
    r->text.n = r->white.n = 0;
}

/* Append rows, escaped on a terminal. */
static void
put_rows(struct t5g_records *r, const struct t5g_buf *rows)
{
    if (r->o.terminal)
        put_text(r, rows->p, rows->n);
    else
        t5g_buf_add(&r->out, rows->p, rows->n);
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

/* With --provenance: what a run needs to make this record again. */
static void
put_provenance(struct t5g_records *r, const char *prompt)
{
    if (r->o.source == NULL)
        return;
    t5g_buf_adds(&r->out, ",\"provenance\":{");
    t5g_buf_add(&r->out, r->made.p, r->made.n);
    if (prompt != NULL)
        t5g_provenance_prompt(&r->out, prompt);
    t5g_buf_addc(&r->out, '}');
}

/* The text ends before the one at which the sequence was to stop, with which no earlier id ended.
 */
static void
cut(struct t5g_records *r, const struct t5g_json *meta)
{
    const char *stop = t5g_json_str(t5g_json_get(meta, "stop"));
    size_t n = stop != NULL ? strlen(stop) : 0;
    const char *at = n > 0 && r->text.n >= n ? memmem(r->text.p, r->text.n, stop, n) : NULL;
    if (at != NULL)
        r->text.n = (size_t)(at - r->text.p);
}

/* TSV: the score of a target is a cell of its own. */
static void
put_score(struct t5g_records *r, const struct t5g_json *meta, const char *prompt, uint64_t rank)
{
    struct t5g_buf number = {0};
    t5g_json_print(&number, t5g_json_get(meta, "score"));
    t5g_columns_add(r->columns, prompt, rank | T5G_COLUMN_SCORE, number.p, number.n);
    t5g_buf_free(&number);
}

/* End a complete sequence: end its line, or write its object. */
static void
finish_sequence(struct t5g_records *r, const struct t5g_json *meta)
{
    t5g_detok_end(&r->detok, &r->text);
    cut(r, meta);
    pour(r);
    if (r->o.form == T5G_RECORDS_TSV) {
        int64_t rank = 0, requested = 0;
        const char *prompt = t5g_json_str(t5g_json_get(meta, "prompt"));
        trim_whole(r);
        (void)t5g_json_int(t5g_json_get(meta, "rank"), 0, INT64_MAX, &rank);
        (void)t5g_json_int(t5g_json_get(meta, "requested"), 0, REQUESTED_MAX, &requested);
        t5g_columns_add(r->columns, prompt, (uint64_t)rank, r->text.p, r->text.n);
        if (t5g_json_get(meta, "target") != NULL && t5g_json_get(meta, "score") != NULL)
            put_score(r, meta, prompt, (uint64_t)rank);
        while (++rank < requested) /* there is none of these, but other documents may have them */
            t5g_columns_add(r->columns, prompt, (uint64_t)rank, "", 0);
    }
    if (r->o.form == T5G_RECORDS_JSONL) {
        trim_whole(r);
        t5g_buf_adds(&r->out, "{\"id\":");
        t5g_jsonstr_write(&r->out, r->id.p, r->id.n);
        t5g_buf_adds(&r->out, ",\"text\":");
        t5g_jsonstr_write(&r->out, r->text.p, r->text.n);
        put_member(r, meta, "prompt");
        put_member(r, meta, "adapter");
        put_member(r, meta, "rank");
        put_member(r, meta, "score");
        if (t5g_json_get(meta, "score") != NULL)
            t5g_buf_printf(&r->out, ",\"tokens\":%llu", (unsigned long long)r->tokens);
        put_member(r, meta, "finish");
        put_member(r, meta, "stop");
        put_provenance(r, t5g_json_str(t5g_json_get(meta, "prompt")));
        t5g_buf_addc(&r->out, '}');
    }
    end_record(r);
    r->sequences++;
}

/* The record of the choices of a prompt, if there are any: the best, and with JSONL all. */
static void
end_choices(struct t5g_records *r)
{
    struct t5g_ballot *b = &r->ballot;
    if (b->n == 0)
        return;
    t5g_ballot_sort(b);
    const struct t5g_buf *best = &b->v[0].text;
    if (r->o.form == T5G_RECORDS_JSONL) {
        t5g_ballot_json(b, r->id.p, r->id.n, &r->out);
        r->out.n--; /* its brace */
        put_provenance(r, b->prompt_text);
        t5g_buf_addc(&r->out, '}');
    } else if (r->o.form == T5G_RECORDS_TSV) {
        char p[32];
        int n =
            isfinite(b->v[0].probability) ? snprintf(p, sizeof p, "%.9g", b->v[0].probability) : 0;
        t5g_columns_add(r->columns, b->prompt_text, 0, best->p, best->n);
        t5g_columns_add(r->columns, b->prompt_text, T5G_COLUMN_PROBABILITY, p, (size_t)n);
    } else {
        put_text(r, best->p, best->n);
    }
    end_record(r);
    t5g_ballot_clear(b);
}

/* Keep a choice until all of its prompt are there. */
static void
keep_choice(struct t5g_records *r, const struct t5g_json *meta)
{
    t5g_detok_end(&r->detok, &r->text);
    trim_whole(r);
    t5g_ballot_add(&r->ballot, meta, r->text.p, r->text.n);
    r->inside = r->solid = false;
    r->text.n = r->white.n = 0;
    r->sequences++;
    if (t5g_ballot_full(&r->ballot, meta))
        end_choices(r);
}

/* Append a failed document's record, whatever it had so far. */
static void
put_failed(struct t5g_records *r, const char *tool, int64_t code, const char *msg)
{
    if (r->o.form == T5G_RECORDS_TSV) {
        struct t5g_buf rows = {0};
        t5g_columns_failed(r->columns, r->id.p, r->id.n, &rows);
        put_rows(r, &rows);
        t5g_buf_free(&rows);
    }
    if (r->o.form == T5G_RECORDS_JSONL) {
        t5g_buf_adds(&r->out, "{\"id\":");
        t5g_jsonstr_write(&r->out, r->id.p, r->id.n);
        t5g_buf_adds(&r->out, ",\"error\":");
        t5g_jsonstr_write(&r->out, msg, strlen(msg));
        t5g_buf_adds(&r->out, ",\"tool\":");
        t5g_jsonstr_write(&r->out, tool, strlen(tool));
        t5g_buf_printf(&r->out, ",\"code\":%lld,\"msg\":", (long long)code);
        t5g_jsonstr_write(&r->out, msg, strlen(msg));
        put_provenance(r, NULL);
        t5g_buf_addc(&r->out, '}');
    }
}

/* Report a document that failed here, or earlier in the program `tool`. */
static int
fail(struct t5g_records *r, const char *tool, int64_t code, const char *msg, struct t5g_err *e)
{
    bool here = strcmp(tool, t5g_program_name()) == 0;
    t5g_warn_doc(r->id.p, r->id.n, here ? NULL : tool, msg);
    struct t5g_buf scrap = {0};
    t5g_ballot_clear(&r->ballot);
    t5g_detok_end(&r->detok, &scrap);
    t5g_buf_free(&scrap);
    put_failed(r, tool, code, msg);
    end_record(r);
    r->failed++;
    t5g_progress_doc(true);
    if (r->o.stop_on_error)
        return t5g_err_set(e, T5G_EX_DATA,
                           "stopped at the first failed document (--on-error stop)");
    return 0;
}

static int
fail_here(struct t5g_records *r, const char *msg, struct t5g_err *e)
{
    return fail(r, t5g_program_name(), T5G_EX_DATA, msg, e);
}

/* Fail the document for a frame that does not fit its sequence, rather than ignore it. */
static int
misfit(struct t5g_records *r, const char *name, const char *want, struct t5g_err *e)
{
    char msg[128];
    snprintf(msg, sizeof msg, "%s: expected %s", name, want);
    r->given_up = true;
    return fail_here(r, msg, e);
}

/* The document's text with the answer in its gaps, when all of it is there. */
static void
put_filled(struct t5g_records *r, const int32_t *ids, size_t n, bool last)
{
    t5g_ids_append(&r->answer, ids, n);
    if (!last)
        return;
    t5g_infill(r->o.infill, &r->detok, r->gaps.p, r->gaps.n, r->answer.p, r->answer.n, &r->text);
    r->answer.n = 0;
}

static int
take_sequence(struct t5g_records *r, const char *name, const struct t5g_frame *f, struct t5g_err *e)
{
    if (f->kind != T5G_KIND_TENSOR || f->dtype != T5G_I32 || f->ndim != 1)
        return misfit(r, name, "i32 [n]", e);
    const int32_t *ids = (const int32_t *)(const void *)f->data;
    for (uint64_t i = 0; i < f->dims[0]; i++)
        if (ids[i] < 0)
            return misfit(r, name, "ids from 0 on", e);
    if (r->o.infill != NULL && r->gaps.n == 0)
        return misfit(r, "input.ids", "the text with gaps, before decode.ids (--infill)", e);
    struct t5g_json *meta = t5g_json_parse(f->meta, f->meta_len, name, e);
    if (meta == NULL)
        return -1;
    bool part = t5g_json_get(meta, "part") != NULL;
    bool last = !part || t5g_json_get(meta, "finish") != NULL;
    bool choice = t5g_ballot_takes(meta);
    if (!choice || t5g_ballot_begins(meta))
        end_choices(r);
    r->tokens = (r->inside ? r->tokens : 0) + f->dims[0];
    if (r->o.infill != NULL)
        put_filled(r, ids, (size_t)f->dims[0], last);
    else
        t5g_detok_add(&r->detok, ids, (size_t)f->dims[0], &r->text);
    t5g_progress_add(f->dims[0]);
    r->inside = true;
    r->n_ids = f->dims[0];
    r->unweighed = true;
    if (choice)
        keep_choice(r, meta);
    else if (last)
        finish_sequence(r, meta);
    else
        pour(r);
    t5g_json_free(meta);
    return 0;
}

/* A classifier's numbers are a record of their own: a label as text, or all of it as JSON. */
static int
take_labels(struct t5g_records *r, const struct t5g_frame *f, struct t5g_err *e)
{
    struct t5g_labelled l = {0};
    struct t5g_err own = {0};
    int result = t5g_labelled_read(&l, f, &own);
    if (result == 0 && l.tokens > 0 && l.tokens != r->input.n)
        result = t5g_err_set(&own, T5G_EX_DATA, "label.logits: %zu tokens, but %zu in input.ids",
                             l.tokens, r->input.n);
    if (result < 0) {
        t5g_labelled_free(&l);
        r->given_up = true;
        return fail_here(r, own.msg, e);
    }
    if (r->o.form == T5G_RECORDS_JSONL) {
        t5g_buf_adds(&r->out, "{\"id\":");
        t5g_jsonstr_write(&r->out, r->id.p, r->id.n);
        t5g_labelled_json(&l, r->detok.t, &r->input, &r->out);
        put_provenance(r, NULL);
        t5g_buf_addc(&r->out, '}');
    } else {
        t5g_labelled_text(&l, &r->text);
        if (r->columns != NULL)
            t5g_columns_add(r->columns, NULL, 0, r->text.p, r->text.n);
        pour(r);
    }
    end_record(r);
    r->sequences++;
    t5g_progress_add(l.tokens > 0 ? l.tokens : 1);
    t5g_labelled_free(&l);
    return 0;
}

static int
take_named(struct t5g_records *r, const struct t5g_frame *f, struct t5g_err *e)
{
    if (r->o.infill != NULL && t5g_frame_is(f, "input.ids") && f->kind == T5G_KIND_TENSOR &&
        f->dtype == T5G_I32) {
        r->gaps.n = 0;
        t5g_ids_append(&r->gaps, (const int32_t *)(const void *)f->data, f->size / sizeof(int32_t));
        for (size_t i = 0; i < r->gaps.n; i++)
            if (r->gaps.p[i] < 0)
                return misfit(r, "input.ids", "ids from 0 on", e);
    }
    if (t5g_frame_is(f, r->o.frame))
        return take_sequence(r, r->o.frame, f, e);
    if (t5g_frame_is(f, "label.logits") && strcmp(r->o.frame, "decode.ids") == 0)
        return take_labels(r, f, e);
    if (t5g_frame_is(f, "input.ids") && f->dtype == T5G_I32 && f->ndim == 1) {
        r->input.n = 0;
        t5g_ids_append(&r->input, (const int32_t *)(const void *)f->data, (size_t)f->dims[0]);
    }
    if (t5g_frame_is(f, "decode.logprob") && strcmp(r->o.frame, "decode.ids") == 0) {
        bool fits = f->kind == T5G_KIND_TENSOR && f->dtype == T5G_F32 && f->ndim == 1 &&
                    r->unweighed && f->dims[0] == r->n_ids;
        r->unweighed = false;
        return fits ? 0 : misfit(r, "decode.logprob", "f32 [n] behind the n ids it belongs to", e);
    }
    if (t5g_frame_is(f, "prompt") && f->kind != T5G_KIND_TEXT)
        return misfit(r, "prompt", "a TEXT", e);
    if (r->columns != NULL && t5g_frame_is(f, "prompt"))
        t5g_columns_own(r->columns, (const char *)f->data, (size_t)f->size);
    return 0;
}

static int
take_error(struct t5g_records *r, const struct t5g_frame *f, struct t5g_err *e)
{
    struct t5g_buf keep = {0};
    struct t5g_cause c = t5g_cause_read(f, T5G_EX_DATA, &keep);
    int result = fail(r, c.tool != NULL ? c.tool : "a program before", c.code, c.msg, e);
    t5g_buf_free(&keep);
    return result;
}

static int
take_close(struct t5g_records *r, struct t5g_err *e)
{
    if (r->inside)
        return fail_here(r, "last sequence has no end", e);
    if (r->sequences == 0)
        return fail_here(r,
                         strcmp(r->o.frame, "decode.ids") == 0
                             ? "no decode.ids frame: run t5g-decode before t5g-detok"
                             : "no input.ids frame",
                         e);
    end_choices(r);
    if (r->o.form == T5G_RECORDS_TSV) {
        struct t5g_buf rows = {0};
        struct t5g_err misfit = {0};
        int fits = t5g_columns_row(r->columns, r->id.p, r->id.n, &rows, &misfit);
        put_rows(r, &rows);
        t5g_buf_free(&rows);
        if (fits < 0)
            return fail_here(r, misfit.msg, e);
    }
    t5g_progress_doc(false);
    return 0;
}

static void
take_doc(struct t5g_records *r, const struct t5g_frame *f)
{
    r->sequences = r->input.n = 0;
    r->given_up = r->unweighed = false;
    r->gaps.n = r->answer.n = 0;
    t5g_ballot_clear(&r->ballot);
    r->id.n = 0;
    t5g_buf_adds(&r->id, ""); /* makes p a pointer even if empty */
    t5g_frame_label(f, &r->id);
    r->made.n = 0;
    if (r->o.source != NULL)
        t5g_provenance(&r->made, t5g_source_segment(r->o.source));
    t5g_at_work(r->id.p, r->id.n, 0);
    if (r->columns != NULL)
        t5g_columns_begin(r->columns);
}

static int
send_out(struct t5g_records *r, struct t5g_err *e)
{
    struct t5g_buf shown = {0};
    if (r->o.terminal && r->o.form == T5G_RECORDS_JSONL) {
        t5g_escape_json(&shown, r->out.p, r->out.n);
        t5g_buf_free(&r->out);
        r->out = shown;
    }
    size_t n = r->out.n;
    r->out.n = 0;
    return n > 0 ? t5g_write_full(r->o.fd, r->o.name, r->out.p, n, e) : 0;
}

int
t5g_records_frame(struct t5g_records *r, const struct t5g_frame *f, struct t5g_err *e)
{
    int result = 0;
    bool ends = f->kind == T5G_KIND_CLOSE || f->kind == T5G_KIND_ERROR;
    if (r->given_up && f->kind != T5G_KIND_DOC) {
        if (ends)
            t5g_at_work(NULL, 0, 0);
        return 0;
    }
    t5g_stop_hold(); /* count a document only with its records written */
    switch (f->kind) {
    case T5G_KIND_DOC:
        take_doc(r, f);
        break;
    case T5G_KIND_TENSOR:
    case T5G_KIND_TEXT:
        result = take_named(r, f, e);
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
    if (send_out(r, e) < 0)
        result = -1;
    if (ends)
        t5g_at_work(NULL, 0, 0);
    t5g_stop_release();
    return result;
}

int
t5g_records_end(struct t5g_records *r, struct t5g_err *e)
{
    if (r->columns == NULL)
        return 0;
    struct t5g_buf rows = {0};
    t5g_columns_end(r->columns, &rows);
    put_rows(r, &rows);
    t5g_buf_free(&rows);
    return send_out(r, e);
}
