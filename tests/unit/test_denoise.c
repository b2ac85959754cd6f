/* test_denoise.c: sentinels; training pairs: nothing is lost, lengths and the mixture are right. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "text/denoise.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SENTINELS = 99, FIRST = 98 }; /* <unused98> to <unused0> of the demo's tokenizer */

static struct t5g_tokenizer *t;
static struct t5g_sentinels *s;

static int
open_all(void **state)
{
    struct t5g_err e;
    char *dir = t5g_path_join(getenv("T5G_TESTS"), "../pipelines/demo/model");
    (void)state;
    t = t5g_tokenizer_open(dir, &e);
    t5g_free(dir);
    s = t != NULL ? t5g_sentinels_open(t, "unused", FIRST, 0, &e) : NULL;
    if (s == NULL)
        print_error("%s\n", e.msg);
    return s == NULL;
}

static int
close_all(void **state)
{
    (void)state;
    t5g_sentinels_close(s);
    t5g_tokenizer_close(t);
    return 0;
}

static void
sentinels_count_down(void **state)
{
    struct t5g_err e = {0};
    int32_t id, last = -1;
    (void)state;
    for (size_t k = 0; k < SENTINELS; k++) {
        struct t5g_buf text = {0};
        struct t5g_ids ids = {0};
        char want[32];
        snprintf(want, sizeof want, "<unused%zu>", FIRST - k);
        t5g_sentinel_text(s, k, &text);
        assert_string_equal(text.p, want);
        t5g_tokenize(t, text.p, text.n, T5G_TOK_BARE, &ids);
        assert_int_equal(t5g_sentinel_id(s, k, &id, &e), 0);
        assert_int_equal(ids.n, 1);
        assert_int_equal(ids.p[0], id);
        assert_int_equal(t5g_sentinel_of(s, id), k);
        assert_true(k == 0 || id < last);
        last = id;
        t5g_ids_free(&ids);
        t5g_buf_free(&text);
    }
    assert_int_equal(t5g_sentinel_id(s, SENTINELS, &id, &e), -1);
    assert_string_equal(e.msg, "more than 99 gaps, and <unused0> is the last sentinel");
    assert_int_equal(t5g_sentinel_of(s, 3), -1);
    struct t5g_sentinels *up = t5g_sentinels_open(t, "unused", 0, 0, &e);
    assert_non_null(up);
    assert_int_equal(t5g_sentinel_id(up, 5, &id, &e), 0);
    assert_int_equal(t5g_sentinel_of(s, id), FIRST - 5);
    t5g_sentinels_close(up);
    assert_null(t5g_sentinels_open(t, "unused", 6237, 0, &e));
    assert_int_equal(e.code, T5G_EX_DATA);
    assert_non_null(strstr(e.msg, "<unused6237> is "));
}

/* Ids that are no sentinels, each another one. */
static void
fill(struct t5g_ids *ids, size_t n)
{
    ids->n = 0;
    for (int32_t id = 1000; ids->n < n; id++)
        if (t5g_sentinel_of(s, id) < 0)
            t5g_ids_add(ids, id);
}

/* Put the spans of a pair back; returns their number, 0 for one without sentinels. */
static size_t
restore(const struct t5g_pair *x, struct t5g_ids *out)
{
    size_t at = 0, spans = 0;
    out->n = 0;
    for (size_t i = 0; i < x->input.n; i++) {
        long k = t5g_sentinel_of(s, x->input.p[i]);
        if (k < 0) {
            t5g_ids_add(out, x->input.p[i]);
            continue;
        }
        assert_int_equal(k, spans++);
        assert_true(i > 0 && t5g_sentinel_of(s, x->input.p[i - 1]) < 0); /* runs are not empty */
        assert_true(at < x->target.n && x->target.p[at++] == x->input.p[i]);
        size_t from = at;
        while (at < x->target.n && t5g_sentinel_of(s, x->target.p[at]) < 0)
            t5g_ids_add(out, x->target.p[at++]);
        assert_true(at > from);
    }
    if (spans == 0)
        t5g_ids_append(out, x->target.p, x->target.n);
    else
        assert_int_equal(at, x->target.n);
    return spans;
}

static void
nothing_is_lost(void **state)
{
    struct t5g_pair x = {0};
    struct t5g_ids ids = {0}, back = {0};
    size_t seen = 0;
    (void)state;
    for (size_t n = 2; n <= 400; n += n < 40 ? 1 : 45)
        for (uint64_t seed = 0; seed < 40; seed++) {
            struct t5g_err e = {0};
            fill(&ids, n);
            assert_int_equal(t5g_denoise(s, ids.p, n, seed, "id", 2, &x, &e), 0);
            const struct t5g_denoise_task *task = &t5g_denoise_tasks[x.task];
            size_t spans = restore(&x, &back), noise = x.target.n - spans;
            assert_int_equal(back.n, n);
            assert_memory_equal(back.p, ids.p, n * sizeof *ids.p);
            size_t want = (size_t)lround((double)n * task->rate);
            assert_int_equal(noise, want < 1 ? 1 : want > n - 1 ? n - 1 : want);
            assert_int_equal(spans == 0, task->span == 0);
            if (task->span > 0 && n >= 100)
                assert_int_equal(spans, lround((double)noise / (double)task->span) > 1
                                            ? lround((double)noise / (double)task->span)
                                            : 1);
            seen |= (size_t)1 << x.task;
        }
    assert_int_equal(seen, (1 << T5G_TASKS) - 1);
    t5g_pair_free(&x);
    t5g_ids_free(&ids);
    t5g_ids_free(&back);
}

/* 1:1:1:1:4, by chi-square with 4 degrees of freedom (18.5: one in a thousand), and 53.75 % of all
 * tokens are in targets. The seed is fixed, so the test cannot fail by chance. */
static void
mixture(void **state)
{
    enum { DOCS = 8000, N = 200 };
    size_t count[T5G_TASKS] = {0};
    double chi = 0, noise = 0;
    struct t5g_pair x = {0};
    struct t5g_ids ids = {0};
    (void)state;
    fill(&ids, N);
    for (size_t i = 0; i < DOCS; i++) {
        struct t5g_err e;
        char id[32];
        int len = snprintf(id, sizeof id, "lines.txt:%zu", i + 1);
        assert_int_equal(t5g_denoise(s, ids.p, N, 7, id, (size_t)len, &x, &e), 0);
        count[x.task]++;
        for (size_t k = 0; k < x.target.n; k++)
            noise += t5g_sentinel_of(s, x.target.p[k]) < 0;
    }
    for (size_t k = 0; k < T5G_TASKS; k++) {
        double want = (double)DOCS * t5g_denoise_tasks[k].weight / T5G_TASK_WEIGHTS;
        chi += ((double)count[k] - want) * ((double)count[k] - want) / want;
    }
    assert_true(chi < 18.5);
    assert_true(fabs(noise / DOCS / N - 0.5375) < 0.01);
    t5g_pair_free(&x);
    t5g_ids_free(&ids);
}

/* Spans are everywhere, of all lengths: the first begins at each place about as often as the
 * scheme of T5 says. */
static void
lengths_are_even(void **state)
{
    enum { N = 40, RUNS = 20000 };
    size_t first[N] = {0}, runs = 0;
    struct t5g_pair x = {0};
    struct t5g_ids ids = {0};
    (void)state;
    fill(&ids, N);
    for (uint64_t seed = 0; seed < RUNS; seed++) {
        struct t5g_err e;
        assert_int_equal(t5g_denoise(s, ids.p, N, seed, "", 0, &x, &e), 0);
        if (x.task != 0) /* 6 of 40 tokens, in 2 spans: the 34 others in 2 runs of 1 to 33 */
            continue;
        size_t at = 0;
        while (t5g_sentinel_of(s, x.input.p[at]) < 0)
            at++;
        first[at]++;
        runs++;
    }
    double want = (double)runs / 33, chi = 0;
    for (size_t k = 1; k <= 33; k++)
        chi += ((double)first[k] - want) * ((double)first[k] - want) / want;
    assert_true(first[0] == 0 && first[34] == 0 && runs > RUNS / 10);
    assert_true(chi < 62.5); /* 32 degrees of freedom, one in a thousand */
    t5g_pair_free(&x);
    t5g_ids_free(&ids);
}

static void
what_a_pair_depends_on(void **state)
{
    struct t5g_pair x = {0}, y = {0};
    struct t5g_ids ids = {0};
    struct t5g_err e;
    (void)state;
    fill(&ids, 50);
    size_t differ[2] = {0};
    for (uint64_t seed = 0; seed < 50; seed++) {
        assert_int_equal(t5g_denoise(s, ids.p, 50, seed, "a", 1, &x, &e), 0);
        assert_int_equal(t5g_denoise(s, ids.p, 50, seed, "a", 1, &y, &e), 0);
        assert_int_equal(x.input.n, y.input.n);
        assert_memory_equal(x.input.p, y.input.p, x.input.n * sizeof *x.input.p);
        assert_int_equal(t5g_denoise(s, ids.p, 50, seed, "b", 1, &y, &e), 0);
        differ[0] += x.task != y.task;
        assert_int_equal(t5g_denoise(s, ids.p, 50, seed + 1, "a", 1, &y, &e), 0);
        differ[1] += x.task != y.task;
    }
    assert_true(differ[0] > 10 && differ[1] > 10);
    assert_int_equal(t5g_denoise(s, ids.p, 1, 0, "a", 1, &x, &e), -1);
    assert_string_equal(e.msg, "1 token, and a training pair needs 2 (--ul2)");
    assert_int_equal(t5g_sentinel_id(s, 3, &ids.p[7], &e), 0);
    assert_int_equal(t5g_denoise(s, ids.p, 50, 0, "a", 1, &x, &e), -1);
    assert_string_equal(e.msg, "the text itself holds the sentinel <unused95>");
    t5g_pair_free(&x);
    t5g_pair_free(&y);
    t5g_ids_free(&ids);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sentinels_count_down),
        cmocka_unit_test(nothing_is_lost),
        cmocka_unit_test(mixture),
        cmocka_unit_test(lengths_are_even),
        cmocka_unit_test(what_a_pair_depends_on),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
