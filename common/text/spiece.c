/* spiece.c: the few fields that count of a protocol buffer, which is untrusted. */
#include "text/spiece.h"
#include "base/base64.h"
#include "base/jsonstr.h"
#include "base/utf8.h"
#include "text/added.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define PIECES_MAX (1 << 22)
#define EXTRA_MAX  (1 << 16)
#define EXTRA_IDS  100
#define UNKNOWN    "2" /* the id of unknown text */

/* Types of a field's value on the wire. */
enum { VARINT, FIXED64, BYTES, FIXED32 = 5 };

/* The field after another; message [n]: what is left. */
struct field {
    const unsigned char *message;
    size_t n;
    uint32_t number, wire;
    uint64_t value;             /* VARINT, FIXED64, FIXED32 */
    const unsigned char *bytes; /* [value] BYTES */
};

static bool
varint(struct field *f, uint64_t *out)
{
    *out = 0;
    for (unsigned shift = 0; shift < 64 && f->n > 0; shift += 7) {
        unsigned char c = *f->message++;
        f->n--;
        *out |= (uint64_t)(c & 127) << shift;
        if (c < 128)
            return true;
    }
    return false;
}

/* 1, or 0 at the end, or -1: cut or damaged. */
static int
next(struct field *f)
{
    uint64_t key;
    if (f->n == 0)
        return 0;
    if (!varint(f, &key) || key >> 3 == 0 || key > UINT32_MAX)
        return -1;
    f->number = (uint32_t)(key >> 3);
    f->wire = key & 7;
    size_t size = f->wire == FIXED32 ? 4 : f->wire == FIXED64 ? 8 : 0;
    if (f->wire == VARINT)
        return varint(f, &f->value) ? 1 : -1;
    if (f->wire == BYTES) {
        if (!varint(f, &f->value) || f->value > f->n)
            return -1;
        size = (size_t)f->value;
        f->bytes = f->message;
    } else if (size == 0 || size > f->n) {
        return -1;
    } else {
        f->value = 0;
        memcpy(&f->value, f->message, size);
    }
    f->message += size;
    f->n -= size;
    return 1;
}

struct piece {
    const char *text; /* [n] */
    size_t n;
    float score;
};

struct model {
    struct piece *v; /* [n] */
    size_t n, cap;
    const unsigned char *charsmap; /* [charsmap_n] */
    size_t charsmap_n;
    bool trained, normalized; /* the parts behind the pieces are there: the file is whole */
};

/* An error about a place in the file. */
static int
damaged(const char *what, struct t5g_err *e)
{
    return t5g_err_set(e, T5G_EX_DATA, "%s: cut, or no model of SentencePiece", what);
}

static int
add_piece(struct model *m, const struct field *message, struct t5g_err *e)
{
    struct field f = {.message = message->bytes, .n = (size_t)message->value};
    struct piece x = {.text = NULL};
    int r;
    while ((r = next(&f)) == 1) {
        uint32_t wire = f.number == 1 ? BYTES : f.number == 2 ? FIXED32 : VARINT;
        if (f.number <= 3 && f.wire != wire)
            r = -1;
        if (r < 0)
            break;
        if (f.number == 1) {
            x.text = (const char *)f.bytes;
            x.n = (size_t)f.value;
        } else if (f.number == 2) {
            uint32_t bits = (uint32_t)f.value;
            memcpy(&x.score, &bits, sizeof x.score);
        }
    }
    if (r < 0 || x.n == 0 || m->n == PIECES_MAX || memchr(x.text, '\0', x.n) != NULL ||
        t5g_utf8_check(x.text, x.n) != x.n || !isfinite(x.score))
        return t5g_err_set(e, T5G_EX_DATA, "piece %zu: %s", m->n,
                           m->n == PIECES_MAX ? "too many" : "cut, or not a text and a score");
    m->v = t5g_grow(m->v, m->n, &m->cap, sizeof *m->v);
    m->v[m->n++] = x;
    return 0;
}

/* trainer_spec: that the model is unigram. */
static int
check_trainer(const struct field *message, struct t5g_err *e)
{
    static const char *const types[] = {"", "unigram", "BPE", "word", "char"};
    struct field f = {.message = message->bytes, .n = (size_t)message->value};
    int r;
    while ((r = next(&f)) == 1)
        if (f.number == 3) {
            if (f.wire != VARINT || f.value == 0 || f.value >= T5G_LEN(types))
                return damaged("trainer_spec.model_type", e);
            if (f.value != 1)
                return t5g_err_set(e, T5G_EX_DATA,
                                   "model type %s: not supported, expected unigram: save it as "
                                   "tokenizer.json",
                                   types[f.value]);
        }
    return r < 0 ? damaged("trainer_spec", e) : 0;
}

static int
read_normalizer(struct model *m, const struct field *message, struct t5g_err *e)
{
    struct field f = {.message = message->bytes, .n = (size_t)message->value};
    int r;
    while ((r = next(&f)) == 1)
        if (f.number == 2) {
            if (f.wire != BYTES)
                return damaged("normalizer_spec.precompiled_charsmap", e);
            m->charsmap = f.bytes;
            m->charsmap_n = (size_t)f.value;
        }
    return r < 0 ? damaged("normalizer_spec", e) : 0;
}

static int
read_model(struct model *m, const void *p, size_t n, struct t5g_err *e)
{
    struct field f = {.message = p, .n = n};
    int r;
    while ((r = next(&f)) == 1) {
        if (f.number <= 3 && f.wire != BYTES)
            r = -1;
        else if (f.number == 1)
            r = add_piece(m, &f, e);
        else if (f.number == 2)
            r = check_trainer(&f, e);
        else if (f.number == 3)
            r = read_normalizer(m, &f, e);
        if (r < 0 && f.number <= 3 && f.wire == BYTES)
            return -1;
        m->trained = m->trained || f.number == 2;
        m->normalized = m->normalized || f.number == 3;
        if (r < 0)
            break;
    }
    if (r < 0 || m->n == 0)
        return damaged("protocol buffer", e);
    if (!m->trained || !m->normalized)
        return damaged(!m->trained ? "no trainer_spec" : "no normalizer_spec", e);
    return 0;
}

/* The text of a special token in the config: a string, or an object with content. */
static const char *
name_of(const struct t5g_json *config, const char *key, const char *absent)
{
    const struct t5g_json *v = t5g_json_get(config, key);
    const char *s = t5g_json_str(t5g_json_is_object(v) ? t5g_json_get(v, "content") : v);
    return s != NULL ? s : absent;
}

/* Place of the last piece with this text, or -1. */
static long
place_of(const struct model *m, const char *text)
{
    for (size_t i = m->n; i-- > 0;)
        if (m->v[i].n == strlen(text) && memcmp(m->v[i].text, text, m->v[i].n) == 0)
            return (long)i;
    return -1;
}

static void
put_token(struct t5g_buf *out, long id, const char *text)
{
    t5g_buf_printf(out, "{\"id\":%ld,\"content\":", id);
    t5g_jsonstr_write(out, text, strlen(text));
    t5g_buf_adds(out, ",\"normalized\":false,\"special\":true}");
}

static int
put_added(struct t5g_buf *out, const struct model *m, int64_t extra, const struct t5g_json *config,
          struct t5g_err *e)
{
    static const char *const names[][2] = {
        {"pad_token", "<pad>"}, {"eos_token", "</s>"}, {"unk_token", "<unk>"}};
    char text[32];
    t5g_buf_adds(out, "\"added_tokens\":[");
    for (size_t i = 0; i < T5G_LEN(names); i++) {
        const char *name = name_of(config, names[i][0], names[i][1]);
        long id = place_of(m, name);
        if (id < 0)
            return t5g_err_set(e, T5G_EX_DATA, "%s '%s': no piece of this model", names[i][0],
                               name);
        t5g_buf_adds(out, i > 0 ? "," : "");
        put_token(out, id, name);
    }
    for (int64_t i = extra; i-- > 0;) {
        snprintf(text, sizeof text, "<extra_id_%d>", (int)i);
        t5g_buf_addc(out, ',');
        put_token(out, (long)((int64_t)m->n + extra - 1 - i), text);
    }
    const char *eos = name_of(config, names[1][0], names[1][1]);
    t5g_buf_adds(out, "],\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{"
                      "\"Sequence\":{\"id\":\"A\"}},{\"SpecialToken\":{\"id\":\"e\"}}],"
                      "\"special_tokens\":{\"e\":{\"ids\":[");
    t5g_buf_printf(out, "%ld]}}},", place_of(m, eos));
    return 0;
}

static void
put_model(struct t5g_buf *out, const struct model *m, int64_t extra)
{
    t5g_buf_adds(out, "\"model\":{\"type\":\"Unigram\",\"unk_id\":" UNKNOWN ",\"vocab\":[");
    for (size_t i = 0; i < m->n; i++) {
        t5g_buf_adds(out, i > 0 ? ",[" : "[");
        t5g_jsonstr_write(out, m->v[i].text, m->v[i].n);
        t5g_buf_printf(out, ",%.17g]", (double)m->v[i].score);
    }
    for (int64_t i = extra; i-- > 0;)
        t5g_buf_printf(out, ",[\"<extra_id_%d>\",0]", (int)i);
    t5g_buf_adds(out, "]}}");
}

int
t5g_spiece_convert(struct t5g_buf *out, const void *p, size_t n, const struct t5g_json *config,
                   struct t5g_err *e)
{
    static const char meta[] = "{\"type\":\"Metaspace\",\"replacement\":\"" T5G_BAR "\"}";
    const struct t5g_json *extra_ids = t5g_json_get(config, "extra_ids");
    struct model m = {0};
    int64_t extra = EXTRA_IDS;
    int r = read_model(&m, p, n, e);
    if (r == 0 && extra_ids != NULL && !t5g_json_int(extra_ids, 0, EXTRA_MAX, &extra))
        r = t5g_err_set(e, T5G_EX_DATA,
                        "tokenizer_config.json: extra_ids: expected a number up to %d", EXTRA_MAX);
    if (r == 0) {
        t5g_buf_adds(out, "{\"normalizer\":");
        if (m.charsmap_n > 0) {
            t5g_buf_adds(out, "{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"");
            t5g_base64(out, m.charsmap, m.charsmap_n);
            t5g_buf_adds(out, "\"}");
        } else {
            t5g_buf_adds(out, "null");
        }
        t5g_buf_printf(out,
                       ",\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":"
                       "\"WhitespaceSplit\"},%s]},\"decoder\":%s,",
                       meta, meta);
        r = put_added(out, &m, extra, config, e);
    }
    if (r == 0)
        put_model(out, &m, extra);
    t5g_free(m.v);
    return r;
}
