/* scan_frame.c: check whether there is a frame at a given offset. */
#include "stream/scan.h"
#include "stream/stream_head.h"

#include <string.h>

uint64_t
t5g_scan_header(const struct t5g_scan_input *in, uint64_t at, struct t5g_frame *f)
{
    struct t5g_frame_layout l;
    uint64_t left = at < in->size ? in->size - at : 0;
    if (left < T5G_FRAME_HEADER ||
        t5g_frame_take_header(f, &l, in->p + at, at, in->max_frame, NULL) < 0 ||
        f->meta_len > left - T5G_FRAME_HEADER)
        return 0;
    f->meta = (const char *)in->p + at + T5G_FRAME_HEADER;
    f->data = in->p + at + l.payload_off; /* may be beyond the end */
    /*
     * No meta contains the magic, whose last byte is a control character. So if many headers claim
     * each other's bytes, checking each takes time only up to the next one.
     */
    if (memmem(f->meta, f->meta_len, T5G_FRAME_MAGIC, 7) != NULL ||
        t5g_frame_head_hash(in->p + at, f->meta, f->meta_len) != f->head_hash ||
        t5g_frame_check_meta(f, NULL) < 0 || (f->kind == T5G_KIND_END && f->size != 64))
        return 0;
    struct t5g_head h = {0};
    bool good = f->kind != T5G_KIND_HEAD || t5g_head_read(&h, f->meta, f->meta_len, NULL) == 0;
    t5g_head_clear(&h);
    return good ? l.frame_len : 0;
}

bool
t5g_scan_payload(const struct t5g_scan_input *in, const struct t5g_frame *f)
{
    uint64_t off = (uint64_t)(f->data - in->p);
    return off <= in->size && f->size <= in->size - off &&
           t5g_hash64(f->data, (size_t)f->size) == f->payload_hash &&
           t5g_frame_check_text(f, NULL) == 0;
}

bool
t5g_scan_may_waste(struct t5g_scan_input *in, uint64_t bytes)
{
    uint64_t most = 8 * (uint64_t)in->size + (1 << 20);
    in->wasted = bytes < most ? in->wasted + bytes : most + 1;
    return in->wasted <= most;
}
