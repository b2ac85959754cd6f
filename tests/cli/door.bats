#!/usr/bin/env bats
# The front door: how options are given, what --help says, forms of output, failed operands.
load common

@test "options stand anywhere before --, operands keep their order" {
    printf 'one\n' > a && printf 'two\n' > b && printf 'three\n' > ./-c
    t5g-tokenize -o want.t5g --max-tokens 9 -- a b -c
    t5g-tokenize a b -o got.t5g --max-tokens 9 -- -c
    cmp want.t5g got.t5g
    t5g-tokenize a --max-tokens=9 b -o got.t5g ./-c
    [ "$(t5g-frame ls got.t5g | cut -f 1 | tr '\n' ' ')" = "a b ./-c " ]
    POSIXLY_CORRECT=1 t5g-tokenize a b -o posix.t5g --max-tokens 9 -- -c
    cmp want.t5g posix.t5g
    # "-" is an operand wherever it stands; what follows -- is one whatever it looks like
    printf 'from stdin' | t5g-tokenize a - b -o got.t5g
    [ "$(t5g-frame ls got.t5g | cut -f 1 | tr '\n' ' ')" = "a stdin b " ]
    t5g-tokenize a -o got.t5g -- -c
    [ "$(t5g-frame ls got.t5g | cut -f 1 | tr '\n' ' ')" = "a -c " ]
    # an argument of an option may look like an option or a number below 0
    t5g-tokenize a -e -l -o got.t5g
    [ "$(t5g-frame ls got.t5g | cut -f 1 | tr '\n' ' ')" = "e1 a " ]
    t5g-encode want.t5g -o enc.t5g -t 1
    t5g-decode enc.t5g -n 3 --num-beams 2 --length-penalty -1.5 | t5g-detok - --jsonl -o text.jsonl
    [ "$(wc -l < text.jsonl)" = 3 ]
    t5g-decode enc.t5g -n 3 --num-beams 2 --length-penalty=-1.5 | t5g-detok - --jsonl | cmp - text.jsonl
}

@test "verbs of t5g-frame and t5g-pack take options after operands too" {
    t5g-tokenize -e one -e two -o two.t5g
    t5g-frame ls two.t5g --frames > after && t5g-frame ls --frames two.t5g | cmp - after
    t5g-frame cat two.t5g -o x.t5g two.t5g
    [ "$(t5g-frame ls x.t5g --totals | cut -d ' ' -f 1)" = 4 ]
    t5g-frame head two.t5g -n 1 -o y.t5g
    [ "$(t5g-frame ls --totals y.t5g | cut -d ' ' -f 1)" = 1 ]
    t5g-pack "$tiny" -o packed.t5g
    t5g-frame verify packed.t5g
    status_is 64 t5g-frame --frames ls two.t5g
    err_has_line 'the verb stands first'
}

@test "-h is --help" {
    for p in t5g-tokenize t5g-vision t5g-encode t5g-decode t5g-detok t5g-pack t5g-frame 't5g-frame ls'; do
        $p --help > long && [ -s long ]
        $p -h | cmp - long
    done
    t5g-tokenize no-such-file -h > /dev/null
    status_is 64 t5g-encode -x
    err_has_line 'unknown option -x'
    status_is 64 t5g-encode ids.t5g --dtype
    err_has_line '--dtype: argument missing'
}
