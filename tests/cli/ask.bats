#!/usr/bin/env bats
# The door of the suite: t5g VERB, t5g help, and t5g ask, the whole pipeline in one command.
load common

# without NAME...: PATH with what a script needs but for these commands.
without() {
    mkdir path
    ln -s /usr/bin/* path
    for f; do rm -f "path/$f"; done
}

@test "t5g VERB is t5g-VERB: arguments, streams and status are its own" {
    printf 'one' | t5g tokenize - -o "a b.t5g" -e -x
    printf 'one' | t5g-tokenize - -o want.t5g -e -x
    cmp want.t5g 'a b.t5g'
    t5g frame ls 'a b.t5g' | cmp - <(t5g-frame ls want.t5g)
    status_is 64 t5g tokenize --no-such
    status_is 76 t5g encode < /dev/null
    err_has 't5g-encode: '
}

@test "programs are found beside t5g, also through a link and without PATH" {
    ln -s "$T5G_BUILD/bin/t5g" door
    printf 'one' | PATH=/usr/bin:/bin ./door tokenize > a.t5g
    printf 'one' | env -i PATH= T5G_MODEL="$tiny" "$T5G_BUILD/bin/t5g-tokenize" | cmp - a.t5g
    # not beside it: from PATH
    mkdir elsewhere && cp "$T5G_BUILD/bin/t5g" elsewhere
    printf 'one' | elsewhere/t5g tokenize | cmp - a.t5g
}

@test "what is no verb is said, with where to look" {
    for verb in nonsense 'two words' -x; do
        status_is 64 t5g "$verb"
        err_has_line "$verb"
        err_has_line "try 't5g --help'"
    done
    status_is 64 t5g help nonsense
    err_has_line nonsense
    status_is 64 t5g '' report.txt
    err_has_line 'an empty verb'
    status_is 64 t5g help ''
    err_has_line 'an empty verb'
}

@test "t5g alone, --help and --version" {
    t5g > overview
    t5g --help | cmp - overview
    t5g -h | cmp - overview
    for p in "$T5G_BUILD"/bin/t5g-*; do
        grep -q "^  ${p##*/t5g-} .*\.$" overview
    done
    [ "$(t5g --version)" = "$(t5g-detok --version | sed 's/^t5g-detok (t5g)/t5g/')" ]
    [ "$(t5g ask --version)" = "$(t5g-detok --version | sed 's/^t5g-detok/t5g-ask/')" ]
}

@test "t5g help opens the page with man, and prints --help without" {
    mkdir bin
    printf '#!/bin/sh\necho "page of $*"\n' > bin/man
    chmod +x bin/man
    [[ "$(PATH=$PWD/bin:$PATH t5g help tokenize)" = "page of "*/t5g-tokenize.1 ]]
    [[ "$(PATH=$PWD/bin:$PATH t5g help t5g-stream)" = "page of "*/t5g-stream.5 ]]
    [[ "$(PATH=$PWD/bin:$PATH t5g help)" = "page of "*/t5g.7 ]]
    without man
    [ "$(PATH=$PWD/path "$T5G_BUILD/bin/t5g" help detok)" = "$(t5g-detok --help)" ]
    [ "$(PATH=$PWD/path "$T5G_BUILD/bin/t5g" help)" = "$(t5g)" ]
    printf '#!/bin/sh\nexit 16\n' > bin/man
    [ "$(PATH=$PWD/bin:$PATH t5g help detok)" = "$(t5g-detok --help)" ]
}

@test "ask: the pipeline's answers, of files, of standard input, of several prompts" {
    default_model
    printf 'A text editor for programmers, written in Python.\n' > a.txt
    printf 'Fonts for mathematical symbols.\n' > b.txt
    t5g-tokenize a.txt b.txt | t5g-encode | t5g-decode -p section: -p kind: | t5g-detok --trim > want
    t5g ask -p section: a.txt --prompt=kind: b.txt | cmp - want
    t5g ask -p kind: --jsonl b.txt | cmp - <(t5g-tokenize b.txt | t5g-encode | t5g-decode -p kind: | t5g-detok --trim --jsonl)
    [ "$(t5g ask -p section: -p kind: --tsv a.txt b.txt | wc -l)" = 3 ]
    [ "$(t5g ask -p kind: < b.txt)" = "$(sed -n 4p want)" ]
    [ "$(t5g ask -p kind: - < b.txt)" = "$(sed -n 4p want)" ]
    [ "$(t5g ask -n 1 -p synopsis: a.txt | wc -w)" = 1 ]
    t5g-pack --weights q8 -o q8.t5g "$T5G_TESTS/../pipelines/demo/model"
    t5g ask -m q8.t5g -p section: a.txt > /dev/null
    status_is 66 t5g ask -m nowhere -p section: a.txt
    err_has_line ': nowhere: no such model directory or packed model' # by those that others did not end before
}

@test "ask: pictures, by -i and in archives" {
    default_model
    cp "$T5G_TESTS/data/number.png" 'my number.png'
    t5g-tokenize -i 'my number.png' | t5g-vision | t5g-encode | t5g-decode -p text: | t5g-detok --trim > want
    t5g ask -p text: -i 'my number.png' | cmp - want
    status_is 64 t5g ask -p text: 'my number.png'
    err_has_line "with -i: 'my number.png'"
    tar -cf pictures.tar 'my number.png'
    for name in pictures.tar X.TAR x.dat; do
        [ "$name" = pictures.tar ] || cp pictures.tar "$name"
        t5g ask -p text: "$name" | cmp - want
    done
    t5g ask -p text: < pictures.tar | cmp - want
    cp 'my number.png' no-suffix
    status_is 3 t5g ask -p text: no-suffix
    err_has_line 'no-suffix: a PNG picture: give it with -i'
}

@test "ask -v prints the pipeline that it runs, ready to be pasted" {
    default_model
    names=(-p "it's \"so\"" $'two\nlines\n' '$(touch canary)' '`touch canary`;' '~' '*' '' $'caf\xe9' '=x')
    for name in "${names[@]}"; do [ -z "$name" ] || printf 'Fonts for symbols.\n' > "./$name"; done
    mkdir empty
    for ((i = 0; i < ${#names[@]}; i++)); do
        [ -n "${names[i]}" ] || unset 'names[i]'
    done
    prompt=$'sec\'tion "$HOME"\n'
    t5g ask -v --jsonl -n 3 -p "$prompt" -- "${names[@]}" > answers 2> shown
    [ "$(wc -l < answers)" = "${#names[@]}" ]
    [ ! -e canary ]
    for shell in dash bash zsh; do
        ! command -v "$shell" > /dev/null || "$shell" -f shown | cmp - answers
    done
    [ ! -e canary ]
    # programs that are not in PATH are named by their place
    cp -r "$T5G_BUILD/bin" "it's here"
    PATH=/usr/bin:/bin "it's here/t5g" ask --jsonl -v -n 3 -m "$T5G_TESTS/../pipelines/demo/model" -p "$prompt" -- -p > one 2> shown
    PATH=/usr/bin:/bin sh shown | cmp - one
    PATH=/usr/bin:/bin "$T5G_BUILD/bin/t5g" ask -v -p kind: -- -p > answers 2> shown
    PATH=/usr/bin:/bin sh shown | cmp - answers
}

@test "ask: wrong options" {
    for wrong in '' '-p' '--nonsense -p x:' '-x -p x:'; do
        # shellcheck disable=SC2086 # words
        status_is 64 t5g ask $wrong < /dev/null
        err_has_line "try 't5g-ask --help'"
    done
    for n in 0 many '' 1048577 99999999999999999999 -1; do
        status_is 64 t5g ask -n "$n" -p x: <<< text
        err_has_line "t5g-ask: -n: '$n' is not a whole number from 1 to"
        err_has_line "try 't5g-ask --help'"
        [ "$(wc -l < err)" = 2 ]
    done
    status_is 64 t5g ask -m '' -p x: <<< text
    err_has_line 't5g-ask: -m: an empty argument'
    status_is 64 t5g ask --jsonl -p x: --tsv <<< text
    err_has_line 't5g-ask: --jsonl and --tsv exclude each other'
    err_has_line "try 't5g-ask --help'"
    status_is 64 t5g ask -p x: -i a.png one two
    err_has_line 't5g-ask: -i gives pictures to one text'
}

@test "ask: options behind operands, with POSIXLY_CORRECT too" {
    default_model
    printf 'Fonts for symbols.\n' > c.txt
    t5g ask -n 3 -p section: c.txt > want
    POSIXLY_CORRECT=1 t5g ask c.txt -n 3 -p section: | cmp - want
}

@test "ask: the status tells of failed documents and of failures before the last program" {
    printf 'good' > good.txt
    printf '\xff' > bad.txt
    status_is 3 t5g ask -n 1 -p x: good.txt bad.txt > out
    [ "$(wc -l < out)" = 2 ]
    T5G_CPU=none status_is 76 t5g ask -p x: good.txt bad.txt
}

# gone FILE: the processes whose ids stand in FILE have ended.
gone() { ! ps -o stat= -p "$(paste -sd, "$1")" | grep -qv '^Z'; }

children() { ps -o pid= --ppid "$1" | tr -d ' ' > pids && [ "$(wc -l < pids)" = 5 ]; }

@test "ask: killed, its programs end too; control-C ends all of one process group" {
    command -v setpriv > /dev/null || skip "setpriv is not there"
    mkdir bin
    cp "$T5G_BUILD/bin/t5g-ask" bin
    for p in tokenize vision encode decode detok; do
        printf '#!/bin/sh\nexec sleep 100\n' > bin/t5g-$p
        chmod +x bin/t5g-$p
    done
    for signal in TERM KILL; do
        status=0
        bin/t5g-ask -p x: > out 2> err & ask=$!
        soon children "$ask"
        [ "$(ps -o pgid= -p "$(paste -sd, pids)" | sort -u | wc -l)" = 1 ]
        kill -s "$signal" "$ask"
        soon gone pids
        wait "$ask" || status=$?
        [ "$status" -gt 128 ]
    done
    # a terminal sends SIGINT to the group in front
    env --default-signal=INT setsid bin/t5g-ask -p x: > out 2> err & ask=$!
    soon children "$ask"
    kill -s INT -- "-$ask"
    soon gone pids
}

@test "t5g and t5g ask: a usage error ends them also where it cannot be said, and says names without controls" {
    echo hello > f.txt
    status_is 64 t5g frob$'\033'bell
    err_has_line 't5g: no program t5g-frob^[bell'
    status_is 64 t5g ask -p x $'a\033.png'
    ! grep -q $'\033' err || return 1
    for closed in '2>&-' '2> /dev/full'; do
        got=0
        sh -c "t5g ask -p x -n 2 --bogus f.txt $closed" > out || got=$?
        [ "$got" = 64 ]
        [ ! -s out ]
        got=0
        sh -c "t5g ask f.txt $closed" > out || got=$?
        [ "$got" = 64 ]
    done
}
