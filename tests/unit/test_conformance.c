/*
 * test_conformance.c: the files of tests/conformance, which are the format: a reader of
 * t5g-stream(5), ours or another, must take every good-*.t5g and refuse every other.
 *
 * The name of a bad one begins with the exit status that a program ends with. The files are never
 * changed, only added to: write a function here, add it to the table, and run this program with
 * T5G_CONFORMANCE_ADD=1 in the environment, which writes the files that do not exist.
 */
#include "streams.h"
#include "base/io.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static const int32_t ids[] = {2, 17, 305, 1};

static void
head_doc_ids(struct make *m)
{
    make_head(m);
    make_doc(m, "a");
    make_ids(m, "input.ids", ids, 4);
}

static void
close_end(struct make *m)
{
    make_close(m);
    make_end(m, 0);
}

static void
empty(struct make *m)
{
    make_head(m);
    make_end(m, 0);
}

static void
concatenated(struct make *m)
{
    make_sample(m);
    make_sample(m);
}

static void
dtypes(struct make *m)
{
    static const unsigned char zero[16] = {0, 0x3c, 0x80, 0x3f};
    make_head(m);
    make_doc(m, "all");
    for (uint8_t dtype = T5G_U8; dtype <= T5G_BOOL; dtype++) {
        char meta[40];
        uint64_t two = 2, size = 2 * t5g_dtype_size(dtype), len = 256,
                 hash = t5g_hash64(zero, size);
        snprintf(meta, sizeof meta, "{\"name\":\"%s\"}", t5g_dtype_name(dtype));
        make_frame(m, 'T', m->key, meta, zero, (size_t)size);
        make_patch(m, 10, &dtype, 1);
        make_patch(m, 11, "\x01", 1);
        make_patch(m, 48, &two, 8);
        make_patch(m, 16, &len, 8);
        make_patch(m, 112, &hash, 8);
    }
    close_end(m);
}

static void
shapes(struct make *m)
{
    make_head(m);
    make_doc(m, "");
    make_ids(m, "none", ids, 0);
    make_ids(m, "scalar", ids, 1);
    make_patch(m, 11, "\0", 1);
    make_patch(m, 48, "\0", 1);
    make_ids(m, "eight", ids, 4);
    make_patch(m, 11, "\x08", 1);
    for (size_t i = 0; i < 8; i++)
        make_patch(m, 48 + 8 * i, i < 2 ? "\x02" : "\x01", 1);
    close_end(m);
}

static void
private_kinds(struct make *m)
{
    make_head(m);
    make_frame(m, 'n', 0, "{\"note\":\"\xe2\x82\xac\"}", "\0\1\2", 3);
    make_doc(m, "a");
    make_frame(m, 'x', m->key, NULL, "private", 7);
    close_end(m);
}

static void
minor(struct make *m)
{
    head_doc_ids(m);
    make_patch(m, 9, "\x09", 1);
    close_end(m);
}

static void
odd_ids(struct make *m)
{
    const char *id = "line\nbreak";
    make_head(m);
    make_frame(m, 'D', t5g_doc_key(id, strlen(id)),
               " { \"later\" : [ 1e3 ] , \"id\" : \"line\\nbreak\" } ", NULL, 0);
    m->key = t5g_doc_key(id, strlen(id));
    make_text(m, "prompt", "");
    make_close(m);
    make_doc(m, "\xd0\xb4\xd0\xbe\xd0\xba/..");
    make_close(m);
    make_doc(m, "");
    close_end(m);
}

static void
gave_up(struct make *m)
{
    head_doc_ids(m);
    make_close(m);
    make_error(m, "cannot write: No space left on device");
    make_end(m, 74);
}

static void
cut_in_header(struct make *m)
{
    make_sample(m);
    m->b.n = 64;
}

static void
cut_in_payload(struct make *m)
{
    head_doc_ids(m);
    m->b.n -= 60;
}

static void
cut_at_frame(struct make *m)
{
    head_doc_ids(m);
}

static void
cut_before_end(struct make *m)
{
    head_doc_ids(m);
    make_close(m);
}

static void
cut_second(struct make *m)
{
    concatenated(m);
    m->b.n -= T5G_FRAME_END_SIZE;
}

static void
nothing(struct make *m)
{
    t5g_buf_adds(&m->b, "");
}

static void
foreign(struct make *m)
{
    t5g_buf_adds(&m->b, "Not a stream at all, but text.\n");
}

static void
text_mode(struct make *m) /* CR LF became LF on the way */
{
    make_sample(m);
    memmove(m->b.p + 4, m->b.p + 5, --m->b.n - 4);
}

static void
trailing(struct make *m)
{
    make_sample(m);
    t5g_buf_adds(&m->b, "\n");
}

static void
major(struct make *m)
{
    head_doc_ids(m);
    make_patch(m, 8, "\x02", 1);
    close_end(m);
}

static void
flags(struct make *m)
{
    head_doc_ids(m);
    make_patch(m, 12, "\x01", 1);
    close_end(m);
}

static void
critical(struct make *m)
{
    make_head(m);
    make_doc(m, "a");
    make_frame(m, 'Q', m->key, "{}", NULL, 0);
    close_end(m);
}

static void
header_checksum(struct make *m)
{
    head_doc_ids(m);
    m->b.p[m->at + 120] ^= 1;
    close_end(m);
}

static void
payload_checksum(struct make *m)
{
    head_doc_ids(m);
    m->b.p[m->b.n - 64] ^= 1;
    close_end(m);
}

static void
padding(struct make *m)
{
    head_doc_ids(m);
    m->b.p[m->b.n - 1] = 1;
    close_end(m);
}

static void
overflow(struct make *m)
{
    uint64_t half = UINT64_C(1) << 62;
    head_doc_ids(m);
    make_patch(m, 11, "\x02", 1);
    make_patch(m, 48, &half, 8);
    make_patch(m, 56, "\x04", 1);
    close_end(m);
}

static void
huge(struct make *m)
{
    uint64_t size = UINT64_C(1) << 41, len = size + 192;
    make_head(m);
    make_frame(m, 'n', 0, "{}", NULL, 0);
    make_patch(m, 24, &size, 8);
    make_patch(m, 16, &len, 8);
}

static void
dropped(struct make *m)
{
    size_t at[20];
    make_sample(m);
    frame_offsets(m, at, 20);
    memmove(m->b.p + at[6], m->b.p + at[8], m->b.n - at[8]); /* the failed document */
    m->b.n -= at[8] - at[6];
}

static void
duplicate_key(struct make *m)
{
    make_head(m);
    make_frame(m, 'n', 0, "{\"a\":1,\"\\u0061\":2}", NULL, 0);
    make_end(m, 0);
}

static void
bom(struct make *m)
{
    make_head(m);
    make_frame(m, 'n', 0, "\xef\xbb\xbf{}", NULL, 0);
    make_end(m, 0);
}

static void
foreign_key(struct make *m)
{
    make_head(m);
    make_frame(m, 'D', 7, "{\"id\":\"a\"}", NULL, 0);
    m->key = 7;
    close_end(m);
}

static void
nested(struct make *m)
{
    make_head(m);
    make_doc(m, "a");
    make_doc(m, "b");
    close_end(m);
}

static void
no_name(struct make *m)
{
    make_head(m);
    make_doc(m, "a");
    make_frame(m, 'S', m->key, "{}", "text", 4);
    close_end(m);
}

static void
bad_text(struct make *m)
{
    make_head(m);
    make_doc(m, "a");
    make_text(m, "prompt", "caf\xe9");
    close_end(m);
}

static const struct {
    const char *name;
    void (*make)(struct make *m);
} files[] = {
    {"good-sample", make_sample},
    {"good-empty", empty},
    {"good-concatenated", concatenated},
    {"good-dtypes", dtypes},
    {"good-shapes", shapes},
    {"good-private-kinds", private_kinds},
    {"good-minor", minor},
    {"good-odd-ids", odd_ids},
    {"76-gave-up", gave_up},
    {"76-cut-in-header", cut_in_header},
    {"76-cut-in-payload", cut_in_payload},
    {"76-cut-at-frame", cut_at_frame},
    {"76-cut-before-end", cut_before_end},
    {"76-cut-second-segment", cut_second},
    {"76-nothing", nothing},
    {"65-foreign", foreign},
    {"65-text-mode", text_mode},
    {"65-trailing-byte", trailing},
    {"65-major-2", major},
    {"65-flags", flags},
    {"65-critical-kind", critical},
    {"65-header-checksum", header_checksum},
    {"65-payload-checksum", payload_checksum},
    {"65-padding", padding},
    {"65-dims-overflow", overflow},
    {"65-huge-payload", huge},
    {"65-dropped-document", dropped},
    {"65-duplicate-json-key", duplicate_key},
    {"65-json-bom", bom},
    {"65-wrong-doc-key", foreign_key},
    {"65-nested-document", nested},
    {"65-no-name", no_name},
    {"65-text-not-utf8", bad_text},
};

static char *
path_of(size_t i)
{
    struct t5g_buf b = {0};
    const char *tests = getenv("T5G_TESTS");
    t5g_buf_printf(&b, "%s/conformance/%s.t5g", tests != NULL ? tests : "tests", files[i].name);
    return b.p;
}

static void
test_files_are_what_they_were(void **state)
{
    (void)state;
    for (size_t i = 0; i < T5G_LEN(files); i++) {
        struct make m = {0};
        struct t5g_buf have = {0};
        struct t5g_err e;
        char *path = path_of(i);
        files[i].make(&m);
        if (getenv("T5G_CONFORMANCE_ADD") != NULL && access(path, F_OK) < 0)
            assert_int_equal(t5g_write_file(path, m.b.p, m.b.n, &e), 0);
        if (t5g_read_file(path, (size_t)1 << 20, &have, &e) < 0)
            fail_msg("%s", e.msg);
        if (have.n != m.b.n || (have.n > 0 && memcmp(have.p, m.b.p, have.n) != 0))
            fail_msg("%s: not the bytes that are made for it", path);
        t5g_buf_free(&have);
        t5g_free(path);
        make_free(&m);
    }
}

/* Documents of a path, "-" reading fd; 0 or the code. */
static int
read_documents(char *path)
{
    struct t5g_err e = {0};
    struct t5g_doc d = {0};
    char *paths[] = {path};
    struct t5g_source *s = t5g_source_open(paths, 1, T5G_FRAME_SIZE_DEFAULT, false);
    int r;
    while ((r = t5g_source_next(s, &d, &e)) == 1)
        continue;
    t5g_doc_clear(&d);
    t5g_source_close(s);
    return r < 0 ? e.code : 0;
}

static void
test_readers(void **state)
{
    (void)state;
    for (size_t i = 0; i < T5G_LEN(files); i++) {
        char *path = path_of(i), dash[] = "-";
        int want = atoi(files[i].name); /* 0 of "good" */
        int got = read_documents(path);
        if (got != want)
            fail_msg("%s mapped: %d", files[i].name, got);
        struct t5g_buf have = {0};
        assert_int_equal(t5g_read_file(path, (size_t)1 << 20, &have, NULL), 0);
        int fd = open_bytes(have.n > 0 ? have.p : "", have.n, PIPED), keep = dup(STDIN_FILENO);
        dup2(fd, STDIN_FILENO);
        got = read_documents(dash);
        dup2(keep, STDIN_FILENO);
        close(keep);
        close(fd);
        if (got != want)
            fail_msg("%s piped: %d", files[i].name, got);
        t5g_buf_free(&have);
        t5g_free(path);
    }
}

/* A file without an entry here would be one that nothing reads. */
static void
test_no_other_files(void **state)
{
    (void)state;
    char *path = path_of(0), *slash = strrchr(path, '/');
    *slash = '\0';
    DIR *d = opendir(path);
    assert_non_null(d);
    size_t n = 0;
    for (const struct dirent *f; (f = readdir(d)) != NULL;)
        n += strstr(f->d_name, ".t5g") != NULL;
    closedir(d);
    assert_int_equal(n, T5G_LEN(files));
    t5g_free(path);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files_are_what_they_were),
        cmocka_unit_test(test_readers),
        cmocka_unit_test(test_no_other_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
