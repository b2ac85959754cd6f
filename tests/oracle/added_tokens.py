#!/usr/bin/env python3
"""Random tables of added tokens, and the ids that transformers' AutoTokenizer gives with them.

    added_tokens.py MODEL_DIR SEED N > OUT.jsonl

Each line is a directory: `list` (added_tokens of tokenizer.json), `config` (tokenizer_config.json), perhaps `map`
(special_tokens_map.json) and `legacy` (added_tokens.json); and `cases`: text, ids, text_only (ids with
split_special_tokens), skip and all (decoded). Texts that Hugging Face's code cannot take are left out.
Needs transformers and tokenizers.
"""
import json, os, random, shutil, sys, tempfile

os.environ["TRANSFORMERS_VERBOSITY"] = "error"
from transformers import AutoTokenizer

CORE = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "\n", "\n\n", "\n\n\n\n", "\u2581\u2581", "<start_of_image>", "<b>"]
WORDS = ["foo", "fo", "o", "ab", "abc", "bc", " a", "a ", "x y", "\u2581b", "b\u2581c", " ", "\n", "  ", "<a>", "<b>", "<a><b>",
         "\u00e9", "\u2028z", "the", "he", "t", "<mask>", "<eos>", "[X]", "\u65e5\u672c", "<0x41>", "\u3000"]

WORD_ENDS = ["\u00e9", "_", "7", "-", "\u0301", "\u200d", ".", "\u65e5", "\u0664"]


def content(r, own):
    k = r.random()
    if k < .55:
        return r.choice(WORDS)
    if k < .8:
        return r.choice(own)
    return "".join(r.choice("abc <>\u2581\u00e9") for _ in range(r.randint(1, 4)))


def flags(r, whole=True):
    d = {"single_word": r.random() < .2, "lstrip": r.random() < .2, "rstrip": r.random() < .2,
         "normalized": r.random() < .4, "special": r.random() < .5}
    if not whole:
        d.pop(r.choice(list(d)))
    return d


def make(r, tokenizer, config):
    vocab = tokenizer["model"]["vocab"]
    own = [t for t in vocab if not t.startswith("<0x")]
    some = lambda n: [content(r, own) for _ in range(r.randint(0, n))]
    free = max(vocab.values()) + 1
    config = {k: v for k, v in config.items() if k.endswith("_token") or k == "tokenizer_class"}
    d = {"list": [a for a in tokenizer["added_tokens"] if a["content"] in CORE and r.random() < .9], "config": config}
    config["tokenizer_class"] = r.choice(["GemmaTokenizer", "GemmaTokenizerFast", "PreTrainedTokenizerFast", "TokenizersBackend"])
    for c in some(6):
        i = free if r.random() < .5 else r.randint(0, free + 10)
        free = max(free, i + 1)
        d["list"].append({"id": i, "content": c, **flags(r)})
    if r.random() < .3:
        r.shuffle(d["list"])
    if r.random() < .35:
        dec = config["added_tokens_decoder"] = {}
        for a in d["list"]:
            if r.random() < .8:
                dec[str(a["id"])] = {k: v for k, v in a.items() if k != "id" and (k != "normalized" or r.random() < .8)}
        for c in some(3):
            dec[str(r.randint(0, free + 20))] = {"content": c, **flags(r, False)}
    k = r.random()
    if k < .25:
        config["extra_special_tokens"] = some(3)
    elif k < .4:
        config["extra_special_tokens"] = {"n%d_token" % i: c for i, c in enumerate(some(3))}
    elif k < .5:
        config["additional_special_tokens"] = some(3)
    if r.random() < .2:
        config["zz_token"] = content(r, own)
    if r.random() < .2:
        config["mask_token"] = content(r, own)
    if r.random() < .1:
        config["sep_token"] = {"__type": "AddedToken", "content": content(r, own), **flags(r)}
    if r.random() < .2:
        m = d["map"] = {}
        if r.random() < .5:
            m["mask_token"] = {"content": content(r, own), "lstrip": True, "normalized": False, "rstrip": False, "single_word": False}
        if r.random() < .5:
            m["cls_token"] = content(r, own)
        if r.random() < .3:
            m["additional_special_tokens"] = some(2)
    if r.random() < .15:
        d["legacy"] = {c: r.randint(0, free + 9) for c in some(2)}
    return d


def texts(r, d):
    known = [a["content"] for a in d["list"]] + [v for k, v in d["config"].items() if k.endswith("_token") and isinstance(v, str)]
    for _ in range(6):
        yield "".join(r.choice(r.choice([known or WORDS, WORDS, [" ", "  ", "\n", "\t", "\u3000"], ["hello", "world", "z"], WORD_ENDS]))
                      for _ in range(r.randint(1, 12)))


def main(model, seed, n):
    read = lambda name: json.load(open(os.path.join(model, name), encoding="utf-8"))
    tokenizer, config = read("tokenizer.json"), read("tokenizer_config.json")
    names = {"config": "tokenizer_config.json", "map": "special_tokens_map.json", "legacy": "added_tokens.json"}
    for s in range(seed, seed + n):
        r = random.Random(s)
        d = make(r, tokenizer, config)
        with tempfile.TemporaryDirectory() as tmp:
            put = lambda name, o: json.dump(o, open(os.path.join(tmp, name), "w"))
            shutil.copy(os.path.join(model, "config.json"), tmp)
            put("tokenizer.json", {**tokenizer, "added_tokens": d["list"]})
            for k, name in names.items():
                if k in d:
                    put(name, d[k])
            try:
                hf = AutoTokenizer.from_pretrained(tmp)
            except Exception:
                continue
        d["cases"] = []
        for text in texts(r, d):
            try:
                ids = hf(text).input_ids
                d["cases"].append({"text": text, "ids": ids, "text_only": hf(text, split_special_tokens=True).input_ids,
                                   "skip": hf.decode(ids, skip_special_tokens=True), "all": hf.decode(ids)})
            except BaseException:
                pass
        print(json.dumps(d, ensure_ascii=False, separators=(",", ":")))


main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
