/* jpeg.h: shared by the parts of the JPEG decoder: tables, components, position in the file. */
#ifndef T5G_JPEG_H
#define T5G_JPEG_H

#include "image/picture.h"

/* Markers of ITU-T T.81, table B.1: the second byte. */
enum {
    T5G_JPEG_TEM = 0x01,
    T5G_JPEG_SOF0 = 0xc0,
    T5G_JPEG_SOF2 = 0xc2,
    T5G_JPEG_DHT = 0xc4,
    T5G_JPEG_JPG = 0xc8,
    T5G_JPEG_DAC = 0xcc,
    T5G_JPEG_SOF15 = 0xcf,
    T5G_JPEG_RST0 = 0xd0,
    T5G_JPEG_RST7 = 0xd7,
    T5G_JPEG_SOI = 0xd8,
    T5G_JPEG_EOI = 0xd9,
    T5G_JPEG_SOS = 0xda,
    T5G_JPEG_DQT = 0xdb,
    T5G_JPEG_DNL = 0xdc,
    T5G_JPEG_DRI = 0xdd,
    T5G_JPEG_APP0 = 0xe0,
    T5G_JPEG_APP1 = 0xe1,
    T5G_JPEG_APP14 = 0xee,
    T5G_JPEG_APP15 = 0xef,
    T5G_JPEG_COM = 0xfe
};

/* Position in a block [8, 8] of a scan's k-th coefficient; beyond 63 (damaged data) the last. */
extern const uint8_t t5g_jpeg_zigzag[64 + 16];

/* As in DHT: the number of codes of 1 to 16 bits, and their symbols. */
struct t5g_jpeg_codes {
    bool defined;
    uint8_t count[17];
    uint8_t symbol[256];
};

struct t5g_jpeg_component {
    uint8_t id, h, v;      /* sampling factors, 1 to 4 */
    uint8_t table;         /* of quantization, from SOF */
    uint8_t dc, ac;        /* code tables of the current scan */
    bool latched;          /* quant is set, by the first scan with this component */
    uint16_t quant[64];    /* by position in the block */
    size_t w, lines;       /* samples */
    size_t cols, rows;     /* blocks that hold samples */
    size_t stride, height; /* blocks in memory: a multiple of h and v */
    int16_t (*block)[64];  /* [height, stride]: coefficients by position */
    int8_t precision[64];  /* progressive: bits still to come; -1: coefficient not sent */
    const uint8_t *sample; /* [rows * 8, cols * 8] */
};

struct t5g_jpeg {
    const unsigned char *file; /* [n] */
    size_t n, at;
    unsigned marker;  /* found but not yet processed; 0: none */
    size_t marker_at; /* its 0xff */
    struct t5g_arena *arena;

    size_t w, h;
    unsigned max_h, max_v;
    bool framed, progressive;
    size_t n_components;
    struct t5g_jpeg_component component[4];

    bool quant_defined[4];
    uint16_t quant[4][64];
    struct t5g_jpeg_codes dc[4], ac[4];
    size_t restart_interval; /* MCUs; 0: none */
    bool jfif, adobe;
    unsigned transform; /* of Adobe */

    bool several; /* scans are allowed */
    size_t scans, scan_at;
    size_t n_scan;                       /* components of the current scan */
    struct t5g_jpeg_component *scan[4];  /* in its order */
    unsigned first, last, before, shift; /* Ss, Se, Ah, Al */
    size_t left;                         /* bytes of the file after the latest scan's coded data */
    bool ended;                          /* the file ended within or before what was searched */
    size_t damaged;                      /* where coded data ended early or is invalid */
};

/* Set j->marker to the byte after the 0xff... of the next marker, at j->at or later, and j->at
 * after it. -1 with e (65): the file ends before. */
int t5g_jpeg_next_marker(struct t5g_jpeg *j, struct t5g_err *e);

/* The segment of j->marker: *d [*n] after its length; j->at moves after it. -1 with e (65): it is
 * cut off, or its length is invalid. */
int t5g_jpeg_segment(struct t5g_jpeg *j, const unsigned char **d, size_t *n, struct t5g_err *e);

/* -1 with e (65): `what` is wrong with j->marker, and its position. */
int t5g_jpeg_fail(const struct t5g_jpeg *j, struct t5g_err *e, const char *what);

/* Two bytes, the higher first. */
static inline unsigned
t5g_jpeg_be16(const unsigned char *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

/* Fill undefined code tables 0 and 1 with those of T.81, K.3. */
void t5g_jpeg_standard_codes(struct t5g_jpeg *j);

/*
 * Decode the current scan's data into the components' blocks, as libjpeg does: if data ends early,
 * blocks up to the next restart marker stay as they are. -1 with e (65).
 */
int t5g_jpeg_decode_scan(struct t5g_jpeg *j, struct t5g_err *e);

/* One block: coefficients times quant, transformed to samples at out [8 lines, stride apart]; equal
 * to libjpeg-turbo's accurate integer transform, overflow of 16 bits included. */
void t5g_jpeg_idct(const int16_t block[64], const uint16_t quant[64], uint8_t *out, size_t stride);

/* Samples of all components to rgb [h, w, 3]. -1 with e (65): arena too small, or sampling factors
 * that do not divide. */
int t5g_jpeg_render(struct t5g_jpeg *j, uint8_t *rgb, struct t5g_err *e);

#endif
