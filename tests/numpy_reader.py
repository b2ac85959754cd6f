#!/usr/bin/python3
"""t5g-stream(5) streams in numpy, and what they hold: numpy_reader.py FILE ... prints one line a frame."""
# READER: this part stands in t5g-stream(5) too
import json, struct, numpy as np
TYPES = '- u1 i1 <u2 <i2 <u4 <i4 <u8 <i8 <f2 <u2 <f4 <f8 ?'.split()
def frames(buf):            # bytes, or mmap.mmap of a file: payloads are views
    at, kind = 0, b''
    while at < len(buf):
        magic, kind, major, _, dtype, ndim, flags, _, length, size, start, \
            meta, _, *dims = struct.unpack_from('<7sc4B2H2Q2I9Q', buf, at)
        if magic != b'\x89T5G\r\n\x1a' or major != 1 or flags \
                or at + length > len(buf):
            raise ValueError('cut, damaged or newer at byte %d' % at)
        data = np.frombuffer(buf, 'u1', size, at + start)
        if kind == b'T':
            data = data.view(TYPES[dtype]).reshape(dims[:ndim])
        text = bytes(buf[at + 128:at + 128 + meta]) or '{}'
        yield kind.decode(), json.loads(text), data
        at += length
    if kind != b'E':
        raise ValueError('cut stream: no END')
def bf16(a):                # of type 10, which numpy has not: TYPES gives bits
    return (a.astype('<u4') << 16).view('<f4')
# END OF READER

if __name__ == '__main__':
    import mmap, sys
    for path in sys.argv[1:]:
        with open(path, 'rb') as f:
            for kind, meta, data in frames(mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)):
                if kind == 'T':
                    assert data.ctypes.data % 64 == 0 and not data.flags.owndata
                    print(kind, meta['name'], data.dtype.str, data.shape, data.ravel().tolist())
                else:
                    print(kind, json.dumps(meta), bytes(data) if kind == 'S' else len(data))
