/* packing_texts.c: the texts of --report and --calibrate. */
#include "stage/packing_texts.h"
#include "stage/builtin_texts.h"
#include "stage/run.h"

static int
read_files(struct t5g_packing_texts *t, struct t5g_texts *to, const struct t5g_list *paths,
           enum t5g_corpus_mode mode, struct t5g_err *e)
{
    struct t5g_corpus_options o = {
        .paths = paths->v, .n_paths = paths->n, .mode = mode, .note = t5g_run_note};
    return t5g_texts_read(to, t->tokenizer, &o, e);
}

int
t5g_packing_texts_read(struct t5g_packing_texts *t, const char *source,
                       const struct t5g_list *report, enum t5g_corpus_mode mode,
                       const struct t5g_list *calibrate, bool calibrates, struct t5g_err *e)
{
    if (report->n == 0 && !calibrates)
        return 0;
    if ((t->tokenizer = t5g_tokenizer_open(source, e)) == NULL ||
        (report->n > 0 && read_files(t, &t->report, report, mode, e) < 0))
        return -1;
    if (!calibrates)
        return 0;
    return calibrate->n > 0 ? read_files(t, &t->calibrate, calibrate, T5G_CORPUS_FILE, e)
                            : t5g_builtin_texts_read(&t->calibrate, t->tokenizer, e);
}

void
t5g_packing_texts_free(struct t5g_packing_texts *t)
{
    t5g_texts_free(&t->report);
    t5g_texts_free(&t->calibrate);
    t5g_tokenizer_close(t->tokenizer);
    t->tokenizer = NULL;
}
