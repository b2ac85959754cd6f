/* block.c: the transformer block. See block.h for the forward pass. */
#include "nn/block.h"
#include "nn/norm.h"

void
t5g_block_open(struct t5g_block *b, const struct t5g_exec *x, const struct t5g_stack_config *c,
               t5g_linear_role *linear, size_t wide)
{
    *b = (struct t5g_block){.x = x, .c = c, .linear = linear};
    b->ldy = t5g_stride(c->d);
    b->ldq = t5g_stride(c->h * c->dh);
    b->ldf = t5g_stride(t5g_max(c->f, wide));
}

void
t5g_block_alloc(struct t5g_block *b, size_t rows)
{
    b->y = t5g_alloc_raw(rows, b->ldy * sizeof(float));
    b->q = t5g_alloc_raw(rows, b->ldq * sizeof(float));
    b->f = t5g_alloc_raw(rows, b->ldf * sizeof(float));
}

void
t5g_block_free(struct t5g_block *b)
{
    t5g_free(b->y);
    t5g_free(b->q);
    t5g_free(b->f);
    b->y = b->q = b->f = NULL;
}

void
t5g_block_norm(const struct t5g_block *b, float *y, size_t ldy, const float *in, size_t ldx,
               const struct t5g_norm *w, size_t m)
{
    if (w->b != NULL)
        t5g_layer_norm_rows(b->x, y, ldy, in, ldx, w->w, w->b, m, b->c->d, b->c->eps);
    else
        t5g_norm_rows(b->x, y, ldy, in, ldx, w->w, m, b->c->d, b->c->eps);
}

/* in += post(a w^T), a [m, w.cols]. */
static void
add(const struct t5g_block *b, float *in, const float *a, size_t lda, const struct t5g_affine *w,
    const struct t5g_norm *post, size_t m)
{
    size_t d = b->c->d;
    bool normed = post->w != NULL;
    struct t5g_linear l = t5g_linear_of(w, normed ? b->y : in, normed ? b->ldy : d);
    l.add = !normed;
    b->linear(b->x, &l, 1, a, lda, m);
    if (normed)
        t5g_norm_add_rows(b->x, in, d, b->y, b->ldy, post->w, m, d, b->c->eps);
}

size_t
t5g_block_run(const struct t5g_block *b, const struct t5g_layer *w, float *in, size_t m,
              t5g_attend *self, t5g_attend *cross, void *arg)
{
    size_t d = b->c->d;
    t5g_block_norm(b, b->y, b->ldy, in, d, &w->self.pre, m);
    m = self(arg, m);
    if (m == 0)
        return 0;
    add(b, in, b->q, b->ldq, &w->self.o, &w->self.post, m);
    if (cross != NULL) {
        t5g_block_norm(b, b->y, b->ldy, in, d, &w->cross.pre, m);
        m = cross(arg, m);
        add(b, in, b->q, b->ldq, &w->cross.o, &w->cross.post, m);
    }
    struct t5g_linear f = t5g_linear_of(&w->ffn.gate, b->f, b->ldf);
    f.act = b->c->block.act;
    f.up = w->ffn.up.w;
    t5g_block_norm(b, b->y, b->ldy, in, d, &w->ffn.pre, m);
    b->linear(b->x, &f, 1, b->y, b->ldy, m);
    add(b, in, b->f, b->ldf, &w->ffn.down, &w->ffn.post, m);
    return m;
}
