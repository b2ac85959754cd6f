/*
 * fuzz_torch.c: any bytes as a file of torch.save(), or as its pickle, which a file's checksum
 * keeps from being changed: every tensor handed out lies inside, or is one of the elements it
 * names.
 */
#include "tensors.h"
#include "model/torch_file.h"
#include "model/torch_pickle.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
see(void *arg, const struct t5g_pickled *t, struct t5g_err *e)
{
    struct image *x = arg;
    size_t len = strlen(t->name);
    (void)e;
    if (len == 0 || t5g_utf8_check(t->name, len) != len || t->ndim > 8 ||
        t5g_dtype_size(t->dtype) == 0 || t->offset > t->stored ||
        t->count > t->stored - t->offset || t->key < x->p || t->key + t->key_len > x->p + x->n)
        abort();
    return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct image x = {data, size, 0};
    struct t5g_err e = {0};
    if (t5g_torch_parse(data, size, "x", add, &x, &e) < 0 && e.code != T5G_EX_DATA)
        abort();
    if (t5g_torch_pickle(data, size, "x", see, &x, &e) < 0 && e.code != T5G_EX_DATA)
        abort();
    return 0;
}
