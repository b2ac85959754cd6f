/*
 * convert.h: streams as npy, safetensors and JSON lines, and back.
 *
 * All three forms carry the same index, JSON lines: HEAD's meta first, then one object a
 * document:
 *
 *     {"id":"a","frames":[{"name":"x","dtype":"f32","shape":[2],"meta":{...},REF}],...}
 *
 * REF says where the elements are: "data":[...] (jsonl), "file":"..." (npy), "tensor":"..."
 * (safetensors); "text":"..." for TEXT. "doc", "close" and "error" hold the metas of those frames.
 */
#ifndef T5G_CONVERT_H
#define T5G_CONVERT_H

#include "base/io.h"
#include "stage/run.h"
#include "stream/document.h"
#include "stream/writer.h"

/* ---- index.c: documents as JSON objects ---- */

/* HEAD's meta as the first line of an index; `in` was started. */
void t5g_index_put_head(struct t5g_buf *b, const struct t5g_source *in);

/* Appends ,REF of item number i of the document being exported. 0 or -1 with e. */
typedef int t5g_put_ref(void *arg, struct t5g_buf *b, const struct t5g_frame *f, size_t i,
                        struct t5g_err *e);

/* The object of a document, without newline. Private frames have no place in it. 0, or -1 with e
 * where put says so. */
int t5g_index_put(struct t5g_buf *b, const struct t5g_doc *d, t5g_put_ref *put, void *arg,
                  struct t5g_err *e);

/* t5g_put_ref of elements that stand in the line: t5g_numbers_put. arg is not used. */
int t5g_index_put_data(void *arg, struct t5g_buf *b, const struct t5g_frame *f, size_t i,
                       struct t5g_err *e);

/* `,"dtype":"f32","shape":[12,64]` of a tensor. */
void t5g_index_put_type(struct t5g_buf *b, const struct t5g_frame *f);

/* ---- json_spans.c: parts of a checked JSON text, which they point into ---- */

struct t5g_json_span {
    const char *p; /* [n] raw JSON; NULL when it is not there */
    size_t n;
};

/* Members of an object [len] by name, of several of one name the last. keys and out [n]; those that
 * are not there, and all where text is no object, become zero. */
void t5g_json_span_pick(const char *text, size_t len, const char *const *keys,
                        struct t5g_json_span *out, size_t n);
bool t5g_json_span_starts(const struct t5g_json_span *s, char c); /* false when it is not there */
/* The element after *element (zero: the first one); false after the last. */
bool t5g_json_span_next(const struct t5g_json_span *array, struct t5g_json_span *element);
/* Append the bytes of a string. */
void t5g_json_span_decode(struct t5g_buf *b, const struct t5g_json_span *s);

/* ---- imports ---- */

/* A tensor found by an import. */
struct t5g_payload {
    int dtype;
    size_t ndim;
    uint64_t dims[T5G_FRAME_NDIM_MAX];
    const unsigned char *data; /* [size] */
    uint64_t size;
    void *owned;           /* freed after use; NULL: data lives elsewhere */
    struct t5g_map mapped; /* unmapped after use */
};

/* What the value of "file" or "tensor" names. 0, or -1 with e (65, 66, ...). */
typedef int t5g_fetch_ref(void *arg, const char *ref, struct t5g_payload *p, struct t5g_err *e);

/* One import: the run whose stream is written, and where references lead. */
struct t5g_importer {
    struct t5g_run *run;
    t5g_fetch_ref *fetch; /* NULL: elements stand in the line */
    void *arg;
};

/* ---- frame_import.c: one frame of a document ---- */

/* The meta {"KEY":VALUE, and the members of the object rest}. */
void t5g_import_make_meta(struct t5g_buf *b, const char *key, const struct t5g_json_span *value,
                          const struct t5g_json_span *rest);
/* A frame with this meta; p NULL: no payload. -1 with e (65) over the limits of t5g-stream(5). */
int t5g_import_write_frame(struct t5g_importer *im, int kind, const struct t5g_buf *meta,
                           const struct t5g_payload *p, uint64_t key, struct t5g_err *e);
/* The frame that an element of "frames" describes. 0, or -1 with e (65; that of im->fetch). */
int t5g_import_take_frame(struct t5g_importer *im, const struct t5g_json_span *object, uint64_t key,
                          struct t5g_err *e);

/* ---- index_import.c: documents from their objects ---- */

/* Where lines of an index come from, for messages. */
struct t5g_index_place {
    const char *name; /* NULL: the text was made up */
    size_t lines;     /* taken so far */
};

/*
 * Take the whole lines of a text [n], and what stands after the last newline where `last` is set,
 * until im->run->stop. The first line of an import may be a HEAD; every other one becomes a
 * document, which is counted. *taken (NULL allowed): bytes that are done with. 0; -1 with e (65,
 * 74): "NAME:LINE: ...".
 */
int t5g_index_take(struct t5g_importer *im, const char *text, size_t n, bool last,
                   struct t5g_index_place *place, size_t *taken, struct t5g_err *e);
/* After the last line: HEAD where there was none. 0 or -1 with e (74). */
int t5g_index_end(struct t5g_importer *im, struct t5g_err *e);

/* ---- jsonl_import.c: the lines of files ---- */

/* paths [n]; "-", or none: stdin. Lines are taken as they come, so that a pipe of them becomes a
 * pipe of documents. 0, or -1 with e (65, 66, 74). */
int t5g_jsonl_import(struct t5g_importer *im, char *const *paths, size_t n, struct t5g_err *e);

/* ---- element.c: values of tensors ---- */

bool t5g_element_is_float(int dtype);
/* Element i of a float tensor. */
double t5g_element_float(const struct t5g_frame *f, uint64_t i);
/* Element i of another one, sign-extended to 64 bits; *negative: these are a signed value's. */
uint64_t t5g_element_int(const struct t5g_frame *f, uint64_t i, bool *negative);
/* Shortest decimal text that reads back the same; nan, inf and -inf are not quoted. */
void t5g_element_put(struct t5g_buf *b, const struct t5g_frame *f, uint64_t i);

/* ---- numbers.c: elements as a JSON array, and back ---- */

/* ,"data":[...]: beyond 2^53, and where it is not finite, a number is a string. */
void t5g_numbers_put(struct t5g_buf *b, const struct t5g_frame *f);
/* raw [n]: a checked JSON array of numbers, nested or flat; p->dtype is set. Fills data and size,
 * of memory that p owns. 0, or -1 with e (65) at an element that the type does not have. */
int t5g_numbers_take(struct t5g_payload *p, const char *raw, size_t n, struct t5g_err *e);
/* The same of dimensions, to p->dims and ndim. */
int t5g_numbers_take_shape(struct t5g_payload *p, const char *raw, size_t n, struct t5g_err *e);

/* ---- npy_export.c, npy_import.c: a directory of .npy files ---- */

#define T5G_NPY_INDEX "index.jsonl" /* in the directory */

/* All documents of `in` to dir, which is not there or empty, and appears whole or not at all.
 * *failed counts failed ones. 0, or -1 with e (73, 74; those of t5g_source_next). */
int t5g_npy_export(struct t5g_source *in, const char *dir, uint64_t *failed, struct t5g_err *e);
/* A directory with or without index; without, it is one document, called like it. 0, or -1 with e
 * (65, 66, 74). */
int t5g_npy_import(struct t5g_importer *im, const char *dir, struct t5g_err *e);

/* ---- npy.c: the format of one file ---- */

/* Append the header of a file: a multiple of 64 bytes. dims [ndim]; bf16 is announced as f32. */
void t5g_npy_header(struct t5g_buf *b, int dtype, size_t ndim, const uint64_t *dims);
/* bytes [n] of a whole file; p points into them, or owns a copy where order or bytes differ from a
 * stream's. 0 or -1 with e (65). */
int t5g_npy_parse(struct t5g_payload *p, const unsigned char *bytes, size_t n, struct t5g_err *e);

/* ---- safetensors_export.c, safetensors_import.c: one file ---- */

/* All documents of `in` to path, by cli/output.h. *failed as of t5g_npy_export. 0, or -1 with e
 * (73, 74; those of t5g_source_next). */
int t5g_safetensors_export(struct t5g_source *in, const char *path, uint64_t *failed,
                           struct t5g_err *e);

/* A file with or without index in its metadata. 0, or -1 with e (65, 66, 74). */
int t5g_safetensors_import(struct t5g_importer *im, const char *path, struct t5g_err *e);

#endif
