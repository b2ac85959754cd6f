/* t5g-tokenize: text to documents of token ids.  See t5g-tokenize(1). */
#include "base/utf8.h"
#include "cli/run.h"
#include "cli/progress.h"
#include "store/corpus.h"
#include "text/tokenizer.h"

#include <stdio.h>
#include <string.h>

enum { TOO_LONG_ERROR, TOO_LONG_CUT, TOO_LONG_SPLIT };

static struct {
    struct t5g_list texts;
    bool line, nul, jsonl, keep_newline, text_only;
    int utf8, too_long;
    uint64_t max_tokens;
} opt;

static const struct t5g_option options[] = {
    {'e', "text", "TEXT", T5G_OPT_LIST, &opt.texts,
     "a document given here (repeatable; ids e1, e2, ...)", 0, 0},
    {'l', "lines", NULL, T5G_OPT_FLAG, &opt.line, "every line is a document", 0, 0},
    {'0', "null", NULL, T5G_OPT_FLAG, &opt.nul, "every NUL-terminated text is a document", 0, 0},
    {0, "jsonl", NULL, T5G_OPT_FLAG, &opt.jsonl, "every line is a JSON object: text, prompt, id", 0,
     0},
    {0, "keep-newline", NULL, T5G_OPT_FLAG, &opt.keep_newline,
     "keep the one final newline of a file", 0, 0},
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
};

/* One document of ids, whole. */
static void
write_doc(struct t5g_run *run, const char *id, size_t id_len, const struct t5g_corpus_doc *d,
          const int32_t *ids, size_t n)
{
    struct t5g_err e;
    char meta[64];
    snprintf(meta, sizeof meta, "{\"ntok\":%zu}", n);
    if (t5g_writer_doc(run->w, id, id_len, NULL, &e) < 0 ||
        t5g_writer_tensor(run->w, "input.ids", T5G_I32, 1, (uint64_t[]){n}, ids, NULL, &e) < 0 ||
        (d->has_prompt && t5g_writer_text(run->w, "prompt", d->prompt.p, d->prompt.n, &e) < 0) ||
        t5g_writer_close(run->w, meta, &e) < 0)
        t5g_die_err(&e);
    t5g_run_done(run, n);
}

/*
 * Cut or split: every piece is one the tokenizer could have made of a shorter text, with the
 * post-processor's ids before and after. -1 with e when the limit leaves no room for text.
 */
static int
write_pieces(struct t5g_run *run, const struct t5g_tokenizer *t, const struct t5g_corpus_doc *d,
             const struct t5g_ids *ids, struct t5g_err *e)
{
    const int32_t *before, *after;
    size_t n_before = t5g_tokenizer_before(t, &before), n_after = t5g_tokenizer_after(t, &after);
    size_t frame = n_before + n_after, left = ids->n - frame;
    const int32_t *p = ids->p + n_before;
    if (opt.max_tokens <= frame)
        return t5g_err_set(e, T5G_EX_DATA, "--max-tokens %llu leaves no room for text",
                           (unsigned long long)opt.max_tokens);
    struct t5g_ids piece = {0};
    for (size_t k = 1; left > 0 && (k == 1 || opt.too_long == TOO_LONG_SPLIT); k++) {
        size_t n = t5g_min(left, opt.max_tokens - frame);
        struct t5g_buf id = {0};
        piece.n = 0;
        t5g_ids_append(&piece, before, n_before);
        t5g_ids_append(&piece, p, n);
        t5g_ids_append(&piece, after, n_after);
        t5g_buf_add(&id, d->id.p, d->id.n);
        if (opt.too_long == TOO_LONG_SPLIT)
            t5g_buf_printf(&id, "#%zu", k);
        write_doc(run, id.p, id.n, d, piece.p, piece.n);
        t5g_buf_free(&id);
        p += n;
        left -= n;
    }
    t5g_ids_free(&piece);
    return 0;
}

static int
process(struct t5g_run *run, const struct t5g_tokenizer *t, struct t5g_corpus_doc *d,
        struct t5g_ids *ids, struct t5g_err *e)
{
    struct t5g_buf *texts[] = {&d->text, d->has_prompt ? &d->prompt : NULL};
    for (size_t i = 0; i < T5G_LEN(texts) && texts[i] != NULL; i++) {
        size_t bad = t5g_utf8_check(texts[i]->p, texts[i]->n);
        if (bad == texts[i]->n)
            continue;
        if (opt.utf8 == 0)
            return t5g_err_set(e, T5G_EX_DATA, "%sinvalid UTF-8 at byte %zu",
                               i == 1 ? "prompt: " : "", bad);
        struct t5g_buf good = {0};
        t5g_utf8_replace(&good, texts[i]->p, texts[i]->n);
        t5g_buf_free(texts[i]);
        *texts[i] = good;
    }
    ids->n = 0;
    t5g_tokenize(t, d->text.p, d->text.n, opt.text_only ? T5G_TOK_TEXT_ONLY : 0, ids);
    if (opt.max_tokens > 0 && ids->n > opt.max_tokens) {
        if (opt.too_long == TOO_LONG_ERROR)
            return t5g_err_set(e, T5G_EX_DATA, "%zu tokens, limit %llu (--max-tokens)", ids->n,
                               (unsigned long long)opt.max_tokens);
        return write_pieces(run, t, d, ids, e);
    }
    write_doc(run, d->id.p, d->id.n, d, ids->p, ids->n);
    return 0;
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

    struct t5g_err e = {0}, *fault = NULL;
    struct t5g_tokenizer *t = t5g_tokenizer_open(t5g_model_path(), &e);
    if (t == NULL)
        t5g_die_err(&e);
    struct t5g_corpus *corpus =
        t5g_corpus_open(&(struct t5g_corpus_options){.paths = argv + first,
                                                     .n_paths = (size_t)(argc - first),
                                                     .texts = opt.texts.v,
                                                     .n_texts = opt.texts.n,
                                                     .mode = opt.line    ? T5G_CORPUS_LINE
                                                             : opt.nul   ? T5G_CORPUS_NUL
                                                             : opt.jsonl ? T5G_CORPUS_JSONL
                                                                         : T5G_CORPUS_FILE,
                                                     .keep_newline = opt.keep_newline});
    struct t5g_run run;
    t5g_run_open(&run);
    t5g_progress_start("tokens");
    char *head = t5g_head_make(NULL, "t5g-tokenize", t5g_tokenizer_identity(t), NULL, NULL);
    if (t5g_writer_head(run.w, head, &e) < 0)
        t5g_die_err(&e);

    struct t5g_corpus_doc d = {0};
    struct t5g_ids ids = {0};
    int r = 0;
    while (!t5g_run_stopping(&run) && (r = t5g_corpus_next(corpus, &d, &e)) == 1)
        if (d.fault.code != 0)
            t5g_run_fail(&run, d.id.p, d.id.n, NULL, &d.fault);
        else if (process(&run, t, &d, &ids, &e) < 0)
            t5g_run_fail(&run, d.id.p, d.id.n, NULL, &e);
    if (r < 0)
        fault = &e;
    int status = t5g_run_close(&run, fault);
    t5g_ids_free(&ids);
    t5g_corpus_doc_free(&d);
    t5g_corpus_close(corpus);
    t5g_free(head);
    t5g_tokenizer_close(t);
    t5g_free(opt.texts.v);
    return status;
}
