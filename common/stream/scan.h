/* scan.h: find undamaged frames and whole documents in damaged input. */
#ifndef T5G_SCAN_H
#define T5G_SCAN_H

#include "base/hash.h"
#include "base/io.h"
#include "stream/frame.h"

/*
 * A payload may contain anything, even a whole stream, and no part of that must be taken for a
 * document of the stream around it. So each frame is expected where the one before it ends, as by a
 * reader; a frame with a valid header is skipped in its full length even if its payload is damaged
 * or missing. If a header is damaged, the lengths in it are tried. If these lead nowhere, there is
 * a gap: frames after it are accepted only if later END frames prove that they are not in a payload
 * (gap.c).
 */

/* The results over all inputs. Zero-initialise; freed by t5g_scan_free. */
struct t5g_scan {
    bool doubtful; /* set by the caller: also accept documents without proof */

    bool damaged;      /* something is missing or out of order */
    bool uncertain;    /* more may be lost than counted: an END is missing or does not fit */
    uint64_t lost;     /* documents */
    uint64_t left_out; /* whole documents that may come from the payload of a lost frame */

    /* private: the document being collected, and its segment */
    struct t5g_frame *frames; /* [n] */
    size_t n, cap;
    uint64_t orphan;         /* key of a document already counted as lost */
    bool in_segment;         /* there was a frame after the last END */
    uint64_t whole, missing; /* documents of this segment */
    uint64_t n_frames;       /* of this segment */
    struct t5g_hash *chain;
};

struct t5g_scan_input {
    char *name;
    uint64_t max_frame;
    struct t5g_map map;
    struct t5g_buf read; /* the contents of a pipe */
    const unsigned char *p;
    size_t size;

    /* private */
    uint64_t at, end_of_last;
    uint64_t start;      /* of this segment; T5G_SCAN_NOWHERE: not known */
    uint64_t wasted;     /* bytes hashed in vain, bounded for hostile input */
    struct t5g_gap *gap; /* NULL before the first */
    size_t next, stop;   /* accepted frames to return before reading on */
};

/* path "-" is stdin; a pipe is read whole. -1 with e (66, 76 when empty, ...). */
int t5g_scan_open(struct t5g_scan_input *in, struct t5g_scan *s, const char *path,
                  uint64_t max_frame, struct t5g_err *e);
void t5g_scan_close(struct t5g_scan_input *in);
void t5g_scan_free(struct t5g_scan *s);

/*
 * Returns 1 with *f a HEAD (*n = 1) or the *n frames of a whole document, valid until the next
 * call; 0 at the end of input.
 */
int t5g_scan_next(struct t5g_scan_input *in, struct t5g_scan *s, const struct t5g_frame **f,
                  size_t *n);

/* ---- for scan.c and gap.c only: scan_frame.c ---- */

#define T5G_SCAN_NOWHERE UINT64_MAX

/* Length of the frame with a valid header at `at` (perhaps longer than the rest of the input); 0 if
 * there is none. Takes time only for that frame's own meta. */
uint64_t t5g_scan_header(const struct t5g_scan_input *in, uint64_t at, struct t5g_frame *f);
/* Whether the payload lies within the input and is valid. */
bool t5g_scan_payload(const struct t5g_scan_input *in, const struct t5g_frame *f);
/* Count bytes hashed in vain; false once there are too many. */
bool t5g_scan_may_waste(struct t5g_scan_input *in, uint64_t bytes);

/* scan_segment.c. Add an undamaged frame; true if it is a HEAD or completes a document. */
bool t5g_scan_place(struct t5g_scan *s, const struct t5g_frame *f);
/* Count a document as lost: the one being collected, or that of a lone frame with this key. */
void t5g_scan_lose(struct t5g_scan *s, uint64_t key);
/* The segment ends; f: its END, or NULL. */
void t5g_scan_end_segment(struct t5g_scan *s, const struct t5g_frame *f);

/* gap.c. No frame starts at in->at: move in->at past the gap, and set in->next and in->stop to the
 * frames accepted there. */
void t5g_gap_cross(struct t5g_scan_input *in, struct t5g_scan *s);
/* Frame i of the list after the gap. */
void t5g_gap_frame(const struct t5g_scan_input *in, size_t i, struct t5g_frame *f);
void t5g_gap_free(struct t5g_gap *g);

#endif
