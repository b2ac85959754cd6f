/* fuzz_archive.c: any bytes as a compressed file or an archive, and the documents in it. */
#include "store/webdataset.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
note(void *arg, const char *member, const char *what)
{
    size_t *notes = arg;
    if (what[0] == '\0')
        __builtin_trap();
    *notes += member != NULL;
}

static void
read_all(int fd)
{
    struct t5g_err e = {0};
    struct t5g_corpus_doc d = {0};
    struct t5g_buf all = {0};
    size_t notes = 0;
    struct t5g_unpack *u = t5g_unpack_open(fd, &e);
    if (u != NULL && t5g_unpack_is_archive(u)) {
        struct t5g_members *m = t5g_members_open(
            u, &(struct t5g_members_options){.archive = "a", .note = note, .note_arg = &notes});
        for (int n = 0, r = 1; n < 1000 && r == 1; n++) {
            d.id.n = d.text.n = d.prompt.n = d.n_pictures = 0;
            d.fault.code = 0;
            r = t5g_members_next(m, &d, &e);
            if (r == 1 && (d.id.n < 2 || d.n_pictures > T5G_PICTURES_MAX))
                __builtin_trap();
            if (r < 0 && e.code == 0)
                __builtin_trap();
        }
        t5g_members_close(m);
    } else if (u != NULL) {
        t5g_unpack_read_all(u, 1 << 24, &all, &e);
    }
    t5g_unpack_close(u);
    t5g_corpus_doc_free(&d);
    t5g_buf_free(&all);
}

/* Headers of a tar with their checksums put right, so that what is behind those is reached. */
static void
repair(unsigned char *p, size_t size)
{
    for (size_t at = 0; at + 512 <= size; at += 512) {
        unsigned char *h = p + at;
        unsigned sum = 0;
        char text[8];
        if (memcmp(h + 257, "ustar", 5) != 0)
            continue;
        memset(h + 148, ' ', 8);
        for (int i = 0; i < 512; i++)
            sum += h[i];
        snprintf(text, sizeof text, "%06o", sum);
        memcpy(h + 148, text, 7);
    }
}

static void
as_file(const void *p, size_t size)
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (fd >= 0 && write(fd, p, size) == (ssize_t)size && lseek(fd, 0, SEEK_SET) == 0)
        read_all(fd);
    close(fd);
}

/* A pipe holds 64 KiB, which is all that is ever tried. */
static void
as_pipe(const void *p, size_t size)
{
    int fds[2];
    if (pipe(fds) < 0)
        return;
    if (size > 0 && size <= 65536 && write(fds[1], p, size) == (ssize_t)size) {
        close(fds[1]);
        read_all(fds[0]);
    } else {
        close(fds[1]);
    }
    close(fds[0]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct t5g_buf copy = {0};
    as_file(data, size);
    t5g_buf_add(&copy, data, size);
    repair((unsigned char *)copy.p, size);
    as_file(copy.p, size);
    as_pipe(copy.p, size);
    t5g_buf_free(&copy);
    return 0;
}
