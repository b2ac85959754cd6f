/*
 * jpeg_scan.c: the coded data of a scan, Huffman, sequential and progressive (T.81, F.2 and G.2).
 * Damaged data is treated as in libjpeg: after a marker that comes too early, zero bits follow to
 * the end of its MCU, then nothing until the next restart; an invalid code is a zero; restart
 * markers are found again by their numbers.
 */
#include "image/jpeg.h"

#include <string.h>

const uint8_t t5g_jpeg_zigzag[64 + 16] = {
    0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,  12, 19, 26, 33,
    40, 48, 41, 34, 27, 20, 13, 6,  7,  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36,
    29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54,
    47, 55, 62, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63};

/* A code table for look-up. */
struct table {
    uint16_t start[256];   /* by the next 8 bits: length << 8 | symbol; 0: longer than 8 */
    int32_t top[18];       /* largest code of a length, -1: none */
    int32_t at[17];        /* symbol of code c of a length: symbol[c + at] */
    const uint8_t *symbol; /* [256] */
};

struct scan {
    struct t5g_jpeg *j;
    uint64_t bits; /* the next ones, from the top; zeros after them */
    int have;
    bool dry;                  /* a marker came too early */
    bool bad;                  /* the file ends, or fill bytes precede a stuffed zero */
    struct table dc[4], ac[4]; /* by component of the scan */
    int32_t before[4];         /* DC prediction */
    uint32_t run;              /* blocks still covered by an end of band */
    size_t to_go;              /* MCUs to the next restart */
    unsigned next_restart;
};

static void
fill(struct scan *s)
{
    struct t5g_jpeg *j = s->j;
    while (s->have <= 56 && j->marker == 0) {
        if (j->at >= j->n) {
            s->bad = true;
            return;
        }
        uint64_t byte = j->file[j->at++];
        if (byte == 0xff) {
            size_t at = j->at;
            while (j->at < j->n && j->file[j->at] == 0xff)
                j->at++;
            if (j->at >= j->n || (j->file[j->at] == 0 && j->at > at)) {
                s->bad = true;
                return;
            }
            if (j->file[j->at] != 0) {
                j->marker = j->file[j->at];
                j->marker_at = j->at - 1;
            }
            j->at++;
            if (j->marker != 0)
                return;
        }
        s->bits |= byte << (56 - s->have);
        s->have += 8;
    }
}

/* The next n bits, 1 to 17. */
static unsigned
peek(struct scan *s, int n)
{
    if (s->have < n)
        fill(s);
    return (unsigned)(s->bits >> (64 - n));
}

static void
skip(struct scan *s, int n)
{
    if (n <= s->have) {
        s->bits <<= n;
        s->have -= n;
        return;
    }
    if (!s->dry && s->j->damaged == 0)
        s->j->damaged = s->j->marker_at;
    s->dry = true;
    s->bits = 0;
    s->have = 0;
}

/* n bits, 0 to 16. */
static unsigned
take(struct scan *s, int n)
{
    unsigned v = n > 0 ? peek(s, n) : 0;
    skip(s, n);
    return v;
}

/* F.2.2.1, EXTEND: v of n bits with its sign. */
static int32_t
extend(unsigned v, int n)
{
    return n > 0 && v < 1U << (n - 1) ? (int32_t)v - (1 << n) + 1 : (int32_t)v;
}

static unsigned
decode(struct scan *s, const struct table *t)
{
    unsigned next = peek(s, 16), start = t->start[next >> 8];
    if (start != 0) {
        skip(s, (int)(start >> 8));
        return start & 0xff;
    }
    for (int n = 9; n <= 16; n++) {
        int32_t code = (int32_t)(next >> (16 - n));
        if (code <= t->top[n]) {
            skip(s, n);
            return t->symbol[(code + t->at[n]) & 0xff];
        }
    }
    if (s->j->damaged == 0)
        s->j->damaged = s->j->at;
    peek(s, 17);
    skip(s, 17); /* as libjpeg */
    return 0;
}

/* C.2. -1: not a prefix code, or a DC table has a symbol beyond 15. */
static int
make_table(struct table *t, const struct t5g_jpeg_codes *c, bool dc)
{
    int32_t code = 0, k = 0;
    memset(t, 0, sizeof *t);
    t->symbol = c->symbol;
    for (int n = 1; n <= 16; n++, code <<= 1) {
        int32_t first = code;
        t->at[n] = k - code;
        t->top[n] = c->count[n] > 0 ? code + c->count[n] - 1 : -1;
        if (c->count[n] > 0 && code + c->count[n] >= 1 << n)
            return -1;
        for (code += c->count[n]; n <= 8 && first < code; first++, k++)
            for (int32_t rest = 0; rest < 1 << (8 - n); rest++)
                t->start[(first << (8 - n)) + rest] = (uint16_t)(n << 8 | c->symbol[k]);
        k = t->at[n] + code;
    }
    for (int32_t i = 0; dc && i < k; i++)
        if (c->symbol[i] > 15)
            return -1;
    return 0;
}

static void
sequential(struct scan *s, size_t c, int16_t *block)
{
    unsigned size = decode(s, &s->dc[c]) & 15;
    s->before[c] =
        (int32_t)((uint32_t)s->before[c] + (uint32_t)extend(take(s, (int)size), (int)size));
    block[0] = (int16_t)(uint16_t)s->before[c];
    for (unsigned k = 1; k < 64; k++) {
        unsigned symbol = decode(s, &s->ac[c]), zeros = symbol >> 4;
        size = symbol & 15;
        if (size == 0 && zeros != 15)
            break;
        k += zeros;
        if (size != 0)
            block[t5g_jpeg_zigzag[k]] = (int16_t)extend(take(s, (int)size), (int)size);
    }
}

static void
dc_first(struct scan *s, size_t c, int16_t *block)
{
    int size = (int)(decode(s, &s->dc[c]) & 15);
    s->before[c] = (int32_t)((uint32_t)s->before[c] + (uint32_t)extend(take(s, size), size));
    block[0] = (int16_t)(uint16_t)((uint32_t)s->before[c] << s->j->shift);
}

static uint32_t
read_run(struct scan *s, unsigned r)
{
    return (1U << r) + take(s, (int)r);
}

static void
ac_first(struct scan *s, size_t c, int16_t *block)
{
    const struct t5g_jpeg *j = s->j;
    (void)c;
    if (s->run > 0) {
        s->run--;
        return;
    }
    for (unsigned k = j->first; k <= j->last; k++) {
        unsigned symbol = decode(s, &s->ac[0]), zeros = symbol >> 4;
        int size = (int)(symbol & 15);
        if (size == 0 && zeros != 15) {
            s->run = read_run(s, zeros) - 1;
            break;
        }
        k += zeros;
        if (size != 0)
            block[t5g_jpeg_zigzag[k]] =
                (int16_t)(uint16_t)((uint32_t)extend(take(s, size), size) << j->shift);
    }
}

static void
dc_refine(struct scan *s, size_t c, int16_t *block)
{
    (void)c;
    if (take(s, 1) != 0)
        block[0] = (int16_t)(uint16_t)((uint16_t)block[0] | 1U << s->j->shift);
}

/* One more bit of a coefficient that is not zero. */
static void
correct(struct scan *s, int16_t *x)
{
    int one = 1 << s->j->shift;
    if (take(s, 1) != 0 && (*x & one) == 0)
        *x = (int16_t)(uint16_t)(uint32_t)(*x >= 0 ? *x + one : *x - one);
}

static void
ac_refine(struct scan *s, size_t c, int16_t *block)
{
    const struct t5g_jpeg *j = s->j;
    unsigned k = j->first;
    (void)c;
    for (; s->run == 0 && k <= j->last; k++) {
        unsigned symbol = decode(s, &s->ac[0]);
        int zeros = (int)(symbol >> 4), fresh = 0;
        if ((symbol & 15) != 0)
            fresh = take(s, 1) != 0 ? 1 << j->shift : -(1 << j->shift);
        else if (zeros != 15) {
            s->run = read_run(s, (unsigned)zeros);
            break;
        }
        for (; k <= j->last; k++) {
            int16_t *x = block + t5g_jpeg_zigzag[k];
            if (*x != 0)
                correct(s, x);
            else if (--zeros < 0)
                break;
        }
        if (fresh != 0)
            block[t5g_jpeg_zigzag[k]] = (int16_t)fresh;
    }
    if (s->run == 0)
        return;
    for (; k <= j->last; k++)
        if (block[t5g_jpeg_zigzag[k]] != 0)
            correct(s, block + t5g_jpeg_zigzag[k]);
    s->run--;
}

/*
 * E.2.4: an interval's coded data should be followed by its marker. Another marker is judged by its
 * number: a past one is skipped; for a near future one the interval counts as lost; any other is
 * taken as the one due.
 */
static int
restart(struct scan *s, struct t5g_err *e)
{
    struct t5g_jpeg *j = s->j;
    s->bits = 0;
    s->have = 0;
    if (j->marker == 0 && t5g_jpeg_next_marker(j, e) < 0)
        return -1;
    unsigned due = s->next_restart;
    if (j->marker != T5G_JPEG_RST0 + due && j->damaged == 0)
        j->damaged = j->marker_at;
    for (;;) {
        bool number = j->marker >= T5G_JPEG_RST0 && j->marker <= T5G_JPEG_RST7;
        unsigned ahead = number ? (j->marker - T5G_JPEG_RST0 - due) & 7 : 0;
        bool passed = number ? ahead >= 6 : j->marker < T5G_JPEG_SOF0;
        if (number && (ahead == 0 || (ahead >= 3 && ahead <= 5)))
            j->marker = 0;
        if (!passed)
            break;
        if (t5g_jpeg_next_marker(j, e) < 0)
            return -1;
    }
    s->next_restart = (due + 1) & 7;
    s->to_go = j->restart_interval;
    s->run = 0;
    memset(s->before, 0, sizeof s->before);
    if (j->marker == 0)
        s->dry = false;
    return 0;
}

typedef void block_decoder(struct scan *s, size_t c, int16_t *block);

static void
decode_mcu(struct scan *s, block_decoder *decode_block, size_t x, size_t y)
{
    const struct t5g_jpeg *j = s->j;
    for (size_t c = 0; c < j->n_scan; c++) {
        const struct t5g_jpeg_component *p = j->scan[c];
        size_t h = j->n_scan == 1 ? 1 : p->h, v = j->n_scan == 1 ? 1 : p->v;
        for (size_t b = 0; b < h * v; b++)
            decode_block(s, c, p->block[(y * v + b / h) * p->stride + x * h + b % h]);
    }
}

static int
no_codes(const struct t5g_jpeg *j, bool dc, unsigned k, bool defined, struct t5g_err *e)
{
    return t5g_err_set(e, T5G_EX_DATA, "JPEG: marker DA at byte %zu: %s table %u %s", j->scan_at,
                       dc ? "DC" : "AC", k, defined ? "is no Huffman code" : "was not defined");
}

static int
make_tables(struct scan *s, struct t5g_err *e)
{
    const struct t5g_jpeg *j = s->j;
    for (size_t c = 0; c < j->n_scan; c++) {
        unsigned dc = j->scan[c]->dc, ac = j->scan[c]->ac;
        bool needs_dc = !j->progressive || (j->first == 0 && j->before == 0);
        bool needs_ac = !j->progressive || j->first > 0;
        if (needs_dc &&
            (dc > 3 || !j->dc[dc].defined || make_table(&s->dc[c], &j->dc[dc], true) < 0))
            return no_codes(j, true, dc, dc <= 3 && j->dc[dc].defined, e);
        if (needs_ac &&
            (ac > 3 || !j->ac[ac].defined || make_table(&s->ac[c], &j->ac[ac], false) < 0))
            return no_codes(j, false, ac, ac <= 3 && j->ac[ac].defined, e);
    }
    return 0;
}

int
t5g_jpeg_decode_scan(struct t5g_jpeg *j, struct t5g_err *e)
{
    struct scan s = {.j = j, .to_go = j->restart_interval};
    block_decoder *decode_block = !j->progressive  ? sequential
                                  : j->first == 0  ? j->before == 0 ? dc_first : dc_refine
                                  : j->before == 0 ? ac_first
                                                   : ac_refine;
    if (make_tables(&s, e) < 0)
        return -1;
    bool alone = j->n_scan == 1;
    size_t across = alone ? j->scan[0]->cols : (j->w + 8 * j->max_h - 1) / (8 * j->max_h);
    size_t down = alone ? j->scan[0]->rows : (j->h + 8 * j->max_v - 1) / (8 * j->max_v);
    for (size_t y = 0; y < down; y++)
        for (size_t x = 0; x < across; x++, s.to_go--) {
            if (j->restart_interval > 0 && s.to_go == 0 && restart(&s, e) < 0)
                return -1;
            if (!s.dry)
                decode_mcu(&s, decode_block, x, y);
            if (s.bad)
                return t5g_err_set(
                    e, T5G_EX_DATA, "JPEG: marker DA at byte %zu: coded data %s at byte %zu",
                    j->scan_at, j->at >= j->n ? "cut off" : "with fill bytes before a zero", j->at);
        }
    j->left = j->n - (j->marker != 0 ? j->marker_at : j->at - (size_t)s.have / 8);
    return 0;
}
