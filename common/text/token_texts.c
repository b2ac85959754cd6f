/* token_texts.c: the text of each token of a sequence. */
#include "text/token_texts.h"
#include "text/detokenizer.h"

void
t5g_token_texts(const struct t5g_tokenizer *t, const int32_t *ids, size_t n, struct t5g_buf *texts)
{
    struct t5g_detok one, run; /* of one token; with the bytes of the open run */
    size_t last = 0;           /* byte token of that run */
    t5g_detok_open_inside(&one, t, true);
    t5g_detok_open_inside(&run, t, true);
    for (size_t i = 0; i < n; i++) {
        size_t before = texts[i].n;
        t5g_detok_add(&one, &ids[i], 1, &texts[i]);
        if (one.run.n > 0) {
            t5g_buf_add(&run.run, one.run.p, one.run.n);
            one.run.n = 0;
            last = i;
        } else if (texts[i].n > before) { /* an id without text does not end a run */
            t5g_detok_end(&run, &texts[last]);
        }
    }
    t5g_detok_end(&run, &texts[last]);
    t5g_detok_free(&one);
    t5g_detok_free(&run);
}
