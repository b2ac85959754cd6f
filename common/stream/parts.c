/* parts.c: which part of a model makes what. */
#include "stream/parts.h"

#include <string.h>

const char *
t5g_id_name(enum t5g_id part)
{
    static const char *const names[T5G_IDS] = {
        [T5G_ID_ENCODER] = "encoder",
        [T5G_ID_VISION] = "vision",
        [T5G_ID_DECODER] = "decoder",
    };
    return names[part];
}

unsigned
t5g_made_by(const char *tensor)
{
    const unsigned rows = T5G_BY_ENCODER | T5G_BY_VISION;
    if (strcmp(tensor, "image.feat") == 0)
        return T5G_BY_VISION;
    if (strcmp(tensor, "embedding") == 0)
        return rows | T5G_BY_MODULES;
    if (strncmp(tensor, "encoder.out", 11) == 0 || strncmp(tensor, "hidden.", 7) == 0)
        return rows;
    return strncmp(tensor, "decode.", 7) == 0 || strncmp(tensor, "label.", 6) == 0 ? T5G_BY_MODEL
                                                                                   : 0;
}
