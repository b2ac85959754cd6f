#!/usr/bin/env python3
"""Adapters over the models of the tests, and what PEFT makes of them.

    adapters.py MODEL FOLDER [CASE...]      needs transformers, torch and peft 0.21

Writes a directory for each case (see CASES), as PEFT saves it:
    adapter_config.json, adapter_model.safetensors
    case.json      ids [N] of the document, decoder ids [T], greedy ids, the smallest margin of their choices, the picture
    encoder.npy    f4 [N, D]  encoder output with the adapter
    logits.npy     f4 [T, V]  logits after each decoder id
    features.npy   f4 [M, D]  image features, where the adapter changes the vision tower
The adapter is not merged: PeftModel.from_pretrained over from_pretrained(MODEL, dtype="auto", eager), then .float().
Factors are random and act strongly. `names` says how a file's names differ from what PEFT writes, as files of other
tools and versions do.
"""
import json
import os
import sys
import warnings

os.environ.setdefault("OMP_NUM_THREADS", "1")
warnings.filterwarnings("ignore")
import numpy as np
import peft
import torch
import transformers
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from transformers import AutoModelForSeq2SeqLM, AutoProcessor
from transformers.image_utils import load_image

torch.set_num_threads(1)
transformers.logging.set_verbosity_error()

ATTENTION, MLP = ["q_proj", "k_proj", "v_proj", "o_proj"], ["gate_proj", "up_proj", "down_proj"]
TOKENS = [5, 40, 300, 301]
CASES = {
    "attention": dict(r=4, lora_alpha=8, target_modules=r".*(text_model|decoder)\.layers.*(q_proj|v_proj)"),
    "linear": dict(r=2, lora_alpha=4, target_modules="all-linear", names="flat", dtype="bfloat16"),
    "rslora": dict(r=3, lora_alpha=6, use_rslora=True, target_modules=ATTENTION + MLP,
                   rank_pattern={"v_proj": 5, r"decoder\.layers\.[0-2]\.mlp\.up_proj": 1},
                   alpha_pattern={r"layers.1.self_attn.(q|k)_proj": 12, "down_proj": 2.5}),
    "dora": dict(r=3, lora_alpha=6, use_dora=True, target_modules="all-linear", names="default"),
    "decoder": dict(r=2, lora_alpha=4, target_modules=r".*decoder\.layers.*(q|k|v|gate|down)_proj", dtype="float16"),
    "head": dict(r=2, lora_alpha=4, target_modules=["v_proj"], modules_to_save=["lm_head"]),
    "head-lora": dict(r=2, lora_alpha=4, target_modules=["out_proj", "o_proj"]),
    "embed": dict(r=2, lora_alpha=4, target_modules=["v_proj"], modules_to_save=["embed_tokens"]),
    "embed-lora": dict(r=3, lora_alpha=6, target_modules=["embed_tokens", "k_proj"]),
    "tokens": dict(r=2, lora_alpha=4, target_modules=["v_proj"], trainable_token_indices={"embed_tokens": TOKENS}),
    "tokens-tied": dict(r=2, lora_alpha=4, target_modules=["o_proj"], trainable_token_indices=TOKENS),
}
WITH_PICTURE = ("linear", "dora", "rslora")


def base(directory):
    return AutoModelForSeq2SeqLM.from_pretrained(directory, dtype="auto", attn_implementation="eager")


@torch.no_grad()
def randomise(model, generator):
    for name, p in model.named_parameters():
        noise = torch.randn(p.shape, generator=generator)
        if "lora_A" in name or "lora_embedding_A" in name:
            p.copy_(noise * p.shape[-1] ** -0.5)
        elif "lora_B" in name or "lora_embedding_B" in name:
            p.copy_(noise * 0.2)
        elif "lora_magnitude_vector" in name:
            p.copy_(p * (1 + 0.3 * noise))
        elif "modules_to_save" in name or "trainable_tokens_delta" in name:
            p.copy_((p.float() + noise * p.float().std() * 0.5).to(p.dtype))


def renamed(name, how):
    if how == "default":
        for end in ("lora_A", "lora_B"):
            name = name.replace(f".{end}.weight", f".{end}.default.weight")
        return name.replace("lora_magnitude_vector", "lora_magnitude_vector.default.weight")
    if how == "flat":
        return name.replace("encoder.text_model.", "encoder.").replace("vision_tower.", "vision_tower.vision_model.")
    return name


def rewrite(directory, names, dtype):
    """Settings that do not depend on where and in what order they were made, and other names or types."""
    path = os.path.join(directory, "adapter_config.json")
    with open(path, encoding="utf-8") as f:
        config = json.load(f)
    config["base_model_name_or_path"] = "base"
    if isinstance(config["target_modules"], list):
        config["target_modules"].sort()
    with open(path, "w", encoding="utf-8") as f:
        json.dump(config, f, indent=1)
        f.write("\n")
    path = os.path.join(directory, "adapter_model.safetensors")
    tensors = load_file(path)
    if dtype:
        tensors = {k: v.to(getattr(torch, dtype)) for k, v in tensors.items()}
    save_file(tensors, path, metadata={"format": "pt"})
    return {renamed(k, names): v for k, v in tensors.items()}


def document(model, case, processor, picture):
    """Encoder ids [1, N], with ids that the adapters treat apart, and pixels or None."""
    if case in WITH_PICTURE:
        batch = processor(images=[load_image(picture)], text="a <start_of_image> and more", return_tensors="pt")
        return batch["input_ids"], batch["pixel_values"].float()
    generator = torch.Generator().manual_seed(3)
    ids = torch.randint(10, 600, (30,), generator=generator)
    ids[0], ids[4], ids[9:13] = 2, model.config.encoder.eoi_token_index, torch.tensor(TOKENS)
    return ids[None], None


@torch.no_grad()
def make(directory, out, case, options):
    options = dict(options)
    names, dtype = options.pop("names", None), options.pop("dtype", None)
    config = peft.LoraConfig(task_type="SEQ_2_SEQ_LM", **options)
    trained = peft.get_peft_model(base(directory), config)
    randomise(trained, torch.Generator().manual_seed(len(case)))
    trained.save_pretrained(out)
    tensors = rewrite(out, names, dtype)
    model = peft.PeftModel.from_pretrained(base(directory), out).float().eval()
    save_file(tensors, os.path.join(out, "adapter_model.safetensors"), metadata={"format": "pt"})
    for extra in set(os.listdir(out)) - {"adapter_config.json", "adapter_model.safetensors"}:
        os.remove(os.path.join(out, extra))

    processor = AutoProcessor.from_pretrained(directory)
    inner = model.base_model.model
    picture = "adam7.png"
    pictures = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "data", "pictures")
    ids, pixels = document(inner, case, processor, os.path.join(pictures, picture))
    given = dict(input_ids=ids, attention_mask=torch.ones_like(ids))
    if pixels is not None:
        given["pixel_values"] = pixels
    start = inner.config.decoder.bos_token_id
    greedy = model.generate(**given, decoder_input_ids=torch.tensor([[start]]), do_sample=False, num_beams=1,
                            max_new_tokens=16)[0].tolist()
    decoder_ids = [start, 40, inner.config.encoder.eoi_token_index, 300] + greedy[1:9]
    o = model(**given, decoder_input_ids=torch.tensor([decoder_ids]), use_cache=False)
    rows = model(**given, decoder_input_ids=torch.tensor([greedy[:-1]]), use_cache=False).logits[0].topk(2, -1).values
    save = lambda name, x: np.save(os.path.join(out, name), np.ascontiguousarray(x.float().numpy(), dtype=np.float32))
    save("encoder.npy", o.encoder_last_hidden_state[0])
    save("logits.npy", o.logits[0])
    if pixels is not None:
        encoder = inner.model.encoder
        save("features.npy", encoder.multi_modal_projector(encoder.vision_tower(pixel_values=pixels).last_hidden_state)[0])
    with open(os.path.join(out, "case.json"), "w", encoding="utf-8") as f:
        json.dump(dict(ids=ids[0].tolist(), decoder_ids=decoder_ids, greedy=greedy[1:],
                       min_margin=float((rows[:, 0] - rows[:, 1]).min()),
                       **(dict(picture=picture) if pixels is not None else {})), f)
        f.write("\n")


def main(directory, folder, *cases):
    for case in cases or CASES:
        print(case, flush=True)
        make(directory, os.path.join(folder, case), case, CASES[case])


if __name__ == "__main__":
    main(*sys.argv[1:])
