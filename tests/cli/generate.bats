#!/usr/bin/env bats
# Options of generation that are texts, ids and files. What they do to logits is tested in tests/unit/test_model.c.

load common

document() {
    t5g-tokenize -e 'The license, the license and the license of the work.' | t5g-encode -o e.t5g
}

# ids OPTION...: " 581 581 282 ", the ids of the answer of at most 12 tokens
ids() {
    t5g-decode -n 12 "$@" e.t5g > d.t5g && t5g-frame export --jsonl d.t5g |
        sed 's/.*"name":"decode.ids"[^[]*\[[0-9]*\][^[]*\[\([^]]*\)\].*/ \1 /; s/,/ /g'
}

@test "ids that are forced, suppressed, or suppressed at the beginning" {
    document
    [[ $(ids) == " 581 581 "* ]]
    [[ $(ids --forced-bos-token-id 282) == " 282 "* ]]
    [[ $(ids --forced-bos-token-id 282 -p The) != " 282 "* ]]
    [[ $(ids --forced-eos-token-id 379,1) == *" "@(1|379)" " ]]
    [[ $(ids --suppress-tokens 581,446) != *" "@(581|446)" "* ]]
    [[ $(ids --begin-suppress-tokens 581) == " "@([0-57-9]*|5[0-79]*)" "* ]]
    [[ $(ids --begin-suppress-tokens 282) == *" 282 "* ]]
    [[ $(ids --forced-bos-token-id 581 --begin-suppress-tokens 581) == " 581 "!(581 *) ]]
}

@test "ids that the model does not have, lists that are none: one line each, 64" {
    document
    for option in --forced-bos-token-id --forced-eos-token-id --suppress-tokens --begin-suppress-tokens; do
        for list in 100000 -1 x 1,,2 '1,'; do
            status_is 64 t5g-decode "$option" "$list" -o d.t5g e.t5g
            err_has_line "$option"
            [ ! -e d.t5g ]
        done
    done
    status_is 64 t5g-decode --forced-bos-token-id 1,2 e.t5g
    err_has_line '--forced-bos-token-id: takes one id'
    for list in 1 1,0 x,2 1,x 1,2,3; do
        status_is 64 t5g-decode --exponential-decay-length-penalty "$list" e.t5g
        err_has_line --exponential-decay-length-penalty
    done
}

@test "bad words: neither at the beginning nor after a space" {
    document
    text=$(t5g-decode -n 12 e.t5g | t5g-detok)
    [[ $text == *VV* && $text == *urpose* ]]
    printf 'V\nurpose\n' > words
    text=$(t5g-decode -n 12 --bad-words words e.t5g | t5g-detok)
    [[ $text != *V* && $text != *urpose* ]]
    # "or", and " or" as it is inside a sentence
    echo or > words
    printf 'or\t20\n or\t20\n' > bias
    [[ $(t5g-decode -n 4 --sequence-bias bias e.t5g | t5g-detok) == *or*or* ]]
    [[ $(t5g-decode -n 4 --sequence-bias bias --bad-words words e.t5g | t5g-detok) != *or* ]]
    # A space in the line: only that spelling.
    printf ' or\n' > words
    printf 'or\t20\n' > bias
    [[ $(t5g-decode -n 4 --sequence-bias bias --bad-words words e.t5g | t5g-detok) == *or* ]]
}

@test "a bias of a text counts when its last token is chosen" {
    document
    printf 'thing\t50\n' > bias
    [[ $(t5g-decode -n 12 -p 'th' --sequence-bias bias e.t5g | t5g-detok) == 'ing'* ]]
    [[ $(t5g-decode -n 12 -p 'so' --sequence-bias bias e.t5g | t5g-detok) != 'ing'* ]]
    printf 'V\t-50\n' > bias
    [[ $(t5g-decode -n 12 --sequence-bias bias e.t5g | t5g-detok) != *V* ]]
}

# refused FILE_OPTION TEXT LINES: status 65, one line with TEXT
refused() {
    printf "$3" > list
    status_is 65 t5g-decode "$1" list -o d.t5g e.t5g
    err_has "$2"
    [ ! -e d.t5g ]
}

@test "files of texts that cannot be used" {
    document
    refused --bad-words 'list: no text in it' ''
    refused --bad-words 'list: no text in it' '\n\n'
    refused --bad-words 'list: line 2: invalid UTF-8 at byte 1' 'a\nb\xff\n'
    refused --sequence-bias 'list: line 1: no tab' 'a 3\n'
    refused --sequence-bias "list: line 2: bias: 'x'" 'a\t3\nb\tx\n'
    refused --sequence-bias 'list: line 1: no text' '\t3\n'
    refused --sequence-bias 'list: line 1: NUL' 'a\t3\0004\n'
    refused --sequence-bias 'list: line 3 has the same tokens as line 1' 'a\t3\nb\t1\na\t-2\n'
    status_is 66 t5g-decode --bad-words nothing e.t5g
    err_has nothing
}

@test "options about the document's tokens need them" {
    t5g-tokenize -l <<< $'one\ntwo' | t5g-encode | t5g-frame export --jsonl |
        sed '2s/{"name":"input.ids"[^}]*},//' | t5g-frame import --jsonl -o all.t5g
    status_is 3 t5g-decode -n 2 --encoder-repetition-penalty 2 -o d.t5g all.t5g
    err_has "stdin:2: input.ids: missing"
    status_is 3 t5g-decode -n 2 --encoder-no-repeat-ngram-size 1 -o d.t5g all.t5g
    err_has "stdin:2: input.ids: missing"
    [ "$(t5g-detok --jsonl d.t5g 2> /dev/null | grep -c '"text"')" = 1 ]
    t5g-decode -n 2 all.t5g > /dev/null
}

@test "options of sampling go with --sample" {
    document
    for vain in "--typical-p 0.5" "--epsilon-cutoff 0.1" "--eta-cutoff 0.1"; do
        # shellcheck disable=SC2086
        status_is 64 t5g-decode $vain e.t5g
        err_has_line "${vain% *}"
        # shellcheck disable=SC2086
        t5g-decode -n 4 --sample $vain e.t5g > /dev/null
    done
    # Of ids that are all excluded but one, that one is drawn.
    t5g-decode -n 8 e.t5g | t5g-detok > greedy
    t5g-decode -n 8 --sample --epsilon-cutoff 0.99 e.t5g | t5g-detok | cmp - greedy
}
