#!/usr/bin/env python3
"""Compare goldens made anew with those of the tree: compare.py NEW TREE FILE_OR_FOLDER...

Every file or folder, named as in NEW and TREE, must hold the same files in both. A file is the same byte for byte or,
where torch computed in f32 (on another processor it adds in another order),
    .npy    float arrays are at most 2e-5 of their largest value apart, and others equal
    .json   numbers with a fraction are at most 2e-4 + 2e-5 of the value apart, and all else equal
Prints a line for each difference and a summary; ends with 1 if there is a difference.
"""
import collections
import json
import os
import sys

import numpy as np

OF_LARGEST, ABSOLUTE, RELATIVE = 2e-5, 2e-4, 2e-5


def files(root, names):
    """Paths below root of all files of the named files and folders."""
    found = set()
    for name in names:
        top = os.path.join(root, name)
        walked = [os.path.join(d, f) for d, _, here in os.walk(top) for f in here] if os.path.isdir(top) else [top]
        found.update(os.path.relpath(path, root) for path in walked if os.path.exists(path))
    return found


def array_differs(path, other):
    a, b = np.load(path), np.load(other)
    if (a.shape, a.dtype) != (b.shape, b.dtype):
        return f"{a.dtype}{list(a.shape)} instead of {b.dtype}{list(b.shape)}"
    if a.dtype.kind != "f":
        return f"{np.count_nonzero(a != b)} of {a.size} values differ"
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return "values that are not finite"
    share = float(np.abs(a.astype(np.float64) - b).max() / max(np.abs(b).max(), 1e-30))
    return None if share <= OF_LARGEST else f"{share:.1e} of the largest value apart, expected at most {OF_LARGEST:.0e}"


def value_differs(a, b, where=""):
    """The first difference between two JSON values, or None."""
    if isinstance(a, float) and isinstance(b, float):
        return None if abs(a - b) <= ABSOLUTE + RELATIVE * abs(b) else f"{where}: {a!r} instead of {b!r}"
    if type(a) is not type(b):
        return f"{where}: {a!r:.60} instead of {b!r:.60}"
    if isinstance(a, dict):
        if a.keys() != b.keys():
            return f"{where}: keys {sorted(a.keys() ^ b.keys())} in one of them only"
        pairs = [(a[k], b[k], f"{where}.{k}" if where else k) for k in a]
    elif isinstance(a, list):
        if len(a) != len(b):
            return f"{where}: {len(a)} items instead of {len(b)}"
        pairs = [(x, y, f"{where}[{i}]") for i, (x, y) in enumerate(zip(a, b))]
    else:
        return None if a == b else f"{where}: {a!r:.60} instead of {b!r:.60}"
    return next(filter(None, (value_differs(*p) for p in pairs)), None)


def read(path, mode="rb", **options):
    with open(path, mode, **options) as f:
        return f.read()


def compare(path, other):
    """"equal", "near", or what differs."""
    if read(path) == read(other):
        return "equal"
    if path.endswith(".npy"):
        return array_differs(path, other) or "near"
    if path.endswith(".json"):
        return value_differs(*(json.loads(read(p, "r", encoding="utf-8")) for p in (path, other))) or "near"
    return "bytes differ"


def main(new, tree, *names):
    count = collections.Counter()
    made, kept = files(new, names), files(tree, names)
    for name in sorted(made | kept):
        if name not in made:
            found = "is in the tree and was not made"
        elif name not in kept:
            found = "was made and is not in the tree"
        else:
            found = compare(os.path.join(new, name), os.path.join(tree, name))
        if found not in ("equal", "near"):
            print(f"{name}: {found}")
            found = "different"
        count[found] += 1
    print(f"{sum(count.values())} files: {count['equal']} equal byte for byte, {count['near']} within the tolerance, "
          f"{count['different']} different")
    return 1 if count["different"] or not made else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
