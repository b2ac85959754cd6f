#!/usr/bin/python3
"""Documents from numpy to a folder for t5g-frame import --npy: numpy_writer.py STREAM FOLDER drops the last row of each encoder.out."""
# WRITER: this part stands in t5g-stream(5) too
import json, os, numpy as np
def write(folder, documents, head=None):    # then t5g-frame import --npy FOLDER
    os.mkdir(folder)                        # documents: (id, [(name, array or text), ...])
    with open(os.path.join(folder, 'index.jsonl'), 'w', encoding='utf-8') as index:
        if head:                            # the meta of a HEAD: of which model they are
            print(json.dumps(head), file=index)
        for i, (id, values) in enumerate(documents):
            frames = []
            for k, (name, value) in enumerate(values):
                frame = {'name': name}
                if isinstance(value, str):
                    frame['text'] = value
                else:
                    frame['file'] = '%06d-%03d.npy' % (i, k)
                    np.save(os.path.join(folder, frame['file']), value)
                frames.append(frame)
            print(json.dumps({'id': id, 'frames': frames}), file=index)
# END OF WRITER

if __name__ == '__main__':
    import sys
    from numpy_reader import frames
    documents, head = [], None
    for kind, meta, data in frames(open(sys.argv[1], 'rb').read()):
        if kind == 'H':
            head = meta
        elif kind == 'D':
            documents.append((meta['id'], []))
        elif kind == 'T':
            documents[-1][1].append((meta['name'], data[:-1] if meta['name'] == 'encoder.out' else data))
        elif kind == 'S':
            documents[-1][1].append((meta['name'], bytes(data).decode()))
    write(sys.argv[2], documents, head)
