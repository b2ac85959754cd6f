/* t5g-frame ls: list a stream, one line per document or frame. */
#include "convert/convert.h"
#include "verbs.h"
#include "base/escape.h"
#include "base/jsonstr.h"

#include <string.h>

static struct {
    bool frames, totals, failed, why, nul, json;
    uint64_t max_frame;
} opt = {.max_frame = T5G_FRAME_SIZE_DEFAULT};

static const struct t5g_option options[] = {
    {0, "frames", NULL, T5G_OPT_FLAG, &opt.frames,
     "print one line per frame: offset, kind, bytes, shape, meta", 0, 0},
    {0, "json", NULL, T5G_OPT_FLAG, &opt.json, "print one JSON object per document", 0, 0},
    {0, "totals", NULL, T5G_OPT_FLAG, &opt.totals, "print one line of counts for all inputs", 0, 0},
    {0, "failed", NULL, T5G_OPT_FLAG, &opt.failed,
     "print only the ids of failed documents (with --json, their objects)", 0, 0},
    {0, "why", NULL, T5G_OPT_FLAG, &opt.why,
     "with --failed: print a tab and the reason after each id", 0, 0},
    {'0', "null", NULL, T5G_OPT_FLAG, &opt.nul,
     "with --failed: end ids with NUL and escape nothing", 0, 0},
    T5G_OPTION_MAX_FRAME(&opt.max_frame),
    T5G_OPTIONS_END,
};

static const struct t5g_program program = {
    "t5g-frame ls", "[options] [FILE ...]",   "List the documents of streams, with their frames.",
    options,        "t5g-frame ls lines.t5g", T5G_O_OUTPUT | T5G_O_TALK};

static struct {
    uint64_t docs, failed, frames, bytes, segments;
} total;

static void
put_failure(struct t5g_buf *b, const struct t5g_doc *d)
{
    struct t5g_buf reason = {0};
    put_reason(&reason, &d->close);
    put_escaped(b, reason.p, reason.n);
    t5g_buf_free(&reason);
}

static void
line_of_document(struct t5g_buf *b, const struct t5g_doc *d)
{
    char name[T5G_FRAME_NAME_MAX + 1];
    put_escaped(b, d->id, d->id_len);
    t5g_buf_addc(b, '\t');
    for (size_t i = 0; i < d->n_items; i++) {
        t5g_frame_name(&d->items[i], name, sizeof name);
        t5g_buf_adds(b, i > 0 ? ", " : "");
        put_escaped(b, name, strlen(name));
        t5g_buf_adds(b, name[0] != '\0' ? " " : "");
        put_shape(b, &d->items[i]);
    }
    if (d->failed) {
        t5g_buf_adds(b, d->n_items > 0 ? ", failed: " : "failed: ");
        put_failure(b, d);
    }
    t5g_buf_addc(b, '\n');
}

static void
object_of_document(struct t5g_buf *b, const struct t5g_doc *d)
{
    t5g_buf_adds(b, "{\"id\":");
    t5g_jsonstr_write(b, d->id, d->id_len);
    t5g_buf_adds(b, ",\"frames\":[");
    for (size_t i = 0; i < d->n_items; i++) {
        const struct t5g_frame *f = &d->items[i];
        t5g_buf_printf(b, "%s{\"kind\":\"%c\",\"bytes\":%llu", i > 0 ? "," : "", f->kind,
                       (unsigned long long)f->size);
        if (f->kind == T5G_KIND_TENSOR)
            t5g_index_put_type(b, f);
        t5g_buf_printf(b, ",\"meta\":%s}", f->meta_len > 0 ? f->meta : "{}");
    }
    t5g_buf_addc(b, ']');
    if (d->failed)
        t5g_buf_printf(b, ",\"error\":%s", d->close.meta_len > 0 ? d->close.meta : "{}");
    t5g_buf_adds(b, "}\n");
}

static void
list_document(struct t5g_buf *b, const struct t5g_doc *d)
{
    if (opt.json) {
        struct t5g_buf object = {0};
        object_of_document(&object, d);
        t5g_escape_json(b, object.p, object.n);
        t5g_buf_free(&object);
    } else if (opt.failed && opt.nul) {
        t5g_buf_add(b, d->id, d->id_len + 1);
    } else if (opt.failed) {
        put_escaped(b, d->id, d->id_len);
        if (opt.why) {
            t5g_buf_addc(b, '\t');
            put_failure(b, d);
        }
        t5g_buf_addc(b, '\n');
    } else {
        line_of_document(b, d);
    }
}

static int
list_documents(struct text *t, struct t5g_source *in, struct t5g_err *e)
{
    struct t5g_doc d = {0};
    int r;
    while ((r = t5g_source_next(in, &d, e)) == 1) {
        if (!opt.failed || d.failed)
            list_document(&t->out, &d);
        text_send(t);
    }
    t5g_doc_clear(&d);
    return r;
}

static void
line_of_frame(struct t5g_buf *b, const struct t5g_frame *f)
{
    t5g_buf_printf(b, "%llu\t%c\t%llu\t", (unsigned long long)f->offset, f->kind,
                   (unsigned long long)f->size);
    put_shape(b, f);
    t5g_buf_addc(b, '\t');
    put_escaped(b, f->meta, f->meta_len);
    t5g_buf_addc(b, '\n');
}

/* --frames and --totals need HEAD and END too, which t5g_source does not return. */
static int
list_frames(struct text *t, const char *path, struct t5g_err *e)
{
    struct t5g_reader *in = t5g_reader_open(path, opt.max_frame, e);
    struct t5g_frame f;
    int r = -1;
    while (in != NULL && (r = t5g_reader_next(in, &f, e)) == 1) {
        struct t5g_end x = {0};
        if (opt.frames)
            line_of_frame(&t->out, &f);
        text_send(t);
        if (f.kind == T5G_KIND_END)
            t5g_end_take(&x, f.data);
        total.docs += x.docs_ok + x.docs_failed;
        total.failed += x.docs_failed;
        total.frames += x.frames;
        total.bytes += x.stream_len;
        total.segments += f.kind == T5G_KIND_END;
        if (x.status != 0) {
            r = t5g_err_set(e, T5G_EX_UPSTREAM, "%s: upstream failed with status %u",
                            t5g_reader_name(in), x.status);
            break;
        }
    }
    t5g_reader_close(in);
    return r;
}

static void
put_count(struct t5g_buf *b, uint64_t n, const char *what, const char *after)
{
    t5g_buf_printf(b, "%llu %s%s%s", (unsigned long long)n, what, n == 1 ? "" : "s", after);
}

int
verb_ls(int argc, char **argv)
{
    static char dash[] = "-", *standard[] = {dash};
    int first = t5g_options_parse(&program, argc, argv), r = 0;
    if (opt.frames + opt.totals + (opt.failed || opt.json) > 1)
        t5g_usage("--frames and --totals exclude each other, --failed and --json");
    if ((opt.nul || opt.why) && !opt.failed)
        t5g_usage("-0 and --why need --failed");
    if (opt.nul + opt.why + opt.json > 1)
        t5g_usage("-0, --why and --json exclude each other");
    struct t5g_err e = {0};
    struct text t;
    text_open(&t);
    size_t n = (size_t)(argc - first);
    if (opt.frames || opt.totals) {
        char **paths = n > 0 ? argv + first : standard;
        for (size_t i = 0; i < (n > 0 ? n : 1) && r >= 0; i++)
            r = list_frames(&t, paths[i], &e);
    } else {
        struct t5g_source *in = t5g_source_open(argv + first, n, opt.max_frame, true);
        r = list_documents(&t, in, &e);
        t5g_source_close(in);
    }
    if (opt.totals && r >= 0) {
        put_count(&t.out, total.docs, "document", ", ");
        t5g_buf_printf(&t.out, "%llu failed, ", (unsigned long long)total.failed);
        put_count(&t.out, total.frames, "frame", ", ");
        put_count(&t.out, total.bytes, "byte", ", ");
        put_count(&t.out, total.segments, "segment", "\n");
    }
    return text_end(&t, T5G_EX_OK, r < 0 ? &e : NULL);
}
