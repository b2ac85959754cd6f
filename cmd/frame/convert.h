/*
 * convert.h: what export and import share.
 *
 * All three foreign forms carry the same index, JSON lines: HEAD's meta first, then one object a
 * document:
 *
 *     {"id":"a","frames":[{"name":"x","dtype":"f32","shape":[2],"meta":{...},REF}],...}
 *
 * REF says where the elements are: "data":[...] (jsonl), "file":"..." (npy), "tensor":"..."
 * (safetensors); "text":"..." for TEXT. "doc", "close" and "error" hold the metas of those frames.
 */
#ifndef T5G_FRAME_CONVERT_H
#define T5G_FRAME_CONVERT_H

#include "verbs.h"
#include "base/io.h"

/* Appends ,REF of item number i of the document being exported. 0 or -1 with e. */
typedef int put_ref(void *arg, struct t5g_buf *b, const struct t5g_frame *f, size_t i,
                    struct t5g_err *e);

/* The object of a document, without newline. Private frames have no place in it. */
int index_put(struct t5g_buf *b, const struct t5g_doc *d, put_ref *put, void *arg,
              struct t5g_err *e);

/* spans.c: parts of a checked JSON text. */
struct span {
    const char *p; /* [n] raw JSON; NULL when it is not there */
    size_t n;
};

/* Members of an object by name. keys and out [n]. */
void span_pick(const char *text, size_t len, const char *const *keys, struct span *out, size_t n);
bool span_starts(const struct span *s, char c); /* false when it is not there */
/* The element after *element (zero: the first one); false after the last. */
bool span_next(const struct span *array, struct span *element);
void span_decode(struct t5g_buf *b, const struct span *s); /* a string */

/* A tensor found by an import. */
struct payload {
    int dtype;
    size_t ndim;
    uint64_t dims[T5G_FRAME_NDIM_MAX];
    const unsigned char *data; /* [size] */
    uint64_t size;
    void *owned;           /* freed after use; NULL: data lives elsewhere */
    struct t5g_map mapped; /* unmapped after use */
};

/* What the value of "file" or "tensor" names. 0 or -1 with e. */
typedef int fetch_ref(void *arg, const char *ref, struct payload *p, struct t5g_err *e);

/* One import: the stream that is written, and where references lead. */
struct importer {
    struct t5g_run run;
    fetch_ref *fetch; /* NULL: elements stand in the line */
    void *arg;
};

/* unframe.c */
/* The meta {"KEY":VALUE, and the members of the object rest}. */
void make_meta(struct t5g_buf *b, const char *key, const struct span *value,
               const struct span *rest);
/* A frame with this meta; p NULL: no payload. -1 with e (65) over the limits of t5g-stream(5). */
int write_frame(struct importer *im, int kind, const struct t5g_buf *meta, const struct payload *p,
                uint64_t key, struct t5g_err *e);
/* The frame that an element of "frames" describes. */
int take_frame(struct importer *im, const struct span *object, uint64_t key, struct t5g_err *e);

/* unindex.c */
/* One line of an index. The first may be a HEAD. 0 or -1 with e (65); dies on write errors. */
int index_take(struct importer *im, const char *line, size_t n, struct t5g_err *e);
/* After the last line: HEAD where there was none. */
int index_end(struct importer *im, struct t5g_err *e);
/* Every line of a text. name for messages; NULL: the text was made up. */
int index_take_all(struct importer *im, const char *text, size_t n, const char *name,
                   struct t5g_err *e);

/* numbers.c: elements as a JSON array, and back. */
void put_numbers(struct t5g_buf *b, const struct t5g_frame *f);
/* raw [n]: a checked JSON array of numbers, nested or flat; p->dtype is set. Fills data and size.
 */
int take_numbers(struct payload *p, const char *raw, size_t n, struct t5g_err *e);
/* The same of a flat array of whole numbers: dimensions. */
int take_shape(struct payload *p, const char *raw, size_t n, struct t5g_err *e);

#define NPY_INDEX "index.jsonl"

/* npydir.c, unnpydir.c */
int export_npy(struct t5g_source *in, const char *dir, uint64_t *failed, struct t5g_err *e);
int import_npy(struct importer *im, const char *dir, struct t5g_err *e);

/* npy.c */
/* The header of a .npy file: a multiple of 64 bytes. bf16 is announced as f32. */
void npy_header(struct t5g_buf *b, int dtype, size_t ndim, const uint64_t *dims);
/* bytes [n] of a whole .npy file; p points into them. 0 or -1 with e (65). */
int npy_parse(struct payload *p, const unsigned char *bytes, size_t n, struct t5g_err *e);

/* safetensors.c */
int export_safetensors(struct t5g_source *in, const char *path, uint64_t *failed,
                       struct t5g_err *e);

/* unsafetensors.c */
int import_safetensors(struct importer *im, const char *path, struct t5g_err *e);

/* HEAD's meta as the first line of an index. */
void index_put_head(struct t5g_buf *b, const struct t5g_source *in);

#endif
