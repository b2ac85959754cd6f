/* libarchive.h: the libarchive functions in use, as pointers in t5g_la: linked normally, libarchive
 * and its libraries (XML, cryptography) would add 1.6 ms to the start of every program. */
#ifndef T5G_LIBARCHIVE_H
#define T5G_LIBARCHIVE_H

#include "base/err.h"

#include <archive.h>
#include <archive_entry.h>

#define T5G_LIBARCHIVE(X)                \
    X(archive_entry_filetype)            \
    X(archive_entry_free)                \
    X(archive_entry_new)                 \
    X(archive_entry_pathname)            \
    X(archive_entry_set_filetype)        \
    X(archive_entry_set_mtime)           \
    X(archive_entry_set_pathname)        \
    X(archive_entry_set_perm)            \
    X(archive_entry_set_size)            \
    X(archive_error_string)              \
    X(archive_filter_bytes)              \
    X(archive_filter_count)              \
    X(archive_read_data)                 \
    X(archive_read_free)                 \
    X(archive_read_new)                  \
    X(archive_read_next_header)          \
    X(archive_read_open)                 \
    X(archive_read_open_fd)              \
    X(archive_read_support_filter_bzip2) \
    X(archive_read_support_filter_lz4)   \
    X(archive_read_support_filter_xz)    \
    X(archive_read_support_filter_zstd)  \
    X(archive_read_support_format_7zip)  \
    X(archive_read_support_format_empty) \
    X(archive_read_support_format_raw)   \
    X(archive_read_support_format_zip)   \
    X(archive_set_error)                 \
    X(archive_write_add_filter_none)     \
    X(archive_write_close)               \
    X(archive_write_data)                \
    X(archive_write_free)                \
    X(archive_write_header)              \
    X(archive_write_new)                 \
    X(archive_write_open_fd)             \
    X(archive_write_set_format_pax_restricted)

#define T5G_MEMBER(name) __typeof__(&name) name;
extern struct t5g_libarchive {
    T5G_LIBARCHIVE(T5G_MEMBER)
} t5g_la;
#undef T5G_MEMBER

/* Call before the first use. 0, or -1 with e (69). */
int t5g_libarchive_load(struct t5g_err *e);

#endif
