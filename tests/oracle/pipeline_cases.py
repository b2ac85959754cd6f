#!/usr/bin/env python3
"""Turn the goldens' greedy text cases into inputs and expected records for tests/cli/pipeline.bats.

    pipeline_cases.py tests/golden/MODEL tests/data/pipeline/MODEL

Writes CASE.in.jsonl (id, text, prompt), CASE.out.jsonl (what t5g-detok --jsonl must print) and `list`
(case, limit on input tokens or 0, max new tokens). Needs nothing but Python.
"""
import json, os, sys

golden, out = sys.argv[1:]
os.makedirs(out, exist_ok=True)
dump = lambda o: json.dumps(o, ensure_ascii=False, separators=(",", ":")) + "\n"
with open(os.path.join(golden, "cases.json")) as f:
    cases = json.load(f)
with open(os.path.join(out, "list"), "w") as names:
    for c in cases:
        if "text" not in c or c.get("images"):
            continue
        name = c["name"]
        with open(os.path.join(golden, name, "case.json")) as f:
            g = json.load(f)["greedy"]
        own = {"prompt": c["dec_text"]} if "dec_text" in c else {}
        with open(os.path.join(out, name + ".in.jsonl"), "w") as f:
            f.write(dump({"id": name, "text": c["text"], **own}))
        with open(os.path.join(out, name + ".out.jsonl"), "w") as f:
            f.write(dump({"id": name, "text": g["new_text"]["skip"], **own, "rank": 0,
                          "finish": "eos" if g["ended"] else "length"}))
        names.write("%s %d %d\n" % (name, c.get("n", 0), g["max_new_tokens"]))
