/* installed.h: the model that is installed with the programs. */
#ifndef T5G_INSTALLED_H
#define T5G_INSTALLED_H

/*
 * PREFIX/share/t5g/model for a program in PREFIX/bin; they move together. Whether it is there is
 * for the caller to see. Returns a string that stays, or NULL when the program cannot tell where it
 * is itself: without /proc, when it was not started by its path.
 */
const char *t5g_installed_model(void);

#endif
