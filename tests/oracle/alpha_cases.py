#!/usr/bin/env python3
"""PNGs with transparency, and the pixels that transformers gets of them.

    alpha_cases.py [SEED N] > tests/data/pictures/alpha.cases

Needs Pillow 13 and numpy. The output is a row of records: a line "NAME BYTES DROP PATH WHITE", then the picture file,
BYTES long. The three are FNV-1a of 64 bits of the RGB pixels: transformers up to 5.20 (convert("RGB")), since 5.21 with a
path, and since 5.21 with a picture that Pillow has opened. On white is what image_transforms.convert_to_rgb does there;
where transformers is 5.21 or later, it is compared with that.
"""
import io
import struct
import sys
import zlib

import numpy as np
from PIL import Image, ImageOps

import picture_cases as cases

R = cases.R


def on_white(image):
    """transformers 5.21 to 5.24: image_transforms.convert_to_rgb."""
    if "A" not in image.getbands() and image.info.get("transparency") is None:
        return image.convert("RGB")
    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, (255, 255, 255, 255)), image).convert("RGB")


def by_path(image):
    """The same of what image_utils.load_image makes of a path."""
    return on_white(ImageOps.exif_transpose(image).convert("RGB"))


def opened(file):
    image = Image.open(io.BytesIO(file))
    image.load()  # a chunk tRNS after the pixels is not known before
    return image


def few(colour, depth, w=13, h=9):
    """Unfiltered rows of few values, so that a transparent colour meets several pixels; and the values."""
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    values = [R.choice([0, (1 << depth) - 1, R.randrange(1 << depth), R.randrange(1 << depth)]) for _ in range(3)]
    rows = b""
    for _ in range(h):
        row = [R.choice(values) for _ in range(w * channels)]
        if depth == 16:
            data = struct.pack(">%dH" % len(row), *row)
        else:
            bits = "".join(format(v, "0%db" % depth) for v in row)
            data = bytes(int(bits[i : i + 8].ljust(8, "0"), 2) for i in range(0, len(bits), 8))
        rows += b"\0" + data
    return rows, values


def transparency(colour, depth, values):
    """A chunk tRNS as one would be, or as nobody would write it."""
    if colour == 3:
        n = R.choice([1, 2, 1 << depth, R.randrange(1, 257)])
        kind = R.randrange(4)
        data = [R.randrange(256) for _ in range(n)] if kind == 0 else [255] * n
        if kind >= 2:
            data[R.choice(values) % n] = 0
        return bytes(data) + (b"\n" if kind == 3 and n < 256 else b"")
    number = lambda: R.choice(values) if R.random() < .7 else R.choice([R.randrange(65536), 0, 255, 256, R.choice(values) & 255])
    return struct.pack(">HHH" if colour != 0 else ">H", *(number() for _ in range(3 if colour != 0 else 1)))


def main(seed="1", n="70"):
    R.seed(int(seed))
    kinds = [(0, 1), (0, 2), (0, 4), (0, 8), (0, 16), (2, 8), (2, 16), (3, 1), (3, 2), (3, 4), (3, 8), (4, 8), (4, 16), (6, 8), (6, 16)]
    for i in range(int(n)):
        colour, depth = kinds[i % len(kinds)]
        rows, values = few(colour, depth)
        chunk = b"" if R.random() < .1 else cases.chunk(b"tRNS", transparency(colour, depth, values))
        if colour in (4, 6) and R.random() < .8:
            chunk = b""
        palette = R.choice([1 << depth, 256 if depth == 8 else 1 << depth, 2]) if colour == 3 else None
        if R.random() < .9:
            file = cases.png(colour, depth, palette=palette, before=chunk, z=zlib.compress(rows))
        else:
            file = cases.png(colour, depth, palette=palette, after=chunk, z=zlib.compress(rows))
        shown = []
        for how in (lambda image: image.convert("RGB"), by_path, on_white):
            try:
                shown.append(np.asarray(how(opened(file))))
            except Exception as error:
                print(error, file=sys.stderr)
        if len(shown) < 3:
            continue
        check(file, shown)
        hashes = " ".join("%016x" % cases.fnv(x.tobytes()) for x in shown)
        sys.stdout.buffer.write(b"alpha-%d-%d-%d.png %d %s\n" % (colour, depth, i, len(file), hashes.encode()) + file)


def check(file, shown):
    try:
        import transformers
        if tuple(map(int, transformers.__version__.split(".")[:2])) < (5, 21):
            return
        from transformers.image_transforms import convert_to_rgb
        from transformers.image_utils import load_image
    except ImportError:
        return
    with open("/dev/shm/alpha.png", "wb") as f:
        f.write(file)
    for want, got in ((shown[1], load_image("/dev/shm/alpha.png")), (shown[2], opened(file))):
        assert (want == convert_to_rgb(got, return_numpy=True)).all()


if __name__ == "__main__":
    main(*sys.argv[1:])
