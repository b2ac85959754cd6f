/*
 * pickle_machine.h: a machine for the pickles of torch.save() (Python's pickletools describes the
 * opcodes). It has the stack and the memo of Python's, and values of a few kinds. A global is a row
 * of a table, not something that could be called.
 */
#ifndef T5G_PICKLE_MACHINE_H
#define T5G_PICKLE_MACHINE_H

#include "base/err.h"

enum t5g_pickle_kind {
    T5G_PICKLE_MARK,
    T5G_PICKLE_NONE,
    T5G_PICKLE_BOOL,
    T5G_PICKLE_INT,
    T5G_PICKLE_STRING,
    T5G_PICKLE_TUPLE,
    T5G_PICKLE_DICT,
    T5G_PICKLE_GLOBAL,
    T5G_PICKLE_STORAGE,
    T5G_PICKLE_TENSOR,
};

struct t5g_pickle_value {
    enum t5g_pickle_kind kind;
    uint32_t n; /* STRING: bytes; TUPLE: items */
    union {
        int64_t i;              /* BOOL, INT; DICT: its number; else an index: TUPLE: of the first
                                   item; GLOBAL: into globals; STORAGE, TENSOR */
        const unsigned char *s; /* STRING: in the pickle */
    } u;
};

/* A storage of n elements in the record data/KEY; key [key_len] is in the pickle. */
struct t5g_pickle_storage {
    const unsigned char *key;
    size_t key_len;
    int dtype;
    uint64_t n;
};

/* A tensor in storages[storage]: strides and offset are elements, and were not compared with it. */
struct t5g_pickle_tensor {
    size_t storage;
    uint64_t offset;
    size_t ndim;
    uint64_t dims[8], strides[8];
};

/* An item of the dictionary of this number. */
struct t5g_pickle_pair {
    int64_t dict;
    struct t5g_pickle_value key, value;
};

/* The caller sets start = p = op, end, file and e, and zero-initialises the rest. */
struct t5g_pickle {
    const unsigned char *start, *p, *end, *op; /* op: the opcode that is being followed */
    const unsigned char *arg;                  /* the bytes of fixed length behind it */
    const char *file;
    struct t5g_err *e;
    struct t5g_pickle_value *stack, *memo, *items;
    size_t n_stack, cap_stack, n_memo, cap_memo, n_items, cap_items;
    struct t5g_pickle_storage *storages;
    struct t5g_pickle_tensor *tensors;
    struct t5g_pickle_pair *pairs;
    size_t n_storages, cap_storages, n_tensors, cap_tensors, n_pairs, cap_pairs;
    int64_t dicts, root;
    bool stopped;
};

/*
 * Follow the pickle that m->p points to. Afterwards the dictionary m->root has the pairs with its
 * number, in their order; their keys are strings, their values of any kind. -1 with e (65): "FILE:
 * data.pkl: byte 17: ..." for an opcode or a global that is not known, for arguments that do not
 * fit, and for more values than a limit says. The arrays are freed by t5g_pickle_free in both
 * cases.
 */
int t5g_pickle_run(struct t5g_pickle *m);
void t5g_pickle_free(struct t5g_pickle *m);

#endif
