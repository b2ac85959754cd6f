#!/usr/bin/env python3
"""Some rows of long encoder outputs and of logits far into a sequence, for tests/unit/test_bits.c.

    long_golden.py MODEL SHORT DIRECTORY

SHORT is the directory of the case enc512. f32, eager attention; the ids come from the formula of test_bits.c.
    encoder_rows.npy  f4 [10,D]  rows of the encoder output of 1300 ids
    logits_rows.npy   f4 [6,V]   rows of the logits of 700 ids after that encoder output
    logits_tiled.npy  f4 [2,V]   rows 0 and 39 after 17 copies of enc512's encoder output
    logits_alone.npy  f4 [2,V]   the same rows over no encoder rows, which here is one row that is masked
"""
import os
import sys

import numpy as np
import torch
from transformers.modeling_outputs import BaseModelOutput

from make_golden import load, save_array

ENCODER_ROWS = [0, 511, 512, 513, 767, 1023, 1024, 1279, 1280, 1299]
LOGITS_ROWS = [255, 256, 511, 512, 600, 699]


def series(n, a, b):
    """The start token, then ordinary ids that do not repeat in order."""
    return torch.tensor([[2] + [20 + (i * a + i * i * b) % 600 for i in range(1, n)]])


@torch.no_grad()
def main(directory, short, out):
    os.makedirs(out, exist_ok=True)
    model = load(directory)

    def logits(encoder, ids, seen=1):
        return model(encoder_outputs=BaseModelOutput(last_hidden_state=encoder), decoder_input_ids=ids,
                     attention_mask=torch.full((1, encoder.shape[1]), seen), use_cache=False).logits[0]

    ids = series(1300, 7919, 31)
    encoder = model.get_encoder()(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state
    tiled = torch.from_numpy(np.load(os.path.join(short, "encoder.npy"))).repeat(17, 1)[None]
    save_array(os.path.join(out, "encoder_rows.npy"), encoder[0][ENCODER_ROWS])
    save_array(os.path.join(out, "logits_rows.npy"), logits(encoder, series(700, 10473, 17))[LOGITS_ROWS])
    save_array(os.path.join(out, "logits_tiled.npy"), logits(tiled, series(40, 10473, 17))[[0, 39]])
    save_array(os.path.join(out, "logits_alone.npy"), logits(encoder[:, :1], series(40, 10473, 17), 0)[[0, 39]])


if __name__ == "__main__":
    main(*sys.argv[1:])
