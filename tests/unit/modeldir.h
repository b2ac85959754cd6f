/* modeldir.h: model directories made for a test: fixtures read, changed and written again. */
#ifndef MODELDIR_H
#define MODELDIR_H

#include "model/safetensors.h"

/* Tensors in memory, in the order in which they are written. */
struct md_tensor {
    char *name;
    int dtype;
    size_t ndim;
    uint64_t dims[8];
    void *data; /* [size] */
    size_t size;
};

struct md_list {
    struct md_tensor *p;
    size_t n;
};

/* Every function here fails the test when something goes wrong. */

char *md_fixture(const char *name);      /* $T5G_TESTS/models/NAME; t5g_free */
struct md_list md_read(const char *dir); /* a copy of all tensors of a directory */
void md_free(struct md_list *l);
struct md_tensor *md_find(struct md_list *l, const char *name);
void md_drop(struct md_list *l, const char *name);
struct md_tensor *md_copy(struct md_list *l, const char *name, const char *as); /* append a copy */
void md_rename(struct md_list *l, const char *from, const char *to);            /* prefixes */

/* Write l[from..to) as a safetensors file; `pad` blanks behind the header. */
void md_write(const struct md_list *l, size_t from, size_t to, size_t pad, const char *path);

char *md_tmp(void);              /* a new directory; t5g_free */
void md_remove(const char *dir); /* with all that is in it */
void md_put(const char *dir, const char *name, const void *p, size_t n);
void md_copy_file(const char *from, const char *to, const char *name); /* between directories */
struct t5g_buf md_get(const char *dir, const char *name);

/* Replace the first `from` of a text by `to`, which fails the test when there is none. */
void md_edit(struct t5g_buf *text, const char *from, const char *to);

#endif
