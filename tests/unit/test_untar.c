/* test_untar.c: tar headers of every dialect, made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "archive/untar.h"

#include <stdio.h>
#include <string.h>

static struct t5g_buf tar;
static size_t step; /* bytes a fill gives */

static void
block(const void *p, size_t n)
{
    static const char zeros[512];
    t5g_buf_add(&tar, p, n);
    t5g_buf_add(&tar, zeros, -n % 512);
}

/* A header; size as digits or, of 12 bytes with the first bit set, as it is. */
static unsigned char *
header(const char *name, char type, const char *size, size_t size_len, const char *magic)
{
    unsigned char h[512] = {0};
    memcpy(h, name, strlen(name));
    memcpy(h + 100, "0000644", 7);
    memcpy(h + 124, size, size_len);
    h[156] = (unsigned char)type;
    memcpy(h + 257, magic, strlen(magic));
    block(h, 512);
    return (unsigned char *)tar.p + tar.n - 512;
}

static void
sum(unsigned char *h, bool with_sign)
{
    int v = 0;
    char text[8];
    memset(h + 148, ' ', 8);
    for (int i = 0; i < 512; i++)
        v += with_sign ? (signed char)h[i] : h[i];
    snprintf(text, sizeof text, "%06o", (unsigned)v);
    memcpy(h + 148, text, 7);
}

static void
member(const char *name, char type, const char *data)
{
    char size[12];
    snprintf(size, sizeof size, "%011o", (unsigned)strlen(data));
    sum(header(name, type, size, 11, "ustar"), false);
    block(data, strlen(data));
}

/* A pax header of these records, each with its length before it. */
static void
pax_of(const char *const *records, size_t n)
{
    struct t5g_buf all = {0};
    for (size_t i = 0; i < n; i++) {
        size_t rest = strlen(records[i]) + 2, len = rest + 1;
        while (len != rest + (size_t)snprintf(NULL, 0, "%zu", len))
            len++;
        t5g_buf_printf(&all, "%zu %s\n", len, records[i]);
    }
    member("pax", 'x', all.p);
    t5g_buf_free(&all);
}

#define PAX(...)                               \
    pax_of((const char *const[]){__VA_ARGS__}, \
           sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static int
fill(void *arg, const void **p, size_t *n, struct t5g_err *e)
{
    size_t *at = arg;
    (void)e;
    *p = tar.p + *at;
    *n = t5g_min(step, tar.n - *at);
    *at += *n;
    return 0;
}

/* "name:bytes;" of every file, "name>link;" of links, "name/;" of folders, "name!kind;" of others,
 * "?message" at a fault. */
static void
expect(const char *want)
{
    static const size_t steps[] = {1, 511, 4096};
    for (size_t i = 0; i < T5G_LEN(steps); i++) {
        size_t at = 0, got;
        struct t5g_err e = {0};
        struct t5g_untar_member m;
        struct t5g_buf out = {0};
        char some[100];
        int r;
        step = steps[i];
        struct t5g_untar *t = t5g_untar_open(fill, NULL, &at);
        t5g_buf_adds(&out, "");
        while ((r = t5g_untar_next(t, &m, &e)) == 1) {
            t5g_buf_adds(&out, m.name);
            if (m.type == T5G_UNTAR_LINK)
                t5g_buf_printf(&out, ">%s;", m.link);
            else if (m.type == T5G_UNTAR_FOLDER)
                t5g_buf_adds(&out, "/;");
            else if (m.type == T5G_UNTAR_OTHER)
                t5g_buf_printf(&out, "!%s;", m.kind);
            if (m.type != T5G_UNTAR_FILE)
                continue;
            t5g_buf_addc(&out, ':');
            while ((r = t5g_untar_read(t, some, sizeof some, &got, &e)) == 0 && got > 0)
                for (size_t k = 0; k < got; k++)
                    t5g_buf_addc(&out, some[k] != '\0' ? some[k] : '.');
            if (r != 0)
                t5g_buf_printf(&out, "?%s", e.msg);
            t5g_buf_addc(&out, ';');
            if (r < 0)
                break;
        }
        if (r < 0)
            t5g_buf_printf(&out, "?%s", e.msg);
        assert_string_equal(out.p, want);
        t5g_untar_close(t);
        t5g_buf_free(&out);
    }
    tar.n = 0;
}

static void
end(void)
{
    static const char zeros[1024];
    block(zeros, sizeof zeros);
}

static void
types(void **state)
{
    (void)state;
    member("a", '0', "x");
    member("b", '\0', "y");
    member("c", '7', "z");
    member("d/", '\0', "");
    member("e", '5', "");
    member("f", 'Z', "unknown types are files");
    member("v", 'V', "");
    member("m", 'M', "rest");
    member("p", '6', "");
    member("g", '0', "");
    end();
    expect("a:x;b:y;c:z;d//;e/;f:unknown types are files;v!the name of the archive;"
           "m!a part of a file that began in another archive;p!a named pipe;g:;");
}

static void
sizes(void **state)
{
    (void)state;
    sum(header("a", '0', "\x80\0\0\0\0\0\0\0\0\0\0\3", 12, "ustar  "), false);
    block("abc", 3);
    sum(header("b", '0', " 3 ", 3, ""), false); /* spaces around */
    block("def", 3);
    sum(header("\xe9", '0', "3", 1, ""), true); /* a sum of signed bytes */
    block("ghi", 3);
    PAX("size=3");
    sum(header("d", '0', "77", 2, "ustar"), false);
    block("jkl", 3);
    end();
    expect("a:abc;b:def;\xe9:ghi;d:jkl;");
    sum(header("a", '0', "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12, "ustar"), false);
    end();
    expect("?damaged: a size in the header at byte 0");
    sum(header("a", '0', "\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12, "ustar"), false);
    end();
    expect("?damaged: a size in the header at byte 0");
    sum(header("a", '0', "77777777777", 11, "ustar"), false);
    t5g_buf_adds(&tar, "short");
    expect("a:?truncated inside a member, at byte 517;?truncated inside a member, at byte 517");
}

static void
names(void **state)
{
    (void)state;
    unsigned char *h = header("file", '0', "0", 1, "ustar");
    memcpy(h + 345, "some/folder", 11);
    sum(h, false);
    h = header("file", '0', "0", 1, "ustar  "); /* GNU: other things are there */
    memcpy(h + 345, "1234", 4);
    sum(h, false);
    member("L", 'L', "a name by GNU");
    member("short", '0', "1");
    member("K", 'K', "a target by GNU");
    member("short", '1', "");
    PAX("path=by pax\n", "comment=path=something else");
    member("short", '0', "2");
    PAX("linkpath=by pax 2");
    member("short", '1', "");
    member("g", 'g', "19 comment=for all\n");
    member("last", '0', "3");
    end();
    expect("some/folder/file:;file:;a name by GNU:1;short>a target by GNU;by pax\n:2;"
           "short>by pax 2;last:3;");
    member("pax", 'x', "99 path=x\n");
    member("a", '0', "");
    end();
    expect("?damaged: the extended header before byte 1024");
    member("pax", 'x', "11 path=x\n");
    end();
    expect("?damaged: the extended header before byte 1024");
    PAX("path=x");
    end();
    expect("?damaged: no header at byte 1024");
}

static void
links(void **state)
{
    (void)state;
    member("a", '0', "x");
    sum(header("b", '1', "00000000001", 11, "ustar"), false); /* a size, but no bytes */
    member("c", '0', "y");
    sum(header("d", '1', "00000000003", 11, "ustar"), false); /* pax: bytes of its own */
    block("own", 3);
    sum(header("e", '1', "00000000001", 11, "ustar"), false);
    end();
    expect("a:x;b>;c:y;d:own;e>;");
}

static void
holes(void **state)
{
    (void)state;
    PAX("GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.name=real",
        "GNU.sparse.realsize=10");
    char data[515] = "2\n1\n2\n5\n1\n";
    memcpy(data + 512, "abc", 3);
    sum(header("fake", '0', "00000001003", 11, "ustar"), false);
    block(data, 515);
    member("next", '0', "n");
    end();
    expect("real:.ab..c....;next:n;");
    PAX("GNU.sparse.size=10", "GNU.sparse.map=1,2,5,1");
    member("a", '0', "abc");
    member("next", '0', "n");
    end();
    expect("a:.ab..c....;next:n;");
    static const char *const senseless[] = {"1,2,5", "5,1,1,2", "1,2,9,2", "1,2,5,2", "", "1,x"};
    for (size_t i = 0; i < T5G_LEN(senseless); i++) {
        char map[100];
        snprintf(map, sizeof map, "GNU.sparse.map=%s", senseless[i]);
        PAX("GNU.sparse.size=10", map);
        member("a", '0', "abc");
        member("next", '0', "n");
        end();
        expect(i == 5 ? "?damaged: the extended header before byte 1024"
                      : "a:?damaged: its map of holes is invalid;next:n;");
    }
}

static void
ends(void **state)
{
    (void)state;
    member("a", '0', "x");
    expect("a:x;?truncated: the end-of-archive blocks are missing at byte 1024");
    member("a", '0', "x");
    block("garbage", 7);
    expect("a:x;?damaged: the checksum of the header at byte 1024 differs");
    end();
    member("a", '0', "x");
    end();
    end();
    member("b", '0', "y");
    end();
    t5g_buf_adds(&tar, "rest");
    expect("a:x;b:y;");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types), cmocka_unit_test(sizes), cmocka_unit_test(names),
        cmocka_unit_test(links), cmocka_unit_test(holes), cmocka_unit_test(ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
