/* compare.c: compare two frames. */
#include "convert/convert.h"
#include "verbs.h"

#include <math.h>
#include <string.h>

struct departure {
    uint64_t first, count; /* index of the first element beyond the tolerance; how many there are */
    double max_abs, max_rel; /* over all elements; NaN if one is NaN */
    uint64_t at_abs, at_rel; /* their indices */
};

/* Whether a - b exceeds the tolerance. *diff: |a - b|, 0 for equal values, including infinities and
 * NaNs; *ref: |b|. */
static bool
departs(const struct t5g_frame *a, const struct t5g_frame *b, uint64_t i, const struct tolerance *t,
        double *diff, double *ref)
{
    if (t5g_element_is_float(a->dtype)) {
        double x = t5g_element_float(a, i), y = t5g_element_float(b, i);
        *ref = fabs(y);
        *diff = x == y || (isnan(x) && isnan(y)) ? 0 : fabs(x - y);
    } else {
        bool na, nb;
        uint64_t x = t5g_element_int(a, i, &na), y = t5g_element_int(b, i, &nb);
        bool less = na != nb ? na : x < y; /* same sign: two's complement keeps the order */
        *ref = nb ? (double)(0 - y) : (double)y;
        *diff = less ? (double)(y - x) : (double)(x - y);
    }
    return !(*diff <= t->atol + t->rtol * *ref) && *diff != 0;
}

static bool
compare_tensors(struct departure *d, const struct t5g_frame *a, const struct t5g_frame *b,
                const struct tolerance *t)
{
    uint64_t n = a->size / t5g_dtype_size(a->dtype);
    *d = (struct departure){0};
    for (uint64_t i = 0; i < n; i++) {
        double diff, ref;
        bool far = departs(a, b, i, t, &diff, &ref);
        double rel = diff == 0 ? 0 : diff / ref;
        if (far && d->count++ == 0)
            d->first = i;
        /* NaN counts as the largest */
        if (diff > d->max_abs || (isnan(diff) && !isnan(d->max_abs))) {
            d->max_abs = diff;
            d->at_abs = i;
        }
        if (rel > d->max_rel || (isnan(rel) && !isnan(d->max_rel))) {
            d->max_rel = rel;
            d->at_rel = i;
        }
    }
    return d->count > 0;
}

void
put_id(struct t5g_buf *o, const struct t5g_doc *d)
{
    put_escaped(o, d->id, d->id_len);
    t5g_buf_adds(o, ": ");
}

void
put_name(struct t5g_buf *b, const struct t5g_frame *f)
{
    char name[T5G_FRAME_NAME_MAX + 1];
    t5g_frame_name(f, name, sizeof name);
    put_escaped(b, name, strlen(name));
}

/* Append the indices of element i, such as [3,17]. */
static void
put_index(struct t5g_buf *b, const struct t5g_frame *f, uint64_t i)
{
    uint64_t at[T5G_FRAME_NDIM_MAX];
    for (size_t k = f->ndim; k > 0; k--) {
        at[k - 1] = i % f->dims[k - 1];
        i /= f->dims[k - 1];
    }
    for (size_t k = 0; k < f->ndim; k++)
        t5g_buf_printf(b, "%c%llu", k == 0 ? '[' : ',', (unsigned long long)at[k]);
    t5g_buf_addc(b, f->ndim > 0 ? ']' : ' ');
}

static size_t
compare_values(struct t5g_buf *o, const struct t5g_doc *d, const struct t5g_frame *a,
               const struct t5g_frame *b, const struct tolerance *t)
{
    struct departure x;
    if (!compare_tensors(&x, a, b, t))
        return 0;
    put_id(o, d);
    put_name(o, a);
    put_index(o, a, x.first);
    t5g_buf_adds(o, " is ");
    t5g_element_put(o, a, x.first);
    t5g_buf_adds(o, " and ");
    t5g_element_put(o, b, x.first);
    t5g_buf_printf(o, "; %llu of %llu differ; largest absolute difference %g at ",
                   (unsigned long long)x.count,
                   (unsigned long long)(a->size / t5g_dtype_size(a->dtype)), x.max_abs);
    put_index(o, a, x.at_abs);
    t5g_buf_printf(o, ", relative %g at ", x.max_rel);
    put_index(o, a, x.at_rel);
    t5g_buf_addc(o, '\n');
    return 1;
}

static bool
same_shape(const struct t5g_frame *a, const struct t5g_frame *b, bool tolerant)
{
    bool mixed = tolerant && t5g_element_is_float(a->dtype) && t5g_element_is_float(b->dtype);
    return a->kind == b->kind && (a->dtype == b->dtype || mixed) && a->ndim == b->ndim &&
           memcmp(a->dims, b->dims, sizeof a->dims) == 0 &&
           (a->kind == T5G_KIND_TENSOR || a->size == b->size);
}

static size_t
compare_payloads(struct t5g_buf *o, const struct t5g_doc *d, const struct t5g_frame *a,
                 const struct t5g_frame *b, const struct tolerance *t)
{
    if (a->dtype == b->dtype && memcmp(a->data, b->data, (size_t)a->size) == 0)
        return 0;
    if (a->kind == T5G_KIND_TENSOR)
        return compare_values(o, d, a, b, t);
    put_id(o, d);
    put_name(o, a);
    t5g_buf_adds(o, " differs\n");
    return 1;
}

size_t
compare_frames(struct t5g_buf *o, const struct t5g_doc *d, const struct t5g_frame *a,
               const struct t5g_frame *b, const struct tolerance *t)
{
    bool tolerant = t->atol > 0 || t->rtol > 0;
    if (!same_shape(a, b, tolerant)) {
        put_id(o, d);
        put_name(o, a);
        t5g_buf_adds(o, " is ");
        put_shape(o, a);
        t5g_buf_adds(o, " and ");
        put_shape(o, b);
        t5g_buf_addc(o, '\n');
        return 1;
    }
    size_t lines = compare_payloads(o, d, a, b, t);
    /* Scores in the meta change with the values, so with a tolerance the meta is not compared. */
    if (tolerant || (a->meta_len == b->meta_len && memcmp(a->meta, b->meta, a->meta_len) == 0))
        return lines;
    put_id(o, d);
    put_name(o, a);
    t5g_buf_adds(o, " has meta ");
    put_escaped(o, a->meta, a->meta_len);
    t5g_buf_adds(o, " and ");
    put_escaped(o, b->meta, b->meta_len);
    t5g_buf_addc(o, '\n');
    return lines + 1;
}
