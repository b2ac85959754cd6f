"""A random T5Gemma 2 of the 270M shape, as transformers saves it: model.py FROM DIRECTORY

FROM is a model directory whose tokenizer and other small files are taken (ids beyond its vocabulary do not
occur in a text). Needs torch and transformers. Random weights do not change the speed of anything.
"""
import glob
import os
import shutil
import sys

import torch
from transformers import T5Gemma2Config, T5Gemma2ForConditionalGeneration

source, directory = sys.argv[1:3]
config = T5Gemma2Config.from_pretrained(source)
text = dict(vocab_size=262144, hidden_size=640, intermediate_size=2048, num_hidden_layers=18, num_attention_heads=4,
            num_key_value_heads=1, head_dim=256, sliding_window=512, query_pre_attn_scalar=256,
            max_position_embeddings=32768, layer_types=(["sliding_attention"] * 5 + ["full_attention"]) * 3)
for part in (config.decoder, config.encoder.text_config):
    for name, value in text.items():
        setattr(part, name, value)
for name, value in dict(hidden_size=1152, intermediate_size=4304, num_hidden_layers=27, num_attention_heads=16,
                        image_size=896, patch_size=14).items():
    setattr(config.encoder.vision_config, name, value)
config.encoder.mm_tokens_per_image = 256
torch.manual_seed(0)
model = T5Gemma2ForConditionalGeneration(config)
with torch.no_grad():
    for name, p in model.named_parameters():
        if "norm" in name and p.dim() == 1 and "vision" not in name:
            p.normal_(0, 0.3)
model.to(torch.bfloat16).save_pretrained(directory)
for path in glob.glob(os.path.join(source, "*.json")):
    if os.path.basename(path) != "config.json":
        shutil.copy(path, directory)
