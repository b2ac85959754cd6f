/* provenance.c: what a run needs to make a record again. */
#include "stage/provenance.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/jsonstr.h"
#include "cli/program.h"

#include <string.h>

static void
put_program(struct t5g_buf *b, const char *name, const char *version)
{
    struct t5g_buf both = {0};
    t5g_buf_printf(&both, "%s%s%s", name, version != NULL ? " " : "",
                   version != NULL ? version : "");
    t5g_jsonstr_write(b, both.p, both.n);
    t5g_buf_free(&both);
}

static void
put(struct t5g_buf *b, const char *key, const char *value)
{
    if (value[0] == '\0')
        return;
    t5g_buf_printf(b, ",\"%s\":", key);
    t5g_jsonstr_write(b, value, strlen(value));
}

/* {"identity":"...","source":"..."} */
static void
put_part(struct t5g_buf *b, const char *key, const char *id, const char *source)
{
    if (id[0] == '\0')
        return;
    t5g_buf_printf(b, ",\"%s\":{\"identity\":", key);
    t5g_jsonstr_write(b, id, strlen(id));
    put(b, "source", source);
    t5g_buf_addc(b, '}');
}

void
t5g_provenance(struct t5g_buf *b, const struct t5g_head *h)
{
    struct t5g_json *head = t5g_json_parse(h->meta, strlen(h->meta), "HEAD", NULL);
    const struct t5g_json *p = t5g_json_first(t5g_json_get(head, "pg")), *options = NULL;
    t5g_buf_adds(b, "\"programs\":[");
    for (; p != NULL; p = t5g_json_next(p)) {
        const char *name = t5g_json_str(t5g_json_get(p, "id"));
        const struct t5g_json *opt = t5g_json_get(p, "opt");
        if (name != NULL) {
            put_program(b, name, t5g_json_str(t5g_json_get(p, "vn")));
            t5g_buf_addc(b, ',');
        }
        options = t5g_json_is_object(opt) ? opt : options;
    }
    put_program(b, t5g_program_name(), T5G_VERSION);
    t5g_buf_addc(b, ']');
    put(b, "tokenizer", h->tok);
    for (int i = 0; i < T5G_IDS; i++)
        put_part(b, t5g_id_name((enum t5g_id)i), h->id[i], h->source[i]);
    put(b, "model", h->model);
    put(b, "profile", h->num);
    if (options != NULL) {
        t5g_buf_adds(b, ",\"options\":");
        t5g_json_print(b, options);
    }
    t5g_json_free(head);
}

void
t5g_provenance_prompt(struct t5g_buf *b, const char *prompt)
{
    char hex[T5G_HEX128];
    t5g_hash128_hex(hex, prompt, strlen(prompt));
    t5g_buf_printf(b, ",\"prompt_hash\":\"%s\"", hex);
}
