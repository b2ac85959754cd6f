/* crops.h: pan and scan: parts of a long picture that are views besides the whole. */
#ifndef T5G_CROPS_H
#define T5G_CROPS_H

#include "base/base.h"

struct t5g_pan_and_scan {
    size_t min_crop;  /* pixels per side: pan_and_scan_min_crop_size */
    size_t max_crops; /* pan_and_scan_max_num_crops */
    double min_ratio; /* longer side / shorter: pan_and_scan_min_ratio_to_activate */
};

/*
 * The number of crops of a picture of w x h (0: only the whole is a view), and their size *cw, *ch;
 * they lie side by side along the longer side, the last may be smaller. Source:
 * image_processing_pil_gemma3.py of transformers, pan_and_scan.
 */
size_t t5g_crops(const struct t5g_pan_and_scan *o, size_t w, size_t h, size_t *cw, size_t *ch);

#endif
