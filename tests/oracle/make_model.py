#!/usr/bin/env python3
"""Build a T5Gemma 2 checkpoint with random weights that Hugging Face transformers loads.

    make_model.py NAME|SPEC.json DIRECTORY [options]

NAME is tiny, tiny-gqa (the models of tests/models), 270m, 1b or 4b (the shapes of the released models). SPEC.json is a
file with the keys of an entry of SHAPES. The weights are scaled so that logits are spread out and attention is far from
uniform. Small vocabularies get a tokenizer of Gemma's form, trained on corpus.txt; large ones need --tokenizer.

--layout is the form of the tensor names:
    saved         as transformers 5.18 saves: flat text encoder, vision tower without "vision_model."
    hub           as on the hub: flat text encoder, "vision_tower.vision_model."
    nested        "model.encoder.text_model.", "vision_tower.vision_model."
    nested-saved  nested, vision tower without "vision_model."
    bare          as hub, without the leading "model."
    encoder       the encoder alone, without a prefix (AutoModelForSeq2SeqLM cannot load it)
    text-encoder  the text encoder alone, under "text_encoder." (AutoModelForSeq2SeqLM cannot load it)
"""
import argparse
import json
import os
import tempfile

os.environ.setdefault("OMP_NUM_THREADS", "1")
import torch

torch.set_num_threads(1)

HERE = os.path.dirname(os.path.abspath(__file__))
LAYOUTS = ("saved", "hub", "nested", "nested-saved", "bare", "encoder", "text-encoder")
PARTIAL = ("encoder", "text-encoder")

ROPE = {"full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1000000.0},
        "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0}}
SIGLIP = dict(hidden_size=1152, intermediate_size=4304, num_hidden_layers=27, num_attention_heads=16, image_size=896,
              patch_size=14)


def text_shape(vocabulary, hidden, ff, layers, heads, kv_heads, head_dim, scalar, window):
    return dict(vocab_size=vocabulary, hidden_size=hidden, intermediate_size=ff, num_hidden_layers=layers,
                num_attention_heads=heads, num_key_value_heads=kv_heads, head_dim=head_dim,
                query_pre_attn_scalar=scalar, sliding_window=window, max_position_embeddings=32768, rope_parameters=ROPE)


def released(hidden, ff, layers, heads, kv_heads, window):
    return dict(text=text_shape(262144, hidden, ff, layers, heads, kv_heads, 256, 256, window), vision=SIGLIP,
                mm_tokens_per_image=256, ids=(255999, 256000, 256001))


# "ids" are those of <start_of_image>, <end_of_image> and <image_soft_token>; without it the tokenizer's.
SHAPES = {
    "tiny": dict(
        text=text_shape(640, 64, 128, 6, 4, 1, 32, 32, 16),
        vision=dict(hidden_size=32, intermediate_size=72, num_hidden_layers=2, num_attention_heads=2, image_size=56,
                    patch_size=14),
        mm_tokens_per_image=4),
    "tiny-gqa": dict(
        text=text_shape(701, 72, 176, 7, 4, 2, 24, 20, 8),
        vision=dict(hidden_size=48, intermediate_size=100, num_hidden_layers=3, num_attention_heads=4, image_size=112,
                    patch_size=14),
        mm_tokens_per_image=4,
        generation=dict(do_sample=True, top_k=64, top_p=0.95, eos_token_id=[1, "<end_of_turn>"])),
    "270m": released(640, 2048, 18, 4, 1, 512),
    "1b": released(1152, 6912, 26, 4, 1, 512),
    "4b": released(2560, 10240, 34, 8, 4, 1024),
}

# ---- tokenizer ----

BAR = "\u2581"
TAGS = ["<table>", "<tr>", "<td>", "</table>", "</tr>", "</td>", "<h1>", "</h1>", "<b>", "</b>", "<i>", "</i>",
        "<code>", "</code>", "<a>", "<img>"]
SPECIAL = {"<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>", "<end_of_turn>", "<start_of_image>", "<end_of_image>",
           "<image_soft_token>"}
LONGEST_RUNS = (("\n", 7), (BAR, 7), ("\t", 5))
TOKENIZER_CONFIG = {
    "add_bos_token": True, "add_eos_token": False, "boi_token": "<start_of_image>", "bos_token": "<bos>",
    "clean_up_tokenization_spaces": False, "eoi_token": "<end_of_image>", "eos_token": "<eos>",
    "extra_special_tokens": {"boi_token": "<start_of_image>", "eoi_token": "<end_of_image>",
                             "image_token": "<image_soft_token>"},
    "image_token": "<image_soft_token>", "model_max_length": 32768, "pad_token": "<pad>", "padding_side": "left",
    "processor_class": "Gemma3Processor", "sp_model_kwargs": None, "spaces_between_special_tokens": False,
    "tokenizer_class": "GemmaTokenizer", "unk_token": "<unk>", "use_default_system_prompt": False}


def train_pieces(lines, singles, count, known_runs, vocabulary):
    """The first `count` pieces of more than one character that BPE learns from the lines."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Replace(" ", BAR)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True),
                                                       pre_tokenizers.Split(BAR, "merged_with_next")])
    tokenizer.train_from_iterator(lines, trainers.BpeTrainer(vocab_size=vocabulary, show_progress=False,
                                                             initial_alphabet=singles))
    allowed = set(singles)
    pieces = [t for t, _ in sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
              if len(t) > 1 and allowed.issuperset(t) and t not in known_runs and BAR not in t[1:]][:count]
    assert len(pieces) == count, (len(pieces), count)
    return pieces


def all_merges(pieces, vocabulary):
    """Runs first, the longer left half before the shorter; then every split of every piece, in the order of ids."""
    merges = [[c * left, c * right] for left in range(30, 0, -1) for right in range(31 - left, 0, -1)
              for c, longest in LONGEST_RUNS if left + right <= longest]
    for p in pieces:
        merges += [[p[:k], p[k:]] for k in range(len(p) - 1, 0, -1) if p[:k] in vocabulary and p[k:] in vocabulary]
    return merges


def build_tokenizer(size, corpus):
    """A tokenizer.json of exactly Gemma 3's form with `size` tokens, trained on the file `corpus`."""
    with open(corpus, encoding="utf-8") as f:
        lines = [line for line in f.read().replace("\t", "\n").split("\n") if line]
    head = (["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "[multimodal]"] + [f"<unused{i}>" for i in range(8)]
            + ["<start_of_turn>", "<end_of_turn>"])
    newlines, spaces, tabs = ([c * i for i in range(2 if c == BAR else 1, n + 1)] for c, n in LONGEST_RUNS)
    in_bytes = [f"<0x{i:02X}>" for i in range(256)]
    tail = ["<start_of_image>", "<end_of_image>", "<image_soft_token>", "<unused8>", "<unused9>"]
    fixed = len(head) + len(newlines) + len(spaces) + len(TAGS) + len(in_bytes) + len(tabs) + len(tail)

    # Single characters: printable ASCII, and the most frequent others.
    frequency = {}
    for line in lines:
        for c in line.replace(" ", BAR):
            frequency[c] = frequency.get(c, 0) + 1
    rank = lambda c: (-frequency.get(c, 0), ord(c))
    in_ascii = [BAR] + [chr(c) for c in range(33, 127)]
    others = sorted((c for c in frequency if c not in in_ascii and ord(c) >= 160), key=rank)
    others = others[:max(10, (size - fixed - len(in_ascii)) // 6)]
    count = size - fixed - len(in_ascii) - len(others)
    assert count > 50, "vocabulary too small"
    singles = sorted(in_ascii + others, key=rank)

    pieces = train_pieces(lines, singles, count, set(newlines + spaces + tabs), len(frequency) + 4 * count)
    order = head + newlines + spaces + TAGS + in_bytes + pieces + singles + tabs + tail
    assert len(order) == len(set(order)) == size, (len(order), len(set(order)), size)
    vocabulary = {t: i for i, t in enumerate(order)}
    added = [dict(id=vocabulary[t], content=t, single_word=False, lstrip=False, rstrip=False, normalized=False,
                  special=t in SPECIAL) for t in head + newlines + spaces + TAGS + tabs + tail]
    bos = [{"SpecialToken": {"id": "<bos>", "type_id": i}} for i in range(2)]
    text = [{"Sequence": {"id": name, "type_id": i}} for i, name in enumerate("AB")]
    return {"version": "1.0", "truncation": None, "padding": None,
            "added_tokens": sorted(added, key=lambda a: a["id"]),
            "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": BAR},
            "pre_tokenizer": {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious",
                              "invert": False},
            "post_processor": {"type": "TemplateProcessing", "single": [bos[0], text[0]],
                               "pair": [bos[0], text[0], bos[1], text[1]],
                               "special_tokens": {"<bos>": {"id": "<bos>", "ids": [2], "tokens": ["<bos>"]}}},
            "decoder": {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": BAR}, "content": " "},
                                                         {"type": "ByteFallback"}, {"type": "Fuse"}]},
            "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None,
                      "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": True, "ignore_merges": False,
                      "vocab": vocabulary, "merges": all_merges(pieces, vocabulary)}}


def gemma_tokenizer(path):
    """Gemma 3's tokenizer.json changed to T5Gemma 2's: <unused99> becomes <image_soft_token>, 262144 is dropped."""
    if os.path.isdir(path):
        path = os.path.join(path, "tokenizer.json")
    with open(path, encoding="utf-8") as f:
        tokenizer = json.load(f)
    vocabulary = tokenizer["model"]["vocab"]
    if vocabulary.get("<unused99>") == 256001:
        del vocabulary["<unused99>"]
        vocabulary["<image_soft_token>"] = 256001
        tokenizer["added_tokens"] = [a for a in tokenizer["added_tokens"] if a["id"] < 262144]
        for a in tokenizer["added_tokens"]:
            if a["id"] == 256001:
                a["content"], a["special"] = "<image_soft_token>", True
        tokenizer["model"]["vocab"] = dict(sorted(vocabulary.items(), key=lambda item: item[1]))
    return tokenizer


# ---- weights ----

def spread(name, p, hidden):
    """Mean and standard deviation of a tensor's values."""
    leaf = name.split(".")[-1]
    if name == "lm_head.out_proj.weight" or name.endswith("embed_tokens.weight"):
        return 0, hidden ** -0.5
    if leaf == "eoi_embedding":
        return 0, 1.0
    if leaf == "mm_input_projection_weight":
        return 0, 1.5 * p.shape[0] ** -0.5
    if "vision_tower" in name:
        if "position_embedding" in name:
            return 0, 0.5
        if "patch_embedding.weight" in name:
            return 0, 1.2 * (p.shape[1] * p.shape[2] * p.shape[3]) ** -0.5
        if "layer_norm" in name or "layernorm" in name:
            return (1.0, 0.2) if leaf == "weight" else (0, 0.1)
        if leaf == "bias":
            return 0, 0.1
        return 0, (1.6 if "q_proj" in name or "k_proj" in name else 1.0) * p.shape[1] ** -0.5
    if p.dim() == 1:  # RMSNorm, whose gain is 1 + w
        if "q_norm" in name or "k_norm" in name:
            return 0.5, 0.3
        if name.endswith("decoder.norm.weight"):
            return 2.0, 0.5
        return (0.6, 0.3) if "post_" in name else (0.1, 0.3)
    return 0, p.shape[1] ** -0.5


def build_model(shape, vocabulary, dtype, seed, untied):
    from transformers import T5Gemma2Config, T5Gemma2ForConditionalGeneration
    boi, eoi, image = shape["ids"]
    text = dict(shape["text"], tie_word_embeddings=not untied)
    config = T5Gemma2Config(
        encoder=dict(text_config=text, vision_config=dict(shape["vision"], vision_use_head=False),
                     mm_tokens_per_image=shape["mm_tokens_per_image"], boi_token_index=boi, eoi_token_index=eoi,
                     image_token_index=image, tie_word_embeddings=not untied),
        decoder=dict(text), image_token_index=image, tie_word_embeddings=not untied)
    model = T5Gemma2ForConditionalGeneration._from_config(config, dtype=dtype).eval()
    generator = torch.Generator().manual_seed(seed)
    hidden = text["hidden_size"]
    with torch.no_grad():
        for name, p in sorted(model.named_parameters()):
            mean, deviation = spread(name, p, hidden)
            w = torch.randn(p.shape, generator=generator, dtype=torch.float32) * deviation + mean
            if name.endswith("embed_tokens.weight") and not (untied and ".decoder." in name):
                w[1] *= 2.4  # <eos> wins now and then, so that some generations end by themselves
                w[0] *= 0.5
            p.copy_(w)
    for key, value in shape.get("generation", {}).items():
        if isinstance(value, list):
            value = [vocabulary[x] if isinstance(x, str) else x for x in value]
        setattr(model.generation_config, key, value)
    return model


# ---- files ----

def renamed(name, layout):
    """A tensor's name as saved by transformers, in another layout; None if the layout leaves it out."""
    prefix = "model.encoder."
    if not name.startswith(prefix):
        if layout in PARTIAL:
            return None
    else:
        rest = name[len(prefix):]
        in_text = rest.split(".")[0] in ("embed_tokens", "layers", "norm")
        if rest.startswith("vision_tower.") and layout != "nested-saved":
            rest = "vision_tower.vision_model." + rest[len("vision_tower."):]
        if layout == "encoder":
            return rest
        if layout == "text-encoder":
            return "text_encoder." + rest if in_text else None
        name = prefix + ("text_model." if layout.startswith("nested") and in_text else "") + rest
    return name[len("model."):] if layout == "bare" and name.startswith("model.") else name


def change_layout(directory, layout):
    from safetensors.torch import load_file, save_file
    place = {}
    for f in sorted(f for f in os.listdir(directory) if f.endswith(".safetensors")):
        path = os.path.join(directory, f)
        tensors = {renamed(name, layout): t.contiguous() for name, t in load_file(path).items()}
        tensors.pop(None, None)
        place.update((name, f) for name in tensors)
        save_file(tensors, path, metadata={"format": "pt"})
    index = os.path.join(directory, "model.safetensors.index.json")
    if os.path.exists(index):
        write_json(index, dict(read_json(index), weight_map=dict(sorted(place.items()))), 2)


def read_json(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def write_json(path, value, indent=None, ascii_only=True):
    with open(path, "w", encoding="utf-8") as f:
        json.dump(value, f, indent=indent, ensure_ascii=ascii_only)


def save_processor(directory, tokenizer_json, shape, hub_files):
    """Tokenizer and processor as transformers saves them or, with hub_files, as they are on the hub."""
    from transformers import AutoTokenizer, Gemma3Processor
    from transformers.models.gemma3.image_processing_pil_gemma3 import Gemma3ImageProcessorPil
    with tempfile.TemporaryDirectory() as t:
        write_json(os.path.join(t, "tokenizer.json"), tokenizer_json, None, False)
        write_json(os.path.join(t, "tokenizer_config.json"), TOKENIZER_CONFIG, 1)
        tokenizer = AutoTokenizer.from_pretrained(t)
    side, tokens = shape["vision"]["image_size"], shape["mm_tokens_per_image"]
    pictures = Gemma3ImageProcessorPil(size={"height": side, "width": side}, do_convert_rgb=None, do_pan_and_scan=None)
    Gemma3Processor(image_processor=pictures, tokenizer=tokenizer, image_seq_length=tokens).save_pretrained(directory)
    if not hub_files:
        return
    at = lambda name: os.path.join(directory, name)
    write_json(at("tokenizer.json"), tokenizer_json, 2, False)
    write_json(at("tokenizer_config.json"), TOKENIZER_CONFIG, 1)
    flat = dict(read_json(at("processor_config.json"))["image_processor"], do_pan_and_scan=None, image_seq_length=tokens,
                pan_and_scan_max_num_crops=None, pan_and_scan_min_crop_size=None,
                pan_and_scan_min_ratio_to_activate=None, processor_class="Gemma3Processor")
    write_json(at("preprocessor_config.json"), dict(sorted(flat.items())), 2)
    write_json(at("processor_config.json"), dict(image_seq_length=tokens, processor_class="Gemma3Processor"), 2)


def state_dtype(directory, dtype):
    """Write the dtype into every part of config.json, as the printed configs of released checkpoints have it."""
    path = os.path.join(directory, "config.json")
    config = read_json(path)
    for part in ("text_config", "vision_config"):
        config["encoder"][part]["dtype"] = dtype
    with open(path, "w", encoding="utf-8") as f:
        f.write(json.dumps(config, indent=2) + "\n")


def verify(directory, model, dtype):
    """The files load without a missing, unexpected or different tensor."""
    from transformers import AutoModelForSeq2SeqLM
    loaded, info = AutoModelForSeq2SeqLM.from_pretrained(directory, dtype=dtype, output_loading_info=True)
    want = model.state_dict()
    different = [name for name, t in loaded.state_dict().items() if not torch.equal(t, want[name])]
    assert not different and not info["missing_keys"] and not info["unexpected_keys"], (different, info)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("name")
    ap.add_argument("directory")
    ap.add_argument("--seed", type=int, default=7)
    ap.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"])
    ap.add_argument("--layout", default="saved", choices=LAYOUTS)
    ap.add_argument("--hub-files", action="store_true", help="config, tokenizer and processor files in the form they have on the hub")
    ap.add_argument("--untied", action="store_true", help="embeddings of the decoder and a head of their own")
    ap.add_argument("--max-shard-size", default="50GB")
    ap.add_argument("--tokenizer", help="Gemma 3's tokenizer.json, or its directory, instead of training one")
    a = ap.parse_args()
    shape = dict(SHAPES[a.name] if a.name in SHAPES else read_json(a.name))
    tokenizer = None
    if a.tokenizer:
        tokenizer = gemma_tokenizer(a.tokenizer)
    elif shape["text"]["vocab_size"] < 20000:
        tokenizer = build_tokenizer(shape["text"]["vocab_size"], os.path.join(HERE, "corpus.txt"))
    vocabulary = tokenizer["model"]["vocab"] if tokenizer else {}
    if tokenizer:
        shape["ids"] = tuple(vocabulary[t] for t in ("<start_of_image>", "<end_of_image>", "<image_soft_token>"))
    dtype = getattr(torch, a.dtype)
    model = build_model(shape, vocabulary, dtype, a.seed, a.untied)
    os.makedirs(a.directory, exist_ok=True)
    model.save_pretrained(a.directory, max_shard_size=a.max_shard_size)
    if a.layout != "saved":
        change_layout(a.directory, a.layout)
    if a.hub_files:
        state_dtype(a.directory, a.dtype)
    if tokenizer:
        save_processor(a.directory, tokenizer, shape, a.hub_files)
    if a.layout not in PARTIAL:
        verify(a.directory, model, dtype)


if __name__ == "__main__":
    main()
