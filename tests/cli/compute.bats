#!/usr/bin/env bats
# Products in bf16: where they are refused, what tells their results apart, and that those keep their bits.
load common

# Level ref has them on every machine.
ids() {
    export T5G_CPU=ref
    for i in 1 2 3 4 5 6; do echo "the library reads tar archives number $i $((i * i)) and writes"; done | t5g-tokenize -l -o ids.t5g
}

# distance A B: the largest absolute difference between two streams.
distance() { t5g-frame diff "$1" "$2" | sed -n 's/.*largest absolute difference \([^ ]*\).*/\1/p'; }

# near A B MOST: they differ, but by no more than that.
near() {
    awk -v d="$(distance "$1" "$2")" -v most="$3" 'BEGIN { exit !(d > 0 && d <= most) }' || { t5g-frame diff "$1" "$2"; return 1; }
}

profile() { t5g-frame cat "$1" | head -c 1000 | grep -aoE '"num":"[^"]*"' | tail -n 1; }

@test "a level or processor without products in bf16 refuses them by name" {
    ids
    for program in t5g-encode t5g-vision 't5g-decode -n 1'; do
        # shellcheck disable=SC2086 # a program and its options
        T5G_CPU=v3 status_is 69 $program --compute bf16 ids.t5g
        err_has "'v3'"
        # shellcheck disable=SC2086 # likewise
        T5G_CPU=v3 T5G_COMPUTE=bf16 status_is 69 $program ids.t5g
    done
    status_is 64 t5g-encode --compute f16 ids.t5g
    err_has_line "--compute: 'f16' is none of f32|bf16"
    T5G_COMPUTE=f16 status_is 64 t5g-encode ids.t5g
    err_has "T5G_COMPUTE: 'f16' is none of f32|bf16"
    # Where nothing is computed in it, the variable is not read.
    for program in 't5g-tokenize -e x' 't5g-detok --input ids.t5g' t5g-pack 't5g-frame verify ids.t5g'; do
        # shellcheck disable=SC2086 # likewise
        T5G_COMPUTE=f16 $program > out
    done
    T5G_CPU=v9 status_is 64 t5g-encode --compute bf16 ids.t5g
    status_is 64 t5g-tokenize --compute f32 -e x
}

@test "--compute goes before T5G_COMPUTE, f32 is what there is without" {
    ids
    t5g-encode -o f32.t5g ids.t5g
    t5g-encode --compute bf16 -o bf16.t5g ids.t5g
    T5G_COMPUTE='' t5g-encode ids.t5g | cmp - f32.t5g
    T5G_COMPUTE=f32 t5g-encode ids.t5g | cmp - f32.t5g
    T5G_COMPUTE=bf16 t5g-encode ids.t5g | cmp - bf16.t5g
    T5G_COMPUTE=bf16 t5g-encode --compute f32 ids.t5g | cmp - f32.t5g
    near f32.t5g bf16.t5g 0.25
    t5g-encode -v --compute bf16 ids.t5g 2>&1 > /dev/null | grep -q 'f32 weights, computed in bf16'
}

@test "results are told apart: by the profile in HEAD, by the key of the cache" {
    ids
    counts() { t5g-encode --cache=c --stats "$@" ids.t5g 2>&1 > /dev/null | sed -n 's/.*cache: \([0-9]* hits\).*/\1/p'; }
    t5g-encode -o f32.t5g ids.t5g
    t5g-encode --compute bf16 -o bf16.t5g ids.t5g
    [ "$(profile f32.t5g)" = '"num":"f32"' ]
    [ "$(profile bf16.t5g)" = '"num":"f32/bf16"' ]
    status_is 65 t5g-decode -n 1 -o refused f32.t5g bf16.t5g
    err_has '"num" is f32/bf16, earlier input had f32'
    t5g-decode --compute bf16 -n 1 -o f32.ids f32.t5g # either kind of input
    t5g-decode -n 1 -o bf16.ids bf16.t5g
    [ "$(profile f32.ids) $(profile bf16.ids)" = '"num":"f32/bf16" "num":"f32"' ]
    [ "$(counts)" = "0 hits" ]
    [ "$(counts --compute bf16)" = "0 hits" ]
    [ "$(counts --compute bf16)" = "6 hits" ]
    t5g-encode --cache=c --compute bf16 ids.t5g | cmp - bf16.t5g
    t5g-tokenize -i "$T5G_TESTS/data/number.png" -o picture.t5g
    t5g-vision --cache=c picture.t5g -o f32.feat
    t5g-vision --cache=c --compute bf16 picture.t5g -o bf16.feat
    [ "$(profile bf16.feat)" = '"num":"f32/bf16"' ]
    near f32.feat bf16.feat 0.05
}

@test "bits in bf16 depend neither on threads nor on the documents beside" {
    ids
    local ask=(-n 4 --logprobs -p a -p "$(seq -s ' ' 40)") # a short prompt, and one that is in bf16
    for level in ref best; do
        if [ $level = best ]; then # and a document of several blocks of rows
            unset T5G_CPU
            seq 700 | tr '\n' ' ' | t5g-tokenize | cat ids.t5g - > more.t5g
            mv more.t5g ids.t5g
        fi
        t5g-encode --compute bf16 ids.t5g > all.t5g 2> err || { grep -q 'no instructions' err && continue; }
        t5g-decode -t 1 --compute bf16 -o answers.t5g "${ask[@]}" all.t5g
        for n in 1 2 3; do
            t5g-encode -t $n --compute bf16 ids.t5g | cmp - all.t5g
            t5g-decode -t $n --compute bf16 "${ask[@]}" all.t5g | cmp - answers.t5g
        done
        t5g-frame split -n 1 --prefix one ids.t5g
        for f in one-*.t5g; do
            t5g-encode --compute bf16 -o "$f.enc" "$f"
            t5g-decode --compute bf16 -o "$f.ans" "${ask[@]}" "$f.enc"
        done
        t5g-frame diff all.t5g <(t5g-frame cat one-*.enc)
        t5g-frame diff answers.t5g <(t5g-frame cat one-*.ans)
    done
}

@test "keys and values of a document are in bf16, its answers stay close" {
    ids
    t5g-encode -o enc.t5g ids.t5g
    logprobs() { t5g-decode -n 6 --logprobs -p 'kind:' "$@" enc.t5g | t5g-detok --jsonl | grep -o '"score":[^,}]*' | cut -d: -f2; }
    logprobs > f32
    logprobs --compute bf16 > rounded
    status_is 1 cmp f32 rounded
    paste f32 rounded | awk '{ d = $1 - $2; if (d > 0.5 || d < -0.5) exit 1; n++ } END { exit n != 6 }'
}

@test "quantised weights keep their integers; attention is in bf16" {
    ids
    t5g-pack --weights q8 -o q.t5g "$T5G_MODEL"
    t5g-encode -m q.t5g -o f32.t5g ids.t5g
    t5g-encode -m q.t5g --compute bf16 -o bf16.t5g ids.t5g
    [ "$(profile bf16.t5g)" = '"num":"q8/bf16"' ]
    near f32.t5g bf16.t5g 1
}
