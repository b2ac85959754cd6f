/* compute.h: a model, and what a program computes with: --compute, T5G_COMPUTE and T5G_CPU. */
#ifndef T5G_COMPUTE_H
#define T5G_COMPUTE_H

#include "stage/adapting.h"

/*
 * The kernels of T5G_CPU, with products as --compute, else T5G_COMPUTE, else f32 has them, and the
 * model (t5g_model_open) with its adapters: those given, or of T5G_ADAPTER (adapting.h). The
 * numeric profile of the model, by which HEAD and the keys of a cache tell results apart, is
 * completed by what is computed in: "bf16" stays, or becomes "bf16/bf16". NULL with e: of
 * t5g_model_open and t5g_adapting_apply, or 64 for an unknown name, 69 for what this CPU does not
 * have.
 */
struct t5g_model *t5g_compute_open(const struct t5g_kernels **k, const char *path, unsigned need,
                                   const struct t5g_list *adapters, struct t5g_err *e);

#endif
