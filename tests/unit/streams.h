/* streams.h: streams in memory for tests, good and bad ones, and ways to read them. */
#ifndef T5G_TEST_STREAMS_H
#define T5G_TEST_STREAMS_H

#include "base/hash.h"
#include "stream/document.h"

/* A stream being built. Unlike t5g_writer it checks nothing. Zero-initialise; make_free. */
struct make {
    struct t5g_buf b;
    uint64_t start, frames, ok, failed; /* of the open segment */
    uint64_t key;                       /* of the open document */
    size_t at;                          /* offset of the last frame */
    struct t5g_hash *chain;
};

/* Any frame, with right checksums; meta NULL: none. */
void make_frame(struct make *m, int kind, uint64_t key, const char *meta, const void *data,
                size_t size);
/* The same of a frame that is described; its hashes are filled. */
void make_any(struct make *m, struct t5g_frame *f);
void make_head(struct make *m);
void make_doc(struct make *m, const char *id);
void make_ids(struct make *m, const char *name, const int32_t *v, size_t n);
void make_text(struct make *m, const char *name, const char *text);
void make_close(struct make *m);
void make_error(struct make *m, const char *msg); /* inside a document or outside */
void make_end(struct make *m, uint32_t status);
void make_free(struct make *m);

/*
 * Overwrite n bytes at offset `at` of the last frame's header, and make its checksum right again
 * (where the meta that it names lies inside the buffer). For the last frame only: the chain is
 * corrected too.
 */
void make_patch(struct make *m, size_t at, const void *bytes, size_t n);

/* Three documents in one segment: tensors of two types and a text, an empty tensor, a failed one.
 */
void make_sample(struct make *m);

/* Offsets of the frames of a sound stream, and its length at the end. Returns how many frames. */
size_t frame_offsets(const struct make *m, size_t *out, size_t max);

enum way { MAPPED, PIPED, WAYS };

/* A descriptor that reads p[0..n): a regular file, or one that cannot be mapped. */
int open_bytes(const void *p, size_t n, enum way way);

/* Read to the end: 0 or the code of the error. frames may be NULL. */
int read_bytes(const void *p, size_t n, enum way way, size_t *frames, struct t5g_err *e);

#endif
