/*
 * constrained.c: what a constraint allows, and what is generated under it, against a judge of
 * texts: each id of the vocabulary is appended and judged.
 */
#include "constrained.h"
#include "base/utf8.h"
#include "generate/json_schema.h"
#include "generate/processors.h"
#include "text/detokenizer.h"
#include "text/printed.h"

#include <math.h>
#include <stdlib.h>

enum { WALK_MAX = 256, NEW = 24 };

struct gd_model tiny;
struct t5g_tokenizer *tokenizer;

static uint32_t seed = 1;

uint32_t
draw(uint32_t n)
{
    seed = seed * 1664525 + 1013904223;
    return (uint32_t)(((uint64_t)(seed >> 8) * n) >> 24);
}

/* Cases of a generator: `few` in make check, or as many as T5G_CONSTRAINT_CASES says. */
size_t
cases(size_t few)
{
    const char *n = getenv("T5G_CONSTRAINT_CASES");
    return n != NULL ? strtoul(n, NULL, 10) : few;
}

bool
begins_character(const unsigned char *s, size_t n, uint32_t *lo, uint32_t *hi)
{
    unsigned char least[4] = {0, 0x80, 0x80, 0x80}, most[4] = {0, 0xbf, 0xbf, 0xbf};
    size_t len = s[0] < 0xc2 || s[0] > 0xf4 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    least[1] = s[0] == 0xe0 ? 0xa0 : s[0] == 0xf0 ? 0x90 : 0x80;
    most[1] = s[0] == 0xed ? 0x9f : s[0] == 0xf4 ? 0x8f : 0xbf;
    if (n >= len)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && (s[i] < least[i] || s[i] > most[i]))
            return false;
        least[i] = most[i] = s[i];
    }
    *lo = t5g_utf8_decode(least, len);
    *hi = t5g_utf8_decode(most, len);
    return true;
}

/* ---- walks ---- */

/* Whether an id may stand after text. */
static bool
may_follow(const struct judge *j, const struct t5g_buf *text, int32_t id)
{
    size_t n;
    bool whole, fits;
    const char *s = t5g_printed(tokenizer, id, &n);
    if (t5g_config_is_eos(&tiny.m->config, id))
        return j->matches(j->arg, text, &whole) && whole;
    if (n == 0)
        return false;
    struct t5g_buf longer = {0};
    t5g_buf_add(&longer, text->p, text->n);
    t5g_buf_add(&longer, s, n);
    fits = j->matches(j->arg, &longer, &whole);
    t5g_buf_free(&longer);
    return fits;
}

static void
check_mask(const struct judge *j, const struct t5g_buf *text, const struct t5g_allowed *a)
{
    size_t v = tiny.m->config.decoder.v, n = 0;
    for (size_t id = 0; id < v; id++) {
        bool want = may_follow(j, text, (int32_t)id);
        n += want;
        size_t len;
        const char *piece = t5g_printed(tokenizer, (int32_t)id, &len);
        if (t5g_allowed_has(a, (int32_t)id) != want)
            fail_msg("%s: after '%.*s', id %zu, '%.*s': allowed %d, but %d", j->what, (int)text->n,
                     text->p != NULL ? text->p : "", id, (int)len, piece, !want, want);
    }
    assert_int_equal(a->n, n);
    assert_true(n > 0);
}

/* Ids chosen at random of those allowed. With `check`, every one of the vocabulary is judged. */
void
walk(struct t5g_constraint *c, const struct judge *j, size_t steps, bool check)
{
    struct t5g_place at = {0};
    struct t5g_buf text = {0}, printed = {0};
    int32_t ids[WALK_MAX];
    bool whole = false;
    for (size_t n = 0; n < steps; n++) {
        size_t len;
        const struct t5g_allowed *a = t5g_constraint_allowed(c, &at, ids, n);
        if (check)
            check_mask(j, &text, a);
        uint32_t skip = draw((uint32_t)a->n), id = 0;
        for (;; id++)
            if (t5g_allowed_has(a, (int32_t)id) && skip-- == 0)
                break;
        if (draw((uint32_t)steps / 4) == 0 && t5g_allowed_has(a, 1))
            id = 1;
        ids[n] = (int32_t)id;
        if (t5g_config_is_eos(&tiny.m->config, ids[n])) {
            struct t5g_detok d; /* as t5g-detok prints it */
            t5g_detok_open(&d, tokenizer, false);
            t5g_detok_add(&d, ids, n + 1, &printed);
            t5g_detok_end(&d, &printed);
            t5g_detok_free(&d);
            assert_int_equal(printed.n, text.n);
            assert_true(text.n == 0 || memcmp(printed.p, text.p, text.n) == 0);
            assert_true(j->matches(j->arg, &printed, &whole));
            assert_true(whole);
            break;
        }
        const char *s = t5g_printed(tokenizer, ids[n], &len);
        t5g_buf_add(&text, s, len);
        if (draw(8) == 0) {
            t5g_constraint_keep(c, draw(2) ? 0 : 1 << 20);
            t5g_constraint_tidy(c);
        }
    }
    t5g_buf_free(&text);
    t5g_buf_free(&printed);
}

struct t5g_constraint *
schema_constraint(const char *schema)
{
    struct t5g_err e = {0};
    struct t5g_automaton *a = t5g_json_schema_parse(schema, strlen(schema), "s", &e);
    if (a == NULL)
        fail_msg("%s\n%s", e.msg, schema);
    struct t5g_constraint *x = t5g_constraint_open(a, tokenizer, &tiny.m->config, &e);
    assert_non_null(x);
    return x;
}

/* ---- generation ---- */

enum { JOBS = 5 };

static const char *const documents[] = {"hello", "enc35", "nonascii"};
static struct gd_case document[T5G_LEN(documents)];
static struct t5g_cross *cross_of[T5G_LEN(documents)];
static struct t5g_job jobs[JOBS];

void
jobs_open(void)
{
    for (size_t i = 0; i < T5G_LEN(documents); i++) {
        document[i] = gd_case_open("tiny", documents[i]);
        cross_of[i] = t5g_cross_build(tiny.dec, document[i].encoder.f, document[i].n, T5G_F32);
    }
    for (size_t i = 0; i < JOBS; i++) {
        const struct gd_case *d = &document[i % T5G_LEN(documents)];
        jobs[i] = (struct t5g_job){.cross = cross_of[i % T5G_LEN(documents)],
                                   .source = d->ids.i,
                                   .n_source = d->n,
                                   .seed = i};
    }
}

void
jobs_close(void)
{
    for (size_t i = 0; i < T5G_LEN(documents); i++) {
        t5g_cross_free(cross_of[i]);
        gd_case_close(&document[i]);
    }
}

/* What a sequence is without the library's masks: at each step, every id judged. */
static void
by_hand(struct gd_model *g, const struct t5g_cross *cross, const struct judge *j,
        struct t5g_sequence *out, size_t most)
{
    size_t v = g->m->config.decoder.v;
    float *logits = t5g_alloc(v, sizeof *logits);
    struct t5g_kvcache *kv = t5g_kvcache_open(g->dec, most + 1);
    struct t5g_buf text = {0};
    int32_t id = g->m->config.start;
    *out = (struct t5g_sequence){.ids = t5g_alloc(most, sizeof *out->ids),
                                 .logprob = t5g_alloc(most, sizeof *out->logprob)};
    while (out->n < most && !(out->n > 0 && t5g_config_is_eos(&g->m->config, id))) {
        struct t5g_part part = {.cross = cross, .kv = kv, .ids = &id, .n = 1, .logits = logits};
        size_t n;
        t5g_decoder_step(g->dec, &part, 1);
        assert_false(part.bad);
        for (size_t k = 0; k < v; k++)
            if (!may_follow(j, &text, (int32_t)k))
                logits[k] = -INFINITY;
        id = (int32_t)t5g_argmax(logits, v);
        assert_true(logits[id] > -INFINITY);
        out->ids[out->n] = id;
        out->logprob[out->n++] = t5g_logprob(logits, v, (size_t)id);
        const char *s = t5g_printed(tokenizer, id, &n);
        t5g_buf_add(&text, s, n);
    }
    t5g_buf_free(&text);
    t5g_kvcache_free(kv);
    t5g_free(logits);
}

static void
generate(struct gd_model *g, const struct t5g_generate_options *o)
{
    struct t5g_generator *gen = t5g_generator_open(g->dec, g->m, o);
    struct t5g_job *all[JOBS];
    for (size_t i = 0; i < JOBS; i++)
        all[i] = &jobs[i];
    t5g_generate(gen, all, JOBS);
    t5g_generator_close(gen);
    for (size_t i = 0; i < JOBS; i++)
        assert_int_equal(jobs[i].err.code, 0);
}

/* Whether what was generated is a match, or the beginning of one. */
static void
check_text(const struct judge *j, const struct t5g_sequence *s)
{
    struct t5g_buf text = {0};
    bool whole;
    for (size_t i = 0; i < s->n; i++) {
        size_t n;
        const char *p = t5g_printed(tokenizer, s->ids[i], &n);
        t5g_buf_add(&text, p, n);
    }
    assert_true(j->matches(j->arg, &text, &whole));
    assert_true(whole || s->finish == T5G_FINISH_LENGTH);
    t5g_buf_free(&text);
}

/* Greedily, with and without log-probabilities and guesses; by draws; by beams. */
void
check_generation(struct t5g_constraint *c, const struct judge *j)
{
    struct t5g_generate_options o = t5g_generate_defaults;
    struct t5g_sequence want[JOBS];
    o.constraint = c;
    o.max_new_tokens = NEW;
    for (size_t i = 0; i < JOBS; i++)
        by_hand(&tiny, jobs[i].cross, j, &want[i], NEW);
    for (size_t way = 0; way < 4; way++) {
        o.logprobs = way % 2 != 0;
        o.lookup = way < 2 ? 0 : 5;
        t5g_constraint_keep(c, way % 3 == 0 ? 0 : 1 << 20);
        generate(&tiny, &o);
        for (size_t i = 0; i < JOBS; i++) {
            assert_int_equal(jobs[i].out.n, want[i].n);
            assert_memory_equal(jobs[i].out.ids, want[i].ids, want[i].n * sizeof *want[i].ids);
            if (o.logprobs)
                assert_memory_equal(jobs[i].out.logprob, want[i].logprob,
                                    want[i].n * sizeof *want[i].logprob);
            check_text(j, &jobs[i].out);
        }
    }
    o.logprobs = true;
    o.lookup = 0;
    o.sample = true;
    generate(&tiny, &o);
    for (size_t i = 0; i < JOBS; i++)
        check_text(j, &jobs[i].out);
    o.sample = false;
    o.num_beams = 3;
    generate(&tiny, &o);
    for (size_t i = 0; i < JOBS; i++) {
        check_text(j, &jobs[i].out);
        t5g_sequence_free(&jobs[i].out);
        t5g_sequence_free(&want[i]);
    }
}

int
open_tiny(void **state)
{
    struct t5g_err e = {0};
    char *dir = gd_path("models/tiny");
    (void)state;
    tiny = gd_open("tiny", NULL, 1);
    tokenizer = t5g_tokenizer_open(dir, &e);
    t5g_free(dir);
    return tokenizer != NULL ? 0 : -1;
}

int
close_tiny(void **state)
{
    (void)state;
    t5g_tokenizer_close(tokenizer);
    gd_close(&tiny);
    return 0;
}
