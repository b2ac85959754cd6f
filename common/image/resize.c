/*
 * resize.c: bilinear with antialiasing (Pillow: Resample.c). Each output sample is a weighted mean
 * of a window of input samples; weights are fixed-point with 22 bits, and the first pass is rounded
 * to 8 bits before the second. A pass without effect is skipped.
 */
#include "image/resize.h"

#include <math.h>
#include <string.h>

enum { BITS = 22 };

struct window {
    size_t from, n;
    int32_t *k; /* [n] */
};

/* One window for each output sample; NULL if the arena is too small. */
static struct window *
make_windows(size_t in, size_t out, struct t5g_arena *a)
{
    double scale = (double)in / (double)out, filter = scale < 1 ? 1 : scale;
    double support = filter, inverse = 1 / filter;
    size_t most = (size_t)ceil(support) * 2 + 1;
    struct window *w = t5g_arena_alloc(a, out * sizeof *w);
    int32_t *k = t5g_arena_alloc(a, out * most * sizeof *k);
    double *weight = t5g_arena_alloc(a, most * sizeof *weight);
    if (w == NULL || k == NULL || weight == NULL)
        return NULL;
    for (size_t i = 0; i < out; i++, k += most) {
        double centre = ((double)i + 0.5) * scale, sum = 0;
        double lo = centre - support + 0.5, hi = centre + support + 0.5;
        size_t from = lo > 0 ? (size_t)lo : 0, to = t5g_min((size_t)hi, in);
        for (size_t j = 0; j < to - from; j++) {
            double x = fabs(((double)(j + from) - centre + 0.5) * inverse);
            weight[j] = x < 1 ? 1 - x : 0;
            sum += weight[j];
        }
        for (size_t j = 0; j < to - from; j++)
            k[j] = (int32_t)(0.5 + (sum != 0 ? weight[j] / sum : weight[j]) * (1 << BITS));
        w[i] = (struct window){from, to - from, k};
    }
    return w;
}

static uint8_t
rounded(int32_t sum)
{
    sum >>= BITS;
    return (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
}

/* out [h, s, 3] from in [h, w, 3]. */
static void
across(uint8_t *out, size_t s, const uint8_t *in, size_t h, size_t stride, const struct window *w)
{
    for (size_t i = 0; i < h; i++)
        for (size_t j = 0; j < s; j++) {
            const uint8_t *p = in + i * stride + w[j].from * 3;
            int32_t sum[3] = {1 << (BITS - 1), 1 << (BITS - 1), 1 << (BITS - 1)};
            for (size_t k = 0; k < w[j].n; k++, p += 3)
                for (int c = 0; c < 3; c++)
                    sum[c] += p[c] * w[j].k[k];
            for (int c = 0; c < 3; c++)
                out[(i * s + j) * 3 + (size_t)c] = rounded(sum[c]);
        }
}

/* out [s, n] from in [h, n] with rows at stride. */
static void
down(uint8_t *out, size_t s, const uint8_t *in, size_t n, size_t stride, const struct window *w)
{
    for (size_t i = 0; i < s; i++)
        for (size_t j = 0; j < n; j++) {
            int32_t sum = 1 << (BITS - 1);
            for (size_t k = 0; k < w[i].n; k++)
                sum += in[(w[i].from + k) * stride + j] * w[i].k[k];
            out[i * n + j] = rounded(sum);
        }
}

/*
 * Across first, unless the picture gets shorter, and by more than twice the pixels by which it gets
 * narrower: then most rows are gone before the other pass (Pillow 13; earlier versions always go
 * across first). The two orders round differently.
 */
static bool
down_first(size_t s, size_t w, size_t h)
{
    return h > s && (w < s || h - s > 2 * (w - s));
}

int
t5g_resize(uint8_t *out, size_t s, const uint8_t *in, size_t w, size_t h, size_t stride,
           struct t5g_arena *a, struct t5g_err *e)
{
    struct t5g_arena before = *a;
    const struct window *columns = make_windows(w, s, a), *rows = make_windows(h, s, a);
    bool both = w != s && h != s, first = both && down_first(s, w, h);
    uint8_t *between = both ? t5g_arena_alloc(a, (first ? w : h) * s * 3) : out;
    if (columns == NULL || rows == NULL || between == NULL)
        return t5g_arena_fail(a, e);
    if (first) {
        down(between, s, in, w * 3, stride, rows);
        across(out, s, between, s, w * 3, columns);
    } else if (both) {
        across(between, s, in, h, stride, columns);
        down(out, s, between, s * 3, s * 3, rows);
    } else if (w != s) {
        across(out, s, in, h, stride, columns);
    } else if (h != s) {
        down(out, s, in, s * 3, stride, rows);
    } else {
        for (size_t i = 0; i < s; i++)
            memcpy(out + i * s * 3, in + i * stride, s * 3);
    }
    *a = before;
    return 0;
}
