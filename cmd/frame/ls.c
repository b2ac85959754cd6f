/* t5g-frame ls: list a stream, one line per document or frame. */
#include "convert/convert.h"
#include "verbs.h"
#include "base/escape.h"
#include "stage/listing.h"

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

static struct totals total;

static void
list_document(struct t5g_buf *b, const struct t5g_doc *d)
{
    if (opt.json) {
        struct t5g_buf object = {0};
        t5g_index_put_listing(&object, d);
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
        put_document(b, d);
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

/* Documents of all inputs, and of a packed model what it is made of. */
static int
list_all(struct text *t, char **paths, size_t n, struct t5g_err *e)
{
    bool plain = !opt.json && !opt.failed;
    int r = 0;
    for (size_t i = 0, m; i < n && r >= 0; i += m) {
        if (plain && t5g_listing_is_packed(paths[i]) &&
            t5g_listing_put(&t->out, paths[i], NULL, NULL) == 0) {
            m = 1;
            continue;
        }
        for (m = 1; i + m < n && !(plain && t5g_listing_is_packed(paths[i + m]));)
            m++;
        struct t5g_source *in = t5g_source_open(paths + i, m, opt.max_frame, true);
        r = list_documents(t, in, e);
        t5g_source_close(in);
    }
    return r;
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
            put_frame(&t->out, &f);
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

int
verb_ls(int argc, char **argv)
{
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
    size_t n;
    char **paths = operands_of(argc, argv, first, &n);
    if (opt.frames || opt.totals) {
        for (size_t i = 0; i < n && r >= 0; i++)
            r = list_frames(&t, paths[i], &e);
    } else {
        r = list_all(&t, paths, n, &e);
    }
    if (opt.totals && r >= 0)
        put_totals(&t.out, &total);
    return text_end(&t, T5G_EX_OK, r < 0 ? &e : NULL);
}
