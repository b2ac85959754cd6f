/*
 * kernels.c: what the machine gives now, and what the kernels make of it.
 *
 * usage: kernels level | kernels probe | kernels rates
 *
 * level prints the name of the kernel level in use (T5G_CPU). probe takes a second and prints two
 * numbers: 10^9 floating-point operations a second of multiply-adds in registers, at the width of
 * the kernel level in use, and 10^9 bytes a second read from memory, both by all threads
 * (T5G_THREADS) together. rates prints JSON lines: products of 240 rows with a 4096 x 640 matrix,
 * and of one row with a 262144 x 640 matrix.
 */
#include "clock.h"

#include "base/mem.h"
#include "model/quant.h"
#include "nn/linear.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

enum { PEAK_ROUNDS = 1 << 22, CHAINS = 12, READ = 256 << 20, BEST_OF = 7 };

/* ---- multiply-adds ---- */

/*
 * A function: CHAINS independent sums on registers of `lanes` floats, kept so that the compiler
 * cannot drop them. Returns lanes.
 */
#define CHAINS_OF(name, attributes, vec, set, fma, store, lanes)                              \
    attributes static unsigned name(float *out)                                               \
    {                                                                                         \
        vec s[CHAINS], a = set(out[0]), b = set(out[1]);                                      \
        for (int i = 0; i < CHAINS; i++)                                                      \
            s[i] = a;                                                                         \
        for (int n = 0; n < PEAK_ROUNDS; n++)                                                 \
            _Pragma("GCC unroll 12") for (int i = 0; i < CHAINS; i++) s[i] = fma(a, b, s[i]); \
        for (int i = 0; i < CHAINS; i++)                                                      \
            store(out + (lanes)*i, s[i]);                                                     \
        return lanes;                                                                         \
    }

#define ONE(x)           (x)
#define ONE_FMA(a, b, s) ((a) * (b) + (s))
#define ONE_STORE(p, x)  (*(p) = (x))
CHAINS_OF(chains_1, , float, ONE, ONE_FMA, ONE_STORE, 1)
#if defined(__x86_64__)
CHAINS_OF(chains_256, __attribute__((target("avx2,fma"))), __m256, _mm256_set1_ps, _mm256_fmadd_ps,
          _mm256_storeu_ps, 8)
CHAINS_OF(chains_512, __attribute__((target("avx512f"))), __m512, _mm512_set1_ps, _mm512_fmadd_ps,
          _mm512_storeu_ps, 16)
#elif defined(__aarch64__)
#define NEON_FMA(a, b, s) vfmaq_f32(s, a, b)
CHAINS_OF(chains_128, , float32x4_t, vdupq_n_f32, NEON_FMA, vst1q_f32, 4)
#endif

static unsigned (*chains)(float *) = chains_1;

static void
choose_chains(const char *level)
{
#if defined(__x86_64__)
    if (strcmp(level, "v3") == 0)
        chains = chains_256;
    if (strcmp(level, "v4") == 0)
        chains = chains_512;
#elif defined(__aarch64__)
    if (strcmp(level, "neon") == 0)
        chains = chains_128;
#endif
    (void)level;
}

static void
peak_item(void *arg, size_t item, size_t worker)
{
    unsigned *lanes = arg;
    float out[16 * CHAINS] = {1.0f + (float)item, 1e-6f};
    lanes[item] = chains(out);
    (void)worker;
}

static double
peak(struct t5g_pool *pool)
{
    size_t threads = t5g_pool_threads(pool);
    unsigned *lanes = t5g_alloc(threads, sizeof *lanes);
    double best = 0;
    for (int i = 0; i < 3; i++) {
        double start = now();
        t5g_pool_run(pool, peak_item, lanes, threads);
        double rate = 2.0 * CHAINS * PEAK_ROUNDS * lanes[0] * (double)threads / (now() - start);
        best = rate > best ? rate : best;
    }
    t5g_free(lanes);
    return best / 1e9;
}

/* ---- memory ---- */

typedef uint64_t wide __attribute__((vector_size(16)));

struct reading {
    const wide *p;
    wide *sum; /* [threads, 4]: a cache line for each */
};

static void
read_item(void *arg, size_t item, size_t worker)
{
    struct reading *r = arg;
    const wide *p = r->p + item * (READ / sizeof *p);
    wide s[8] = {{0}};
    /* Eight streams, a cache line of each in turn: more of them are on their way at a time. */
    for (size_t i = 0; i < READ / 8 / sizeof *p; i += 4)
#pragma GCC unroll 8
        for (size_t j = 0; j < 8; j++)
#pragma GCC unroll 4
            for (size_t l = 0; l < 4; l++)
                s[j] ^= p[j * (READ / 8 / sizeof *p) + i + l];
#pragma GCC unroll 8
    for (int j = 0; j < 8; j++)
        r->sum[4 * worker] += s[j];
}

/* Each thread a piece of its own, larger together than the caches of most machines. */
static double
memory(struct t5g_pool *pool)
{
    size_t threads = t5g_pool_threads(pool);
    wide *p = t5g_alloc(threads, READ), *sum = t5g_alloc(threads, 64);
    memset(p, 1, threads * READ);
    memset(sum, 0, threads * 64);
    double best = 0;
    for (int i = 0; i < 3; i++) {
        double start = now();
        t5g_pool_run(pool, read_item, &(struct reading){p, sum}, threads);
        double rate = (double)threads * READ / (now() - start);
        best = rate > best ? rate : best;
    }
    t5g_free(p);
    t5g_free(sum);
    return best / 1e9;
}

/* ---- products ---- */

static struct t5g_mat
matrix(size_t rows, size_t cols)
{
    uint16_t *p = t5g_alloc(rows * cols, sizeof *p);
    uint32_t x = 1;
    for (size_t i = 0; i < rows * cols; i++) {
        x = x * 1664525 + 1013904223;
        p[i] = (uint16_t)(0x3c00 + (x >> 31 << 15) + (x >> 20 & 0x1ff)); /* of size 0.01 to 0.06 */
    }
    return (struct t5g_mat){.p = p, .dtype = T5G_BF16, .rows = rows, .cols = cols};
}

/* The same quantised, in a buffer of its own. */
static struct t5g_mat
quantised(struct t5g_mat m, int dtype, size_t group, struct t5g_pool *pool)
{
    size_t n;
    unsigned char *p = t5g_quantise_matrix(&m, dtype, group, NULL, pool, &n);
    return t5g_quant_matrix(p, dtype, m.rows, m.cols, group);
}

static double
seconds(const struct t5g_exec *x, struct t5g_mat w, size_t m)
{
    float *a = t5g_alloc(m * w.cols, sizeof *a), *c = t5g_alloc(m * w.rows, sizeof *c);
    for (size_t i = 0; i < m * w.cols; i++)
        a[i] = (float)(i % 17) - 8;
    struct t5g_affine matrix = {w, NULL};
    struct t5g_linear job = t5g_linear_of(&matrix, c, w.rows);
    double best = 1e9;
    for (int i = 0; i < 3 * BEST_OF; i++) {
        double start = now();
        if (m == 1)
            t5g_linear_rows(x, &job, 1, a, w.cols, m);
        else
            t5g_linear_panels(x, &job, 1, a, w.cols, m);
        double took = now() - start;
        best = took < best ? took : best;
    }
    t5g_free(a);
    t5g_free(c);
    return best;
}

static void
say(const char *work, const char *variant, double rate, const char *unit, double of)
{
    printf("{\"work\":\"%s\",\"system\":\"t5g\",\"variant\":\"%s\",\"unit\":\"%s\",\"value\":%.2f,"
           "\"of_peak\":%.4f}\n",
           work, variant, unit, rate, rate / of);
}

static void
rates(const struct t5g_kernels *k, struct t5g_pool *pool)
{
    struct t5g_exec x;
    size_t per = t5g_linear_panels_scratch(640), rows = t5g_linear_rows_scratch();
    t5g_exec_open(&x, k, pool, per > rows ? per : rows);
    t5g_exec_quantised(&x, 240, 640);
    double flops = peak(pool), bytes = memory(pool);
    struct t5g_mat w = matrix(4096, 640), q = quantised(w, T5G_Q8, 64, pool);
    double ops = 2.0 * 240 * 4096 * 640 / 1e9;
    say("gemm-240x4096x640", "bf16", ops / seconds(&x, w, 240), "GF/s", flops);
    if ((x.k = t5g_kernels_bf16(k->name, NULL)) != NULL) {
        t5g_exec_bf16(&x, 240, 640);
        say("gemm-240x4096x640", "bf16/bf16", ops / seconds(&x, w, 240), "GF/s", flops);
    }
    x.k = k;
    say("gemm-240x4096x640", "q8", ops / seconds(&x, q, 240), "GF/s", flops);
    struct t5g_mat head = matrix(262144, 640), small = quantised(head, T5G_Q8, 32, pool);
    double size = 262144.0 * 640 / 1e9;
    say("row-262144x640", "bf16", 2 * size / seconds(&x, head, 1), "GB/s", bytes);
    say("row-262144x640", "q8", (1 + 2.0 / 32) * size / seconds(&x, small, 1), "GB/s", bytes);
    struct t5g_mat four = quantised(head, T5G_Q4, 32, pool);
    say("row-262144x640", "q4", (4 + 20.0 / 32) / 8 * size / seconds(&x, four, 1), "GB/s", bytes);
    t5g_exec_close(&x);
}

int
main(int argc, char **argv)
{
    struct t5g_err e = {0};
    const char *threads = getenv("T5G_THREADS");
    const struct t5g_kernels *k = t5g_kernels_get(getenv("T5G_CPU"), &e);
    struct t5g_pool *pool =
        k == NULL ? NULL
                  : t5g_pool_open(threads != NULL ? (size_t)atoi(threads) : t5g_cpu_count(), &e);
    if (pool == NULL || argc != 2) {
        fprintf(stderr, "kernels: %s\n", pool == NULL ? e.msg : "usage: kernels level|probe|rates");
        return pool == NULL ? e.code : 64;
    }
    choose_chains(k->name);
    if (strcmp(argv[1], "level") == 0)
        puts(k->name);
    else if (strcmp(argv[1], "probe") == 0)
        printf("%.1f %.1f\n", peak(pool), memory(pool));
    else
        rates(k, pool);
    t5g_pool_close(pool);
    return 0;
}
