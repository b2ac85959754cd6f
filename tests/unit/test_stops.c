/*
 * test_stops.c: texts at which sequences end, against all that has been decoded after each id; and
 * ids handed out while a sequence grows, which are never taken back.
 */
#include "generate/emitter.h"
#include "golden.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

enum { N = 24, ROUNDS = 4000 };

static struct t5g_tokenizer *tokenizer;
static uint32_t state = 1;

static uint32_t
below(uint32_t n)
{
    state = state * 1664525 + 1013904223;
    return state / 65536 % n;
}

/* Ids of texts that straddle tokens: pieces, byte tokens in and out of order, special tokens. */
static void
make_ids(int32_t *ids)
{
    static const char *const texts[] = {"é夏é", "the the", "aab", "ab", " ", "\n\n", "€x", "end. "};
    size_t n = 0;
    while (n < N) {
        struct t5g_ids some = {0};
        const char *text = texts[below(T5G_LEN(texts))];
        t5g_tokenize(tokenizer, text, strlen(text), T5G_TOK_BARE, &some);
        size_t from = below(5) == 0 && some.n > 1 ? below((uint32_t)some.n) : 0;
        for (size_t i = from; i < some.n && n < N; i++)
            ids[n++] = some.p[i];
        if (below(6) == 0 && n < N)
            ids[n++] = (int32_t)below(5); /* special ones */
        t5g_ids_free(&some);
    }
}

/* The text of ids [n], as t5g-detok prints it. */
static struct t5g_buf
decoded(const int32_t *ids, size_t n)
{
    struct t5g_detok d;
    struct t5g_buf b = {0};
    t5g_detok_open(&d, tokenizer, false);
    t5g_detok_add(&d, ids, n, &b);
    t5g_detok_end(&d, &b);
    t5g_detok_free(&d);
    return b;
}

/* The stop text that is complete first in a text, of several the longest, or NULL. */
static const char *
first(const struct t5g_buf *b, char *const *texts, size_t n)
{
    for (size_t end = 1; end <= b->n; end++) {
        const char *found = NULL;
        for (size_t i = 0; i < n; i++) {
            size_t len = strlen(texts[i]);
            if (len <= end && memcmp(b->p + end - len, texts[i], len) == 0 &&
                (found == NULL || len > strlen(found)))
                found = texts[i];
        }
        if (found != NULL)
            return found;
    }
    return NULL;
}

/* One to three texts: parts of the sequence's, or similar ones. */
static size_t
make_stops(char **texts, const int32_t *ids)
{
    struct t5g_buf b = decoded(ids, N);
    size_t n = 1 + below(3);
    for (size_t i = 0; i < n; i++) {
        size_t from = below((uint32_t)b.n), len = 1 + below(7);
        texts[i] = t5g_memdup(b.p + from, t5g_min(len, b.n - from));
        if (below(4) == 0)
            texts[i][strlen(texts[i]) - 1] = 'Q';
    }
    t5g_buf_free(&b);
    return n;
}

static int
open_tokenizer(void **unused)
{
    struct t5g_err e = {0};
    char *path = gd_path("models/tiny");
    (void)unused;
    tokenizer = t5g_tokenizer_open(path, &e);
    t5g_free(path);
    return tokenizer != NULL ? 0 : -1;
}

static int
close_tokenizer(void **unused)
{
    (void)unused;
    t5g_tokenizer_close(tokenizer);
    return 0;
}

static void
test_exact(void **unused)
{
    size_t found_some = 0;
    (void)unused;
    for (size_t round = 0; round < ROUNDS; round++) {
        int32_t ids[N];
        char *texts[3];
        make_ids(ids);
        size_t n = make_stops(texts, ids);
        struct t5g_stops *stops = t5g_stops_open(tokenizer, (const char *const *)texts, n);
        struct t5g_stopping x = {0}, copy = {0};
        const char *stop = NULL;
        for (size_t k = 0; k < N && stop == NULL; k++) {
            struct t5g_buf b = decoded(ids, k + 1);
            const char *want = first(&b, texts, n);
            const char *would = t5g_stopping_would(stops, &x, ids[k]);
            if (below(3) == 0) { /* a beam forks */
                t5g_stopping_copy(&copy, &x);
                struct t5g_stopping old = x;
                x = copy;
                copy = old;
            }
            stop = t5g_stopping_add(stops, &x, ids[k]);
            assert_true((stop == NULL) == (want == NULL) && stop == would);
            if (want != NULL)
                assert_string_equal(stop, want);
            t5g_buf_free(&b);
        }
        found_some += stop != NULL;
        t5g_stopping_free(&x);
        t5g_stopping_free(&copy);
        t5g_stops_close(stops);
        for (size_t i = 0; i < n; i++)
            t5g_free(texts[i]);
    }
    assert_in_range(found_some, ROUNDS / 4, ROUNDS - 100);
}

/* ---- ids handed out ---- */

struct reader {
    struct t5g_ids ids;
    struct t5g_detok detok;
    struct t5g_buf text; /* printed so far */
    const struct t5g_sequence *done;
    size_t calls;
};

/* Print as t5g-detok does: what is decoded at once, and before the end up to the stop text. */
static void
take(void *arg, const int32_t *ids, const float *logprob, size_t n, const struct t5g_sequence *done)
{
    struct reader *r = arg;
    struct t5g_buf more = {0};
    assert_true(n > 0 && r->done == NULL && logprob == NULL);
    t5g_ids_append(&r->ids, ids, n);
    t5g_detok_add(&r->detok, ids, n, &more);
    if (done != NULL)
        t5g_detok_end(&r->detok, &more);
    if (done != NULL && done->stop != NULL) {
        char *at = memmem(more.p, more.n, done->stop, strlen(done->stop));
        assert_non_null(at); /* whole in the last frame */
        more.n = (size_t)(at - more.p);
    }
    if (more.n > 0)
        t5g_buf_add(&r->text, more.p, more.n);
    t5g_buf_free(&more);
    r->done = done;
    r->calls++;
}

static void
test_emitter(void **unused)
{
    size_t calls = 0;
    (void)unused;
    for (size_t round = 0; round < ROUNDS; round++) {
        struct reader r = {0};
        struct t5g_job job = {.emit = take, .arg = &r};
        struct t5g_emitter e = {0};
        struct t5g_stopping x = {0};
        int32_t ids[N];
        char *texts[3];
        make_ids(ids);
        t5g_detok_open(&r.detok, tokenizer, false);
        size_t n = make_stops(texts, ids), k = 0;
        struct t5g_stops *stops = t5g_stops_open(tokenizer, (const char *const *)texts, n);
        t5g_emitter_start(&e, &job, stops);
        for (; k < N; k++) {
            job.out.stop = t5g_stopping_add(stops, &x, ids[k]);
            if (job.out.stop != NULL || k + 1 == N)
                break;
            if (below(3) > 0) /* several at a time, as beams do */
                t5g_emitter_known(&e, ids, NULL, k + 1);
        }
        job.out.ids = ids;
        job.out.n = k + 1;
        t5g_emitter_end(&e);
        calls += r.calls;
        struct t5g_buf whole = decoded(ids, k + 1);
        const char *at = job.out.stop != NULL
                             ? memmem(whole.p, whole.n, job.out.stop, strlen(job.out.stop))
                             : NULL;
        assert_true(r.done == &job.out && r.ids.n == k + 1);
        assert_memory_equal(r.ids.p, ids, (k + 1) * sizeof *ids);
        assert_int_equal(r.text.n, at != NULL ? (size_t)(at - whole.p) : whole.n);
        if (r.text.n > 0)
            assert_memory_equal(r.text.p, whole.p, r.text.n);
        t5g_buf_free(&whole);
        t5g_buf_free(&r.text);
        t5g_ids_free(&r.ids);
        t5g_detok_free(&r.detok);
        t5g_emitter_free(&e);
        t5g_stopping_free(&x);
        t5g_stops_close(stops);
        for (size_t i = 0; i < n; i++)
            t5g_free(texts[i]);
    }
    assert_true(calls > 2 * ROUNDS); /* not all at the end */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact),
        cmocka_unit_test(test_emitter),
    };
    return cmocka_run_group_tests(tests, open_tokenizer, close_tokenizer);
}
