/*
 * stop.h: stop at any moment, except inside short pieces of work that must complete.
 *
 * A program that is asked to stop ends at once: a document in progress is discarded, so nothing has
 * to be unwound. Only what others see must not be cut short: a frame, a document being written, the
 * renaming of a file. Such a piece runs between t5g_stop_hold and t5g_stop_release, in the thread
 * that receives signals; a stop asked for meanwhile takes effect at the release. Pieces may be
 * nested, and must be short: no computation inside.
 */
#ifndef T5G_STOP_H
#define T5G_STOP_H

#include "base/base.h"

void t5g_stop_hold(void);
void t5g_stop_release(void);

/*
 * Called by a signal handler: run `end`, which does not return, now or at the release if a piece is
 * held.
 */
void t5g_stop_ask(void (*end)(void));

/* Whether a piece is held, so that its output is incomplete. */
bool t5g_stop_held(void);

#endif
