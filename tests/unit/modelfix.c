/* modelfix.c: a copy of a fixture model to change and open again. */
#include "stream/stream_head.h"
#include "modelfix.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

void
mf_setup(struct mf_model *x, const char *name)
{
    *x = (struct mf_model){.dir = md_tmp(), .from = md_fixture(name)};
    x->l = md_read(x->from);
    x->config = md_get(x->from, "config.json");
    md_copy_file(x->from, x->dir, "generation_config.json");
}

void
mf_drop(struct mf_model *x)
{
    md_remove(x->dir);
    md_free(&x->l);
    t5g_buf_free(&x->config);
    t5g_free(x->dir);
    t5g_free(x->from);
}

struct t5g_model *
mf_try(struct mf_model *x, bool need_decoder, struct t5g_err *e)
{
    char *path = t5g_path_join(x->dir, "model.safetensors");
    md_write(&x->l, 0, x->l.n, x->pad, path);
    md_put(x->dir, "config.json", x->config.p, x->config.n);
    t5g_free(path);
    return t5g_model_open(x->dir, need_decoder ? T5G_NEED_DECODER : 0, e);
}

struct t5g_model *
mf_open(struct mf_model *x, bool need_decoder)
{
    struct t5g_err e = {0};
    struct t5g_model *m = mf_try(x, need_decoder, &e);
    if (m == NULL)
        fail_msg("%s", e.msg);
    return m;
}

void
mf_expect_error(struct mf_model *x, bool need_decoder, const char *says)
{
    struct t5g_err e = {0};
    assert_null(mf_try(x, need_decoder, &e));
    if (strstr(e.msg, says) == NULL)
        fail_msg("'%s' does not say '%s'", e.msg, says);
    assert_int_equal(e.code, T5G_EX_DATA);
}

void
mf_drop_vision(struct md_list *l)
{
    for (size_t i = l->n; i-- > 0;) {
        if (strstr(l->p[i].name, "vision_tower.") != NULL ||
            strstr(l->p[i].name, "multi_modal_projector.") != NULL)
            md_drop(l, l->p[i].name);
    }
}

void
mf_drop_decoder(struct md_list *l)
{
    for (size_t i = l->n; i-- > 0;) {
        if (strncmp(l->p[i].name, "model.decoder.", 14) == 0)
            md_drop(l, l->p[i].name);
    }
}

void
mf_check_mat(const struct t5g_mat *w, struct md_list *l, const char *name)
{
    const struct md_tensor *t = md_find(l, name);
    assert_int_equal(w->dtype, t->dtype);
    assert_int_equal(w->rows, t->dims[0]);
    assert_int_equal(w->cols, t->dims[1]);
    assert_memory_equal(w->p, t->data, t->size);
    assert_int_equal((uintptr_t)w->p % t5g_dtype_size(w->dtype), 0);
}

int
mf_cache_open(void **state)
{
    *state = md_tmp();
    return setenv("XDG_CACHE_HOME", *state, 1);
}

int
mf_cache_close(void **state)
{
    md_remove(*state);
    t5g_free(*state);
    return 0;
}

static void
no_progress(size_t done, size_t total)
{
    (void)done;
    (void)total;
}

void
mf_pack(const char *name, enum t5g_pack_weights weights, const char *head, const char *to)
{
    struct t5g_err e = {0};
    char *from = md_fixture(name);
    struct t5g_model *m = t5g_model_open(from, T5G_NEED_DECODER, &e);
    struct t5g_pool *pool = t5g_pool_open(1, &e);
    int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    struct t5g_writer *w = t5g_writer_open(fd, to);
    struct t5g_head_entry own = {.made = T5G_BY_MODEL, .num = "q"};
    if (m != NULL)
        own.parts = &m->parts;
    if (m == NULL ||
        (head != NULL ? t5g_writer_head(w, head, &e)
                      : t5g_writer_begin(w, NULL, "test", &own, &e)) < 0 ||
        t5g_writer_doc(w, "m", 1, NULL, &e) < 0 || t5g_pack_texts(w, from, &e) < 0 ||
        t5g_pack_write(w, m, weights, NULL, pool, no_progress, &e) < 0 ||
        t5g_writer_close(w, NULL, &e) < 0 || t5g_writer_end(w, 0, &e) < 0)
        fail_msg("%s", e.msg);
    t5g_writer_free(w);
    close(fd);
    t5g_pool_close(pool);
    t5g_model_close(m);
    t5g_free(from);
}
