/* signals.c: what stops a program. */
#include "cli/signals.h"
#include "cli/output.h"

#include <signal.h>
#include <string.h>

static volatile sig_atomic_t terminated;

static void
die_of(int sig)
{
    t5g_output_discard();
    signal(sig, SIG_DFL);
    raise(sig); /* delivered when this handler returns: the parent sees the true cause */
}

static void
on_term(int sig)
{
    if (terminated)
        die_of(sig);
    terminated = 1;
}

static void catch (int sig, void (*handler)(int), int flags)
{
    struct sigaction now, a;
    if (sigaction(sig, NULL, &now) == 0 && now.sa_handler == SIG_IGN)
        return; /* nohup, or a shell's background job */
    memset(&a, 0, sizeof a);
    a.sa_handler = handler;
    a.sa_flags = flags;
    sigemptyset(&a.sa_mask);
    sigaction(sig, &a, NULL);
}

void
t5g_signals_install(void)
{
    catch (SIGINT, die_of, 0);
    catch (SIGHUP, die_of, 0);
    catch (SIGTERM, on_term, SA_RESTART);
    /* Left at its default, SIGPIPE would leave the temporary file of -o behind. */
    catch (SIGPIPE, die_of, 0);
}

bool
t5g_stop_requested(void)
{
    return terminated != 0;
}
