/* byt5.c: bytes as the byte tokens of a BPE without merges. */
#include "text/byt5.h"
#include "base/jsonstr.h"

#include <string.h>

#define EXTRA_MAX (1 << 16)
#define EXTRA_IDS 125

bool
t5g_byt5_named(const void *config, size_t n)
{
    static const char name[] = "\"ByT5Tokenizer";
    return config != NULL && memmem(config, n, name, sizeof name - 1) != NULL;
}

/* Whether a flag of a token is set; a token that is a mere text takes the white space beside it. */
static bool
strips(const struct t5g_json *v, const char *side)
{
    return !t5g_json_is_object(v) || t5g_json_true(t5g_json_get(v, side));
}

static size_t
count_extra(const struct t5g_json *config)
{
    const struct t5g_json *list = t5g_json_get(config, "additional_special_tokens");
    size_t n = 0;
    for (const struct t5g_json *v = t5g_json_first(list); v != NULL; v = t5g_json_next(v)) {
        const char *s = t5g_json_str(t5g_json_is_object(v) ? t5g_json_get(v, "content") : v);
        n += s != NULL && strstr(s, "extra_id") != NULL;
    }
    return n;
}

int
t5g_byt5_convert(struct t5g_buf *out, const struct t5g_json *config, struct t5g_err *e)
{
    static const char *const names[][2] = {
        {"pad_token", "<pad>"}, {"eos_token", "</s>"}, {"unk_token", "<unk>"}};
    const struct t5g_json *extra_ids = t5g_json_get(config, "extra_ids");
    struct t5g_buf vocab = {0};
    int64_t extra = EXTRA_IDS;
    if (extra_ids != NULL && !t5g_json_int(extra_ids, 0, EXTRA_MAX, &extra))
        return t5g_err_set(e, T5G_EX_DATA, "extra_ids: expected a number up to %d", EXTRA_MAX);
    if (extra == 0)
        extra = (int64_t)t5g_min(count_extra(config), (size_t)EXTRA_MAX);
    t5g_buf_adds(out, "{\"added_tokens\":[");
    for (int i = 0; i < 3; i++) {
        const struct t5g_json *v = t5g_json_get(config, names[i][0]);
        const char *s = t5g_json_str(t5g_json_is_object(v) ? t5g_json_get(v, "content") : v);
        s = s != NULL ? s : names[i][1];
        t5g_buf_printf(out, "%s{\"id\":%d,\"content\":", i > 0 ? "," : "", i);
        t5g_jsonstr_write(out, s, strlen(s));
        t5g_buf_printf(out, ",\"special\":true,\"lstrip\":%s,\"rstrip\":%s}",
                       strips(v, "lstrip") ? "true" : "false",
                       strips(v, "rstrip") ? "true" : "false");
        t5g_jsonstr_write(&vocab, s, strlen(s));
        t5g_buf_printf(&vocab, ":%d,", i);
    }
    for (int b = 0; b < 256; b++)
        t5g_buf_printf(&vocab, "\"<0x%02X>\":%d%s", b, 3 + b, b < 255 ? "," : "");
    for (int i = 0; i < (int)extra; i++) {
        t5g_buf_printf(out, ",{\"id\":%d,\"content\":\"<extra_id_%d>\",\"special\":true}", 259 + i,
                       i);
        t5g_buf_printf(&vocab, ",\"<extra_id_%d>\":%d", i, 259 + i);
    }
    t5g_buf_printf(out,
                   "],\"decoder\":{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"ByteFallback\"},"
                   "{\"type\":\"Fuse\"}]},\"post_processor\":{\"type\":\"TemplateProcessing\","
                   "\"single\":[{\"Sequence\":{\"id\":\"A\"}},{\"SpecialToken\":{\"id\":\"e\"}}],"
                   "\"special_tokens\":{\"e\":{\"ids\":[1]}}},\"model\":{\"type\":\"BPE\","
                   "\"byte_fallback\":true,\"merges\":[],\"vocab\":{%s}}}",
                   vocab.p);
    t5g_buf_free(&vocab);
    return 0;
}
