/* pieces.c: cut documents that are too long. */
#include "text/pieces.h"

bool
t5g_piece(const struct t5g_tokenizer *t, unsigned flags, const struct t5g_ids *ids, size_t max,
          size_t k, struct t5g_ids *piece)
{
    const int32_t *before, *after;
    bool bare = (flags & T5G_TOK_BARE) != 0;
    size_t n_before = t5g_tokenizer_before(t, &before), n_after = t5g_tokenizer_after(t, &after);
    n_before = bare ? 0 : n_before;
    n_after = bare ? 0 : n_after;
    size_t around = n_before + n_after, room = max - around, total = ids->n - around;
    if (k * room >= total)
        return false;
    piece->n = 0;
    t5g_ids_append(piece, before, n_before);
    t5g_ids_append(piece, ids->p + n_before + k * room, t5g_min(room, total - k * room));
    t5g_ids_append(piece, after, n_after);
    return true;
}
