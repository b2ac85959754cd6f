/* jsonstr.h: JSON strings that carry a length (document text may hold NUL), and a strict scanner.
 */
#ifndef T5G_JSONSTR_H
#define T5G_JSONSTR_H

#include "base/mem.h"
#include "base/err.h"

/* Append "..." with escapes for `"`, `\`, and controls; UTF-8 as it is; ill-formed bytes become
 * U+FFFD. */
void t5g_jsonstr_write(struct t5g_buf *b, const char *s, size_t n);

/*
 * Check that text[0..n) is one JSON value in the sense of t5g_json_parse (see there), except that
 * \u0000 is accepted when `nul`. -1 with e (65), "NAME: byte N: what".
 */
int t5g_json_check(const char *text, size_t n, bool nul, const char *name, struct t5g_err *e);

/*
 * Check that text[0..n) is one JSON value, of an object no more than its [n_members] members with
 * these keys: these as by t5g_json_check with `nul`, and none twice. Of other members only the
 * end is looked for: also NaN, Infinity, numbers of any length, lone surrogates, keys that come
 * again, and nesting up to 2^20 pass. Such an object can be walked; only the values of those
 * members may be decoded. -1 with e (65), "NAME: byte N: what".
 */
int t5g_json_check_members(const char *text, size_t n, const char *const *members, size_t n_members,
                           const char *name, struct t5g_err *e);

/* How many bytes of p[0..n) come before the first quote, backslash or control character. */
size_t t5g_jsonstr_plain(const char *p, size_t n);

/* Walk the members of a checked object without building a tree. */
struct t5g_json_walk {
    const char *p, *end;     /* private */
    const char *key, *value; /* raw spans inside the text; key with its quotes */
    size_t key_len, value_len;
};

/* false when text is no object. */
bool t5g_json_walk_open(struct t5g_json_walk *w, const char *text, size_t n);
bool t5g_json_walk_next(struct t5g_json_walk *w); /* false after the last member */

/* Decode a checked raw string span (with quotes) into out (appended), \u0000 included. */
void t5g_jsonstr_read(struct t5g_buf *out, const char *raw, size_t n);

/* Whether what a checked raw string span means is s; a lone surrogate is equal to nothing. */
bool t5g_jsonstr_equal(const char *raw, size_t n, const char *s);

#endif
