/* test_table.c: compiled tokenizers: every byte is verified before it is used, kept or packed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "modeldir.h"
#include "text/table.h"
#include "text/tokenizer.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The table of a folder of tests, in memory that may be written to. */
static unsigned char *
block_of(const char *name, uint64_t *n)
{
    char *dir = t5g_path_join(getenv("T5G_TESTS"), name);
    struct t5g_table t;
    struct t5g_err e;
    if (t5g_table_open(&t, dir, &e) < 0)
        fail_msg("%s", e.msg);
    *n = t.h->size;
    unsigned char *p = (unsigned char *)t5g_memdup(t.h, *n);
    t5g_table_close(&t);
    t5g_free(dir);
    return p;
}

static void
flip_every_byte(const char *name)
{
    uint64_t n;
    unsigned char *p = block_of(name, &n);
    struct t5g_table t;
    struct t5g_err e = {0};
    assert_int_equal(t5g_table_bind(&t, p, n, false, &e), 0);
    for (uint64_t i = 0; i < n; i += i < sizeof(struct t5g_table_header) ? 1 : 97) {
        p[i] ^= (unsigned char)(1u << i % 8);
        e.code = 0;
        if (t5g_table_bind(&t, p, n, false, &e) == 0 || e.code != T5G_EX_DATA)
            fail_msg("byte %llu", (unsigned long long)i);
        p[i] ^= (unsigned char)(1u << i % 8);
    }
    for (uint64_t cut = 0; cut < n; cut += 1 + n / 50)
        assert_int_equal(t5g_table_bind(&t, p, cut, false, &e), -1);
    t5g_free(p);
}

static void
every_flipped_byte_is_found(void **state)
{
    (void)state;
    flip_every_byte("models/tiny");
    flip_every_byte("data/tokenizers/umt5");
}

/* Put a number of `size` bytes at p, make the checksum right again: the index must be refused. */
static void
refuse_index(unsigned char *p, uint64_t n, uint64_t at, uint64_t value, size_t size,
             const char *what)
{
    struct t5g_table t;
    struct t5g_err e = {0};
    unsigned char *copy = (unsigned char *)t5g_memdup(p, n);
    memcpy(copy + at, &value, size);
    uint64_t hash = t5g_table_hash(copy, n);
    memcpy(copy + offsetof(struct t5g_table_header, hash), &hash, sizeof hash);
    if (t5g_table_bind(&t, copy, n, false, &e) == 0)
        fail_msg("%s: taken", what);
    if (strstr(e.msg, "index") == NULL)
        fail_msg("%s: '%s'", what, e.msg);
    t5g_free(copy);
}

/* With a checksum that is right, what would lead out of a section or never end is refused still. */
static void
indices_stay_inside(void **state)
{
    uint64_t n;
    unsigned char *p = block_of("models/tiny", &n);
    const struct t5g_table_header *h = (const void *)p;
    (void)state;
#define FIELD(x) offsetof(struct t5g_table_header, x)
    refuse_index(p, n, FIELD(n_ids), 1u << 31, 4, "n_ids");
    refuse_index(p, n, FIELD(text.off), n, 8, "text.off");
    refuse_index(p, n, FIELD(merges.off), n - 64, 8, "merges.off");
    refuse_index(p, n, FIELD(merge_mask), 62, 4, "merge_mask");
    refuse_index(p, n, FIELD(raw), 1u << 20, 4, "raw");
    refuse_index(p, n, FIELD(normalized), UINT32_MAX, 4, "normalized");
    refuse_index(p, n, FIELD(byte_id[65]), h->n_ids, 4, "byte_id");
    refuse_index(p, n, FIELD(byte_id[0]), UINT32_MAX, 4, "byte_id");
    refuse_index(p, n, h->text_off.off + 40, UINT32_MAX, 4, "text_off");
    refuse_index(p, n, h->text_off.off + 4 * (uint64_t)h->n_ids, h->text.len + 1, 4, "last off");
    refuse_index(p, n, h->page.off, 0xffff, 2, "page");
    refuse_index(p, n, h->chars.off + 4, h->n_ids, 4, "chars");
    refuse_index(p, n, h->nodes.off, 1u << 30, 4, "first edge");
    refuse_index(p, n, h->nodes.off + 4, 1u << 30, 4, "edges");
    refuse_index(p, n, h->nodes.off + 8, 1u << 30, 4, "id of a node");
    refuse_index(p, n, h->edges.off + 4, 1u << 30, 4, "node of an edge");
    refuse_index(p, n, h->before.off, h->n_ids, 4, "before");
#undef FIELD
    /* A table of pairs without a free slot: a search would not end. */
    struct t5g_merge *m = (struct t5g_merge *)(void *)(p + h->merges.off);
    for (size_t i = 0; i <= h->merge_mask; i++)
        m[i].a = m[i].a == UINT32_MAX ? 0 : m[i].a;
    refuse_index(p, n, 0, (uint64_t)p[0], 1, "full table");
    t5g_free(p);
}

static void
indices_of_unigram_stay_inside(void **state)
{
    const double nan = NAN;
    uint64_t n, bits;
    unsigned char *p = block_of("data/tokenizers/umt5", &n);
    const struct t5g_table_header *h = (const void *)p;
    (void)state;
    memcpy(&bits, &nan, sizeof bits);
    assert_true(h->model == T5G_MODEL_UNIGRAM && h->steps.len > 0 && h->charsmap.len > 0);
#define FIELD(x) offsetof(struct t5g_table_header, x)
    refuse_index(p, n, FIELD(model), 2, 4, "model");
    refuse_index(p, n, FIELD(unknown), h->n_ids, 4, "unknown");
    refuse_index(p, n, FIELD(unknown_score), bits, 8, "unknown_score");
    refuse_index(p, n, FIELD(byte_id[65]), UINT32_MAX, 4, "byte_id");
    refuse_index(p, n, FIELD(units.len), h->units.len - 16, 8, "units.len");
    refuse_index(p, n, FIELD(charsmap.off), n, 8, "charsmap.off");
    refuse_index(p, n, h->units.off, (uint32_t)(h->units.len / 16), 4, "base");
    refuse_index(p, n, h->units.off + 4, h->n_ids, 4, "id of a unit");
    refuse_index(p, n, h->units.off + 8, bits, 8, "score");
    refuse_index(p, n, h->steps.off, T5G_STEP_SPACES + 1, 4, "op");
    refuse_index(p, n, h->steps.off + offsetof(struct t5g_step, to_len), 1u << 30, 4, "to_len");
    refuse_index(p, n, h->charsmap.off, UINT32_MAX, 4, "units of the charsmap");
    refuse_index(p, n, h->charsmap.off + h->charsmap.len - 1, 'x', 1, "end of the charsmap");
    refuse_index(p, n, h->charsmap.off + h->charsmap.len - 2, 0xff, 1, "text of the charsmap");
#undef FIELD
    t5g_free(p);
}

/* The path of the one file in $XDG_CACHE_HOME/t5g. */
static char *
kept_file(const char *cache)
{
    char *dir = t5g_path_join(cache, "t5g"), *path = NULL;
    DIR *d = opendir(dir);
    assert_non_null(d);
    for (struct dirent *x; (x = readdir(d)) != NULL;)
        if (x->d_name[0] != '.') {
            assert_null(path);
            path = t5g_path_join(dir, x->d_name);
        }
    closedir(d);
    t5g_free(dir);
    assert_non_null(path);
    return path;
}

/* A kept table with a flipped byte, wherever it is, is made again and gives the same ids. */
static void
damaged_kept_table_is_made_again(void **state)
{
    static const char text[] = "Hello world <b>x</b>";
    char *cache = md_tmp(), *dir = md_fixture("tiny");
    struct t5g_ids want = {0};
    (void)state;
    setenv("XDG_CACHE_HOME", cache, 1);
    struct t5g_tokenizer *t = t5g_tokenizer_open(dir, NULL);
    t5g_tokenize(t, text, sizeof text - 1, 0, &want);
    t5g_tokenizer_close(t);
    char *kept = kept_file(cache);
    for (long at = 0; at < 1500; at += 53) {
        FILE *f = fopen(kept, "r+e");
        assert_non_null(f);
        fseek(f, at, SEEK_SET);
        int c = fgetc(f);
        fseek(f, at, SEEK_SET);
        fputc(c ^ 4, f);
        assert_int_equal(fclose(f), 0);
        struct t5g_ids got = {0};
        assert_non_null(t = t5g_tokenizer_open(dir, NULL));
        t5g_tokenize(t, text, sizeof text - 1, 0, &got);
        if (got.n != want.n || memcmp(got.p, want.p, want.n * sizeof *want.p) != 0)
            fail_msg("byte %ld: other ids", at);
        t5g_ids_free(&got);
        t5g_tokenizer_close(t);
    }
    t5g_ids_free(&want);
    unsetenv("XDG_CACHE_HOME");
    md_remove(cache);
    t5g_free(kept);
    t5g_free(cache);
    t5g_free(dir);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_flipped_byte_is_found),
        cmocka_unit_test(indices_stay_inside),
        cmocka_unit_test(indices_of_unigram_stay_inside),
        cmocka_unit_test(damaged_kept_table_is_made_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
