/* scan.h: undamaged frames and whole documents among bytes that may hold anything. */
#ifndef T5G_SCAN_H
#define T5G_SCAN_H

#include "base/hash.h"
#include "base/io.h"
#include "stream/frame.h"

/* What is known over all inputs. Zero-initialise; t5g_scan_free. */
struct t5g_scan {
    bool damaged;   /* something is missing or in another order than it was written */
    bool uncertain; /* more may be lost than is counted: an END is missing */
    uint64_t lost;  /* documents */

    /* private: the document being collected and the segment it is in */
    struct t5g_frame *frames; /* [n] */
    size_t n, cap;
    uint64_t orphan;           /* key of a document already counted as lost */
    bool in_segment;           /* a HEAD or any frame came after the last END */
    uint64_t whole, missing;   /* documents of this segment */
    uint64_t n_frames, length; /* of this segment */
    struct t5g_hash *chain;
};

struct t5g_scan_input {
    char *name;
    uint64_t at, end_of_last, max_frame;
    struct t5g_map map;
    struct t5g_buf read; /* what came through a pipe */
    const unsigned char *p;
    size_t size;
};

/* path "-" is stdin; a pipe is read whole. -1 with e (66, 76 when empty, ...). */
int t5g_scan_open(struct t5g_scan_input *in, struct t5g_scan *s, const char *path,
                  uint64_t max_frame, struct t5g_err *e);
void t5g_scan_close(struct t5g_scan_input *in);
void t5g_scan_free(struct t5g_scan *s);

/*
 *  1  *f is [1] a HEAD, or [*n] the frames of a whole document; valid until the next call
 *  0  end of input
 */
int t5g_scan_next(struct t5g_scan_input *in, struct t5g_scan *s, const struct t5g_frame **f,
                  size_t *n);

#endif
