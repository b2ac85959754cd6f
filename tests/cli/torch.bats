#!/usr/bin/env bats
# Weights in pytorch_model.bin: the same model as in model.safetensors, and what is refused.
load common

# weights FOLDER/tiny: a copy of the tiny model without its weights.
folder() {
    mkdir -p "$1" && cp "$tiny"/*.json "$1"
}

# python CODE: with the writer, and t = the tensors of the tiny model.
python() {
    PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$T5G_TESTS python3 -c "from torch_writer import *
t = read('$tiny/model.safetensors')
$1"
}

# one_line N TEXT: every program that needs weights refuses the model m with one line.
one_line() {
    for p in t5g-encode t5g-decode t5g-pack; do
        case $p in t5g-pack) set -- "$1" "$2" m ;; *) set -- "$1" "$2" -m m ids.t5g ;; esac
        status_is "$1" $p -o out "${@:3}"
        err_has "$2"
        [ ! -e out ]
    done
}

@test "weights of PyTorch are the model of the same weights: streams, identities and packed file are equal" {
    t5g-tokenize -e 'Hello world' -e 'The work of a day' -o ids.t5g
    t5g-encode -o enc.t5g ids.t5g
    t5g-decode -n 12 --logprobs -o dec.t5g enc.t5g
    (cd "$T5G_TESTS/models" && t5g-pack tiny) > packed.t5g
    tied="[('lm_head.out_proj.weight', 'model.encoder.embed_tokens.weight'),
           ('model.decoder.embed_tokens.weight', 'model.encoder.embed_tokens.weight')]"
    folder one/tiny && python "save('one/tiny/pytorch_model.bin', t, $tied)"
    folder wide/tiny && python "save('wide/tiny/pytorch_model.bin', t, wide=True)"
    folder shards/tiny && python "
names, map = sorted(t), {}
for i in range(3):
    file = 'pytorch_model-0000%d-of-00003.bin' % (i + 1)
    save('shards/tiny/' + file, {n: t[n] for n in names[i::3]})
    map.update((n, file) for n in names[i::3])
json.dump({'metadata': {}, 'weight_map': map}, open('shards/tiny/pytorch_model.bin.index.json', 'w'))"
    # safetensors is taken if both are there, as in transformers.
    folder both/tiny && cp "$tiny/model.safetensors" both/tiny && echo > both/tiny/pytorch_model.bin
    for m in one/tiny wide/tiny shards/tiny both/tiny; do
        for _ in 1 2; do
            t5g-encode -m $m ids.t5g | cmp - enc.t5g
        done
        t5g-decode -m $m -n 12 --logprobs enc.t5g | cmp - dec.t5g
        (cd ${m%/*} && t5g-pack tiny) | cmp - packed.t5g
    done
    png=$T5G_TESTS/data/pictures/rgb.png
    t5g-tokenize -i "$png" -e '<start_of_image> a' | t5g-vision > a.t5g
    t5g-tokenize -i "$png" -e '<start_of_image> a' | t5g-vision -m one/tiny | cmp a.t5g -
    # A matrix that is there twice is read once, and one that is not tied is used.
    python "
w = t['model.encoder.embed_tokens.weight']
t['lm_head.out_proj.weight'] = w[0], w[1], w[2][4:] + w[2][:4]
save('one/tiny/pytorch_model.bin', t)"
    t5g-encode -m one/tiny ids.t5g | cmp - enc.t5g
    status_is 1 t5g-frame diff dec.t5g <(t5g-decode -m one/tiny -n 12 --logprobs enc.t5g)
}

@test "weights of PyTorch that do not fit the model, or are in another dtype" {
    t5g-tokenize -e 'Hello world' -o ids.t5g
    folder m
    python "
del t['model.encoder.norm.weight']
save('m/pytorch_model.bin', t)"
    one_line 65 "m/pytorch_model.bin: tensor 'model.encoder.norm.weight': missing, expected [64]"
    python "
n = t['model.encoder.norm.weight'][2]
t['model.encoder.norm.weight'] = 'I64', [32], n
save('m/pytorch_model.bin', t)"
    one_line 65 "m/pytorch_model.bin: tensor 'model.encoder.norm.weight': shape [32], expected [64]"
    python "
t['model.encoder.norm.weight'] = 'I64', [64], 2 * t['model.encoder.norm.weight'][2]
save('m/pytorch_model.bin', t)"
    one_line 65 "tensor 'model.encoder.norm.weight': dtype i64, expected f32, bf16 or f16"
    python "
t['position_ids'] = 'I64', [1], bytes(8)
save('m/pytorch_model.bin', t)"
    one_line 65 "tensor 'position_ids': not part of the model"
    python "
n = 'model.encoder.norm.weight'
t[n] = 'F32', [64], t[n][2][:-4] + b'\\0\\0\\x80\\x7f'
save('m/pytorch_model.bin', t)"
    status_is 65 t5g-encode -m m -o out ids.t5g
    err_has "pytorch_model.bin: tensor 'model.encoder.norm.weight': element 63 is not a finite number"
}

@test "a Dense module of sentence-transformers in PyTorch's form" {
    t5g-tokenize -e 'Hello world' -o ids.t5g
    mkdir -p st/1_Pooling st/2_Dense && cp "$tiny"/* st
    echo '[{"type":"a.Transformer","path":""},{"type":"b.Pooling","path":"1_Pooling"},
           {"type":"c.Dense","path":"2_Dense"}]' > st/modules.json
    echo '{"embedding_dimension":64,"pooling_mode":"mean"}' > st/1_Pooling/config.json
    echo '{"in_features":64,"out_features":2,"bias":false,
           "activation_function":"torch.nn.modules.linear.Identity"}' > st/2_Dense/config.json
    # The first two elements of a row.
    python "
w = struct.pack('<128f', *(float(j == i) for i in range(2) for j in range(64)))
save('st/2_Dense/pytorch_model.bin', {'linear.weight': ('F32', [2, 64], w)})"
    t5g-encode -m st ids.t5g | t5g-frame export --npy got
    t5g-encode --pool mean --dims 2 ids.t5g | t5g-frame export --npy want
    cmp got/*embedding.npy want/*embedding.npy
    t5g-pack -o p.t5g st
    t5g-encode -m p.t5g ids.t5g | t5g-frame diff - <(t5g-encode -m st ids.t5g)
}

@test "files of PyTorch that are refused" {
    t5g-tokenize -e 'Hello world' -o ids.t5g
    folder m
    data=$T5G_TESTS/data/torch
    cp "$data/old.bin" m/pytorch_model.bin
    one_line 65 "m/pytorch_model.bin: of the form before PyTorch 1.6, which is not read: convert it with python3 -c \"import os, torch; p = 'm/pytorch_model.bin'; torch.save(torch.load(p,"
    cp "$data/foreign.bin" m/pytorch_model.bin
    one_line 65 "the global 'posix.system' is not one of those that make tensors"
    cp "$data/strided.bin" m/pytorch_model.bin
    one_line 65 "tensor 'a': not contiguous"
    cp "$data/nested.bin" m/pytorch_model.bin
    one_line 65 "'model' is not a tensor"
    printf 'version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 3\n' > m/pytorch_model.bin
    one_line 65 'm/pytorch_model.bin: a Git LFS pointer'
    python "save('m/pytorch_model.bin', t, method=8)"
    one_line 65 "m/pytorch_model.bin: member 'archive/data.pkl' is compressed"
    python "
items = pickled([('a', tensor('F32', [3], '0')), ('a', tensor('F32', [3], '0'))])
write_zip('m/pytorch_model.bin', [('x/data.pkl', items), ('x/data/0', bytes(12))])"
    one_line 65 "m/pytorch_model.bin: tensor 'a' occurs twice"
    python "
items = pickled([('a', tensor('F32', [3], '0'))])
write_zip('m/pytorch_model.bin', [('x/data.pkl', items), ('x/data/0', bytes(8))])"
    one_line 65 "tensor 'a': data/0 has 8 bytes, expected 3 elements of 4"
    python "
items = pickled([('a', tensor('F32', [3], '0', 1, 3))])
write_zip('m/pytorch_model.bin', [('x/data.pkl', items), ('x/data/0', bytes(12))])"
    one_line 65 "tensor 'a': 3 elements from 1 on, but its storage has 3"
    python "write_zip('m/pytorch_model.bin', [('x/data.pkl', b'\\x80\\2cos\\nsystem\\nX\\7\\0\\0\\0touch y\\x85R.')])"
    one_line 65 "m/pytorch_model.bin: data.pkl: byte 2: the global 'os.system' is not one of those that make tensors"
    [ ! -e y ]
    python "save('whole.bin', t)"
    size=$(stat -c %s whole.bin)
    for n in 1 100 5000 $((size / 2)) $((size - 100)) $((size - 1)); do
        head -c "$n" whole.bin > m/pytorch_model.bin
        status_is 65 t5g-encode -m m -o out ids.t5g
        err_has 'm/pytorch_model.bin: '
    done
}

@test "an index of PyTorch's files that does not agree with them" {
    t5g-tokenize -e 'Hello world' -o ids.t5g
    folder m
    python "
json.dump({'weight_map': {'a': 'pytorch_model-00001-of-00002.bin'}}, open('m/pytorch_model.bin.index.json', 'w'))"
    one_line 66 'm/pytorch_model-00001-of-00002.bin: missing, and pytorch_model.bin.index.json names it'
    python "save('m/pytorch_model-00001-of-00002.bin', {'b': ('F32', [1], bytes(4))})"
    one_line 65 "m/pytorch_model.bin.index.json: tensor 'a' is not in pytorch_model-00001-of-00002.bin"
}
