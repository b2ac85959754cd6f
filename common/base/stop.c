/* stop.c: pieces of work that must complete before the program stops. */
#include "base/stop.h"

#include <signal.h>

static volatile sig_atomic_t held, asked;
static void (*volatile ending)(void);

void
t5g_stop_hold(void)
{
    held = held + 1;
}

void
t5g_stop_release(void)
{
    held = held - 1;
    if (held == 0 && asked)
        ending();
}

void
t5g_stop_ask(void (*end)(void))
{
    ending = end;
    asked = 1;
    if (held == 0)
        end();
}

bool
t5g_stop_held(void)
{
    return held != 0;
}
