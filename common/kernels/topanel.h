/*
 * topanel.h: to_panel of struct t5g_kernels, or bf16_panel, with a loop for each dtype.
 *
 * The including file first defines
 *
 *   item                                        type of a panel's elements
 *   panel_as(panel, w, ldw, dtype, rows, k)     to_panel where dtype is a constant
 */
#ifndef T5G_TOPANEL_H
#define T5G_TOPANEL_H

#include "kernels/kernels.h"

static void
to_panel(item *panel, const void *w, size_t ldw, int dtype, size_t rows, size_t k)
{
    if (dtype == T5G_F32)
        panel_as(panel, w, ldw, T5G_F32, rows, k);
    else if (dtype == T5G_F16)
        panel_as(panel, w, ldw, T5G_F16, rows, k);
    else
        panel_as(panel, w, ldw, T5G_BF16, rows, k);
}

#endif
