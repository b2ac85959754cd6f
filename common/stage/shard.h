/* shard.h: --shard I/N: this process's part of a list of inputs. */
#ifndef T5G_SHARD_H
#define T5G_SHARD_H

#include "base/base.h"

/*
 * Of n operands the I-th of N runs of neighbours, I from 0: operand j is in run j * N / n, rounded
 * down. arg "I/N"; *first and *count say which. Ends the process (64) when arg is something else.
 */
void t5g_shard(const char *arg, size_t n, size_t *first, size_t *count);

#endif
