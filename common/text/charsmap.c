/* charsmap.c: look rules up in the double array, cluster by cluster. */
#include "text/charsmap.h"
#include "base/utf8.h"

#include <string.h>

enum { SHORT = 6 }; /* bytes from which on a cluster is looked at character by character */

/* Units of darts-clone. */
static uint32_t
offset_of(uint32_t unit)
{
    return unit >> 10 << ((unit & 0x200) >> 6);
}

/* The replacement for the shortest rule at the start of s[n], or NULL. */
static const char *
find(const struct t5g_charsmap *m, const char *s, size_t n)
{
    uint32_t at = offset_of(m->units[0]);
    for (size_t i = 0; i < n && s[i] != '\0'; i++) {
        unsigned char c = (unsigned char)s[i];
        at ^= c;
        if (at >= m->n || (m->units[at] & 0x800000ff) != c)
            return NULL;
        uint32_t unit = m->units[at];
        at ^= offset_of(unit);
        if ((unit & 0x100) != 0) {
            uint32_t v = at < m->n ? m->units[at] & 0x7fffffff : UINT32_MAX;
            return v < m->size && (m->texts[v] & 0xc0) != 0x80 ? m->texts + v : NULL;
        }
    }
    return NULL;
}

int
t5g_charsmap_open(struct t5g_charsmap *m, const void *blob, size_t size,
                  const struct t5g_graphemes *graphemes, struct t5g_err *e)
{
    uint32_t bytes = 0;
    *m = (struct t5g_charsmap){.graphemes = graphemes};
    if (size >= sizeof bytes)
        memcpy(&bytes, blob, sizeof bytes);
    if (bytes < sizeof(uint32_t) || bytes % sizeof(uint32_t) != 0 || bytes >= size - sizeof bytes ||
        ((const char *)blob)[size - 1] != '\0')
        return t5g_err_set(e, T5G_EX_DATA, "charsmap: damaged");
    m->units = (const uint32_t *)blob + 1;
    m->n = bytes / sizeof(uint32_t);
    m->texts = (const char *)blob + sizeof bytes + bytes;
    m->size = size - sizeof bytes - bytes;
    if (t5g_utf8_check(m->texts, m->size) != m->size)
        return t5g_err_set(e, T5G_EX_DATA, "charsmap: a replacement is not UTF-8");
    for (int c = 0; c < 128; c++) {
        char text[] = {(char)c};
        const char *to = find(m, text, 1);
        m->plain[c] = c != '\r' && (to == NULL || (to[0] == (char)c && (c == 0 || to[1] == '\0')));
    }
    return 0;
}

/* Length of the well-formed character at s. */
static size_t
length_of(const char *s)
{
    unsigned char c = (unsigned char)*s;
    return c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

static void
put_cluster(const struct t5g_charsmap *m, const char *s, size_t n, struct t5g_buf *out)
{
    const char *to = n < SHORT ? find(m, s, n) : NULL;
    if (to != NULL) {
        t5g_buf_adds(out, to);
        return;
    }
    for (size_t i = 0, len; i < n; i += len) {
        len = length_of(s + i);
        to = find(m, s + i, len);
        t5g_buf_add(out, to != NULL ? to : s + i, to != NULL ? strlen(to) : len);
    }
}

void
t5g_charsmap_normalize(const struct t5g_charsmap *m, const char *s, size_t n, struct t5g_buf *out)
{
    size_t i = 0, from = 0;
    t5g_buf_reserve(out, n);
    while (i < n) {
        /* A character between ASCII characters is a cluster of its own. */
        if (m->plain[(unsigned char)s[i]] && (i + 1 == n || (unsigned char)s[i + 1] < 0x80)) {
            i++;
            continue;
        }
        t5g_buf_add(out, s + from, i - from);
        size_t len = t5g_grapheme(m->graphemes, s + i, n - i);
        put_cluster(m, s + i, len, out);
        from = i += len;
    }
    t5g_buf_add(out, s + from, n - from);
}
