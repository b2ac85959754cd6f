/* sequence.c: generated sequences: names of their ends, and memory. */
#include "generate/sequence.h"
#include "base/mem.h"

const char *
t5g_finish_name(enum t5g_finish f)
{
    static const char *const names[] = {"eos", "length", "stop"};
    return names[f];
}

void
t5g_sequence_free(struct t5g_sequence *s)
{
    t5g_free(s->ids);
    t5g_free(s->logprob);
    *s = (struct t5g_sequence){0};
}
