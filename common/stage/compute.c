/* compute.c: a model, and what a program computes with: --compute, T5G_COMPUTE and T5G_CPU. */
#include "stage/compute.h"
#include "cli/program.h"

#include <stdlib.h>
#include <string.h>

static const struct t5g_kernels *
kernels(struct t5g_err *e)
{
    const char *level = getenv("T5G_CPU"), *compute = getenv("T5G_COMPUTE");
    bool bf16 = t5g_common.compute == 1;
    if (t5g_common.compute < 0 && compute != NULL && compute[0] != '\0') {
        bf16 = strcmp(compute, "bf16") == 0;
        if (!bf16 && strcmp(compute, "f32") != 0) {
            t5g_err_set(e, T5G_EX_USAGE, "T5G_COMPUTE: '%s' is none of f32|bf16", compute);
            return NULL;
        }
    }
    return bf16 ? t5g_kernels_bf16(level, e) : t5g_kernels_get(level, e);
}

struct t5g_model *
t5g_compute_open(const struct t5g_kernels **k, const char *path, unsigned need,
                 const struct t5g_list *adapters, struct t5g_err *e)
{
    static const char suffix[] = "/bf16";
    struct t5g_model *m;
    if ((*k = kernels(e)) == NULL ||
        (m = t5g_model_open_in(path, t5g_common.encoder_prefix, need, e)) == NULL)
        return NULL;
    if (t5g_adapting_apply(m, *k, adapters, e) < 0) {
        t5g_model_close(m);
        return NULL;
    }
    size_t n = t5g_min(strlen(m->profile), sizeof m->profile - sizeof suffix);
    if ((*k)->bf16_gemm != NULL)
        memcpy(m->profile + n, suffix, sizeof suffix);
    return m;
}
