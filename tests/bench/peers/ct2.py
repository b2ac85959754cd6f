"""CTranslate2: the same checkpoint through its own converter, text only.

`ct2.py convert CHECKPOINT DIRECTORY TYPE` converts. There is no call for the encoder alone: encoding is the time
to the first token less a step. Inputs are cut at 1024 unless max_input_length is 0.
"""
import glob
import json
import os
import statistics
import sys
import tempfile
import time

import peer

import ctranslate2


def convert(checkpoint, directory, kind):
    """The converter refuses tokens beyond the table: a copy of the checkpoint, by links, without them."""
    from ctranslate2.converters import TransformersConverter
    with open(os.path.join(checkpoint, "config.json"), encoding="utf-8") as f:
        size = json.load(f)["decoder"]["vocab_size"]
    with tempfile.TemporaryDirectory() as copy:
        for path in glob.glob(os.path.join(checkpoint, "*")):
            if not os.path.basename(path).startswith("tokenizer"):
                os.symlink(os.path.abspath(path), os.path.join(copy, os.path.basename(path)))
        with open(os.path.join(checkpoint, "tokenizer.json"), encoding="utf-8") as f:
            tokenizer = json.load(f)
        tokenizer["added_tokens"] = [t for t in tokenizer["added_tokens"] if t["id"] < size]
        with open(os.path.join(copy, "tokenizer.json"), "w", encoding="utf-8") as f:
            json.dump(tokenizer, f, ensure_ascii=False)
        with open(os.path.join(copy, "tokenizer_config.json"), "w", encoding="utf-8") as f:
            json.dump({"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<bos>", "eos_token": "<eos>",
                       "pad_token": "<pad>", "unk_token": "<unk>"}, f)
        TransformersConverter(copy).convert(directory, quantization=kind, force=True)


def main():
    directory, variant = sys.argv[1:3]
    translator = ctranslate2.Translator(directory, device="cpu", compute_type=variant.split("-")[0],
                                        inter_threads=1, intra_threads=peer.THREADS)
    vocabulary = []

    def row(n):
        if not vocabulary:
            with open(glob.glob(os.path.join(directory, "*vocabulary.json"))[0], encoding="utf-8") as f:
                vocabulary.extend(json.load(f))
        return [vocabulary[i] for i in peer.ids(n)]

    def generate(n, steps, beams=1, **more):
        translator.translate_batch([row(n)], beam_size=beams, max_decoding_length=steps, min_decoding_length=steps,
                                   max_input_length=0, **more)

    def stamps(n, steps):
        """When the call began, and when each step was over."""
        at = {}

        def each(result):
            at[result.step] = time.perf_counter()
            return False
        row(n)
        start = time.perf_counter()
        generate(n, steps, callback=each)
        return start, [at[k] for k in sorted(at)]

    def encode(n, times):
        took = []
        for _ in range(times):
            start, at = stamps(n, 8)
            took.append(at[0] - start - statistics.median(peer.between(at)) / 1e3)
        return took, "s"

    def decode(n, times):
        return [ms for _ in range(times) for ms in peer.between(stamps(n, peer.STEPS + 3)[1])], "ms"

    def four(n, times):
        """Four beams; with beams there is no call-back, so a step is a difference."""
        return [1e3 * (b - a) / peer.STEPS
                for a, b in zip(peer.repeat(lambda: generate(n, 1, 4), times),
                                peer.repeat(lambda: generate(n, 1 + peer.STEPS, 4), times))], "ms"

    def cold(n, times):
        return peer.repeat(lambda: generate(n, 1), 1), "s"

    peer.serve("ctranslate2", variant, {"encode": encode, "decode": decode, "four": four, "cold": cold})


if sys.argv[1] == "convert":
    convert(*sys.argv[2:5])
else:
    main()
