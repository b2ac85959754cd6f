"""Hugging Face transformers: the same checkpoint in f32, attention by scaled_dot_product_attention."""
import os
import sys
import time

import peer

import torch
import transformers
from transformers.modeling_outputs import BaseModelOutput

torch.set_num_threads(peer.THREADS)
torch.set_grad_enabled(False)
directory, variant = sys.argv[1:3]
model = transformers.T5Gemma2ForConditionalGeneration.from_pretrained(
    directory, dtype=torch.float32, attn_implementation="sdpa").eval()
model.generation_config.eos_token_id = None
model.generation_config.pad_token_id = 0


def encoded(n):
    return model.model.encoder(input_ids=torch.tensor([peer.ids(n)])).last_hidden_state


def encode(n, times):
    return peer.repeat(lambda: encoded(n), times), "s"


def generate(rows, steps, stamps):
    def each(ids, scores):
        stamps.append(time.perf_counter())
        return scores
    model.generate(encoder_outputs=BaseModelOutput(last_hidden_state=rows), do_sample=False, max_new_tokens=steps,
                   attention_mask=torch.ones(rows.shape[:2], dtype=torch.long), logits_processor=[each])


def decode(n, times):
    rows, steps = encoded(n), []
    for _ in range(times):
        stamps = []
        generate(rows, peer.STEPS + 3, stamps)
        steps += peer.between(stamps)
    return steps, "ms"


def cold(n, times):
    start = time.perf_counter()
    generate(encoded(n), 1, [])
    return [time.perf_counter() - start], "s"


def lines(name):
    with open(os.path.join(os.environ["T5G_BENCH_DIR"], name), encoding="ascii") as f:
        return [[int(x) for x in line.split()] for line in f]


def labels(n, times):
    """One by one: each is a run over the prompt and the label."""
    prompt, given = [2] + lines("ids.prompt")[0], lines("ids.labels")
    rows = BaseModelOutput(last_hidden_state=encoded(n))

    def score(label):
        ids = torch.tensor([prompt + label[:-1]])
        logits = model(encoder_outputs=rows, decoder_input_ids=ids).logits[0, len(prompt) - 1:]
        return torch.log_softmax(logits, -1).gather(1, torch.tensor(label)[:, None]).sum().item()
    score(given[0])
    return [1e3 * peer.repeat(lambda: score(label), 1)[0] for label in given[:times]], "ms"


def rerank(n, times):
    """The prompt over n passages of 84 rows in one batch, and the logits behind it."""
    rows = torch.randn(n, 84, model.config.decoder.hidden_size)
    ids = torch.tensor([[2] + lines("ids.prompt")[0]]).expand(n, -1)

    def score():
        model(encoder_outputs=BaseModelOutput(last_hidden_state=rows), decoder_input_ids=ids, use_cache=False,
              attention_mask=torch.ones(rows.shape[:2], dtype=torch.long), logits_to_keep=1)
    score()
    return peer.repeat(score, times), "s"


def vision(n, times):
    pixels = torch.rand(1, 3, n, n) * 2 - 1
    return peer.repeat(lambda: model.model.encoder.get_image_features(pixels), times), "s"


peer.serve("transformers", variant, {"encode": encode, "decode": decode, "cold": cold, "labels": labels,
                                     "rerank": rerank, "vision": vision})
