#!/usr/bin/env python3
"""Classifiers over the models of the tests, and what transformers makes of texts with them.

    classifier.py make MODEL FOLDER GOLDEN.jsonl sequence|tokens LABEL...    needs transformers and torch
    classifier.py compare GOLDEN.jsonl STREAM.jsonl RECORDS.jsonl [PROBLEM]  needs numpy alone

make writes to FOLDER what a classifier has besides MODEL's weights and tokenizer: config.json, a shard with the head
(random, seeded) and the index, in which MODEL's weights are model-00001-of-00002.safetensors; and to GOLDEN the logits
of T5Gemma2ForSequenceClassification or T5Gemma2ForTokenClassification for each text, as it is and alone (dtype="auto",
then .double(), eager attention), and how far .float() is from that. One LABEL makes a regression. tests/golden/classifiers has its results:

    make MODELS/tiny     GOLDEN/sequence   GOLDEN/sequence.jsonl   sequence news sport "über alles"
    make MODELS/tiny     GOLDEN/regression GOLDEN/regression.jsonl sequence score
    make MODELS/tiny-gqa GOLDEN/tokens     GOLDEN/tokens.jsonl     tokens O B-PER I-PER B-LOC

compare checks a stream (t5g-frame export --jsonl) and its records (t5g-detok --jsonl) against a golden: logits within
1e-4 and what transformers' own f32 is away, and probabilities as PROBLEM says, else as the folder's configuration does: softmax, or for one label the number.
"""
import json
import os
import shutil
import sys

import numpy as np

TEXTS = ["hello world", "", "The quick brown fox jumps over the lazy dog.", "größer als \U0001F600 日本",
         "ends with padding<pad><pad>", "<pad>", "<bos>begins twice", "a<pad>b", "line\n\n\tand <table> and <eos>",
         "a longer text that goes on " * 60]
SHARDS = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]


def header(path):
    with open(path, "rb") as f:
        size = int.from_bytes(f.read(8), "little")
        return [k for k in json.loads(f.read(size)) if k != "__metadata__"]


def make(model_dir, folder, golden, kind, labels):
    import torch
    from safetensors.torch import save_file
    from transformers import AutoTokenizer, T5Gemma2ForSequenceClassification, T5Gemma2ForTokenClassification
    name = {"sequence": "T5Gemma2ForSequenceClassification", "tokens": "T5Gemma2ForTokenClassification"}[kind]
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(model_dir, "config.json"), encoding="utf-8") as f:
        config = json.load(f)
    config["architectures"] = [name]
    config["id2label"] = {str(i): x for i, x in enumerate(labels)}
    config["label2id"] = {x: i for i, x in enumerate(labels)}
    hidden = config["decoder"]["hidden_size"]
    dtype = getattr(torch, config.get("dtype") or config.get("torch_dtype"))
    generator = torch.Generator().manual_seed(5)
    head = {"score.out_proj.weight": torch.randn(len(labels), hidden, generator=generator) * hidden ** -0.5,
            "score.out_proj.bias": torch.randn(len(labels), generator=generator) * 0.5}
    head = {k: v.to(dtype).contiguous() for k, v in head.items()}
    save_file(head, os.path.join(folder, SHARDS[1]), metadata={"format": "pt"})
    weights = os.path.join(model_dir, "model.safetensors")
    place = {k: SHARDS[0] for k in header(weights)} | {k: SHARDS[1] for k in head}
    for file, x in ("config.json", config), ("model.safetensors.index.json",
                                             {"metadata": {}, "weight_map": dict(sorted(place.items()))}):
        with open(os.path.join(folder, file), "w", encoding="utf-8") as f:
            json.dump(x, f, indent=1, ensure_ascii=False)
            f.write("\n")
    whole = golden + ".model"
    shutil.copytree(folder, whole, dirs_exist_ok=True)
    shutil.copy(weights, os.path.join(whole, SHARDS[0]))
    model = {"sequence": T5Gemma2ForSequenceClassification, "tokens": T5Gemma2ForTokenClassification}[kind]
    single, double = (model.from_pretrained(whole, dtype="auto", attn_implementation="eager").to(t).eval()
                      for t in (torch.float32, torch.float64))
    shutil.rmtree(whole)
    tokenizer = AutoTokenizer.from_pretrained(model_dir)
    with open(golden, "w", encoding="utf-8") as f:
        for text in TEXTS:
            ids = tokenizer(text)["input_ids"]
            with torch.no_grad():
                logits, rounded = (m(input_ids=torch.tensor([ids])).logits[0].double() for m in (double, single))
            rows = [[float("%.7g" % v) for v in row] for row in logits.reshape(-1, len(labels)).tolist()]
            print(json.dumps({"text": text, "ids": ids, "kind": kind, "labels": labels, "logits": rows,
                              "f32_f64": float("%.2g" % (logits - rounded).abs().max())},
                             ensure_ascii=False), file=f)


def weighed(logits, problem):
    if problem == "regression":
        return logits
    if problem == "multi_label_classification":
        return 1 / (1 + np.exp(-logits))
    e = np.exp(logits - logits.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def compare(golden, stream, records, problem=None):
    read = lambda path: [json.loads(line) for line in open(path, encoding="utf-8")]
    wanted, documents, records = read(golden), read(stream), read(records)
    assert len(wanted) == len(documents) == len(records), (len(wanted), len(documents), len(records))
    for want, document, record in zip(wanted, documents, records):
        frames = {f["name"]: f for f in document["frames"]}
        assert frames["input.ids"]["data"] == want["ids"], document["id"]
        frame, labels, tokens = frames["label.logits"], want["labels"], want["kind"] == "tokens"
        assert frame["meta"]["labels"] == labels and "encoder.out" not in frames
        got, logits = np.array(frame["data"]).reshape(frame["shape"]), np.array(want["logits"])
        assert got.shape == (logits.shape if tokens else logits[0].shape), got.shape
        away = np.abs(got - logits).max()
        assert away <= 1e-4 + want["f32_f64"], (document["id"], away)
        how = problem or ("regression" if len(labels) == 1 else "single_label_classification")
        assert frame["meta"]["problem"] == how, frame["meta"]
        p = weighed(logits, how)
        rows = record["tokens"] if tokens else [record]
        assert len(rows) == len(p)
        for row, x in zip(rows, p):
            numbers = row["values" if how == "regression" else "probabilities"]
            assert list(numbers) == labels
            assert np.abs(np.array(list(numbers.values())) - x).max() <= 1e-4
            assert how == "regression" and "label" not in row or row["label"] == labels[int(x.argmax())]
        if tokens:
            assert "".join(row["text"] for row in rows) == "<bos>" + want["text"], rows


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(*sys.argv[2:6], sys.argv[6:])
    else:
        compare(*sys.argv[2:])
