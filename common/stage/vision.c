/* vision.c: the pictures of streams, or of the command line, through the vision tower. */
#include "stage/vision.h"
#include "base/io.h"
#include "base/stop.h"
#include "cli/signals.h"
#include "store/corpus.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static void
warn_of_damage(const struct t5g_features *f, const char *id, size_t id_len)
{
    if (f->damaged.code != 0)
        t5g_warn("%.*s: %s", (int)t5g_min(id_len, 1000), id, f->damaged.msg);
}

static int
look_at_doc(struct t5g_vision_stage *x, struct t5g_run *run, const struct t5g_doc *doc,
            struct t5g_err *e)
{
    struct t5g_err io = {0};
    if (t5g_features_of(&x->looker, &x->features, doc, e) < 0 ||
        t5g_retokenize(&x->again, doc, &x->features, &x->ids, e) < 0)
        return -1;
    t5g_stop_hold();
    if (t5g_features_put(&x->looker, run->w, doc, &x->features, &x->ids, &io) < 0)
        t5g_die_err(&io);
    warn_of_damage(&x->features, doc->id, doc->id_len);
    t5g_run_done(run, x->features.total_views);
    t5g_stop_release();
    return 0;
}

int
t5g_vision_batch(void *arg, struct t5g_run *run, const struct t5g_batch *b, struct t5g_err *e)
{
    for (size_t i = 0; i < b->n && !run->stop; i++) {
        const struct t5g_doc *doc = &b->docs[i];
        t5g_at_work(doc->id, doc->id_len, 0);
        if (doc->failed) {
            t5g_run_pass_failed(run, doc);
        } else if (look_at_doc(arg, run, doc, e) < 0) {
            t5g_run_fail(run, doc->id, doc->id_len, &doc->open, e);
            if (e->code == T5G_EX_OS)
                return -1; /* the system failed, not the document */
        }
    }
    return 0;
}

bool
t5g_are_pictures(char *const *paths)
{
    struct stat st;
    for (; *paths != NULL; paths++) {
        if (strcmp(*paths, "-") == 0)
            return false;
        if (stat(*paths, &st) == 0 && !S_ISDIR(st.st_mode))
            return !t5g_may_be_stream(*paths);
    }
    return false;
}

/* The pictures of a command line. */
struct files {
    struct t5g_vision_stage *x;
    char *const *paths; /* ends with NULL */
    const char *path;   /* the current one */
};

static int
next_file(void *arg, const char **id, size_t *id_len, struct t5g_err *e)
{
    struct files *k = arg;
    (void)e;
    if (*k->paths == NULL)
        return 0;
    k->path = *k->paths++;
    *id = t5g_corpus_id(k->path);
    *id_len = strlen(*id);
    return 1;
}

/* Features of a picture, and ids as from t5g-tokenize -i. */
static int
look_at_file(struct t5g_vision_stage *x, const char *path, struct t5g_buf *text,
             struct t5g_ids *ids, struct t5g_err *e)
{
    const struct t5g_retokenizer *again = &x->again;
    struct t5g_features *f = &x->features;
    struct t5g_buf file = {0};
    t5g_features_empty(f);
    int r = t5g_read_file(path, T5G_PICTURE_FILE_MAX, &file, e);
    if (r == 0)
        r = t5g_features_add(&x->looker, f, file.n > 0 ? file.p : "", file.n, 1, e);
    if (r == 0) {
        size_t crops = f->views[0] - 1;
        t5g_picture_text_alone(&again->around, 1, text);
        r = t5g_tokenize_pictures(again->tokenizer, &again->around, text->p, text->n, &crops, 1, 0,
                                  ids, e);
    }
    t5g_buf_free(&file);
    if (r < 0 && e->code == T5G_EX_OS)
        t5g_die_err(e); /* the system failed, not the picture */
    return r;
}

static int
write_file(void *arg, struct t5g_run *run, struct t5g_err *e)
{
    struct files *k = arg;
    struct t5g_features *f = &k->x->features;
    struct t5g_err io = {0};
    struct t5g_buf text = {0};
    struct t5g_ids ids = {0};
    const char *id = t5g_corpus_id(k->path);
    char meta[64];
    int r = look_at_file(k->x, k->path, &text, &ids, e);
    snprintf(meta, sizeof meta, "{\"ntok\":%zu}", ids.n);
    t5g_stop_hold();
    if (r == 0 && (t5g_writer_doc(run->w, id, strlen(id), NULL, &io) < 0 ||
                   t5g_writer_tensor(run->w, "input.ids", T5G_I32, 1, (uint64_t[]){ids.n}, ids.p,
                                     NULL, &io) < 0 ||
                   t5g_writer_text(run->w, "text", text.p, text.n, &io) < 0 ||
                   t5g_features_write(&k->x->looker, f, 0, run->w, &io) < 0 ||
                   t5g_writer_close(run->w, meta, &io) < 0))
        t5g_die_err(&io);
    if (r == 0) {
        warn_of_damage(f, id, strlen(id));
        t5g_run_done(run, f->total_views);
    }
    t5g_stop_release();
    t5g_buf_free(&text);
    t5g_ids_free(&ids);
    return r;
}

int
t5g_look_at_files(struct t5g_vision_stage *x, struct t5g_run *run, char *const *paths,
                  const struct t5g_model *m, struct t5g_err *e)
{
    struct files k = {.x = x, .paths = paths};
    struct t5g_maker maker = {.unit = "pictures",
                              .next = next_file,
                              .write = write_file,
                              .arg = &k,
                              .own = {.tok = t5g_tokenizer_identity(x->again.tokenizer),
                                      .parts = &m->parts,
                                      .made = T5G_BY_VISION,
                                      .num = m->profile}};
    return t5g_run_make(run, &maker, e);
}
