/* t5g-detok: token ids to text.  See t5g-detok(1). */
#include "cli/output.h"
#include "cli/progress.h"
#include "stage/detok.h"
#include "stage/run.h"
#include "stage/model_path.h"

#include <string.h>
#include <unistd.h>

static struct {
    struct t5g_records_options out;
    bool jsonl, tsv, nul, input, force, infill, provenance;
    const char *sentinel;
    uint64_t first;
    uint64_t max_frame;
} opt = {.first = UINT64_MAX, .max_frame = T5G_FRAME_SIZE_DEFAULT};

static const struct t5g_option options[] = {
    {0, "jsonl", NULL, T5G_OPT_FLAG, &opt.jsonl, "print one JSON object per sequence", 0, 0},
    {0, "tsv", NULL, T5G_OPT_FLAG, &opt.tsv,
     "print a table: one row per document, one column per prompt", 0, 0},
    {'0', "null", NULL, T5G_OPT_FLAG, &opt.nul,
     "end each text with NUL, and keep newlines inside it", 0, 0},
    {0, "newline", "space|keep|escape", T5G_OPT_CHOICE, &opt.out.newline,
     "how a newline inside a text is printed in lines (default space)", 0, 0},
    {0, "trim", NULL, T5G_OPT_FLAG, &opt.out.trim, "remove white space at both ends of each text",
     0, 0},
    {0, "all", NULL, T5G_OPT_FLAG, &opt.out.all, "print special tokens too", 0, 0},
    {0, "input", NULL, T5G_OPT_FLAG, &opt.input, "print input.ids instead of decode.ids", 0, 0},
    {0, "infill", NULL, T5G_OPT_FLAG, &opt.infill,
     "print the document's text with answers in its gaps", 0, 0},
    {0, "sentinel", "NAME", T5G_OPT_STRING, &opt.sentinel,
     "with --infill: gaps are the sentinels <NAMEn> (default unused)", 0, 0},
    {0, "first", "N", T5G_OPT_U64, &opt.first,
     "with --infill: number of the first sentinel (default 6237)", 0, 1e9},
    {0, "provenance", NULL, T5G_OPT_FLAG, &opt.provenance,
     "with --jsonl: say which programs, model and options made a record", 0, 0},
    T5G_OPTION_FORCE(&opt.force, "accept streams made with another tokenizer"),
    T5G_OPTION_MAX_FRAME(&opt.max_frame),
    T5G_OPTIONS_END,
};

static const struct t5g_program program = {"t5g-detok",
                                           "[options] [FILE ...]",
                                           "Turn token ids into text, one record per sequence.",
                                           options,
                                           "t5g-decode -p 'section:' report.t5g | t5g-detok --trim",
                                           T5G_O_ALL & ~T5G_O_THREADS};

/* HEAD must name this tokenizer, or none. */
static int
check_head(const struct t5g_source *in, const struct t5g_tokenizer_id *id, struct t5g_err *e)
{
    const char *theirs = t5g_source_head(in)->tok;
    if (opt.force || theirs[0] == '\0' || t5g_tokenizer_check(id, theirs, e) == 0)
        return 0;
    return t5g_err_in(e, "%s", t5g_source_name(in));
}

int
main(int argc, char **argv)
{
    t5g_start("t5g-detok");
    int first = t5g_options_parse(&program, argc, argv);
    if (opt.jsonl + opt.tsv + opt.nul > 1)
        t5g_usage("--jsonl, --tsv and -0 exclude each other");
    if ((opt.jsonl || opt.tsv || opt.nul) && opt.out.newline != T5G_NEWLINE_SPACE)
        t5g_usage("--newline is for line output: --jsonl, --tsv and -0 are exact");
    if (opt.infill && opt.input)
        t5g_usage("--infill puts decode.ids into input.ids: leave --input out");
    if ((opt.sentinel != NULL || opt.first != UINT64_MAX) && !opt.infill)
        t5g_usage("--sentinel and --first are for --infill");
    if (opt.provenance && !opt.jsonl)
        t5g_usage("--provenance is for --jsonl");
    opt.out.form = opt.jsonl ? T5G_RECORDS_JSONL
                   : opt.tsv ? T5G_RECORDS_TSV
                   : opt.nul ? T5G_RECORDS_NUL
                             : T5G_RECORDS_LINE;
    opt.out.frame = opt.input ? "input.ids" : "decode.ids";

    struct t5g_err e = {0};
    struct t5g_tokenizer *t = t5g_tokenizer_open(t5g_tokenizer_path(), &e);
    struct t5g_sentinels *sentinels = NULL;
    if (t != NULL && opt.infill &&
        (sentinels = t5g_sentinels_open(t, opt.sentinel != NULL ? opt.sentinel : T5G_SENTINEL_NAME,
                                        opt.first != UINT64_MAX ? opt.first : T5G_SENTINEL_FIRST, 0,
                                        &e)) == NULL)
        t5g_die_err(&e);
    opt.out.infill = sentinels;
    if (t == NULL || (opt.out.fd = t5g_output_open(t5g_common.output, false, &e)) < 0)
        t5g_die_err(&e);
    opt.out.name = t5g_output_name();
    opt.out.terminal = isatty(opt.out.fd);
    opt.out.stop_on_error = t5g_common.on_error == 1;
    t5g_reader_notes(t5g_run_note);
    struct t5g_source *in =
        t5g_source_open(argv + first, (size_t)(argc - first), opt.max_frame, opt.force);
    opt.out.source = opt.provenance ? in : NULL;
    struct t5g_records *records = t5g_records_open(t, &opt.out);

    t5g_progress_start("tokens");
    struct t5g_frame f;
    int r = t5g_source_start(in, &e);
    if (r == 0)
        r = check_head(in, t5g_tokenizer_id(t), &e);
    bool begun = r == 0;
    if (begun)
        while ((r = t5g_source_frame(in, &f, &e)) == 1 &&
               (r = t5g_records_frame(records, &f, &e)) >= 0)
            ;
    struct t5g_err io = {0};
    if (begun && t5g_records_end(records, &io) < 0 && r == 0) {
        r = -1;
        e = io;
    }
    int status = t5g_run_end_text(t5g_records_failed(records) > 0 ? T5G_EX_DOCS : T5G_EX_OK,
                                  r < 0 ? &e : NULL);
    t5g_records_close(records);
    t5g_sentinels_close(sentinels);
    t5g_source_close(in);
    t5g_tokenizer_close(t);
    return status;
}
