/* qkv.c: keys and values in 8 bits: see qkv.h. */
#include "nn/qkv.h"
#include "base/mem.h"
#include "kernels/panels.h"
#include "kernels/rotate.h"

enum { GROUP = T5G_ROTATE };

static size_t
panels(size_t n)
{
    return (n + T5G_PANEL - 1) / T5G_PANEL;
}

static size_t
groups(size_t dh)
{
    return (dh + GROUP - 1) / GROUP;
}

struct t5g_qkv
t5g_qkv_alloc(size_t hk, size_t dh, size_t n)
{
    size_t all = hk * panels(n);
    return (struct t5g_qkv){
        .k = t5g_alloc_raw(all, t5g_qpanel_bytes(8, dh)),
        .k_scale = t5g_alloc_raw(all, groups(dh) * T5G_PANEL * sizeof(uint16_t)),
        .v = t5g_alloc_raw(all, panels(dh) * T5G_PANEL * T5G_PANEL),
        .v_scale = t5g_alloc_raw(all, panels(dh) * T5G_PANEL * sizeof(uint16_t)),
    };
}

void
t5g_qkv_free(struct t5g_qkv *q)
{
    t5g_free(q->k);
    t5g_free(q->k_scale);
    t5g_free(q->v);
    t5g_free(q->v_scale);
    *q = (struct t5g_qkv){0};
}

struct t5g_qkv
t5g_qkv_at(const struct t5g_qkv *q, size_t hk, size_t dh, size_t r)
{
    size_t all = hk * (r / T5G_PANEL);
    return (struct t5g_qkv){
        .k = q->k + all * t5g_qpanel_bytes(8, dh),
        .k_scale = q->k_scale + all * groups(dh) * T5G_PANEL,
        .v = q->v + all * panels(dh) * T5G_PANEL * T5G_PANEL,
        .v_scale = q->v_scale + all * panels(dh) * T5G_PANEL,
    };
}

/* One group of a panel: x [rows, n], stride ldx, n at most GROUP; rows that are not there are 0. */
static void
set_group(const struct t5g_kernels *k, uint8_t *panel, uint16_t *scale, const float *x, size_t ldx,
          size_t rows, size_t n)
{
    int8_t q[T5G_PANEL][GROUP] = {{0}};
    uint32_t *to = (uint32_t *)(void *)panel;
    for (size_t i = 0; i < T5G_PANEL; i++) {
        float s = 0;
        int32_t sum;
        if (i < rows)
            k->quantize(q[i], &s, &sum, x + i * ldx, n, GROUP, GROUP);
        scale[i] = t5g_f32_to_bf16(s);
    }
    for (size_t j = 0; j < t5g_round_up(n, 16); j += 4)
        for (size_t i = 0; i < T5G_PANEL; i++) {
            uint32_t four;
            memcpy(&four, q[i] + j, sizeof four);
            *to++ = four ^ 0x80808080u; /* from signed to zero at 128 */
        }
}

void
t5g_qkv_set_keys(const struct t5g_kernels *k, const struct t5g_qkv *q, size_t dh, size_t n,
                 size_t kv, size_t r, const float *x, size_t ldx, size_t rows)
{
    size_t at = kv * panels(n) + r / T5G_PANEL;
    uint8_t *panel = q->k + at * t5g_qpanel_bytes(8, dh);
    uint16_t *scale = q->k_scale + at * groups(dh) * T5G_PANEL;
    for (size_t i = 0; i < dh; i += GROUP, scale += T5G_PANEL)
        set_group(k, panel + i * T5G_PANEL, scale, x + i, ldx, rows, t5g_min(GROUP, dh - i));
}

/* Where the values of the tile of keys j.. are, in bytes, and where their scales. */
static size_t
values_at(size_t dh, size_t n, size_t kv, size_t j)
{
    return (kv * panels(n) + j / T5G_PANEL) * panels(dh) * T5G_PANEL * T5G_PANEL;
}

void
t5g_qkv_set_values(const struct t5g_kernels *k, const struct t5g_qkv *q, size_t dh, size_t n,
                   size_t kv, size_t j, const float *x, size_t next)
{
    size_t keys = t5g_min(T5G_KEY_TILE, n - j);
    uint8_t *panel = q->v + values_at(dh, n, kv, j);
    uint16_t *scale = q->v_scale + values_at(dh, n, kv, j) / T5G_PANEL;
    for (size_t p = 0; p < panels(dh); p++, x += next, scale += T5G_PANEL) {
        float rows[T5G_PANEL][T5G_KEY_TILE];
        for (size_t l = 0; l < keys; l++)
            for (size_t i = 0; i < T5G_PANEL; i++)
                rows[i][l] = x[l * T5G_PANEL + i];
        set_group(k, panel, scale, rows[0], T5G_KEY_TILE, t5g_min(T5G_PANEL, dh - p * T5G_PANEL),
                  keys);
        panel += t5g_qpanel_bytes(8, keys);
    }
}

struct t5g_qpanel
t5g_qkv_keys(const struct t5g_qkv *q, size_t dh, size_t n, size_t kv, size_t j)
{
    size_t at = kv * panels(n) + j / T5G_PANEL, bytes = t5g_qpanel_bytes(8, dh);
    size_t scales = groups(dh) * T5G_PANEL;
    return (struct t5g_qpanel){.w = q->k + at * bytes,
                               .scale = q->k_scale + at * scales,
                               .bits = 8,
                               .k = dh,
                               .group = GROUP,
                               .next_w = bytes,
                               .next_scale = scales};
}

struct t5g_qpanel
t5g_qkv_values(const struct t5g_qkv *q, size_t dh, size_t n, size_t kv, size_t j)
{
    size_t keys = t5g_min(T5G_KEY_TILE, n - j);
    return (struct t5g_qpanel){.w = q->v + values_at(dh, n, kv, j),
                               .scale = q->v_scale + values_at(dh, n, kv, j) / T5G_PANEL,
                               .bits = 8,
                               .k = keys,
                               .group = GROUP,
                               .next_w = t5g_qpanel_bytes(8, keys),
                               .next_scale = T5G_PANEL};
}
