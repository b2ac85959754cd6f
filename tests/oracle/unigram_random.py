#!/usr/bin/env python3
"""Random strings through unigram tokenizers, as Hugging Face tokenizers cuts and decodes them.

    unigram_random.py DIR OUT_DIR [--n N] [--seed S]

Writes folders of the tokenizer in DIR, as it is and with other pipelines, with golden.jsonl in each:
    T5G_TOKENIZERS=OUT_DIR build/release/tests/test_tokenizer
The scores of the model are given to the library as Python reads them: its own reader is an ulp off in some.
"""
import argparse, json, os, random, shutil
from tokenizers import Tokenizer
from tokenizers.models import Unigram

BAR = "\u2581"
BLOCKS = [(0x20, 0x7e)] * 6 + [(0, 0x20), (0x7f, 0xff), (0x100, 0x17f), (0x300, 0x36f), (0x300, 0x36f), (0x400, 0x45f), (0x591, 0x5ea),
          (0x600, 0x6ff), (0x900, 0x97f), (0x900, 0x97f), (0x980, 0x9ff), (0xb80, 0xbff), (0xe00, 0xe7f), (0x1000, 0x109f),
          (0x1100, 0x11ff), (0xac00, 0xac80), (0x1780, 0x17ff), (0x1b00, 0x1b7f), (0x2000, 0x206f), (0x2100, 0x214f), (0x2190, 0x21ff),
          (0x2460, 0x24ff), (0x2600, 0x27bf), (0x3000, 0x30ff), (0x3200, 0x33ff), (0x4e00, 0x4f00), (0xf900, 0xfaff), (0xfb00, 0xfb4f),
          (0xfe00, 0xfe0f), (0xfe30, 0xfe6f), (0xff00, 0xffef), (0x110bd, 0x110ce), (0x11000, 0x1107f), (0x1d400, 0x1d4ff),
          (0x1f1e6, 0x1f1ff), (0x1f300, 0x1f64f), (0x1f3fb, 0x1f3ff), (0x1f900, 0x1f9ff), (0xe0000, 0xe007f), (0xe000, 0x10ffff)]
ODD = ["\u200d", "\u200c", "\u0301", "\u0300", "\u094d", "\u09cd", "\r\n", "\r", "\n", "\t", "\0", " ", "  ", "   ", BAR, BAR * 2, "\u00a0",
       "\u3000", "\u0600", "\u0903", "\ufe0f", "\u20e3", "\u00ad", "\ufeff", "\u200b", "\u0085", "\u2028", "\u00a9", "\u00ae", "\u0e33", "\u0915", "\u0915\u094d\u0937",
       " .", " ?", " ' ", "n't", " 's", " ,", "'m", " n", "'", " 've", " n't", ". "]
CLEAN = [(" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re")]


def strings(rng, n, pieces, tokens):
    for _ in range(n):
        kind, out = rng.random(), []
        block = rng.choice(BLOCKS)
        for _ in range(rng.randint(0, rng.choice([3, 8, 30]))):
            x = rng.random()
            if x < 0.25:
                out.append(rng.choice(pieces).replace(BAR, rng.choice([" ", " ", BAR, ""])))
            elif x < 0.45:
                out.append(rng.choice(ODD))
            elif x < 0.5 and tokens:
                out.append(rng.choice(tokens))
            else:
                a, b = block if kind < 0.5 else rng.choice(BLOCKS)
                c = rng.randint(a, b)
                out.append(chr(c if not 0xd800 <= c < 0xe000 else 0x41))
        yield "".join(out)


def variants(j):
    """Other pipelines around the same model."""
    yield "as-it-is", j
    meta = lambda scheme, split: {"type": "Metaspace", "replacement": BAR, "prepend_scheme": scheme, "split": split}
    seq = lambda key, *v: {"type": "Sequence", key: list(v)}
    words, strip = {"type": "WhitespaceSplit"}, {"type": "Strip", "strip_left": True, "strip_right": True}
    flat = lambda n: [] if n is None else n["normalizers"] if n["type"] == "Sequence" else [n]
    charsmap = [n for n in flat(j["normalizer"]) if n["type"] == "Precompiled"]
    replace = {"type": "Replace", "pattern": {"String": "e"}, "content": "\u00e9 "}
    bar = {"type": "Replace", "pattern": {"String": BAR}, "content": " "}
    fallback, fuse = {"type": "ByteFallback"}, {"type": "Fuse"}
    plans = {
        "never": ([], meta("never", True), meta("never", True)),
        "first": ([], meta("first", True), seq("decoders", meta("first", True), fallback)),
        "first-whole": ([{"type": "Strip", "strip_left": False, "strip_right": True}], meta("first", False), meta("first", False)),
        "whole": (charsmap + [strip], meta("always", False), seq("decoders", fallback, bar, fuse)),
        "words": (charsmap, seq("pretokenizers", words, meta("always", False)), seq("decoders", bar, fallback, fuse)),
        "words-never": ([replace] + charsmap, seq("pretokenizers", words, meta("never", True)), fallback),
        "bare": (charsmap + [replace], None, seq("decoders", fallback, meta("always", True))),
        "words-bare": ([], words, seq("decoders", fallback, fuse)),
    }
    for name, (normalizers, pre, decoder) in plans.items():
        x = dict(j)
        x["normalizer"] = {"type": "Sequence", "normalizers": normalizers} if normalizers else None
        x["pre_tokenizer"], x["decoder"] = pre, decoder
        if name == "words":
            x["added_tokens"] = j["added_tokens"] + [
                dict(id=len(j["model"]["vocab"]), content="abc", single_word=False, lstrip=False, rstrip=False, normalized=True, special=False),
                dict(id=len(j["model"]["vocab"]) + 1, content="<Q>", single_word=False, lstrip=True, rstrip=True, normalized=True, special=True)]
        yield name, x


def clean(s):
    for a, b in CLEAN:
        s = s.replace(a, b)
    return s


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("dir"), ap.add_argument("out")
    ap.add_argument("--n", type=int, default=2000), ap.add_argument("--seed", type=int, default=1)
    a = ap.parse_args()
    j = json.load(open(os.path.join(a.dir, "tokenizer.json"), encoding="utf-8"))
    pieces = [p for p, _ in j["model"]["vocab"]]
    for name, x in variants(j):
        folder = os.path.join(a.out, name)
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "tokenizer.json"), "w", encoding="utf-8") as f:
            json.dump(x, f)
        cleanup = name in ("as-it-is", "words", "bare")
        with open(os.path.join(folder, "tokenizer_config.json"), "w") as f:
            json.dump({"clean_up_tokenization_spaces": cleanup}, f)
        tok = Tokenizer.from_str(json.dumps(x))
        m = x["model"]
        tok.model = Unigram([tuple(v) for v in m["vocab"]], unk_id=m["unk_id"], byte_fallback=m.get("byte_fallback", False))
        rng = random.Random(f"{a.seed}/{name}")
        tokens = [t["content"] for t in x["added_tokens"]]
        def decode(ids, skip):
            s = tok.decode(ids, skip_special_tokens=skip)
            return clean(s) if cleanup else s
        with open(os.path.join(folder, "golden.jsonl"), "w") as f:
            for s in strings(rng, a.n, pieces, tokens):
                ids = tok.encode(s).ids
                json.dump(dict(text=s, ids=ids, ids_nospecial=tok.encode(s, add_special_tokens=False).ids, decode_skip=decode(ids, True),
                               decode_all=decode(ids, False)), f)
                f.write("\n")
            for _ in range(a.n // 4):
                ids = [rng.choice([rng.randrange(len(pieces) + 5), rng.randrange(min(300, len(pieces)))]) for _ in range(rng.randint(0, 12))]
                json.dump(dict(decode_ids=ids, decode_skip=decode(ids, True), decode_all=decode(ids, False)), f)
                f.write("\n")


main()
