#!/usr/bin/env bats
# Packed models: equal to their directories, and refused when they are not whole.
load common

text='Hello world, there is a bee in a flower bed.'

pack() { # NAME MODEL WEIGHTS, small ones without calibration, which takes seconds
    case $3 in
    q6 | q4) t5g-pack --weights "$3" --calibrate off -o "$1" "$2" ;;
    *) t5g-pack --weights "$3" -o "$1" "$2" ;;
    esac
}

@test "a packed model gives the bits of its directory" {
    for m in "$tiny" "$gqa"; do
        pack p.t5g "$m" keep
        t5g-frame verify p.t5g
        t5g-tokenize -m "$m" -e "$text" -e '' > ids.t5g
        t5g-tokenize -m p.t5g -e "$text" -e '' | cmp ids.t5g -
        t5g-encode -m "$m" ids.t5g > enc.t5g
        t5g-encode -m p.t5g ids.t5g | cmp enc.t5g -
        t5g-decode -m "$m" -n 20 --logprobs -p ' the' enc.t5g > dec.t5g
        t5g-decode -m p.t5g -n 20 --logprobs -p ' the' enc.t5g | cmp dec.t5g -
        # Without logprobs the packed model looks at a few rows of the output matrix only.
        t5g-decode -m "$m" -n 60 -p ' the' -p 'a' enc.t5g > ids.t5g
        t5g-decode -m p.t5g -n 60 -p ' the' -p 'a' enc.t5g | cmp ids.t5g -
        t5g-decode -m p.t5g -n 60 -p ' the' -p 'a' --lookup 3 enc.t5g | cmp ids.t5g -
        t5g-detok -m "$m" dec.t5g > text
        t5g-detok -m p.t5g dec.t5g | cmp text -
    done
}

@test "pictures with a packed model" {
    pack p.t5g "$tiny" keep
    png=$T5G_TESTS/data/pictures/rgb.png
    t5g-tokenize -i "$png" -e '<start_of_image> a' | t5g-vision > a.t5g
    t5g-tokenize -m p.t5g -i "$png" -e '<start_of_image> a' | t5g-vision -m p.t5g | cmp a.t5g -
    pack q.t5g "$tiny" q8
    t5g-tokenize -i "$png" -e '<start_of_image> a' | t5g-vision -m q.t5g | t5g-encode -m q.t5g | t5g-frame verify
}

@test "q8, q6 and q4: equal bits with all levels' products, threads and companions" {
    for w in q8 q6 q4; do
        pack p.t5g "$gqa" $w
        export T5G_MODEL=$PWD/p.t5g
        t5g-tokenize -e "$text" -e 'one' -e 'The quick brown fox' -o ids.t5g
        for t in 1 2 3; do
            t5g-encode -t $t ids.t5g > enc$t.t5g
            t5g-decode -t $t -n 12 --logprobs enc$t.t5g > dec$t.t5g
        done
        cmp enc1.t5g enc2.t5g && cmp enc1.t5g enc3.t5g
        cmp dec1.t5g dec2.t5g && cmp dec1.t5g dec3.t5g
        t5g-decode -n 12 --logprobs --lookup 5 enc1.t5g | cmp dec1.t5g -
        t5g-frame head -n 1 enc1.t5g | t5g-decode -n 12 --logprobs | t5g-detok --jsonl > one
        t5g-detok --jsonl dec1.t5g | head -n 1 | cmp one -
    done
}

@test "streams of a directory and of its packed models go together" {
    pack q.t5g "$tiny" q8
    t5g-tokenize -e "$text" | t5g-encode -o enc.t5g
    t5g-decode -m q.t5g -n 5 enc.t5g | t5g-detok -m q.t5g > text
    t5g-frame cat enc.t5g | grep -qa '"num":"f32"'
    t5g-tokenize -e "$text" | t5g-encode -m q.t5g | t5g-frame cat | grep -qa '"num":"q8"'
    status_is 65 t5g-decode -m "$gqa" -n 5 -o out.t5g enc.t5g
    err_has 'made with another'
}

@test "packing a packed model" {
    pack p.t5g "$gqa" keep
    pack a.t5g p.t5g q8
    pack b.t5g "$gqa" q8
    t5g-tokenize -m b.t5g -e "$text" | t5g-encode -m b.t5g > enc.t5g
    t5g-tokenize -m a.t5g -e "$text" | t5g-encode -m a.t5g | cmp enc.t5g -
    status_is 65 t5g-pack --weights q4 -o c.t5g a.t5g
    err_has 'quantised already'
    [ ! -e c.t5g ]
}

@test "what is no packed model, or not the whole of one, is refused" {
    pack p.t5g "$tiny" q8
    echo 'hello' > text
    status_is 65 t5g-encode -m text -o out.t5g ids.t5g
    err_has 'text: no packed model'
    t5g-tokenize -e a -o stream.t5g
    status_is 66 t5g-encode -m stream.t5g -o out.t5g ids.t5g
    size=$(stat -c %s p.t5g)
    for n in 100 1000 $((size / 2)) $((size - 1)) $((size - 192)); do
        head -c "$n" p.t5g > cut.t5g
        status_is 65 t5g-encode -m cut.t5g -o out.t5g stream.t5g
        err_has 'cut.t5g: '
    done
    sed 's/q8-rotated-16x4/q8-rotated-99x9/' p.t5g > other.t5g
    status_is 65 t5g-encode -m other.t5g -o out.t5g stream.t5g
    status_is 64 t5g-pack -o out.t5g "$tiny" "$gqa"
    status_is 66 t5g-pack -o out.t5g nowhere
    [ ! -e out.t5g ]
}

@test "keys and values as bf16 and bytes" {
    t5g-tokenize -e "$text" | t5g-encode -o enc.t5g
    t5g-decode -n 8 enc.t5g | t5g-frame export --jsonl > default # HEAD names the option
    t5g-decode --kv f32 -n 8 enc.t5g | t5g-frame export --jsonl | cmp - default
    t5g-decode --kv bf16 -n 8 enc.t5g | t5g-frame verify
    t5g-decode --kv q8 -n 8 enc.t5g | t5g-frame verify
    # Bits depend neither on threads nor on the documents and prompts beside.
    t5g-tokenize -e "$text" -e a -e 'b c' | t5g-encode -o many.t5g
    t5g-decode --kv q8 -n 8 --logprobs -p x -p y many.t5g -o all.t5g
    for n in 1 2 3; do
        t5g-decode --kv q8 -t $n -b 1 -n 8 --logprobs -p x -p y many.t5g | cmp - all.t5g
    done
    t5g-decode --kv q8 -n 8 --logprobs -p y many.t5g | t5g-frame export --jsonl | grep -o '"score":[^,}]*' > alone
    t5g-frame export --jsonl all.t5g | grep -o '"score":[^,}]*' | sed -n 'n;p' | cmp - alone
    [ "$(wc -l < alone)" = 3 ]
    # A document that is not finite fails in every form.
    t5g-frame export --npy x enc.t5g
    perl -e 'open F, "+<", $ARGV[0]; seek F, -64, 2; print F pack("f", 9**9**9)' x/000000-001-encoder.out.npy
    t5g-frame import -o bad.t5g --npy x
    for kv in f32 bf16 q8; do
        status_is 3 t5g-decode --kv $kv -n 8 -o out.t5g bad.t5g
    done
}

# Flip a bit of byte AT of the file p.t5g, into bad.t5g.
flipped() {
    cp p.t5g bad.t5g
    byte=$(dd if=p.t5g bs=1 skip="$1" count=1 2> /dev/null | od -An -tu1)
    printf "\\x$(printf %x $((byte ^ 16)))" | dd of=bad.t5g bs=1 seek="$1" conv=notrunc 2> /dev/null
}

@test "a damaged table or text of a packed model is found when it is opened" {
    pack p.t5g "$tiny" keep
    t5g-tokenize -e 'Hello' -o ids.t5g
    table=$(grep -abo 't5g-tok' p.t5g | head -n 1 | cut -d: -f1)
    for at in 0 9 12 24 40 100 400 1300 1500 9000 40000 60000; do
        flipped $((table + at))
        for p in 't5g-tokenize -m bad.t5g' 't5g-detok -m bad.t5g --input' \
                 't5g-encode -m bad.t5g'; do
            status_is 65 $p -o out ids.t5g
            err_has 'its tokenizer is'
            [ ! -e out ]
        done
    done
    flipped $(($(grep -abo 'rms_norm_eps' p.t5g | head -n 1 | cut -d: -f1) + 3))
    status_is 65 t5g-encode -m bad.t5g -o out ids.t5g
    err_has 'config.json is damaged (checksum)'
}

@test "that a packed model's table was checked is remembered for this state of the file only" {
    pack p.t5g "$tiny" keep
    export XDG_CACHE_HOME=$PWD/remembered
    until compgen -G 'remembered/t5g/table-*' > /dev/null; do # a file just written is not remembered
        t5g-tokenize -m p.t5g -e 'Hello' -o first.t5g
        sleep 0.1
    done
    t5g-tokenize -m p.t5g -e 'Hello' -o again.t5g
    cmp first.t5g again.t5g
    at=$(($(grep -abo 't5g-tok' p.t5g | head -n 1 | cut -d: -f1) + 9000))
    flipped "$at"
    status_is 65 t5g-tokenize -m bad.t5g -e 'Hello'
    err_has 'its tokenizer is damaged (checksum)'
    cat bad.t5g 1<> p.t5g # the same file, other content
    status_is 65 t5g-tokenize -m p.t5g -e 'Hello'
    err_has 'its tokenizer is damaged (checksum)'
}

@test "packing does not ask for a kernel level, unless an adapter is merged" {
    other=neon
    [ "$(uname -m)" != aarch64 ] || other=v3
    T5G_CPU=$other t5g-pack -o other.t5g "$tiny"
    t5g-pack -o this.t5g "$tiny"
    cmp this.t5g other.t5g
    status_is 69 env T5G_CPU=$other t5g-pack --adapter "$T5G_TESTS/golden/adapters/tiny/attention" -o merged.t5g "$tiny"
    [ ! -e merged.t5g ]
}
