#!/usr/bin/env python3
"""The classes of characters by which Hugging Face tokenizers cuts a text into grapheme clusters before a charsmap.

    grapheme_classes.py > TABLE

Prints the rows of the table in common/text/graphemes.c: first and last code point, class. The classes are those of the
package regex (of a newer Unicode), cut down to what tokenizers 0.23 (Unicode 16) does: every character is tried in a
cluster with a charsmap of one rule, which shows where a short cluster ends. Differences are printed to stderr.
"""
import struct, sys
import regex
from tokenizers.normalizers import Precompiled

POINTS = [c for c in range(1, 0x110000) if not 0xd800 <= c < 0xe000]
GRAVE, ZWJ = "\u0300", "\u200d"


def rule(text):
    """A charsmap that turns one text into X: a double array with one node in each block of 256."""
    key = text.encode()
    a = [0] * (256 * (len(key) + 2))
    a[0] = 256 << 10
    base = 256
    for i, byte in enumerate(key):
        node = base ^ byte
        base += 256
        a[node] = byte | (i + 1 == len(key)) << 8 | (node ^ base) << 10
    a[base] = 1 << 31
    return Precompiled(struct.pack("<%dI" % (len(a) + 1), 4 * len(a), *a) + b"X\0")


def of(pattern):
    r = regex.compile(pattern)
    return {c for c in POINTS if r.match(chr(c))}


def main():
    a = rule("a")
    extends = {c for c in POINTS if a.normalize_str("a" + chr(c)) == "X"}
    names = {"CONTROL": "Control", "EXTEND": "Extend", "SPACING": "SpacingMark", "PREPEND": "Prepend", "RI": "RI", "L": "L",
             "V": "V", "T": "T"}
    sets = {k: of(r"\p{GCB=%s}" % v) for k, v in names.items()}
    sets["PICTURE"] = of(r"\p{Extended_Pictographic}")
    for k in ("EXTEND", "SPACING"):
        sets[k] &= extends
    control, prepend, picture, consonant = set(), set(), set(), set()
    for c in POINTS:
        size = len(chr(c).encode())
        if c in extends or size == 4 and c not in sets["CONTROL"] | sets["PREPEND"]:
            continue
        r = rule(chr(c))
        if r.normalize_str(chr(c) + "a") == "X":
            prepend.add(c)
        if size < 4 and r.normalize_str(chr(c) + GRAVE) != "X":
            control.add(c)
            continue
        if size < 4 and r.normalize_str("\u2603" + ZWJ + chr(c) + GRAVE) != "\u2603" + ZWJ + "X":
            picture.add(c)
        if size == 3 and r.normalize_str("\u0915\u094d" + chr(c) + GRAVE) != "\u0915\u094dX":
            consonant.add(c)
    ta, snowman = rule("\u0924"), rule("\u2603")
    for c in POINTS:
        if c > 0xffff and c not in extends | sets["CONTROL"]:
            if ta.normalize_str(chr(c) + "\u094d\u0924" + GRAVE) != chr(c) + "\u094dX":
                consonant.add(c)
            if snowman.normalize_str(chr(c) + ZWJ + "\u2603" + GRAVE) != chr(c) + ZWJ + "X":
                picture.add(c)
    linker = {c for c in extends if c >= 0x300 and ta.normalize_str("\u0915" + chr(c) + "\u0924" + GRAVE) != "\u0915" + chr(c) + "X"}
    low = lambda s, n: {c for c in s if len(chr(c).encode()) < n}
    for name, got in (("PREPEND", prepend), ("CONTROL", control), ("PICTURE", picture)):
        want = low(sets[name], 4) if name == "CONTROL" else sets[name]
        print(name, "more", sorted(map(hex, got - want))[:40], "less", sorted(map(hex, want - got))[:40], file=sys.stderr)
    sets["PREPEND"] = prepend
    sets["CONTROL"] = control - {10, 13} | {c for c in sets["CONTROL"] if c > 0xffff}
    sets["PICTURE"] = picture
    sets["CONSONANT"], sets["LINKER"] = consonant, linker
    sets["ZWNJ"], sets["ZWJ"] = {0x200c}, {0x200d}
    sets["CR"], sets["LF"] = {13}, {10}
    print({k: len(v) for k, v in sets.items()}, file=sys.stderr)
    print("linkers", sorted(map(hex, linker)), file=sys.stderr)
    order = ["CR", "LF", "ZWJ", "ZWNJ", "LINKER", "EXTEND", "SPACING", "CONTROL", "PREPEND", "RI", "L", "V", "T", "CONSONANT", "PICTURE"]
    rows, end = [], None
    for c in POINTS + [0x110000]:
        k = next((k for k in order if c in sets[k]), None)
        if rows and rows[-1][1] == c - 1 and rows[-1][2] == k:
            rows[-1][1] = c
        elif k is not None:
            rows.append([c, c, k])
    row = ""
    for first, last, k in rows:
        item = f"{{0x{first:x}, 0x{last:x}, {k}}},"
        if len(row) + len(item) > 95:
            print("   " + row)
            row = ""
        row += " " + item
    print("   " + row)


main()
