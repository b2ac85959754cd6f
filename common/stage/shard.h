/* shard.h: --shard I/N: this process's part of a list of inputs. */
#ifndef T5G_SHARD_H
#define T5G_SHARD_H

#include "base/base.h"

/*
 * Part I, counted from 0, of n operands divided into N contiguous parts: operand j is in part
 * j * N / n, rounded down. arg is "I/N"; the part is *count operands from *first on. Ends the
 * process (64) if arg is malformed.
 */
void t5g_shard(const char *arg, size_t n, size_t *first, size_t *count);

#endif
