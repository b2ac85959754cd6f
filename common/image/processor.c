/* processor.c: processor_config.json and preprocessor_config.json (transformers:
 * image_processing_base.py, image_processing_pil_gemma3.py, image_transforms.py). */
#include "image/processor.h"
#include "model/fields.h"
#include "model/packed.h"

#include <math.h>
#include <string.h>

#define FILE_MAX ((size_t)1 << 20)

static double
number_or(struct t5g_fields *f, struct t5g_place p, const char *key, double max, double otherwise)
{
    return t5g_field(p, key) == NULL ? otherwise : t5g_field_num(f, p, key, 0, max);
}

/* One number for all channels, or three. */
static void
read_channels(struct t5g_fields *f, struct t5g_place p, const char *key, float out[3])
{
    const struct t5g_json *v = t5g_field(p, key);
    bool list = t5g_json_is_array(v);
    size_t n = 0;
    out[0] = out[1] = out[2] = 0.5f;
    if (v == NULL)
        return;
    for (v = list ? t5g_json_first(v) : v; v != NULL; v = list ? t5g_json_next(v) : NULL, n++) {
        if (n < 3 && t5g_json_is_number(v))
            out[n] = (float)t5g_json_num(v);
        else
            n = 3;
    }
    if (!list && n == 1)
        out[1] = out[2] = out[0];
    else if (n != 3)
        t5g_fields_fail(f, p, key, "expected a number or three");
}

/* Refuse what transformers would do to a picture and we do not. */
static void
refuse_others(struct t5g_fields *f, struct t5g_place p)
{
    static const char *const off[] = {"do_center_crop", "do_pad"};
    static const char *const on[] = {"do_resize", "do_convert_rgb"};
    for (size_t i = 0; i < T5G_LEN(off); i++)
        if (t5g_field_bool_or(f, p, off[i], false))
            t5g_fields_fail(f, p, off[i], "true is not supported");
    for (size_t i = 0; i < T5G_LEN(on); i++)
        if (!t5g_field_bool_or(f, p, on[i], true))
            t5g_fields_fail(f, p, on[i], "false is not supported");
    int64_t filter = t5g_field_int_or(f, p, "resample", 0, 5, 2);
    static const char *const names[] = {"nearest", "lanczos", "bilinear",
                                        "bicubic", "box",     "hamming"};
    if (filter != 2)
        t5g_fields_fail(f, p, "resample", "%d (%s) is not supported, expected 2 (bilinear)",
                        (int)filter, names[filter]);
}

static void
read_size(struct t5g_processor *out, struct t5g_fields *f, struct t5g_place p, size_t size)
{
    struct t5g_place s = t5g_field_object(f, p, "size", "size.");
    out->size = size;
    if (f->failed)
        return;
    if (t5g_field(s, "height") == NULL || t5g_field(s, "width") == NULL) {
        t5g_fields_fail(f, p, "size", "expected height and width");
        return;
    }
    size_t h = t5g_field_size(f, s, "height", 1, 1 << 13);
    size_t w = t5g_field_size(f, s, "width", 1, 1 << 13);
    if (!f->failed && (h != size || w != size))
        t5g_fields_fail(f, p, "size", "%zu x %zu, expected %zu x %zu as in config.json", w, h, size,
                        size);
}

/*
 * rescale multiplies in double and rounds to f32; normalize works in f32:
 * (f32(level * factor) - mean) / deviation.
 */
static void
read_values(struct t5g_processor *out, struct t5g_fields *f, struct t5g_place p)
{
    float mean[3] = {0, 0, 0}, deviation[3] = {1, 1, 1};
    bool rescale = t5g_field_bool_or(f, p, "do_rescale", true);
    double factor = number_or(f, p, "rescale_factor", 1e9, 1.0 / 255);
    if (t5g_field_bool_or(f, p, "do_normalize", true)) {
        read_channels(f, p, "image_mean", mean);
        read_channels(f, p, "image_std", deviation);
    }
    for (size_t c = 0; c < 3; c++) {
        if (!(deviation[c] > 0) || !isfinite(deviation[c]) || !isfinite(mean[c])) {
            t5g_fields_fail(f, p, "image_std", "expected numbers above 0");
            return;
        }
        for (size_t i = 0; i < 256; i++) {
            float v = rescale ? (float)((double)i * factor) : (float)i;
            out->value[c * 256 + i] = (v - mean[c]) / deviation[c];
        }
    }
}

static void
read_all(struct t5g_processor *out, struct t5g_fields *f, struct t5g_place p, size_t size)
{
    refuse_others(f, p);
    read_size(out, f, p, size);
    read_values(out, f, p);
    out->pan_and_scan = t5g_field_bool_or(f, p, "do_pan_and_scan", false);
    out->crops.min_crop =
        (size_t)t5g_field_int_or(f, p, "pan_and_scan_min_crop_size", 1, 1 << 20, 256);
    out->crops.max_crops = (size_t)t5g_field_int_or(f, p, "pan_and_scan_max_num_crops", 1, 64, 4);
    out->crops.min_ratio = number_or(f, p, "pan_and_scan_min_ratio_to_activate", 1e6, 1.2);
}

int
t5g_processor_parse(struct t5g_processor *p, const char *text, size_t n, const char *path,
                    size_t size, struct t5g_err *e)
{
    struct t5g_json *root = t5g_json_parse(text, n, path, e);
    struct t5g_fields f = {.path = path, .e = e};
    *p = (struct t5g_processor){0};
    if (root == NULL)
        return -1;
    struct t5g_place top = {root, ""};
    if (!t5g_json_is_object(root)) {
        t5g_json_free(root);
        return t5g_err_set(e, T5G_EX_DATA, "%s: not a JSON object", path);
    }
    if (t5g_field(top, "image_processor") != NULL)
        top = t5g_field_object(&f, top, "image_processor", "image_processor.");
    if (!f.failed)
        read_all(p, &f, top, size);
    t5g_json_free(root);
    return f.failed ? -1 : 0;
}

/* 1: the file exists and has, if nested, a member image_processor; else 0; -1 with e. */
static int
read_file(const char *dir, const char *name, const char *path, bool nested, struct t5g_buf *b,
          struct t5g_err *e)
{
    b->n = 0;
    int r = t5g_model_optional(dir, name, FILE_MAX, b, e);
    if (r < 1 || !nested)
        return r;
    struct t5g_json *root = t5g_json_parse(b->n > 0 ? b->p : "", b->n, path, e);
    bool has = t5g_json_get(root, "image_processor") != NULL;
    t5g_json_free(root);
    return root == NULL ? -1 : has;
}

int
t5g_processor_load(struct t5g_processor *p, const char *dir, size_t size, struct t5g_err *e)
{
    static const char *const names[] = {"processor_config.json", "preprocessor_config.json"};
    struct t5g_buf b = {0};
    int r = 0;
    for (size_t i = 0; i < T5G_LEN(names) && r == 0; i++) {
        char *path = t5g_path_join(dir, names[i]);
        r = read_file(dir, names[i], path, i == 0, &b, e);
        if (r == 1 && t5g_processor_parse(p, b.n > 0 ? b.p : "", b.n, path, size, e) < 0)
            r = -1;
        t5g_free(path);
    }
    t5g_buf_free(&b);
    if (r == 0)
        return t5g_err_set(e, T5G_EX_NOINPUT,
                           "%s: neither processor_config.json nor preprocessor_config.json says "
                           "how to prepare pictures",
                           dir);
    return r < 0 ? -1 : 0;
}
