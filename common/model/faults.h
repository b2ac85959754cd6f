/* faults.h: faults of one object, all of them in one message. */
#ifndef T5G_FAULTS_H
#define T5G_FAULTS_H

#include "base/err.h"
#include "base/mem.h"

/* Zero-initialise. */
struct t5g_faults {
    struct t5g_buf text; /* joined by "; ", as far as a message has room */
    size_t n, left_out;
};

/* Once, if it is there already. */
void t5g_faults_add(struct t5g_faults *f, const char *fmt, ...) T5G_PRINTF(2, 3);

/* Free it: 0 if there are no faults, else -1 with e (65): "NAME: fault; fault; and 3 more". */
int t5g_faults_end(struct t5g_faults *f, const char *name, struct t5g_err *e);

#endif
