/*
 * diverse.c: diverse beam search, with the rules of transformers 4: GenerationMixin's
 * _group_beam_search, BeamSearchScorer and HammingDiversityLogitsProcessor. (Vijayakumar et al.:
 * Diverse Beam Search, 2016.)
 *
 * They differ from those of beam.c: a length that is reached ends no candidate, but at the end all
 * running beams of groups that are not done join the pool; the pool forgets the earliest of equals;
 * a group's best candidate decides whether it is done, ended or not; and a sequence that ends gets
 * the first of the model's eos ids, whichever was chosen.
 */
#include "generate/diverse.h"

#include <math.h>

static double
score(const struct t5g_rules *r, float sum, size_t n)
{
    return (double)sum / pow((double)n, r->o->length_penalty);
}

/* The worst of the pool, the earliest of equals. */
static size_t
worst(const struct t5g_group *g)
{
    size_t at = 0;
    for (size_t i = 1; i < g->n_pool; i++)
        if (g->pool[i].score < g->pool[at].score)
            at = i;
    return at;
}

/* Add the hypothesis in the place behind the pool, whose order is that of additions. */
static void
keep(const struct t5g_rules *r, struct t5g_group *g)
{
    size_t at = g->n_pool > 0 ? worst(g) : 0;
    struct t5g_hypothesis out = g->pool[at];
    if (g->n_pool < r->size) {
        g->n_pool++;
        return;
    }
    if (!(g->pool[g->n_pool].score > out.score))
        return;
    for (size_t i = at; i < g->n_pool; i++)
        g->pool[i] = g->pool[i + 1];
    g->pool[g->n_pool] = out;
}

/* A candidate that ends joins the pool. */
static void
end(const struct t5g_rules *r, const struct t5g_search *s, struct t5g_group *g,
    const struct t5g_candidate *c)
{
    const struct t5g_config *config = r->how.c;
    struct t5g_hypothesis *h = &g->pool[g->n_pool];
    struct t5g_candidate last = *c;
    if (c->finish == T5G_FINISH_EOS)
        last.id = config->eos[0];
    t5g_search_extend(r, h, &s->run[c->beam], &last);
    h->score = score(r, c->sum, h->choice.n_new);
    keep(r, g);
}

/* Whether no running beam can improve the pool, if the best candidate has the sum `best`. */
static bool
done(const struct t5g_rules *r, const struct t5g_search *s, const struct t5g_group *g, float best,
     size_t n)
{
    if (g->n_pool < r->size)
        return false;
    if (r->o->early_stopping == T5G_EARLY_TRUE)
        return true;
    if (r->o->early_stopping == T5G_EARLY_NEVER && r->o->length_penalty > 0)
        n = s->job->max_new;
    return g->pool[worst(g)].score >= score(r, best, n);
}

/* One step of a group. -1 if the job failed. */
static int
step(struct t5g_rules *r, struct t5g_search *s, struct t5g_group *g)
{
    size_t found = t5g_search_find(r, s, g), n = s->run[g->first].choice.n_new + 1;
    if (found == 0) { /* transformers runs on with what is forbidden */
        int failed = t5g_search_lost(r, s, g) ? -1 : 0;
        g->open = false;
        g->n_run = 0;
        return failed;
    }
    for (size_t i = 0; i < found; i++) {
        r->found[i].ends = r->found[i].ends && r->found[i].finish != T5G_FINISH_LENGTH;
        if (r->found[i].ends && i < r->size)
            end(r, s, g, &r->found[i]);
    }
    bool ready = done(r, s, g, r->found[0].sum, n);
    t5g_search_go_on(r, s, g, found);
    g->open = !ready && g->n_run > 0;
    for (size_t i = 0; i < g->n_run; i++)
        r->earlier[r->how.n_earlier++] = t5g_choice_new(&s->run[g->first + i].choice)[n - 1];
    if (!g->open)
        g->n_run = 0;
    return 0;
}

/* Running beams have reached the limit of length. */
static void
stop_all(const struct t5g_rules *r, struct t5g_search *s, struct t5g_group *g)
{
    for (size_t i = 0; i < g->n_run; i++) {
        struct t5g_hypothesis *h = &s->run[g->first + i], *to = &g->pool[g->n_pool], old = *to;
        h->score = score(r, h->sum, h->choice.n_new);
        h->finish = T5G_FINISH_LENGTH;
        *to = *h;
        *h = old;
        keep(r, g);
    }
}

/* All pools, the best first. Of equals the last comes first, as in transformers. */
static size_t
sort(const struct t5g_rules *r, struct t5g_search *s, struct t5g_hypothesis **best)
{
    size_t n = 0;
    for (size_t k = 0; k < r->n_groups; k++) {
        struct t5g_group *g = &s->groups[k];
        for (size_t i = 0; i < g->n_pool; i++) {
            size_t at = n++;
            for (; at > 0 && !(best[at - 1]->score > g->pool[i].score); at--)
                best[at] = best[at - 1];
            best[at] = &g->pool[i];
        }
    }
    return n;
}

void
t5g_diverse_advance(struct t5g_rules *r, struct t5g_search *s)
{
    struct t5g_hypothesis *best[T5G_BEAMS_MAX];
    size_t running = 0, n = 0;
    r->how.earlier = r->earlier;
    r->how.n_earlier = 0;
    for (size_t k = 0; k < r->n_groups; k++) {
        struct t5g_group *g = &s->groups[k];
        if (!g->open) { /* transformers goes on with padding */
            for (size_t i = 0; i < r->size; i++)
                r->earlier[r->how.n_earlier++] = r->how.c->pad;
            continue;
        }
        if (step(r, s, g) < 0)
            return;
        running += g->n_run;
        if (g->n_run > 0)
            n = s->run[g->first].choice.n_new;
    }
    if (running > 0 && n < s->job->max_new) {
        t5g_search_emit(r, s, best, sort(r, s, best));
        return;
    }
    for (size_t k = 0; k < r->n_groups; k++)
        stop_all(r, s, &s->groups[k]);
    t5g_search_deliver(r, s, best, sort(r, s, best));
}
