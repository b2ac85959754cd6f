/* scan.h: undamaged frames and whole documents among bytes that may hold anything. */
#ifndef T5G_SCAN_H
#define T5G_SCAN_H

#include "base/hash.h"
#include "base/io.h"
#include "stream/frame.h"

/*
 * A payload may hold anything, a whole stream included, and nothing of that may pass for a document
 * of the stream around it. So frames are taken where the frame before ends, as a reader takes them;
 * a frame whose header is right is passed over in its whole length, also where its payload is
 * damaged or missing. Where a header is damaged, the lengths in it are tried. Where they lead
 * nowhere there is a gap: what comes after it is believed as far as the END frames behind it prove
 * that it is no payload (gap.c).
 */

/* What is known over all inputs. Zero-initialise; t5g_scan_free. */
struct t5g_scan {
    bool doubtful; /* set by the caller: take what is not proven too */

    bool damaged;      /* something is missing or in another order than it was written */
    bool uncertain;    /* more may be lost than is counted: an END is missing */
    uint64_t lost;     /* documents */
    uint64_t left_out; /* whole ones that may be the contents of a lost frame */

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
    uint64_t max_frame;
    struct t5g_map map;
    struct t5g_buf read; /* what came through a pipe */
    const unsigned char *p;
    size_t size;

    /* private */
    uint64_t at, end_of_last;
    uint64_t start;      /* of this segment; T5G_SCAN_NOWHERE: not known */
    uint64_t wasted;     /* bytes that were hashed in vain: a bound for hostile input */
    struct t5g_gap *gap; /* NULL before the first */
    size_t next, stop;   /* frames of the gap to take before reading on */
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

/* ---- for scan.c and gap.c alone; first those of scan_frame.c ---- */

#define T5G_SCAN_NOWHERE UINT64_MAX

/* Length of the frame at `at` by its header, which is right (it may be longer than what is left of
 * the input); 0 where there is none. Takes time for its meta, and for no other frame's. */
uint64_t t5g_scan_header(const struct t5g_scan_input *in, uint64_t at, struct t5g_frame *f);
/* The payload of a frame that lies in the input is right. */
bool t5g_scan_payload(const struct t5g_scan_input *in, const struct t5g_frame *f);
/* Whether so many more bytes may be hashed in vain. */
bool t5g_scan_may_waste(struct t5g_scan_input *in, uint64_t bytes);

/* Of scan_segment.c. Put an undamaged frame where it belongs; true when it completes a document or
 * is a HEAD. */
bool t5g_scan_place(struct t5g_scan *s, const struct t5g_frame *f);
/* The document being collected, or that of this key, whose frame stands alone, is not whole. */
void t5g_scan_lose(struct t5g_scan *s, uint64_t key);
/* The segment is over; f: its END, or NULL. */
void t5g_scan_end_segment(struct t5g_scan *s, const struct t5g_frame *f);

/* Of gap.c. No frame starts at in->at: sets in->at behind what is not believed, and in->next and
 * in->stop. */
void t5g_gap_cross(struct t5g_scan_input *in, struct t5g_scan *s);
/* Frame i of the gap. */
void t5g_gap_frame(const struct t5g_scan_input *in, size_t i, struct t5g_frame *f);
void t5g_gap_free(struct t5g_gap *g);

#endif
