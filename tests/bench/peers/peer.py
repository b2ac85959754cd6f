"""What the runners of the peers share: reading works, timing them, saying what they took.

A runner is started as `RUNNER MODEL VARIANT [WORK ...]`. A WORK is a line like "encode 512 3": a name,
a length and how often. Without WORK they come one a line on standard input, and every one is answered by one
line on standard output, a JSON object, so that the harness can let several programs take turns while
their models stay loaded. The documents are the harness's: ids.N in the folder T5G_BENCH_DIR.
"""
import json
import os
import statistics
import sys
import time

THREADS = int(os.environ.get("T5G_BENCH_THREADS", "2"))
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = str(THREADS)
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")

STEPS = int(os.environ.get("T5G_BENCH_STEPS", "64"))


def ids(n):
    with open(os.path.join(os.environ["T5G_BENCH_DIR"], f"ids.{n}"), encoding="ascii") as f:
        return [int(x) for x in f.read().split()]


def repeat(f, times):
    """Seconds of each of so many runs of f."""
    took = []
    for _ in range(times):
        start = time.perf_counter()
        f()
        took.append(time.perf_counter() - start)
    return took


def between(stamps):
    """Milliseconds from step to step; the first two, in which memory is touched, do not count."""
    return [1e3 * (b - a) for a, b in zip(stamps[2:], stamps[3:])]


def serve(system, variant, works):
    """works: name -> f(n, times), which gives (values, unit)."""
    def answer(line):
        name, n, times = (line.split() + ["1"])[:3]
        values, unit = works[name](int(n), int(times))
        print(json.dumps({"work": f"{name}-{n}", "system": system, "variant": variant, "unit": unit,
                          "value": round(statistics.median(values), 6),
                          "best": round((max if "/s" in unit else min)(values), 6)}, separators=(",", ":")),
              flush=True)

    given = sys.argv[3:]
    if not given:
        print("ready", flush=True)
    for line in given or sys.stdin:
        if line.strip():
            answer(line)
