/* t5g-pack: a model directory to one file, which is mapped and used in place.  See t5g-pack(1). */
#include "base/stamp.h"
#include "cli/progress.h"
#include "stage/run.h"
#include "cli/signals.h"
#include "model/pack.h"
#include "model/packed.h"
#include "text/table.h"
#include "stage/model_path.h"
#include "stage/report.h"
#include "stage/tokenize.h"

#include <string.h>
#include <unistd.h>

static struct {
    int weights;
    struct t5g_list report;
    bool line, jsonl;
} opt;

static const struct t5g_option options[] = {
    {0, "weights", "keep|bf16|q8|q6|q4", T5G_OPT_CHOICE, &opt.weights,
     "number format of matrices (default keep: that of the checkpoint)", 0, 0},
    {0, "report", "TEXT", T5G_OPT_LIST, &opt.report,
     "compare a packed model with its source on a file of text (repeatable)", 0, 0},
    {'l', "lines", NULL, T5G_OPT_FLAG, &opt.line, "each line of TEXT is a text", 0, 0},
    {0, "jsonl", NULL, T5G_OPT_FLAG, &opt.jsonl,
     "each line of TEXT is a JSON object with a field text", 0, 0},
    T5G_OPTIONS_END,
};

static const struct t5g_program program = {
    "t5g-pack",
    "[options] [MODEL | PACKED]",
    "Put a model directory into one file, ready to be mapped.",
    options,
    "t5g-pack --weights q8 -o model.t5g model",
    T5G_O_ALL & ~(T5G_O_VERBOSE | T5G_O_ON_ERROR)};

/* ---- the report ---- */

static struct {
    struct t5g_tokenizer *tokenizer; /* of the source */
    struct t5g_texts texts;
} about;

/* What is wrong with a text shows before the work begins. */
static void
read_texts(const char *source)
{
    struct t5g_err e;
    struct t5g_corpus_options o = {.paths = opt.report.v,
                                   .n_paths = opt.report.n,
                                   .mode = opt.line    ? T5G_CORPUS_LINE
                                           : opt.jsonl ? T5G_CORPUS_JSONL
                                                       : T5G_CORPUS_FILE,
                                   .note = t5g_document_note};
    if ((about.tokenizer = t5g_tokenizer_open(source, &e)) == NULL ||
        t5g_texts_read(&about.texts, about.tokenizer, &o, &e) < 0)
        t5g_die_err(&e);
}

/* The source has to be there still when the packed model is in place. */
static void
keep_source(const char *source)
{
    struct t5g_stamp from, to;
    if (t5g_stamp_of(source, &from, NULL) == 0 && t5g_stamp_of(t5g_common.output, &to, NULL) == 0 &&
        from.dev == to.dev && from.ino == to.ino)
        t5g_usage("--report: -o %s would replace the model that it is compared with",
                  t5g_common.output);
}

/* Print the table. Returns the exit status. */
static int
report(const char *source, const char *packed)
{
    struct t5g_err e;
    struct t5g_buf table = {0};
    struct t5g_pool *pool = t5g_pool_open(t5g_thread_count(), &e);
    t5g_progress_start("tokens");
    if (pool == NULL ||
        t5g_report_table(source, packed, about.tokenizer, &about.texts, pool, &table, &e) < 0)
        t5g_die_err(&e);
    t5g_progress_clear();
    if (t5g_write_full(STDOUT_FILENO, "stdout", table.p, table.n, &e) < 0)
        t5g_die_err(&e);
    t5g_buf_free(&table);
    t5g_pool_close(pool);
    t5g_texts_free(&about.texts);
    t5g_tokenizer_close(about.tokenizer);
    return T5G_EX_OK;
}

/* ---- packing ---- */

static int
pack(const char *path, struct t5g_run *run)
{
    struct t5g_err e = {0};
    struct t5g_table table;
    struct t5g_model *m = t5g_model_open(path, opt.report.n > 0 ? T5G_NEED_DECODER : 0, &e);
    struct t5g_pool *pool = m != NULL ? t5g_pool_open(t5g_thread_count(), &e) : NULL;
    if (pool == NULL || t5g_table_open(&table, path, &e) < 0)
        t5g_die_err(&e);
    t5g_progress_start("models");
    enum t5g_pack_weights weights = (enum t5g_pack_weights)opt.weights;
    const char *id = t5g_corpus_id(path);
    t5g_at_work(id, strlen(id), 0);
    if (t5g_writer_begin(run->w, NULL, t5g_program_name(), table.h->identity, m->identity,
                         t5g_pack_profile(m, weights), &e) < 0 ||
        t5g_writer_doc(run->w, id, strlen(id), NULL, &e) < 0 ||
        t5g_pack_texts(run->w, path, &e) < 0 ||
        t5g_writer_tensor(run->w, T5G_PACKED_TOKENIZER, T5G_U8, 1, &table.h->size, table.h, NULL,
                          &e) < 0 ||
        t5g_pack_write(run->w, m, weights, pool, t5g_progress_part, &e) < 0 ||
        t5g_writer_close(run->w, NULL, &e) < 0)
        t5g_die_err(&e);
    t5g_run_done(run, 1);
    int status = t5g_run_close(run, NULL);
    t5g_table_close(&table);
    t5g_pool_close(pool);
    t5g_model_close(m);
    return status;
}

/* What does not go together; n operands. */
static void
check_usage(size_t n)
{
    if (opt.line && opt.jsonl)
        t5g_usage("-l and --jsonl exclude each other");
    if ((opt.line || opt.jsonl) && opt.report.n == 0)
        t5g_usage("-l and --jsonl say what is in TEXT: give --report TEXT");
    if (n > 1)
        t5g_usage("one MODEL at a time");
    if (opt.report.n == 0 || t5g_common.output != NULL)
        return;
    if (n == 0)
        t5g_usage("--report: name the PACKED model, or pack one with -o FILE");
    if (opt.weights != T5G_PACK_KEEP)
        t5g_usage("--weights is for packing: with --report it needs -o FILE");
}

int
main(int argc, char **argv)
{
    t5g_start("t5g-pack");
    int first = t5g_run_options(&program, argc, argv);
    bool compare = opt.report.n > 0 && t5g_common.output == NULL;
    if (compare)
        t5g_signals_last(NULL, NULL); /* what goes to stdout is no stream */
    check_usage((size_t)(argc - first));
    if (!compare && first < argc)
        t5g_common.model = argv[first];

    struct t5g_run run;
    if (!compare)
        t5g_run_open(&run);
    const char *source = t5g_model_path();
    if (opt.report.n > 0 && !compare)
        keep_source(source);
    if (opt.report.n > 0)
        read_texts(source);
    int status = compare ? T5G_EX_OK : pack(source, &run);
    if (opt.report.n > 0 && status == T5G_EX_OK) {
        t5g_signals_again();
        status = report(source, compare ? argv[first] : t5g_common.output);
    }
    if (compare)
        t5g_progress_end();
    t5g_free(opt.report.v);
    return status;
}
