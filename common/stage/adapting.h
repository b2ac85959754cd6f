/* adapting.h: the adapters of a run: --adapter and T5G_ADAPTER. */
#ifndef T5G_ADAPTING_H
#define T5G_ADAPTING_H

#include "cli/option.h"
#include "kernels/kernels.h"
#include "model/model.h"

/* Element of a table, for programs that have one adapter at a time: struct t5g_list *dest. */
#define T5G_OPTION_ADAPTER(dest)                                                    \
    {                                                                               \
        0, "adapter", "DIR", T5G_OPT_LIST, dest,                                    \
            "use the PEFT adapter in DIR (repeatable: the later ones on top)", 0, 0 \
    }

/*
 * Open the adapters that are asked for, in order, and put them to m: one that was given as the
 * model (model_path.h), then those given or, without any, those of T5G_ADAPTER, which has ':'
 * between them. -1 with e (65, 66).
 */
int t5g_adapting_apply(struct t5g_model *m, const struct t5g_kernels *k,
                       const struct t5g_list *given, struct t5g_err *e);

/* Whether any is asked for. */
bool t5g_adapting_any(const struct t5g_list *given);

#endif
