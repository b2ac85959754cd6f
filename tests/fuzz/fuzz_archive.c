/* fuzz_archive.c: any bytes as a compressed file or an archive, and the documents in it. */
#include "store/members.h"

#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct t5g_err e = {0};
    struct t5g_corpus_doc d = {0};
    struct t5g_buf all = {0};
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET) != 0)
        return 0;
    struct t5g_unpack *u = t5g_unpack_open(fd, &e);
    if (u != NULL && t5g_unpack_is_archive(u)) {
        struct t5g_members *m = t5g_members_open(u, &(struct t5g_members_options){.archive = "a"});
        for (int n = 0; n < 1000 && t5g_members_next(m, &d, &e) == 1; n++)
            if (d.id.n < 2)
                __builtin_trap();
        t5g_members_close(m);
    } else if (u != NULL) {
        t5g_unpack_read_all(u, 1 << 24, &all, &e);
    }
    t5g_unpack_close(u);
    t5g_corpus_doc_free(&d);
    t5g_buf_free(&all);
    close(fd);
    return 0;
}
