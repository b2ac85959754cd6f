/* torch_pickle.h: the tensors that the pickle in a PyTorch file describes; nothing of it is run. */
#ifndef T5G_TORCH_PICKLE_H
#define T5G_TORCH_PICKLE_H

#include "base/err.h"

#define T5G_PICKLE_MAX (16 << 20) /* bytes of a pickle that is read */

/* A tensor of a state_dict, whose elements follow each other from `offset` on in a storage. */
struct t5g_pickled {
    const char *name;         /* lives during the call */
    const unsigned char *key; /* [key_len] name of the storage's record, no NUL */
    size_t key_len;
    int dtype;
    uint64_t stored; /* elements of the storage */
    uint64_t offset, count;
    size_t ndim;
    uint64_t dims[8];
};

/*
 * Read the pickle p [n] of a dict or OrderedDict of tensors and Parameters, and call see(arg, t)
 * for each in its order. A pickle is a program for a machine with a stack: this one knows the
 * opcodes and the globals that make such a dictionary, and refuses every other by name. Tensors
 * must be contiguous, lie inside their storage, and have names that differ. -1 with e (65): "FILE:
 * data.pkl: byte 17: ..." or "FILE: tensor 'x': ...".
 */
int t5g_torch_pickle(const unsigned char *p, size_t n, const char *file,
                     int (*see)(void *arg, const struct t5g_pickled *t, struct t5g_err *e),
                     void *arg, struct t5g_err *e);

#endif
