/* packing.c: what t5g-pack writes: texts, the tokenizer's table, weights. */
#include "stage/packing.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "model/bake.h"
#include "model/packed.h"
#include "stage/adapting.h"
#include "stage/calibrate.h"
#include "stage/packing_modules.h"
#include "text/table.h"

#include <stdlib.h>
#include <string.h>

/* Merge the run's adapters into m. */
static int
bake(struct t5g_model *m, const struct t5g_packing *p, struct t5g_err *e)
{
    if (!t5g_adapting_any(&p->adapters))
        return 0; /* without a product the kernel level does not matter */
    const struct t5g_kernels *k = t5g_kernels_get(getenv("T5G_CPU"), e);
    if (k == NULL || t5g_adapting_apply(m, k, &p->adapters, e) < 0)
        return -1;
    if (m->n_adapters > 0 && m->quantised)
        return t5g_err_set(e, T5G_EX_DATA,
                           "%s: quantised, and an adapter is merged into exact weights: pack the "
                           "checkpoint",
                           m->dir);
    t5g_bake(m, p->weights < T5G_PACK_Q8, k);
    return 0;
}

int
t5g_packing_run(struct t5g_run *run, const char *path, const struct t5g_packing *p)
{
    struct t5g_err e = {0};
    struct t5g_table table;
    const unsigned need = p->whole ? T5G_NEED_DECODER | T5G_TAKE_VISION : T5G_TAKE_VISION;
    struct t5g_model *m = t5g_model_open_in(path, t5g_common.encoder_prefix, need, &e);
    if (m != NULL && bake(m, p, &e) < 0)
        t5g_die_err(&e);
    struct t5g_pool *pool = m != NULL ? t5g_pool_open(t5g_thread_count(), &e) : NULL;
    if (pool == NULL || t5g_table_open(&table, path, &e) < 0)
        t5g_die_err(&e);
    struct t5g_calibration *c = NULL;
    if (p->texts != NULL && !m->quantised &&
        (c = t5g_calibration_open(m, p->tokenizer, p->texts, pool, &e)) == NULL)
        t5g_die_err(&e);
    struct t5g_pack_inputs inputs = t5g_calibration_inputs(c);
    t5g_progress_start("models");
    const char *id = t5g_corpus_id(path);
    t5g_at_work(id, strlen(id), 0);
    const struct t5g_head_entry own = {.tok = table.h->identity,
                                       .parts = &m->parts,
                                       .made = T5G_BY_MODEL,
                                       .num = t5g_pack_profile(m, p->weights)};
    if (t5g_writer_begin(run->w, NULL, t5g_program_name(), &own, &e) < 0 ||
        t5g_writer_doc(run->w, id, strlen(id), NULL, &e) < 0 ||
        t5g_packing_modules_texts(run->w, p->given, m->config.encoder.d, &e) < 0 ||
        t5g_pack_texts(run->w, path, &e) < 0 ||
        t5g_writer_tensor(run->w, T5G_PACKED_TOKENIZER, T5G_U8, 1, &table.h->size, table.h, NULL,
                          &e) < 0 ||
        t5g_pack_write(run->w, m, p->weights, c != NULL ? &inputs : NULL, pool, t5g_progress_part,
                       &e) < 0 ||
        t5g_packing_modules_weights(run->w, p->given, &e) < 0 ||
        t5g_writer_close(run->w, NULL, &e) < 0)
        t5g_die_err(&e);
    t5g_run_done(run, 1);
    int status = t5g_run_close(run, NULL);
    t5g_calibration_close(c);
    t5g_table_close(&table);
    t5g_pool_close(pool);
    t5g_model_close(m);
    return status;
}
