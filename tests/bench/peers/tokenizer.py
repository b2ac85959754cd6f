"""Hugging Face tokenizers, one thread: the documents of a JSON Lines file, which are read beforehand."""
import json
import os
import sys
import time

import peer

os.environ["TOKENIZERS_PARALLELISM"] = "false"
from tokenizers import Tokenizer  # noqa: E402, it looks at the environment

tokenizer = Tokenizer.from_file(os.path.join(sys.argv[1], "tokenizer.json"))


def rate(name):
    with open(os.path.join(os.environ["T5G_BENCH_DIR"], f"{name}.jsonl"), encoding="utf-8") as f:
        texts = [json.loads(line)["text"] for line in f]
    size = sum(len(t.encode()) for t in texts) / 1e6

    def run(n, times):
        values = []
        for _ in range(times):
            start = time.perf_counter()
            tokenizer.encode_batch_fast(texts)
            values.append(size / (time.perf_counter() - start))
        return values, "MB/s"
    return run


peer.serve("tokenizers", "-", {name: rate(name) for name in ("english", "mixed")})
