/* parts.h: the parts of a model that make what is in a stream. */
#ifndef T5G_PARTS_H
#define T5G_PARTS_H

#include "base/hash.h"

/*
 * The parts of a model that have identities of their own, since each of them makes something that
 * other models with the same part can use: encoder outputs, image features, answers.
 */
enum t5g_id { T5G_ID_ENCODER, T5G_ID_VISION, T5G_ID_DECODER, T5G_IDS };

/* The name of a part's identity in HEAD: "encoder", "vision", "decoder". */
const char *t5g_id_name(enum t5g_id part);

enum { T5G_SOURCE_NAME = 128 };

/* The identities of a model, "" for a part that it does not have, and a name for people. */
struct t5g_parts {
    char id[T5G_IDS][T5G_HEX128];
    char source[T5G_SOURCE_NAME]; /* "t5gemma-2-270m"; enters no key and no document */
};

/* What two streams, or a stream and a model, are compared in, or-ed. */
enum {
    T5G_BY_ENCODER = 1 << T5G_ID_ENCODER,
    T5G_BY_VISION = 1 << T5G_ID_VISION,
    T5G_BY_DECODER = 1 << T5G_ID_DECODER,
    T5G_BY_MODEL = T5G_BY_ENCODER | T5G_BY_VISION | T5G_BY_DECODER,
    T5G_BY_TOKENIZER = 8,
    T5G_BY_PROFILE = 16, /* the numeric profile */
    T5G_BY_MODULES = 32, /* also if only one of two encoders has modules after it */
    T5G_BY_ALL = T5G_BY_MODEL | T5G_BY_TOKENIZER | T5G_BY_PROFILE,
};

/*
 * What makes a tensor of this name: "embedding" the encoder, the vision part (of what it was made
 * from) and the modules, "image.feat" the vision part, "decode.ids" all parts; 0 for "input.ids"
 * and unknown names. Without tokenizer and profile.
 */
unsigned t5g_made_by(const char *tensor);

#endif
