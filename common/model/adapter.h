/* adapter.h: a PEFT adapter beside a model: opened, checked against it, and put to its matrices. */
#ifndef T5G_ADAPTER_H
#define T5G_ADAPTER_H

#include "kernels/kernels.h"
#include "model/model.h"

struct t5g_adapter;

/*
 * The adapter `given`, a folder with adapter_config.json and adapter_model.safetensors or its name
 * in the hub's cache, for m, with the adapters that m has. All that does not fit is in one message:
 * tensors that are missing, misshaped, doubled, of no module of m or not finite, and settings that
 * are not served. Modules of a part that m has not are left out. What a pass over all its bytes
 * finds is remembered as a model's identity is. NULL with e (65; 66 if it is not there).
 */
struct t5g_adapter *t5g_adapter_open(const char *given, struct t5g_model *m, struct t5g_err *e);

/*
 * Put it to m, whose matrices stay as they are and which then owns it; after those that are there
 * already. k computes the norms of DoRA.
 */
void t5g_adapter_apply(struct t5g_adapter *a, struct t5g_model *m, const struct t5g_kernels *k);

/* Append "DIR: N modules of encoder, decoder" to out. */
void t5g_adapter_describe(struct t5g_buf *out, const struct t5g_adapter *a);

void t5g_adapter_close(struct t5g_adapter *a);

#endif
