#!/usr/bin/env bats
# Constraints on what t5g-decode generates.
load common

setup_file() {
    t5g-tokenize -m "$T5G_TESTS/models/tiny" -e 'Hello world' -e 'the right of' |
        t5g-encode -m "$T5G_TESTS/models/tiny" -o "$BATS_FILE_TMPDIR/docs.t5g"
}

# texts ARG...: what is generated for both documents.
texts() {
    t5g-decode "$@" "$BATS_FILE_TMPDIR/docs.t5g" | t5g-detok --newline escape
}

# all_match RE: every line of stdin, of which there are some, matches.
all_match() {
    tee lines
    [ -s lines ]
    if grep -vxP -- "$1" lines; then return 1; fi
}

@test "--regex: all of the text matches, greedily, drawn, by beams, with prompts" {
    for re in '[a-z]{2,5}-\d{3}' 'yes|no|maybe' '(ab|cd){2,5}!' '[^\x00-\x7f]{3}' '"([^"\\\x00-\x1f]|\\["\\bn]){3}"'; do
        texts --regex "$re" -n 60 | all_match "(*UTF8)$re"
        texts --regex "$re" -n 60 --sample --num-return-sequences 4 | all_match "(*UTF8)$re"
        texts --regex "$re" -n 60 --num-beams 4 --num-return-sequences 2 | all_match "(*UTF8)$re"
        texts --regex "$re" -n 60 -p the -p of | all_match "(*UTF8)$re"
    done
}

@test "--regex: finish is eos with the whole text, length without" {
    texts_json() { t5g-decode "$@" "$BATS_FILE_TMPDIR/docs.t5g" | t5g-detok --jsonl; }
    texts_json --regex '[0-9]{4}' | grep -c '"finish":"eos"' | grep -qx 2
    texts_json --regex '[0-9]{400}' -n 7 | grep -c '"finish":"length"' | grep -qx 2
}

@test "--regex: the same ids with guesses, threads, one by one, from a packed model" {
    want=$(t5g-decode --regex '[a-z ]{5,}\.' -n 40 "$BATS_FILE_TMPDIR/docs.t5g" | t5g-detok --jsonl)
    for args in '--lookup 9' '-t 2' '-b 1' '--stream'; do
        # shellcheck disable=SC2086
        got=$(t5g-decode $args --regex '[a-z ]{5,}\.' -n 40 "$BATS_FILE_TMPDIR/docs.t5g" | t5g-detok --jsonl)
        [ "$got" = "$want" ]
    done
    # A packed bf16 model screens the head's rows; it is compared with itself computing all of them.
    t5g-pack --weights bf16 -m "$tiny" -o packed.t5g
    for re in '[a-z ]{5,}\.' '[^z]{30}' 'a[0-9]+b'; do
        t5g-decode -m packed.t5g --regex "$re" -n 40 "$BATS_FILE_TMPDIR/docs.t5g" | t5g-detok -m packed.t5g > screened
        t5g-decode -m packed.t5g --regex "$re" -n 40 --logprobs "$BATS_FILE_TMPDIR/docs.t5g" |
            t5g-detok -m packed.t5g > whole
        cmp screened whole
    done
}

@test "--regex: what is wrong with it is said, status 64" {
    doc=$BATS_FILE_TMPDIR/docs.t5g
    status_is 64 t5g-decode --regex 'a(b' "$doc"
    err_has_line "--regex: byte 1: a group without )"
    status_is 64 t5g-decode --regex '(a)\1' "$doc"
    err_has_line '--regex: byte 3: \1: back-references are not supported'
    status_is 64 t5g-decode --regex '[^\s\S]' "$doc"
    err_has_line "--regex: no text matches it"
    status_is 64 t5g-decode --regex '' "$doc"
}

@test "what a constraint allows and another option forbids fails the document" {
    status_is 3 t5g-decode --regex 'ab' --min-new-tokens 9 -o out.t5g "$BATS_FILE_TMPDIR/docs.t5g"
    grep -q 'what the constraint allows is forbidden by other options' err
}
