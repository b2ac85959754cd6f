/* embed.c: x [n, d] = embed [v, d] at ids, scaled; the end-of-image row is not scaled. */
#include "nn/embed.h"

enum { ROWS = 8 }; /* of an item */

/* What adapters make of the row of id. */
static void
update_row(float *row, const struct t5g_stack *s, int32_t id)
{
    const struct t5g_embed_update *u = s->update;
    size_t d = s->c->d, v = s->embed.rows;
    for (size_t i = 0; i < u->n_sums; i++)
        for (size_t k = 0; k < u->sums[i].rank; k++) {
            const struct t5g_embed_sum *sum = &u->sums[i];
            const char *at =
                (const char *)sum->a + (k * v + (size_t)id) * t5g_dtype_size(sum->dtype);
            const float *b = sum->b + k * d;
            float a;
            t5g_to_f32(&a, at, sum->dtype, 1);
            for (size_t j = 0; j < d; j++)
                row[j] += a * b[j];
        }
}

/* The row of id, not scaled. */
static void
plain_row(float *row, const struct t5g_stack *s, int32_t id)
{
    const struct t5g_token_rows *t = s->update != NULL ? &s->update->tokens : NULL;
    size_t at = t != NULL ? t5g_token_rows_from(t, id) : 0;
    if (t != NULL && at < t->n && t->ids[at] == id)
        memcpy(row, t->rows + at * s->c->d, s->c->d * sizeof *row);
    else
        t5g_mat_row(row, &s->embed, (size_t)id);
}

void
t5g_embed_row(float *x, const struct t5g_stack *s, int32_t eoi, int32_t id)
{
    size_t d = s->c->d;
    bool apart = s->eoi != NULL && (s->update == NULL || !s->update->no_eoi);
    if (id == eoi && apart) {
        memcpy(x, s->eoi, d * sizeof *x);
    } else {
        plain_row(x, s, id);
        for (size_t j = 0; j < d; j++)
            x[j] *= s->embed_scale;
    }
    if (s->update != NULL)
        update_row(x, s, id);
}

struct run {
    float *x;
    size_t ldx, n;
    const struct t5g_stack *s;
    int32_t eoi;
    const int32_t *ids;
};

static void
item(void *arg, size_t i, size_t worker)
{
    const struct run *r = arg;
    (void)worker;
    for (size_t k = i * ROWS; k < t5g_min((i + 1) * ROWS, r->n); k++)
        t5g_embed_row(r->x + k * r->ldx, r->s, r->eoi, r->ids[k]);
}

void
t5g_embed_rows(const struct t5g_exec *exec, float *x, size_t ldx, const struct t5g_stack *s,
               int32_t eoi, const int32_t *ids, size_t n)
{
    struct run r = {x, ldx, n, s, eoi, ids};
    t5g_exec_run(exec, item, &r, (n + ROWS - 1) / ROWS, 8 * n * s->c->d);
}
