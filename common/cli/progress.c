/* progress.c: a line on stderr, at most once a second. */
#include "cli/progress.h"
#include "base/units.h"
#include "cli/program.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct {
    const char *unit;
    double started, printed;
    uint64_t docs, failed, units, skipped;
    double part_started; /* when the current document first reported; 0: not yet */
    bool shown, on;
    bool piped; /* auto: show only documents that take long */
} s;

enum { LONG = 2 }; /* seconds of work on a document */

void
t5g_progress_start(const char *unit)
{
    s.unit = unit;
    s.started = s.printed = t5g_seconds();
    s.part_started = 0;
    s.on = t5g_common.progress == 2 ||
           (t5g_common.progress == 0 && !t5g_common.quiet && isatty(STDERR_FILENO));
    /* The programs of a pipeline share the line: the last one counts documents, the others show a
     * document while it takes long. */
    struct stat st;
    s.piped = t5g_common.progress == 0 && t5g_common.output == NULL &&
              fstat(STDOUT_FILENO, &st) == 0 && S_ISFIFO(st.st_mode);
}

void
t5g_progress_clear(void)
{
    if (s.shown)
        fputs("\r\x1b[K", stderr);
    s.shown = false;
}

bool
t5g_progress_shown(void)
{
    return s.shown;
}

uint64_t
t5g_progress_docs(void)
{
    return s.docs;
}

/* done/total of the current document, total 0 if unknown. */
static void
show(size_t done, size_t total)
{
    double t = t5g_seconds(), spent = t - s.started;
    char text[T5G_UNITS_MAX];
    if (!s.on || t - s.printed < 1)
        return;
    if (s.piped && (s.part_started == 0 || t - s.part_started < LONG))
        return;
    s.printed = t;
    t5g_progress_clear();
    fprintf(stderr, "%s: %llu documents, %llu %s (%.0f/s), %llu failed", t5g_program_name(),
            (unsigned long long)s.docs, (unsigned long long)s.units, s.unit,
            (double)s.units / spent, (unsigned long long)s.failed);
    if (total > 0)
        fprintf(stderr, "; this one %.0f %%", 100.0 * (double)done / (double)total);
    if (total > 0 && done > 0 && t - s.part_started > LONG)
        fprintf(stderr, ", about %s left",
                t5g_units_time(text, (t - s.part_started) * (double)(total - done) / (double)done));
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
    s.part_started = 0;
    if (s.piped)
        t5g_progress_clear();
    show(0, 0);
}

void
t5g_progress_add(uint64_t units)
{
    s.units += units;
}

void
t5g_progress_skipped(void)
{
    s.skipped++;
}

void
t5g_progress_part(size_t done, size_t total)
{
    if (s.part_started == 0)
        s.part_started = t5g_seconds();
    show(done, total);
}

void
t5g_progress_end(void)
{
    t5g_progress_clear();
    if (!t5g_common.stats || s.unit == NULL)
        return;
    double spent = t5g_seconds() - s.started;
    char text[T5G_UNITS_MAX];
    fprintf(stderr, "%s: %llu documents, %llu failed, %llu %s in %s (%.1f documents/s, %.0f %s/s)",
            t5g_program_name(), (unsigned long long)s.docs, (unsigned long long)s.failed,
            (unsigned long long)s.units, s.unit, t5g_units_time(text, spent),
            (double)s.docs / spent, (double)s.units / spent, s.unit);
    if (s.skipped > 0)
        fprintf(stderr, ", %llu members of archives skipped", (unsigned long long)s.skipped);
    fputc('\n', stderr);
}
