/* t5g-frame nearest: for each query, the documents whose vectors have the largest cosines. */
#include "cli/used_options.h"
#include "convert/vectors.h"
#include "verbs.h"
#include "base/jsonstr.h"

#include <stdio.h>

static struct {
    const char *queries, *name;
    uint64_t k;
    bool jsonl, force;
    uint64_t max_frame;
} opt = {.k = 10, .max_frame = T5G_FRAME_SIZE_DEFAULT};

static const struct t5g_option options[] = {
    {0, "queries", "FILE", T5G_OPT_ONCE, &opt.queries, "the stream of the queries' vectors", 0, 0},
    {'k', NULL, "N", T5G_OPT_U64, &opt.k, "print the N nearest to each query (default 10)", 1, 1e6},
    {0, "name", "NAME", T5G_OPT_STRING, &opt.name, "the tensor to take instead of embedding", 0, 0},
    {0, "jsonl", NULL, T5G_OPT_FLAG, &opt.jsonl, "print one JSON object per query", 0, 0},
    T5G_OPTION_FORCE(&opt.force, "compare vectors of different models and poolings"),
    T5G_OPTION_MAX_FRAME(&opt.max_frame),
    T5G_OPTIONS_END,
};

static const struct t5g_program program = {
    "t5g-frame nearest",
    "[options] --queries FILE [FILE ...]",
    "Find the documents whose vectors are nearest to those of queries.",
    options,
    "t5g-frame nearest -k 3 --queries queries.t5g vectors.t5g",
    T5G_O_OUTPUT | T5G_O_TALK};

static const char *
tensor(void)
{
    return opt.name != NULL ? opt.name : "embedding";
}

/* The queries, and how many documents and queries failed. */
struct search {
    struct t5g_nearest *q; /* [n] */
    struct t5g_buf *ids;   /* [n] of the queries */
    size_t n, cap, cap_ids, d;
    uint64_t failed;
    char pooling[T5G_POOLING_NAME];
};

/* Call use for the vectors of each document of in. 0, or -1 with e. */
static int
each(struct search *s, struct t5g_source *in,
     void (*use)(struct search *, const struct t5g_doc *, const struct t5g_vectors *),
     struct t5g_err *e)
{
    struct t5g_doc doc = {0};
    int r = t5g_source_start(in, e);
    while (r == 0 && (r = t5g_source_next(in, &doc, e)) == 1) {
        struct t5g_err own = {0};
        size_t found = 0;
        r = 0;
        if (doc.failed) {
            s->failed++;
            continue;
        }
        for (size_t i = 0; i < doc.n_items && own.code == 0; i++) {
            struct t5g_vectors v;
            if (!t5g_frame_is(&doc.items[i], tensor()))
                continue;
            found++;
            if (!opt.force && t5g_vectors_pooled(&doc.items[i], s->pooling, e) < 0) {
                r = t5g_err_in(e, "%s: %.*s", t5g_source_name(in), (int)doc.id_len, doc.id);
                break;
            }
            if (t5g_vectors_of(&doc, i, &v, &own) < 0)
                break;
            if (s->d != 0 && v.d != s->d)
                t5g_err_set(&own, T5G_EX_DATA, "%s: %zu columns, the first query has %zu", tensor(),
                            v.d, s->d);
            else if (t5g_vectors_finite(&v, tensor(), &own) == 0)
                use(s, &doc, &v);
            t5g_vectors_free(&v);
        }
        if (r == 0 && own.code == 0 && found == 0)
            t5g_err_set(&own, T5G_EX_DATA, "no tensor '%s'", tensor());
        if (own.code != 0) {
            t5g_warn_doc(doc.id, doc.id_len, NULL, own.msg);
            s->failed++;
        }
    }
    t5g_doc_clear(&doc);
    return r;
}

static void
add_query(struct search *s, const struct t5g_doc *doc, const struct t5g_vectors *v)
{
    s->d = v->d;
    for (size_t i = 0; i < v->n; i++) {
        s->q = t5g_grow(s->q, s->n, &s->cap, sizeof *s->q);
        s->ids = t5g_grow(s->ids, s->n, &s->cap_ids, sizeof *s->ids);
        t5g_nearest_open(&s->q[s->n], v->rows + i * v->d, v->d, (size_t)opt.k);
        s->ids[s->n] = (struct t5g_buf){0};
        t5g_buf_add(&s->ids[s->n++], doc->id, doc->id_len);
    }
}

static void
compare(struct search *s, const struct t5g_doc *doc, const struct t5g_vectors *v)
{
    for (size_t i = 0; i < v->n; i++) {
        double length = t5g_vector_length(v->rows + i * v->d, v->d);
        for (size_t k = 0; k < s->n; k++)
            t5g_nearest_add(&s->q[k], v->rows + i * v->d, length, doc->id, doc->id_len);
    }
}

static void
print_query(struct t5g_buf *b, const struct t5g_buf *id, const struct t5g_nearest *q)
{
    if (opt.jsonl) {
        t5g_buf_adds(b, "{\"query\":");
        t5g_jsonstr_write(b, id->p, id->n);
        t5g_buf_adds(b, ",\"results\":[");
    }
    for (size_t i = 0; i < q->n; i++) {
        const struct t5g_neighbour *x = &q->found[i];
        if (opt.jsonl) {
            t5g_buf_printf(b, "%s{\"id\":", i > 0 ? "," : "");
            t5g_jsonstr_write(b, x->id.p, x->id.n);
            t5g_buf_printf(b, ",\"score\":%.7f}", x->score);
        } else {
            put_escaped(b, id->p, id->n);
            t5g_buf_printf(b, "\t%zu\t%.7f\t", i + 1, x->score);
            put_escaped(b, x->id.p, x->id.n);
            t5g_buf_addc(b, '\n');
        }
    }
    if (opt.jsonl)
        t5g_buf_adds(b, "]}\n");
}

int
verb_nearest(int argc, char **argv)
{
    int first = t5g_options_parse(&program, argc, argv);
    struct t5g_err e = {0};
    struct search s = {0};
    struct text t;
    if (opt.queries == NULL)
        t5g_usage("--queries FILE is missing");
    t5g_used_stdin_check(argv + first, (size_t)(argc - first), true, "vectors");
    text_open(&t);
    t.json = opt.jsonl;
    struct t5g_source *queries = t5g_source_open((char *const[]){(char *)(uintptr_t)opt.queries}, 1,
                                                 opt.max_frame, opt.force);
    compare_vectors(queries, tensor());
    int r = each(&s, queries, add_query, &e);
    struct t5g_source *in =
        t5g_source_open(argv + first, (size_t)(argc - first), opt.max_frame, opt.force);
    compare_vectors(in, tensor());
    t5g_source_after(in, queries);
    t5g_source_close(queries);
    if (r == 0)
        r = each(&s, in, compare, &e);
    for (size_t i = 0; i < s.n; i++) {
        if (r == 0)
            print_query(&t.out, &s.ids[i], &s.q[i]);
        text_send(&t);
        t5g_nearest_close(&s.q[i]);
        t5g_buf_free(&s.ids[i]);
    }
    t5g_free(s.q);
    t5g_free(s.ids);
    t5g_source_close(in);
    return text_end(&t, s.failed > 0 ? T5G_EX_DOCS : T5G_EX_OK, r < 0 ? &e : NULL);
}
