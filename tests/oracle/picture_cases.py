#!/usr/bin/env python3
"""Pictures of every kind, whole and damaged, and what Pillow makes of them.

    picture_cases.py [FILE...] > NEW && mv NEW tests/data/pictures/pillow.cases

Needs Pillow 13 (libjpeg-turbo 3), numpy, and cjpeg and jpegtran of libjpeg-turbo. FILEs are
taken as further cases under their own names; of a FILE of cases, those whose names are new, so that
tests/data/pictures/pillow.cases keeps what was once found. The same every time: all numbers come
from one seed.

The output is a row of records: a line "NAME BYTES WIDTH HEIGHT HASH", then the picture file, BYTES
long. HASH is the FNV-1a of 64 bits of the pixels, RGB, upright: exif_transpose, then convert("RGB").
Where Pillow refuses the file, WIDTH, HEIGHT and HASH are 0.
"""
import io
import os
import random
import struct
import subprocess
import sys
import tempfile
import warnings
import zlib

import numpy as np
from PIL import Image, ImageOps

warnings.simplefilter("ignore")
R = random.Random(20261127)


def pattern(w, h):
    """Waves with noise: smooth enough for JPEG, with detail at every edge."""
    y, x = np.mgrid[0:h, 0:w]
    noise = np.frombuffer(R.randbytes(w * h * 3), np.uint8).reshape(h, w, 3) / 8.0
    waves = [128 + 100 * np.sin(x / R.uniform(1, 9) + y / R.uniform(1, 9)) for _ in range(3)]
    return np.clip(np.stack(waves, -1) + noise, 0, 255).astype(np.uint8)


def ppm(pixels):
    return b"P6 %d %d 255\n" % (pixels.shape[1], pixels.shape[0]) + pixels.tobytes()


def run(command, data):
    return subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout


# PNG


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


PASSES = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def samples(colour, depth, interlaced, w, h):
    """Filtered rows of random bytes, every filter."""
    raw = b""
    bits = depth * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    for x, y, across, down in PASSES if interlaced else [(0, 0, 1, 1)]:
        pw, ph = (w - x + across - 1) // across, (h - y + down - 1) // down
        for _ in range(ph if pw > 0 else 0):
            raw += bytes([R.randrange(5)]) + R.randbytes((pw * bits + 7) // 8)
    return raw


def png(colour, depth, interlaced=0, w=13, h=9, palette=None, before=b"", after=b"", idat=None, z=None):
    if z is None:
        z = zlib.compress(samples(colour, depth, interlaced, w, h), 6)
    out = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, depth, colour, 0, 0, interlaced))
    if palette is None and colour == 3:
        palette = 1 << depth
    if palette:
        out += chunk(b"PLTE", R.randbytes(3 * palette))
    out += before
    cut = idat or len(z)
    for at in range(0, len(z), cut):
        out += chunk(b"IDAT", z[at : at + cut])
    return out + after + chunk(b"IEND", b"")


def packed(level=6, window=15, memory=8, strategy=0):
    c = zlib.compressobj(level, zlib.DEFLATED, window, memory, strategy)
    raw = samples(2, 8, 0, 13, 9) if strategy else b"".join(bytes([1]) + b"\5" * 39 for _ in range(9))
    return c.compress(raw) + c.flush()


def text(key, value, kind=b"tEXt"):
    if kind == b"zTXt":
        return chunk(kind, key + b"\0\0" + zlib.compress(value))
    if kind == b"iTXt":
        return chunk(kind, key + b"\0\0\0\0\0" + value)
    if kind == b"iTXt packed":
        return chunk(b"iTXt", key + b"\0\1\0\0\0" + zlib.compress(value))
    return chunk(kind, key + b"\0" + value)


def tiff(*tags, big=False, head=None):
    """tags: (tag, type, values); values are packed as the type says."""
    order = ">" if big else "<"
    forms = {1: "B", 2: "c", 3: "H", 4: "L", 6: "b", 7: "B", 8: "h", 9: "l", 11: "f", 12: "d", 13: "L", 16: "Q"}
    entries, extra = b"", b""
    for tag, kind, values in tags:
        if kind in (5, 10):
            data = b"".join(struct.pack(order + "LL", v, 1) for v in values)
        else:
            data = struct.pack(order + str(len(values)) + forms[kind], *values)
        if len(data) > 4:
            at = 8 + 2 + 12 * len(tags) + 4 + len(extra)
            extra += data
            data = struct.pack(order + "L", at)
        entries += struct.pack(order + "HHL", tag, kind, len(values)) + data.ljust(4, b"\0")
    head = head or (b"MM\0*" if big else b"II*\0")
    return head + struct.pack(order + "LH", 8, len(tags)) + entries + b"\0\0\0\0" + extra


def orientations():
    """EXIF as it is written, each with an orientation that shows."""
    for kind in (1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 16):
        yield "type%d" % kind, tiff((0x112, kind, [6])), b""
    yield "big", tiff((0x112, 3, [8]), big=True), b""
    yield "two", tiff((0x112, 3, [5, 2])), b""
    yield "many", tiff((0x112, 3, [3, 2, 2, 2])), b""
    yield "double", tiff((0x112, 3, [6]), (0x112, 3, [3])), b""
    yield "behind", tiff((0x11A, 5, [72]), (0x112, 3, [7])), b""
    yield "odd-head", tiff((0x112, 3, [6]), head=b"II\0*"), b""
    yield "zero-xmp", tiff((0x112, 3, [0])), b'<x tiff:Orientation="6"/>'
    yield "nine", tiff((0x112, 3, [9])), b""
    yield "none-xmp", tiff((0x100, 3, [9])), b"<tiff:Orientation>8</tiff:Orientation>"
    yield "bytes-xmp", tiff((0x112, 1, [6])), b'<x tiff:Orientation="3"/>'
    yield "xmp", None, b"tiff:Orientation tiff:Orientation='4' tiff:Orientation=\"5\" tiff:Orientation=\"2\""
    yield "twice-exif", b"Exif\0\0" + tiff((0x112, 3, [6])), b""


def profile(data):
    return b"\nexif\n%8d\n" % len(data) + b"\n".join(data.hex().encode()[i : i + 72] for i in range(0, 2 * len(data), 72)) + b"\n"


def pngs():
    kinds = [(0, 1), (0, 2), (0, 4), (0, 8), (0, 16), (2, 8), (2, 16), (3, 1), (3, 2), (3, 4), (3, 8), (4, 8), (4, 16), (6, 8), (6, 16)]
    for colour, depth in kinds:
        for interlaced in (0, 1):
            w, h = R.choice([(13, 9), (3, 7), (1, 1), (2, 5), (17, 3)])
            yield "c%d-%d-%d.png" % (colour, depth, interlaced), png(colour, depth, interlaced, w, h)
    yield "palette-short.png", png(3, 8, palette=3)
    yield "palette-short-4.png", png(3, 4, palette=9)
    yield "palette-one.png", png(3, 1, palette=1)
    yield "palette-long.png", png(3, 2, palette=200)
    yield "palette-grey.png", png(0, 8, palette=5)
    yield "palette-colour.png", png(2, 8, palette=5)
    yield "palette-alpha.png", png(6, 8, palette=5)
    yield "palette-late.png", png(3, 8, palette=5, after=chunk(b"PLTE", b"abc"))
    yield "palette-none.png", png(3, 8, palette=0)
    for colour, size in ((0, 2), (0, 9), (2, 6), (3, 4), (3, 256), (3, 300), (4, 2), (6, 6)):
        yield "trns-%d-%d.png" % (colour, size), png(colour, 8, before=chunk(b"tRNS", R.randbytes(size)))
    yield "trns-late.png", png(0, 8, after=chunk(b"tRNS", b"\0\1"))
    yield "idat-1.png", png(2, 8, idat=1)
    yield "idat-empty.png", png(2, 8, before=chunk(b"IDAT", b""))
    yield "idat-apart.png", png(2, 8, after=chunk(b"tEXt", b"a\0b") + chunk(b"IDAT", b"x"))
    yield "idat-more.png", png(2, 8, z=zlib.compress(samples(2, 8, 0, 13, 9) + R.randbytes(500)))
    yield "idat-less.png", png(2, 8, z=zlib.compress(samples(2, 8, 0, 13, 9)[:-1]))
    yield "idat-rows.png", png(2, 8, z=zlib.compress(samples(2, 8, 0, 13, 4)))
    yield "idat-cut.png", png(2, 8, z=zlib.compress(samples(2, 8, 0, 13, 9))[:200])
    yield "idat-no-sum.png", png(2, 8, z=zlib.compress(samples(2, 8, 0, 13, 9))[:-4])
    yield "idat-bad-sum.png", png(2, 8, z=zlib.compress(samples(2, 8, 0, 13, 9))[:-1] + b"x")
    yield "idat-junk.png", png(2, 8, z=zlib.compress(samples(2, 8, 0, 13, 9)) + b"junk")
    yield "idat-filter.png", png(2, 8, z=zlib.compress(b"\5" + samples(2, 8, 0, 13, 9)[1:]))
    for name, how in (("stored", (0,)), ("fixed", (9, 15, 8, 4)), ("huffman", (9, 15, 8, 2)), ("run", (9, 15, 8, 3)), ("small", (9, 9, 1))):
        yield "z-%s.png" % name, png(2, 8, z=packed(*how))
    # A distance code that does not exist, before anything was written: 30 (fixed codes).
    yield "z-distance.png", png(0, 8, w=3, h=1, z=b"\x78\x9c\x03\x3e\x00\x00\x00\x00\x01")
    yield "crc-idat.png", png(0, 8)[:-16] + b"xxxx" + chunk(b"IEND", b"")
    yield "critical.png", png(0, 8, before=chunk(b"ABCD", b""))
    yield "ancillary.png", png(0, 8, before=chunk(b"gAMA", b"\0\0\1\0") + chunk(b"sBIT", b"\3") + chunk(b"abCD", b"?"))
    yield "no-end.png", png(0, 8)[:-12]
    yield "frames.png", png(0, 8, before=chunk(b"acTL", struct.pack(">II", 1, 0)) + chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, 13, 9, 0, 0, 1, 1, 0, 0)))
    yield "frame-part.png", png(0, 8, w=13, h=9, before=chunk(b"acTL", struct.pack(">II", 1, 0)) + chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, 3, 2, 1, 1, 1, 1, 0, 0)))
    for name, exif, xmp in orientations():
        before = chunk(b"eXIf", exif) if exif else b""
        yield "exif-%s.png" % name, png(2, 8, w=3, h=2, before=before + (text(b"XML:com.adobe.xmp", xmp, b"iTXt") if xmp else b""))
    turned = tiff((0x112, 3, [6]))
    yield "exif-late.png", png(2, 8, w=3, h=2, before=chunk(b"eXIf", tiff((0x112, 3, [3]))), after=chunk(b"eXIf", turned))
    for kind in (b"tEXt", b"zTXt", b"iTXt", b"iTXt packed"):
        name = kind.decode().replace(" ", "-")
        yield "profile-%s.png" % name, png(2, 8, w=3, h=2, before=text(b"Raw profile type exif", profile(turned), kind))
        yield "xmp-%s.png" % name, png(2, 8, w=3, h=2, after=text(b"XML:com.adobe.xmp", b'tiff:Orientation="8"', kind))
    yield "profile-exif.png", png(2, 8, w=3, h=2, before=text(b"Raw profile type exif", profile(turned)) + chunk(b"eXIf", tiff((0x112, 3, [3]))))


# JPEG


def cjpeg(w, h, *options, scans=None, quality=80):
    with tempfile.NamedTemporaryFile("w") as f:
        if scans:
            f.write(scans)
            f.flush()
            options += ("-scans", f.name)
        return run(["cjpeg", "-quality", str(quality), *options], ppm(pattern(w, h)))


def pillow_jpeg(mode, w=21, h=14, **how):
    out = io.BytesIO()
    Image.fromarray(pattern(w, h)).convert(mode).save(out, "JPEG", **how)
    return out.getvalue()


def segment(marker, data):
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(data) + 2) + data


def segments(file):
    """The file before its first scan: [SOI, segments...], and the rest."""
    at, found = 2, [file[:2]]
    while file[at + 1] != 0xDA:
        size = 2 + struct.unpack(">H", file[at + 2 : at + 4])[0]
        found.append(file[at : at + size])
        at += size
    return found, file[at:]


def without(file, marker, k=None):
    """Without segment k of a marker, or all of them."""
    found, rest = segments(file)
    which = [i for i, s in enumerate(found) if s[1] == marker]
    drop = which if k is None else [which[k]]
    return b"".join(s for i, s in enumerate(found) if i not in drop) + rest


def with_first(file, *new):
    return file[:2] + b"".join(new) + file[2:]


def restarts(file):
    return [i for i in range(len(file) - 1) if file[i] == 0xFF and 0xD0 <= file[i + 1] <= 0xD7]


def jpegs():
    sizes = [(21, 14), (37, 19), (5, 33), (16, 16), (3, 3), (1, 1), (4, 2), (33, 5)]
    samplings = ["1x1", "2x1", "2x2", "1x2", "4x1", "1x4", "4x2", "2x4", "3x1", "1x3", "2x2,1x2,1x1", "2x2,2x1,1x2", "1x1,2x2,1x1", "1x1,1x2,2x1", "2x1,2x1,2x1", "3x2,1x1,3x1"]
    for i, sampling in enumerate(samplings):
        w, h = sizes[i % 4]
        yield "s%s.jpg" % sampling, cjpeg(w, h, "-sample", sampling)
    for w, h in sizes:
        for sampling in ("2x1", "2x2", "1x2"):
            yield "%dx%d-%s.jpg" % (w, h, sampling), cjpeg(w, h, "-sample", sampling, quality=60)
    yield "rgb.jpg", cjpeg(21, 14, "-rgb")
    yield "rgb-jfif.jpg", with_first(cjpeg(21, 14, "-rgb"), segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0"))
    yield "ids-rgb.jpg", without(cjpeg(21, 14, "-rgb"), 0xEE)
    yield "adobe2.jpg", with_first(without(cjpeg(21, 14), 0xE0), segment(0xEE, b"Adobe\0\x64\0\0\0\0\2"))
    yield "grey.jpg", cjpeg(21, 14, "-grayscale")
    yield "grey-2x2.jpg", cjpeg(21, 14, "-grayscale", "-sample", "2x2")
    yield "cmyk.jpg", pillow_jpeg("CMYK")
    yield "cmyk-plain.jpg", without(pillow_jpeg("CMYK"), 0xEE)
    yield "ycck.jpg", with_first(without(pillow_jpeg("CMYK"), 0xEE), segment(0xEE, b"Adobe\0\x64\0\0\0\0\2"))
    yield "progressive.jpg", cjpeg(37, 19, "-progressive")
    yield "progressive-restart.jpg", cjpeg(37, 19, "-progressive", "-restart", "3B")
    yield "progressive-grey.jpg", cjpeg(37, 19, "-progressive", "-grayscale")
    yield "progressive-short.jpg", cjpeg(37, 19, scans="0,1,2: 0-0, 0, 0; 0: 1-63, 0, 0; 1: 1-63, 0, 0;")
    yield "progressive-coarse.jpg", cjpeg(37, 19, scans="0,1,2: 0-0, 0, 1; 0: 1-63, 0, 1; 1: 1-63, 0, 0; 2: 1-63, 0, 0; 0,1,2: 0-0, 1, 0;")
    yield "apart.jpg", cjpeg(37, 19, scans="0;1;2;")
    yield "apart-order.jpg", cjpeg(37, 19, scans="2;0;1;")
    yield "apart-pair.jpg", cjpeg(37, 19, "-restart", "1", scans="0;1 2;")
    yield "apart-lacking.jpg", cjpeg(37, 19, scans="0;1;2;").rpartition(b"\xff\xda")[0] + b"\xff\xd9"
    yield "optimal.jpg", cjpeg(37, 19, "-optimize")
    yield "coarse.jpg", cjpeg(37, 19, quality=1)
    yield "fine.jpg", cjpeg(21, 14, quality=100)
    yield "arithmetic.jpg", run(["jpegtran", "-arithmetic"], cjpeg(21, 14))
    whole, marked = cjpeg(37, 19), cjpeg(37, 19, "-restart", "1B")
    for name, exif, xmp in orientations():
        new = [segment(0xE1, b"Exif\0\0" + exif)] if exif else []
        if xmp:
            new.append(segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp))
        yield "exif-%s.jpg" % name, with_first(cjpeg(5, 3, "-grayscale"), *new)
    # Damage
    for k in range(4):
        yield "no-dht%d.jpg" % k, without(whole, 0xC4, k)
    yield "no-dht.jpg", without(whole, 0xC4)
    yield "no-dht-optimal.jpg", without(cjpeg(37, 19, "-optimize"), 0xC4, 1)
    yield "no-dht-progressive.jpg", without(cjpeg(37, 19, "-progressive"), 0xC4)
    yield "no-dqt.jpg", without(whole, 0xDB)
    yield "no-dqt1.jpg", without(whole, 0xDB, 1)
    yield "no-dri.jpg", without(marked, 0xDD)
    found, rest = segments(whole)
    yield "junk.jpg", b"junk".join(found) + b"\0more" + rest
    yield "fill.jpg", b"\xff\xff\xff".join(found) + rest
    yield "restart-early.jpg", whole[:2] + b"\xff\xd0" + whole[2:]
    yield "restart-unasked.jpg", whole[:-60] + b"\xff\xd3" + whole[-60:]
    marks = restarts(marked)
    for name, at, new in (
        ("lost", marks[3], b""),
        ("next", marks[3], b"\xff\xd4"),
        ("far", marks[3], b"\xff\xd7"),
        ("past", marks[3], b"\xff\xd2"),
        ("twice", marks[3], b"\xff\xd3\xff\xd3"),
        ("junk", marks[3], b"junk\xff\xd3"),
        ("other", marks[3], b"\xff\xfe\0\2"),
        ("odd", marks[3], b"\xff\1\xff\x02\xff\xd3"),
    ):
        yield "restart-%s.jpg" % name, marked[:at] + new + marked[at + 2 :]
    yield "scan-cut.jpg", whole[:-200] + b"\xff\xd9"
    yield "scan-cut-progressive.jpg", cjpeg(37, 19, "-progressive", quality=60)[:-90] + b"\xff\xd9"
    progressive = cjpeg(37, 19, "-progressive", quality=60)
    first = progressive.index(b"\xff\xda")
    yield "scan-hole-progressive.jpg", progressive[: first + 20] + progressive[first + 30 :]
    yield "scan-more.jpg", whole[:-2] + whole[whole.index(b"\xff\xda") :]
    yield "no-end.jpg", whole[:-2]
    yield "no-end-trailer.jpg", whole[:-2] + bytes(range(256))
    yield "trailer.jpg", whole + b"\xff\xd8 more"
    yield "no-height.jpg", whole.replace(struct.pack(">HH", 19, 37), struct.pack(">HH", 0, 37))
    yield "bits12.jpg", whole.replace(b"\xff\xc0\0\x11\x08", b"\xff\xc0\0\x11\x0c")
    yield "lossless.jpg", whole.replace(b"\xff\xc0\0\x11\x08", b"\xff\xc3\0\x11\x08")
    yield "dnl.jpg", whole[:-2] + segment(0xDC, b"\0\x13") + b"\xff\xd9"
    yield "two-frames.jpg", with_first(whole, next(s for s in found if s[1] == 0xC0))
    yield "unknown.jpg", with_first(whole, b"\xff\x02")
    for i in range(12):
        spoilt = bytearray(R.choice([whole, marked, progressive]))
        for _ in range(3):
            spoilt[R.randrange(len(spoilt) // 2, len(spoilt) - 2)] ^= 1 << R.randrange(8)
        yield "spoilt%d.jpg" % i, bytes(spoilt)


# PNM


def pnms():
    yield "p1.pnm", b"P1\n# c\n5 2\n0101 1\n1 0#x\n1\t00"
    yield "p1-short.pnm", b"P1 5 2 0101 1 1 0 1 0"
    yield "p1-two.pnm", b"P1 2 1 0 2"
    yield "p2.pnm", b"P2 3 1 255 0 127 255"
    yield "p2-7.pnm", b"P2 3 2 7 0 1 2 3 4 7"
    yield "p2-wide.pnm", b"P2 4 1 65535 0 1 255 65535"
    yield "p2-large.pnm", b"P2 1 1 7 8"
    yield "p2-comment.pnm", b"P2 2 1 255 1#x\n2 3"
    yield "p2-minus.pnm", b"P2 1 1 255 -1"
    yield "p3.pnm", b"P3 1 2 255\n1 2 3\n4 5 6 and more"
    yield "p3-1000.pnm", b"P3 1 1 1000 0 500 1000"
    yield "p4.pnm", b"P4 11 2\n" + R.randbytes(4)
    yield "p5.pnm", b"P5 4 2 255\n" + R.randbytes(8)
    yield "p5-100.pnm", b"P5 4 2 100\n" + R.randbytes(8)
    yield "p5-16.pnm", b"P5 3 1 65535\n" + b"\0\x7f\1\0\xff\xff"
    yield "p5-1000.pnm", b"P5 3 1 1000\n" + b"\0\1\0\2\3\xe8"
    yield "p6.pnm", b"P6 #c\n#d\r 2\v2\f255\r" + R.randbytes(12)
    yield "p6-space.pnm", b"P6 # c\n2 2 255\n" + R.randbytes(12) + b"more"
    yield "p6-16.pnm", b"P6 2 1 65535\n" + R.randbytes(12)
    yield "p6-300.pnm", b"P6 2 1 300\n" + bytes([1, 44, 0, 9, 0, 0, 1, 0, 2, 0, 0, 1])
    yield "p6-short.pnm", b"P6 2 2 255\n" + R.randbytes(11)
    yield "p6-zero.pnm", b"P6 2 2 0\n" + R.randbytes(12)
    yield "p6-long.pnm", b"P6 2 00000000002 255\n" + R.randbytes(12)
    yield "p6-in-number.pnm", b"P6 1#c\n2 1 255\n" + R.randbytes(36)


def fnv(data):
    h = 0xCBF29CE484222325
    for byte in data:
        h = (h ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return h


def pillow(file):
    try:
        image = ImageOps.exif_transpose(Image.open(io.BytesIO(file))).convert("RGB")
    except Exception:
        return 0, 0, 0
    return *image.size, fnv(image.tobytes())


def records(data):
    """Names and files of a row of records."""
    at = 0
    while at < len(data):
        line, size = data.index(b"\n", at), int(data[at:].split(None, 2)[1])
        yield data[at:line].split()[0].decode(), data[line + 1 : line + 1 + size]
        at = line + 1 + size


def main():
    out = sys.stdout.buffer
    cases = [*pngs(), *jpegs(), *pnms()]
    for path in sys.argv[1:]:
        with open(path, "rb") as f:
            found = [(os.path.basename(path), f.read())]
        if path.endswith(".cases"):
            known = {name for name, _ in cases}
            found = [case for case in records(found[0][1]) if case[0] not in known]
        cases += found
    for name, file in cases:
        out.write(b"%s %d %d %d %016x\n" % (name.encode(), len(file), *pillow(file)))
        out.write(file)


if __name__ == "__main__":
    main()
