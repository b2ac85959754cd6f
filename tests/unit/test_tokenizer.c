/* test_tokenizer.c: ids and texts equal Hugging Face tokenizers', and worst cases stay fast. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/io.h"
#include "base/jsonstr.h"
#include "base/units.h"
#include "text/detokenizer.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *
fixture(const char *name)
{
    return t5g_path_join(getenv("T5G_TESTS"), name);
}

static struct t5g_tokenizer *
open_dir(const char *dir)
{
    struct t5g_err e;
    struct t5g_tokenizer *t = t5g_tokenizer_open(dir, &e);
    if (t == NULL)
        fail_msg("%s: %s", dir, e.msg);
    return t;
}

/* A raw JSON array of whole numbers. */
static void
read_ids(const char *raw, size_t n, struct t5g_ids *out)
{
    out->n = 0;
    for (size_t i = 0; i < n;) {
        if (raw[i] == '-' || (raw[i] >= '0' && raw[i] <= '9')) {
            char *end;
            t5g_ids_add(out, (int32_t)strtol(raw + i, &end, 10));
            i = (size_t)(end - raw);
        } else {
            i++;
        }
    }
}

static void
expect_ids(const struct t5g_tokenizer *t, const struct t5g_buf *text, unsigned flags,
           const struct t5g_ids *want, size_t line)
{
    struct t5g_ids got = {0};
    t5g_tokenize(t, text->p, text->n, flags, &got);
    if (got.n != want->n || (got.n > 0 && memcmp(got.p, want->p, got.n * sizeof *got.p) != 0))
        fail_msg("line %zu: ids differ (%zu, expected %zu)", line, got.n, want->n);
    t5g_ids_free(&got);
}

/* Decoded at once, and id by id as a stream. */
static void
expect_text(const struct t5g_tokenizer *t, const struct t5g_ids *ids, bool all,
            const struct t5g_buf *want, size_t line)
{
    struct t5g_detok d;
    struct t5g_buf whole = {0}, parts = {0};
    t5g_detok_open(&d, t, all);
    t5g_buf_adds(&whole, "");
    t5g_buf_adds(&parts, "");
    t5g_detok_add(&d, ids->p, ids->n, &whole);
    t5g_detok_end(&d, &whole);
    for (size_t i = 0; i < ids->n; i++)
        t5g_detok_add(&d, ids->p + i, 1, &parts);
    t5g_detok_end(&d, &parts);
    if (whole.n != want->n || memcmp(whole.p, want->p, whole.n) != 0)
        fail_msg("line %zu: decoded '%s', expected '%s'", line, whole.p, want->p);
    if (parts.n != want->n || memcmp(parts.p, want->p, parts.n) != 0)
        fail_msg("line %zu: decoded as a stream '%s', expected '%s'", line, parts.p, want->p);
    t5g_detok_free(&d);
    t5g_buf_free(&whole);
    t5g_buf_free(&parts);
}

enum { TEXT, IDS, BARE, DECODE_IDS, SKIP, ALL, FIELDS };

/* One golden object: its fields' raw spans. */
static void
check_line(const struct t5g_tokenizer *t, const char *raw, size_t n, size_t line)
{
    static const char *const names[FIELDS] = {"text",       "ids",         "ids_nospecial",
                                              "decode_ids", "decode_skip", "decode_all"};
    struct t5g_json_walk w;
    struct t5g_buf strings[FIELDS] = {{0}};
    struct t5g_ids ids[FIELDS] = {{0}};
    bool have[FIELDS] = {false};
    assert_int_equal(t5g_json_check(raw, n, true, "golden", NULL), 0);
    assert_true(t5g_json_walk_open(&w, raw, n));
    while (t5g_json_walk_next(&w))
        for (size_t i = 0; i < FIELDS; i++)
            if (t5g_jsonstr_equal(w.key, w.key_len, names[i])) {
                have[i] = true;
                t5g_buf_adds(&strings[i], "");
                if (w.value[0] == '"')
                    t5g_jsonstr_read(&strings[i], w.value, w.value_len);
                else
                    read_ids(w.value, w.value_len, &ids[i]);
            }
    assert_true(have[TEXT] != have[DECODE_IDS]);
    if (have[TEXT]) {
        expect_ids(t, &strings[TEXT], 0, &ids[IDS], line);
        if (have[BARE])
            expect_ids(t, &strings[TEXT], T5G_TOK_BARE, &ids[BARE], line);
    }
    const struct t5g_ids *decoded = &ids[have[TEXT] ? IDS : DECODE_IDS];
    expect_text(t, decoded, false, &strings[SKIP], line);
    expect_text(t, decoded, true, &strings[ALL], line);
    for (size_t i = 0; i < FIELDS; i++) {
        t5g_buf_free(&strings[i]);
        t5g_ids_free(&ids[i]);
    }
}

static void
check_golden(const char *dir, const char *path)
{
    struct t5g_tokenizer *t = open_dir(dir);
    struct t5g_buf b = {0};
    size_t line = 0;
    assert_int_equal(t5g_read_file(path, (size_t)1 << 28, &b, NULL), 0);
    for (char *p = b.p, *end; p < b.p + b.n; p = end + 1) {
        end = memchr(p, '\n', (size_t)(b.p + b.n - p));
        assert_non_null(end);
        check_line(t, p, (size_t)(end - p), ++line);
    }
    assert_true(line >= 100);
    t5g_buf_free(&b);
    t5g_tokenizer_close(t);
}

static void
golden_of_the_tree(const char *model)
{
    char dir[64], data[64];
    snprintf(dir, sizeof dir, "models/%s", model);
    snprintf(data, sizeof data, "data/tokenizer-%s.jsonl", model);
    char *d = fixture(dir), *p = fixture(data);
    check_golden(d, p);
    t5g_free(d);
    t5g_free(p);
}

static void
golden_tiny(void **state)
{
    (void)state;
    golden_of_the_tree("tiny");
}

static void
golden_tiny_gqa(void **state)
{
    (void)state;
    golden_of_the_tree("tiny-gqa");
}

/* A tokenizer without Gemma's structure: merges written "a b", inner U+2581, ranks in no order. */
static void
golden_general(void **state)
{
    (void)state;
    golden_of_the_tree("general");
}

static void
golden_gemma(void **state)
{
    const char *dir = getenv("T5G_GEMMA_TOKENIZER"), *data = getenv("T5G_TOKENIZER_GOLDEN");
    (void)state;
    if (dir == NULL || data == NULL)
        skip();
    check_golden(dir, data);
}

/* Tokenizers of T5 and its successors. */
static void
golden_families(void **state)
{
    static const char *const kinds[] = {"t5", "t5-4x", "umt5", "madlad", "t5-sp", "mt5", "byt5"};
    char dir[64], data[64];
    (void)state;
    for (size_t i = 0; i < T5G_LEN(kinds); i++) {
        snprintf(dir, sizeof dir, "data/tokenizers/%s", kinds[i]);
        snprintf(data, sizeof data, "data/tokenizers/%s/golden.jsonl", kinds[i]);
        char *d = fixture(dir), *p = fixture(data);
        check_golden(d, p);
        t5g_free(d);
        t5g_free(p);
    }
}

/* Other tokenizers and their strings, in folders of a folder: tokenizer files and golden.jsonl. */
static void
golden_elsewhere(void **state)
{
    const char *root = getenv("T5G_TOKENIZERS");
    (void)state;
    if (root == NULL)
        skip();
    DIR *list = opendir(root);
    assert_non_null(list);
    for (struct dirent *x; (x = readdir(list)) != NULL;) {
        if (x->d_name[0] == '.')
            continue;
        char *d = t5g_path_join(root, x->d_name), *p = t5g_path_join(d, "golden.jsonl");
        print_message("%s\n", d);
        check_golden(d, p);
        t5g_free(d);
        t5g_free(p);
    }
    closedir(list);
}

static void
specials_stay_text(void **state)
{
    char *dir = fixture("models/tiny");
    struct t5g_tokenizer *t = open_dir(dir);
    struct t5g_ids a = {0}, b = {0};
    (void)state;
    t5g_tokenize(t, "a<eos>b", 7, T5G_TOK_BARE, &a);
    t5g_tokenize(t, "a<eos>b", 7, T5G_TOK_BARE | T5G_TOK_TEXT_ONLY, &b);
    bool has_a = false, has_b = false;
    for (size_t i = 0; i < a.n; i++)
        has_a |= a.p[i] == 1;
    for (size_t i = 0; i < b.n; i++)
        has_b |= b.p[i] == 1;
    assert_true(has_a);
    assert_false(has_b);
    struct t5g_buf want = {0};
    t5g_buf_adds(&want, "a<eos>b");
    expect_text(t, &b, true, &want, 0);
    t5g_buf_free(&want);
    t5g_ids_free(&a);
    t5g_ids_free(&b);
    t5g_tokenizer_close(t);
    t5g_free(dir);
}

/* A quadratic step would take hours here; the limit leaves room for sanitizers on a busy machine.
 */
static void
long_words_are_not_quadratic(void **state)
{
    static const char *const units[] = {
        "a", " ", "\n", "\xe5\xa4\x8f", "ab", "\xe2\x96\x81", "the", "e\xcc\x81"};
    const char *gemma = getenv("T5G_GEMMA_TOKENIZER");
    char *dir = fixture("models/tiny");
    struct t5g_tokenizer *t = open_dir(gemma != NULL ? gemma : dir);
    (void)state;
    for (size_t u = 0; u < T5G_LEN(units); u++) {
        struct t5g_buf text = {0};
        struct t5g_ids ids = {0};
        while (text.n < (size_t)1 << 20)
            t5g_buf_adds(&text, units[u]);
        double start = t5g_seconds();
        t5g_tokenize(t, text.p, text.n, 0, &ids);
        if (t5g_seconds() - start > 10)
            fail_msg("1 MiB of '%s' took %.1f s", units[u], t5g_seconds() - start);
        t5g_ids_free(&ids);
        t5g_buf_free(&text);
    }
    t5g_tokenizer_close(t);
    t5g_free(dir);
}

/* Words wait for others to be merged with, across added tokens: in the end all are there, in order.
 */
static void
pieces_stay_in_order(void **state)
{
    static const char unit[] =
        "<bos>Hello wor\xc3\xa4ld, 12.3 \xf0\x9f\x98\x80<eos>\xd0\xbf\xd1\x80\n?";
    enum { TIMES = 900 };
    char *dir = fixture("models/tiny");
    struct t5g_tokenizer *t = open_dir(dir);
    struct t5g_buf text = {0};
    struct t5g_ids one = {0}, all = {0};
    (void)state;
    t5g_tokenize(t, unit, sizeof unit - 1, T5G_TOK_BARE, &one);
    for (size_t i = 0; i < TIMES; i++)
        t5g_buf_adds(&text, unit);
    t5g_tokenize(t, text.p, text.n, T5G_TOK_BARE, &all);
    assert_true(one.n > 10 && one.p[0] == 2);
    assert_int_equal(all.n, TIMES * one.n);
    for (size_t i = 0; i < TIMES; i++)
        assert_memory_equal(all.p + i * one.n, one.p, one.n * sizeof *one.p);
    t5g_ids_free(&one);
    t5g_ids_free(&all);
    t5g_buf_free(&text);
    t5g_tokenizer_close(t);
    t5g_free(dir);
}

/* The kept table is used, and a damaged one is found out and made again. */
static void
damaged_table_is_made_again(void **state)
{
    char cache[] = "/tmp/t5g-test-XXXXXX", command[256];
    char *dir = fixture("models/tiny");
    (void)state;
    assert_non_null(mkdtemp(cache));
    setenv("XDG_CACHE_HOME", cache, 1);
    t5g_tokenizer_close(open_dir(dir));
    snprintf(
        command, sizeof command,
        "f=$(ls %s/t5g/tokenizer-*) && printf x | dd of=$f bs=1 seek=9000 conv=notrunc 2>/dev/null",
        cache);
    assert_int_equal(system(command), 0);
    struct t5g_tokenizer *t = open_dir(dir);
    struct t5g_ids ids = {0};
    t5g_tokenize(t, "Hello world", 11, 0, &ids);
    assert_true(ids.n > 1 && ids.p[0] == 2);
    t5g_ids_free(&ids);
    t5g_tokenizer_close(t);
    snprintf(command, sizeof command, "rm -r %s", cache);
    assert_int_equal(system(command), 0);
    unsetenv("XDG_CACHE_HOME");
    t5g_free(dir);
}

static void
refuse(const char *json, const char *message)
{
    char dir[] = "/tmp/t5g-test-XXXXXX";
    struct t5g_err e;
    assert_non_null(mkdtemp(dir));
    char *path = t5g_path_join(dir, "tokenizer.json");
    assert_int_equal(t5g_write_file(path, json, strlen(json), NULL), 0);
    assert_null(t5g_tokenizer_open(dir, &e));
    assert_int_equal(e.code, T5G_EX_DATA);
    if (strstr(e.msg, message) == NULL)
        fail_msg("'%s' does not say '%s'", e.msg, message);
    unlink(path);
    rmdir(dir);
    t5g_free(path);
}

static void
what_is_not_supported_is_named(void **state)
{
    (void)state;
#define DECODER                                                                               \
    "\"decoder\":{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"ByteFallback\"},{\"type\":" \
    "\"Fuse\"}]}"
    refuse("", "byte 0");
    refuse("[]", "not an object");
    refuse("{\"normalizer\":{\"type\":\"NFKC\"}}", "normalizer: not supported");
    refuse("{\"pre_tokenizer\":{\"type\":\"Whitespace\"}}", "pre_tokenizer: not supported");
    refuse("{}", "decoder: not supported");
    refuse("{" DECODER ",\"post_processor\":{\"type\":\"ByteLevel\"}}",
           "post_processor: not supported");
    refuse("{" DECODER "}", "model.type");
    refuse("{" DECODER ",\"model\":{\"type\":\"WordPiece\"}}", "model.type");
    refuse("{" DECODER ",\"model\":{\"type\":\"BPE\",\"byte_fallback\":false}}",
           "model.byte_fallback");
    refuse("{" DECODER ",\"model\":{\"type\":\"BPE\",\"byte_fallback\":true,\"dropout\":0.1}}",
           "model.dropout");
    refuse("{" DECODER ",\"model\":{\"byte_fallback\":true,\"vocab\":{\"a\":0,\"b\":0}}}",
           "both 'a' and 'b'");
    refuse("{" DECODER ",\"model\":{\"byte_fallback\":true,\"vocab\":{\"a\":0}}}",
           "<0x00> is missing");
#undef DECODER
#define UNIGRAM(normalizer, pre, decoder, more)                                     \
    "{\"normalizer\":" normalizer ",\"pre_tokenizer\":" pre ",\"decoder\":" decoder \
    ",\"model\":{\"type\":\"Unigram\"" more "}}"
#define META(more) "{\"type\":\"Metaspace\",\"replacement\":\"\xe2\x96\x81\"" more "}"
#define VOCAB      ",\"unk_id\":0,\"vocab\":[[\"?\",0],[\"a\",-1]]"
    refuse(UNIGRAM("{\"type\":\"NFKC\"}", "null", META(""), VOCAB), "normalizer: NFKC: not");
    refuse(UNIGRAM("{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"a*\"}", "null", META(""),
                   VOCAB),
           "normalizer: precompiled_charsmap: not base64");
    refuse(UNIGRAM("{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"AAwAAA==\"}", "null",
                   META(""), VOCAB),
           "normalizer: charsmap: damaged");
    refuse(UNIGRAM("{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"a+\"},\"content\":\"\"}", "null",
                   META(""), VOCAB),
           "normalizer: Replace: not supported");
    refuse(UNIGRAM("null", "{\"type\":\"ByteLevel\"}", META(""), VOCAB),
           "pre_tokenizer: ByteLevel: not supported");
    refuse(UNIGRAM("null", META(",\"prepend_scheme\":\"last\""), META(""), VOCAB),
           "pre_tokenizer: Metaspace: not supported");
    refuse(UNIGRAM("{\"type\":\"Strip\",\"strip_left\":true,\"strip_right\":true}",
                   META(",\"prepend_scheme\":\"first\""), META(""), VOCAB),
           "pre_tokenizer: prepend_scheme first");
    refuse(UNIGRAM("null", "null", "{\"type\":\"WordPiece\"}", VOCAB), "decoder: WordPiece: not");
    refuse(UNIGRAM("null", "null", "null", VOCAB), "decoder: not supported");
    refuse(UNIGRAM("null", "null", META(""), ",\"vocab\":[[\"a\",0]]"), "model.unk_id");
    refuse(UNIGRAM("null", "null", META(""), ",\"unk_id\":1,\"vocab\":[[\"a\",0]]"),
           "model.unk_id");
    refuse(UNIGRAM("null", "null", META(""), ",\"unk_id\":0,\"vocab\":{\"a\":0}"), "model.vocab");
    refuse(UNIGRAM("null", "null", META(""), ",\"unk_id\":0,\"vocab\":[[\"a\"]]"),
           "model.vocab: entry 0");
    refuse(UNIGRAM("null", "null", META(""),
                   ",\"byte_fallback\":true,\"unk_id\":0,\"vocab\":[[\"<0x0A>\",0]]"),
           "1 of 256 byte tokens");
#undef UNIGRAM
#undef META
#undef VOCAB
    struct t5g_err e;
    assert_null(t5g_tokenizer_open("/nowhere/at/all", &e));
    assert_int_equal(e.code, T5G_EX_NOINPUT);
}

/* A folder with one file; the error, or "" if it is a tokenizer. */
static void
try_spiece(const void *p, size_t n, struct t5g_err *e)
{
    char dir[] = "/tmp/t5g-test-XXXXXX";
    assert_non_null(mkdtemp(dir));
    char *path = t5g_path_join(dir, "spiece.model");
    assert_int_equal(t5g_write_file(path, p, n, NULL), 0);
    *e = (struct t5g_err){0};
    struct t5g_tokenizer *t = t5g_tokenizer_open(dir, e);
    assert_true(t != NULL || e->code == T5G_EX_DATA);
    t5g_tokenizer_close(t);
    unlink(path);
    rmdir(dir);
    t5g_free(path);
}

static void
refuse_spiece(const char *bytes, size_t n, const char *message)
{
    struct t5g_err e;
    try_spiece(bytes, n, &e);
    if (strstr(e.msg, message) == NULL)
        fail_msg("'%s' does not say '%s'", e.msg, message);
}

/* Messages of a protocol buffer: every cut is refused, and what is not a unigram model by name. */
static void
spiece_is_looked_at(void **state)
{
    char *path = fixture("data/tokenizers/t5-sp/spiece.model");
    struct t5g_buf b = {0};
    struct t5g_err e;
    (void)state;
    setenv("XDG_CACHE_HOME", "/dev/null/nowhere", 1);
    assert_int_equal(t5g_read_file(path, 1 << 20, &b, NULL), 0);
    try_spiece(b.p, b.n, &e);
    assert_string_equal(e.msg, "");
    for (size_t cut = 0; cut < b.n; cut += cut < 64 ? 1 : 61) {
        try_spiece(b.p, cut, &e);
        if (strstr(e.msg, "cut") == NULL)
            fail_msg("%zu bytes: '%s'", cut, e.msg);
    }
    for (size_t i = 0; i < b.n; i += 53) { /* taken or refused, but never followed outside */
        b.p[i] ^= 0x55;
        try_spiece(b.p, b.n, &e);
        b.p[i] ^= 0x55;
    }
#define FIXED                  "\x15\0\0\x80\x3f"
#define REFUSE(bytes, message) refuse_spiece(bytes, sizeof(bytes) - 1, message)
    REFUSE("", "cut");
    REFUSE("\x0a\x08\x0a\x01"
           "a" FIXED "\x12\x02\x18\x02",
           "model type BPE: not supported");
    REFUSE("\x0a\x08\x0a\x01"
           "a" FIXED "\x12\x02\x18\x09",
           "trainer_spec.model_type");
    REFUSE("\x0a\x08\x0a\x01"
           "a" FIXED "\x12\x00",
           "no normalizer_spec");
    REFUSE("\x0a\x08\x0a\x01"
           "a" FIXED "\x12\x00\x1a\x00",
           "pad_token '<pad>': no piece");
    REFUSE("\x0a\x08\x0a\x01"
           "a" FIXED "\x12\x00\x1a\x02\x10\x01",
           "precompiled_charsmap");
    REFUSE("\x08\x01", "protocol buffer");
    REFUSE("\x0a\x03\x0a\x01\xff", "piece 0");
    REFUSE("\x0a\x03\x10\x01"
           "a",
           "piece 0");
    REFUSE("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "protocol buffer");
#undef REFUSE
#undef FIXED
    unsetenv("XDG_CACHE_HOME");
    t5g_buf_free(&b);
    t5g_free(path);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_tiny),
        cmocka_unit_test(golden_tiny_gqa),
        cmocka_unit_test(golden_general),
        cmocka_unit_test(golden_gemma),
        cmocka_unit_test(golden_families),
        cmocka_unit_test(golden_elsewhere),
        cmocka_unit_test(specials_stay_text),
        cmocka_unit_test(long_words_are_not_quadratic),
        cmocka_unit_test(pieces_stay_in_order),
        cmocka_unit_test(damaged_table_is_made_again),
        cmocka_unit_test(what_is_not_supported_is_named),
        cmocka_unit_test(spiece_is_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
