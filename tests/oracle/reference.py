#!/usr/bin/env python3
"""T5Gemma 2's forward pass in plain numpy, an executable specification: needs neither torch nor transformers.

    reference.py MODEL GOLDEN [CASE...] [--dtype float64|float32]

Reads config.json and *.safetensors (every layout of make_model.py), computes image features, encoder outputs and logits of
every case of the directory GOLDEN again and prints how far the goldens are from that.
"""
import argparse
import glob
import json
import os

import numpy as np


def canonical(name):
    """A tensor's name in the layout that this file uses, whatever the checkpoint's."""
    if name.startswith("text_encoder."):
        name = "encoder." + name[len("text_encoder."):]
    elif name.startswith("model."):
        name = name[len("model."):]
    if not name.startswith(("encoder.", "decoder.", "lm_head.")):
        name = "encoder." + name
    return name.replace("encoder.text_model.", "encoder.").replace("vision_tower.vision_model.", "vision_tower.")


def load_weights(directory):
    """Tensors of all shards by canonical name, f32."""
    weights = {}
    for path in sorted(glob.glob(os.path.join(directory, "*.safetensors"))):
        with open(path, "rb") as f:
            raw = f.read()
        size = int.from_bytes(raw[:8], "little")
        for name, head in json.loads(raw[8:8 + size]).items():
            if name == "__metadata__":
                continue
            begin, end = (8 + size + x for x in head["data_offsets"])
            if head["dtype"] == "BF16":
                x = (np.frombuffer(raw[begin:end], "<u2").astype(np.uint32) << 16).view(np.float32)
            else:
                x = np.frombuffer(raw[begin:end], {"F32": "<f4", "F16": "<f2"}[head["dtype"]]).astype(np.float32)
            weights[canonical(name)] = x.reshape(head["shape"])
    return weights


def gelu(x):
    return x * 0.5 * (1 + np.tanh(np.sqrt(2 / np.pi).astype(x.dtype) * (x + x.dtype.type(0.044715) * x * x * x)))


def rotate(x, cos, sin):
    """x [n, heads, d]: the first half of d turns against the second."""
    half = x.shape[-1] // 2
    turned = np.concatenate([-x[..., half:], x[..., :half]], -1)
    return x * cos[:, None] + turned * sin[:, None]


class Model:
    def __init__(self, directory, dtype=np.float64):
        with open(os.path.join(directory, "config.json")) as f:
            self.config = json.load(f)
        self.dtype = dtype
        self.stored = self.config.get("dtype") or self.config.get("torch_dtype") or "float32"
        self.weights = {name: w.astype(dtype) for name, w in load_weights(directory).items()}
        self.embedding = self.weights["encoder.embed_tokens.weight"]
        own = {} if self.config.get("tie_word_embeddings", True) else self.weights
        self.decoder_embedding = own.get("decoder.embed_tokens.weight", self.embedding)
        self.head = own.get("lm_head.out_proj.weight", self.embedding)
        self.eoi = self.weights["encoder.embed_tokens.eoi_embedding"]

    def as_stored(self, v):
        """v rounded to the checkpoint's dtype."""
        v = np.float32(v)
        if self.stored == "bfloat16":
            bits = int(v.view(np.uint32))
            return np.uint32((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000).view(np.float32)
        return np.float32(np.float16(v)) if self.stored == "float16" else v

    def rms_norm(self, x, w, eps):
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + self.dtype(eps)) * (1 + w)

    def embed(self, ids, embedding):
        """Rows scaled by sqrt(width); the row of <end_of_image> is its own and not scaled."""
        x = embedding[ids] * self.dtype(self.as_stored(embedding.shape[1] ** 0.5))
        x[ids == self.config["encoder"]["eoi_token_index"]] = self.eoi
        return x

    def rope(self, config, kind, positions):
        """cos and sin [n, head_dim] of the angles, which are f32."""
        p, d = config["rope_parameters"][kind], config["head_dim"]
        inverse = np.float32(1) / np.float32(p["rope_theta"]) ** (np.arange(0, d, 2, dtype=np.float32) / np.float32(d))
        if p["rope_type"] == "linear":
            inverse = inverse / np.float32(p["factor"])
        angle = positions.astype(np.float32)[:, None] * inverse[None]
        angle = np.concatenate([angle, angle], -1)
        return np.cos(angle).astype(self.dtype), np.sin(angle).astype(self.dtype)

    def attend(self, q, k, v, seen, scale):
        """q [n, heads, d], k and v [m, kv_heads, d], seen [n, m] or None; query head h uses kv head h // group."""
        group = q.shape[1] // k.shape[1]
        k, v = np.repeat(k, group, 1), np.repeat(v, group, 1)
        s = np.einsum("nhd,mhd->hnm", q, k) * self.dtype(scale)
        if seen is not None:
            s = np.where(seen[None], s, -np.inf)
        s = np.exp(s - s.max(-1, keepdims=True))
        s /= s.sum(-1, keepdims=True)
        return np.einsum("hnm,mhd->nhd", s, v).reshape(q.shape[0], -1)

    @staticmethod
    def seen(n, window, causal):
        """Which key a query sees, for each kind of layer. The encoder's window reaches further ahead than back."""
        query, key = np.arange(n)[:, None], np.arange(n)[None]
        if causal:
            full = key <= query
            return {"full_attention": full, "sliding_attention": full & (key > query - window)}
        near = (query - key < (window + 1) // 2) & (key - query <= window // 2)
        return {"full_attention": np.ones((n, n), bool), "sliding_attention": near}

    def stack(self, config, prefix, x, encoder=None):
        """The layers of the encoder or, given its output, of the decoder; returns output and inputs of all layers."""
        n, d, eps = x.shape[0], config["head_dim"], config["rms_norm_eps"]
        seen = self.seen(n, config["sliding_window"], encoder is not None)
        rope = {kind: self.rope(config, kind, np.arange(n)) for kind in set(config["layer_types"])}
        heads = lambda z: z.reshape(z.shape[0], -1, d)
        trace = [x]
        for i, kind in enumerate(config["layer_types"]):
            w = lambda name: self.weights[f"{prefix}.layers.{i}.{name}.weight"]
            y = self.rms_norm(x, w("pre_self_attn_layernorm"), eps)
            q = self.rms_norm(heads(y @ w("self_attn.q_proj").T), w("self_attn.q_norm"), eps)
            k = self.rms_norm(heads(y @ w("self_attn.k_proj").T), w("self_attn.k_norm"), eps)
            v = heads(y @ w("self_attn.v_proj").T)
            q, k = rotate(q, *rope[kind]), rotate(k, *rope[kind])
            mask = seen[kind]
            if encoder is not None:  # keys of the encoder: same projections, k_norm, no rotation, all of them seen
                crossing = self.rms_norm(heads(encoder @ w("self_attn.k_proj").T), w("self_attn.k_norm"), eps)
                k = np.concatenate([k, crossing])
                v = np.concatenate([v, heads(encoder @ w("self_attn.v_proj").T)])
                mask = np.concatenate([mask, np.ones((n, encoder.shape[0]), bool)], 1)
            a = self.attend(q, k, v, mask, config["query_pre_attn_scalar"] ** -0.5) @ w("self_attn.o_proj").T
            x = x + self.rms_norm(a, w("post_self_attn_layernorm"), eps)
            y = self.rms_norm(x, w("pre_feedforward_layernorm"), eps)
            y = (gelu(y @ w("mlp.gate_proj").T) * (y @ w("mlp.up_proj").T)) @ w("mlp.down_proj").T
            x = x + self.rms_norm(y, w("post_feedforward_layernorm"), eps)
            trace.append(x)
        trace[-1] = self.rms_norm(x, self.weights[prefix + ".norm.weight"], eps)
        return trace[-1], trace

    def vision(self, pixels):
        """pixels [3, S, S]: the tower's last rows [P, Dv] and the image features [M, D]."""
        config = self.config["encoder"]["vision_config"]
        w = lambda name: self.weights["encoder.vision_tower." + name]
        patch, eps, heads = config["patch_size"], config["layer_norm_eps"], config["num_attention_heads"]
        grid = config["image_size"] // patch

        def norm(x, name):
            c = x - x.mean(-1, keepdims=True)
            return c / np.sqrt((c * c).mean(-1, keepdims=True) + self.dtype(eps)) * w(name + ".weight") + w(name + ".bias")

        linear = lambda x, name: x @ w(name + ".weight").T + w(name + ".bias")
        x = pixels.astype(self.dtype).reshape(3, grid, patch, grid, patch).transpose(1, 3, 0, 2, 4).reshape(grid * grid, -1)
        x = x @ w("embeddings.patch_embedding.weight").reshape(config["hidden_size"], -1).T
        x = x + w("embeddings.patch_embedding.bias") + w("embeddings.position_embedding.weight")
        for i in range(config["num_hidden_layers"]):
            at = f"encoder.layers.{i}."
            y = norm(x, at + "layer_norm1")
            q, k, v = (linear(y, at + f"self_attn.{s}_proj").reshape(len(y), heads, -1) for s in "qkv")
            x = x + linear(self.attend(q, k, v, None, q.shape[-1] ** -0.5), at + "self_attn.out_proj")
            x = x + linear(gelu(linear(norm(x, at + "layer_norm2"), at + "mlp.fc1")), at + "mlp.fc2")
        last = norm(x, "post_layernorm")
        side = int(self.config["encoder"]["mm_tokens_per_image"] ** 0.5)
        cell = grid // side
        pooled = last.reshape(grid, grid, -1)[:side * cell, :side * cell].reshape(side, cell, side, cell, -1).mean((1, 3))
        projector = lambda name: self.weights["encoder.multi_modal_projector." + name]
        y = self.rms_norm(pooled.reshape(side * side, -1), projector("mm_soft_emb_norm.weight"), eps)
        return last, y @ projector("mm_input_projection_weight")

    def encode(self, ids, features=None):
        x = self.embed(ids, self.embedding)
        if features is not None:
            x[ids == self.config["encoder"]["image_token_index"]] = features
        return self.stack(self.config["encoder"]["text_config"], "encoder", x)

    def decode(self, ids, encoder):
        config = self.config["decoder"]
        x, trace = self.stack(config, "decoder", self.embed(ids, self.decoder_embedding), encoder)
        logits, cap = x @ self.head.T, config.get("final_logit_softcapping")
        return np.tanh(logits / cap) * cap if cap else logits, trace


def distances(model, directory):
    """Largest differences in a case: vision, encoder, logits and, if there is one, the trace."""
    read = lambda name: np.load(os.path.join(directory, name + ".npy"))
    there = lambda name: os.path.exists(os.path.join(directory, name + ".npy"))
    far = lambda x, y: float(np.abs(x - y).max())
    features, d = None, {"vision": 0.0}
    if there("pixel_values"):
        last, features = map(np.stack, zip(*map(model.vision, read("pixel_values"))))
        d["vision"] = max(far(last, read("vision_last")), far(features, read("vision_features")))
    elif there("vision_features"):
        features = read("vision_features").astype(model.dtype)
    if features is not None:
        features = features.reshape(-1, features.shape[-1])
    encoder, encoder_trace = model.encode(read("input_ids"), features)
    logits, decoder_trace = model.decode(read("dec_ids"), encoder)
    want = read("logits")
    d["encoder"], d["logits"] = far(encoder, read("encoder")), far(logits[:len(want)], want)
    if there("trace_enc"):
        d["trace"] = max(far(np.stack(encoder_trace), read("trace_enc")), far(np.stack(decoder_trace), read("trace_dec")))
    return d


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("model")
    ap.add_argument("golden")
    ap.add_argument("case", nargs="*")
    ap.add_argument("--dtype", default="float64", choices=["float64", "float32"])
    a = ap.parse_args()
    model = Model(a.model, getattr(np, a.dtype))
    worst = {}
    for path in sorted(glob.glob(os.path.join(a.golden, "*", "case.json"))):
        name = os.path.basename(os.path.dirname(path))
        if a.case and name not in a.case:
            continue
        d = distances(model, os.path.dirname(path))
        print("%-24s" % name, " ".join("%s %.1e" % x for x in d.items()))
        for key, value in d.items():
            worst[key] = max(value, worst.get(key, 0))
    print("%-24s" % "largest", " ".join("%s %.1e" % x for x in worst.items()))


if __name__ == "__main__":
    main()
