/*
 * fillelements.h: the functions of norms.h and elementwise.h, or others of these names, into a
 * table.
 */
#ifndef T5G_FILLELEMENTS_H
#define T5G_FILLELEMENTS_H

#include "kernels/kernels.h"

static void
fill_elements(struct t5g_kernels *k)
{
    k->softmax = softmax;
    k->bounds = bounds;
    k->rms = rms;
    k->rms_add = rms_add;
    k->layer_norm = layer_norm;
    k->rope = rope;
    k->geglu = geglu;
    k->gelu = gelu;
    k->softcap = softcap;
    k->scale = scale_by;
}

#endif
