/* safetensors.h: the tensors of a model directory, used in the mapping. */
#ifndef T5G_SAFETENSORS_H
#define T5G_SAFETENSORS_H

#include "base/dtype.h"
#include "base/err.h"
#include "base/io.h"
#include "base/stamp.h"

/* A tensor inside a mapping. */
struct t5g_tensor {
    const char *name; /* lives with the safetensors object */
    int dtype;
    size_t ndim;
    uint64_t dims[8];
    const unsigned char *data; /* [size] any alignment */
    uint64_t size;
    const char *file; /* file name without directory, for messages */
    /* in a packed model, a quantised dtype: see struct t5g_mat; data holds the panels */
    const unsigned char *scale, *zero;
    size_t group;
};

/* A growing list of tensors, whose names it owns. Zero-initialise. */
struct t5g_tensor_list {
    struct t5g_tensor *v; /* [n] */
    size_t n, cap;
};

/* For t5g_safetensors_parse: a copy of t to the end of the list arg. 0. */
int t5g_tensor_list_add(void *arg, const struct t5g_tensor *t, struct t5g_err *e);
void t5g_tensor_list_sort(struct t5g_tensor_list *l); /* by name */
/* Of a sorted list; NULL if there is none of this name. */
const struct t5g_tensor *t5g_tensor_list_find(const struct t5g_tensor_list *l, const char *name);
void t5g_tensor_list_free(struct t5g_tensor_list *l);

struct t5g_safetensors;

/*
 * Open a packed model, or DIR/model.safetensors, or the shards that
 * DIR/model.safetensors.index.json names, or else DIR/pytorch_model.bin or the shards of
 * DIR/pytorch_model.bin.index.json. Headers are checked as the reference does: length within the
 * file, no duplicate names, dims x item size equal to the range, ranges that tile the data area
 * without holes, overlaps or a rest; see model/torch_file.h for the other form. NULL with e.
 */
struct t5g_safetensors *t5g_safetensors_open(const char *dir, struct t5g_err *e);
/*
 * The same of a folder inside a model; "": the model's own. In a packed model the tensors of a
 * folder are those named FOLDER/NAME, and they are called NAME here.
 */
struct t5g_safetensors *t5g_safetensors_open_in(const char *model, const char *folder,
                                                struct t5g_err *e);
void t5g_safetensors_close(struct t5g_safetensors *s);

size_t t5g_safetensors_count(const struct t5g_safetensors *s);
const struct t5g_tensor *t5g_safetensors_at(const struct t5g_safetensors *s,
                                            size_t i); /* by name order */

/* By name; NULL if there is none. */
const struct t5g_tensor *t5g_safetensors_find(const struct t5g_safetensors *s, const char *name);

/* The files that hold the weights, with directory. */
size_t t5g_safetensors_files(const struct t5g_safetensors *s);
const char *t5g_safetensors_path(const struct t5g_safetensors *s, size_t i);

/* State of file i just before it was mapped. */
const struct t5g_stamp *t5g_safetensors_stamp(const struct t5g_safetensors *s, size_t i);

/* The mapping of a packed model; NULL for a directory. */
const struct t5g_map *t5g_safetensors_packed(const struct t5g_safetensors *s);

/* The file that lists the tensors, for messages: the index, or the one file. With directory. */
const char *t5g_safetensors_table(const struct t5g_safetensors *s);

/*
 * Check the header of one file image (what the fuzzer drives). p[0..n) is the whole file.
 * Calls add(arg, tensor) for each tensor in order of offset; add may be NULL. The tensor's name
 * lives during the call only. -1 with e (65): "FILE: tensor 'x': ...".
 */
int t5g_safetensors_parse(const unsigned char *p, size_t n, const char *file,
                          int (*add)(void *arg, const struct t5g_tensor *t, struct t5g_err *e),
                          void *arg, struct t5g_err *e);

/* The header, JSON [*len], of a file image that t5g_safetensors_parse has accepted. */
const char *t5g_safetensors_header(const unsigned char *p, size_t *len);

#endif
