/* test_splitter.c: a stream in parts: what is in them, and that they appear together. */
#include "streams.h"
#include "base/io.h"
#include "store/splitter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

/* A folder to work in, and a source of the three documents of make_sample. */
struct place {
    char dir[64], prefix[80];
    struct make m;
    struct t5g_source *in;
};

static void
enter(struct place *p)
{
    struct t5g_err e;
    *p = (struct place){.dir = "/tmp/t5g-split-XXXXXX"};
    assert_non_null(mkdtemp(p->dir));
    snprintf(p->prefix, sizeof p->prefix, "%s/p", p->dir);
    make_sample(&p->m);
    p->in = t5g_source_open_fd(open_bytes(p->m.b.p, p->m.b.n, MAPPED), "in", 1 << 20);
    assert_int_equal(t5g_source_start(p->in, &e), 0);
}

/* Part i is there with n documents, and is removed; with n < 0 it is not there. */
static void
expect_part(const struct place *p, int i, const char *ending, int n)
{
    char path[128];
    snprintf(path, sizeof path, "%s-%06d.%s", p->prefix, i, ending);
    assert_int_equal(access(path, F_OK), n < 0 ? -1 : 0);
    if (n < 0)
        return;
    char *paths[] = {path};
    struct t5g_err e;
    struct t5g_doc d = {0};
    struct t5g_source *s = t5g_source_open(paths, 1, 1 << 20, false);
    int r, found = 0;
    while ((r = t5g_source_next(s, &d, &e)) == 1)
        found++;
    assert_int_equal(r, 0);
    assert_int_equal(found, n);
    t5g_doc_clear(&d);
    t5g_source_close(s);
    assert_int_equal(unlink(path), 0);
}

/* Nothing else is in the folder. */
static void
leave(struct place *p)
{
    t5g_source_close(p->in);
    make_free(&p->m);
    assert_int_equal(rmdir(p->dir), 0);
}

/* Two documents, then one, then a file without any. */
static void
split(struct place *p, struct t5g_splitter *s)
{
    struct t5g_err e;
    struct t5g_doc d = {0};
    assert_int_equal(t5g_splitter_next(s, &e), 0);
    for (int i = 0; t5g_source_next(p->in, &d, &e) == 1; i++) {
        if (i == 2)
            assert_int_equal(t5g_splitter_next(s, &e), 0);
        assert_int_equal(t5g_splitter_add(s, &d, &e), 0);
    }
    assert_int_equal(t5g_splitter_next(s, &e), 0);
    assert_int_equal(t5g_splitter_files(s), 3);
    t5g_doc_clear(&d);
}

static void
parts_hold_documents(void **state)
{
    (void)state;
    for (int tar = 0; tar < 2; tar++) {
        struct place p;
        struct t5g_err e;
        uint64_t stale = 9;
        const char *ending = tar ? "tar" : "t5g";
        enter(&p);
        struct t5g_splitter *s = t5g_splitter_open(p.prefix, tar == 1, "test", p.in, &e);
        if (s == NULL && e.code == T5G_EX_UNAVAIL)
            skip();
        assert_non_null(s);
        split(&p, s);
        expect_part(&p, 0, ending, -1);
        assert_int_equal(t5g_splitter_commit(s, &stale, &e), 0);
        assert_int_equal(stale, 0);
        assert_int_equal(t5g_splitter_failed(s), 1);
        t5g_splitter_close(s);
        expect_part(&p, 0, ending, 2);
        expect_part(&p, 1, ending, 1);
        expect_part(&p, 2, ending, 0);
        leave(&p);
    }
}

static void
without_commit_nothing_is_left(void **state)
{
    (void)state;
    struct place p;
    struct t5g_err e;
    enter(&p);
    struct t5g_splitter *s = t5g_splitter_open(p.prefix, false, "test", p.in, &e);
    assert_non_null(s);
    split(&p, s);
    t5g_splitter_close(s);
    leave(&p);
}

/* A shorter set in the place of a longer one. */
static void
stale_parts_go(void **state)
{
    (void)state;
    struct place p;
    struct t5g_err e;
    uint64_t stale;
    enter(&p);
    for (int pass = 0; pass < 2; pass++) {
        struct t5g_splitter *s = t5g_splitter_open(p.prefix, false, "test", p.in, &e);
        assert_non_null(s);
        if (pass == 0)
            split(&p, s);
        else
            assert_int_equal(t5g_splitter_next(s, &e), 0);
        assert_int_equal(t5g_splitter_commit(s, &stale, &e), 0);
        assert_int_equal(stale, pass == 0 ? 0 : 2);
        t5g_splitter_close(s);
    }
    expect_part(&p, 0, "t5g", 0);
    leave(&p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_hold_documents),
        cmocka_unit_test(without_commit_nothing_is_left),
        cmocka_unit_test(stale_parts_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
