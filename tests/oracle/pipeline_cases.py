#!/usr/bin/env python3
"""Turn the goldens' greedy cases into inputs and expected records for tests/cli.

    pipeline_cases.py GOLDEN TEXTS PICTURES

TEXTS (tests/data/pipeline/MODEL, for pipeline.bats) and PICTURES (tests/data/pictures/MODEL, for pictures.bats) get
CASE.in.jsonl (id, text, prompt or images), CASE.out.jsonl (what t5g-detok --jsonl must print) and `list`: case, limit on
input tokens or 0 (texts only), max new tokens. JPEGs are PPMs of the same pixels, so that no JPEG decoder has a part in
the result; pictures whose smallest margin is below 1e-3 are left out. Needs nothing but Python.
"""
import json
import os
import sys


def dump(o):
    return json.dumps(o, ensure_ascii=False, separators=(",", ":")) + "\n"


def read_json(*path):
    with open(os.path.join(*path), encoding="utf-8") as f:
        return json.load(f)


def write_case(directory, case, greedy, own_in, own_out, line):
    """Input and expected record of a case, and its line of `list`."""
    name = case["name"]
    os.makedirs(directory, exist_ok=True)
    records = {"in": {"id": name, "text": case["text"], **own_in},
               "out": {"id": name, "text": greedy["new_text"]["skip"], **own_out, "rank": 0,
                       "finish": "eos" if greedy["ended"] else "length"}}
    for side, record in records.items():
        with open(os.path.join(directory, f"{name}.{side}.jsonl"), "w", encoding="utf-8") as f:
            f.write(dump(record))
    with open(os.path.join(directory, "list"), "a", encoding="utf-8") as f:
        f.write(" ".join(map(str, line)) + "\n")


def main(golden, texts, pictures):
    for directory in (texts, pictures):
        if os.path.exists(os.path.join(directory, "list")):
            os.remove(os.path.join(directory, "list"))
    for case in read_json(golden, "cases.json"):
        if "text" not in case:
            continue
        name = case["name"]
        greedy = read_json(golden, name, "case.json")["greedy"]
        limit = greedy["max_new_tokens"]
        if not case.get("images"):
            prompt = {"prompt": case["dec_text"]} if "dec_text" in case else {}
            write_case(texts, case, greedy, prompt, prompt, (name, case.get("n", 0), limit))
        elif greedy["min_margin"] > 1e-3:
            images = [f.replace(".jpg", ".ppm") for f in case["images"]]
            write_case(pictures, case, greedy, {"images": images}, {}, (name, limit))


if __name__ == "__main__":
    main(*sys.argv[1:])
