/* torch_file.h: the tensors of a file of torch.save(), used in the mapping. */
#ifndef T5G_TORCH_FILE_H
#define T5G_TORCH_FILE_H

#include "model/safetensors.h"

/*
 * As t5g_safetensors_parse, for pytorch_model.bin: a zip archive, as PyTorch 1.6 and later write
 * it, with NAME/data.pkl, which is a pickle (model/torch_pickle.h), and the bytes of each storage
 * as NAME/data/KEY. Calls add for each tensor, in the order of the pickle; several of them may lie
 * in the same bytes. A file of the older form is refused with the line of Python that converts it.
 */
int t5g_torch_parse(const unsigned char *p, size_t n, const char *file,
                    int (*add)(void *arg, const struct t5g_tensor *t, struct t5g_err *e), void *arg,
                    struct t5g_err *e);

#endif
