#!/usr/bin/env python3
"""Small files of torch.save() for tests/unit/test_torch.c.

usage: torch_files.py FOLDER      needs torch 2.13
"""
import os
import sys
from collections import OrderedDict

import torch


class Foreign:
    def __reduce__(self):
        return os.system, ('echo run',)


def small():
    rows = torch.arange(12, dtype=torch.float32).reshape(3, 4)
    module = torch.nn.Linear(2, 1)
    with torch.no_grad():
        module.weight.copy_(torch.tensor([[1.5, -2.0]]))
        module.bias.fill_(0.25)
    state = module.state_dict()  # with _metadata
    state['rows'] = rows
    state['tied'] = rows
    state['view'] = rows[1:]
    state['half'] = torch.tensor([1, 2, -0.5], dtype=torch.float16)
    state['brain'] = torch.tensor([[1, 2], [3, -4]], dtype=torch.bfloat16)
    state['ids'] = torch.tensor([-1, 1 << 40])
    state['one'] = torch.nn.Parameter(torch.tensor(7.0))
    state['none'] = torch.zeros(0, 3)
    state['long name, in UTF-8: \u00e4'] = torch.zeros(1, 2, 1, dtype=torch.uint8).expand(1, 2, 1)
    return state


def main(folder):
    os.makedirs(folder, exist_ok=True)
    save = lambda what, name, **more: torch.save(what, os.path.join(folder, name), **more)
    save(small(), 'small.bin')
    save(OrderedDict(a=torch.ones(2)), 'old.bin', _use_new_zipfile_serialization=False)
    save({'a': torch.arange(6.0).reshape(2, 3).t()}, 'strided.bin')
    save({'a': torch.ones(2), 'b': Foreign()}, 'foreign.bin')
    save({'model': {'a': torch.ones(2)}, 'step': 7}, 'nested.bin')
    save({'a': torch.ones(2)}, 'protocol4.bin', pickle_protocol=4)


main(sys.argv[1])
