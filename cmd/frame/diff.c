/* t5g-frame diff: compare the documents and tensors of two streams. */
#include "verbs.h"
#include "base/mem.h"
#include "stage/input.h"

#include <string.h>

static struct {
    struct tolerance t;
    bool all;
    const char *name;
    uint64_t max_frame;
} opt = {.max_frame = T5G_FRAME_SIZE_DEFAULT};

static const struct t5g_option options[] = {
    {0, "atol", "X", T5G_OPT_DOUBLE, &opt.t.atol,
     "absolute tolerance: |a - b| up to X is equal (default 0)", 0, 0x1p1000},
    {0, "rtol", "X", T5G_OPT_DOUBLE, &opt.t.rtol,
     "relative tolerance: |a - b| up to X * |b| is equal (default 0)", 0, 0x1p1000},
    {0, "name", "NAME", T5G_OPT_STRING, &opt.name, "compare only frames with this name", 0, 0},
    {0, "all", NULL, T5G_OPT_FLAG, &opt.all, "continue after the first difference", 0, 0},
    T5G_OPTION_MAX_FRAME(&opt.max_frame),
    T5G_OPTIONS_END,
};

static const struct t5g_program program = {
    "t5g-frame diff",
    "[options] A B",
    "Compare the documents of two streams; exit status 1 if they differ.",
    options,
    "t5g-frame diff --rtol 0.004 report.t5g half.t5g",
    T5G_O_OUTPUT | T5G_O_TALK};

static struct text out;
static uint64_t differences;

static struct t5g_buf *
line(const struct t5g_doc *d)
{
    differences++;
    put_id(&out.out, d);
    return &out.out;
}

static bool
tolerant(void)
{
    return opt.t.atol > 0 || opt.t.rtol > 0;
}

/*
 * With a tolerance, the numbers that an encoder output of bytes stands for are compared: make
 * *f one of f32, over memory that is freed by t5g_free. NULL: it is none, or is damaged, and
 * remains what it is.
 */
static float *
widen(const struct t5g_doc *d, struct t5g_frame *f)
{
    struct t5g_err e;
    const float *rows;
    float *wide = NULL;
    size_t n;
    if (!tolerant() || f->kind != T5G_KIND_TENSOR || f->dtype != T5G_I8 || f->ndim != 2 ||
        !t5g_frame_is(f, "encoder.out") ||
        t5g_input_encoder_out(d, t5g_kernels_get("ref", &e), (size_t)f->dims[1], &rows, &n, &wide,
                              &e) < 0)
        return NULL;
    f->dtype = T5G_F32;
    f->data = (const unsigned char *)wide;
    f->size *= sizeof *wide;
    return wide;
}

/* Whether widen() uses the document's scales. */
static bool
uses_scales(const struct t5g_doc *d)
{
    const struct t5g_frame *f = t5g_doc_find(d, "encoder.out");
    struct t5g_frame copy;
    if (f == NULL)
        return false;
    copy = *f;
    float *wide = widen(d, &copy);
    t5g_free(wide);
    return wide != NULL;
}

/* The next item to compare, from *i on; NULL after the last. Scales are not items of their own
 * where widen() uses them. */
static const struct t5g_frame *
next_item(const struct t5g_doc *d, size_t *i)
{
    char name[T5G_FRAME_NAME_MAX + 1];
    while (*i < d->n_items) {
        const struct t5g_frame *f = &d->items[(*i)++];
        if (opt.name == NULL && t5g_frame_is(f, "encoder.out.scale") && uses_scales(d))
            continue;
        if (opt.name == NULL)
            return f;
        t5g_frame_name(f, name, sizeof name);
        if (strcmp(name, opt.name) == 0)
            return f;
    }
    return NULL;
}

static void
diff_documents(const struct t5g_doc *a, const struct t5g_doc *b)
{
    size_t i = 0, j = 0;
    if (a->id_len != b->id_len || memcmp(a->id, b->id, a->id_len) != 0) {
        struct t5g_buf *o = line(a);
        t5g_buf_adds(o, "the other stream has ");
        put_escaped(o, b->id, b->id_len);
        t5g_buf_adds(o, " here\n");
        return;
    }
    if (a->failed != b->failed)
        t5g_buf_printf(line(a), "failed in %s only\n", a->failed ? "the first" : "the second");
    while (differences == 0 || opt.all) {
        const struct t5g_frame *f = next_item(a, &i), *g = next_item(b, &j);
        char x[T5G_FRAME_NAME_MAX + 1], y[T5G_FRAME_NAME_MAX + 1];
        if (f == NULL && g == NULL)
            return;
        if (f != NULL && g != NULL) {
            t5g_frame_name(f, x, sizeof x);
            t5g_frame_name(g, y, sizeof y);
            if (strcmp(x, y) == 0) {
                struct t5g_frame u = *f, v = *g;
                float *of_u = widen(a, &u), *of_v = widen(b, &v);
                differences += compare_frames(&out.out, a, &u, &v, &opt.t);
                t5g_free(of_u);
                t5g_free(of_v);
                continue;
            }
        }
        struct t5g_buf *o = line(a);
        put_name(o, f != NULL ? f : g);
        t5g_buf_adds(o, f == NULL ? " is in the second only\n" : " is not at the same place\n");
        return;
    }
}

/* The next document of both: 1, 0 at the end of either, -1 with e. */
static int
step(struct t5g_source *a, struct t5g_source *b, struct t5g_doc *x, struct t5g_doc *y,
     struct t5g_err *e)
{
    int r = t5g_source_next(a, x, e), q = r < 0 ? -1 : t5g_source_next(b, y, e);
    if (r < 0 || q < 0)
        return -1;
    if (r != q) {
        t5g_buf_printf(line(r > 0 ? x : y), "is in %s only\n",
                       r > 0 ? "the first stream" : "the second stream");
        return 0;
    }
    return r;
}

/* Read the rest, which is not compared: the comparison of a truncated stream has no result. */
static int
read_rest(struct t5g_source *in, struct t5g_err *e)
{
    struct t5g_frame f;
    int r;
    while ((r = t5g_source_frame(in, &f, e)) == 1)
        continue;
    return r;
}

int
verb_diff(int argc, char **argv)
{
    int first = t5g_options_parse(&program, argc, argv), r;
    struct t5g_err e = {0};
    struct t5g_doc x = {0}, y = {0};
    if (argc - first != 2)
        t5g_usage("give two FILEs to compare");
    text_open(&out);
    struct t5g_source *a = t5g_source_open(argv + first, 1, opt.max_frame, true);
    struct t5g_source *b = t5g_source_open(argv + first + 1, 1, opt.max_frame, true);
    while ((r = step(a, b, &x, &y, &e)) == 1 && (differences == 0 || opt.all)) {
        diff_documents(&x, &y);
        text_send(&out);
    }
    if (r >= 0 && (r = read_rest(a, &e)) == 0)
        r = read_rest(b, &e);
    t5g_doc_clear(&x);
    t5g_doc_clear(&y);
    t5g_source_close(a);
    t5g_source_close(b);
    return text_end(&out, differences > 0 ? T5G_EX_DIFFER : T5G_EX_OK, r < 0 ? &e : NULL);
}
