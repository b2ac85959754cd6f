/* identity.c: one pass over all weights: check that they are finite, and hash them. */
#include "model/identity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bytes scanned and then hashed at a time: few enough to stay in the second-level cache. */
#define PIECE ((size_t)256 << 10)

/*
 * Integer test on the exponent: with the sign masked off, adding one unit of exponent carries into
 * the sign bit exactly when the exponent is all ones. Eight bytes at a time; lanes cannot carry
 * into each other, because the masked value is below half a lane.
 */
struct lanes {
    uint64_t mask, one, top;
};

static struct lanes
lanes_of(int dtype)
{
    if (dtype == T5G_F32)
        return (struct lanes){0x7fffffff7fffffff, 0x0080000000800000, 0x8000000080000000};
    if (dtype == T5G_BF16)
        return (struct lanes){0x7fff7fff7fff7fff, 0x0080008000800080, 0x8000800080008000};
    return (struct lanes){0x7fff7fff7fff7fff, 0x0400040004000400, 0x8000800080008000};
}

static bool
odd_word(const unsigned char *p, size_t n, const struct lanes *l)
{
    uint64_t v = 0;
    memcpy(&v, p, n);
    return (((v & l->mask) + l->one) & l->top) != 0;
}

bool
t5g_all_finite(const unsigned char *p, size_t n, int dtype, size_t *at)
{
    struct lanes l = lanes_of(dtype);
    size_t i = 0, item = t5g_dtype_size(dtype);
    for (; i + 64 <= n; i += 64) {
        uint64_t v[8], seen = 0;
        memcpy(v, p + i, sizeof v);
        for (size_t k = 0; k < 8; k++)
            seen |= (v[k] & l.mask) + l.one;
        if ((seen & l.top) != 0)
            break;
    }
    for (; i < n; i += item) {
        if (odd_word(p + i, item, &l)) {
            *at = i / item;
            return false;
        }
    }
    return true;
}

static int
hash_tensor(struct t5g_hash *h, const struct t5g_tensor *t, char hex[T5G_HEX128], struct t5g_err *e)
{
    size_t bad;
    t5g_hash_reset(h);
    for (size_t i = 0; i < t->size; i += PIECE) {
        size_t n = t5g_min(PIECE, t->size - i);
        if (!t5g_all_finite(t->data + i, n, t->dtype, &bad))
            return t5g_err_set(e, T5G_EX_DATA,
                               "%s: tensor '%s': element %zu is not a finite number", t->file,
                               t->name, i / t5g_dtype_size(t->dtype) + bad);
        t5g_hash_add(h, t->data + i, n);
    }
    t5g_hash_get128_hex(h, hex);
    return 0;
}

/* A line for each tensor of a part. */
struct lines {
    char **line;
    size_t n;
};

struct identities {
    struct lines of[T5G_IDS];
    struct t5g_hash *hash;
};

static void
add_line(struct lines *l, const char *part, const char *rest, const struct t5g_tensor *t,
         const char *hex)
{
    struct t5g_buf b = {0};
    t5g_buf_printf(&b, "%s.%s %s", part, rest, t5g_dtype_name(t->dtype));
    for (size_t i = 0; i < t->ndim; i++)
        t5g_buf_printf(&b, " %llu", (unsigned long long)t->dims[i]);
    t5g_buf_printf(&b, " %s\n", hex);
    l->line[l->n++] = b.p;
}

/* The part that a tensor acts on. */
static enum t5g_id
owner(enum t5g_part part)
{
    if (part == T5G_PART_ENCODER)
        return T5G_ID_ENCODER;
    return part == T5G_PART_VISION || part == T5G_PART_PROJECTOR ? T5G_ID_VISION : T5G_ID_DECODER;
}

/* hex, computed anew unless t is `of`, whose hash is known. */
static int
hash_copy(struct t5g_hash *h, const struct t5g_tensor *t, const struct t5g_tensor *of,
          const char *of_hex, char hex[T5G_HEX128], struct t5g_err *e)
{
    if (t != of)
        return hash_tensor(h, t, hex, e);
    memcpy(hex, of_hex, T5G_HEX128);
    return 0;
}

/* Embeddings and the output matrix, each under its role, whatever the file calls it. */
static int
add_roles(struct identities *x, const struct t5g_roles *r, struct t5g_err *e)
{
    static const char weight[] = "embed_tokens.weight", eoi[] = "embed_tokens.eoi_embedding";
    char hex[T5G_HEX128], eoi_hex[T5G_HEX128], other[T5G_HEX128];
    struct lines *encoder = &x->of[T5G_ID_ENCODER], *decoder = &x->of[T5G_ID_DECODER];
    if (hash_tensor(x->hash, r->embed, hex, e) < 0 ||
        (r->eoi != NULL && hash_tensor(x->hash, r->eoi, eoi_hex, e) < 0))
        return -1;
    add_line(encoder, "encoder", weight, r->embed, hex);
    if (r->eoi != NULL)
        add_line(encoder, "encoder", eoi, r->eoi, eoi_hex);
    const struct {
        const struct t5g_tensor *t, *of;
        const char *of_hex, *part, *rest;
    } rows[] = {{r->dec_embed, r->embed, hex, "decoder", weight},
                {r->dec_eoi, r->eoi, eoi_hex, "decoder", eoi},
                {r->head, r->embed, hex, "head", "out_proj.weight"}};
    for (size_t i = 0; i < T5G_LEN(rows); i++) {
        if (rows[i].t == NULL)
            continue;
        if (hash_copy(x->hash, rows[i].t, rows[i].of, rows[i].of_hex, other, e) < 0)
            return -1;
        add_line(decoder, rows[i].part, rows[i].rest, rows[i].t, other);
    }
    return 0;
}

/* Families may have equal tensors and differ in these. */
static void
put_block(struct t5g_buf *b, const struct t5g_block_config *c)
{
    t5g_buf_printf(b, "layernorm=%d gain=%.9g bias=%d act=%d rope=%d cross=%d\n", c->layer_norm,
                   (double)c->gain, c->bias, (int)c->act, c->rope, (int)c->cross);
}

static void
put_stack(struct t5g_buf *b, const struct t5g_stack_config *c)
{
    t5g_buf_printf(b, "d=%zu f=%zu layers=%zu h=%zu hk=%zu dh=%zu v=%zu window=%zu full=", c->d,
                   c->f, c->layers, c->h, c->hk, c->dh, c->v, c->window);
    for (size_t i = 0; i < c->layers; i++)
        t5g_buf_addc(b, c->full[i] ? '1' : '0');
    t5g_buf_printf(b, " eps=%.9g scale=%.9g cap=%.9g rope=%.9g/%.9g,%.9g/%.9g\n", (double)c->eps,
                   (double)c->scale, (double)c->attn_softcap, (double)c->rope_full.theta,
                   (double)c->rope_full.factor, (double)c->rope_local.theta,
                   (double)c->rope_local.factor);
    put_block(b, &c->block);
}

/*
 * What acts on a part. Without the ids for generation (bos, eos, start): they are settings and
 * change no activation; a classifier's first id is no setting.
 */
static void
put_config(struct t5g_buf *b, const struct t5g_config *c, enum t5g_id part)
{
    const struct t5g_stack_config *v = &c->vision.stack;
    t5g_buf_printf(b, "t5g-%s 2\ndtype=%s\n", t5g_id_name(part), t5g_dtype_name(c->dtype));
    if (part == T5G_ID_VISION) {
        t5g_buf_printf(b, "d=%zu f=%zu layers=%zu h=%zu image=%zu patch=%zu mm=%zu eps=%.9g\n",
                       v->d, v->f, v->layers, v->h, c->vision.image_size, c->vision.patch,
                       c->mm_tokens, (double)v->eps);
        return;
    }
    put_stack(b, part == T5G_ID_ENCODER ? &c->encoder : &c->decoder);
    if (part == T5G_ID_ENCODER) {
        t5g_buf_printf(b, "embed=%.9g eoi=%ld image=%ld\n", (double)c->embed_scale_encoder,
                       (long)c->eoi, (long)c->image);
        return;
    }
    t5g_buf_printf(b, "embed=%.9g eoi=%ld head=%d logits=%.9g\n", (double)c->embed_scale_decoder,
                   (long)c->eoi, (int)c->labels.kind, (double)c->decoder.logit_softcap);
    if (c->labels.kind != T5G_HEAD_TEXT)
        t5g_buf_printf(b, "labels=%zu start=%ld pad=%ld\n", c->labels.n, (long)c->labels.start,
                       (long)c->labels.pad);
}

static int
by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool
has_role(const struct t5g_bound *x)
{
    return x->name.part == T5G_PART_HEAD || strncmp(x->name.rest, "embed_tokens.", 13) == 0;
}

static int
add_tensors(struct identities *x, const struct t5g_binder *b, struct t5g_err *e)
{
    char hex[T5G_HEX128];
    for (size_t i = 0; i < b->n; i++) {
        const struct t5g_bound *t = &b->all[i];
        if (!t->used || has_role(t))
            continue;
        if (hash_tensor(x->hash, t->t, hex, e) < 0)
            return -1;
        add_line(&x->of[owner(t->name.part)], t5g_part_name(t->name.part), t->name.rest, t->t, hex);
    }
    return 0;
}

static void
hash_part(char out[T5G_HEX128], const struct lines *l, const struct t5g_config *c, enum t5g_id part)
{
    struct t5g_buf text = {0};
    qsort(l->line, l->n, sizeof *l->line, by_text);
    put_config(&text, c, part);
    for (size_t i = 0; i < l->n; i++)
        t5g_buf_adds(&text, l->line[i]);
    t5g_hash128_hex(out, text.p, text.n);
    t5g_buf_free(&text);
}

int
t5g_identity_make(char out[T5G_IDS][T5G_HEX128], const struct t5g_config *c,
                  const struct t5g_binder *b, const struct t5g_roles *roles, struct t5g_err *e)
{
    const bool has[T5G_IDS] = {
        [T5G_ID_ENCODER] = true,
        [T5G_ID_VISION] = c->has_vision,
        [T5G_ID_DECODER] = roles->dec_embed != NULL,
    };
    struct identities x = {.hash = t5g_hash_open()};
    for (int i = 0; i < T5G_IDS; i++)
        x.of[i].line = t5g_alloc(b->n + 5, sizeof *x.of[i].line);
    int r = add_tensors(&x, b, e);
    if (r == 0)
        r = add_roles(&x, roles, e);
    for (int i = 0; i < T5G_IDS; i++) {
        out[i][0] = '\0';
        if (r == 0 && has[i])
            hash_part(out[i], &x.of[i], c, (enum t5g_id)i);
        for (size_t k = 0; k < x.of[i].n; k++)
            t5g_free(x.of[i].line[k]);
        t5g_free(x.of[i].line);
    }
    t5g_hash_close(x.hash);
    return r;
}

/* ---- as text ---- */

void
t5g_identity_print(char text[T5G_IDENTITY_TEXT], char id[T5G_IDS][T5G_HEX128])
{
    size_t n = 0;
    for (int i = 0; i < T5G_IDS; i++)
        n += (size_t)snprintf(text + n, T5G_IDENTITY_TEXT - n, "%s%s", i > 0 ? " " : "",
                              id[i][0] != '\0' ? id[i] : "-");
}

bool
t5g_identity_parse(char id[T5G_IDS][T5G_HEX128], const char *text)
{
    for (int i = 0; i < T5G_IDS; i++) {
        size_t n = strcspn(text, " "), digits = strspn(text, "0123456789abcdef");
        bool none = n == 1 && text[0] == '-' && i != T5G_ID_ENCODER;
        if ((!none && (n != T5G_HEX128 - 1 || digits != n)) ||
            (i < T5G_IDS - 1) != (text[n] == ' '))
            return false;
        memcpy(id[i], text, none ? 0 : n);
        id[i][none ? 0 : n] = '\0';
        text += n + 1;
    }
    return true;
}
