"""Files as torch.save() writes them, without torch: weights of a safetensors file as pytorch_model.bin."""
import json
import struct
import zlib

STORAGES = {'F32': 'FloatStorage', 'BF16': 'BFloat16Storage', 'F16': 'HalfStorage', 'I64': 'LongStorage'}
SIZES = {'F32': 4, 'BF16': 2, 'F16': 2, 'I64': 8}


def read(path):
    """The tensors of a safetensors file: {name: (dtype, shape, bytes)}."""
    blob = open(path, 'rb').read()
    n = struct.unpack('<Q', blob[:8])[0]
    head, data = json.loads(blob[8:8 + n]), blob[8 + n:]
    return {name: (t['dtype'], t['shape'], data[slice(*t['data_offsets'])])
            for name, t in head.items() if name != '__metadata__'}


def number(n):
    return b'J' + struct.pack('<i', n)


def text(s):
    s = s.encode()
    return b'X' + struct.pack('<I', len(s)) + s


def tensor(dtype, shape, key, offset=0, stored=None):
    """The opcodes that make a contiguous tensor of a storage of `stored` elements."""
    strides, count = [], 1
    for n in reversed(shape):
        strides.insert(0, count)
        count *= n
    tuple_of = lambda v: b'(' + b''.join(map(number, v)) + b't'
    return (b'ctorch._utils\n_rebuild_tensor_v2\n((' + text('storage') + b'ctorch\n' + STORAGES[dtype].encode() +
            b'\n' + text(key) + text('cpu') + number(count if stored is None else stored) + b'tQ' + number(offset) +
            tuple_of(shape) + tuple_of(strides) + b'\x89ccollections\nOrderedDict\n)RtR')


def pickled(items):
    """The pickle of a dict of (name, opcodes that make the value)."""
    return b'\x80\x02}(' + b''.join(text(name) + value for name, value in items) + b'u.'


def write_zip(path, members, wide=False, method=0):
    """A zip archive of (name, bytes), padded to 64 bytes as PyTorch does; wide: with 64-bit fields."""
    out, directory = b'', b''
    for name, data in members:
        at, crc, name = len(out), zlib.crc32(data), name.encode()
        pad = -(at + 30 + len(name) + 4) % 64
        out += struct.pack('<4s5HIIIHH', b'PK\3\4', 20, 0, method, 0, 0, crc, len(data), len(data), len(name), pad + 4)
        out += name + struct.pack('<2sH', b'FB', pad) + b'Z' * pad + data
        extra, sizes = b'', (len(data), len(data), at)
        if wide:
            extra, sizes = struct.pack('<HHHHQQQ', 9, 0, 1, 24, *sizes), (0xffffffff,) * 3
        directory += struct.pack('<4s6HIIIHHHHHII', b'PK\1\2', 20, 20, 0, method, 0, 0, crc, *sizes[:2], len(name),
                                 len(extra), 0, 0, 0, 0, sizes[2]) + name + extra
    at, n = len(out), len(members)
    out += directory
    if wide:
        out += struct.pack('<4sQHHIIQQQQ', b'PK\6\6', 44, 45, 45, 0, 0, n, n, len(directory), at)
        out += struct.pack('<4sIQI', b'PK\6\7', 0, at + len(directory), 1)
    out += struct.pack('<4sHHHHIIH', b'PK\5\6', 0, 0, n, n, len(directory), at, 0)
    open(path, 'wb').write(out)


def save(path, tensors, tied=(), **more):
    """tensors as read() returns them; tied: pairs (name, the tensor whose storage it shares)."""
    keys = {name: str(i) for i, name in enumerate(tensors)}
    items = [(name, tensor(t[0], t[1], keys[name])) for name, t in tensors.items()]
    items += [(name, tensor(tensors[of][0], tensors[of][1], keys[of])) for name, of in tied]
    write_zip(path, [('archive/data.pkl', pickled(items)), ('archive/byteorder', b'little')] +
              [('archive/data/' + keys[name], t[2]) for name, t in tensors.items()] + [('archive/version', b'3\n')],
              **more)
