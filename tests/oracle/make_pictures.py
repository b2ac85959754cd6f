#!/usr/bin/env python3
"""Draw the pictures of tests/data/pictures, with the pixels that Pillow and transformers' processor make of them.

    make_pictures.py DIRECTORY

Every kind of PNG and JPEG that is read: depths, palettes, interlacing, filters, progressive, CMYK, EXIF orientation. Beside
a picture NAME (PNG or JPEG) stand
    NAME.rgb.npy   u1 [H,W,3]    pixels as transformers' load_image gives them (turned by EXIF, RGB)
    NAME.896s.npy  f4 [3,28,28]  rows and columns 16, 48, 80 ... of Gemma3ImageProcessor's output of 896 x 896
and lut.npy holds what it makes of the 256 values of a pixel. The processor is the one on Pillow.
"""
import os
import struct
import sys
import zlib

os.environ.setdefault("OMP_NUM_THREADS", "1")
import numpy as np
from PIL import Image
from transformers.image_utils import load_image
from transformers.models.gemma3.image_processing_pil_gemma3 import Gemma3ImageProcessorPil


def pattern(width, height, channels, seed, noise=24):
    """Waves, a chessboard and some noise: u1 [height, width, channels]."""
    rng = np.random.RandomState(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    out = np.zeros((height, width, channels))
    for c in range(channels):
        out[..., c] = 128 + 90 * np.sin(x / (5.0 + 3 * c) + c) * np.cos(y / (7.0 + 2 * c)) + 30 * ((x // 8 + y // 8) % 2)
    if noise:
        out += rng.randint(-noise, noise + 1, out.shape)
    return np.clip(out, 0, 255).astype(np.uint8)


def ramp(width, height, by_column, by_row):
    """Big-endian u2 [height, width]."""
    y, x = np.mgrid[0:height, 0:width]
    return (x * by_column + y * by_row).astype(">u2")


# ---- PNG, written here where Pillow does not choose the form that is wanted ----

def png(rows, width, height, depth, colour, interlaced=0):
    """A PNG of rows that each begin with their filter's number."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced))
            + chunk(b"IDAT", zlib.compress(b"".join(rows), 9)) + chunk(b"IEND", b""))


def unfiltered(a, depth, colour):
    return png([b"\0" + row.tobytes() for row in a], a.shape[1], a.shape[0], depth, colour)


def interlaced(a):
    """Adam7: the seven passes of an RGB picture."""
    passes = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
    rows = [b"\0" + row.tobytes() for x, y, dx, dy in passes for row in a[y::dy, x::dx] if row.size]
    return png(rows, a.shape[1], a.shape[0], 8, 2, 1)


def filtered(a):
    """Every filter in turn."""
    height, width, channels = a.shape
    rows, above = [], np.zeros(width * channels, np.int32)
    for y in range(height):
        row = a[y].reshape(-1).astype(np.int32)
        left = np.concatenate([np.zeros(channels, np.int32), row[:-channels]])
        corner = np.concatenate([np.zeros(channels, np.int32), above[:-channels]])
        p = left + above - corner
        to_left, to_above, to_corner = abs(p - left), abs(p - above), abs(p - corner)
        paeth = np.where((to_left <= to_above) & (to_left <= to_corner), left,
                         np.where(to_above <= to_corner, above, corner))
        predicted = [np.zeros_like(row), left, above, (left + above) // 2, paeth][y % 5]
        rows.append(bytes([y % 5]) + ((row - predicted) & 255).astype(np.uint8).tobytes())
        above = row
    return png(rows, width, height, 8, {3: 2, 4: 6}[channels])


# ---- the pictures ----

def draw(directory):
    at = lambda name: os.path.join(directory, name)

    def write(name, data):
        with open(at(name), "wb") as f:
            f.write(data)

    write("rgb.png", filtered(pattern(97, 61, 3, 1)))
    rgba = pattern(64, 80, 4, 2, 8)
    rgba[..., 3] = np.linspace(0, 255, 64).astype(np.uint8)
    write("rgba.png", filtered(rgba))
    Image.fromarray(pattern(50, 50, 1, 3)[..., 0], "L").save(at("grey.png"))
    alpha = np.tile(np.arange(33, dtype=np.uint8) * 7, (20, 1))
    Image.fromarray(np.dstack([pattern(33, 20, 1, 4, 8)[..., 0], alpha]), "LA").save(at("greyalpha.png"))
    write("grey16.png", unfiltered(ramp(40, 30, 1600, 7), 16, 0))
    write("grey16low.png", unfiltered(ramp(40, 30, 8, 1), 16, 0))  # up to 349: not all of it saturates
    write("rgb16.png", unfiltered((pattern(24, 18, 3, 5).astype(np.uint16) * 257 ^ 0x00A5).astype(">u2"), 16, 2))
    palette = Image.fromarray(pattern(60, 45, 3, 6, 0), "RGB").quantize(32)
    palette.save(at("palette.png"))
    palette.save(at("palette_trns.png"), transparency=bytes([0, 64, 128] + [255] * 29))
    stripes = (np.mgrid[0:19, 0:37].sum(0) // 3) % 2 * 255
    Image.fromarray(stripes.astype(np.uint8)).convert("1").save(at("bit1.png"))
    write("adam7.png", interlaced(pattern(45, 37, 3, 7)))
    write("one.png", png([b"\0\x10\x80\xf0"], 1, 1, 8, 2))
    write("wide.png", filtered(pattern(300, 3, 3, 8)))
    write("tall.png", filtered(pattern(2, 200, 3, 9)))

    rgb = Image.fromarray(pattern(120, 90, 3, 10, 6), "RGB")
    rgb.save(at("base420.jpg"), quality=85, subsampling=2)
    rgb.save(at("base444.jpg"), quality=92, subsampling=0)
    rgb.save(at("prog.jpg"), quality=80, progressive=True)
    for orientation in (6, 2):
        exif = Image.Exif()
        exif[0x0112] = orientation
        rgb.save(at(f"exif{orientation}.jpg"), quality=85, exif=exif.tobytes())
    Image.fromarray(pattern(40, 52, 1, 11, 6)[..., 0], "L").save(at("grey.jpg"), quality=85)
    rgb.convert("CMYK").save(at("cmyk.jpg"), quality=85)
    Image.fromarray(pattern(61, 43, 3, 12, 6), "RGB").save(at("odd.jpg"), quality=75, subsampling=2)
    rgb.save(at("restart.jpg"), quality=60, restart_marker_rows=1)


def main(directory):
    os.makedirs(directory, exist_ok=True)
    draw(directory)
    processor = Gemma3ImageProcessorPil(size={"height": 896, "width": 896}, image_mean=[.5] * 3, image_std=[.5] * 3,
                                        resample=2, do_convert_rgb=True, rescale_factor=1 / 255)
    process = lambda image, **options: np.asarray(
        processor(images=[image], return_tensors="np", **options)["pixel_values"][0], np.float32)
    for name in sorted(f for f in os.listdir(directory) if f.endswith((".png", ".jpg"))):
        path = os.path.join(directory, name)
        image = load_image(path)
        np.save(path + ".rgb.npy", np.asarray(image))
        np.save(path + ".896s.npy", np.ascontiguousarray(process(image)[:, 16::32, 16::32]))
    values = np.tile(np.arange(256, dtype=np.uint8)[None, :, None], (256, 1, 3))
    np.save(os.path.join(directory, "lut.npy"),
            np.ascontiguousarray(process(Image.fromarray(values), do_resize=False)[0, 0]))


if __name__ == "__main__":
    main(*sys.argv[1:])
