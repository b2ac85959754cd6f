/* search.c: what the rules of a beam search have in common: candidates, beams, results. */
#include "generate/search.h"
#include "generate/draws.h"
#include "generate/processors.h"

#include <math.h>
#include <string.h>

void
t5g_search_extend(const struct t5g_rules *r, struct t5g_hypothesis *to,
                  const struct t5g_hypothesis *parent, const struct t5g_candidate *c)
{
    size_t n = parent->choice.n_new;
    if (to->cap_logprob <= n) {
        t5g_free(to->logprob);
        to->cap_logprob = t5g_max(64, 2 * n + 1);
        to->logprob = t5g_alloc_raw(to->cap_logprob, sizeof *to->logprob);
    }
    if (n > 0)
        memcpy(to->logprob, parent->logprob, n * sizeof *to->logprob);
    to->logprob[n] = c->logprob;
    t5g_choice_copy(&to->choice, &parent->choice);
    t5g_choice_add(&r->how, &to->choice, c->id);
    to->sum = c->sum;
    to->finish = c->finish;
    to->stop = c->stop;
}

/* Whether a is better, or as good and earlier in the order of beams and ids. */
static bool
before(const struct t5g_candidate *a, const struct t5g_candidate *b)
{
    if (a->rank != b->rank)
        return a->rank > b->rank;
    return a->beam != b->beam ? a->beam < b->beam : a->id < b->id;
}

/* Insert x into the n best so far, at most r->n_found. Returns their number. */
static size_t
insert(struct t5g_rules *r, size_t n, const struct t5g_candidate *x)
{
    if (n == r->n_found && !before(x, &r->found[n - 1]))
        return n;
    size_t at = n < r->n_found ? n++ : n - 1;
    for (; at > 0 && before(x, &r->found[at - 1]); at--)
        r->found[at] = r->found[at - 1];
    r->found[at] = *x;
    return n;
}

/* What a candidate's end is, if it ends. */
static void
end(struct t5g_rules *r, const struct t5g_search *s, struct t5g_candidate *c)
{
    bool eos = t5g_config_is_eos(r->how.c, c->id);
    c->stop = eos ? NULL : t5g_choice_stop(&r->how, &s->run[c->beam].choice, c->id);
    c->ends = eos || c->stop != NULL || s->run[c->beam].choice.n_new + 1 == s->job->max_new;
    c->finish = eos ? T5G_FINISH_EOS : c->stop != NULL ? T5G_FINISH_STOP : T5G_FINISH_LENGTH;
}

size_t
t5g_search_find(struct t5g_rules *r, struct t5g_search *s, const struct t5g_group *g)
{
    const struct t5g_config *c = r->how.c;
    size_t v = c->decoder.v, found = 0;
    for (size_t k = g->first; k < g->first + g->n_run; k++) {
        struct t5g_hypothesis *h = &s->run[k];
        float *row = s->logits + k * v;
        double all = t5g_log_sum_exp(row, v);
        for (size_t i = 0; i < v; i++)
            row[i] = (float)((double)row[i] - all);
        t5g_choice_process(&r->how, &h->choice, row);
        if (r->o->sample && !t5g_all_forbidden(row, v))
            t5g_warp(row, v, r->o, c->n_eos + 1, r->how.scratch);
        size_t draw = (h->choice.n_new * T5G_BEAMS_MAX + k) * v;
        for (size_t i = 0; i < v; i++) {
            struct t5g_candidate x = {
                .sum = row[i] + h->sum, .logprob = row[i], .beam = k, .id = (int32_t)i};
            if (row[i] == -INFINITY) /* where transformers runs on with what is forbidden */
                continue;
            x.rank = (double)x.sum;
            if (r->o->sample)
                x.rank += t5g_gumbel(s->job->seed, draw + i);
            if (found < r->n_found || x.rank >= r->found[found - 1].rank)
                found = insert(r, found, &x);
        }
    }
    for (size_t i = 0; i < found; i++)
        end(r, s, &r->found[i]);
    return found;
}

void
t5g_search_go_on(struct t5g_rules *r, struct t5g_search *s, struct t5g_group *g, size_t found)
{
    struct t5g_kvcache *old[T5G_BEAMS_MAX], *kv[T5G_BEAMS_MAX];
    bool taken[T5G_BEAMS_MAX] = {false};
    size_t parent[T5G_BEAMS_MAX], n = 0, spare = 0;
    memcpy(old, s->kv + g->first, r->size * sizeof *old);
    for (size_t i = 0; i < found && n < r->size; i++)
        if (!r->found[i].ends) {
            t5g_search_extend(r, &s->next[n], &s->run[r->found[i].beam], &r->found[i]);
            parent[n++] = r->found[i].beam - g->first;
        }
    for (size_t i = 0; i < n; i++) { /* the first child gets its parent's */
        kv[i] = taken[parent[i]] ? NULL : old[parent[i]];
        taken[parent[i]] = true;
    }
    for (size_t i = 0; i < n; i++)
        if (kv[i] == NULL) {
            while (taken[spare])
                spare++;
            kv[i] = old[spare];
            taken[spare] = true;
            t5g_kvcache_copy(kv[i], old[parent[i]]);
        }
    for (size_t i = 0, free_one = n; i < r->size; i++)
        if (!taken[i])
            kv[free_one++] = old[i];
    memcpy(s->kv + g->first, kv, r->size * sizeof *kv);
    for (size_t i = 0; i < n; i++) {
        struct t5g_hypothesis h = s->run[g->first + i];
        s->run[g->first + i] = s->next[i];
        s->next[i] = h;
    }
    g->n_run = n;
}

/* Fail the job, since every id is forbidden after this sequence. */
static void
give_up(const struct t5g_rules *r, struct t5g_search *s, struct t5g_choice *choice)
{
    t5g_constraint_forbids(t5g_choice_allowed(&r->how, choice), choice->n_new + 1, &s->job->err);
    s->job = NULL;
}

bool
t5g_search_lost(const struct t5g_rules *r, struct t5g_search *s, const struct t5g_group *g)
{
    for (size_t k = g->first; k < g->first + g->n_run && s->job != NULL; k++) {
        struct t5g_choice *choice = &s->run[k].choice;
        const struct t5g_allowed *allowed = t5g_choice_allowed(&r->how, choice);
        if (allowed != NULL && allowed->lost)
            give_up(r, s, choice);
    }
    return s->job == NULL;
}

/* How many of the first n ids of a are those of b, with the same log-probabilities. */
static size_t
common(const struct t5g_hypothesis *a, const struct t5g_hypothesis *b, size_t n)
{
    const int32_t *x = t5g_choice_new(&a->choice), *y = t5g_choice_new(&b->choice);
    size_t k = 0;
    while (k < n && k < b->choice.n_new && x[k] == y[k] &&
           memcmp(&a->logprob[k], &b->logprob[k], sizeof *a->logprob) == 0)
        k++;
    return k;
}

void
t5g_search_emit(const struct t5g_rules *r, struct t5g_search *s, struct t5g_hypothesis *const *best,
                size_t n)
{
    const struct t5g_hypothesis *a = n > 0 ? best[0] : NULL;
    size_t same = SIZE_MAX;
    if (s->job->emit == NULL)
        return;
    for (size_t k = 0; k < r->n_groups; k++)
        for (size_t i = 0; i < s->groups[k].n_run; i++) {
            const struct t5g_hypothesis *b = &s->run[s->groups[k].first + i];
            a = a != NULL ? a : b;
            same = common(a, b, t5g_min(same, a->choice.n_new));
        }
    for (size_t i = 0; i < n; i++)
        same = common(a, best[i], t5g_min(same, a->choice.n_new));
    if (a != NULL)
        t5g_emitter_known(&s->emitter, t5g_choice_new(&a->choice), a->logprob, same);
}

void
t5g_search_deliver(struct t5g_rules *r, struct t5g_search *s, struct t5g_hypothesis *const *best,
                   size_t n)
{
    size_t wanted = t5g_min(t5g_max(r->o->num_return, 1), n);
    if (n == 0) {
        give_up(r, s, &s->run[0].choice);
        return;
    }
    for (size_t i = 0; i < wanted; i++)
        if (!isfinite((float)best[i]->score)) { /* as which it is written */
            t5g_err_set(&s->job->err, T5G_EX_DATA, "score: not finite, with --length-penalty %g",
                        r->o->length_penalty);
            s->job = NULL;
            return;
        }
    for (size_t i = 0; i < wanted; i++) {
        struct t5g_sequence *to = i == 0 ? &s->job->out : &s->job->more[i - 1];
        const struct t5g_hypothesis *h = best[i];
        size_t len = h->choice.n_new;
        t5g_sequence_free(to);
        to->ids = (int32_t *)(void *)t5g_memdup(t5g_choice_new(&h->choice), len * sizeof *to->ids);
        to->logprob = (float *)(void *)t5g_memdup(h->logprob, len * sizeof *to->logprob);
        to->n = len;
        to->score = h->score;
        to->finish = h->finish;
        to->stop = h->stop;
    }
    t5g_emitter_end(&s->emitter);
    s->job = NULL;
}
