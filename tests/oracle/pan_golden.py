#!/usr/bin/env python3
"""Pan and scan as Hugging Face transformers does it: ids, views and features of one text with three pictures.

    pan_golden.py MODEL PICTURES DIRECTORY

Writes case.json (text, files, number of views), ids.npy i4 [N], views.npy u1 [V,S,S,3] (the first picture and its crops)
and features.npy f4 [views, M, D].
"""
import json
import os
import sys

import numpy as np
from transformers.image_utils import load_image

from make_golden import Runner, save_array

TEXT = "caption: <start_of_image> and <start_of_image>\n<start_of_image> end"
FILES = ["rgb.png", "one.png", "adam7.png"]
CROPS = dict(do_pan_and_scan=True, pan_and_scan_min_crop_size=16, pan_and_scan_max_num_crops=4,
             pan_and_scan_min_ratio_to_activate=1.2)


def main(model, pictures, directory):
    os.makedirs(directory, exist_ok=True)
    at = lambda name: os.path.join(directory, name)
    runner = Runner(model, pictures)
    images = [load_image(os.path.join(pictures, f)) for f in FILES]
    batch = runner.processor(images=images, text=TEXT, return_tensors="pt", **CROPS)
    pixels = batch["pixel_values"].float()
    save_array(at("ids.npy"), batch["input_ids"][0], np.int32)
    save_array(at("features.npy"), runner.vision(pixels)[1])
    first = runner.processor(images=images[:1], text="<start_of_image>", return_tensors="pt", **CROPS)["pixel_values"]
    levels = np.rint((first.double().numpy() * 0.5 + 0.5) * 255)
    save_array(at("views.npy"), levels.transpose(0, 2, 3, 1), np.uint8)
    with open(at("case.json"), "w") as f:
        json.dump(dict(text=TEXT, images=FILES, views=len(pixels)), f)


if __name__ == "__main__":
    main(*sys.argv[1:])
