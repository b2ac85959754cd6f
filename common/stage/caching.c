/* caching.c: the option --cache of programs that can cache results. */
#include "stage/caching.h"
#include "base/units.h"
#include "cli/message.h"
#include "cli/program.h"
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
        char read[T5G_UNITS_MAX], written[T5G_UNITS_MAX], saved[T5G_UNITS_MAX];
        t5g_say("cache: %llu hits, %llu misses, %llu stored; %s read, %s written; "
                "%s of work saved",
                (unsigned long long)s->hits, (unsigned long long)s->misses,
                (unsigned long long)s->stored, t5g_units_size(read, s->bytes_read),
                t5g_units_size(written, s->bytes_written), t5g_units_time(saved, s->saved));
    }
    t5g_cache_close(c);
}
