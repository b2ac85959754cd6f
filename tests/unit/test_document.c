/* test_document.c: writer, HEAD, documents of several inputs, and recovery. */
#include "streams.h"
#include "base/io.h"
#include "stream/scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

/* What a writer wrote to this descriptor. */
static void
take_written(int fd, struct make *out)
{
    struct t5g_err e;
    out->b.n = 0;
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_int_equal(t5g_read_all(fd, "written", (size_t)1 << 30, &out->b, &e), 0);
}

static const char head[] = "{\"t5g\":1,\"pg\":[]}";

static void
test_writer(void **state)
{
    (void)state;
    struct t5g_err e = {0};
    int fd = open_bytes("", 0, MAPPED);
    struct t5g_writer *w = t5g_writer_open(fd, "out");
    static char big[200000];
    assert_false(t5g_writer_started(w));
    assert_int_equal(t5g_writer_head(w, head, &e), 0);
    assert_int_equal(t5g_writer_doc(w, "a\nb", 3, "\"len\":4096", &e), 0);
    assert_true(t5g_writer_in_doc(w));
    assert_int_equal(t5g_writer_tensor(w, "x", T5G_U8, 1, (uint64_t[]){sizeof big}, big, NULL, &e),
                     0);
    assert_int_equal(t5g_writer_tensor(w, "s", T5G_F64, 0, NULL, (double[]){1}, "\"k\":[]", &e), 0);
    assert_int_equal(t5g_writer_text(w, "prompt", "a\0b", 3, &e), 0);
    assert_int_equal(t5g_writer_close(w, "{\"ntok\":1}", &e), 0);
    assert_int_equal(t5g_writer_doc(w, "\xff\0z", 3, NULL, &e), 0);
    assert_int_equal(t5g_writer_error(w, "tool", 65, "what \"x\"\n", &e), 0);
    assert_int_equal(t5g_writer_docs_ok(w), 1);
    assert_int_equal(t5g_writer_docs_failed(w), 1);
    assert_int_equal(t5g_writer_end(w, 0, &e), 0);
    t5g_writer_free(w);
    struct make got = {0};
    take_written(fd, &got);
    size_t frames;
    for (enum way way = MAPPED; way < WAYS; way++)
        assert_int_equal(read_bytes(got.b.p, got.b.n, way, &frames, &e), 0);
    assert_int_equal(frames, 9);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    char *paths[] = {path};
    struct t5g_source *s = t5g_source_open(paths, 1, T5G_FRAME_SIZE_DEFAULT, false);
    struct t5g_doc d = {0};
    const struct t5g_frame *f;
    assert_int_equal(t5g_source_next(s, &d, &e), 1);
    assert_string_equal(d.id, "a\nb");
    assert_string_equal(d.open.meta, "{\"id\":\"a\\nb\",\"len\":4096}");
    assert_int_equal(d.n_items, 3);
    assert_int_equal(t5g_doc_tensor(&d, "s", T5G_F64, 0, &f, &e), 0);
    assert_string_equal(f->meta, "{\"name\":\"s\",\"k\":[]}");
    assert_int_equal(t5g_doc_tensor(&d, "x", T5G_F64, 1, &f, &e), -1);
    assert_string_equal(e.msg, "x: dtype u8, expected f64");
    assert_int_equal(t5g_doc_tensor(&d, "x", T5G_U8, 2, &f, &e), -1);
    assert_string_equal(e.msg, "x: 1 dimensions, expected 2");
    assert_int_equal(t5g_doc_tensor(&d, "y", T5G_U8, 1, &f, &e), -1);
    assert_string_equal(e.msg, "no y frame");
    f = t5g_doc_find(&d, "prompt");
    assert_non_null(f);
    assert_memory_equal(f->data, "a\0b", 3);
    assert_int_equal(t5g_source_next(s, &d, &e), 1);
    assert_string_equal(d.id, "\xef\xbf\xbd\xef\xbf\xbdz"); /* no JSON string can hold that id */
    assert_true(d.failed);
    assert_string_equal(d.close.meta,
                        "{\"tool\":\"tool\",\"code\":65,\"msg\":\"what \\\"x\\\"\\n\"}");
    assert_int_equal(t5g_source_next(s, &d, &e), 0);
    t5g_doc_clear(&d);
    t5g_source_close(s);
    make_free(&got);
    close(fd);
}

/* What a reader would refuse, a writer does not write; what went before stays usable. */
static void
test_writer_limits(void **state)
{
    (void)state;
    struct t5g_err e = {0};
    char name[T5G_FRAME_NAME_MAX + 2];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    int fd = open_bytes("", 0, MAPPED);
    struct t5g_writer *w = t5g_writer_open(fd, "out");
    assert_int_equal(t5g_writer_head(w, "{\"t5g\":2}", &e), -1);
    assert_int_equal(e.code, T5G_EX_DATA);
    assert_int_equal(t5g_writer_head(w, head, &e), 0);
    assert_int_equal(t5g_writer_doc(w, "a", 1, "\"id\":\"b\"", &e), -1);
    assert_false(t5g_writer_in_doc(w));
    assert_int_equal(t5g_writer_doc(w, "a", 1, NULL, &e), 0);
    assert_int_equal(t5g_writer_text(w, "t", "\xff", 1, &e), -1);
    assert_int_equal(t5g_writer_text(w, name, "", 0, &e), -1);
    assert_int_equal(t5g_writer_text(w, "", "", 0, &e), -1);
    assert_int_equal(t5g_writer_tensor(w, "t", T5G_U8, 2,
                                       (uint64_t[]){UINT64_C(1) << 33, UINT64_C(1) << 33}, "", NULL,
                                       &e),
                     -1);
    assert_int_equal(t5g_writer_tensor(w, "t", T5G_U8, 1, (uint64_t[]){0}, NULL, "not json", &e),
                     -1);
    assert_int_equal(e.code, T5G_EX_DATA);
    struct t5g_buf extra = {0};
    t5g_buf_printf(&extra, "\"pad\":\"%0*d\"", (int)T5G_FRAME_META_MAX, 0);
    assert_int_equal(t5g_writer_tensor(w, "t", T5G_U8, 1, (uint64_t[]){0}, NULL, extra.p, &e), -1);
    t5g_buf_free(&extra);
    assert_int_equal(t5g_writer_close(w, "7", &e), -1);
    assert_true(t5g_writer_in_doc(w));
    assert_int_equal(t5g_writer_close(w, NULL, &e), 0);
    assert_int_equal(t5g_writer_end(w, 0, &e), 0);
    t5g_writer_free(w);
    struct make got = {0};
    size_t frames;
    take_written(fd, &got);
    assert_int_equal(read_bytes(got.b.p, got.b.n, MAPPED, &frames, &e), 0);
    assert_int_equal(frames, 4);
    make_free(&got);
    close(fd);
    w = t5g_writer_open(-1, "nowhere");
    assert_int_equal(t5g_writer_head(w, head, &e), 0);
    assert_int_equal(t5g_writer_end(w, 0, &e), -1);
    assert_int_equal(e.code, T5G_EX_IO);
    t5g_writer_free(w);
}

/* Frames out of order are a bug of ours and end the process. */
static void
test_writer_order(void **state)
{
    (void)state;
    for (int k = 0; k < 6; k++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            struct rlimit none = {0, 0};
            setrlimit(RLIMIT_CORE, &none);
            signal(SIGABRT, SIG_DFL);
            fclose(stderr);
            struct t5g_writer *w = t5g_writer_open(-1, "x");
            struct t5g_frame f = {.kind = 'Q', .meta = "{}", .meta_len = 2};
            if (k > 0)
                t5g_writer_head(w, head, NULL);
            if (k == 0)
                t5g_writer_doc(w, "a", 1, NULL, NULL);
            else if (k == 1)
                t5g_writer_head(w, head, NULL);
            else if (k == 2)
                t5g_writer_close(w, NULL, NULL);
            else if (k == 3)
                t5g_writer_text(w, "x", "", 0, NULL);
            else if (k == 4)
                t5g_writer_frame(w, &f, NULL);
            else if (t5g_writer_error(w, "t", 1, "", NULL) == 0)
                t5g_writer_end(w, 0, NULL);
            _exit(0);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT)
            fail_msg("case %d: status %x", k, (unsigned)status);
    }
}

/* One document "ID" under a HEAD that names this encoder, NULL for none. */
static int
one_document(const char *encoder, const char *id, uint32_t status)
{
    struct make m = {0};
    char meta[100];
    snprintf(meta, sizeof meta, "{\"t5g\":1,\"pg\":[{%s%s%s}]}",
             encoder != NULL ? "\"encoder\":\"" : "", encoder != NULL ? encoder : "",
             encoder != NULL ? "\"" : "");
    make_frame(&m, 'H', 0, meta, NULL, 0);
    make_doc(&m, id);
    make_close(&m);
    if (status != 0)
        make_error(&m, "no disk");
    make_end(&m, status);
    int fd = open_bytes(m.b.p, m.b.n, MAPPED);
    make_free(&m);
    return fd;
}

static void
test_source(void **state)
{
    (void)state;
    char path[4][64];
    char *paths[4];
    int fds[4] = {one_document("aa", "1", 0), one_document(NULL, "2", 0),
                  one_document("aa", "3", 76), one_document("bb", "4", 0)};
    for (int i = 0; i < 4; i++) {
        snprintf(path[i], sizeof path[i], "/proc/self/fd/%d", fds[i]);
        paths[i] = path[i];
    }
    struct t5g_doc d = {0};
    struct t5g_err e = {0};
    struct t5g_source *s = t5g_source_open(paths, 2, T5G_FRAME_SIZE_DEFAULT, false);
    assert_int_equal(t5g_source_start(s, &e), 0);
    assert_string_equal(t5g_source_head(s)->id[T5G_ID_ENCODER], "aa");
    assert_int_equal(t5g_source_next(s, &d, &e), 1);
    assert_int_equal(t5g_source_next(s, &d, &e), 1);
    assert_string_equal(d.id, "2");
    assert_int_equal(t5g_source_next(s, &d, &e), 0);
    assert_int_equal(t5g_source_next(s, &d, &e), 0);
    t5g_source_close(s);
    /* upstream gave up: its documents come first, then its reason */
    s = t5g_source_open(paths + 2, 2, T5G_FRAME_SIZE_DEFAULT, false);
    assert_int_equal(t5g_source_next(s, &d, &e), 1);
    assert_string_equal(d.id, "3");
    assert_int_equal(t5g_source_next(s, &d, &e), -1);
    assert_int_equal(e.code, T5G_EX_UPSTREAM);
    assert_non_null(strstr(e.msg, "make failed: no disk"));
    const struct t5g_cause *cause = t5g_source_cause(s);
    assert_non_null(cause);
    assert_string_equal(cause->tool, "make");
    assert_string_equal(cause->msg, "no disk");
    t5g_source_close(s);
    /* 2 names nothing, but 1 and 4 differ */
    char *three[] = {paths[1], paths[0], paths[3]};
    for (int force = 0; force < 2; force++) {
        s = t5g_source_open(three, 3, T5G_FRAME_SIZE_DEFAULT, force);
        assert_int_equal(t5g_source_next(s, &d, &e), 1);
        assert_int_equal(t5g_source_next(s, &d, &e), 1);
        assert_int_equal(t5g_source_next(s, &d, &e), force ? 1 : -1);
        if (!force) {
            assert_int_equal(e.code, T5G_EX_DATA);
            assert_non_null(strstr(
                e.msg, "encoder output of another encoder: made by bb, earlier input by aa"));
        }
        t5g_source_close(s);
    }
    t5g_doc_clear(&d);
    char missing[] = "/nonexistent", *none[] = {missing};
    s = t5g_source_open(none, 1, T5G_FRAME_SIZE_DEFAULT, false);
    assert_int_equal(t5g_source_start(s, &e), -1);
    assert_int_equal(e.code, T5G_EX_NOINPUT);
    t5g_source_close(s);
    for (int i = 0; i < 4; i++)
        close(fds[i]);
}

/* A segment that is ended where it stands is a whole one, with a status and a reason. */
static void
test_abandon(void **state)
{
    (void)state;
    for (int stage = 0; stage < 5; stage++) {
        int fd = memfd_create("abandoned", MFD_CLOEXEC);
        struct t5g_writer *w = t5g_writer_open(fd, "abandoned");
        struct t5g_err e = {0};
        static const char large[100000];
        if (stage > 0)
            assert_int_equal(t5g_writer_head(w, "{\"t5g\":1,\"pg\":[{\"id\":\"make\"}]}", &e), 0);
        if (stage > 1)
            assert_int_equal(t5g_writer_doc(w, "a", 1, NULL, &e), 0);
        if (stage > 2)
            assert_int_equal(
                t5g_writer_tensor(w, "x", T5G_U8, 1, (uint64_t[]){sizeof large}, large, NULL, &e),
                0);
        if (stage > 3)
            assert_int_equal(t5g_writer_close(w, NULL, &e), 0);
        t5g_alloc_forbid(true);
        t5g_writer_abandon(w, 75, "make", 74, "it \"says\" \xff why");
        t5g_writer_abandon(w, 76, "make", 76, "once is enough");
        t5g_alloc_forbid(false);
        t5g_writer_free(w);
        char path[64];
        char *paths[] = {path};
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        struct t5g_source *s = t5g_source_open(paths, 1, T5G_FRAME_SIZE_DEFAULT, false);
        struct t5g_doc d = {0};
        if (stage > 1) {
            assert_int_equal(t5g_source_next(s, &d, &e), 1);
            assert_int_equal(d.failed, stage < 4);
        }
        assert_int_equal(t5g_source_next(s, &d, &e), -1);
        assert_int_equal(e.code, T5G_EX_UPSTREAM);
        assert_string_equal(t5g_source_cause(s)->tool, "make");
        assert_int_equal(t5g_source_cause(s)->code, 74);
        assert_string_equal(t5g_source_cause(s)->msg, "it \"says\" \xef\xbf\xbd why");
        t5g_doc_clear(&d);
        t5g_source_close(s);
        close(fd);
    }
}

static bool
is_ids(const char *name, void *arg)
{
    return strcmp(name, arg) == 0;
}

/* What a program does not understand passes, in its place, payload untouched. */
static void
test_pass(void **state)
{
    (void)state;
    struct make m = {0}, got = {0};
    make_head(&m);
    make_frame(&m, 'n', 0, "{\"note\":\"first\"}", "1", 1);
    make_doc(&m, "a");
    make_ids(&m, "input.ids", (int32_t[]){7}, 1);
    make_frame(&m, 'x', m.key, NULL, "private", 7);
    make_patch(&m, 9, "\x05", 1);
    make_close(&m);
    make_frame(&m, 'n', 0, "{\"note\":\"last\"}", "2", 1);
    make_end(&m, 0);
    int fd = open_bytes(m.b.p, m.b.n, MAPPED), to = open_bytes("", 0, MAPPED);
    char path[64], name[] = "input.ids";
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    char *paths[] = {path};
    struct t5g_err e = {0};
    struct t5g_doc d = {0};
    struct t5g_source *s = t5g_source_open(paths, 1, T5G_FRAME_SIZE_DEFAULT, false);
    struct t5g_writer *w = t5g_writer_open(to, "out");
    assert_int_equal(t5g_source_start(s, &e), 0);
    assert_int_equal(t5g_writer_head(w, t5g_source_head(s)->meta, &e), 0);
    t5g_source_pass(s, w);
    while (t5g_source_next(s, &d, &e) == 1)
        assert_int_equal(t5g_doc_write(w, &d, NULL, NULL, &e), 0);
    assert_int_equal(t5g_writer_end(w, 0, &e), 0);
    take_written(to, &got);
    assert_int_equal(got.b.n, m.b.n);
    assert_memory_equal(got.b.p, m.b.p, m.b.n);
    t5g_writer_free(w);
    t5g_source_close(s);
    /* items can be left out, and the document left open */
    assert_int_equal(ftruncate(to, 0), 0);
    assert_int_equal(lseek(to, 0, SEEK_SET), 0);
    s = t5g_source_open(paths, 1, T5G_FRAME_SIZE_DEFAULT, false);
    w = t5g_writer_open(to, "out");
    assert_int_equal(t5g_source_next(s, &d, &e), 1);
    assert_int_equal(t5g_writer_head(w, head, &e), 0);
    assert_int_equal(t5g_doc_write_open(w, &d, is_ids, name, &e), 0);
    assert_true(t5g_writer_in_doc(w));
    assert_int_equal(t5g_writer_frame(w, &d.close, &e), 0);
    assert_int_equal(t5g_writer_end(w, 0, &e), 0);
    take_written(to, &got);
    size_t at[8];
    assert_int_equal(frame_offsets(&got, at, 8), 5);
    assert_int_equal(got.b.p[at[2] + 7], 'x');
    assert_int_equal(got.b.p[at[2] + 9], 5); /* the minor version of a frame that passes */
    t5g_writer_free(w);
    t5g_source_close(s);
    t5g_doc_clear(&d);
    make_free(&m);
    make_free(&got);
    close(fd);
    close(to);
}

struct found {
    uint64_t docs, lost;
    bool damaged, uncertain;
};

static struct found
scan(const struct t5g_buf *b, enum way way)
{
    struct found r = {0};
    struct t5g_scan s = {0};
    struct t5g_scan_input in;
    struct t5g_err e = {0};
    const struct t5g_frame *f;
    size_t n;
    int fd = open_bytes(b->p, b->n, way), keep = dup(STDIN_FILENO);
    assert_int_equal(dup2(fd, STDIN_FILENO), STDIN_FILENO);
    assert_int_equal(t5g_scan_open(&in, &s, "-", T5G_FRAME_SIZE_DEFAULT, &e), 0);
    while (t5g_scan_next(&in, &s, &f, &n) == 1)
        r.docs += f->kind == T5G_KIND_DOC;
    t5g_scan_close(&in);
    r.lost = s.lost;
    r.damaged = s.damaged;
    r.uncertain = s.uncertain;
    t5g_scan_free(&s);
    dup2(keep, STDIN_FILENO);
    close(keep);
    close(fd);
    return r;
}

/* 100 documents; damage between byte 20000 and 25000 hits those it touches and no other. */
static void
test_scan(void **state)
{
    (void)state;
    struct make m = {0};
    static int32_t v[200];
    make_head(&m);
    for (int i = 0; i < 100; i++) {
        char id[16];
        snprintf(id, sizeof id, "%d", i % 10); /* ids repeat */
        make_doc(&m, id);
        make_ids(&m, "x", v, T5G_LEN(v));
        make_close(&m);
    }
    make_end(&m, 0);
    size_t one = (m.b.n - 192 - 192) / 100; /* bytes of a document */
    for (enum way way = MAPPED; way < WAYS; way++) {
        struct found r = scan(&m.b, way);
        assert_true(r.docs == 100 && !r.damaged && r.lost == 0);
        struct t5g_buf b = {0};
        t5g_buf_add(&b, m.b.p, m.b.n);
        memset(b.p + 20000, 'x', 5000);
        r = scan(&b, way);
        assert_true(r.damaged && !r.uncertain && r.docs + r.lost == 100);
        assert_in_range(r.lost, 5000 / one, 5000 / one + 2);
        /* 777 bytes cut out */
        b.n = 0;
        t5g_buf_add(&b, m.b.p, 20000);
        t5g_buf_add(&b, m.b.p + 20777, m.b.n - 20777);
        r = scan(&b, way);
        assert_true(r.damaged && r.docs + r.lost == 100 && r.lost >= 1 && r.lost <= 2);
        /* 123 bytes put in */
        b.n = 0;
        t5g_buf_add(&b, m.b.p, 20000);
        t5g_buf_add(&b, v, 123);
        t5g_buf_add(&b, m.b.p + 20000, m.b.n - 20000);
        r = scan(&b, way);
        assert_true(r.damaged && r.docs + r.lost == 100 && r.lost == 1);
        /* no end: what is lost cannot be counted */
        b.n = 20000;
        r = scan(&b, way);
        assert_true(r.damaged && r.uncertain && r.docs == (20000 - 192) / one);
        /* no beginning */
        b.n = 0;
        t5g_buf_add(&b, m.b.p + 20000, m.b.n - 20000);
        r = scan(&b, way);
        assert_true(r.damaged && r.docs + r.lost == 100);
        t5g_buf_free(&b);
    }
    /* a whole frame lost: the documents are whole by themselves, but END knows */
    struct t5g_buf b = {0};
    size_t *at = t5g_alloc(400, sizeof *at);
    frame_offsets(&m, at, 400);
    t5g_buf_add(&b, m.b.p, at[5]);
    t5g_buf_add(&b, m.b.p + at[6], m.b.n - at[6]);
    struct found r = scan(&b, MAPPED);
    assert_true(r.damaged && r.uncertain && r.docs == 100);
    t5g_free(at);
    t5g_buf_free(&b);
    make_free(&m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_writer),       cmocka_unit_test(test_writer_limits),
        cmocka_unit_test(test_writer_order), cmocka_unit_test(test_source),
        cmocka_unit_test(test_abandon),      cmocka_unit_test(test_pass),
        cmocka_unit_test(test_scan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
