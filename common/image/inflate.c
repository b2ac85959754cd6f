/* inflate.c: RFC 1950 and 1951. */
#include "image/inflate.h"

#include <string.h>

enum { LENGTHS = 288, DISTANCES = 32, BITS_MAX = 15 };

struct codes {
    uint16_t count[BITS_MAX + 1]; /* codes of each length */
    uint16_t symbol[LENGTHS];     /* in order of their codes */
    uint16_t start[512];          /* by the next 9 bits: symbol << 4 | length; 0: longer */
};

struct stream {
    const unsigned char *in;
    size_t n, at;
    unsigned char *out;
    size_t size, got;
    uint64_t bits; /* the next ones from the bottom; zeros behind them */
    int have;
    const char *fault;
    bool full; /* out is, and more came */
    struct codes lengths, distances;
};

static void
fill(struct stream *s)
{
    while (s->have <= 56 && s->at < s->n) {
        s->bits |= (uint64_t)s->in[s->at++] << s->have;
        s->have += 8;
    }
}

static bool
fault(struct stream *s, const char *what)
{
    if (s->fault == NULL)
        s->fault = what;
    return false;
}

/* n bits, 0 to 16, of those that fill brought. */
static unsigned
take(struct stream *s, int n)
{
    if (s->have < n)
        fill(s);
    if (s->have < n) {
        fault(s, "cut off");
        return 0;
    }
    unsigned v = (unsigned)(s->bits & ((1U << n) - 1));
    s->bits >>= n;
    s->have -= n;
    return v;
}

static unsigned
reverse(unsigned code, int n)
{
    unsigned r = 0;
    for (int i = 0; i < n; i++)
        r |= (code >> i & 1) << (n - 1 - i);
    return r;
}

/* 3.2.2. False: too many codes, or too few (one code of one bit may stand alone). */
static bool
make_codes(struct codes *c, const uint8_t *length, size_t n, bool one_may_be_alone)
{
    uint16_t first[BITS_MAX + 2] = {0};
    int left = 1, most = 0;
    memset(c, 0, sizeof *c);
    for (size_t i = 0; i < n; i++)
        c->count[length[i]]++;
    c->count[0] = 0;
    for (int b = 1; b <= BITS_MAX; b++) {
        left = 2 * left - c->count[b];
        if (left < 0)
            return false;
        most = c->count[b] != 0 ? b : most;
        first[b + 1] = (uint16_t)(first[b] + c->count[b]);
    }
    if (left > 0 && most > 0 && (!one_may_be_alone || most != 1))
        return false;
    for (size_t i = 0; i < n; i++)
        if (length[i] != 0)
            c->symbol[first[length[i]]++] = (uint16_t)i;
    unsigned code = 0, k = 0;
    for (int b = 1; b <= 9; b++, code <<= 1)
        for (unsigned i = 0; i < c->count[b]; i++, code++, k++)
            for (unsigned r = reverse(code, b); r < 512; r += 1U << b)
                c->start[r] = (uint16_t)(c->symbol[k] << 4 | b);
    return true;
}

/* -1: no such code, or cut off. */
static int
decode(struct stream *s, const struct codes *c)
{
    if (s->have < BITS_MAX)
        fill(s);
    unsigned start = c->start[s->bits & 511];
    int n = (int)(start & 15);
    if (start != 0 && n <= s->have) {
        s->bits >>= n;
        s->have -= n;
        return (int)(start >> 4);
    }
    unsigned code = 0, first = 0, index = 0;
    for (int b = 1; b <= BITS_MAX; b++) {
        if (b > s->have)
            return fault(s, "cut off") - 1;
        code |= s->bits >> (b - 1) & 1;
        if (code - first < c->count[b]) {
            s->bits >>= b;
            s->have -= b;
            return c->symbol[index + code - first];
        }
        index += c->count[b];
        first = (first + c->count[b]) << 1;
        code <<= 1;
    }
    return fault(s, "a code that does not exist") - 1;
}

/* 3.2.7 */
static bool
read_codes(struct stream *s)
{
    static const uint8_t order[19] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                      11, 4,  12, 3, 13, 2, 14, 1, 15};
    uint8_t length[LENGTHS + DISTANCES] = {0};
    size_t n_lengths = take(s, 5) + 257, n_distances = take(s, 5) + 1, n = take(s, 4) + 4;
    if (n_lengths > 286 || n_distances > 30)
        return fault(s, "too many code lengths");
    for (size_t i = 0; i < n; i++)
        length[order[i]] = (uint8_t)take(s, 3);
    if (s->fault != NULL || !make_codes(&s->lengths, length, 19, false))
        return fault(s, "code lengths that make no code");
    memset(length, 0, sizeof length);
    for (size_t i = 0; i < n_lengths + n_distances;) {
        int symbol = decode(s, &s->lengths);
        if (symbol < 0)
            return false;
        if (symbol < 16) {
            length[i++] = (uint8_t)symbol;
            continue;
        }
        if (symbol == 16 && i == 0)
            return fault(s, "a repeated length without one before");
        uint8_t again = symbol == 16 ? length[i - 1] : 0;
        size_t times = symbol == 16   ? 3 + take(s, 2)
                       : symbol == 17 ? 3 + take(s, 3)
                                      : 11 + take(s, 7);
        if (s->fault != NULL || times > n_lengths + n_distances - i)
            return fault(s, "more code lengths than there are codes");
        memset(length + i, again, times);
        i += times;
    }
    if (length[256] == 0)
        return fault(s, "no code for the end of a block");
    if (!make_codes(&s->lengths, length, n_lengths, true) ||
        !make_codes(&s->distances, length + n_lengths, n_distances, true))
        return fault(s, "code lengths that make no code");
    return true;
}

/* 3.2.6 */
static void
fixed_codes(struct stream *s)
{
    uint8_t length[LENGTHS];
    for (size_t i = 0; i < LENGTHS; i++)
        length[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
    make_codes(&s->lengths, length, LENGTHS, true);
    memset(length, 5, DISTANCES);
    make_codes(&s->distances, length, DISTANCES, true);
}

/* length bytes of those that were written `back` bytes ago. */
static bool
repeat(struct stream *s, size_t length, size_t back)
{
    if (back > s->got)
        return fault(s, "a distance before the first byte");
    for (; length > 0; length--, s->got++) {
        if (s->got == s->size) {
            s->full = true;
            return false;
        }
        s->out[s->got] = s->out[s->got - back];
    }
    return true;
}

/* 3.2.5. False: out is full, or a fault. */
static bool
compressed_block(struct stream *s)
{
    static const uint16_t lengths[] = {3,  4,  5,  6,   7,   8,   9,   10,  11, 13,
                                       15, 17, 19, 23,  27,  31,  35,  43,  51, 59,
                                       67, 83, 99, 115, 131, 163, 195, 227, 258};
    static const uint16_t distances[] = {
        1,   2,   3,   4,   5,   7,    9,    13,   17,   25,   33,   49,   65,    97,    129,
        193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
    for (;;) {
        int symbol = decode(s, &s->lengths);
        if (symbol < 0 || symbol == 256)
            return symbol == 256;
        if (symbol < 256) {
            if (s->got == s->size) {
                s->full = true;
                return false;
            }
            s->out[s->got++] = (unsigned char)symbol;
            continue;
        }
        unsigned k = (unsigned)symbol - 257;
        if (k >= T5G_LEN(lengths))
            return fault(s, "a length that does not exist");
        size_t length = lengths[k] + take(s, k < 8 || k == 28 ? 0 : (int)(k / 4) - 1);
        int d = decode(s, &s->distances);
        if (d < 0)
            return false;
        if (d >= (int)T5G_LEN(distances))
            return fault(s, "a distance that does not exist");
        size_t back = distances[d] + take(s, d < 2 ? 0 : d / 2 - 1);
        if (s->fault != NULL || !repeat(s, length, back))
            return false;
    }
}

/* 3.2.4 */
static bool
stored_block(struct stream *s)
{
    take(s, s->have & 7);
    unsigned n = take(s, 16), not_n = take(s, 16);
    if (s->fault != NULL || (n ^ not_n) != 0xffff)
        return fault(s, "a stored block of two lengths");
    for (; n > 0; n--) {
        unsigned byte = take(s, 8);
        if (s->fault != NULL)
            return false;
        if (s->got == s->size) {
            s->full = true;
            return false;
        }
        s->out[s->got++] = (unsigned char)byte;
    }
    return true;
}

/* RFC 1950, 8.2 */
static uint32_t
adler(const unsigned char *p, size_t n)
{
    uint32_t a = 1, b = 0;
    while (n > 0) {
        size_t some = t5g_min(n, 5552); /* as many as 32 bits hold */
        for (size_t i = 0; i < some; i++) {
            a += p[i];
            b += a;
        }
        a %= 65521;
        b %= 65521;
        p += some;
        n -= some;
    }
    return b << 16 | a;
}

static bool
blocks(struct stream *s)
{
    for (bool last = false; !last;) {
        last = take(s, 1) != 0;
        unsigned kind = take(s, 2);
        if (s->fault != NULL)
            return false;
        if (kind == 3)
            return fault(s, "a block of unknown kind");
        if (kind == 1)
            fixed_codes(s);
        if (kind == 2 && !read_codes(s))
            return false;
        if (!(kind == 0 ? stored_block(s) : compressed_block(s)))
            return false;
    }
    take(s, s->have & 7);
    uint32_t sum = 0;
    for (int i = 0; i < 4; i++)
        sum = sum << 8 | take(s, 8);
    return s->fault != NULL || sum == adler(s->out, s->got) ? true : fault(s, "a wrong checksum");
}

int
t5g_inflate(const unsigned char *in, size_t n, unsigned char *out, size_t size, size_t *got,
            struct t5g_err *e)
{
    struct stream s = {.in = in, .n = n, .at = 2, .out = out, .size = size};
    bool head = n >= 2 && (in[0] & 15) == 8 && in[0] >> 4 <= 7 && (in[0] << 8 | in[1]) % 31 == 0 &&
                (in[1] & 32) == 0;
    *got = 0;
    if (!head)
        return t5g_err_set(e, T5G_EX_DATA, "compressed data %s",
                           n < 2 ? "cut off" : "is not zlib's");
    blocks(&s);
    *got = s.got;
    bool cut = s.fault != NULL && strcmp(s.fault, "cut off") == 0;
    if (s.fault != NULL && !(cut && s.got == size))
        return t5g_err_set(e, T5G_EX_DATA, "compressed data %s%s at its byte %zu",
                           cut ? "" : "has ", s.fault, s.at - (size_t)s.have / 8);
    return 0;
}
