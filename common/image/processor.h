/* processor.h: a model directory's settings for preparing pictures. */
#ifndef T5G_PROCESSOR_H
#define T5G_PROCESSOR_H

#include "base/err.h"
#include "image/crops.h"

struct t5g_processor {
    size_t size;          /* pixels per side of the tower's input */
    float value[3 * 256]; /* [channel, level]: a pixel rescaled and normalised */
    bool pan_and_scan;    /* do_pan_and_scan: crop even without the option */
    struct t5g_pan_and_scan crops;
};

/*
 * Read DIR/processor_config.json (its member image_processor), or without that
 * DIR/preprocessor_config.json, as transformers does. size is config.json's image_size, with which
 * the file must agree. Settings for another preparation than ours (another filter, no resizing,
 * centre crop, padding) are refused by name. -1 with e (65, 66).
 */
int t5g_processor_load(struct t5g_processor *p, const char *dir, size_t size, struct t5g_err *e);

/* The same from the text of such an object; path is for messages. */
int t5g_processor_parse(struct t5g_processor *p, const char *text, size_t n, const char *path,
                        size_t size, struct t5g_err *e);

#endif
