#!/usr/bin/env python3
"""Where answers come from: the weights that transformers' decoder gives to the document.

    attention.py make MODEL FOLDER                needs transformers and torch
    attention.py compare FOLDER EXPORT mean|layers|heads  needs numpy alone

make writes to FOLDER cases.jsonl (a text, a prompt, the ids of the greedy answer) and for each case K.npy, f32 [ids,
layers, heads, rows]: cross_attentions of eager attention (dtype="auto", then .double()) in the rows from which the ids
are chosen, the part of the merged softmax over the encoder's rows. tests/golden/attention has those of both models.

compare checks an export (t5g-frame export --npy) of the answers to cases.jsonl, one document each, against them: ids,
and weights within 1e-4.
"""
import json
import os
import sys

import numpy as np

CASES = [("hello world", "", 6), ("The quick brown fox jumps over the lazy dog.", "kind:", 5), ("", "a", 3),
         ("a longer text that goes on " * 24, "a prompt of more than sixteen tokens, in one go:", 2)]


def make(model_dir, folder):
    import torch
    from transformers import AutoTokenizer, T5Gemma2ForConditionalGeneration as Model
    os.makedirs(folder, exist_ok=True)
    tokenizer = AutoTokenizer.from_pretrained(model_dir)
    model = Model.from_pretrained(model_dir, dtype="auto", attn_implementation="eager").double().eval()
    with open(os.path.join(folder, "cases.jsonl"), "w", encoding="utf-8") as f:
        for k, (text, prompt, n) in enumerate(CASES):
            ids = torch.tensor([tokenizer(text)["input_ids"]])
            begin = [2] + tokenizer(prompt, add_special_tokens=False)["input_ids"]
            with torch.no_grad():
                out = model.generate(ids, decoder_input_ids=torch.tensor([begin]), max_new_tokens=n, do_sample=False)
                answer = out[0, len(begin):].tolist()
                fed = torch.tensor([begin + answer[:-1]])
                seen = model(input_ids=ids, decoder_input_ids=fed, output_attentions=True).cross_attentions
            weights = torch.stack([x[0] for x in seen])[:, :, len(begin) - 1:]  # [layers, heads, ids, rows]
            assert weights.shape[2:] == (len(answer), ids.shape[1]), weights.shape
            np.save(os.path.join(folder, f"{k}.npy"), weights.permute(2, 0, 1, 3).numpy().astype("<f4"))
            case = {"text": text, "ids": answer, "max_new_tokens": n}
            print(json.dumps(dict(case, prompt=prompt) if prompt else case), file=f)


def compare(folder, export, form):
    cases = [json.loads(line) for line in open(os.path.join(folder, "cases.jsonl"), encoding="utf-8")]
    documents = [json.loads(line) for line in open(os.path.join(export, "index.jsonl"), encoding="utf-8")]
    documents = [d for d in documents if "id" in d]
    assert len(cases) == len(documents)
    axes = {"mean": ["token", "row"], "layers": ["token", "layer", "row"], "heads": ["token", "layer", "head", "row"]}
    for k, (case, document) in enumerate(zip(cases, documents)):
        frames = {f["name"]: f for f in document["frames"]}
        ids, got = (np.load(os.path.join(export, frames[f"decode.{x}"]["file"])) for x in ("ids", "attention"))
        n = min(len(ids), len(case["ids"]))  # a golden may have fewer
        got = got[:n]
        assert n > 0 and ids[:n].tolist() == case["ids"][:n], document["id"]
        want = np.load(os.path.join(folder, f"{k}.npy"))[:n].astype("f8")
        want = want.mean((1, 2)) if form == "mean" else want.mean(2) if form == "layers" else want
        meta = frames["decode.attention"].get("meta", frames["decode.attention"])
        assert meta["axes"] == axes[form], meta
        assert got.shape == want.shape, (got.shape, want.shape)
        assert np.abs(got - want).max() <= 1e-4, (document["id"], np.abs(got - want).max())
        assert (got >= 0).all() and (got.sum(-1) <= 1 + 1e-5).all()


if __name__ == "__main__":
    {"make": make, "compare": compare}[sys.argv[1]](*sys.argv[2:])
