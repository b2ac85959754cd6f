/* binder.h: a checkpoint's tensors by part and name, requested one by one; problems are listed. */
#ifndef T5G_BINDER_H
#define T5G_BINDER_H

#include "base/mem.h"
#include "model/names.h"
#include "model/safetensors.h"

struct t5g_bound {
    struct t5g_name name;
    const struct t5g_tensor *t;
    bool used;
};

struct t5g_binder {
    const struct t5g_safetensors *files;
    struct t5g_bound *all; /* [n], sorted by part and rest */
    size_t n;
    char *prefix[T5G_PART_N]; /* as in the file; NULL if the part is absent */
    const char *encoder;      /* as for t5g_name_split */
    struct t5g_buf problems;  /* the first few, joined by "; " */
    size_t n_problems;
};

/*
 * Sort the tensors of files, which must outlive b, as must `encoder`: what stands in front of the
 * names of an encoder in another model; NULL: nothing, or that of layout E if it is met. A tensor
 * with two names is a problem.
 */
void t5g_binder_open(struct t5g_binder *b, const struct t5g_safetensors *files,
                     const char *encoder);
void t5g_binder_close(struct t5g_binder *b);

/* Put t in the place of the tensor of this part and name, whose name and shape it then has, or
 * beside the others. rest and t must outlive b. */
void t5g_binder_put(struct t5g_binder *b, enum t5g_part part, const char *rest,
                    struct t5g_tensor *t);

/* Whether the files have a tensor of this part. */
bool t5g_binder_has(const struct t5g_binder *b, enum t5g_part part);

/*
 * The tensor, which must exist with a float or quantised dtype and exactly these dims [ndim], ndim
 * up to 4; else NULL and a problem. It counts as used. Lives with the files.
 */
const struct t5g_tensor *t5g_binder_need(struct t5g_binder *b, enum t5g_part part, const char *rest,
                                         size_t ndim, const size_t *dims);

/* As t5g_binder_need, but NULL without a problem if there is no such tensor. */
const struct t5g_tensor *t5g_binder_may(struct t5g_binder *b, enum t5g_part part, const char *rest,
                                        size_t ndim, const size_t *dims);

/* Every tensor not requested becomes a problem, except a classifier's head. If there are any, -1
 * with e (65), which lists the first and counts the rest. */
int t5g_binder_finish(struct t5g_binder *b, struct t5g_err *e);

#endif
