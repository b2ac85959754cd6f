/* t5g-pack: a model directory to one file, which is mapped and used in place.  See t5g-pack(1). */
#include "cli/progress.h"
#include "stage/run.h"
#include "cli/signals.h"
#include "model/pack.h"
#include "model/packed.h"
#include "store/corpus.h"
#include "text/table.h"
#include "stage/model_path.h"

#include <string.h>

static struct {
    int weights;
} opt;

static const struct t5g_option options[] = {
    {0, "weights", "keep|bf16|q8|q4", T5G_OPT_CHOICE, &opt.weights,
     "number format of matrices (default keep: that of the checkpoint)", 0, 0},
    {0, NULL, NULL, T5G_OPT_FLAG, NULL, NULL, 0, 0},
};

static const struct t5g_program program = {
    "t5g-pack",
    "[options] [MODEL]",
    "Put a model directory into one file, ready to be mapped.",
    options,
    "t5g-pack --weights q8 -o model.t5g model",
    T5G_O_ALL & ~(T5G_O_VERBOSE | T5G_O_ON_ERROR)};

int
main(int argc, char **argv)
{
    t5g_start("t5g-pack");
    int first = t5g_run_options(&program, argc, argv);
    if (argc - first > 1)
        t5g_usage("one MODEL at a time");
    if (first < argc)
        t5g_common.model = argv[first];

    struct t5g_err e = {0};
    struct t5g_run run;
    t5g_run_open(&run);
    const char *path = t5g_model_path();
    struct t5g_table table;
    struct t5g_model *m = t5g_model_open(path, 0, &e);
    struct t5g_pool *pool = m != NULL ? t5g_pool_open(t5g_thread_count(), &e) : NULL;
    if (pool == NULL || t5g_table_open(&table, path, &e) < 0)
        t5g_die_err(&e);
    t5g_progress_start("models");
    enum t5g_pack_weights weights = (enum t5g_pack_weights)opt.weights;
    const char *id = t5g_corpus_id(path);
    t5g_at_work(id, strlen(id), 0);
    if (t5g_writer_begin(run.w, NULL, t5g_program_name(), table.h->identity, m->identity,
                         t5g_pack_profile(m, weights), &e) < 0 ||
        t5g_writer_doc(run.w, id, strlen(id), NULL, &e) < 0 ||
        t5g_pack_texts(run.w, path, &e) < 0 ||
        t5g_writer_tensor(run.w, T5G_PACKED_TOKENIZER, T5G_U8, 1, &table.h->size, table.h, NULL,
                          &e) < 0 ||
        t5g_pack_write(run.w, m, weights, pool, t5g_progress_part, &e) < 0 ||
        t5g_writer_close(run.w, NULL, &e) < 0)
        t5g_die_err(&e);
    t5g_run_done(&run, 1);
    int status = t5g_run_close(&run, NULL);
    t5g_table_close(&table);
    t5g_pool_close(pool);
    t5g_model_close(m);
    return status;
}
