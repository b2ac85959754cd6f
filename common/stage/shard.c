/* shard.c: this process's part of a list of inputs. */
#include "stage/shard.h"
#include "base/num.h"
#include "cli/message.h"

#include <string.h>

enum { SHARDS_MAX = 1000000 };

void
t5g_shard(const char *arg, size_t n, size_t *first, size_t *count)
{
    char index[16];
    const char *slash = strchr(arg, '/');
    size_t len = slash != NULL ? (size_t)(slash - arg) : sizeof index;
    uint64_t i, of;
    struct t5g_err e = {0};
    if (len >= sizeof index)
        t5g_usage("--shard: '%s' is not I/N", arg);
    memcpy(index, arg, len);
    index[len] = '\0';
    if (t5g_num_u64("--shard", slash + 1, 1, SHARDS_MAX, &of, &e) < 0 ||
        t5g_num_u64("--shard", index, 0, of - 1, &i, &e) < 0)
        t5g_usage("%s", e.msg);
    *first = (size_t)((i * n + of - 1) / of);
    *count = (size_t)(((i + 1) * n + of - 1) / of) - *first;
}
