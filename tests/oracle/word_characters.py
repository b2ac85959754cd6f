#!/usr/bin/env python3
"""The characters of words, as Hugging Face tokenizers sees them around an added token with single_word.

    word_characters.py > TABLE

Prints the rows of the table in common/text/word.c: the first and last code point of each range. Found by trying every
character in front of a token. Needs tokenizers 0.23 (Unicode 16).
"""
from tokenizers import AddedToken, Tokenizer
from tokenizers.models import BPE

token = "\u2603"
tokenizer = Tokenizer(BPE(vocab={"?": 0}, merges=[], unk_token="?"))
tokenizer.add_tokens([AddedToken(token, single_word=True, normalized=False)])
ranges = []
for first in range(0, 0x110000, 0x1000):
    points = [c for c in range(first, first + 0x1000) if not 0xd800 <= c < 0xe000]
    for c, found in zip(points, tokenizer.encode_batch([chr(c) + token for c in points])):
        if 1 in found.ids:
            continue
        if ranges and ranges[-1][1] == c - 1:
            ranges[-1][1] = c
        else:
            ranges.append([c, c])
row = ""
for a, b in ranges:
    item = f"{{0x{a:x}, 0x{b:x}}},"
    if len(row) + len(item) > 95:
        print("   " + row)
        row = ""
    row += " " + item
print("   " + row)
