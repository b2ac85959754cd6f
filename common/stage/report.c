/*
 * report.c: how much a packed model differs from its source on given texts.
 *
 *   t = ids of a piece of a text                                      [m]
 *   encoder and decoder:  document t[0..m/2) as in t5g-encode, then start, t[m/2..m)
 *   decoder alone:        no rows, then start, t[0..m)
 *   logits of both models at every position of what follows           (generate/divergence.c)
 */
#include "stage/report.h"
#include "base/io.h"
#include "cli/progress.h"
#include "cli/start.h"
#include "nn/encoder.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

struct side {
    struct t5g_model *m;
    struct t5g_encoder *enc;
    struct t5g_decoder *dec;
};

struct t5g_report {
    struct side side[2];
    struct t5g_comparer *comparer;
    const struct t5g_tokenizer *tokenizer;
};

static int
open_side(struct side *s, const char *path, struct t5g_pool *pool, struct t5g_err *e)
{
    const struct t5g_kernels *k = t5g_kernels_get(getenv("T5G_CPU"), e);
    if (k == NULL || (s->m = t5g_model_open(path, T5G_NEED_DECODER, e)) == NULL)
        return -1;
    s->enc = t5g_encoder_open(s->m, k, pool);
    s->dec = t5g_decoder_open(s->m, k, pool);
    return 0;
}

static int
check(const struct t5g_model *a, const struct t5g_model *b, bool any, struct t5g_err *e)
{
    for (int i = 0; i < T5G_IDS && !any; i++)
        if (strcmp(a->parts.id[i], b->parts.id[i]) != 0)
            return t5g_err_set(e, T5G_EX_DATA,
                               "%s: made from another model than %s: from '%s', with another %s "
                               "(-m names its source)",
                               b->dir, a->dir, b->parts.source, t5g_id_name((enum t5g_id)i));
    if (a->config.decoder.v != b->config.decoder.v)
        return t5g_err_set(e, T5G_EX_DATA, "%s: vocabulary of %zu ids, that of %s has %zu", b->dir,
                           b->config.decoder.v, a->dir, a->config.decoder.v);
    return 0;
}

struct t5g_report *
t5g_report_open(const char *source, const char *other, bool any,
                const struct t5g_tokenizer *tokenizer, struct t5g_pool *pool, struct t5g_err *e)
{
    struct t5g_report *r = t5g_alloc(1, sizeof *r);
    struct side *a = &r->side[0], *b = &r->side[1];
    r->tokenizer = tokenizer;
    if (open_side(a, source, pool, e) < 0 || open_side(b, other, pool, e) < 0 ||
        check(a->m, b->m, any, e) < 0) {
        t5g_report_close(r);
        return NULL;
    }
    struct t5g_decoder *const decoders[2] = {a->dec, b->dec};
    r->comparer = t5g_comparer_open(decoders, a->m->config.decoder.v, pool);
    return r;
}

void
t5g_report_close(struct t5g_report *r)
{
    if (r == NULL)
        return;
    t5g_comparer_close(r->comparer);
    for (int s = 0; s < 2; s++) {
        t5g_encoder_close(r->side[s].enc);
        t5g_decoder_close(r->side[s].dec);
        t5g_model_close(r->side[s].m);
    }
    t5g_free(r);
}

/* Keys and values of the document ids [n], of t5g-decode's default dtype. */
static struct t5g_cross *
document(struct side *s, const int32_t *ids, size_t n, struct t5g_err *e)
{
    struct t5g_cross *cross = NULL;
    float *rows = t5g_alloc_raw(n, s->m->config.encoder.d * sizeof *rows);
    if (n == 0 || t5g_encode(s->enc, ids, n, NULL, 0, rows, NULL, NULL, e) == 0)
        cross = t5g_cross_build(s->dec, rows, n, t5g_cross_dtype(s->m));
    t5g_free(rows);
    return cross;
}

/* The document of a text's first ids [n], with the tokenizer's ids around it. */
static void
document_ids(const struct t5g_tokenizer *t, const int32_t *ids, size_t n, struct t5g_ids *out)
{
    const int32_t *around;
    out->n = 0;
    size_t k = t5g_tokenizer_before(t, &around);
    t5g_ids_append(out, around, k);
    t5g_ids_append(out, ids, n);
    k = t5g_tokenizer_after(t, &around);
    t5g_ids_append(out, around, k);
}

/* Ids of one piece; their memory is reused. */
struct piece {
    struct t5g_ids document, follows;
    double logprob[T5G_REPORT_PIECE][2];
};

static int
compare(struct t5g_report *r, struct piece *p, struct t5g_divergence *sum, struct t5g_err *e)
{
    struct t5g_cross *cross[2] = {NULL, NULL};
    int result = 0;
    for (int s = 0; s < 2 && result == 0; s++) {
        cross[s] = document(&r->side[s], p->document.p, p->document.n, e);
        result = cross[s] == NULL ? -1 : 0;
    }
    if (result == 0)
        result = t5g_comparer_add(r->comparer, (const struct t5g_cross *const *)cross, p->follows.p,
                                  p->follows.n, 0, sum, p->logprob, e);
    t5g_cross_free(cross[0]);
    t5g_cross_free(cross[1]);
    return result;
}

/* Compare on ids [n] of a text. */
static int
compare_piece(struct t5g_report *r, enum t5g_report_part part, const int32_t *ids, size_t n,
              struct piece *p, struct t5g_divergence *sum, struct t5g_err *e)
{
    size_t half = part == T5G_REPORT_BOTH ? n / 2 : 0;
    p->document.n = p->follows.n = 0;
    if (part == T5G_REPORT_BOTH)
        document_ids(r->tokenizer, ids, half, &p->document);
    t5g_ids_add(&p->follows, r->side[0].m->config.start);
    t5g_ids_append(&p->follows, ids + half, n - half);
    return compare(r, p, sum, e);
}

static void
add_text(struct t5g_report_row *row, const struct t5g_divergence *d)
{
    double positions = (double)d->positions, targets = (double)d->targets;
    row->texts++;
    row->positions += d->positions;
    row->kl += d->kl / positions;
    row->same += (double)d->same / positions;
    row->apart += d->apart / targets;
    for (int s = 0; s < 2; s++)
        row->perplexity[s] += d->loss[s] / targets;
}

static void
finish(struct t5g_report_row *row)
{
    double n = (double)row->texts;
    row->kl /= n;
    row->same /= n;
    row->apart /= n;
    for (int s = 0; s < 2; s++)
        row->perplexity[s] = exp(row->perplexity[s] / n);
}

/* What is told while it goes on. */
struct watch {
    t5g_report_seen seen;
    void *arg;
    size_t done, total; /* tokens; total 0: nothing is shown */
};

/* One text, piece by piece. */
static int
run_text(struct t5g_report *r, const struct t5g_texts *t, size_t i, enum t5g_report_part part,
         struct piece *p, struct t5g_report_row *row, struct watch *w, struct t5g_err *e)
{
    struct t5g_divergence d = {0};
    size_t n;
    const int32_t *ids = t5g_texts_get(t, i, &n);
    for (size_t at = 0; at < n; at += T5G_REPORT_PIECE) {
        size_t m = t5g_min(T5G_REPORT_PIECE, n - at);
        if (compare_piece(r, part, ids + at, m, p, &d, e) < 0)
            return t5g_err_in(e, "text %zu", i + 1);
        for (size_t k = 1; k < p->follows.n && w->seen != NULL; k++)
            w->seen(w->arg, i, p->follows.p[k], p->logprob[k - 1]);
        w->done += m;
        if (w->total > 0)
            t5g_progress_part(w->done, w->total);
    }
    add_text(row, &d);
    return 0;
}

static int
run(struct t5g_report *r, const struct t5g_texts *t, enum t5g_report_part part,
    struct t5g_report_row *row, struct watch *w, struct t5g_err *e)
{
    struct piece *p = t5g_alloc(1, sizeof *p);
    int result = 0;
    *row = (struct t5g_report_row){0};
    for (size_t i = 0; i < t->n && result == 0; i++)
        result = run_text(r, t, i, part, p, row, w, e);
    t5g_ids_free(&p->document);
    t5g_ids_free(&p->follows);
    t5g_free(p);
    finish(row);
    return result;
}

int
t5g_report_run(struct t5g_report *r, const struct t5g_texts *t, enum t5g_report_part part,
               struct t5g_report_row *row, t5g_report_seen seen, void *arg, struct t5g_err *e)
{
    struct watch w = {.seen = seen, .arg = arg};
    return run(r, t, part, row, &w, e);
}

/* Control characters of a path are shown as \\xNN. */
static void
put_model(struct t5g_buf *b, const char *what, const struct t5g_model *m)
{
    struct t5g_err line;
    t5g_err_set(&line, 0, "%s: %s (%s)", what, m->dir, m->profile);
    t5g_buf_printf(b, "%s\n", line.msg);
}

static void
put_row(struct t5g_buf *b, const char *name, const struct t5g_report_row *row)
{
    t5g_buf_printf(b, "%-18s%10zu%12.5f%9.2f %%%13.6g%13.6g%12.5f\n", name, row->positions, row->kl,
                   100 * row->same, row->perplexity[0], row->perplexity[1], row->apart);
}

static int
put_table(struct t5g_report *r, const struct t5g_texts *t, struct t5g_buf *b, struct t5g_err *e)
{
    static const char *const names[] = {"encoder + decoder", "decoder alone"};
    struct watch w = {.total = T5G_REPORT_PARTS * t->ids.n};
    put_model(b, "source", r->side[0].m);
    put_model(b, "packed", r->side[1].m);
    t5g_buf_printf(b, "texts: %zu, tokens: %zu\n\n", t->n, t->ids.n);
    t5g_buf_printf(b, "%-18s%10s%12s%11s%13s%13s%12s\n", "", "positions", "divergence", "same",
                   "perplexity", "of packed", "difference");
    for (int part = 0; part < T5G_REPORT_PARTS; part++) {
        struct t5g_report_row row;
        if (run(r, t, (enum t5g_report_part)part, &row, &w, e) < 0)
            return -1;
        put_row(b, names[part], &row);
    }
    for (size_t i = 0; i < t->n; i++)
        t5g_progress_doc(false);
    t5g_progress_add(t->ids.n);
    return t5g_maps_whole(e);
}

int
t5g_report_print(const char *source, const char *other, const struct t5g_tokenizer *tokenizer,
                 const struct t5g_texts *t, struct t5g_err *e)
{
    struct t5g_buf b = {0};
    struct t5g_pool *pool = t5g_pool_open(t5g_thread_count(), e);
    struct t5g_report *r =
        pool != NULL ? t5g_report_open(source, other, false, tokenizer, pool, e) : NULL;
    t5g_progress_start("tokens");
    int result = r != NULL ? put_table(r, t, &b, e) : -1;
    t5g_progress_clear();
    if (result == 0)
        result = t5g_write_full(STDOUT_FILENO, "stdout", b.p, b.n, e);
    t5g_buf_free(&b);
    t5g_report_close(r);
    if (pool != NULL)
        t5g_pool_close(pool);
    return result;
}
