/* fuzz_json.c: any bytes as JSON text: what the scanner accepts, everything else must digest. */
#include "base/json.h"
#include "base/jsonstr.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool ok)
{
    if (!ok)
        abort();
}

static void
walk(const char *text, size_t n)
{
    struct t5g_json_walk w;
    if (!t5g_json_walk_open(&w, text, n))
        return;
    while (t5g_json_walk_next(&w)) {
        struct t5g_buf key = {0}, back = {0};
        t5g_jsonstr_read(&key, w.key, w.key_len);
        t5g_jsonstr_write(&back, key.n > 0 ? key.p : "", key.n);
        must(t5g_json_check(back.p, back.n, true, "key", NULL) == 0);
        if (key.n > 0 && memchr(key.p, 0, key.n) == NULL)
            must(t5g_jsonstr_equal(w.key, w.key_len, key.p));
        must(t5g_json_check(w.value, w.value_len, true, "value", NULL) == 0);
        walk(w.value, w.value_len);
        t5g_buf_free(&key);
        t5g_buf_free(&back);
    }
}

/* With some members read: no less passes, and what does can be walked and those decoded. */
static void
some_members(const char *text, size_t n, bool all_well)
{
    static const char *const members[] = {"a", "text"};
    struct t5g_err e = {0};
    struct t5g_json_walk w;
    bool well = t5g_json_check_members(text, n, members, 2, "x", &e) == 0;
    must(well || (!all_well && e.code == T5G_EX_DATA && strncmp(e.msg, "x: byte ", 8) == 0));
    if (!well || !t5g_json_walk_open(&w, text, n))
        return;
    while (t5g_json_walk_next(&w))
        for (size_t i = 0; i < 2; i++)
            if (t5g_jsonstr_equal(w.key, w.key_len, members[i]))
                must(t5g_json_check(w.value, w.value_len, true, "value", NULL) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct t5g_err e = {0};
    bool with_nul = t5g_json_check(text, size, true, "x", &e) == 0;
    must(with_nul || (e.code == T5G_EX_DATA && strncmp(e.msg, "x: byte ", 8) == 0));
    if (with_nul)
        walk(text, size);
    some_members(text, size, with_nul);
    bool accepted = t5g_json_check(text, size, false, "x", &e) == 0;
    struct t5g_json *v = t5g_json_parse(text, size, "x", &e);
    must((v != NULL) == accepted && (!accepted || with_nul));
    if (v != NULL) {
        struct t5g_buf once = {0}, twice = {0};
        t5g_json_print(&once, v);
        struct t5g_json *again = t5g_json_parse(once.p, once.n, "y", &e);
        must(again != NULL);
        t5g_json_print(&twice, again);
        must(strcmp(once.p, twice.p) == 0);
        t5g_json_free(again);
        t5g_buf_free(&once);
        t5g_buf_free(&twice);
    }
    t5g_json_free(v);
    struct t5g_buf s = {0};
    t5g_jsonstr_write(&s, text, size);
    must(t5g_json_check(s.p, s.n, true, "string", &e) == 0);
    t5g_buf_free(&s);
    return 0;
}
