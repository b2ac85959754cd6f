/* tokenize.h: documents of a corpus to documents of token ids. */
#ifndef T5G_TOKENIZE_H
#define T5G_TOKENIZE_H

#include "stage/run.h"
#include "store/corpus.h"
#include "text/denoise.h"
#include "text/infill.h"
#include "text/pictures.h"
#include "text/tokenizer.h"

enum { T5G_TOO_LONG_ERROR, T5G_TOO_LONG_CUT, T5G_TOO_LONG_SPLIT };

struct t5g_tokenize_stage {
    struct t5g_tokenizer *tokenizer;
    struct t5g_picture_text around; /* loaded with the first picture; t5g_picture_text_clear */
    bool text_only;                 /* tokenize literals of special tokens as text */
    int utf8;                       /* 1: ill-formed bytes become U+FFFD; 0: the document fails */
    int too_long;                   /* T5G_TOO_LONG_..., for documents beyond max_tokens */
    uint64_t max_tokens;            /* 0: no limit */
    bool no_bos;                    /* without the post-processor */
    const char *template;           /* around every text, in place of {text}; NULL: none */
    struct t5g_sentinels *infill;   /* gaps of texts become these; NULL: gaps are text */
    struct t5g_sentinels *ul2;      /* training pairs with these; NULL: none */
    uint64_t seed;                  /* of training pairs */
    int32_t eos;                    /* at the end of their targets */
};

/* Where the one field {text} of a template is, in bytes; -1 with e (64) unless there is exactly one
 * and the template is UTF-8. */
int t5g_template_field(const char *template, size_t *at, struct t5g_err *e);

/*
 * Write HEAD and every document of the corpus: its ids (in pieces if too_long says so), its prompt,
 * and, if it has pictures, their files and the text that contains them, which t5g-vision tokenizes
 * again when it makes several views of a picture. 0, or -1 with e: the reason why the corpus ended
 * early. Ends the process on write errors, and if there are pictures and the model takes none.
 */
int t5g_tokenize_corpus(struct t5g_tokenize_stage *x, struct t5g_run *run,
                        struct t5g_corpus *corpus, struct t5g_err *e);

/*
 * Open what --infill or --ul2 need of the tokenizer, and for --ul2 of the
 * model at dir. -1 with e (65, 66). The caller closes x->infill and x->ul2.
 */
int t5g_tokenize_sentinels(struct t5g_tokenize_stage *x, bool infill, bool ul2, const char *name,
                           uint64_t first, const char *dir, struct t5g_err *e);

#endif
