/*
 * stop.h: an end that may come at any moment, and the pieces of work that must be whole before it.
 *
 * A program that is asked to stop ends where it stands: nothing of a document at work is kept, so
 * nothing has to be unwound. Only what others see must not be cut in the middle: a frame, a
 * document that is being written, the renaming of a file. Such a piece stands between t5g_stop_hold
 * and t5g_stop_release, in the thread that signals are delivered to; a stop that comes meanwhile
 * happens at the release. Pieces may be nested. They must be short: computing does not belong
 * there.
 */
#ifndef T5G_STOP_H
#define T5G_STOP_H

#include "base/base.h"

void t5g_stop_hold(void);
void t5g_stop_release(void);

/*
 * Called by a signal handler: run `end`, which does not return, now, or at the release of what is
 * held.
 */
void t5g_stop_ask(void (*end)(void));

/* A piece is held: what it writes is not whole. */
bool t5g_stop_held(void);

#endif
