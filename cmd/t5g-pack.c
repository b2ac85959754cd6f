/* t5g-pack: a model directory to one file, which is mapped and used in place.  See t5g-pack(1). */
#include "base/stamp.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "base/io.h"
#include "stage/listing.h"
#include "stage/model_path.h"
#include "stage/packing.h"
#include "stage/packing_texts.h"
#include "stage/report.h"

#include <string.h>
#include <unistd.h>

static struct {
    int weights;
    struct t5g_list calibrate, report, adapters;
    bool line, jsonl, list;
} opt;

static const struct t5g_option options[] = {
    {0, "weights", "keep|bf16|q8|q6|q4", T5G_OPT_CHOICE, &opt.weights,
     "number format of matrices (default keep: that of the checkpoint)", 0, 0},
    {0, "calibrate", "FILE|off", T5G_OPT_LIST, &opt.calibrate,
     "text for which errors of small weights are compensated (repeatable)", 0, 0},
    {0, "report", "TEXT", T5G_OPT_LIST, &opt.report,
     "compare a packed model with its source on a file of text (repeatable)", 0, 0},
    {0, "list", NULL, T5G_OPT_FLAG, &opt.list,
     "print what a model is made of: source, identities, types and sizes of weights", 0, 0},
    {0, "adapter", "DIR", T5G_OPT_LIST, &opt.adapters,
     "merge the PEFT adapter in DIR into the weights (repeatable)", 0, 0},
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
    (T5G_O_ALL & ~(T5G_O_VERBOSE | T5G_O_ON_ERROR)) | T5G_O_ENCODER_PREFIX};

/* Whether errors are compensated: in small formats unless told otherwise, in others if told to. */
static bool
compensates(void)
{
    bool off = opt.calibrate.n == 1 && strcmp(opt.calibrate.v[0], "off") == 0;
    return !off && (opt.calibrate.n > 0 || opt.weights >= T5G_PACK_Q6);
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

/* What does not go together. operand: the first of n. */
static void
check_usage(const char *operand, size_t n)
{
    if (opt.line && opt.jsonl)
        t5g_usage("-l and --jsonl exclude each other");
    if ((opt.line || opt.jsonl) && opt.report.n == 0)
        t5g_usage("-l and --jsonl say what is in TEXT: give --report TEXT");
    if (opt.report.n > 0 && opt.adapters.n > 0)
        t5g_usage("--report compares with the model as it is: --adapter does not go with it");
    if (n > 1)
        t5g_usage("one MODEL at a time");
    if (n == 1 && operand[0] == '\0')
        t5g_usage("an empty operand");
    if (opt.calibrate.n > 0 && opt.weights < T5G_PACK_Q8)
        t5g_usage("--calibrate goes with --weights q8, q6 or q4");
    for (size_t i = 0; i < opt.calibrate.n && opt.calibrate.n > 1; i++)
        if (strcmp(opt.calibrate.v[i], "off") == 0)
            t5g_usage("--calibrate: 'off' and a file (a file named off is ./off)");
    if (opt.list || opt.report.n == 0 || t5g_common.output != NULL)
        return;
    if (n == 0)
        t5g_usage("--report: name the PACKED model, or pack one with -o FILE");
    if (opt.weights != T5G_PACK_KEEP)
        t5g_usage("--weights is for packing: with --report it needs -o FILE");
}

/* --list of the model; the exit status. */
static int
list(void)
{
    struct t5g_err e;
    struct t5g_buf b = {0};
    if (opt.weights != T5G_PACK_KEEP || opt.calibrate.n > 0 || opt.report.n > 0 ||
        t5g_common.output != NULL)
        t5g_usage("--list prints a table: it excludes -o and what is for packing");
    if (t5g_listing_put(&b, t5g_model_path(), &opt.adapters, &e) < 0 ||
        t5g_write_full(STDOUT_FILENO, "stdout", b.p, b.n, &e) < 0)
        t5g_die_err(&e);
    t5g_buf_free(&b);
    return T5G_EX_OK;
}

int
main(int argc, char **argv)
{
    t5g_start("t5g-pack");
    int first = t5g_run_options(&program, argc, argv);
    bool compare = opt.report.n > 0 && t5g_common.output == NULL;
    if (compare || opt.list)
        t5g_signals_last(NULL, NULL); /* what goes to stdout is no stream */
    check_usage(argv[first], (size_t)(argc - first));
    if (!compare && first < argc)
        t5g_common.model = argv[first];
    if (opt.list)
        return list();

    struct t5g_run run;
    if (!compare)
        t5g_run_open(&run);
    const char *source = t5g_model_path();
    if (opt.report.n > 0 && !compare)
        keep_source(source);
    enum t5g_corpus_mode mode = opt.line    ? T5G_CORPUS_LINE
                                : opt.jsonl ? T5G_CORPUS_JSONL
                                            : T5G_CORPUS_FILE;
    struct t5g_packing_texts texts = {0};
    struct t5g_err e;
    if (t5g_packing_texts_read(&texts, source, &opt.report, mode, &opt.calibrate,
                               !compare && compensates(), &e) < 0)
        t5g_die_err(&e);
    struct t5g_packing packing = {.given = t5g_model_given(),
                                  .weights = (enum t5g_pack_weights)opt.weights,
                                  .adapters = opt.adapters,
                                  .whole = opt.report.n > 0,
                                  .texts = compensates() ? &texts.calibrate : NULL,
                                  .tokenizer = texts.tokenizer};
    int status = compare ? T5G_EX_OK : t5g_packing_run(&run, source, &packing);
    if (opt.report.n > 0 && status == T5G_EX_OK) {
        t5g_signals_again(compare ? "the report is not made"
                                  : "the model is packed, the report is not made");
        if (t5g_report_print(source, compare ? argv[first] : t5g_common.output, texts.tokenizer,
                             &texts.report, &e) < 0)
            t5g_die_err(&e);
    }
    t5g_packing_texts_free(&texts);
    if (compare)
        t5g_progress_end();
    t5g_free(opt.report.v);
    t5g_free(opt.calibrate.v);
    t5g_free(opt.adapters.v);
    return status;
}
