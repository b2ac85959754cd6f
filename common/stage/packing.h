/* packing.h: a model directory to one document, the packed model. */
#ifndef T5G_PACKING_H
#define T5G_PACKING_H

#include "model/pack.h"
#include "stage/run.h"
#include "stage/texts.h"

struct t5g_packing {
    const char *given; /* the model as it is named: of sentence-transformers, what is around path */
    enum t5g_pack_weights weights;
    struct t5g_list adapters; /* merged into the weights */
    bool whole;               /* the model must have a decoder */
    /* Errors of quantised weights are compensated for these texts; NULL: for none. */
    const struct t5g_texts *texts;
    const struct t5g_tokenizer *tokenizer; /* of the model, if there are texts */
};

/* Write the model at path, and end the run. Returns the exit status; ends the process on errors. */
int t5g_packing_run(struct t5g_run *run, const char *path, const struct t5g_packing *p);

#endif
