/* npy.h: a version-1 .npy file of <f4, <i4 or |u1, C order, whole. For tests: every fault fails. */
#ifndef T5G_TEST_NPY_H
#define T5G_TEST_NPY_H

#include "base/io.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct npy {
    struct t5g_buf file;
    size_t ndim, dims[4];
    float *f;   /* elements of <f4, else NULL */
    int32_t *i; /* elements of <i4, else NULL */
    uint8_t *u; /* elements of |u1, else NULL */
};

static inline size_t
npy_size(const struct npy *a)
{
    size_t n = 1;
    for (size_t i = 0; i < a->ndim; i++)
        n *= a->dims[i];
    return n;
}

static inline struct npy
npy_read(const char *path)
{
    struct npy a = {0};
    struct t5g_err e = {0};
    if (t5g_read_file(path, (size_t)1 << 28, &a.file, &e) != 0)
        fail_msg("%s", e.msg);
    const unsigned char *p = (const unsigned char *)a.file.p;
    assert_true(a.file.n > 10 && memcmp(p, "\x93NUMPY\1\0", 8) == 0);
    size_t start = 10 + (size_t)(p[8] | p[9] << 8);
    assert_true(start <= a.file.n);
    char *head = t5g_memdup(p + 10, start - 10);
    assert_non_null(strstr(head, "'fortran_order': False"));
    const char *s = strchr(strstr(head, "'shape'"), '(') + 1;
    while (*s != ')') {
        char *end;
        assert_true(a.ndim < T5G_LEN(a.dims));
        a.dims[a.ndim++] = strtoul(s, &end, 10);
        assert_true(end > s);
        for (s = end; *s == ',' || *s == ' ';)
            s++;
    }
    assert_int_equal(a.file.n - start, npy_size(&a) * (strstr(head, "'|u1'") != NULL ? 1 : 4));
    /* The header ends at a multiple of 64 and buffers are aligned: the elements can be used here.
     */
    if (strstr(head, "'<f4'") != NULL)
        a.f = (float *)(void *)(a.file.p + start);
    else if (strstr(head, "'<i4'") != NULL)
        a.i = (int32_t *)(void *)(a.file.p + start);
    else if (strstr(head, "'|u1'") != NULL)
        a.u = (uint8_t *)a.file.p + start;
    else
        fail_msg("%s: %s", path, head);
    t5g_free(head);
    return a;
}

static inline void
npy_free(struct npy *a)
{
    t5g_buf_free(&a->file);
}

#endif
