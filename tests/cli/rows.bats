#!/usr/bin/env bats
# Encoder outputs in bytes, t5g-encode --dtype q8: what they are, where they go, what is refused.
load common

setup_file() { export text='The library reads tar archives of C++ classes'; }

three() {
    t5g-tokenize -e "$text" -e x -e 'naïve Unicode 日本語' -o ids.t5g
    t5g-encode -o f32.t5g ids.t5g
    t5g-encode --dtype q8 -o q8.t5g ids.t5g
}

answers() { t5g-decode -n 6 --logprobs -p a -p 'kind:' "$@"; }

# logprobs FILE: the log-probabilities of its answers, one a line
logprobs() { t5g-frame export --jsonl "$1" | grep -o '"score":[^,}]*' | cut -d: -f2; }

@test "a byte for each number and a scale for each run, close to exact ones" {
    three
    [ "$(t5g-frame ls q8.t5g | sed -n 2p)" = "e2	input.ids i32[2], encoder.out i8[2,64], encoder.out.scale f32[2,1]" ]
    t5g-frame verify q8.t5g
    t5g-frame diff --atol 0.03 f32.t5g q8.t5g
    status_is 1 t5g-frame diff --atol 0.0001 f32.t5g q8.t5g
    status_is 1 t5g-frame diff f32.t5g q8.t5g
    answers f32.t5g -o f32.ids
    answers q8.t5g -o q8.ids
    paste <(logprobs f32.ids) <(logprobs q8.ids) | awk '{ d = $1 - $2; if (d > 0.5 || d < -0.5) bad = 1 } END { exit bad || NR != 6 }'
    t5g-detok q8.ids > text
    [ "$(wc -l < text)" = 6 ]
    t5g-encode q8.t5g | t5g-frame diff --name encoder.out - f32.t5g # encoded again: scales are gone
    [ "$(t5g-encode q8.t5g | t5g-frame ls | grep -c scale)" = 0 ]
}

@test "the recipe of the page gives the rows that the decoder takes" {
    three
    /usr/bin/python3 -c 'import numpy' || skip "python3-numpy is not installed"
    {
        echo 'import numpy as np'
        sed -n '/^def rotate/,/^\.Ed/p' "$T5G_TESTS/../man/t5g-stream.5" | grep -v '^\.Ed' | sed "s/\\\\(aq/'/g"
    } > recipe.py
    t5g-frame export --npy f f32.t5g
    t5g-frame export --npy q q8.t5g
    /usr/bin/python3 - <<'PY'
import sys; sys.path.insert(0, ".")
import numpy as np
from recipe import rows
for i in range(3):
    exact = np.load("f/%06d-001-encoder.out.npy" % i)
    q, scale = (np.load("q/%06d-%03d-%s.npy" % (i, k, n)) for k, n in ((1, "encoder.out"), (2, "encoder.out.scale")))
    assert q.dtype == np.int8 and scale.shape == (len(q), 1)
    back = rows(q, scale)
    assert np.abs(back - exact).max() < 0.03, np.abs(back - exact).max()
    np.save("f/%06d-001-encoder.out.npy" % i, back.astype("f4"))
PY
    t5g-frame import --npy f -o back.t5g
    t5g-frame diff --atol 1e-6 back.t5g q8.t5g
    answers q8.t5g -o q8.ids
    answers back.t5g -o back.ids
    t5g-frame diff --name decode.ids --atol 1e-3 q8.ids back.ids
}

@test "through every form and verb unchanged" {
    three
    t5g-frame export --npy n q8.t5g
    t5g-frame import --npy n | t5g-frame diff - q8.t5g
    t5g-frame export --safetensors s.st q8.t5g
    t5g-frame import --safetensors s.st | t5g-frame diff - q8.t5g
    t5g-frame export --jsonl --head q8.t5g | t5g-frame import --jsonl | t5g-frame diff - q8.t5g
    t5g-frame split -n 1 --prefix part q8.t5g
    t5g-frame cat part-*.t5g | t5g-frame diff - q8.t5g
    t5g-decode --keep -n 2 q8.t5g -o kept.t5g
    t5g-decode -n 2 kept.t5g | cmp - <(t5g-decode -n 2 q8.t5g)
    [ "$(t5g-decode -n 2 q8.t5g | t5g-frame ls | grep -c encoder.out)" = 0 ]
    t5g-detok kept.t5g | cmp - <(t5g-decode -n 2 q8.t5g | t5g-detok)
    head -c -300 q8.t5g > cut.t5g
    status_is 3 t5g-frame recover -o saved.t5g cut.t5g || true
    [ "$(t5g-frame ls saved.t5g | head -n 2 | grep -c 'encoder.out.scale f32')" = 2 ]
}

@test "bits depend neither on threads, nor on company, nor on the cache" {
    three
    for n in 1 2 3; do
        t5g-encode --dtype q8 -t $n ids.t5g | cmp - q8.t5g
        T5G_CPU=ref answers -t $n q8.t5g | cmp - <(T5G_CPU=ref answers -b 1 q8.t5g)
    done
    t5g-frame split -n 1 --prefix id ids.t5g
    for f in id-*.t5g; do t5g-encode --dtype q8 -o "$f.enc" "$f"; done
    t5g-frame cat id-*.enc | t5g-frame diff - q8.t5g
    t5g-encode --cache=c --dtype q8 ids.t5g | cmp - q8.t5g
    t5g-encode --cache=c --dtype q8 --stats ids.t5g 2> err | cmp - q8.t5g
    grep -q 'cache: 3 hits, 0 misses' err
    t5g-encode --cache=c --stats ids.t5g 2> err | cmp - f32.t5g
    grep -q 'cache: 0 hits, 3 misses' err
    [ "$(grep -l 'encoder.out.scale' c/v1/*/*.t5g | wc -l)" = 3 ]
    status_is 64 t5g-encode --dtype q8 --pool mean ids.t5g
}

@test "bytes without what belongs to them fail their document" {
    three
    t5g-frame export --jsonl --head q8.t5g > q8.jsonl
    change() { /usr/bin/python3 -c "
import json, sys
for line in open('q8.jsonl'):
    o = json.loads(line)
    f = o.get('frames', [])
    if o.get('id') == 'e2':
        $1
    print(json.dumps(o))" | t5g-frame import --jsonl -o bad.t5g; }
    refused() {
        change "$1"
        status_is 3 t5g-decode -n 2 -o out.t5g bad.t5g
        err_has_line "e2: $2"
        [ "$(t5g-frame ls out.t5g | grep -c decode.ids)" = 2 ]
    }
    refused 'del f[2]' 'encoder.out is bytes: no encoder.out.scale, f32 [2, 1]'
    refused 'f[2]["shape"] = [1, 2]' 'encoder.out.scale: expected f32 [2, 1]'
    refused 'f[2]["dtype"] = "f64"' 'encoder.out.scale: expected f32 [2, 1]'
    refused 'f[2]["data"][1] = "NaN"' 'encoder.out.scale: nan in row 1'
    refused 'f[2]["data"][1] = -1' 'encoder.out.scale: -1 in row 1'
    refused 'f.append(f[2])' 'encoder.out.scale: 2 frames of this name'
    refused 'f[1], f[2] = f[2], f[1]' 'encoder.out.scale: stands before encoder.out'
    refused 'del f[1]' 'encoder.out.scale: there is no encoder.out of bytes'
    refused 'f[1]["dtype"] = "f32"' 'encoder.out.scale: there is no encoder.out of bytes'
    t5g-frame verify bad.t5g # which knows the format, not what the names mean
    refused 'del f[1]["meta"]' 'encoder.out: bytes without "rotate":128'
    refused 'f[1]["meta"]["rotate"] = 64' 'encoder.out: bytes without "rotate":128'
    # A damaged frame is the stream's fault.
    at=$(grep -abo 'encoder.out.scale' q8.t5g | head -n 1 | cut -d: -f1)
    cp q8.t5g hurt.t5g
    printf 'X' | dd of=hurt.t5g bs=1 seek=$((at + 100)) conv=notrunc 2> /dev/null
    status_is 65 t5g-frame verify hurt.t5g
    status_is 65 t5g-decode -n 2 -o never.t5g hurt.t5g
    [ ! -e never.t5g ]
}

@test "diff with a tolerance compares scales without bytes" {
    t5g-tokenize -e 'Hello world' | t5g-encode --dtype q8 | t5g-frame export --jsonl > whole.jsonl
    python3 -c 'import json
doc = json.load(open("whole.jsonl"))
doc["frames"] = [f for f in doc["frames"] if f["name"] != "encoder.out"]
scale = doc["frames"][-1]
assert scale["name"] == "encoder.out.scale"
open("a.jsonl", "w").write(json.dumps(doc) + "\n")
scale["data"][3] *= 2
open("b.jsonl", "w").write(json.dumps(doc) + "\n")'
    t5g-frame import --jsonl a.jsonl -o a.t5g
    t5g-frame import --jsonl b.jsonl -o b.t5g
    status_is 0 t5g-frame diff --atol 1e-9 a.t5g a.t5g
    status_is 1 t5g-frame diff --atol 1e-9 a.t5g b.t5g
}
