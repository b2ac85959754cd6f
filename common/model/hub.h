/* hub.h: models by their names on a hub, found where the hub's own programs have put them. */
#ifndef T5G_HUB_H
#define T5G_HUB_H

#include "base/err.h"

/*
 * Look for NAME, OWNER/NAME, or either followed by @REVISION, in the cache of huggingface_hub on
 * this machine; nothing is fetched. The cache is, as there, HF_HUB_CACHE, else HF_HOME/hub, else
 * huggingface/hub in XDG_CACHE_HOME or ~/.cache. REVISION is a branch or tag (a file in refs), or a
 * commit (a folder in snapshots); without one it is main.
 *
 * 1 with *path, the folder of the snapshot, freed by t5g_free; 0 if `name` cannot be the name of a
 * model; -1 with e (66), which says what is in the cache, or how to get the model.
 */
int t5g_hub_find(const char *name, char **path, struct t5g_err *e);

/*
 * The snapshot of a model's folder in the cache ("models--OWNER--NAME"): the one of `revision`;
 * NULL if there is none. Freed by t5g_free.
 */
char *t5g_hub_snapshot(const char *folder, const char *revision);

#endif
