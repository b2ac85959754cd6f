/* test_recover.c: what is in a payload does not come to life when the frame around it is damaged.
 */
#include "streams.h"
#include "stream/scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

struct found {
    uint64_t good, evil, lost, left_out;
    bool damaged;
};

static struct found
scan(const struct t5g_buf *b, bool doubtful)
{
    struct found r = {0};
    struct t5g_scan s = {.doubtful = doubtful};
    struct t5g_scan_input in;
    struct t5g_err e = {0};
    const struct t5g_frame *f;
    char path[64];
    size_t n;
    int fd = open_bytes(b->p, b->n, MAPPED);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    assert_int_equal(t5g_scan_open(&in, &s, path, T5G_FRAME_SIZE_DEFAULT, &e), 0);
    while (t5g_scan_next(&in, &s, &f, &n) == 1) {
        bool evil = strstr(f->meta, "evil") != NULL;
        r.evil += evil;
        r.good += !evil && f->kind == T5G_KIND_DOC;
    }
    t5g_scan_close(&in);
    r.lost = s.lost;
    r.left_out = s.left_out;
    r.damaged = s.damaged;
    t5g_scan_free(&s);
    close(fd);
    return r;
}

static void
good(struct make *m, const char *id)
{
    static const int32_t v[20] = {1, 2, 3};
    make_doc(m, id);
    make_ids(m, "input.ids", v, T5G_LEN(v));
    make_close(m);
}

static void
picture(struct make *m, const char *id, const void *payload, size_t n)
{
    struct t5g_frame f = {.kind = 'T', .dtype = T5G_U8, .ndim = 1, .dims = {n}};
    make_doc(m, id);
    make_ids(m, "input.ids", (const int32_t[]){2, 1}, 2);
    f.doc_key = m->key;
    f.meta = "{\"name\":\"image.bytes\"}";
    f.meta_len = strlen(f.meta);
    f.data = payload;
    f.size = n;
    make_any(m, &f);
}

/* Ten documents, the fifth with this payload; *at: its frame. */
static void
around(struct make *m, const void *payload, size_t n, size_t *at)
{
    char id[16];
    make_head(m);
    for (int i = 0; i < 10; i++) {
        snprintf(id, sizeof id, "good%d", i);
        if (i != 4) {
            good(m, id);
            continue;
        }
        picture(m, "photo", payload, n);
        *at = m->at;
        make_close(m);
    }
    make_end(m, 0);
}

/* What strangers may put into a payload. */
enum hidden { STREAM, STREAM_INSIDE, STREAMS, BARE, SWALLOWING, SAME_ID, FAR_END, HIDDEN };

static void
hide(struct t5g_buf *b, enum hidden what)
{
    struct make m = {0}, close = {0};
    char junk[640];
    memset(junk, 'j', sizeof junk);
    if (what == STREAM_INSIDE) /* begins at no multiple of 64 */
        t5g_buf_add(&m.b, junk, 100);
    for (int i = 0; i < (what == STREAMS ? 20 : 1); i++) {
        if (what <= STREAMS)
            make_head(&m);
        if (what == SAME_ID) {
            good(&m, "evil0");
            make_doc(&m, "photo"); /* which the CLOSE outside would close */
        } else {
            good(&m, "evil");
        }
        if (what == SAME_ID)
            make_ids(&m, "input.ids", (const int32_t[]){666}, 1);
        if (what == FAR_END) { /* an END that leads back to before the payload */
            m.ok = 1000;
            m.frames = 5000;
            m.start = m.b.n + 192 - 1000;
        }
        if (what <= STREAMS || what == FAR_END)
            make_end(&m, 0);
    }
    if (what == BARE || what == SAME_ID) /* to the end of the payload in one frame, so that the next
                                            one is the next one outside */
        make_frame(&m, 'n', what == BARE ? 0 : m.key, NULL, junk, sizeof junk - 128);
    if (what == SWALLOWING) { /* beyond it: the CLOSE outside is the payload of a frame inside */
        m.key = t5g_doc_key("photo", 5);
        size_t before = m.b.n;
        close.key = m.key;
        make_close(&close);
        make_frame(&m, 'n', 0, NULL, close.b.p, close.b.n);
        m.b.n = before + 128; /* its header; the payload follows outside */
    }
    if (what == STREAM_INSIDE)
        t5g_buf_add(&m.b, junk, 100);
    t5g_buf_add(b, m.b.p, m.b.n);
    make_free(&m);
    make_free(&close);
}

/* One byte of header or meta is wrong. */
static void
test_one_byte(void **state)
{
    (void)state;
    for (int what = STREAM; what < HIDDEN; what++) {
        struct t5g_buf payload = {0};
        struct make m = {0};
        size_t at;
        hide(&payload, (enum hidden)what);
        around(&m, payload.p, payload.n, &at);
        struct found r = scan(&m.b, false);
        assert_true(r.good == 10 && r.evil == 0 && !r.damaged);
        for (size_t i = 0; i < 150; i++)
            for (int bit = 0; bit < 8; bit += 7) {
                m.b.p[at + i] ^= (char)(1 << bit);
                r = scan(&m.b, false);
                if (r.evil != 0 || r.good != 9 || r.lost != 1 || !r.damaged)
                    fail_msg("payload %d, byte %zu, bit %d: %d good, %d evil, %d lost", what, i,
                             bit, (int)r.good, (int)r.evil, (int)r.lost);
                m.b.p[at + i] ^= (char)(1 << bit);
            }
        /* the payload damaged, the header right */
        m.b.p[at + 200] ^= 1;
        r = scan(&m.b, false);
        assert_true(r.evil == 0 && r.good == 9 && r.lost == 1 && r.left_out == 0);
        make_free(&m);
        t5g_buf_free(&payload);
    }
}

/* The header is gone, so its lengths tell nothing. */
static void
test_header_gone(void **state)
{
    (void)state;
    for (int what = STREAM; what < HIDDEN; what++) {
        struct t5g_buf payload = {0}, b = {0};
        struct make m = {0};
        size_t at;
        hide(&payload, (enum hidden)what);
        around(&m, payload.p, payload.n, &at);
        /* overwritten */
        t5g_buf_add(&b, m.b.p, m.b.n);
        memset(b.p + at, 'x', 150);
        struct found r = scan(&b, false);
        if (r.evil != 0 || r.good < (what < BARE ? 9 : 4) || r.good + r.lost != 10)
            fail_msg("overwritten, payload %d: %d good, %d evil, %d lost", what, (int)r.good,
                     (int)r.evil, (int)r.lost);
        if (what <= BARE)
            assert_true(r.left_out >= 1);
        /* and cut at any place behind, as when a copy was stopped */
        for (size_t n = at + 192; n < m.b.n; n += 61) {
            b.n = n;
            r = scan(&b, false);
            if (r.evil != 0 || r.good < 4)
                fail_msg("cut at %zu, payload %d: %d evil", n - at, what, (int)r.evil);
        }
        /* bytes cut out: so many, from some before the header on */
        for (size_t more = 0; more < 64; more += 9) {
            b.n = 0;
            t5g_buf_add(&b, m.b.p, at - more);
            t5g_buf_add(&b, m.b.p + at + 100, m.b.n - at - 100);
            r = scan(&b, false);
            if (r.evil != 0 || r.good < 4 || r.good + r.lost != 10)
                fail_msg("cut out, payload %d: %d good, %d evil, %d lost", what, (int)r.good,
                         (int)r.evil, (int)r.lost);
        }
        /* and put in, few and many */
        for (size_t more = 7; more < 20000; more *= 12) {
            static char junk[20000];
            b.n = 0;
            t5g_buf_add(&b, m.b.p, at + 50);
            t5g_buf_add(&b, junk, more);
            t5g_buf_add(&b, m.b.p + at + 50, m.b.n - at - 50);
            r = scan(&b, false);
            if (r.evil != 0 || r.good < 4)
                fail_msg("put in %zu, payload %d: %d good, %d evil", more, what, (int)r.good,
                         (int)r.evil);
        }
        t5g_buf_free(&b);
        make_free(&m);
        t5g_buf_free(&payload);
    }
}

/* Who knows that no payload holds a stream can have what is not proven. */
static void
test_doubtful(void **state)
{
    (void)state;
    struct t5g_buf payload = {0};
    struct make m = {0};
    size_t at;
    hide(&payload, STREAMS);
    around(&m, payload.p, payload.n, &at);
    memset(m.b.p + at, 'x', 150);
    struct found r = scan(&m.b, false);
    assert_true(r.good == 9 && r.evil == 0 && r.left_out == 20);
    r = scan(&m.b, true);
    assert_true(r.good == 9 && r.evil == 20 && r.left_out == 0);
    make_free(&m);
    t5g_buf_free(&payload);
}

/* Segments one after another, several of them hit: what is whole comes back. */
static void
test_segments(void **state)
{
    (void)state;
    struct make m = {0};
    size_t start[50];
    char id[16];
    for (int i = 0; i < 50; i++) {
        snprintf(id, sizeof id, "good%d", i);
        start[i] = m.b.n;
        make_head(&m);
        good(&m, id);
        good(&m, id);
        make_end(&m, 0);
    }
    size_t one = start[1];
    memset(m.b.p + start[10] + 192, 'x', 300); /* a document of 10 */
    struct found r = scan(&m.b, false);
    assert_true(r.good == 99 && r.damaged && r.left_out == 0);
    memset(m.b.p + start[20] + one - 100, 'x', 200); /* the END of 20 and the HEAD of 21 */
    r = scan(&m.b, false);
    assert_true(r.good == 99 && r.damaged && r.left_out == 0);
    memset(m.b.p + start[30] - 3 * one, 'x', 3 * one); /* three of them */
    r = scan(&m.b, false);
    assert_true(r.good == 93 && r.damaged && r.left_out == 0);
    /* cut as well: nothing proves any more what lies behind the END that is lost */
    m.b.n -= 50;
    r = scan(&m.b, false);
    assert_true(r.good < 93 && r.good >= 41 && r.good + r.left_out == 93 && r.damaged);
    r = scan(&m.b, true);
    assert_true(r.good == 93 && r.left_out == 0);
    make_free(&m);
}

static double
seconds(const struct t5g_buf *b)
{
    struct timespec t[2];
    clock_gettime(CLOCK_MONOTONIC, &t[0]);
    struct found r = scan(b, false);
    clock_gettime(CLOCK_MONOTONIC, &t[1]);
    assert_true(r.good == 0 && r.evil == 0);
    return (double)(t[1].tv_sec - t[0].tv_sec) + 1e-9 * (double)(t[1].tv_nsec - t[0].tv_nsec);
}

/* Headers that claim each other's bytes: time for each byte a few times, not for each header.
 * Quadratic, the second would take many minutes. */
static void
test_false_headers(void **state)
{
    (void)state;
    enum { SIZE = 16 << 20 };
    struct t5g_buf b = {0};
    struct make m = {0};
    t5g_buf_reserve(&b, SIZE);
    make_frame(&m, 'n', 0, NULL, "", 0);
    memset(m.b.p + 36, 0, 4);
    m.b.p[38] = 8; /* meta of 512 KiB, of which nothing is right */
    uint64_t len = 128 + (8 << 16);
    memcpy(m.b.p + 16, &len, 8);
    memcpy(m.b.p + 32, &len, 4);
    while (b.n < SIZE)
        t5g_buf_add(&b, m.b.p, 128);
    assert_true(seconds(&b) < 30);
    /* headers that are right, each with a payload up to the end that is not */
    b.n = 0;
    for (size_t at = 0; at + 256 < SIZE; at += 128) {
        struct t5g_frame f = {.kind = 'n', .size = SIZE - at - 128, .payload_hash = 7};
        unsigned char header[T5G_FRAME_HEADER];
        f.meta = "";
        t5g_frame_put_header(header, &f, true);
        if (at == 0)
            header[0] = 0; /* so that the first does not claim all the others */
        t5g_buf_add(&b, header, sizeof header);
    }
    t5g_buf_add(&b, m.b.p, 128);
    b.n = SIZE;
    assert_true(seconds(&b) < 30);
    t5g_buf_free(&b);
    make_free(&m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_byte),      cmocka_unit_test(test_header_gone),
        cmocka_unit_test(test_doubtful),      cmocka_unit_test(test_segments),
        cmocka_unit_test(test_false_headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
