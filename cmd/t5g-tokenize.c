/* t5g-tokenize: text to documents of token ids.  See t5g-tokenize(1). */
#include "stage/tokenize.h"
#include "cli/file_list.h"
#include "cli/used_options.h"
#include "stage/shard.h"
#include "cli/signals.h"
#include "stage/model_path.h"

static struct {
    struct t5g_list texts, images;
    bool line, nul, jsonl, keep_newline, allow_empty, infill, ul2;
    const char *shard, *names, *sentinel;
    uint64_t first;
    struct t5g_tokenize_stage x;
} opt = {.first = UINT64_MAX};

static const struct t5g_option options[] = {
    {'e', "text", "TEXT", T5G_OPT_LIST, &opt.texts,
     "use TEXT as a document (repeatable; ids e1, e2, ...)", 0, 0},
    {'i', "image", "IMAGE", T5G_OPT_LIST, &opt.images,
     "add a picture to the one text of the run (repeatable)", 0, 0},
    {'l', "lines", NULL, T5G_OPT_FLAG, &opt.line, "each line is a document", 0, 0},
    {'0', "null", NULL, T5G_OPT_FLAG, &opt.nul, "each NUL-terminated text is a document", 0, 0},
    {0, "jsonl", NULL, T5G_OPT_FLAG, &opt.jsonl,
     "each line is a JSON object with text, images, prompt, target, id", 0, 0},
    {0, "keep-newline", NULL, T5G_OPT_FLAG, &opt.keep_newline,
     "keep the newline at the end of a file", 0, 0},
    {0, "allow-empty", NULL, T5G_OPT_FLAG, &opt.allow_empty, "accept an archive without documents",
     0, 0},
    {0, "files0-from", "FILE", T5G_OPT_ONCE, &opt.names,
     "read NUL-terminated file names from FILE (-: stdin)", 0, 0},
    {0, "shard", "I/N", T5G_OPT_ONCE, &opt.shard,
     "process part I (counted from 0) of N of the list of files", 0, 0},
    {0, "no-bos", NULL, T5G_OPT_FLAG, &opt.x.no_bos,
     "add no special tokens around the text: leave out the post-processor", 0, 0},
    {0, "template", "TEXT", T5G_OPT_STRING, &opt.x.template,
     "tokenize TEXT with each text in place of its {text}", 0, 0},
    {0, "infill", NULL, T5G_OPT_FLAG, &opt.infill, "make each <gap> of a text a sentinel", 0, 0},
    {0, "ul2", NULL, T5G_OPT_FLAG, &opt.ul2,
     "make a training pair of each text: input.ids and target.ids", 0, 0},
    {0, "sentinel", "NAME", T5G_OPT_STRING, &opt.sentinel,
     "use the sentinels <NAMEn> (default unused)", 0, 0},
    {0, "first", "N", T5G_OPT_U64, &opt.first,
     "number of the first sentinel, from which they count down (default 6237)", 0, 1e9},
    {0, "seed", "N", T5G_OPT_U64, &opt.x.seed, "seed of --ul2 (default 0)", 0, 0x1p53},
    {0, "text-only", NULL, T5G_OPT_FLAG, &opt.x.text_only,
     "tokenize literals of special tokens as plain text", 0, 0},
    {0, "utf8", "error|replace", T5G_OPT_CHOICE, &opt.x.utf8,
     "ill-formed UTF-8: fail the document, or replace by U+FFFD", 0, 0},
    {0, "max-tokens", "N", T5G_OPT_U64, &opt.x.max_tokens,
     "maximum length of a document, <bos> included (default: no limit)", 1, 1e15},
    {0, "too-long", "error|cut|split", T5G_OPT_CHOICE, &opt.x.too_long,
     "what to do with documents longer than --max-tokens", 0, 0},
    T5G_OPTIONS_END,
};

static const struct t5g_program program = {"t5g-tokenize",
                                           "[options] [FILE ...]",
                                           "Turn text into documents of token ids.",
                                           options,
                                           "t5g-tokenize report.txt | t5g-encode -o report.t5g",
                                           T5G_O_ALL & ~T5G_O_THREADS};

/* Refuse contradictory options. n: number of FILE operands. */
static void
check_usage(size_t n)
{
    if (opt.line + opt.nul + opt.jsonl > 1)
        t5g_usage("-l, -0 and --jsonl exclude each other");
    if (opt.x.too_long != T5G_TOO_LONG_ERROR && opt.x.max_tokens == 0)
        t5g_usage("--too-long needs --max-tokens");
    struct t5g_err e;
    size_t at;
    if (opt.x.template != NULL && t5g_template_field(opt.x.template, &at, &e) < 0)
        t5g_usage("%s", e.msg);
    if (opt.infill && opt.ul2)
        t5g_usage("--infill and --ul2 exclude each other");
    if ((opt.sentinel != NULL || opt.first != UINT64_MAX) && !opt.infill && !opt.ul2)
        t5g_usage("--sentinel and --first are for --infill and --ul2");
    if (opt.infill && opt.x.too_long != T5G_TOO_LONG_ERROR)
        t5g_usage("--infill excludes --too-long %s: gaps may be in what is cut off",
                  opt.x.too_long == T5G_TOO_LONG_CUT ? "cut" : "split");
    if (t5g_used(&opt.x.seed) && !opt.ul2)
        t5g_usage("--seed is for --ul2");
    if (opt.names != NULL && (opt.texts.n > 0 || opt.images.n > 0 || n > 0))
        t5g_usage("--files0-from gives the FILEs: leave out operands, -e and -i");
    if (opt.shard != NULL && (opt.texts.n > 0 || opt.images.n > 0 || (n == 0 && opt.names == NULL)))
        t5g_usage("--shard divides a list of FILEs: give some, and no -e or -i");
    if (opt.images.n > 0 && (opt.line || opt.nul || opt.jsonl || opt.texts.n + n > 1))
        t5g_usage("-i gives pictures to one text: leave out -l, -0, --jsonl and further texts");
}

int
main(int argc, char **argv)
{
    t5g_start("t5g-tokenize");
    int first = t5g_run_options(&program, argc, argv);
    check_usage((size_t)(argc - first));
    t5g_used_stdin_check(argv + first, (size_t)(argc - first), false, "texts");
    struct t5g_names names = {argv + first, (size_t)(argc - first), {0}};
    if (opt.names != NULL)
        t5g_names_from(&names, opt.names);
    size_t from = 0, n = names.n;
    if (opt.shard != NULL)
        t5g_shard(opt.shard, n, &from, &n);

    struct t5g_err e = {0};
    struct t5g_run run;
    t5g_run_open(&run);
    if ((opt.x.tokenizer = t5g_tokenizer_open(t5g_tokenizer_path(), &e)) == NULL)
        t5g_die_err(&e);
    if ((opt.infill || opt.ul2) &&
        t5g_tokenize_sentinels(
            &opt.x, opt.infill, opt.ul2, opt.sentinel != NULL ? opt.sentinel : T5G_SENTINEL_NAME,
            opt.first != UINT64_MAX ? opt.first : T5G_SENTINEL_FIRST, t5g_model_path(), &e) < 0)
        t5g_die_err(&e);
    struct t5g_corpus *corpus = t5g_corpus_open(
        &(struct t5g_corpus_options){.paths = names.v + from,
                                     .n_paths = n,
                                     .nothing = (opt.shard != NULL || opt.names != NULL) && n == 0,
                                     .allow_empty = opt.allow_empty,
                                     .texts = opt.texts.v,
                                     .n_texts = opt.texts.n,
                                     .pictures = opt.images.v,
                                     .n_pictures = opt.images.n,
                                     .mode = opt.line    ? T5G_CORPUS_LINE
                                             : opt.nul   ? T5G_CORPUS_NUL
                                             : opt.jsonl ? T5G_CORPUS_JSONL
                                                         : T5G_CORPUS_FILE,
                                     .keep_newline = opt.keep_newline,
                                     .note = t5g_run_note});
    int r = t5g_tokenize_corpus(&opt.x, &run, corpus, &e);
    int status = t5g_run_close(&run, r < 0 ? &e : NULL);
    t5g_corpus_close(corpus);
    t5g_sentinels_close(opt.x.infill != NULL ? opt.x.infill : opt.x.ul2);
    t5g_tokenizer_close(opt.x.tokenizer);
    t5g_picture_text_clear(&opt.x.around);
    t5g_names_free(&names);
    t5g_free(opt.texts.v);
    t5g_free(opt.images.v);
    return status;
}
