#!/usr/bin/env bats
# Text in, text out: the goldens through the programs, and bits that must not change.
load common

goldens=$T5G_TESTS/data/pipeline

# answer LINE LIMIT N: a document, cut to LIMIT tokens where that is not 0, through all four programs.
answer() {
    local cut=()
    [ "$2" = 0 ] || cut=(--max-tokens "$2" --too-long cut)
    t5g-tokenize --jsonl "${cut[@]}" "$1" | t5g-encode | t5g-decode -n "$3" | t5g-detok --jsonl
}

@test "goldens of tiny, tiny-gqa, and tiny with the reference kernels: text equals transformers'" {
    each_case "$goldens/tiny"
    T5G_MODEL=$gqa each_case "$goldens/tiny-gqa"
    T5G_CPU=ref each_case "$goldens/tiny"
}

corpus() {
    cat "$T5G_TESTS"/data/pipeline/tiny/*.in.jsonl
}

@test "same bits with 1, 2 and 3 threads" {
    corpus | t5g-tokenize --jsonl > ids.t5g
    for t in 1 2 3; do
        t5g-encode -t $t -o enc$t.t5g ids.t5g
        t5g-decode -t $t --logprobs -n 20 -o dec$t.t5g enc$t.t5g
    done
    cmp enc1.t5g enc2.t5g && cmp enc1.t5g enc3.t5g
    cmp dec1.t5g dec2.t5g && cmp dec1.t5g dec3.t5g
}

@test "a document gives the same records alone, among others, from file and from pipe" {
    corpus | t5g-tokenize --jsonl | t5g-encode -o all.t5g
    t5g-decode -p 'the' -p 'of' --logprobs -n 12 all.t5g | t5g-detok --jsonl > all
    corpus | while IFS= read -r line; do
        printf '%s\n' "$line" | t5g-tokenize --jsonl | t5g-encode | t5g-decode -p 'the' -p 'of' --logprobs -n 12 |
            t5g-detok --jsonl
    done > each
    cmp all each
    t5g-decode -p 'of' --logprobs -n 12 all.t5g | t5g-detok --jsonl > of
    grep '"prompt":"of"' all | cmp - of
}

@test "encode once, decode many times" {
    t5g-tokenize -e 'Hello world' | t5g-encode -o doc.t5g
    t5g-decode -n 8 doc.t5g | t5g-detok > one
    t5g-decode -n 8 < doc.t5g | t5g-detok > two
    cmp one two
    t5g-decode -n 4 doc.t5g doc.t5g | t5g-detok | wc -l | grep -qx 2
}

@test "prompts come from stdin and are answered as they come" {
    t5g-tokenize -e 'Hello world' | t5g-encode -o doc.t5g
    mkfifo ask answers
    t5g-decode --prompts - -n 6 doc.t5g < ask | t5g-detok > answers &
    exec 8> ask 9< answers
    echo 'the right' >&8
    read -r -t 20 first <&9
    echo ' of' >&8
    read -r -t 20 second <&9
    exec 8>&-
    wait
    t5g-decode -p 'the right' -p ' of' -n 6 doc.t5g | t5g-detok > both
    # as read prints them: line mode, without surrounding blanks
    [ "$first" = "$(sed -n 1p both | sed 's/^[ \t]*//; s/[ \t]*$//')" ]
    [ "$second" = "$(sed -n 2p both | sed 's/^[ \t]*//; s/[ \t]*$//')" ]
    exec 9<&-
}

@test "prompts: -p, --prompts FILE and a document's own give the same" {
    printf 'the right\nof\n' > prompts
    t5g-tokenize -e 'Hello world' | t5g-encode -o doc.t5g
    t5g-decode -n 6 --prompts prompts doc.t5g > a
    t5g-decode -n 6 -p 'the right' -p of doc.t5g > b
    cmp a b
    printf '{"text":"Hello world","prompt":"of","id":"e1"}\n' | t5g-tokenize --jsonl | t5g-encode |
        t5g-decode -n 6 | t5g-detok > c
    t5g-decode -n 6 -p of doc.t5g | t5g-detok | cmp - c
}

@test "--stream gives the same text, and frames with part and finish" {
    t5g-tokenize -e 'Hello world' -e a | t5g-encode -o doc.t5g
    t5g-decode -n 12 doc.t5g | t5g-detok --jsonl > whole
    t5g-decode -n 12 --stream -o parts.t5g doc.t5g
    t5g-detok --jsonl parts.t5g | cmp - whole
    t5g-decode -n 12 doc.t5g | t5g-detok > lines
    t5g-detok parts.t5g | cmp - lines
    t5g-frame verify parts.t5g
}

@test "the default of a JSON line without prompt, and of prompts with --logprobs" {
    t5g-tokenize -e 'Hello world' | t5g-encode | t5g-decode --logprobs -n 5 -o d.t5g
    t5g-frame ls d.t5g | grep -q decode.logprob
    t5g-detok --jsonl d.t5g | grep -q '"score":-'
}

@test "--min-new-tokens puts the end off" {
    t5g-tokenize --max-tokens 8 --too-long cut --jsonl "$T5G_TESTS/data/pipeline/tiny/enc8.in.jsonl" | t5g-encode -o e.t5g
    t5g-decode -n 10 e.t5g | t5g-detok --jsonl | grep -q '"finish":"eos"'
    t5g-decode -n 10 --min-new-tokens 10 e.t5g | t5g-detok --jsonl | grep -q '"finish":"length"'
}

@test "bf16 encoder outputs halve the file and decode" {
    t5g-tokenize -e 'Hello world' > ids.t5g
    t5g-encode -o f32.t5g ids.t5g
    t5g-encode --dtype bf16 -o bf16.t5g ids.t5g
    [ "$(stat -c %s bf16.t5g)" -lt "$(stat -c %s f32.t5g)" ]
    t5g-decode -n 4 bf16.t5g | t5g-detok | wc -l | grep -qx 1
}

@test "--pool writes one vector a document" {
    t5g-tokenize -e 'Hello world' | t5g-encode --pool mean -o v.t5g
    t5g-frame ls v.t5g | grep -q 'embedding'
    t5g-frame ls v.t5g > listed
    [ "$(grep -c 'encoder.out' listed)" = 0 ]
}

@test "empty texts are documents; no lines give no records" {
    printf '' | t5g-tokenize | t5g-encode | t5g-decode -n 3 | t5g-detok | wc -l | grep -qx 1
    printf '' | t5g-tokenize -l | t5g-encode | t5g-decode -n 3 | t5g-detok > none
    [ ! -s none ]
    printf '\n\n' | t5g-tokenize -l | t5g-encode | t5g-decode -n 3 | t5g-detok | wc -l | grep -qx 2
}

@test "encoding and decoding again replace what is there" {
    t5g-tokenize -e 'Hello world' | t5g-encode -o doc.t5g
    t5g-encode -o again.t5g doc.t5g
    [ "$(t5g-frame ls --frames again.t5g | grep -c encoder.out)" = 1 ]
    t5g-decode -n 4 --keep -o dec.t5g doc.t5g
    t5g-decode -n 4 -p of dec.t5g | t5g-detok | wc -l | grep -qx 1
}

@test "beams and draws do not depend on what is beside them" {
    printf 'first\nsecond document\nthe third one\n' | t5g-tokenize -l | t5g-encode -o e.t5g
    for how in "--num-beams 3 --num-return-sequences 2" "--sample --num-return-sequences 3 --seed 5" \
        "--repetition-penalty 1.3 --no-repeat-ngram-size 2"; do
        # shellcheck disable=SC2086 # several options
        t5g-decode $how -n 8 -p one -p two -o all.t5g e.t5g
        # shellcheck disable=SC2086
        t5g-decode $how -n 8 -p one -p two -b 1 -t 1 e.t5g | cmp - all.t5g
        t5g-frame split -n 1 e.t5g
        for f in part-*.t5g; do
            # shellcheck disable=SC2086
            t5g-decode $how -n 8 -p two -p one "$f"
        done | t5g-detok --jsonl | sort > alone
        t5g-detok --jsonl all.t5g | sort | cmp - alone
    done
    t5g-decode --num-beams 3 --num-return-sequences 2 -n 8 e.t5g | t5g-detok --jsonl > beams
    [ "$(wc -l < beams)" = 6 ]
    [ "$(grep -c '"rank":1,"score":-' beams)" = 3 ]
    t5g-decode --sample --seed 1 -n 8 e.t5g | t5g-detok > one
    t5g-decode --sample --seed 2 -n 8 e.t5g | t5g-detok > two
    ! cmp -s one two || false
    t5g-decode --sample --top-k 1 -n 8 e.t5g | t5g-detok > drawn
    t5g-decode -n 8 e.t5g | t5g-detok | cmp - drawn
}

@test "options of generation that do not go together" {
    t5g-tokenize -e x | t5g-encode -o e.t5g
    status_is 64 t5g-decode --num-beams 2 --num-return-sequences 3 e.t5g
    status_is 64 t5g-decode --num-return-sequences 2 e.t5g
    status_is 64 t5g-decode --num-beams 33 e.t5g
    for vain in "--temperature 0.5" "--top-k 3" "--top-p 0.5" "--min-p 0.1" "--seed 1" "--length-penalty 2" \
        "--early-stopping true"; do
        # shellcheck disable=SC2086
        status_is 64 t5g-decode $vain e.t5g
    done
    status_is 64 t5g-decode --top-p 0 e.t5g
    status_is 64 t5g-decode --temperature 0 e.t5g
}

@test "a document goes all the way while the next one is waited for" {
    mkfifo in
    (t5g-tokenize -l < in | t5g-encode | t5g-decode -n 2 | t5g-detok --jsonl > out) 3>&- &
    exec 9> in
    echo one >&9
    soon [ -s out ]
    [ "$(wc -l < out)" = 1 ]
    echo two >&9
    exec 9>&-
    wait
    [ "$(wc -l < out)" = 2 ]
}
