#!/usr/bin/env python3
"""A small encoder-decoder that is built otherwise than T5Gemma 2, in numpy: other_family.py DIRECTORY

LayerNorm with a bias in front of each half and none behind, no norm of queries and keys, no rotation, soft-capped
scores, a feed-forward of two matrices with relu, separate cross-attention, a head of its own. Writes weights.npy (all of
them, flat, in the order in which they are made here), ids.npy, encoder.npy, dec_ids.npy and logits.npy, from which
tests/unit/test_family.c sees that the blocks of common/nn compute by their config. Sums are in f64.
"""
import os
import sys

import numpy as np

D, F, H, HK, DH, V, LAYERS, WINDOW, CAP, EPS = 24, 40, 4, 2, 10, 50, 3, 6, 4.0, 1e-5
FULL = [False, True, False]
N, M = 37, 11  # rows of encoder and decoder

rng = np.random.default_rng(20261127)
flat = []


def weight(*shape, around=0.0, scale=None):
    w = rng.standard_normal(shape) * (scale or shape[-1] ** -0.5) + around
    w = w.astype(np.float32)
    flat.append(w.ravel())
    return w.astype(np.float64)


def norm_weights():
    return weight(D, around=1, scale=0.2), weight(D, scale=0.2)


def attention_weights():
    return {"pre": norm_weights(), "q": weight(H * DH, D), "k": weight(HK * DH, D), "v": weight(HK * DH, D),
            "o": weight(D, H * DH)}


def stack_weights(cross):
    layers = []
    for _ in range(LAYERS):
        layer = {"self": attention_weights()}
        if cross:
            layer["cross"] = attention_weights()
        layer["pre"], layer["up"], layer["down"] = norm_weights(), weight(F, D), weight(D, F)
        layers.append(layer)
    return {"layers": layers, "norm": norm_weights(), "embed": weight(V, D, scale=1)}


def norm(x, w):
    c = x - x.mean(-1, keepdims=True)
    return c / np.sqrt((c * c).mean(-1, keepdims=True) + EPS) * w[0] + w[1]


def attend(w, x, keys, seen):
    q = (x @ w["q"].T).reshape(len(x), H, DH)
    k = (keys @ w["k"].T).reshape(len(keys), HK, DH)
    v = (keys @ w["v"].T).reshape(len(keys), HK, DH)
    out = np.zeros((len(x), H, DH))
    for h in range(H):
        s = q[:, h] @ k[:, h // (H // HK)].T * DH ** -0.5
        s = np.where(seen, CAP * np.tanh(s / CAP), -np.inf)
        p = np.exp(s - s.max(-1, keepdims=True))
        out[:, h] = p / p.sum(-1, keepdims=True) @ v[:, h // (H // HK)]
    return out.reshape(len(x), H * DH) @ w["o"].T


def run(stack, ids, own, enc=None):
    x = stack["embed"][ids]
    for layer, full in zip(stack["layers"], FULL):
        y = norm(x, layer["self"]["pre"])
        x = x + attend(layer["self"], y, y, own(full))
        if enc is not None:
            y = norm(x, layer["cross"]["pre"])
            x = x + attend(layer["cross"], y, enc, np.ones((len(x), len(enc)), bool))
        x = x + np.maximum(norm(x, layer["pre"]) @ layer["up"].T, 0) @ layer["down"].T
    return norm(x, stack["norm"])


def two_sided(full):
    i, j = np.arange(N)[:, None], np.arange(N)[None]
    return np.full((N, N), True) if full else (i - j < (WINDOW + 1) // 2) & (j - i <= WINDOW // 2)


def causal(full):
    i, j = np.arange(M)[:, None], np.arange(M)[None]
    return (j <= i) & (full | (i - j < WINDOW))


def main(directory):
    encoder, decoder = stack_weights(False), stack_weights(True)
    head = weight(V, D)
    ids, dec_ids = rng.integers(0, V, N), rng.integers(0, V, M)
    enc = run(encoder, ids, two_sided)
    logits = run(decoder, dec_ids, causal, enc) @ head.T
    alone = run(decoder, dec_ids, causal) @ head.T  # over no rows nothing comes from them
    os.makedirs(directory, exist_ok=True)
    for name, a in {"weights": np.concatenate(flat), "ids": ids.astype("<i4"), "encoder": enc.astype("<f4"),
                    "dec_ids": dec_ids.astype("<i4"), "logits": logits.astype("<f4"), "logits_alone": alone.astype("<f4")}.items():
        np.save(os.path.join(directory, name + ".npy"), a)


if __name__ == "__main__":
    main(sys.argv[1])
