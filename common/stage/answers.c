/* answers.c: the sequences generated for one document, written into the stream. */
#include "stage/answers.h"
#include "base/hash.h"
#include "base/jsonstr.h"
#include "base/num.h"
#include "base/stop.h"
#include "cli/progress.h"

#include <string.h>

/* Bytes of one decode.attention: a frame of that size is still read by default. */
#define ATTENTION_MOST ((size_t)4 << 30)

struct held {
    struct t5g_job job; /* its result is kept until the document is written */
    const struct t5g_variant *by;
    int32_t *ids; /* [job.n_prompt] */
    char *prompt; /* JSON string, NULL for none */
    size_t rank, n_more;
    float **attention; /* [1 + n_more] of out and more, NULL for none */
};

struct t5g_answers {
    struct t5g_run *run;
    const struct t5g_doc *doc;
    const struct t5g_config *c;
    const struct t5g_generate_options *o;
    bool (*dropped)(const char *, void *);
    enum t5g_answers_mode mode;
    bool attending; /* attention is asked for */
    enum t5g_attended_form form;
    size_t group;
    bool open;       /* DOC is written */
    struct held **v; /* [n] requested sequences; WHOLE: of all prompts */
    size_t n, cap;
    const struct held *now; /* TOKENS: the sequence being written */
    size_t part;
};

struct t5g_answers *
t5g_answers_open(struct t5g_run *run, const struct t5g_doc *doc, const struct t5g_config *c,
                 const struct t5g_generate_options *o, bool (*dropped)(const char *, void *),
                 enum t5g_answers_mode mode)
{
    struct t5g_answers *a = t5g_alloc(1, sizeof *a);
    *a = (struct t5g_answers){
        .run = run, .doc = doc, .c = c, .o = o, .dropped = dropped, .mode = mode};
    return a;
}

void
t5g_answers_attend(struct t5g_answers *a, enum t5g_attended_form form, size_t group)
{
    a->attending = true;
    a->form = form;
    a->group = group;
}

/* Drop all requested sequences. */
static void
forget(struct t5g_answers *a)
{
    for (size_t i = 0; i < a->n; i++) {
        t5g_sequence_free(&a->v[i]->job.out);
        for (size_t k = 0; k < a->v[i]->n_more; k++)
            t5g_sequence_free(&a->v[i]->job.more[k]);
        for (size_t k = 0; k <= a->v[i]->n_more && a->v[i]->attention != NULL; k++)
            t5g_free(a->v[i]->attention[k]);
        t5g_free(a->v[i]->attention);
        t5g_free(a->v[i]->job.more);
        t5g_free(a->v[i]->ids);
        t5g_free(a->v[i]->prompt);
        t5g_free(a->v[i]);
    }
    a->n = 0;
}

void
t5g_answers_close(struct t5g_answers *a)
{
    forget(a);
    t5g_free(a->v);
    t5g_free(a);
}

static void
written(int result, const struct t5g_err *e)
{
    if (result < 0)
        t5g_die_err(e);
}

static void
open_doc(struct t5g_answers *a)
{
    struct t5g_err e;
    if (!a->open)
        written(t5g_doc_write_open(a->run->w, a->doc, a->dropped, NULL, &e), &e);
    a->open = true;
}

/* Send what the reader downstream waits for. */
static void
flush(struct t5g_answers *a)
{
    struct t5g_err e;
    written(t5g_writer_flush(a->run->w, &e), &e);
}

/* Sequence number k of a prompt: the best, then the others. */
static const struct t5g_sequence *
sequence_of(const struct held *h, size_t k)
{
    return k == 0 ? &h->job.out : &h->job.more[k - 1];
}

/* How many sequences a search has found, which may be fewer than were asked for. */
static size_t
count_of(const struct held *h)
{
    size_t n = 1;
    while (n <= h->n_more && sequence_of(h, n)->n > 0)
        n++;
    return n;
}

/* The members that say what was asked, and of whom. */
static void
put_asked(struct t5g_buf *extra, const struct held *h)
{
    if (h->prompt != NULL)
        t5g_buf_printf(extra, "\"prompt\":%s,", h->prompt);
    if (h->by->name != NULL)
        t5g_buf_printf(extra, "\"adapter\":\"%s\",", h->by->name);
}

/* One frame of ids of sequence k, and one of their log-probabilities. done: NULL until the sequence
 * ends. */
static void
write_ids(struct t5g_answers *a, const struct held *h, size_t k, const int32_t *ids,
          const float *logprob, size_t n, const struct t5g_sequence *done)
{
    struct t5g_buf extra = {0};
    struct t5g_err e;
    put_asked(&extra, h);
    t5g_buf_printf(&extra, "\"rank\":%zu", h->rank + k);
    if (a->mode == T5G_ANSWERS_TOKENS)
        t5g_buf_printf(&extra, ",\"part\":%zu", a->part);
    size_t common = extra.n;
    if (done != NULL && done->logprob != NULL) {
        char text[32];
        t5g_num_print_f32(text, (float)done->score);
        t5g_buf_printf(&extra, ",\"score\":%s", text);
    }
    if (done != NULL)
        t5g_buf_printf(&extra, ",\"finish\":\"%s\"", t5g_finish_name(done->finish));
    if (done != NULL && done->stop != NULL) {
        t5g_buf_adds(&extra, ",\"stop\":");
        t5g_jsonstr_write(&extra, done->stop, strlen(done->stop));
    }
    if (done != NULL && k < h->n_more && k + 1 == count_of(h)) /* the last that there is */
        t5g_buf_printf(&extra, ",\"requested\":%zu", 1 + h->n_more);
    open_doc(a);
    written(
        t5g_writer_tensor(a->run->w, "decode.ids", T5G_I32, 1, (uint64_t[]){n}, ids, extra.p, &e),
        &e);
    if (logprob != NULL) {
        extra.p[common] = '\0';
        written(t5g_writer_tensor(a->run->w, "decode.logprob", T5G_F32, 1, (uint64_t[]){n}, logprob,
                                  extra.p, &e),
                &e);
    }
    t5g_buf_free(&extra);
}

static size_t
attention_dims(const struct t5g_answers *a, const struct held *h, size_t n, uint64_t dims[4])
{
    return t5g_attended_dims(a->form, &a->c->decoder, n, t5g_cross_rows(h->job.cross), dims);
}

static void
write_attention(struct t5g_answers *a, const struct held *h, size_t rank,
                const struct t5g_sequence *s, const float *weights)
{
    static const char *const axes[] = {
        [T5G_ATTENDED_MEAN] = "[\"token\",\"row\"]",
        [T5G_ATTENDED_LAYERS] = "[\"token\",\"layer\",\"row\"]",
        [T5G_ATTENDED_HEADS] = "[\"token\",\"layer\",\"head\",\"row\"]",
    };
    struct t5g_buf extra = {0};
    struct t5g_err e;
    uint64_t dims[4];
    size_t ndim = attention_dims(a, h, s->n, dims);
    put_asked(&extra, h);
    t5g_buf_printf(&extra, "\"rank\":%zu,\"axes\":%s", rank, axes[a->form]);
    if (a->group > 1)
        t5g_buf_printf(&extra, ",\"group\":%zu", a->group);
    written(
        t5g_writer_tensor(a->run->w, "decode.attention", T5G_F32, ndim, dims, weights, extra.p, &e),
        &e);
    t5g_buf_free(&extra);
}

/* Compute the attention of a prompt's sequences. -1 with e (65): it would be too large. */
static int
attend(struct t5g_answers *a, struct held *h, struct t5g_err *e)
{
    if (!a->attending)
        return 0;
    h->attention = t5g_alloc(1 + h->n_more, sizeof *h->attention);
    for (size_t k = 0; k <= h->n_more; k++) {
        const struct t5g_sequence *s = sequence_of(h, k);
        uint64_t dims[4];
        size_t size = sizeof(float);
        size_t ndim = attention_dims(a, h, s->n, dims);
        for (size_t i = 0; i < ndim; i++)
            if (!t5g_mul(&size, size, (size_t)dims[i]))
                size = SIZE_MAX;
        if (size > ATTENTION_MOST)
            return t5g_err_set(e, T5G_EX_DATA,
                               "decode.attention: %zu tokens over %zu rows: more than %zu bytes "
                               "(--attention mean is smaller)",
                               s->n, t5g_cross_rows(h->job.cross), ATTENTION_MOST);
        h->attention[k] = t5g_alloc_raw(size, 1);
        if (s->n > 0)
            t5g_attended(h->by->decoder, a->c, h->job.cross, h->ids, h->job.n_prompt, s->ids, s->n,
                         a->form, h->attention[k]);
    }
    return 0;
}

/* All sequences of a prompt that are not written yet: one, or the best ones of a beam search. */
static void
write_held(struct t5g_answers *a, const struct held *h)
{
    for (size_t k = 0; k <= h->n_more; k++) {
        const struct t5g_sequence *s = sequence_of(h, k);
        if (k > 0 ? s->n == 0 : a->mode == T5G_ANSWERS_TOKENS)
            continue;
        write_ids(a, h, k, s->ids, s->logprob, s->n, s);
        if (h->attention != NULL)
            write_attention(a, h, h->rank + k, s, h->attention[k]);
    }
}

/* TOKENS: a frame for tokens as they are settled; the last one says how the sequence ended. */
static void
emit(void *arg, const int32_t *ids, const float *logprob, size_t n, const struct t5g_sequence *done)
{
    struct t5g_answers *a = arg;
    write_ids(a, a->now, 0, ids, logprob, n, done);
    flush(a);
    a->part++;
}

/* The seed of a sequence's draws, which depend neither on other documents nor on their order. */
static uint64_t
seed_of(const struct t5g_answers *a, const struct t5g_prompt *p, size_t rank)
{
    uint64_t all[4] = {a->o->seed, t5g_doc_key(a->doc->id, a->doc->id_len), rank,
                       p != NULL ? t5g_hash64(p->text.p, p->text.n) : 0};
    return t5g_hash64(all, sizeof all);
}

static void
add_one(struct t5g_answers *a, const struct t5g_variant *by, const struct t5g_cross *cross,
        const int32_t *source, size_t n_source, const struct t5g_prompt *p, size_t rank)
{
    struct held *h = t5g_alloc(1, sizeof *h);
    bool tokens = a->mode == T5G_ANSWERS_TOKENS;
    if (p != NULL) {
        h->ids = t5g_alloc(p->ids.n, sizeof *h->ids);
        if (p->ids.n > 0)
            memcpy(h->ids, p->ids.p, p->ids.n * sizeof *h->ids);
        h->prompt = p->json.p != NULL ? t5g_strdup(p->json.p) : NULL;
    }
    h->by = by;
    h->rank = rank;
    h->job = (struct t5g_job){.cross = cross,
                              .prompt = h->ids,
                              .n_prompt = p != NULL ? p->ids.n : 0,
                              .source = source,
                              .n_source = n_source,
                              .seed = seed_of(a, p, rank),
                              .emit = tokens ? emit : NULL,
                              .arg = a};
    if (a->o->num_beams > 1 && a->o->num_return > 1) {
        h->n_more = a->o->num_return - 1;
        h->job.more = t5g_alloc(h->n_more, sizeof *h->job.more);
    }
    a->v = t5g_grow(a->v, a->n, &a->cap, sizeof *a->v);
    a->v[a->n++] = h;
}

void
t5g_answers_add(struct t5g_answers *a, const struct t5g_variant *by, const struct t5g_cross *cross,
                const int32_t *source, size_t n_source, const struct t5g_prompt *p)
{
    size_t draws = a->o->num_beams > 1 ? 1 : t5g_max(a->o->num_return, 1);
    for (size_t rank = 0; rank < draws; rank++)
        add_one(a, by, cross, source, n_source, p, rank);
}

size_t
t5g_answers_jobs(struct t5g_answers *a, const struct t5g_variant *by, struct t5g_job **jobs)
{
    size_t n = 0;
    for (size_t i = 0; i < a->n; i++) {
        if (a->v[i]->by != by)
            continue;
        if (jobs != NULL)
            jobs[n] = &a->v[i]->job;
        n++;
    }
    return n;
}

int
t5g_answers_check(struct t5g_answers *a, struct t5g_err *e)
{
    for (size_t i = 0; i < a->n; i++) {
        if (a->v[i]->job.err.code != 0) {
            *e = a->v[i]->job.err;
            return -1;
        }
        if (attend(a, a->v[i], e) < 0)
            return -1;
        t5g_progress_add(a->v[i]->job.out.n);
    }
    t5g_progress_part(0, 0);
    return 0;
}

int
t5g_answers_now(struct t5g_answers *a, struct t5g_err *e)
{
    int r = 0;
    for (size_t i = 0; i < a->n && r == 0; i++) {
        struct t5g_job *job = &a->v[i]->job;
        a->now = a->v[i];
        a->part = 0;
        if (a->mode == T5G_ANSWERS_TOKENS)
            open_doc(a);
        t5g_generate(a->v[i]->by->generator, &job, 1);
        if (job->err.code == 0)
            attend(a, a->v[i], &job->err);
        if (job->err.code == 0) {
            a->part = 0;
            write_held(a, a->v[i]);
            flush(a);
        }
        if (job->err.code != 0) {
            *e = job->err;
            r = -1;
        } else {
            t5g_progress_add(job->out.n);
            t5g_progress_part(0, 0);
        }
    }
    forget(a);
    return r;
}

void
t5g_answers_finish(struct t5g_answers *a)
{
    struct t5g_err e;
    t5g_stop_hold();
    open_doc(a);
    for (size_t i = 0; i < a->n; i++)
        write_held(a, a->v[i]);
    written(t5g_writer_frame(a->run->w, &a->doc->close, &e), &e);
    t5g_run_done(a->run, 0);
    t5g_stop_release();
}
