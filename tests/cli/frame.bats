#!/usr/bin/env bats
# t5g-frame: every verb on good streams and on bad ones.
load common

good=$T5G_TESTS/conformance/good-sample.t5g
conformance=$T5G_TESTS/conformance

# Documents with hostile ids, a failed one, a prompt, and tensors of several types.
hostile() {
    cat > hostile.jsonl <<'JSON'
{"id":"../../etc/passwd","frames":[{"name":"../x y","dtype":"bf16","shape":[2,2],"data":[1,-2.5,0.125,"NaN"]}]}
{"id":"new\nline \u001b[31m \\ tab\t","frames":[{"name":"prompt","text":"a\u0000b"},{"name":"n","dtype":"i64","shape":[2],"data":["9223372036854775807","-9223372036854775808"]}]}
{"id":"","doc":{"len":3,"user":{"k":[1,2]}},"frames":[{"name":"decode.ids","dtype":"i32","shape":[1],"data":[5],"meta":{"prompt":"q","rank":0}},{"name":"decode.ids","dtype":"i32","shape":[0],"data":[]}],"close":{"ntok":3}}
{"id":"bad","frames":[{"name":"f","dtype":"f64","shape":[],"data":[0.1]}],"error":{"tool":"t5g-x","code":65,"msg":"why"}}
{"id":"f","frames":[{"name":"x","dtype":"f32","shape":[3],"data":[0.1,"Infinity",-0.0]},{"name":"h","dtype":"f16","shape":[1],"data":[65504]},{"name":"b","dtype":"bool","shape":[2],"data":[0,1]},{"name":"u","dtype":"u8","shape":[1,1],"data":[255]}]}
JSON
    status_is 3 t5g-frame import --jsonl -o hostile.t5g hostile.jsonl
}

numbered() { # N: that many documents, called 0, 1, ...
    for ((i = 0; i < $1; i++)); do
        echo "{\"id\":\"$i\",\"frames\":[{\"name\":\"x\",\"dtype\":\"i32\",\"shape\":[2],\"data\":[$i,7]}]}"
    done | t5g-frame import --jsonl
}

ids() { t5g-frame ls "$@" | cut -f 1 | tr '\n' ' '; }

# on_page FILE WORD FIRST: t5g-stream(5) shows what stands in FILE between WORD and END OF WORD, and begins with FIRST.
on_page() {
    sed -n "/^# $2/,/^# END OF $2/p" "$T5G_TESTS/$1" | grep -v '^# ' > file
    sed -n "/^$3/,/^\\.Ed/p" "$T5G_TESTS/../man/t5g-stream.5" | grep -v '^\.Ed' |
        sed 's/\\(aq/'"'"'/g; s/\\e/\\/g; s/\\&//g' > page
    [ -s file ]
    diff file page
}

@test "the conformance set: good ones are whole, bad ones have their status" {
    for f in "$conformance"/*.t5g; do
        want=$(basename "$f" | sed 's/-.*//; s/good/0/')
        status_is "$want" t5g-frame verify "$f"
        if [ "$want" = 0 ]; then
            [ ! -s err ]
            status_is 0 t5g-frame quickcheck "$f"
            t5g-frame ls "$f" > /dev/null
        else
            err_has "$f: "
            status_is "$want" sh -c "t5g-frame ls < '$f' > /dev/null"
            status_is "$want" t5g-frame cat -o out "$f"
            [ ! -e out ]
        fi
    done
}

@test "the numpy reader of t5g-stream(5) reads what is whole" {
    python=/usr/bin/python3
    $python -c 'import numpy' || skip "python3-numpy is not installed"
    for f in "$conformance"/good-*.t5g; do
        $python "$T5G_TESTS/numpy_reader.py" "$f" > shown
        [ "$(wc -l < shown)" = "$(t5g-frame ls --frames "$f" | wc -l)" ]
    done
    $python "$T5G_TESTS/numpy_reader.py" "$good" > one
    grep -qxF 'T input.ids <i4 (4,) [2, 17, 305, 1]' one
    grep -qF 'T encoder.out <f4 (2, 3) [1.5, -2.0, 0.0, 3.0, 4.0,' one
    cat "$good" "$good" > two.t5g
    $python "$T5G_TESTS/numpy_reader.py" two.t5g | cmp - <(cat one one)
    t5g-tokenize -e 'Hello world' | t5g-encode -o e.t5g
    $python "$T5G_TESTS/numpy_reader.py" e.t5g | grep -q '^T encoder.out <f4'
    head -c -192 "$good" > cut.t5g
    status_is 1 $python "$T5G_TESTS/numpy_reader.py" cut.t5g
    grep -q 'no END' err
    on_page numpy_reader.py READER 'import json, struct'
}

@test "the numpy writer of t5g-stream(5): encodings with rows dropped come back, and decode" {
    python=/usr/bin/python3
    $python -c 'import numpy' || skip "python3-numpy is not installed"
    t5g-tokenize -e 'Hello world' -e 'and one more' -o ids.t5g
    t5g-encode -o e.t5g ids.t5g
    $python "$T5G_TESTS/numpy_writer.py" e.t5g arr
    status_is 0 t5g-frame import --npy arr -o less.t5g
    [ ! -s err ]
    t5g-frame ls less.t5g > fewer
    [ "$(cut -f 1 fewer)" = "$(printf 'e1\ne2')" ]
    status_is 1 t5g-frame diff --name encoder.out e.t5g less.t5g > shown
    t5g-frame diff --name input.ids e.t5g less.t5g
    t5g-decode -n 2 less.t5g | t5g-detok > answers # the model is still named
    [ "$(wc -l < answers)" = 2 ]
    status_is 65 t5g-decode -m "$gqa" -n 2 -o out less.t5g
    on_page numpy_writer.py WRITER 'import json, os'
}

@test "import --npy: the arrays say what they are, in any byte order and layout" {
    python=/usr/bin/python3
    $python -c 'import numpy' || skip "python3-numpy is not installed"
    $python - <<'PY'
import json, os, numpy as np
os.mkdir('d')
a = np.arange(24).reshape(2, 3, 4)
for order in '<', '>':
    for t in 'f2', 'f4', 'f8', 'i2', 'i4', 'i8', 'u2', 'u4', 'u8':
        np.save('d/%s%s.npy' % ('le' if order == '<' else 'be', t), a.astype(order + t))
for t in 'u1', 'i1', '?':
    np.save('d/%s.npy' % t.replace('?', 'bool'), a.astype(t))
np.save('d/columns.npy', np.asfortranarray(a.astype('<f4')))
np.save('d/columns_be.npy', np.asfortranarray(a.astype('>f8')))
np.save('d/none.npy', np.zeros((0, 5), '<f4'))
np.save('d/one.npy', np.float64(2.5))
with open('want', 'w') as f:
    for name in sorted(os.listdir('d')):
        x = np.load('d/' + name)
        print(name[:-4], list(x.shape), x.ravel().astype('f8').tolist(), file=f)
PY
    status_is 0 t5g-frame import --npy d -o d.t5g
    t5g-frame ls --json d.t5g > /dev/null
    $python - <<'PY' > got
import sys
sys.path.insert(0, __import__('os').environ['T5G_TESTS'])
from numpy_reader import frames
for kind, meta, data in frames(open('d.t5g', 'rb').read()):
    if kind == 'T':
        print(meta['name'], list(data.shape), data.ravel().astype('f8').tolist())
PY
    diff want got
    # an index that says nothing of shapes, or something else
    printf '{"id":"a","frames":[{"name":"x","file":"lef4.npy"},{"name":"y","dtype":"f32","shape":[7,7],"file":"bef8.npy"}]}\n' > d/index.jsonl
    status_is 0 t5g-frame import --npy d -o a.t5g
    t5g-frame ls a.t5g | grep -qF 'x f32[2,3,4], y f64[2,3,4]'
    # what cannot come in: the file is named, and no other
    rm -r d && mkdir d
    $python -c "import numpy as np; np.save('d/c.npy', np.zeros(2, 'c8'))"
    status_is 65 t5g-frame import --npy d -o out
    err_has "t5g-frame import: frame \"c\": d/c.npy: element type '<c8' has no counterpart in a stream"
    $python -c "import numpy as np; np.save('d/c.npy', np.zeros(2, [('x', '<f4')]))"
    status_is 65 t5g-frame import --npy d -o out
    err_has 'd/c.npy: elements are records'
    $python -c "import numpy as np; np.save('d/c.npy', np.zeros(20, '<f4'))"
    truncate -s -3 d/c.npy
    status_is 65 t5g-frame import --npy d -o out
    err_has 'd/c.npy: truncated: its shape needs 80 bytes, but there are 77'
    [ ! -e out ]
}

@test "export --safetensors: many frames of one name take time for each once" {
    line='{"name":"x","dtype":"u8","shape":[1],"data":[7]}'
    { printf '{"id":"a","frames":['; for ((i = 1; i < 20000; i++)); do printf '%s,' "$line"; done; printf '%s]}\n' "$line"; } |
        t5g-frame import --jsonl -o many.t5g
    timeout 20 t5g-frame export --safetensors s many.t5g
    grep -qaF '"a/x#20000":' s
    t5g-frame import --safetensors s | t5g-frame diff - many.t5g
    # a name that looks like a number given is not taken twice
    printf '{"id":"a","frames":[%s,{"name":"x#2","dtype":"u8","shape":[1],"data":[8]},%s]}\n' "$line" "$line" | t5g-frame import --jsonl -o few.t5g
    t5g-frame export --safetensors f few.t5g
    grep -qaF '"a/x#3":' f
    t5g-frame import --safetensors f | t5g-frame diff - few.t5g
}

@test "what does not fit in a document is its fault, and is not skipped" {
    t5g-tokenize -e hi | t5g-encode | t5g-decode -n 3 --logprobs --keep -o d.t5g
    t5g-frame export --jsonl --head d.t5g > d.jsonl
    bad() { # SED MESSAGE PROGRAM...
        sed "$1" d.jsonl | t5g-frame import --jsonl -o bad.t5g
        ! cmp -s bad.t5g d.t5g
        status_is 3 "${@:3}" bad.t5g > out
        grep -qF "e1: $2" err || { cat err; return 1; }
    }
    t5g-detok d.t5g > want
    [ "$(wc -l < want)" = 1 ]
    bad 's/"decode.logprob","dtype":"f32","shape":\[3\],\(.*\)"data":\[[^],]*,/"decode.logprob","dtype":"f32","shape":[2],\1"data":[/' \
        'decode.logprob: expected f32 [n] behind the n ids' t5g-detok
    bad 's/"decode.ids","dtype":"i32"/"decode.ids","dtype":"i64"/' 'decode.ids: expected i32 [n]' t5g-detok
    bad 's/"frames":\[/&{"name":"prompt","dtype":"u8","shape":[1],"data":[65]},/' 'prompt: expected a TEXT' t5g-detok
    bad 's/"frames":\[/&{"name":"prompt","dtype":"u8","shape":[1],"data":[65]},/' "prompt: kind 'T', expected a TEXT" t5g-decode -n 2
    bad 's/"frames":\[/&{"name":"prompt","text":"a"},{"name":"prompt","text":"b"},/' 'prompt: 2 frames of this name' t5g-decode -n 2
    bad 's/"frames":\[/&{"name":"encoder.out","dtype":"f32","shape":[1,64],"data":[1]},/; s/"data":\[1\]}/"data":['"$(yes 1 | head -64 | paste -sd,)"']}/' \
        'encoder.out: 2 frames of this name' t5g-decode -n 2
    bad 's/"input.ids","dtype":"i32"/"input.ids","dtype":"i64"/' 'input.ids: dtype i64, expected i32' t5g-decode -n 2
    bad 's/"name":"input.ids",[^}]*}/"name":"input.ids","text":"1 2"}/' "input.ids: kind 'S', expected a TENSOR" t5g-encode
    printf '{"id":"a","frames":[{"name":"x","dtype":"f32","shape":[4294967296,4294967296],"data":[1]}]}\n' > in
    status_is 65 t5g-frame import --jsonl in -o out
    err_has 'in:1: frame "x": dimensions overflow'
}

@test "ls: a line a document" {
    t5g-frame ls "$good" > shown
    printf 'a.txt\tinput.ids i32[4], encoder.out f32[2,3], prompt text[10]\n' > want
    printf 'b.txt\tfailed: make: invalid UTF-8 at byte 0\n' >> want
    printf 'c.txt\tinput.ids i32[0]\n' >> want
    cmp shown want
    t5g-frame ls -o file "$good"
    cmp file want
    t5g-frame ls < "$good" | cmp - want
    t5g-frame ls - "$good" < "$good" | cmp - <(cat want want)
}

@test "ls --totals, --frames, --json" {
    t5g-frame ls --totals "$good" | grep -qxF '3 documents, 1 failed, 12 frames, 2496 bytes, 1 segment'
    t5g-frame ls --totals "$good" "$good" | grep -qxF '6 documents, 2 failed, 24 frames, 4992 bytes, 2 segments'
    t5g-frame ls --frames "$good" > frames
    [ "$(wc -l < frames)" = 12 ]
    sed -n 3p frames | grep -qx "$(printf '[0-9]*\tT\t16\ti32\\[4\\]\t{"name":"input.ids"}')"
    t5g-frame ls --json "$good" | sed -n 2p |
        grep -qxF '{"id":"b.txt","frames":[],"error":{"tool":"make","code":65,"msg":"invalid UTF-8 at byte 0"}}'
    status_is 64 t5g-frame ls --json --totals "$good"
    status_is 64 t5g-frame ls -0 "$good"
}

@test "ls --failed lists what to run again" {
    t5g-frame ls --failed "$good" | cmp - <(echo b.txt)
    t5g-frame ls --failed -0 "$good" | cmp - <(printf 'b.txt\0')
    t5g-frame ls --failed --why "$good" | cmp - <(printf 'b.txt\tmake: invalid UTF-8 at byte 0\n')
    t5g-frame ls --failed --json "$good" | cmp - <(t5g-frame ls --json "$good" | sed -n 2p)
    status_is 64 t5g-frame ls --why "$good"
    status_is 64 t5g-frame ls --failed --why -0 "$good"
}

# What must not reach a terminal: 8-bit controls, marks that turn the direction, what is not seen.
unseen=($'\xc2\x85' $'\xc2\x9b' $'\xd8\x9c' $'\xe2\x80\x8b' $'\xe2\x80\x8e' $'\xe2\x80\xae' $'\xe2\x80\xa8' $'\xe2\x81\xa6' $'\xe2\x81\xa9' $'\xef\xbb\xbf' $'\xf3\xa0\x81\x81' $'\x7f')

@test "no verb and no message shows what would steer a terminal" {
    for c in "${unseen[@]}"; do
        printf '{"id":"a%sb","frames":[{"name":"x%sy","dtype":"f32","shape":[1],"data":[1],"meta":{"k":"%s"}}]}\n' "$c" "$c" "$c"
        printf '{"id":"c%sd","error":{"tool":"t%s","code":65,"msg":"m%s"}}\n' "$c" "$c" "$c"
    done > in.jsonl
    printf '%s\n' "${unseen[@]}" > unseen
    status_is 3 t5g-frame import --jsonl -o in.t5g in.jsonl
    sed 's/\[1\],"meta/[2],"meta/' in.jsonl | t5g-frame import -q --jsonl -o other.t5g || [ $? = 3 ]
    for v in 'ls' 'ls --json' 'ls --failed' 'ls --failed --why' 'ls --failed --json' 'ls --frames' 'diff --all other.t5g'; do
        t5g-frame $v in.t5g > shown 2> err || [ $? = 1 ]
        cat err >> shown
        [ -s shown ]
        ! LC_ALL=C grep -nFf unseen shown || { echo "$v"; return 1; }
    done
    t5g-frame ls in.t5g | sed -n 3p | grep -qF 'a\xc2\x9bb' # as printf(1) reads it
    t5g-frame ls --json in.t5g | sed -n 3p | grep -qF '"a\u009bb"'
    t5g-frame ls --json in.t5g | grep -qF 'a\udb40\udc41b'
    # messages: names, ids, what programs before said; and bytes that are no character
    status_is 3 t5g-detok in.t5g
    ! LC_ALL=C grep -Ff unseen err || return 1
    status_is 66 t5g-frame ls $'no\x9bsuch\xffname\xe2\x80\xae.t5g'
    err_has 'no\x9bsuch\xffname\xe2\x80\xae.t5g: '
    # letters of all scripts, joiners and emoji are none of that
    status_is 66 t5g-frame ls $'Z\xc3\xab \xe6\x97\xa5\xe6\x9c\xac \xd7\x90 \xd9\x85\xdb\x8c\xe2\x80\x8c\xd8\xae \xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa9'
    err_has $'Z\xc3\xab \xe6\x97\xa5\xe6\x9c\xac \xd7\x90 \xd9\x85\xdb\x8c\xe2\x80\x8c\xd8\xae \xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa9: '
}

@test "on a terminal, text and JSON of strangers do not steer it either" {
    command -v script > /dev/null || skip "no script(1)"
    printf '{"id":"a","frames":[{"name":"prompt","text":"x\u009by\u202ez"}]}\n' | t5g-frame import --jsonl -o in.t5g
    script -qec "t5g-frame export --jsonl in.t5g" /dev/null < /dev/null > shown
    grep -qF 'x\u009by\u202ez' shown
    t5g-frame export --jsonl in.t5g | grep -qF $'x\xc2\x9by\xe2\x80\xaez' # exact elsewhere
    # A line is shown when it is complete: a signal finds none that would be written as it is.
    mkfifo in
    script -qec "t5g-frame export --jsonl in" /dev/null < /dev/null > shown &
    exec 8> in
    head -c -192 in.t5g >&8
    soon grep -qF 'x\u009by\u202ez' shown
    exec 8>&-
    wait $! || [ $? = 76 ]
    t5g-tokenize -e $'x\xc2\x9by\xe2\x80\xaez' -o ids.t5g
    script -qec "t5g-detok --input ids.t5g" /dev/null < /dev/null > shown
    grep -qF 'x\xc2\x9by\xe2\x80\xaez' shown
    script -qec "t5g-detok --input --jsonl ids.t5g" /dev/null < /dev/null > shown
    grep -qF 'x\u009by\u202ez' shown
    t5g-detok --input ids.t5g | grep -qF $'x\xc2\x9by\xe2\x80\xaez'
}

@test "ls escapes control characters, -0 does not" {
    hostile
    t5g-frame ls hostile.t5g > shown
    [ "$(wc -l < shown)" = 5 ]
    [ "$(tr -d -c '\033\t\n' < shown | tr -d '\n')" = "$(printf '\t\t\t\t\t')" ]
    grep -qF 'new\x0aline \x1b[31m \\ tab\x09' shown
    printf '{"id":"a\\nb","error":{}}\n' | t5g-frame import --jsonl | t5g-frame ls --failed -0 | cmp - <(printf 'a\nb\0')
}

@test "verify checks every operand, and says nothing of whole ones" {
    head -c 1000 "$good" > cut.t5g
    status_is 76 t5g-frame verify "$good" cut.t5g "$good"
    err_has 'cut.t5g: unexpected end of stream after frame'
    t5g-frame verify -v "$good" 2>&1 | grep -qF 'whole, 3 documents, 1 of them failed'
    status_is 66 t5g-frame verify nowhere.t5g
    status_is 64 t5g-frame verify -o x "$good"
}

@test "a stream cut at every byte is never taken as whole" {
    size=$(stat -c %s "$good")
    for ((n = 0; n < size; n += 53)); do
        head -c $n "$good" > cut.t5g
        status_is 76 t5g-frame verify cut.t5g
        status_is 76 t5g-frame verify - < cut.t5g
        status_is 76 t5g-frame quickcheck cut.t5g
        status_is 76 t5g-frame cat -o out - < cut.t5g
        [ ! -e out ]
    done
}

@test "quickcheck finds cut and foreign files without reading them" {
    cat "$good" "$good" > two.t5g
    t5g-frame quickcheck two.t5g "$good"
    head -c -64 two.t5g > cut.t5g
    status_is 76 t5g-frame quickcheck cut.t5g
    err_has 'cut.t5g: truncated: no END frame'
    (cat two.t5g; echo x) > more.t5g
    status_is 76 t5g-frame quickcheck more.t5g
    tail -c +65 "$good" > behead.t5g
    status_is 65 t5g-frame quickcheck behead.t5g
    status_is 65 t5g-frame quickcheck "$T5G_TESTS/cli/frame.bats"
    status_is 76 t5g-frame quickcheck "$conformance/76-gave-up.t5g"
    # a hole in the middle is not looked at; verify does
    cp "$good" hole.t5g
    printf x | dd of=hole.t5g bs=1 seek=700 conv=notrunc 2> /dev/null
    t5g-frame quickcheck hole.t5g
    status_is 65 t5g-frame verify hole.t5g
    status_is 64 t5g-frame quickcheck
}

@test "cat joins segments into one" {
    cat "$good" "$good" > two.t5g
    status_is 3 t5g-frame cat -o all.t5g two.t5g "$good"
    [ ! -s err ]
    t5g-frame verify all.t5g
    t5g-frame ls --totals all.t5g | grep -q '^9 documents, 3 failed, .* 1 segment$'
    status_is 3 t5g-frame cat -o again.t5g all.t5g
    cmp all.t5g again.t5g
    ! t5g-frame cat -v -o again.t5g two.t5g 2>&1 | grep -F '(null)' || return 1
    t5g-frame cat "$conformance/good-private-kinds.t5g" | t5g-frame ls --frames | cut -f 2 | tr -d '\n' | grep -qx HnDxCE
    t5g-tokenize -m "$tiny" -e a -o a.t5g
    t5g-tokenize -m "$gqa" -e b -o b.t5g
    status_is 65 t5g-frame cat -o out a.t5g b.t5g
    err_has 'b.t5g: HEAD: "tok" is'
    [ ! -e out ]
    t5g-frame cat --force -o out a.t5g b.t5g
    [ "$(ids out)" = 'e1 e1 ' ]
}

@test "cat of a failed upstream passes its documents and fails too" {
    status_is 76 t5g-frame cat "$conformance/76-gave-up.t5g" > out.t5g
    err_has 'make failed: cannot write: No space left on device'
    status_is 76 sh -c 't5g-frame ls out.t5g > listed'
    grep -q '^a' listed
}

@test "head" {
    numbered 20 > n.t5g
    [ "$(ids <(t5g-frame head -n 3 n.t5g))" = '0 1 2 ' ]
    [ "$(ids <(t5g-frame head n.t5g) | wc -w)" = 10 ]
    t5g-frame head -n 0 n.t5g | t5g-frame ls --totals | grep -q '^0 documents'
    [ "$(ids <(t5g-frame head -n 50 n.t5g) | wc -w)" = 20 ]
    # without --drain the rest is not looked at
    head -c -192 n.t5g > cut.t5g
    t5g-frame head -n 3 cut.t5g > /dev/null
    status_is 76 t5g-frame head --drain -n 3 -o out cut.t5g
    [ ! -e out ]
    numbered 20000 > big.t5g
    bash -c 'cat big.t5g | t5g-frame head -n 1 --drain > /dev/null; [ "${PIPESTATUS[*]}" = "0 0" ]'
}

@test "split -n, --parts, and cat of the parts" {
    numbered 10 > n.t5g
    t5g-frame split -n 4 n.t5g
    [ "$(echo part-*)" = 'part-000000.t5g part-000001.t5g part-000002.t5g' ]
    [ "$(ids part-000002.t5g)" = '8 9 ' ]
    t5g-frame cat part-*.t5g | t5g-frame diff - n.t5g
    t5g-frame split --parts 4 --prefix p/q n.t5g 2> err && return 1
    mkdir p
    t5g-frame split --parts 4 --prefix p/q n.t5g
    [ "$(ids p/q-000001.t5g)" = '3 4 5 ' ]
    [ "$(ids p/q-000003.t5g)" = '8 9 ' ]
    t5g-frame cat p/q-*.t5g | t5g-frame diff - n.t5g
    t5g-frame split --parts 12 --prefix r n.t5g
    [ "$(ls r-*.t5g | wc -l)" = 12 ]
    t5g-frame verify r-*.t5g
    t5g-frame cat r-*.t5g | t5g-frame diff - n.t5g
    numbered 5 | t5g-frame split -n 5 --prefix s
    [ "$(echo s-*)" = 's-000000.t5g' ]
    printf '' | t5g-frame import --jsonl | t5g-frame split -n 5 --prefix none
    t5g-frame ls --totals none-000000.t5g | grep -q '^0 documents'
    printf '' | t5g-frame import --jsonl | t5g-frame split --tar -n 5 --prefix none
    t5g-frame split --tar --parts 12 --prefix t n.t5g
    t5g-frame verify none-000000.tar t-*.tar
    t5g-frame ls --totals t-000011.tar | grep -q '^0 documents'
    t5g-frame cat t-*.tar | t5g-frame diff - n.t5g
    echo text > a.txt
    tar -cf texts.tar a.txt
    status_is 65 t5g-frame ls texts.tar
    err_has "texts.tar: not a t5g stream: an archive without *.t5g members"
    status_is 3 t5g-frame split -n 1 --prefix f "$good"
    status_is 64 t5g-frame split n.t5g
    status_is 64 t5g-frame split -n 2 --parts 2 n.t5g
    status_is 64 t5g-frame split -n 2 -o x n.t5g
    status_is 64 t5g-frame split --parts 2 < n.t5g
}

@test "split of a damaged stream leaves no files" {
    numbered 10 > n.t5g
    head -c -192 n.t5g > cut.t5g
    status_is 76 t5g-frame split -n 2 cut.t5g
    status_is 76 t5g-frame split --parts 2 cut.t5g
    [ "$(echo part*)" = 'part*' ]
}

@test "split changes a set before as a whole, or not at all" {
    numbered 10 > n.t5g
    numbered 6 > fewer.t5g
    head -c -192 fewer.t5g > cut.t5g
    t5g-frame split -n 2 n.t5g
    cat part-* > before
    status_is 76 t5g-frame split -n 1 cut.t5g
    cat part-* | cmp - before
    [ "$(find . -name "*part*" | wc -l)" = 5 ]
    # a name that is taken by something else stops it before anything has changed
    mkdir part-000005.t5g
    status_is 73 t5g-frame split -n 1 n.t5g
    err_has 'part-000005.t5g: exists and is not a file'
    rmdir part-000005.t5g
    cat part-* | cmp - before
    # stopped while it waits for the rest of its input
    mkfifo in
    t5g-frame split -n 1 in 2> err &
    part_4() { compgen -G 'part-000000.t5g.*/000004'; }
    { cat cut.t5g; soon part_4 > shown; kill -TERM $!; wait $! || echo $? > status; } > in
    [ "$(cat status)" = 75 ]
    cat part-* | cmp - before
    [ "$(find . -name "*part*" | wc -l)" = 5 ]
    # a shorter set leaves nothing of the longer one
    status_is 0 t5g-frame split -n 2 fewer.t5g
    err_has 'removed 2 files of an earlier, longer set: part-000003.t5g and up'
    [ "$(echo part-*)" = 'part-000000.t5g part-000001.t5g part-000002.t5g' ]
    t5g-frame cat part-*.t5g | t5g-frame diff - fewer.t5g
    [ "$(stat -c %a part-000001.t5g)" = "$(stat -c %a n.t5g)" ]
}

@test "recover saves the whole documents" {
    numbered 100 > n.t5g
    t5g-frame recover -o same.t5g n.t5g
    t5g-frame diff same.t5g n.t5g
    printf 'xxxxxxxx' | dd of=n.t5g bs=1 seek=19776 conv=notrunc 2> /dev/null
    status_is 3 t5g-frame recover -o saved.t5g n.t5g
    err_has '99 documents saved, 1 lost'
    t5g-frame verify saved.t5g
    [ "$(ids saved.t5g | wc -w)" = 99 ]
    (head -c 20000 n.t5g; tail -c +20778 n.t5g) | status_is 3 t5g-frame recover -o saved.t5g
    t5g-frame verify saved.t5g
    head -c 9999 n.t5g > cut.t5g
    status_is 3 t5g-frame recover -o saved.t5g cut.t5g
    err_has 'at least 1 lost'
    (printf 'garbage'; cat n.t5g) | t5g-frame recover -q > saved.t5g || [ $? = 3 ]
    t5g-frame verify saved.t5g
    status_is 65 t5g-frame recover -o out "$T5G_TESTS/cli/frame.bats"
    status_is 76 t5g-frame recover -o out < /dev/null
    [ ! -e out ]
}

@test "recover: a stream in a payload does not come to life when the frame around it is damaged" {
    hidden=$T5G_TESTS/data/streams/hidden-in-payload.t5g
    status_is 3 t5g-frame recover -o saved.t5g "$hidden"
    err_has '2 documents saved, 1 lost'
    [ "$(ids saved.t5g)" = 'good1 good2 ' ]
    # its header gone, its lengths too: what the END counts is proven, and only that
    cp "$hidden" gone.t5g
    head -c 150 /dev/zero | dd of=gone.t5g bs=1 seek=384 conv=notrunc 2> /dev/null
    status_is 3 t5g-frame recover -o saved.t5g gone.t5g
    err_has '2 documents saved, 1 lost; 1 left out, which may come from inside a lost one (--doubtful saves them)'
    [ "$(ids saved.t5g)" = 'good1 good2 ' ]
    status_is 3 t5g-frame recover --doubtful -o saved.t5g gone.t5g
    [ "$(ids saved.t5g)" = 'INJECTED good1 good2 ' ]
    # and cut
    head -c 5000 gone.t5g > cut.t5g
    t5g-frame recover -q -o saved.t5g cut.t5g || [ $? = 3 ] || [ $? = 65 ]
    ! t5g-frame ls saved.t5g | grep INJECTED || return 1
}

@test "diff says where two streams depart" {
    hostile
    t5g-frame diff hostile.t5g hostile.t5g > none
    [ ! -s none ]
    numbered 5 > a.t5g
    numbered 6 > b.t5g
    status_is 1 t5g-frame diff a.t5g b.t5g > shown
    grep -qxF '5: is in the second stream only' shown
    one() { printf '{"id":"d","frames":[{"name":"%s","dtype":"%s","shape":[2,2],"data":[%s]}]}\n' "$1" "$2" "$3" | t5g-frame import --jsonl; }
    one enc f32 1,2,3,4 > a.t5g
    one enc f32 1,2,3.5,4.25 > b.t5g
    status_is 1 t5g-frame diff a.t5g b.t5g > shown
    grep -qxF 'd: enc[1,0] is 3 and 3.5; 2 of 4 differ; largest absolute difference 0.5 at [1,0], relative 0.142857 at [1,0]' shown
    t5g-frame diff --atol 0.5 a.t5g b.t5g
    t5g-frame diff --rtol 0.15 a.t5g b.t5g
    status_is 1 t5g-frame diff --atol 0.4 a.t5g b.t5g > shown
    grep -qF '1 of 4 differ' shown
    one enc bf16 1,2,3,4 > c.t5g
    status_is 1 t5g-frame diff a.t5g c.t5g > shown
    grep -qxF 'd: enc is f32[2,2] and bf16[2,2]' shown
    t5g-frame diff --atol 1e-9 a.t5g c.t5g
    one ids i32 1,2,3,4 > a.t5g
    one ids i32 1,-2,3,4 > b.t5g
    status_is 1 t5g-frame diff a.t5g b.t5g > shown
    grep -qF 'd: ids[0,1] is 2 and -2; 1 of 4 differ; largest absolute difference 4' shown
    one other i32 1,2,3,4 > b.t5g
    status_is 1 t5g-frame diff a.t5g b.t5g > shown
    t5g-frame diff --name none a.t5g b.t5g
    one enc f32 '1,2,"NaN",4' > a.t5g
    one enc f32 '1,2,3,4' > b.t5g
    t5g-frame diff a.t5g a.t5g
    status_is 1 t5g-frame diff --atol 1000 a.t5g b.t5g > shown
    status_is 64 t5g-frame diff a.t5g
    head -c -192 a.t5g > cut.t5g
    status_is 76 t5g-frame diff cut.t5g a.t5g
}

@test "diff --all goes on after the first difference" {
    numbered 5 | t5g-frame export --jsonl > n.jsonl
    t5g-frame import --jsonl -o a.t5g n.jsonl
    sed 's/,7]/,8]/' n.jsonl | t5g-frame import --jsonl -o b.t5g
    status_is 1 t5g-frame diff a.t5g b.t5g > shown
    [ "$(wc -l < shown)" = 1 ]
    status_is 1 t5g-frame diff --all a.t5g b.t5g > shown
    [ "$(wc -l < shown)" = 5 ]
}

@test "export and import: jsonl, npy and safetensors bring everything back" {
    hostile
    for f in hostile.t5g "$good" "$conformance/good-dtypes.t5g" "$conformance/good-shapes.t5g" "$conformance/good-odd-ids.t5g"; do
        rm -rf d s.safetensors
        want=0
        [ -z "$(t5g-frame ls --failed "$f")" ] || want=3
        status_is $want t5g-frame export --jsonl --head -o j "$f"
        status_is $want t5g-frame import --jsonl -o back.t5g j
        t5g-frame diff "$f" back.t5g
        status_is $want t5g-frame export --npy d "$f"
        status_is $want t5g-frame import --npy d -o back2.t5g
        t5g-frame diff "$f" back2.t5g
        status_is $want t5g-frame export --safetensors s.safetensors "$f"
        status_is $want t5g-frame import --safetensors s.safetensors -o back3.t5g
        t5g-frame diff "$f" back3.t5g
        cmp back.t5g back2.t5g
        cmp back.t5g back3.t5g
    done
}

@test "a HEAD survives conversion, so that another model is still refused" {
    t5g-tokenize -e hi | t5g-encode -o e.t5g
    t5g-frame export --npy d e.t5g
    t5g-frame import --npy d -o back.t5g
    status_is 65 t5g-decode -m "$gqa" -n 2 -o out back.t5g
    t5g-decode -n 2 back.t5g | t5g-detok > a
    t5g-decode -n 2 e.t5g | t5g-detok | cmp - a
}

@test "numpy reads the npy files, and import takes numpy's" {
    python=/usr/bin/python3
    $python -c 'import numpy' || skip "python3-numpy is not installed"
    hostile
    status_is 3 t5g-frame export --npy d hostile.t5g
    [ -z "$(find . -name 'passwd*')" ]
    ls d > names
    [ "$(grep -cvxE '[0-9]{6}-[0-9]{3}-[A-Za-z0-9._%-]*\.npy|index\.jsonl' names)" = 0 ]
    $python - <<'PY'
import glob, numpy as np
a = [np.load(f) for f in sorted(glob.glob('d/*.npy'))]
assert a[0].dtype == np.float32 and a[0].shape == (2, 2) and a[0][0, 1] == -2.5
assert a[1].tolist() == [9223372036854775807, -9223372036854775808]
assert a[4].shape == () and a[4] == 0.1
import os
os.mkdir('theirs')
np.save('theirs/x.npy', np.arange(6, dtype='<i4').reshape(2, 3))
np.save('theirs/y.npy', np.float64(2.5))
np.save('order.npy', np.asfortranarray(np.ones((2, 3))))
PY
    t5g-frame import --npy theirs -o t.t5g
    t5g-frame ls t.t5g | cmp - <(printf 'theirs\tx i32[2,3], y f64[]\n')
    t5g-frame export --jsonl t.t5g | grep -qF '"shape":[2,3],"data":[0,1,2,3,4,5]'
    mkdir order && mv order.npy order
    t5g-frame import --npy order | t5g-frame ls | cmp - <(printf 'order\torder f64[2,3]\n')
}

@test "export --npy makes its directory whole or not at all, and replaces nothing" {
    mkdir full && touch full/x
    status_is 73 t5g-frame export --npy full "$conformance/good-minor.t5g"
    err_has_line 't5g-frame export: full: directory not empty'
    mkfifo never # nothing is read before that is known
    exec 7<> never
    status_is 73 timeout 10 t5g-frame export --npy full < never
    exec 7>&-
    mkdir empty
    t5g-frame export --npy empty "$conformance/good-minor.t5g"
    [ -f empty/index.jsonl ]
    status_is 76 t5g-frame export --npy d "$conformance/76-cut-before-end.t5g"
    status_is 76 t5g-frame export --safetensors s "$conformance/76-cut-before-end.t5g"
    [ "$(ls -d d* s* 2> /dev/null)" = '' ]
}

@test "safetensors: keys are ID/NAME, made unique, and files of others come in" {
    hostile
    status_is 3 t5g-frame export --safetensors s hostile.t5g
    grep -qaF '"/decode.ids":{"dtype":"I32","shape":[1],"data_offsets":' s
    grep -qaF '"/decode.ids#2":' s
    t5g-frame import --safetensors "$tiny/model.safetensors" | t5g-frame ls > shown
    [ "$(cut -f 1 shown)" = model.safetensors ]
    grep -q 'f32\[' shown
}

@test "import counts documents and frames; with --on-error stop a failed document is the last" {
    echo '{"id":"a","frames":[{"name":"x","text":"y"},{"name":"z","text":""}]}' > in
    echo '{"id":"b","error":{"msg":"why"}}' >> in
    status_is 3 t5g-frame import --jsonl --stats -o both.t5g in
    err_has '2 documents, 1 failed, 2 frames'
    status_is 65 t5g-frame import --jsonl --on-error stop -o out in
    err_has '--on-error stop'
    [ ! -e out ]
    # Nothing after it is waited for.
    mkfifo pipe
    t5g-frame import --jsonl --on-error stop pipe > stopped.t5g 2> err 3>&- & pid=$!
    exec 8> pipe
    cat in >&8
    wait $pid || status=$?
    exec 8>&-
    [ "$status" = 65 ]
    mkdir npy
    cp in npy/index.jsonl
    sed -i 's/"frames":.*}$/"frames":[]}/' npy/index.jsonl
    status_is 65 t5g-frame import --npy npy --on-error stop -o out
    [ ! -e out ]
}

@test "import refuses what it cannot take, by line" {
    bad() {
        printf '%s\n' '{"id":"a","frames":[]}' "$1" > in
        status_is 65 t5g-frame import --jsonl -o out in
        err_has "in:2: "
        err_has "$2"
        [ ! -e out ]
    }
    bad '{"id":"a"' 'byte'
    bad '[]' '"id"'
    bad '{"id":7}' '"id"'
    bad '{"id":"a","frames":{}}' 'expected an array'
    bad '{"id":"a","frames":[{}]}' '"name"'
    bad '{"id":"a","frames":[{"name":"x"}]}' 'no elements'
    bad '{"id":"a","frames":[{"name":"x","data":[1]}]}' 'without "dtype"'
    bad '{"id":"a","frames":[{"name":"x","dtype":"f8","shape":[1],"data":[1]}]}' 'unknown dtype f8'
    bad '{"id":"a","frames":[{"name":"x","dtype":"i8","shape":[1],"data":[128]}]}' 'element 0 is 128, expected i8'
    bad '{"id":"a","frames":[{"name":"x","dtype":"u8","shape":[1],"data":[-1]}]}' 'expected u8'
    bad '{"id":"a","frames":[{"name":"x","dtype":"i32","shape":[1],"data":[1.5]}]}' 'expected i32'
    bad '{"id":"a","frames":[{"name":"x","dtype":"f32","shape":[1],"data":[null]}]}' 'expected f32'
    bad '{"id":"a","frames":[{"name":"x","dtype":"i32","shape":[3],"data":[1,2]}]}' 'dimensions need 12 bytes'
    bad '{"id":"a","frames":[{"name":"x","dtype":"i32","shape":[1,1,1,1,1,1,1,1,1],"data":[1]}]}' '"shape"'
    bad '{"id":"a","frames":[{"name":"x","dtype":"i32","shape":[-1],"data":[]}]}' '"shape"'
    bad '{"id":"a","frames":[{"name":"x","file":"/etc/passwd"}]}' 'no elements'
    bad '{"id":"a","frames":[{"name":"x","text":"y","meta":{"name":"z"}}]}' 'duplicate key'
    bad '{"id":"a\u0000b"}' 'u0000'
    mkdir d
    echo '{"id":"a","frames":[{"name":"x","file":"../in"}]}' > d/index.jsonl
    status_is 65 t5g-frame import --npy d -o out
    err_has 'not a plain file name'
    echo '{"id":"a","frames":[{"name":"x","file":"y.npy"}]}' > d/index.jsonl
    status_is 66 t5g-frame import --npy d -o out
    echo junk > d/y.npy
    status_is 65 t5g-frame import --npy d -o out
    err_has 'not a .npy file'
    status_is 65 t5g-frame import --safetensors d/y.npy -o out
    status_is 64 t5g-frame import in
    status_is 64 t5g-frame import --npy d in
    [ ! -e out ]
}

@test "usage: verbs and help" {
    status_is 64 t5g-frame
    status_is 64 t5g-frame nothing
    grep -qF "'nothing' is not a verb" err
    t5g-frame --help | grep -q '^  quickcheck '
    t5g-frame --version | grep -q '^t5g-frame '
    for v in $(t5g-frame --help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do
        t5g-frame "$v" --help | grep -q "^usage: t5g-frame $v "
        status_is 64 t5g-frame "$v" --no-such-option
    done
    status_is 64 t5g-frame export "$good"
    status_is 64 t5g-frame export --jsonl --npy d "$good"
    status_is 64 t5g-frame export --npy d -o x "$good"
}

@test "a full disk and a closed pipe" {
    [ -c /dev/full ] || skip "no /dev/full"
    for v in ls cat 'export --jsonl'; do
        status_is 74 t5g-frame $v "$good" > /dev/full
        status_is 74 t5g-frame $v -o /dev/full "$good"
    done
    numbered 20000 > big.t5g
    bash -c 't5g-frame cat big.t5g | head -c 10 > /dev/null; echo ${PIPESTATUS[0]}' > status 2> err
    [ "$(cat status)" = 141 ]
    [ ! -s err ]
}

@test "frames are not written to a terminal" {
    command -v script > /dev/null || skip "no script(1)"
    script -qec "t5g-frame cat $good" /dev/null < /dev/null > shown || true
    grep -q 'is a terminal' shown
    grep -q 't5g-frame ls' shown
}

@test "split --tar and cat: members a document, the same stream again, and a MANIFEST" {
    printf 'one\ntwo\n\xff\nfour\nfive\n' > lines
    status_is 3 t5g-tokenize -o all.t5g -l lines
    status_is 3 t5g-frame split --tar -n 2 --prefix p all.t5g
    [ "$(tar -tf p-000001.tar | tr '\n' ' ')" = "000000002.t5g 000000003.t5g MANIFEST " ]
    [ "$(tar -xOf p-000001.tar MANIFEST)" = '{"members":2}' ]
    status_is 3 t5g-frame cat --docs 5 -o back.t5g p-*.tar
    t5g-frame diff back.t5g all.t5g
    status_is 3 t5g-encode -o a.t5g all.t5g
    status_is 3 t5g-encode -o b.t5g p-*.tar
    t5g-frame diff a.t5g b.t5g
    cp p-000000.tar again.tar
    status_is 3 t5g-frame split --tar -n 2 --prefix p all.t5g
    cmp p-000000.tar again.tar
    tar --delete -f p-000000.tar 000000001.t5g
    status_is 65 t5g-frame cat -o back.t5g p-000000.tar
    err_has "1 members, its MANIFEST says 2"
    status_is 65 t5g-frame cat --docs 4 -o none.t5g again.tar
    err_has "2 documents, --docs says 4"
    status_is 65 t5g-frame cat --docs 0 -o none.t5g again.tar
    [ ! -e none.t5g ]
}

@test "detok: an id beyond the vocabulary has no text, a negative one fails its document" {
    printf '%s\n' '{"id":"a","frames":[{"name":"decode.ids","dtype":"i32","shape":[2],"data":[5,99999999]}]}' \
        '{"id":"b","frames":[{"name":"decode.ids","dtype":"i32","shape":[2],"data":[-1,5]}]}' |
        t5g-frame import --jsonl -o in.t5g
    status_is 3 t5g-detok --jsonl -o out in.t5g
    grep -q '"id":"a","text":' out
    grep -q '"id":"b","error":"decode.ids: expected ids from 0 on"' out
}
