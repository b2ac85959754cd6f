/*
 * greedy.c: start token, prompt, then the largest logit of each step until an eos id.
 *
 *   logits = decoder(start, prompt)
 *   repeat: processors; id = argmax; stop at eos or at max_new_tokens; logits = decoder(id)
 */
#include "base/mem.h"
#include "generate/generate.h"
#include "generate/processors.h"

enum { ROOM = 512 }; /* positions at first; the cache doubles as a sequence needs it */

struct t5g_generator {
    struct t5g_decoder *x;
    const struct t5g_model *m;
    struct t5g_generate_options o;
    struct t5g_kvcache *kv;
    float *logits; /* [v] */
};

const char *
t5g_finish_name(enum t5g_finish f)
{
    return f == T5G_FINISH_EOS ? "eos" : "length";
}

void
t5g_sequence_free(struct t5g_sequence *s)
{
    t5g_free(s->ids);
    t5g_free(s->logprob);
    *s = (struct t5g_sequence){0};
}

struct t5g_generator *
t5g_generator_open(struct t5g_decoder *x, const struct t5g_model *m,
                   const struct t5g_generate_options *o)
{
    struct t5g_generator *g = t5g_alloc(1, sizeof *g);
    g->x = x;
    g->m = m;
    g->o = *o;
    g->kv = t5g_kvcache_open(x, ROOM);
    g->logits = t5g_alloc(m->config.decoder.v, sizeof *g->logits);
    return g;
}

void
t5g_generator_close(struct t5g_generator *g)
{
    if (g == NULL)
        return;
    t5g_kvcache_free(g->kv);
    t5g_free(g->logits);
    t5g_free(g);
}

/* Logits of the id after ids [n]. */
static int
feed(struct t5g_generator *g, const struct t5g_cross *cross, const int32_t *ids, size_t n,
     struct t5g_err *e)
{
    size_t need = t5g_kvcache_pos(g->kv) + n;
    if (need > t5g_kvcache_max(g->kv))
        t5g_kvcache_grow(g->kv, t5g_max(need, 2 * t5g_kvcache_max(g->kv)));
    return t5g_decoder_feed(g->x, cross, g->kv, ids, n, false, g->logits, e);
}

static void
append(struct t5g_sequence *s, size_t *cap, bool logprobs, int32_t id, float logprob)
{
    if (s->n == *cap) {
        size_t more = t5g_max(64, 2 * *cap);
        int32_t *ids = t5g_alloc(more, sizeof *ids);
        if (s->n > 0)
            memcpy(ids, s->ids, s->n * sizeof *ids);
        t5g_free(s->ids);
        s->ids = ids;
        if (logprobs) {
            float *p = t5g_alloc(more, sizeof *p);
            if (s->n > 0)
                memcpy(p, s->logprob, s->n * sizeof *p);
            t5g_free(s->logprob);
            s->logprob = p;
        }
        *cap = more;
    }
    s->ids[s->n] = id;
    if (logprobs)
        s->logprob[s->n] = logprob;
    s->score += (double)logprob;
    s->n++;
}

/* The next id of s from the logits at hand. */
static int32_t
choose(struct t5g_generator *g, struct t5g_sequence *s, size_t *cap, float *logprob)
{
    size_t v = g->m->config.decoder.v;
    if (s->n < g->o.min_new_tokens)
        t5g_process_no_eos(g->logits, v, &g->m->config);
    size_t id = t5g_argmax(g->logits, v);
    *logprob = g->o.logprobs ? t5g_logprob(g->logits, v, id) : 0;
    append(s, cap, g->o.logprobs, (int32_t)id, *logprob);
    return (int32_t)id;
}

int
t5g_generate(struct t5g_generator *g, const struct t5g_cross *cross, const int32_t *prompt,
             size_t n_prompt, struct t5g_sequence *out,
             bool (*emit)(void *arg, int32_t id, float logprob), void *arg, struct t5g_err *e)
{
    size_t cap = 0;
    t5g_sequence_free(out);
    out->finish = T5G_FINISH_LENGTH;
    t5g_kvcache_reset(g->kv);
    if (g->o.max_new_tokens == 0)
        return 0;
    int32_t *ids = t5g_alloc(n_prompt + 1, sizeof *ids);
    ids[0] = g->m->config.start;
    if (n_prompt > 0)
        memcpy(ids + 1, prompt, n_prompt * sizeof *ids);
    int r = feed(g, cross, ids, n_prompt + 1, e);
    t5g_free(ids);
    if (r != 0)
        return -1;
    for (;;) {
        float logprob;
        int32_t id = choose(g, out, &cap, &logprob);
        if (emit != NULL && !emit(arg, id, logprob))
            return t5g_err_set(e, T5G_EX_AGAIN, "decoder: stopped");
        if (t5g_config_is_eos(&g->m->config, id)) {
            out->finish = T5G_FINISH_EOS;
            return 0;
        }
        if (out->n == g->o.max_new_tokens)
            return 0;
        if (feed(g, cross, &id, 1, e) != 0)
            return -1;
    }
}
