/* test_collector.c: a cache's files: listed by kind, checked, removed by age, size and grace. */
#include "base/io.h"
#include "store/collector.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

enum { HOUR = 3600, DAY = 86400 };

static struct {
    char dir[64];
    struct t5g_cache *cache;
    struct t5g_cache_files files;
    size_t told, warned;
    char last[2048]; /* path told, or line of a warning */
} at;

static void
told(const struct t5g_cache_file *f, uint64_t age)
{
    (void)age;
    at.told++;
    snprintf(at.last, sizeof at.last, "%s", f->path);
}

static void
warn(const char *line)
{
    at.warned++;
    snprintf(at.last, sizeof at.last, "%s", line);
}

/* A file of n bytes in the cache, last used `age` seconds ago. */
static void
make(const char *name, size_t n, time_t age)
{
    char path[256];
    struct t5g_err e;
    struct timespec used[2] = {{.tv_sec = time(NULL) - age}, {.tv_sec = time(NULL) - age}};
    snprintf(path, sizeof path, "%s/%s", at.dir, name);
    char *bytes = t5g_alloc(n + 1, 1);
    assert_int_equal(t5g_write_file(path, bytes, n, &e), 0);
    t5g_free(bytes);
    assert_int_equal(utimensat(AT_FDCWD, path, used, 0), 0);
}

static void
folder(const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", at.dir, name);
    assert_int_equal(mkdir(path, 0700), 0);
}

static bool
is_there(const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", at.dir, name);
    return access(path, F_OK) == 0;
}

static void
list(void)
{
    struct t5g_err e;
    t5g_cache_files_free(&at.files);
    assert_int_equal(t5g_cache_files_list(&at.files, at.cache, &e), 0);
}

#define KEY    "0123456789abcdef0123456789abcd"
#define OLD    "v1/00/" KEY ".t5g"
#define MIDDLE "v1/ab/" KEY ".t5g"
#define NEW    "v1/ff/" KEY ".t5g"
#define TABLE  "tokenizer-" KEY "ef"
#define NOTE   "model-" KEY "ef"
#define DEAD   "v1/tmp/" KEY "ef.host.1.0"
#define ALIVE  "v1/tmp/" KEY "ef.host.2.0"

/* Entries of 100, 200 and 300 bytes, used 3 days, 2 days and 10 minutes ago, a table and a note of
 * 40 and 50 an hour ago, two unfinished ones, and files of others. */
static int
enter(void **state)
{
    (void)state;
    memset(&at, 0, sizeof at);
    strcpy(at.dir, "/tmp/t5g-collector-XXXXXX");
    assert_non_null(mkdtemp(at.dir));
    at.cache = t5g_cache_open(at.dir, NULL);
    folder("v1");
    folder("v1/00");
    folder("v1/ab");
    folder("v1/ff");
    folder("v1/tmp");
    make(OLD, 100, 3 * DAY);
    make(MIDDLE, 200, 2 * DAY);
    make(NEW, 300, 600);
    make(TABLE, 40, HOUR + 5);
    make(NOTE, 50, HOUR + 6);
    make(DEAD, 7, DAY + 10);
    make(ALIVE, 8, DAY - 100);
    make("v1/ab/" KEY ".txt", 1000, 9 * DAY);
    make("v1/ab/x.t5g", 1000, 9 * DAY);
    make("notes", 1000, 9 * DAY);
    list();
    return 0;
}

static int
leave(void **state)
{
    (void)state;
    char command[128];
    t5g_cache_files_free(&at.files);
    t5g_cache_close(at.cache);
    snprintf(command, sizeof command, "rm -r '%s'", at.dir);
    assert_int_equal(system(command), 0); /* NOLINT */
    return 0;
}

static void
test_list(void **state)
{
    (void)state;
    static const struct {
        enum t5g_cache_kind kind;
        uint64_t files, bytes;
    } want[] = {{T5G_CACHE_ENTRY, 3, 600},
                {T5G_CACHE_TABLE, 1, 40},
                {T5G_CACHE_NOTE, 1, 50},
                {T5G_CACHE_UNFINISHED, 2, 15}};
    for (size_t i = 0; i < T5G_LEN(want); i++) {
        assert_int_equal(at.files.of[want[i].kind].files, want[i].files);
        assert_int_equal(at.files.of[want[i].kind].bytes, want[i].bytes);
    }
    assert_int_equal(at.files.n, 7);
    assert_int_equal(at.files.bytes, 690);
    int64_t now = (int64_t)time(NULL), age = now - t5g_cache_files_oldest(&at.files, now);
    assert_in_range(age, 3 * DAY, 3 * DAY + 60);
}

static void
test_none(void **state)
{
    (void)state;
    char path[128];
    struct t5g_err e;
    struct t5g_cache_files l = {0};
    struct t5g_collected gone = {.files = 7};
    struct t5g_cache_rules all = {0, 0, 0, false};
    snprintf(path, sizeof path, "%s/none", at.dir);
    struct t5g_cache *c = t5g_cache_open(path, NULL);
    assert_int_equal(t5g_cache_files_list(&l, c, &e), 0);
    assert_int_equal(l.n, 0);
    assert_int_equal(t5g_cache_files_oldest(&l, 5), 5);
    assert_int_equal(t5g_cache_collect(c, &l, &all, told, &gone, &e), 0);
    assert_int_equal(gone.files, 0);
    folder("none");
    assert_true(t5g_cache_may_be(path)); /* empty */
    make("none/x", 1, 0);
    assert_false(t5g_cache_may_be(path)); /* somebody's */
    folder("none/v1");
    assert_true(t5g_cache_may_be(path)); /* emptied */
    t5g_cache_close(c);
}

/* None of the entries is a stream. */
static void
test_check(void **state)
{
    (void)state;
    assert_int_equal(t5g_cache_files_check(&at.files, warn), 3);
    assert_int_equal(at.warned, 3);
    size_t n = strlen(at.last), removed = strlen(": removed");
    assert_true(n > removed && strcmp(at.last + n - removed, ": removed") == 0);
    assert_false(is_there(OLD) || is_there(MIDDLE) || is_there(NEW));
    assert_true(is_there(TABLE) && is_there(NOTE) && is_there(DEAD));
    assert_int_equal(t5g_cache_files_check(&at.files, warn), 0); /* gone: no damage */
    assert_int_equal(at.warned, 3);
}

static void
test_collect(void **state)
{
    (void)state;
    static const struct {
        struct t5g_cache_rules rules;
        uint64_t files, bytes, spared;
        const char *last; /* told last, NULL: none but the dead one */
        bool old, middle, new, small;
    } cases[] = {
        {{UINT64_MAX, UINT64_MAX, 0, false}, 1, 0, 0, DEAD, true, true, true, true},
        {{UINT64_MAX, 2 * DAY + HOUR, 0, false}, 2, 100, 0, DEAD, false, true, true, true},
        {{UINT64_MAX, DAY, 3 * DAY - HOUR, false}, 2, 100, 1, DEAD, false, true, true, true},
        {{590, UINT64_MAX, 0, false}, 2, 100, 0, DEAD, false, true, true, true},
        {{589, UINT64_MAX, 0, false}, 3, 300, 0, DEAD, false, false, true, true},
        {{0, UINT64_MAX, HOUR, false}, 5, 390, 1, TABLE, false, false, true, false},
        {{0, UINT64_MAX, 0, false}, 6, 690, 0, NEW, false, false, false, false},
        {{0, UINT64_MAX, 0, true}, 6, 690, 0, NEW, true, true, true, true},
    };
    for (size_t i = 0; i < T5G_LEN(cases); i++) {
        struct t5g_err e;
        struct t5g_collected gone;
        leave(NULL);
        enter(NULL);
        assert_int_equal(t5g_cache_collect(at.cache, &at.files, &cases[i].rules, told, &gone, &e),
                         0);
        assert_int_equal(gone.files, cases[i].files);
        assert_int_equal(gone.bytes, cases[i].bytes);
        assert_int_equal(gone.spared, cases[i].spared);
        assert_int_equal(at.told, cases[i].files);
        assert_string_equal(at.last + strlen(at.dir) + 1, cases[i].last);
        assert_int_equal(is_there(OLD), cases[i].old);
        assert_int_equal(is_there(MIDDLE), cases[i].middle);
        assert_int_equal(is_there(NEW), cases[i].new);
        assert_int_equal(is_there(TABLE), cases[i].small);
        assert_int_equal(is_there(NOTE), cases[i].small);
        assert_int_equal(is_there(DEAD), cases[i].rules.dry_run);
        assert_true(is_there(ALIVE) && is_there("notes") && is_there("v1/ab/x.t5g"));
    }
}

static void
test_one_at_a_time(void **state)
{
    (void)state;
    char path[128];
    struct t5g_err e;
    struct t5g_collected gone;
    struct t5g_cache_rules all = {0, 0, 0, false};
    snprintf(path, sizeof path, "%s/v1/gc.lock", at.dir);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0 && flock(fd, LOCK_EX) == 0);
    assert_int_equal(t5g_cache_collect(at.cache, &at.files, &all, told, &gone, &e), -1);
    assert_int_equal(e.code, T5G_EX_AGAIN);
    assert_true(is_there(OLD) && at.told == 0);
    close(fd);
    assert_int_equal(t5g_cache_collect(at.cache, &at.files, &all, told, &gone, &e), 0);
    list(); /* the lock was released: a second one works too */
    assert_int_equal(t5g_cache_collect(at.cache, &at.files, &all, told, &gone, &e), 0);
    assert_int_equal(gone.files, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_list, enter, leave),
        cmocka_unit_test_setup_teardown(test_none, enter, leave),
        cmocka_unit_test_setup_teardown(test_check, enter, leave),
        cmocka_unit_test_setup_teardown(test_collect, enter, leave),
        cmocka_unit_test_setup_teardown(test_one_at_a_time, enter, leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
