#!/usr/bin/env bats
# Vectors of many documents: t5g-frame export --matrix, t5g-frame nearest, pipelines/search.sh.
load common

python=/usr/bin/python3
pipelines=$T5G_TESTS/../pipelines

need_numpy() { $python -c 'import numpy' || skip "python3-numpy is not installed"; }

# corpus N: lines of text, and their vectors in v.t5g.
corpus() {
    for ((i = 1; i <= $1; i++)); do echo "text number $i of $((i * i % 17)) words"; done > lines
    t5g-tokenize -l lines | t5g-encode --pool mean -o v.t5g
}

@test "--matrix: one array, and an id for each row" {
    need_numpy
    corpus 40
    t5g-frame export --matrix m.npy v.t5g
    t5g-frame ls v.t5g | cut -f 1 | cmp - m.ids
    t5g-frame export --npy each v.t5g
    $python - m.npy each/*embedding.npy <<'END'
import sys
import numpy as np
m, *rows = map(np.load, sys.argv[1:])
assert m.dtype == np.float32 and m.shape == (40, 64) and (m == np.stack(rows)).all()
END
    # Narrow ones become f32; rows of rows; the default name is that of --pool.
    t5g-encode --pool mean --dtype bf16 < <(t5g-tokenize -l lines) | t5g-frame export --matrix narrow.npy
    t5g-tokenize -e 'two words' -e x | t5g-encode -o enc.t5g
    t5g-frame export --matrix rows.npy --name encoder.out enc.t5g
    t5g-encode --dtype q8 enc.t5g | t5g-frame export --matrix bytes --name encoder.out
    uniq -c rows.ids | awk '{ print $1, $2 }' > got
    t5g-frame ls enc.t5g | sed 's/\(e[0-9]\).*i32.\([0-9]*\).,.*/\2 \1/' | cmp - got
    cmp rows.ids bytes.ids
    $python - <<'END'
import numpy as np
m, n, r, b = map(np.load, ("m.npy", "narrow.npy", "rows.npy", "bytes"))
assert n.dtype == np.float32 and np.abs(m - n).max() <= 2.0**-8 * np.abs(m).max()
assert r.shape == b.shape and 0 < np.abs(r - b).max() < 0.03
END
}

@test "--matrix: failures are left out and counted, and ids are one line" {
    need_numpy
    printf '{"id":"a\\nb\\\\c","text":"x"}\n{"id":"bad"\n{"id":"","text":"y"}\n' > j
    t5g-tokenize --jsonl j -o ids.t5g 2> /dev/null || true
    t5g-encode --pool first ids.t5g -o v.t5g 2> /dev/null || true
    status_is 3 t5g-frame export --matrix m.npy v.t5g
    [ ! -s err ]
    printf 'a\\x0ab\\\\c\n\n' | cmp - m.ids
    $python -c 'import numpy as np; assert np.load("m.npy").shape == (2, 64)'
    # One without a vector, one of another width: named.
    t5g-tokenize -e none -o none.t5g
    t5g-tokenize -e short | t5g-encode --pool first --dims 3 -o short.t5g
    status_is 3 t5g-frame export --matrix m.npy v.t5g none.t5g short.t5g
    err_has_line "e1: no tensor 'embedding'"
    err_has_line 'e1: embedding: 3 columns, documents before have 64'
    $python -c 'import numpy as np; assert np.load("m.npy").shape == (2, 64)'
    # No file without a row that was asked for, or of a stream that is not whole.
    status_is 65 t5g-frame export --matrix never.npy none.t5g
    err_has_line "no document has a tensor 'embedding' of vectors"
    head -c -100 v.t5g > cut.t5g
    status_is 76 t5g-frame export --matrix never.npy cut.t5g
    status_is 65 t5g-frame export --matrix never.npy --name input.ids none.t5g
    [ "$(find . -name 'never*')" = "" ]
    # Whyever there is no row: no document, all failed, none has the tensor, or one of no rows.
    : | t5g-tokenize -l | t5g-encode --pool mean -o a.t5g
    printf '\377\n' | t5g-tokenize -l 2> err | t5g-encode --pool mean -o b.t5g 2> err || [ $? = 3 ]
    printf '%s\n' '{"id":"d","frames":[{"name":"embedding","dtype":"f32","shape":[0,4],"data":[]}]}' |
        t5g-frame import --jsonl -o c.t5g
    echo old > m.npy && echo old > m.ids
    for f in a b c none; do
        status_is 65 t5g-frame export --matrix m.npy $f.t5g
        err_has_line "no document has a tensor 'embedding' of vectors"
        [ "$(cat m.npy m.ids)" = "$(printf 'old\nold')" ]
    done
    status_is 64 t5g-frame export --name x --npy d v.t5g
    status_is 64 t5g-frame export --matrix m.npy --npy d v.t5g
    status_is 64 t5g-frame export --matrix m.npy -o x v.t5g
    status_is 73 t5g-frame export --matrix no/m.npy v.t5g
}

@test "nearest: the largest cosines, as numpy finds them" {
    need_numpy
    corpus 60
    t5g-tokenize -e 'number 7' -e 'words' -e 'text number 12 of 8 words' | t5g-encode --pool mean -o q.t5g
    t5g-frame nearest -k 5 --queries q.t5g v.t5g > got
    [ "$(wc -l < got)" = 15 ]
    t5g-frame export --matrix v.npy v.t5g
    t5g-frame export --matrix q.npy q.t5g
    $python - <<'END'
import numpy as np
v, q = np.load("v.npy").astype("f8"), np.load("q.npy").astype("f8")
ids = open("v.ids").read().split("\n")
c = q @ v.T / np.linalg.norm(v, axis=1) / np.linalg.norm(q, axis=1)[:, None]
want = [("e%d" % (i + 1), r + 1, c[i, j], ids[j]) for i in range(3) for r, j in enumerate(np.argsort(-c[i], kind="stable")[:5])]
for line, (query, rank, score, doc) in zip(open("got"), want):
    a = line.rstrip("\n").split("\t")
    assert a[0] == query and int(a[1]) == rank and a[3] == doc and abs(float(a[2]) - score) < 1e-6, (line, query, rank, score, doc)
END
    t5g-frame nearest --jsonl -k 5 --queries q.t5g v.t5g | $python -c '
import json, sys
rows = [x.rstrip("\n").split("\t") for x in open("got")]
out = [[o["query"], str(i + 1), "%.7f" % r["score"], r["id"]] for o in map(json.loads, sys.stdin) for i, r in enumerate(o["results"])]
assert out == rows'
    # Fewer than asked for; equal ones in their order; a corpus in parts.
    t5g-frame nearest -k 1000 --queries q.t5g v.t5g | wc -l | grep -qx 180
    t5g-frame split -n 25 v.t5g
    t5g-frame nearest -k 5 --queries q.t5g part-*.t5g | cmp - got
    t5g-frame nearest -k 2 --queries q.t5g v.t5g v.t5g | awk -F'\t' '$2 == 1 { s = $3 } $2 == 2 && $3 != s { exit 1 }'
}

@test "nearest: what does not fit is named" {
    corpus 3
    t5g-tokenize -e a | t5g-encode --pool mean -o q.t5g
    t5g-tokenize -e a | t5g-encode --pool mean --dims 2 -o short.t5g
    status_is 3 t5g-frame nearest --queries q.t5g v.t5g short.t5g
    err_has 'e1: embedding: 2 columns, the first query has 64'
    status_is 3 t5g-frame nearest --queries q.t5g <(t5g-tokenize -e x)
    err_has "e1: no tensor 'embedding'"
    status_is 64 t5g-frame nearest v.t5g
    status_is 66 t5g-frame nearest --queries none v.t5g
    head -c 900 v.t5g > cut.t5g
    status_is 76 t5g-frame nearest --queries q.t5g cut.t5g -o never
    [ ! -e never ]
}

# others: vectors of as many columns by another model, profile, pooling, and modules.
others() {
    corpus 3
    t5g-pack --weights q8 -o q8.t5g "$tiny"
    mkdir other
    cp "$tiny"/* other
    /usr/bin/python3 - other/model.safetensors <<'END'
import json, struct, sys
data = bytearray(open(sys.argv[1], "rb").read())
n = struct.unpack("<Q", data[:8])[0]
head = json.loads(data[8 : 8 + n])
name = next(k for k in head if "encoder" in k and k.endswith("mlp.down_proj.weight"))
at = 8 + n + head[name]["data_offsets"][0]
data[at : at + 2], data[at + 2 : at + 4] = data[at + 2 : at + 4], data[at : at + 2]
open(sys.argv[1], "wb").write(data)
END
    t5g-tokenize -l lines | t5g-encode -m other --pool mean -o model.t5g
    t5g-tokenize -l lines | t5g-encode -m q8.t5g --pool mean -o profile.t5g
    t5g-tokenize -l lines | t5g-encode --pool max -o pooling.t5g
    message() {
        case $1 in
        model) echo "$1.t5g: encoder output of another encoder: made by 'other'" ;;
        profile) echo "$1.t5g: HEAD: \"num\" is q8, earlier input had" ;;
        pooling) echo "$1.t5g: lines:1: embedding of another pooling: max, earlier ones mean" ;;
        esac
    }
}

@test "nearest and --matrix refuse vectors of two models, profiles or poolings, unless forced" {
    others
    for other in model profile pooling; do
        echo old > m.npy
        status_is 65 t5g-frame nearest --queries v.t5g $other.t5g -o never
        err_has "$(message $other)"
        status_is 65 t5g-frame nearest --queries v.t5g v.t5g $other.t5g -o never
        err_has "$(message $other)"
        status_is 65 t5g-frame nearest --queries <(cat v.t5g $other.t5g) v.t5g -o never
        status_is 65 t5g-frame export --matrix m.npy v.t5g $other.t5g
        err_has "$(message $other)"
        [ ! -e never ] && [ "$(cat m.npy)" = old ]
        t5g-frame nearest --force -k 2 --queries v.t5g v.t5g $other.t5g | wc -l | grep -qx 6
        t5g-frame export --force --matrix m.npy v.t5g $other.t5g
        [ "$(wc -l < m.ids)" = 6 ]
    done
    # By name: what another tensor was made by. Tokens have the tokenizer alone.
    t5g-tokenize -l lines | t5g-encode -m other --layer 1 -o a.t5g
    t5g-tokenize -l lines | t5g-encode --layer 1 -o b.t5g
    status_is 65 t5g-frame nearest --name hidden.1 --queries a.t5g b.t5g
    # The other forms name one model too, but for lines without a HEAD.
    for how in '--npy d' '--safetensors s' '--jsonl --head'; do
        # shellcheck disable=SC2086 # several words
        status_is 65 t5g-frame export $how v.t5g model.t5g
        # shellcheck disable=SC2086
        t5g-frame export --force $how v.t5g model.t5g > out
    done
    t5g-frame export --jsonl v.t5g model.t5g | wc -l | grep -qx 6
    status_is 64 t5g-frame export --jsonl --force v.t5g
}

@test "nearest: another tensor by name" {
    corpus 3
    t5g-frame nearest -k 1 --name embedding --queries v.t5g v.t5g > named
    t5g-frame nearest -k 1 --queries v.t5g v.t5g | cmp - named
    [ "$(wc -l < named)" = 3 ]
}

@test "--matrix takes the place of regular files only, and follows links" {
    corpus 3
    mkfifo pipe.npy
    ln -s target.npy link.npy
    ln -s nowhere dangling.npy
    mkdir folder.npy
    for f in pipe folder dangling; do
        echo old > $f.ids
        status_is 73 t5g-frame export --matrix $f.npy v.t5g
        err_has "$f.npy"
        [ "$(cat $f.ids)" = old ]
    done
    [ -p pipe.npy ] && [ -h dangling.npy ] && [ ! -e nowhere ]
    echo old > target.npy
    t5g-frame export --matrix link.npy v.t5g
    [ -h link.npy ] && [ "$(head -c 6 target.npy | tail -c 5)" = NUMPY ]
}

@test "search.sh: embed once, search" {
    corpus 30
    "$pipelines/search.sh" -s c -- -l lines
    [ "$(wc -l < c.ids)" = 30 ]
    printf 'text number 7 of 15 words\ntext number 20 of 9 words\n' > q
    "$pipelines/search.sh" -s c -q q -k 1 > got
    cut -f 1,2,4 got > short
    printf 'q:1\t1\tlines:7\nq:2\t1\tlines:20\n' | cmp - short
    "$pipelines/search.sh" -s c -q - -j -k 2 < q | grep -c '"query":"stdin:.","results":..*"id"' | grep -qx 2
    # Templates, and a failure that is counted.
    "$pipelines/search.sh" -s d -d 'title: none | text: {text}' -- -l lines
    "$pipelines/search.sh" -s d -p 'title: none | text: {text}' -q q -k 1 | cut -f 3 > got
    printf '1.0000000\n1.0000000\n' | cmp - got
    printf '\377\n' >> lines
    status_is 3 "$pipelines/search.sh" -s c -- -l lines
    [ "$(wc -l < c.ids)" = 30 ]
    printf '\377\n' >> q
    status_is 3 "$pipelines/search.sh" -s c -q q -k 1
    err_has_line 't5g-tokenize: q:3: invalid UTF-8 at byte 0'
    err_has_line 'search.sh: lines:31: failed in t5g-tokenize: invalid UTF-8 at byte 0'
    # No queries, from a file, a pipe or as standard input.
    : > empty
    for file in empty <(:) -; do
        status_is 66 "$pipelines/search.sh" -s c -q "$file" < empty > got
        err_has "search.sh: $file: no queries"
        [ ! -s got ]
    done
    # What cannot be embedded takes the place of nothing.
    cat c.t5g c.npy c.ids > before
    printf '\377\n' > bad
    for what in '-l absent' absent '-l bad'; do
        # shellcheck disable=SC2086 # several words
        status_is 65 "$pipelines/search.sh" -s c -- $what
        cat c.t5g c.npy c.ids | cmp - before
    done
    status_is 64 "$pipelines/search.sh" -s c -- --nope lines
    status_is 64 env T5G_ENCODE_FLAGS=--nope "$pipelines/search.sh" -s c -- -l lines
    for how in '-o foo' --output=foo --help -h '-m x' '-lo foo'; do
        # shellcheck disable=SC2086
        status_is 64 "$pipelines/search.sh" -s c -- $how -l lines > got
        err_has 'search.sh: -'
    done
    for flags in '-o foo' --help "--pool 'mean" '--pool "mean'; do
        status_is 64 env T5G_ENCODE_FLAGS="$flags" "$pipelines/search.sh" -s c -- -l lines > got
        err_has 'search.sh: T5G_ENCODE_FLAGS: '
    done
    [ ! -e foo ] && [ ! -s got ]
    status_is 66 "$pipelines/search.sh" -s c -m none -- -l lines
    status_is 73 "$pipelines/search.sh" -s none/c -- -l lines
    cat c.t5g c.npy c.ids | cmp - before
    [ "$(find . -name 'c.??????')" = "" ]
    for how in '-s c -q q -d x{text}' '-s c -q q -k 0' '-s c -k 3 -- -l lines' '-s c -j -- -l lines' '-s c -p {text} -- -l lines'; do
        # shellcheck disable=SC2086
        status_is 64 "$pipelines/search.sh" $how
    done
    for letter in s q k d p m; do
        status_is 64 "$pipelines/search.sh" -s c -q q -$letter ''
        err_has "search.sh: -$letter: an empty argument"
    done
    for file in none .; do status_is 66 "$pipelines/search.sh" -s c -q $file; done
    status_is 66 "$pipelines/search.sh" -s c -m none -q q
    status_is 64 "$pipelines/search.sh" -q q
    status_is 64 "$pipelines/search.sh" -s c
    status_is 66 "$pipelines/search.sh" -s none -q q
}
