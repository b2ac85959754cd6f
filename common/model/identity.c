/* identity.c: one pass over all weights: check that they are finite, and hash them. */
#include "model/identity.h"

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

/* One line for each tensor. */
struct lines {
    char **line;
    size_t n;
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

/* The line of `copy`, unless it is `of` itself or holds the same bytes. */
static int
add_copy(struct lines *l, const char *part, const char *rest, const struct t5g_tensor *copy,
         const struct t5g_tensor *of, const char *of_hex, struct t5g_err *e)
{
    char hex[T5G_HEX128];
    if (copy == NULL || copy == of)
        return 0;
    if (hash_tensor(l->hash, copy, hex, e) < 0)
        return -1;
    if (copy->dtype != of->dtype || strcmp(hex, of_hex) != 0)
        add_line(l, part, rest, copy, hex);
    return 0;
}

static int
add_roles(struct lines *l, const struct t5g_roles *r, struct t5g_err *e)
{
    static const char weight[] = "embed_tokens.weight", eoi[] = "embed_tokens.eoi_embedding";
    char hex[T5G_HEX128], eoi_hex[T5G_HEX128];
    if (hash_tensor(l->hash, r->embed, hex, e) < 0 || hash_tensor(l->hash, r->eoi, eoi_hex, e) < 0)
        return -1;
    add_line(l, "encoder", weight, r->embed, hex);
    add_line(l, "encoder", eoi, r->eoi, eoi_hex);
    if (add_copy(l, "decoder", weight, r->dec_embed, r->embed, hex, e) < 0 ||
        add_copy(l, "decoder", eoi, r->dec_eoi, r->eoi, eoi_hex, e) < 0 ||
        add_copy(l, "head", "out_proj.weight", r->head, r->embed, hex, e) < 0)
        return -1;
    return 0;
}

static void
put_stack(struct t5g_buf *b, const char *name, const struct t5g_stack_config *c)
{
    t5g_buf_printf(b, "%s d=%zu f=%zu layers=%zu h=%zu hk=%zu dh=%zu v=%zu window=%zu full=", name,
                   c->d, c->f, c->layers, c->h, c->hk, c->dh, c->v, c->window);
    for (size_t i = 0; i < c->layers; i++)
        t5g_buf_addc(b, c->full[i] ? '1' : '0');
    t5g_buf_printf(b, " eps=%.9g scale=%.9g cap=%.9g rope=%.9g/%.9g,%.9g/%.9g\n", (double)c->eps,
                   (double)c->scale, (double)c->logit_softcap, (double)c->rope_full.theta,
                   (double)c->rope_full.factor, (double)c->rope_local.theta,
                   (double)c->rope_local.factor);
}

/* Without the ids for generation (bos, eos, start): they are settings and change no activation. */
static void
put_config(struct t5g_buf *b, const struct t5g_config *c, bool decoder, bool vision)
{
    t5g_buf_printf(b, "t5g-model 1\ndtype=%s eoi=%ld image=%ld\n", t5g_dtype_name(c->dtype),
                   (long)c->eoi, (long)c->image);
    put_stack(b, "encoder", &c->encoder);
    if (decoder)
        put_stack(b, "decoder", &c->decoder);
    if (vision)
        t5g_buf_printf(
            b, "vision d=%zu f=%zu layers=%zu h=%zu image=%zu patch=%zu mm=%zu eps=%.9g\n",
            c->vision.stack.d, c->vision.stack.f, c->vision.stack.layers, c->vision.stack.h,
            c->vision.image_size, c->vision.patch, c->mm_tokens, (double)c->vision.stack.eps);
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

int
t5g_identity_make(char out[T5G_HEX128], const struct t5g_config *c, const struct t5g_binder *b,
                  const struct t5g_roles *roles, struct t5g_err *e)
{
    struct lines l = {.hash = t5g_hash_open()};
    struct t5g_buf text = {0};
    char hex[T5G_HEX128];
    int r = 0;
    l.line = t5g_alloc(b->n + 5, sizeof *l.line);
    for (size_t i = 0; i < b->n && r == 0; i++) {
        const struct t5g_bound *x = &b->all[i];
        if (!x->used || has_role(x))
            continue;
        r = hash_tensor(l.hash, x->t, hex, e);
        if (r == 0)
            add_line(&l, t5g_part_name(x->name.part), x->name.rest, x->t, hex);
    }
    if (r == 0)
        r = add_roles(&l, roles, e);
    if (r == 0) {
        qsort(l.line, l.n, sizeof *l.line, by_text);
        put_config(&text, c, roles->head != NULL, c->has_vision);
        for (size_t i = 0; i < l.n; i++)
            t5g_buf_adds(&text, l.line[i]);
        t5g_hash128_hex(out, text.p, text.n);
    }
    for (size_t i = 0; i < l.n; i++)
        t5g_free(l.line[i]);
    t5g_free(l.line);
    t5g_buf_free(&text);
    t5g_hash_close(l.hash);
    return r;
}
