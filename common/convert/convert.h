/*
 * convert.h: streams as npy, safetensors and JSON lines, and back.
 *
 * All three forms contain the same index as JSON lines: the meta of HEAD, then an object per
 * document:
 *
 *     {"id":"a","frames":[{"name":"x","dtype":"f32","shape":[2],"meta":{...},REF}],...}
 *
 * REF gives the elements: "data":[...] (jsonl), "file":"..." (npy), "tensor":"..." (safetensors),
 * or "text":"..." for TEXT. "doc", "close" and "error" are the metas of those frames.
 */
#ifndef T5G_CONVERT_H
#define T5G_CONVERT_H

#include "base/io.h"
#include "stage/run.h"
#include "stream/document.h"
#include "stream/writer.h"

/* ---- index.c: documents as JSON objects ---- */

/* Append the meta of HEAD, the first line of an index; `in` must be started. */
void t5g_index_put_head(struct t5g_buf *b, const struct t5g_source *in);

/* Append ,REF for item i of the document being exported. 0, or -1 with e. */
typedef int t5g_put_ref(void *arg, struct t5g_buf *b, const struct t5g_frame *f, size_t i,
                        struct t5g_err *e);

/* Append the object of a document, without newline and private frames. 0, or -1 with e from put. */
int t5g_index_put(struct t5g_buf *b, const struct t5g_doc *d, t5g_put_ref *put, void *arg,
                  struct t5g_err *e);

/* A t5g_put_ref for elements in the line, by t5g_numbers_put. arg is not used. */
int t5g_index_put_data(void *arg, struct t5g_buf *b, const struct t5g_frame *f, size_t i,
                       struct t5g_err *e);

/*
 * Append the line {"id":...,"frames":[{"kind":"T","bytes":3072,"dtype":"f32","shape":[12,64],
 * "meta":{...}},...],"error":{...}} of a document: what its frames are, without their elements.
 */
void t5g_index_put_listing(struct t5g_buf *b, const struct t5g_doc *d);

/* ---- json_spans.c: parts of a checked JSON text, in place ---- */

struct t5g_json_span {
    const char *p; /* [n] raw JSON; NULL if absent */
    size_t n;
};

/* Members of the object text [len] by name, the last if a name occurs several times. keys and out
 * [n]; absent members, and all if text is not an object, become zero. */
void t5g_json_span_pick(const char *text, size_t len, const char *const *keys,
                        struct t5g_json_span *out, size_t n);
bool t5g_json_span_starts(const struct t5g_json_span *s, char c); /* false if absent */
/* The element after *element (zero: the first one); false after the last. */
bool t5g_json_span_next(const struct t5g_json_span *array, struct t5g_json_span *element);
/* Append the decoded bytes of a string. */
void t5g_json_span_decode(struct t5g_buf *b, const struct t5g_json_span *s);

/* ---- imports ---- */

/* A tensor found by an import. */
struct t5g_payload {
    int dtype;
    size_t ndim;
    uint64_t dims[T5G_FRAME_NDIM_MAX];
    const unsigned char *data; /* [size] */
    uint64_t size;
    void *owned;           /* freed after use; NULL: data is elsewhere */
    struct t5g_map mapped; /* unmapped after use */
};

/* Get the tensor that the value of "file" or "tensor" names. 0, or -1 with e (65, 66, ...). */
typedef int t5g_fetch_ref(void *arg, const char *ref, struct t5g_payload *p, struct t5g_err *e);

/* One import: the run that writes the stream, and how references are resolved. */
struct t5g_importer {
    struct t5g_run *run;
    t5g_fetch_ref *fetch; /* NULL: elements are in the line */
    void *arg;
};

/* ---- frame_import.c: one frame of a document ---- */

/* Append the meta {"KEY":VALUE, and the members of the object rest}. */
void t5g_import_make_meta(struct t5g_buf *b, const char *key, const struct t5g_json_span *value,
                          const struct t5g_json_span *rest);
/* Write a frame with this meta; p NULL: no payload. -1 with e (65) over t5g-stream(5)'s limits. */
int t5g_import_write_frame(struct t5g_importer *im, int kind, const struct t5g_buf *meta,
                           const struct t5g_payload *p, uint64_t key, struct t5g_err *e);
/* Write the frame described by an element of "frames". 0, or -1 with e (65; those of im->fetch). */
int t5g_import_take_frame(struct t5g_importer *im, const struct t5g_json_span *object, uint64_t key,
                          struct t5g_err *e);

/* ---- index_import.c: documents from their objects ---- */

/* The origin of index lines, for messages. */
struct t5g_index_place {
    const char *name; /* NULL: the index is not from a file */
    size_t lines;     /* taken so far */
};

/*
 * Take the whole lines of a text [n], and with `last` also a last line without newline, until
 * im->run->stop. The first line of an import may be a HEAD; every other one becomes a document,
 * which is counted. *taken (NULL allowed): bytes taken. 0, or -1 with e (65, 74): "NAME:LINE: ...".
 */
int t5g_index_take(struct t5g_importer *im, const char *text, size_t n, bool last,
                   struct t5g_index_place *place, size_t *taken, struct t5g_err *e);
/* After the last line: write HEAD if there was none. 0, or -1 with e (74). */
int t5g_index_end(struct t5g_importer *im, struct t5g_err *e);

/* ---- jsonl_import.c: the lines of files ---- */

/* paths [n]; "-", or none: stdin. Lines are taken as they arrive, so that documents leave one by
 * one too. 0, or -1 with e (65, 66, 74). */
int t5g_jsonl_import(struct t5g_importer *im, char *const *paths, size_t n, struct t5g_err *e);

/* ---- element.c: values of tensors ---- */

bool t5g_element_is_float(int dtype);
bool t5g_element_is_signed(int dtype); /* of integers */
/* Element i of a float tensor. */
double t5g_element_float(const struct t5g_frame *f, uint64_t i);
/* Element i of any other tensor, sign-extended to 64 bits; *negative: it is below 0. */
uint64_t t5g_element_int(const struct t5g_frame *f, uint64_t i, bool *negative);
/* Append element i as decimal text that reads back the same, the shortest except for f64; nan, inf
 * and -inf are not quoted. */
void t5g_element_put(struct t5g_buf *b, const struct t5g_frame *f, uint64_t i);

/* ---- numbers.c: elements as a JSON array, and back ---- */

/* Append ,"data":[...]; integers beyond 2^53 and non-finite numbers become strings. */
void t5g_numbers_put(struct t5g_buf *b, const struct t5g_frame *f);
/* Parse raw [n], a checked JSON array of numbers, nested or flat, as elements of p->dtype. Sets
 * data and size; p owns the memory. 0, or -1 with e (65) for an element that is not of the type. */
int t5g_numbers_take(struct t5g_payload *p, const char *raw, size_t n, struct t5g_err *e);
/* The same for dimensions: sets p->dims and p->ndim. */
int t5g_numbers_take_shape(struct t5g_payload *p, const char *raw, size_t n, struct t5g_err *e);

/* ---- npy_export.c, npy_import.c: a directory of .npy files ---- */

#define T5G_NPY_INDEX "index.jsonl" /* in the directory */

/* Export all documents of `in` to dir, which must be missing or empty, and appears whole or not at
 * all. *failed counts failed documents. 0, or -1 with e (73, 74; those of t5g_source_next). */
int t5g_npy_export(struct t5g_source *in, const char *dir, uint64_t *failed, struct t5g_err *e);
/* Import a directory; without an index, it is one document with the directory's name as id. 0, or
 * -1 with e (65, 66, 74). */
int t5g_npy_import(struct t5g_importer *im, const char *dir, struct t5g_err *e);

/* ---- npy.c: the format of one file ---- */

/* Append the header of a file, a multiple of 64 bytes. dims [ndim]; bf16 is declared as f32. */
void t5g_npy_header(struct t5g_buf *b, int dtype, size_t ndim, const uint64_t *dims);
/* Parse a whole file, bytes [n]; p points into it, or owns a copy if the order of elements or bytes
 * differs from that of a stream. 0, or -1 with e (65). */
int t5g_npy_parse(struct t5g_payload *p, const unsigned char *bytes, size_t n, struct t5g_err *e);

/* ---- safetensors_export.c, safetensors_import.c: one file ---- */

/* Export all documents of `in` to path, through cli/output.h. *failed and errors as for
 * t5g_npy_export. */
int t5g_safetensors_export(struct t5g_source *in, const char *path, uint64_t *failed,
                           struct t5g_err *e);

/* Import a file, with or without an index in its metadata. 0, or -1 with e (65, 66, 74). */
int t5g_safetensors_import(struct t5g_importer *im, const char *path, struct t5g_err *e);

#endif
