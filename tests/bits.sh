#!/bin/sh
# bits.sh: what the models of the tree give, as the XXH3-64 of every tensor: every kernel level of this machine, exact
# and quantised weights, text and picture, greedy, beams and draws.
#
# usage: bits.sh [-v] > FILE    and later    bits.sh [-v] | diff FILE -    after a change that is to leave results as
# they are. Without -v the lines of a step are one: their number and their checksum, as in tests/golden/bits.txt.
#
# T5G_BITS_MODEL=DIR adds a model from outside the tree. Programs come from PATH. Not part of `make check`: the exponential
# comes from the C library, whose last bit may differ between versions.
set -eu
command -v t5g-encode > /dev/null || { echo "bits.sh: no t5g-encode in PATH" >&2; exit 69; }
verbose=${1:-}
tests=$(cd "$(dirname "$0")" && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
XDG_CACHE_HOME=$tmp/cache
export XDG_CACHE_HOME

awk -v q='"' 'BEGIN {
    w = "the library reads tar archives of C++ classes and writes them again with naïve Unicode 日本語 text in it"
    n = split(w, word, " ")
    for (d = 0; d < 8; d++) {
        t = ""
        for (i = 0; i < 2 ^ d + d; i++) t = t (i ? " " : "") word[(i * (d + 3) + d) % n + 1]
        print "{" q "id" q ":" q "d" d q "," q "text" q ":" q t q "}"
    }
}' > "$tmp/docs.jsonl"

# Of every tensor frame of a file but input.ids: label, document, number, name, shape, hash.
list() {
    t5g-frame ls --frames "$2" | awk -F '\t' '
        $2 == "D" { doc++; k = 0 }
        $2 == "T" && $5 !~ /"name":"input.ids"/ {
            name = $5; sub(/.*"name":"/, "", name); sub(/".*/, "", name)
            print $1 + 112, doc, ++k, name, $4
        }' | while read -r at doc k name shape; do
        printf '%s d%s.%s %s %s %s\n' "$1" "$doc" "$k" "$name" "$shape" "$(od -An -tx8 -j "$at" -N 8 "$2" | tr -d ' ')"
    done
}

tensors() { # LABEL FILE
    list "$1" "$2" > "$tmp/list"
    if [ "$verbose" = -v ]; then
        cat "$tmp/list"
    else
        echo "$1 $(cksum < "$tmp/list" | sed 's/ .*//') $(wc -l < "$tmp/list") tensors"
    fi
}

# outputs LABEL MODEL: everything of one model at the level of T5G_CPU.
outputs() {
    label=$1
    export T5G_MODEL="$2"
    t5g-tokenize --jsonl "$tmp/docs.jsonl" > "$tmp/ids"
    t5g-encode "$tmp/ids" > "$tmp/enc"
    tensors "$label encode" "$tmp/enc"
    t5g-encode --pool mean "$tmp/ids" > "$tmp/out"
    tensors "$label pool" "$tmp/out"
    t5g-decode -n 24 --logprobs -p 'a' -p 'kind:' "$tmp/enc" > "$tmp/out"
    tensors "$label greedy" "$tmp/out"
    t5g-detok "$tmp/out" | cksum | sed "s/^/$label text /"
    t5g-decode -n 12 --num-beams 3 --num-return-sequences 2 --no-repeat-ngram-size 3 "$tmp/enc" > "$tmp/out"
    tensors "$label beams" "$tmp/out"
    t5g-decode -n 12 --sample --seed 7 --top-p 0.9 --repetition-penalty 1.2 --num-return-sequences 2 "$tmp/enc" > "$tmp/out"
    tensors "$label sample" "$tmp/out"
    t5g-tokenize -i "$tests/data/number.png" | t5g-vision > "$tmp/feat"
    tensors "$label vision" "$tmp/feat"
    t5g-encode "$tmp/feat" > "$tmp/enc"
    tensors "$label picture" "$tmp/enc"
    t5g-decode -n 12 -p 'text:' --logprobs "$tmp/enc" > "$tmp/out"
    tensors "$label picture-greedy" "$tmp/out"
}

for model in "$tests/models/tiny" "$tests/models/tiny-gqa" "$tests/../pipelines/demo/model" ${T5G_BITS_MODEL:+"$T5G_BITS_MODEL"}; do
    name=$(basename "$(dirname "$model")")-$(basename "$model")
    for weights in as-is q8 q6 q4; do
        at=$model
        if [ "$weights" != as-is ]; then
            at=$tmp/$name.$weights
            off=$(case $weights in q6 | q4) echo --calibrate off ;; esac) # with it packs depend on the level
            # shellcheck disable=SC2086 # two words
            t5g-pack -m "$model" --weights "$weights" $off -o "$at"
        fi
        for T5G_CPU in ref v3 v4 neon; do
            export T5G_CPU
            t5g-tokenize -e a | t5g-encode -q > /dev/null 2>&1 || continue # not on this machine
            case $name/$T5G_CPU in "$(basename "$(dirname "${T5G_BITS_MODEL:-none}")")"-*/ref) continue ;; esac # minutes
            outputs "$name $weights $T5G_CPU" "$at"
        done
    done
done
