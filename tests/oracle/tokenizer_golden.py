#!/usr/bin/env python3
"""Ids and texts of many strings as Hugging Face tokenizers gives them.

    tokenizer_golden.py general OUT_DIR            make the tokenizer that lacks Gemma's structure
    tokenizer_golden.py MODEL_DIR OUT.jsonl        run the strings through MODEL_DIR's tokenizer

Needs transformers and tokenizers. The lines: text, ids, ids_nospecial (or decode_ids), decode_skip, decode_all.
"""
import json, os, random, sys

BAR = "\u2581"
HARD = ["", " ", "  ", "a", " a", "a ", "\n", "\t", "\r\n", "\0", "a\0b", "\ufeff", "\u00a0", "\u3000", BAR, BAR * 2,
        "a " + BAR + " b", BAR * 2 + " b", "<eos>", "x<eos>y", "<bos>", "<mask>", "<unused3>", "<b>x</b>", "<tr><td>",
        "<0x41>", ">  </", "> </x", ">" + BAR + "</", "e\u0301", "\U0001f600", "\U0001f468\u200d\U0001f469", "\U00013000",
        "Hello world", "The work may be copied", "12345 + 67890", "summer \u590f \u0434\u0430 \u03b5\u03b9 \u05d4\u05d4 \u0e49",
        "<start_of_image>", "a<end_of_image>b", "<image_soft_token>", "<start_of_imag", "<<eos>>", "<eos", "eos>"]
HARD += [c * n for c in (" ", "\n", "\t", BAR, "a", "\u590f") for n in (2, 3, 30, 31, 32, 33, 62, 63, 64, 200)]
HARD += [c * n + "x" for c in (" ", "\n", BAR) for n in (1, 31, 32, 63)]


def strings(rng):
    yield from HARD
    parts = ["the", " the", "work", " own", "ing", " ", "  ", "\n", "\t", "a", "b", "e", "tion", ".", ",", "<", ">", "/",
             "</", "<b>", "</td>", BAR, "\u00e9", "\u590f", "\u0434", "1", "23", "\u00a0", "<eos>", "<unused1>", "\0", "Z", "q"]
    for _ in range(300):
        yield "".join(rng.choice(parts) for _ in range(rng.randint(1, 40)))
    for _ in range(60):
        yield "".join(chr(rng.choice([rng.randint(0, 0x7f), rng.randint(0x80, 0xd7ff), rng.randint(0xe000, 0x10ffff)]))
                      for _ in range(rng.randint(1, 12)))


def id_lists(rng, size, byte):
    for _ in range(80):
        yield [rng.choice([rng.randint(0, size + 3), byte + rng.randint(0, 255), byte + 0xc3, byte + 0xa9, byte + 0xe2])
               for _ in range(rng.randint(1, 12))]


def general(out):
    """Pieces with an inner bar, ranks in no order, merges as "a b", no template, several splits of a piece."""
    vocab = ["<pad>", "<eos>", "<bos>", "<unk>"] + ["<0x%02X>" % i for i in range(256)]
    vocab += list("abcdefghij") + [BAR, ".", "<", ">"]
    merges = ["b c", "a b", BAR + " a", "c d", "ab cd", "a bc", "a" + BAR + " b", "a " + BAR, ". " + BAR, "." + BAR + " a",
              "bc d", "e e", "ee ee", "ee e", "d e", BAR + " " + BAR, "f g", "fg h", "g h", "f gh", "h i", "i j", "hi j"]
    for m in merges:
        x = m.replace(" ", "", 1) if m.count(" ") == 1 else None
        if x not in vocab:
            vocab.append(x)
    tok = {"version": "1.0", "truncation": None, "padding": None,
           "added_tokens": [{"id": i, "content": vocab[i], "single_word": False, "lstrip": False, "rstrip": False,
                             "normalized": False, "special": True} for i in range(4)],
           "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": BAR}, "pre_tokenizer": None,
           "post_processor": {"type": "TemplateProcessing",
                              "single": [{"SpecialToken": {"id": "<bos>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                                         {"SpecialToken": {"id": "<eos>", "type_id": 0}}],
                              "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
                              "special_tokens": {t: {"id": t, "ids": [vocab.index(t)], "tokens": [t]} for t in ("<bos>", "<eos>")}},
           "decoder": {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": BAR}, "content": " "},
                                                        {"type": "ByteFallback"}, {"type": "Fuse"}]},
           "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None,
                     "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": True, "ignore_merges": False,
                     "vocab": {t: i for i, t in enumerate(vocab)}, "merges": merges}}
    os.makedirs(out, exist_ok=True)
    with open(os.path.join(out, "tokenizer.json"), "w") as f:
        json.dump(tok, f, ensure_ascii=False, indent=0)


def main():
    if sys.argv[1] == "general":
        return general(sys.argv[2])
    folder, out = sys.argv[1:]
    rng = random.Random(5)
    from tokenizers import Tokenizer
    tok = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
    encode = lambda s, special: tok.encode(s, add_special_tokens=special).ids
    decode = lambda ids, skip: tok.decode(ids, skip_special_tokens=skip)
    if os.path.exists(os.path.join(folder, "tokenizer_config.json")):
        from transformers import AutoTokenizer
        gemma = AutoTokenizer.from_pretrained(folder)
        decode = lambda ids, skip: gemma.decode(ids, skip_special_tokens=skip, clean_up_tokenization_spaces=False)
    byte = tok.token_to_id("<0x00>")
    with open(out, "w") as f:
        for s in strings(rng):
            ids = encode(s, True)
            f.write(json.dumps({"text": s, "ids": ids, "ids_nospecial": encode(s, False),
                                "decode_skip": decode(ids, True), "decode_all": decode(ids, False)}) + "\n")
        for ids in id_lists(rng, tok.get_vocab_size(), byte):
            f.write(json.dumps({"decode_ids": ids, "decode_skip": decode(ids, True), "decode_all": decode(ids, False)}) + "\n")


if __name__ == "__main__":
    main()
