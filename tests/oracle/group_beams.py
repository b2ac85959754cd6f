"""Diverse beam search with the rules of transformers 4 (BeamSearchScorer, HammingDiversityLogitsProcessor), which
transformers 5 no longer has: used by make_golden.py for "groups" of a case."""
import torch


class Hypotheses:
    """The best finished sequences of a group."""

    def __init__(self, size, length_penalty, early_stopping, max_new):
        self.size, self.length_penalty, self.early_stopping, self.max_new = size, length_penalty, early_stopping, max_new
        self.kept = []  # (score, ids) in the order in which they were added

    def add(self, ids, total, length):
        score = total / length**self.length_penalty
        if len(self.kept) < self.size or score > min(s for s, _ in self.kept):
            self.kept.append((score, ids))
            if len(self.kept) > self.size:
                del self.kept[min(range(len(self.kept)), key=lambda i: (self.kept[i][0], i))]

    def complete(self, best_total, length):
        if len(self.kept) < self.size:
            return False
        if self.early_stopping is True:
            return True
        if self.early_stopping == "never" and self.length_penalty > 0:
            length = self.max_new
        return min(s for s, _ in self.kept) >= best_total / length**self.length_penalty


def search(logits_of, processors, prefix, eos, pad, num_beams, num_beam_groups, diversity_penalty, max_new_tokens,
           length_penalty=1.0, early_stopping=False, num_return_sequences=1):
    """The best sequences, prefix included, and their scores. logits_of(list of ids) gives a row f32 [V]; processors is a
    pair: called before and after the diversity penalty."""
    size = num_beams // num_beam_groups
    groups = [[(list(prefix), 0.0)] + [(list(prefix), -1e9)] * (size - 1) for _ in range(num_beam_groups)]
    pools = [Hypotheses(size, length_penalty, early_stopping, max_new_tokens) for _ in groups]
    done = [False] * num_beam_groups
    for length in range(1, max_new_tokens + 1):
        chosen = []
        rows = {tuple(ids): logits_of(ids) for group in groups for ids, _ in group}
        for g, group in enumerate(groups):
            if done[g]:
                groups[g] = [(ids + [pad], 0.0) for ids, _ in group]
                chosen += [pad] * size
                continue
            scores = torch.log_softmax(torch.stack([rows[tuple(ids)] for ids, _ in group]), -1)
            given = torch.tensor([ids for ids, _ in group])
            scores = processors[0](given, scores)
            if chosen:
                scores = scores - diversity_penalty * torch.bincount(torch.tensor(chosen), minlength=scores.shape[-1])
            scores = processors[1](given, scores)
            scores = scores + torch.tensor([total for _, total in group])[:, None]
            best, at = torch.topk(scores.view(-1), max(2, 1 + len(eos)) * size)
            following = []
            for rank, (total, index) in enumerate(zip(best.tolist(), at.tolist())):
                ids, token = group[index // scores.shape[-1]][0], index % scores.shape[-1]
                if token not in eos:
                    following.append((ids + [token], total))
                elif rank < size:
                    pools[g].add(ids + [eos[0]], total, length)
                if len(following) == size:
                    break
            done[g] = pools[g].complete(float(best.max()), length)
            groups[g] = following
            chosen += [ids[-1] for ids, _ in following]
        if all(done):
            break
    for g, group in enumerate(groups):
        for ids, total in group if not done[g] else []:
            pools[g].add(ids, total, max_new_tokens)
    found = sorted([h for pool in pools for h in pool.kept], key=lambda h: h[0])
    best = [found.pop() for _ in range(num_return_sequences)]
    return [ids for _, ids in best], [score for score, _ in best]
