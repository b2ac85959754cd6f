/* signals.h: SIGINT dies cleanly at once; SIGTERM asks to finish the current document. */
#ifndef T5G_SIGNALS_H
#define T5G_SIGNALS_H

#include "base/base.h"

/* SIGINT, SIGHUP and a second SIGTERM: remove unfinished output and die of the signal. */
void t5g_signals_install(void);

/* True once SIGTERM came: end after this document with status 75. */
bool t5g_stop_requested(void);

#endif
