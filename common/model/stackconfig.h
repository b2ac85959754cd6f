/* stackconfig.h: one stack's part of config.json. */
#ifndef T5G_STACKCONFIG_H
#define T5G_STACKCONFIG_H

#include "model/config.h"
#include "model/fields.h"

/*
 * Read widths, layer types, rope and soft-cap of the text encoder or the decoder into *c (zeroed
 * before; t5g_config_clear frees c->full) and check them against each other. Errors go to f.
 */
void t5g_stack_config_read(struct t5g_stack_config *c, struct t5g_fields *f, struct t5g_place p);

#endif
