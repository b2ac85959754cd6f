/* frame.h: one frame of a t5g-stream(5) stream: the 128-byte header, its meta and its payload. */
#ifndef T5G_FRAME_H
#define T5G_FRAME_H

#include "base/dtype.h"
#include "base/err.h"
#include "base/mem.h"

#define T5G_FRAME_MAGIC        "\x89T5G\r\n\x1a" /* 7 bytes; the kind follows */
#define T5G_FRAME_HEADER       128
#define T5G_FRAME_END_SIZE     192 /* END: header and 64 bytes of payload */
#define T5G_FRAME_META_MAX     ((size_t)1 << 20)
#define T5G_FRAME_PAYLOAD_MAX  ((uint64_t)1 << 40)
#define T5G_FRAME_SIZE_DEFAULT ((uint64_t)8 << 30) /* --max-frame */
#define T5G_FRAME_NDIM_MAX     8
#define T5G_FRAME_NAME_MAX     255
#define T5G_FRAME_USER_MAX     ((size_t)1 << 16) /* "user" of a DOC, bytes of JSON */

enum t5g_kind {
    T5G_KIND_HEAD = 'H',
    T5G_KIND_DOC = 'D',
    T5G_KIND_TENSOR = 'T',
    T5G_KIND_TEXT = 'S',
    T5G_KIND_CLOSE = 'C',
    T5G_KIND_ERROR = 'X',
    T5G_KIND_END = 'E',
};

/* A frame in memory. Pointers are borrowed; each function that returns a frame says from whom. */
struct t5g_frame {
    uint8_t kind, minor, dtype, ndim;
    uint64_t dims[T5G_FRAME_NDIM_MAX];
    uint64_t doc_key; /* XXH3-64 of the document id; 0 outside a document */
    const char *meta; /* [meta_len] JSON object or empty; NUL follows */
    size_t meta_len;
    /*
     * Offset and length in meta of the "name" of a TENSOR or TEXT, or of the "id" of a DOC: a JSON
     * string with its quotes. Set once by t5g_frame_check_meta; 0, 0 before.
     */
    uint32_t label_at, label_len;
    const unsigned char *data; /* [size] payload, 64-byte aligned */
    uint64_t size;
    uint64_t head_hash;    /* head_xxh3, filled by readers and writers */
    uint64_t payload_hash; /* payload_xxh3, likewise */
    uint64_t offset;       /* of the header in its stream (readers only), for messages */
};

/*
 * Write the 128-byte header of f, with its hashes, into out, and set f->head_hash and, unless
 * payload_known, f->payload_hash. f must have passed t5g_frame_check. Returns the length of the
 * whole frame, a multiple of 64.
 */
uint64_t t5g_frame_put_header(unsigned char out[T5G_FRAME_HEADER], struct t5g_frame *f,
                              bool payload_known);

/* Lengths from a header. */
struct t5g_frame_layout {
    uint64_t frame_len, payload_off;
};

/*
 * Read a header and check it: magic, major, flags, zero fields, kind, limits, dims against size;
 * not the hash, which needs the meta. -1 with e (65): "frame at byte 1234: ...".
 */
int t5g_frame_take_header(struct t5g_frame *f, struct t5g_frame_layout *l,
                          const unsigned char in[T5G_FRAME_HEADER], uint64_t offset,
                          uint64_t max_frame, struct t5g_err *e);

/* Length of a whole frame: header, meta, payload and padding. */
uint64_t t5g_frame_length(const struct t5g_frame *f);

/*
 * Possible lengths of a frame with a damaged header, from different fields: frame_len; payload_off
 * and payload_len; meta_len and payload_len; payload_off and dims. An implausible payload size
 * counts as 0.
 */
void t5g_frame_guess(const unsigned char in[T5G_FRAME_HEADER], uint64_t out[4]);

/* XXH3-64 over header bytes 0..119 and the meta. */
uint64_t t5g_frame_head_hash(const unsigned char header[T5G_FRAME_HEADER], const char *meta,
                             size_t meta_len);

/*
 * Check the header fields, for writers and readers: kind, dims x item size = size, lengths. dtype
 * and dims of unknown kinds are not checked. -1 with e (65).
 */
int t5g_frame_check(const struct t5g_frame *f, uint64_t max_frame, struct t5g_err *e);

/*
 * The same for the meta: a strict JSON object; DOC has an "id" whose key is doc_key, TENSOR and
 * TEXT have a "name" of 1 to T5G_FRAME_NAME_MAX bytes. Sets the label. And for the payload: TEXT is
 * UTF-8. -1 with e (65).
 */
int t5g_frame_check_meta(struct t5g_frame *f, struct t5g_err *e);
int t5g_frame_check_text(const struct t5g_frame *f, struct t5g_err *e);

bool t5g_kind_critical(int kind); /* upper-case letter */

/* The following need a frame that t5g_frame_check_meta has passed. */

/* Append the "name" of a TENSOR or TEXT, or the "id" of a DOC, to b; nothing for other kinds. */
void t5g_frame_label(const struct t5g_frame *f, struct t5g_buf *b);
/* Copy the "name" of a TENSOR or TEXT into buf (truncated to size); "" for other kinds. */
void t5g_frame_name(const struct t5g_frame *f, char *buf, size_t size);
/* Append the dimensions of a TENSOR: "12,64", "" for ndim 0. */
void t5g_frame_put_dims(struct t5g_buf *b, const struct t5g_frame *f);
/* Whether it is a TENSOR or TEXT of this name. */
bool t5g_frame_is(const struct t5g_frame *f, const char *name);

/* doc_key of a document id: XXH3-64, 0 replaced by 1. */
uint64_t t5g_doc_key(const char *id, size_t n);

/* The 64-byte payload of END. */
struct t5g_end {
    uint64_t stream_len, frames, docs_ok, docs_failed, chain;
    uint32_t status;
    uint64_t index_off;
};

void t5g_end_put(unsigned char out[64], const struct t5g_end *x);
void t5g_end_take(struct t5g_end *x, const unsigned char in[64]);

#endif
