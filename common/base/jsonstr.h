/* jsonstr.h: JSON strings with a length (document text may contain NUL), and a strict scanner. */
#ifndef T5G_JSONSTR_H
#define T5G_JSONSTR_H

#include "base/mem.h"
#include "base/err.h"

/* The most characters of a number: cJSON cuts longer ones. */
#define T5G_JSON_NUMBER_MAX 63

/* Append "..." with `"`, `\`, ASCII controls and DEL escaped; ill-formed UTF-8 becomes U+FFFD. */
void t5g_jsonstr_write(struct t5g_buf *b, const char *s, size_t n);

/*
 * Check that text[0..n) is one JSON value by the rules of t5g_json_parse, except that \u0000 is
 * accepted if `nul`. -1 with e (65), "NAME: byte N: what".
 */
int t5g_json_check(const char *text, size_t n, bool nul, const char *name, struct t5g_err *e);

/*
 * Check that text[0..n) is one JSON value. If it is an object, only the [n_members] members with
 * these keys are checked as by t5g_json_check with `nul`, and none may occur twice. The others need
 * only end properly: NaN, Infinity, numbers of any length, lone surrogates, duplicate keys and
 * nesting up to 2^20 pass. Such an object can be walked, but only the values of the checked members
 * may be decoded. -1 with e (65), "NAME: byte N: what".
 */
int t5g_json_check_members(const char *text, size_t n, const char *const *members, size_t n_members,
                           const char *name, struct t5g_err *e);

/* The number of bytes in p[0..n) before the first quote, backslash or ASCII control character. */
size_t t5g_jsonstr_plain(const char *p, size_t n);

/* Walk the members of a checked object without building a tree. */
struct t5g_json_walk {
    const char *p, *end;     /* private */
    const char *key, *value; /* raw spans inside the text; key with its quotes */
    size_t key_len, value_len;
};

/* false when text is not an object. */
bool t5g_json_walk_open(struct t5g_json_walk *w, const char *text, size_t n);
bool t5g_json_walk_next(struct t5g_json_walk *w); /* false after the last member */

/* Decode a checked raw string span (with quotes) and append it to out; \u0000 becomes NUL. */
void t5g_jsonstr_read(struct t5g_buf *out, const char *raw, size_t n);

/* Whether a checked raw string span decodes to s; one with a lone surrogate equals nothing. */
bool t5g_jsonstr_equal(const char *raw, size_t n, const char *s);

#endif
