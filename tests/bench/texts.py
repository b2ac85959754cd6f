"""Texts to measure with, from files of the tree: texts.py TREE TOKENIZER.json DIRECTORY

Writes text (English, one file) and, for the tokenizer, english.jsonl and mixed.jsonl: documents of 4096
characters, and picture.ppm, 896 x 896. English is the pages, README and the comments of the sources; the mixed text alternates between lines of it
and lines of words of many scripts, drawn from the tokenizer's own pieces. T5G_BENCH_ENGLISH and T5G_BENCH_MIXED
name text files to take instead.
"""
import glob
import json
import os
import random
import re
import sys
import unicodedata

LENGTH, SIZE = 4096, 3_000_000


def english(tree):
    out = []
    for path in [os.path.join(tree, "README.md")] + sorted(glob.glob(f"{tree}/man/*.[157]")):
        with open(path, encoding="utf-8") as f:
            # Of a page only its running text: without macros, comments and font changes.
            out.append("\n".join(re.sub(r"\\&|\\f.", "", line.rstrip()) for line in f if line[0] not in ".'"))
    for path in sorted(glob.glob(f"{tree}/c*/**/*.[ch]", recursive=True)):
        with open(path, encoding="utf-8") as f:
            for comment in re.findall(r"/\*(.*?)\*/", f.read(), re.S):
                out.append("\n".join(line.strip(" *") for line in comment.splitlines()))
    return "\n".join(out)


def script(piece):
    """The first word of the name of its first letter: CYRILLIC, CJK, ...; None for anything but words."""
    word = piece.strip("\u2581")
    if len(word) < 1 or not all(unicodedata.category(c)[0] in "LM" for c in word) or word.isascii():
        return None
    return unicodedata.name(word[0], "?").split()[0]


def mixed(lines, tokenizer):
    with open(tokenizer, encoding="utf-8") as f:
        pieces = json.load(f)["model"]["vocab"]
    words = {}
    for piece in sorted(pieces):
        name = script(piece)
        if name is not None:
            words.setdefault(name, []).append(piece.replace("\u2581", " "))
    words = sorted((name, w) for name, w in words.items() if len(w) >= 20)
    draw = random.Random(1)
    if not words:    # a small tokenizer: characters of a few blocks
        words = [("", [chr(c) for c in range(first, first + 60)]) for first in (0x3b1, 0x430, 0x905, 0x4e00, 0xac00)]
    for i, line in enumerate(lines):
        yield line
        yield "".join(draw.choice(words[i % len(words)][1]) for _ in range(12)).strip() + "."


def given(name, default):
    path = os.environ.get(name)
    if not path:
        return default()
    with open(path, encoding="utf-8") as f:
        return f.read()


def documents(path, text):
    whole = text * (SIZE // len(text.encode()) + 1) if len(text.encode()) < SIZE else text
    with open(path, "w", encoding="utf-8") as f:
        size = 0
        for i in range(0, len(whole), LENGTH):
            piece = whole[i:i + LENGTH]
            f.write(json.dumps({"text": piece}, ensure_ascii=False) + "\n")
            size += len(piece.encode())
            if size >= SIZE:
                break


def picture(path, side=896):
    draw = random.Random(1)
    with open(path, "wb") as f:
        f.write(b"P6 %d %d 255\n" % (side, side))
        for y in range(side):
            for x in range(side):
                f.write(bytes((x * 255 // side, y * 255 // side, draw.randrange(256))))


def main():
    tree, tokenizer, directory = sys.argv[1:4]
    own = english(tree)
    picture(f"{directory}/picture.ppm")
    with open(f"{directory}/text", "w", encoding="utf-8") as f:
        f.write(own)
    documents(f"{directory}/english.jsonl", given("T5G_BENCH_ENGLISH", lambda: own))
    documents(f"{directory}/mixed.jsonl",
              given("T5G_BENCH_MIXED", lambda: "\n".join(mixed([x for x in own.splitlines() if x], tokenizer))))


main()
