/* t5g-tokenize: text to documents of token ids.  See t5g-tokenize(1). */
#include "cli/document.h"
#include "cli/progress.h"
#include "cli/shard.h"
#include "text/pictures.h"
#include "text/pieces.h"
#include "text/tokenizer.h"

enum { TOO_LONG_ERROR, TOO_LONG_CUT, TOO_LONG_SPLIT };

static struct {
    struct t5g_list texts, images;
    bool line, nul, jsonl, keep_newline, text_only, allow_empty;
    const char *shard;
    int utf8, too_long;
    uint64_t max_tokens;
} opt;

static const struct t5g_option options[] = {
    {'e', "text", "TEXT", T5G_OPT_LIST, &opt.texts,
     "a document given here (repeatable; ids e1, e2, ...)", 0, 0},
    {'i', "image", "IMAGE", T5G_OPT_LIST, &opt.images,
     "a picture of the one text of the run (repeatable)", 0, 0},
    {'l', "lines", NULL, T5G_OPT_FLAG, &opt.line, "every line is a document", 0, 0},
    {'0', "null", NULL, T5G_OPT_FLAG, &opt.nul, "every NUL-terminated text is a document", 0, 0},
    {0, "jsonl", NULL, T5G_OPT_FLAG, &opt.jsonl,
     "every line is a JSON object: text, images, prompt, id", 0, 0},
    {0, "keep-newline", NULL, T5G_OPT_FLAG, &opt.keep_newline,
     "keep the one final newline of a file", 0, 0},
    {0, "allow-empty", NULL, T5G_OPT_FLAG, &opt.allow_empty,
     "an archive without documents is no error", 0, 0},
    {0, "shard", "I/N", T5G_OPT_STRING, &opt.shard,
     "take the I-th (from 0) of N parts of the list of FILEs", 0, 0},
    {0, "text-only", NULL, T5G_OPT_FLAG, &opt.text_only,
     "literals of special tokens in the text stay text", 0, 0},
    {0, "utf8", "error|replace", T5G_OPT_CHOICE, &opt.utf8,
     "ill-formed UTF-8: fail that document, or put U+FFFD", 0, 0},
    {0, "max-tokens", "N", T5G_OPT_U64, &opt.max_tokens,
     "longest document, <bos> included (default: no limit)", 1, 1e15},
    {0, "too-long", "error|cut|split", T5G_OPT_CHOICE, &opt.too_long,
     "what happens beyond --max-tokens", 0, 0},
    {0, NULL, NULL, T5G_OPT_FLAG, NULL, NULL, 0, 0},
};

static const struct t5g_program program = {
    "t5g-tokenize",
    "[options] [FILE ...]",
    "Turn text into documents of token ids.",
    options,
    "t5g-tokenize report.txt | t5g-encode -o report.t5g",
};

static struct t5g_tokenizer *tokenizer;
static struct t5g_picture_text around; /* loaded with the first picture */

/* --too-long cut or split. -1 with e when the limit leaves no room for text. */
static int
write_pieces(struct t5g_run *run, const struct t5g_corpus_doc *d, const struct t5g_ids *ids,
             struct t5g_err *e)
{
    const int32_t *p;
    if (opt.max_tokens <= t5g_tokenizer_before(tokenizer, &p) + t5g_tokenizer_after(tokenizer, &p))
        return t5g_err_set(e, T5G_EX_DATA, "--max-tokens %llu leaves no room for text",
                           (unsigned long long)opt.max_tokens);
    struct t5g_ids piece = {0};
    for (size_t k = 0; t5g_piece(tokenizer, ids, opt.max_tokens, k, &piece); k++) {
        struct t5g_buf id = {0};
        t5g_buf_add(&id, d->id.p, d->id.n);
        if (opt.too_long == TOO_LONG_SPLIT)
            t5g_buf_printf(&id, "#%zu", k + 1);
        t5g_document_write(run, &id, d, &piece);
        t5g_buf_free(&id);
        if (opt.too_long == TOO_LONG_CUT)
            break;
    }
    t5g_ids_free(&piece);
    return 0;
}

static int
tokenize(struct t5g_corpus_doc *d, struct t5g_ids *ids, struct t5g_err *e)
{
    ids->n = 0;
    if (d->n_pictures == 0) {
        t5g_tokenize(tokenizer, d->text.p, d->text.n, opt.text_only ? T5G_TOK_TEXT_ONLY : 0, ids);
        return 0;
    }
    if (opt.text_only)
        return t5g_err_set(e, T5G_EX_DATA, "has pictures, which --text-only has no place for");
    if (around.boi == NULL && t5g_picture_text_load(&around, t5g_model_path(), tokenizer, e) < 0)
        t5g_die_err(e);
    if (!d->has_text)
        t5g_picture_text_alone(&around, d->n_pictures, &d->text);
    return t5g_tokenize_pictures(tokenizer, &around, d->text.p, d->text.n, NULL, d->n_pictures, ids,
                                 e);
}

static int
process(struct t5g_run *run, struct t5g_corpus_doc *d, struct t5g_ids *ids, struct t5g_err *e)
{
    if (t5g_corpus_doc_utf8(d, opt.utf8 == 1, e) < 0 || tokenize(d, ids, e) < 0)
        return -1;
    if (opt.max_tokens == 0 || ids->n <= opt.max_tokens) {
        t5g_document_write(run, &d->id, d, ids);
        return 0;
    }
    if (opt.too_long == TOO_LONG_ERROR)
        return t5g_err_set(e, T5G_EX_DATA, "%zu tokens, limit %llu (--max-tokens)", ids->n,
                           (unsigned long long)opt.max_tokens);
    if (d->n_pictures > 0)
        return t5g_err_set(e, T5G_EX_DATA, "%zu tokens, limit %llu, and pictures are not cut",
                           ids->n, (unsigned long long)opt.max_tokens);
    return write_pieces(run, d, ids, e);
}

int
main(int argc, char **argv)
{
    t5g_start("t5g-tokenize");
    int first = t5g_options_parse(&program, argc, argv);
    if (opt.line + opt.nul + opt.jsonl > 1)
        t5g_usage("-l, -0 and --jsonl exclude each other");
    if (opt.too_long != TOO_LONG_ERROR && opt.max_tokens == 0)
        t5g_usage("--too-long needs --max-tokens");
    size_t texts = opt.texts.n + (size_t)(argc - first), from = 0, n = (size_t)(argc - first);
    if (opt.shard != NULL && (opt.texts.n > 0 || opt.images.n > 0 || n == 0))
        t5g_usage("--shard divides a list of FILEs: give some, and no -e or -i");
    if (opt.shard != NULL)
        t5g_shard(opt.shard, n, &from, &n);
    if (opt.images.n > 0 && (opt.line || opt.nul || opt.jsonl || texts > 1))
        t5g_usage("-i gives pictures to one text: leave out -l, -0, --jsonl and further texts");

    struct t5g_err e = {0}, *fault = NULL;
    if ((tokenizer = t5g_tokenizer_open(t5g_model_path(), &e)) == NULL)
        t5g_die_err(&e);
    struct t5g_corpus *corpus =
        t5g_corpus_open(&(struct t5g_corpus_options){.paths = argv + first + from,
                                                     .n_paths = n,
                                                     .nothing = opt.shard != NULL && n == 0,
                                                     .allow_empty = opt.allow_empty,
                                                     .texts = opt.texts.v,
                                                     .n_texts = opt.texts.n,
                                                     .pictures = opt.images.v,
                                                     .n_pictures = opt.images.n,
                                                     .mode = opt.line    ? T5G_CORPUS_LINE
                                                             : opt.nul   ? T5G_CORPUS_NUL
                                                             : opt.jsonl ? T5G_CORPUS_JSONL
                                                                         : T5G_CORPUS_FILE,
                                                     .keep_newline = opt.keep_newline});
    struct t5g_run run;
    t5g_run_open(&run);
    t5g_progress_start("tokens");
    char *head = t5g_head_make(NULL, "t5g-tokenize", t5g_tokenizer_identity(tokenizer), NULL, NULL);
    if (t5g_writer_head(run.w, head, &e) < 0)
        t5g_die_err(&e);

    struct t5g_corpus_doc d = {0};
    struct t5g_ids ids = {0};
    int r = 0;
    while (!t5g_run_stopping(&run) && (r = t5g_corpus_next(corpus, &d, &e)) == 1)
        if (d.fault.code != 0)
            t5g_run_fail(&run, d.id.p, d.id.n, NULL, &d.fault);
        else if (process(&run, &d, &ids, &e) < 0)
            t5g_run_fail(&run, d.id.p, d.id.n, NULL, &e);
    if (r < 0)
        fault = &e;
    if (t5g_corpus_skipped(corpus) > 0)
        t5g_note("%zu members of archives skipped", t5g_corpus_skipped(corpus));
    int status = t5g_run_close(&run, fault);
    t5g_ids_free(&ids);
    t5g_corpus_doc_free(&d);
    t5g_corpus_close(corpus);
    t5g_free(head);
    t5g_tokenizer_close(tokenizer);
    t5g_picture_text_clear(&around);
    t5g_free(opt.texts.v);
    t5g_free(opt.images.v);
    return status;
}
