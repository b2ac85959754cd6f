"""What sentence-transformers and rerankers make of encoder rows, in numpy.

    embeddings.py ROWS.npy EMBEDDING.npy mean|max|cls|last [--modules DIR] [--dims N] [--normalize]
    embeddings.py ROWS.npy GROUPED.npy group N
    embeddings.py --model DIR            write a directory of sentence-transformers around a model

The first two compare, with a tolerance of 2e-6 for rows of size 1 (sums of f32 in another order);
bf16 arrays, which are exported as f32, with 2^-8. tests/cli/embeddings.bats runs it, with Debian's
numpy. Semantics: sentence-transformers 5 (Pooling, Dense, Normalize, truncate_dim of encode()).
"""
import json
import struct
import sys
from pathlib import Path

import numpy as np


def pool(rows, how):
    if how == "mean":
        return rows.astype("f8").mean(0)
    if how == "max":
        return rows.max(0).astype("f8")
    return rows[0 if how == "cls" else -1].astype("f8")


def tensors(path):
    data = Path(path).read_bytes()
    n = struct.unpack("<Q", data[:8])[0]
    head = json.loads(data[8 : 8 + n])
    head.pop("__metadata__", None)
    return {k: np.frombuffer(data, "<f4", count=int(np.prod(v["shape"])), offset=8 + n + v["data_offsets"][0])
            .reshape(v["shape"]) for k, v in head.items()}


def modules(x, path):
    for m in json.loads((path / "modules.json").read_text())[2:]:
        kind = m["type"].rsplit(".", 1)[1]
        if kind == "Normalize":
            x = x / max(np.linalg.norm(x), 1e-12)
        else:
            c = json.loads((path / m["path"] / "config.json").read_text())
            w = tensors(path / m["path"] / "model.safetensors")
            x = w["linear.weight"].astype("f8") @ x + w.get("linear.bias", 0)
            x = np.tanh(x) if c["activation_function"].endswith("Tanh") else x
    return x


def write_safetensors(path, arrays):
    head, data = {}, b""
    for k, a in arrays.items():
        raw = a.astype("<f4").tobytes()
        head[k] = {"dtype": "F32", "shape": list(a.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def make(path, d=64):
    """Pooling by mean, Dense d to 96 with tanh, Dense 96 to 32 without a bias, Normalize."""
    rng = np.random.default_rng(1)
    parts = [("1_Pooling", "Pooling"), ("2_Dense", "Dense"), ("3_Dense", "Dense"), ("4_Normalize", "Normalize")]
    listed = [{"idx": 0, "name": "0", "path": "0_Transformer", "type": "sentence_transformers.models.Transformer"}]
    for i, (folder, kind) in enumerate(parts, 1):
        (path / folder).mkdir()
        listed.append({"idx": i, "name": str(i), "path": folder, "type": f"sentence_transformers.models.{kind}"})
    (path / "modules.json").write_text(json.dumps(listed, indent=2))
    (path / "1_Pooling/config.json").write_text(json.dumps({
        "word_embedding_dimension": d, "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True,
        "pooling_mode_max_tokens": False, "pooling_mode_lasttoken": False, "include_prompt": True}))
    dense = [(2, d, 96, True, "torch.nn.modules.activation.Tanh"), (3, 96, 32, False, "torch.nn.modules.linear.Identity")]
    for i, n, m, bias, act in dense:
        folder = path / f"{i}_Dense"
        (folder / "config.json").write_text(json.dumps({
            "in_features": n, "out_features": m, "bias": bias, "activation_function": act}))
        arrays = {"linear.bias": rng.normal(size=m)} if bias else {}
        arrays["linear.weight"] = rng.normal(size=(m, n)) / np.sqrt(n)
        write_safetensors(folder / "model.safetensors", arrays)


def main(argv):
    if argv[0] == "--model":
        make(Path(argv[1]))
        return
    rows, got, how = np.load(argv[0]), np.load(argv[1]), argv[2]
    if how == "group":
        n = int(argv[3])
        want = np.stack([rows[i : i + n].astype("f8").mean(0) for i in range(0, len(rows), n)])
    else:
        want = pool(rows, how)
    if "--modules" in argv:
        want = modules(want, Path(argv[argv.index("--modules") + 1]))
    if "--dims" in argv:
        want = want[: int(argv[argv.index("--dims") + 1])]
    if "--normalize" in argv:
        want = want / max(np.linalg.norm(want), 1e-12)
    assert got.shape == want.shape, (got.shape, want.shape)
    bf16 = not (got.astype("<f4").view("<u4") & 0xFFFF).any()
    away = np.abs(got - want) - (2.0**-8 * np.abs(want) if bf16 else 0)
    assert away.max() <= 2e-6 * max(1, np.abs(rows).max()), away.max()


main(sys.argv[1:])
