/* progress.c: a line on stderr, once a second at most. */
#include "cli/progress.h"
#include "cli/common.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct {
    const char *unit;
    double started, printed;
    uint64_t docs, failed, units;
    double part_started; /* when the current document began to report */
    size_t part_done;    /* what it reported last */
    bool shown, on;
} s;

static double
now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void
t5g_progress_start(const char *unit)
{
    s.unit = unit;
    s.started = s.printed = now();
    s.on = t5g_common.progress == 2 ||
           (t5g_common.progress == 0 && !t5g_common.quiet && isatty(STDERR_FILENO));
}

void
t5g_progress_clear(void)
{
    if (s.shown)
        fputs("\r\x1b[K", stderr);
    s.shown = false;
}

/* done/total of the current document, total 0 when unknown. */
static void
show(size_t done, size_t total)
{
    double t = now(), spent = t - s.started;
    if (!s.on || t - s.printed < 1)
        return;
    s.printed = t;
    t5g_progress_clear();
    fprintf(stderr, "%s: %llu documents, %llu %s (%.0f/s), %llu failed", t5g_program_name(),
            (unsigned long long)s.docs, (unsigned long long)s.units, s.unit,
            (double)s.units / spent, (unsigned long long)s.failed);
    if (total > 0)
        fprintf(stderr, "; this one %.0f %%", 100.0 * (double)done / (double)total);
    if (total > 0 && done > 0 && t - s.part_started > 2)
        fprintf(stderr, ", about %.0f s left",
                (t - s.part_started) * (double)(total - done) / (double)done);
    if (!isatty(STDERR_FILENO))
        fputc('\n', stderr);
    else
        s.shown = true;
}

void
t5g_progress_doc(bool failed)
{
    s.docs++;
    s.failed += failed;
    show(0, 0);
}

void
t5g_progress_add(uint64_t units)
{
    s.units += units;
}

void
t5g_progress_part(size_t done, size_t total)
{
    if (done <= s.part_done) /* another document */
        s.part_started = now();
    s.part_done = done;
    show(done, total);
}

void
t5g_progress_end(void)
{
    t5g_progress_clear();
    if (!t5g_common.stats || s.unit == NULL)
        return;
    double spent = now() - s.started;
    fprintf(stderr,
            "%s: %llu documents, %llu failed, %llu %s in %.2f s (%.1f documents/s, %.0f %s/s)\n",
            t5g_program_name(), (unsigned long long)s.docs, (unsigned long long)s.failed,
            (unsigned long long)s.units, s.unit, spent, (double)s.docs / spent,
            (double)s.units / spent, s.unit);
}
