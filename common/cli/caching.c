/* caching.c: the option --cache of programs that can keep results. */
#include "cli/caching.h"
#include "cli/common.h"
#include "cli/progress.h"
#include "kernels/kernels.h"

#include <stdio.h>
#include <string.h>

void
t5g_caching_profile(char out[96], const char *weights, const char *level)
{
    snprintf(out, 96, "%s %s %d", weights, level, T5G_KERNEL_GENERATION);
}

static void
warn(const char *line)
{
    t5g_warn("%s", line);
}

struct t5g_cache *
t5g_caching_open(const char *option)
{
    if (option == NULL || strcmp(option, "off") == 0)
        return NULL;
    return t5g_cache_open(option[0] != '\0' ? option : NULL, warn);
}

void
t5g_caching_close(struct t5g_cache *c)
{
    if (c != NULL && t5g_common.stats) {
        const struct t5g_cache_stats *s = t5g_cache_stats(c);
        t5g_progress_clear();
        fprintf(stderr,
                "%s: cache: %llu hits, %llu misses, %llu stored; %.1f MB read, %.1f MB written; "
                "%.1f s of work saved\n",
                t5g_program_name(), (unsigned long long)s->hits, (unsigned long long)s->misses,
                (unsigned long long)s->stored, (double)s->bytes_read / 1e6,
                (double)s->bytes_written / 1e6, s->saved);
    }
    t5g_cache_close(c);
}
