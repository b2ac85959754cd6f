"""llama.cpp: the decoder-only Gemma 3 270M, whose block has the same shape, through its C interface.

`llama.py quantize FROM.gguf TO.gguf bf16|q8_0` makes the types from one file; good for speed only. Encoding is its
causal prompt with one row of logits; a decoding step reads a cache that is cut by the window in 15 of 18 layers.
"""
import ctypes
import sys
import time

import peer

import llama_cpp as lib
import numpy

CHUNK, MOST = 512, 4


def quantize(source, target, kind):
    p = lib.llama_model_quantize_default_params()
    p.ftype = {"bf16": lib.LLAMA_FTYPE_MOSTLY_BF16, "q8_0": lib.LLAMA_FTYPE_MOSTLY_Q8_0}[kind]
    p.allow_requantize, p.nthread = True, peer.THREADS
    if lib.llama_model_quantize(source.encode(), target.encode(), ctypes.byref(p)) != 0:
        sys.exit(f"llama.py: cannot write {target}")


def main():
    path, variant = sys.argv[1:3]
    lib.llama_backend_init()
    silent = lib.llama_log_callback(lambda *a: None)
    lib.llama_log_set(silent, None)
    p = lib.llama_model_default_params()
    p.n_gpu_layers = 0
    model = lib.llama_model_load_from_file(path.encode(), p)
    c = lib.llama_context_default_params()
    c.n_ctx, c.n_batch, c.n_ubatch, c.n_seq_max = 4096 + 4 * (peer.STEPS + 8), CHUNK, CHUNK, MOST
    c.n_threads = c.n_threads_batch = peer.THREADS
    c.kv_unified, c.swa_full = True, False
    context = lib.llama_init_from_model(model, c)
    memory = lib.llama_get_memory(context)
    size = lib.llama_vocab_n_tokens(lib.llama_model_get_vocab(model))
    batch = lib.llama_batch_init(CHUNK, 0, 1)

    def evaluate(items, rows):
        """items: (id, position, sequence); logits of the last `rows` of them."""
        for first in range(0, len(items), CHUNK):
            part = items[first:first + CHUNK]
            batch.n_tokens = len(part)
            for i, (token, position, sequence) in enumerate(part):
                batch.token[i], batch.pos[i], batch.n_seq_id[i] = token, position, 1
                batch.seq_id[i][0] = sequence
                batch.logits[i] = first + i >= len(items) - rows
            if lib.llama_decode(context, batch) != 0:
                sys.exit("llama.py: llama_decode failed")

    def best(i):
        row = lib.llama_get_logits_ith(context, i)
        return int(numpy.ctypeslib.as_array(row, (size,)).argmax())

    def prompt(n):
        lib.llama_memory_clear(memory, True)
        evaluate([(t % size, i, 0) for i, t in enumerate(peer.ids(n))], 1)
        return best(-1)

    def steps(n, sequences):
        token = [prompt(n)] * sequences
        for s in range(1, sequences):
            lib.llama_memory_seq_cp(memory, 0, s, -1, -1)
        at = []
        for i in range(peer.STEPS + 3):
            evaluate([(t, n + i, s) for s, t in enumerate(token)], sequences)
            token = [best(s) for s in range(sequences)]
            at.append(time.perf_counter())
        return peer.between(at)

    def encode(n, times):
        return peer.repeat(lambda: prompt(n), times), "s"

    peer.serve("llama.cpp", variant, {
        "encode": encode, "cold": lambda n, times: encode(n, 1),
        "decode": lambda n, times: ([ms for _ in range(times) for ms in steps(n, 1)], "ms"),
        "four": lambda n, times: ([ms for _ in range(times) for ms in steps(n, 4)], "ms")})


if sys.argv[1] == "quantize":
    quantize(*sys.argv[2:5])
else:
    main()
