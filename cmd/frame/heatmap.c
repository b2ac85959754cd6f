/* t5g-frame heatmap: draw the attention of an answer. */
#include "base/io.h"
#include "cli/used_options.h"
#include "convert/attention_frame.h"
#include "convert/heatmap.h"
#include "model/config.h"
#include "stage/model_path.h"
#include "text/token_texts.h"
#include "verbs.h"

#include <math.h>
#include <string.h>

static struct {
    const char *document;
    struct t5g_list images;
    uint64_t answer, layer, head, token, most, max_frame;
} opt = {.answer = 1, .most = 200, .max_frame = T5G_FRAME_SIZE_DEFAULT};

static const struct t5g_option options[] = {
    {0, "document", "ID", T5G_OPT_STRING, &opt.document,
     "draw this document (default: the first with attention)", 0, 0},
    {0, "answer", "N", T5G_OPT_U64, &opt.answer, "draw its N-th answer (default 1)", 1, 1 << 30},
    {0, "token", "N", T5G_OPT_U64, &opt.token, "draw only the N-th token of the answer", 1,
     1 << 30},
    {0, "layer", "N", T5G_OPT_U64, &opt.layer, "draw layer N, from 1 (default: the mean of all)", 1,
     1 << 20},
    {0, "head", "N", T5G_OPT_U64, &opt.head, "draw head N, from 1 (default: the mean of all)", 1,
     1 << 20},
    {0, "max-tokens", "N", T5G_OPT_U64, &opt.most,
     "lines and columns of the table at most (default 200)", 1, 10000},
    {'i', "image", "FILE", T5G_OPT_LIST, &opt.images,
     "file of the document's next picture, to draw it (repeatable)", 0, 0},
    T5G_OPTION_MAX_FRAME(&opt.max_frame),
    T5G_OPTIONS_END,
};

static const struct t5g_program program = {
    "t5g-frame heatmap",
    "[options] [FILE ...]",
    "Draw which parts of a document an answer came from.",
    options,
    "t5g-decode -n 8 --attention mean lines.t5g | t5g-frame heatmap -o answer.svg",
    T5G_O_OUTPUT | T5G_O_MODEL | T5G_O_TALK};

/* What is drawn, and what it lives in. */
struct drawing {
    struct t5g_heatmap map;
    struct t5g_buf *rows, *tokens, *files; /* of map; [opt.images.n] contents of files */
    struct t5g_heatmap_picture *pictures;
    float *weights;
    struct t5g_buf title;
};

static void
free_texts(struct t5g_buf *texts, size_t n)
{
    for (size_t i = 0; i < n && texts != NULL; i++)
        t5g_buf_free(&texts[i]);
    t5g_free(texts);
}

static void
drawing_free(struct drawing *w)
{
    free_texts(w->rows, w->map.n_rows);
    free_texts(w->tokens, w->map.n_tokens);
    free_texts(w->files, opt.images.n);
    t5g_free(w->pictures);
    t5g_free(w->weights);
    t5g_buf_free(&w->title);
}

/* The texts of the document's rows, "#7" without its ids. -1 with e (65). */
static int
name_rows(struct drawing *w, const struct t5g_attention *a, const struct t5g_tokenizer *t,
          const struct t5g_frame *input, struct t5g_err *e)
{
    size_t n = input != NULL ? (size_t)input->dims[0] : 0;
    if (input != NULL && (n + a->group - 1) / a->group != a->rows)
        return t5g_err_set(e, T5G_EX_DATA, "decode.attention: %zu rows, but %zu in input.ids",
                           a->rows, n);
    struct t5g_buf *texts = t5g_alloc(n, sizeof *texts);
    if (input != NULL)
        t5g_token_texts(t, (const int32_t *)(const void *)input->data, n, texts);
    for (size_t i = 0; i < n; i++)
        t5g_buf_add(&w->rows[i / a->group], texts[i].p, texts[i].n);
    for (size_t i = 0; i < a->rows && input == NULL; i++)
        t5g_buf_printf(&w->rows[i], "#%zu", i + 1);
    free_texts(texts, n);
    return 0;
}

/* The document's pictures: runs of as many image tokens as the model has for one. */
static void
find_pictures(struct drawing *w, const struct t5g_config *c, const struct t5g_frame *input)
{
    const int32_t *ids = (const int32_t *)(const void *)input->data;
    size_t cap = 0, m = c->mm_tokens, k;
    for (size_t i = 0; m > 0 && c->image >= 0 && i + m <= input->dims[0]; i += t5g_max(k, 1)) {
        for (k = 0; k < m && ids[i + k] == c->image; k++)
            ;
        if (k < m)
            continue;
        w->pictures = t5g_grow(w->pictures, w->map.n_pictures, &cap, sizeof *w->pictures);
        w->pictures[w->map.n_pictures++] =
            (struct t5g_heatmap_picture){.first = i, .side = (size_t)lround(sqrt((double)m))};
    }
}

/* Their files: those of -i, else those in the stream, if as many are there. -1 with e. */
static int
find_files(struct drawing *w, const struct t5g_doc *d, struct t5g_err *e)
{
    size_t n = w->map.n_pictures, files = 0;
    if (opt.images.n > 0 && opt.images.n != n)
        return t5g_err_set(e, T5G_EX_USAGE, "--image: %zu files, the document has %zu pictures",
                           opt.images.n, n);
    w->files = t5g_alloc(opt.images.n, sizeof *w->files);
    for (size_t i = 0; i < opt.images.n; i++) {
        if (t5g_read_input(opt.images.v[i], (size_t)64 << 20, &w->files[i], e) < 0)
            return -1;
        w->pictures[i].file = (const unsigned char *)w->files[i].p;
        w->pictures[i].size = w->files[i].n;
    }
    for (size_t i = 0; i < d->n_items; i++)
        files += t5g_frame_is(&d->items[i], "image.bytes");
    for (size_t i = 0, k = 0; i < d->n_items && files == n && opt.images.n == 0; i++)
        if (t5g_frame_is(&d->items[i], "image.bytes")) {
            w->pictures[k].file = d->items[i].data;
            w->pictures[k++].size = (size_t)d->items[i].size;
        }
    return 0;
}

static void
put_title(struct t5g_buf *b, const struct t5g_doc *d, const struct t5g_attention *a)
{
    t5g_buf_add(b, d->id, strcspn(d->id, "\n"));
    if (a->prompt != NULL)
        t5g_buf_printf(b, ", prompt: %.*s", (int)t5g_min(strcspn(a->prompt, "\n"), 200), a->prompt);
    t5g_buf_adds(b, "\n");
    t5g_buf_printf(b, opt.layer > 0 ? "layer %llu" : "mean of all layers",
                   (unsigned long long)opt.layer);
    t5g_buf_printf(b, opt.head > 0 ? ", head %llu" : ", mean of all heads",
                   (unsigned long long)opt.head);
    if (opt.token > 0)
        t5g_buf_printf(b, ", token %llu of %zu", (unsigned long long)opt.token, a->n);
    else if (a->n > opt.most)
        t5g_buf_printf(b, ", first %llu of %zu tokens", (unsigned long long)opt.most, a->n);
}

/* Texts, pictures and weights. -1 with e (65, or of the model or a file). */
static int
prepare(struct drawing *w, const struct t5g_doc *d, const struct t5g_attention *a,
        const struct t5g_tokenizer *t, struct t5g_err *e)
{
    const struct t5g_frame *input = NULL;
    struct t5g_config c = {0};
    size_t n;
    if ((w->weights = t5g_attention_take(a, (size_t)opt.layer, (size_t)opt.head, (size_t)opt.token,
                                         &n, e)) == NULL ||
        (t5g_doc_find(d, "input.ids") != NULL &&
         t5g_doc_tensor(d, "input.ids", T5G_I32, 1, &input, e) < 0))
        return -1;
    w->rows = t5g_alloc(a->rows, sizeof *w->rows);
    w->tokens = t5g_alloc(n, sizeof *w->tokens);
    put_title(&w->title, d, a);
    w->map = (struct t5g_heatmap){.title = w->title.p,
                                  .rows = w->rows,
                                  .n_rows = a->rows,
                                  .tokens = w->tokens,
                                  .n_tokens = n,
                                  .weights = w->weights,
                                  .most = (size_t)opt.most};
    t5g_token_texts(t, a->ids + (opt.token > 0 ? opt.token - 1 : 0), n, w->tokens);
    if (name_rows(w, a, t, input, e) < 0)
        return -1;
    if (input != NULL && a->group == 1 && t5g_config_load(&c, t5g_model_path(), NULL) == 0)
        find_pictures(w, &c, input);
    t5g_config_clear(&c);
    int r = find_files(w, d, e);
    w->map.pictures = w->pictures;
    return r;
}

static int
draw(const struct t5g_doc *d, const struct t5g_attention *a, struct t5g_buf *svg, struct t5g_err *e)
{
    struct drawing w = {0};
    struct t5g_tokenizer *t = t5g_tokenizer_open(t5g_tokenizer_path(), e);
    int r = t != NULL ? prepare(&w, d, a, t, e) : -1;
    if (r == 0)
        t5g_heatmap_draw(&w.map, svg);
    drawing_free(&w);
    t5g_tokenizer_close(t);
    return r;
}

int
verb_heatmap(int argc, char **argv)
{
    int first = t5g_options_parse(&program, argc, argv);
    struct t5g_err e = {0};
    struct t5g_doc doc = {0};
    struct t5g_attention a = {0};
    struct text t;
    struct t5g_frame rest;
    int r, found = 0;
    t5g_used_stdin_check(argv + first, (size_t)(argc - first), true, "answers");
    text_open(&t);
    struct t5g_source *in =
        t5g_source_open(argv + first, (size_t)(argc - first), opt.max_frame, true);
    r = t5g_source_start(in, &e);
    while (r >= 0 && found == 0 && (r = t5g_source_next(in, &doc, &e)) == 1) {
        if (doc.failed || (opt.document != NULL && strcmp(doc.id, opt.document) != 0))
            continue;
        found = t5g_attention_find(&a, &doc, (size_t)opt.answer, &e);
        if (found < 0 || (found == 1 && draw(&doc, &a, &t.out, &e) < 0))
            r = t5g_err_in(&e, "%s", doc.id);
    }
    while (r > 0 && found == 1) /* the rest: a truncated stream never passes for a whole one */
        r = t5g_source_frame(in, &rest, &e);
    if (r >= 0 && found == 0)
        r = t5g_err_set(&e, T5G_EX_DATA,
                        "no decode.attention of that document and answer: run t5g-decode "
                        "--attention");
    int status = text_end(&t, T5G_EX_OK, r < 0 ? &e : NULL);
    t5g_attention_free(&a);
    t5g_doc_clear(&doc);
    t5g_free(opt.images.v);
    t5g_source_close(in);
    return status;
}
