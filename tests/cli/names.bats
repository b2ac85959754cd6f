#!/usr/bin/env bats
# Whatever files are called, the makefiles and scripts under pipelines/ take each as a document, or refuse it by name,
# and run nothing that stands in a name.
load common

# A command of this name on PATH says that it was run.
canary_on_path() {
    mkdir bin
    printf '#!/bin/sh\necho ran >> "%s/canary-ran"\n' "$PWD" > bin/canary
    chmod +x bin/canary
    PATH=$PWD/bin:$PATH
    bin/canary
    [ -e canary-ran ]
    rm canary-ran
    export T5G_DECODE_FLAGS='-n 1' T5G_THREADS=1
}

# nasty: to `names` what is most likely to be an option, a command or something of make's.
nasty() {
    # shellcheck disable=SC2016,SC2088 # as they are
    names=('$(canary)' '`canary`' ';canary' '&canary&' '|canary' '$(shell canary)' '${shell canary}' $'\ncanary\n'
        "';canary;'" '";canary;"' '$${canary}' 'x$(canary${IFS}a)' '>canary-ran' '<(canary)' '{= `canary` =}' '{}' '{#}'
        '--help' '-o' '-' '--' '~' '~root' '%' 'a%b' '%a' 'a:b' 'a=b' 'a#b' 'a\' 'a\nb' 'a\#b' '*' '[a]' '?' '{a,b}' '(a)' '!a'
        'a b' ' a' 'a ' $'a\tb' $'a\rb' $'a\eb' $'\x01' $'\x7f' $'\x9b' $'\xff' $'\xc3\xa4' $'\xe4' $'\xe2\x80\xae' "it's" 'a"b'
        'a,2Cb' 'a,b' 'a+b' '@' '.PHONY.x' '.x' 'Makefile' 'tokenize' 'encode' 'summaries' 'a.txt' 'a.jsonl' 'a.enc.t5g'
        "$(printf 'l%.0s' {1..240})" "$(printf '=%.0s' {1..240})")
}

# all_names: to `names` those, and every printable character of ASCII; what is no letter or digit at the start, at the end
# and in the middle.
all_names() {
    local i c
    nasty
    for ((i = 33; i < 127; i++)); do
        printf -v c "\\x$(printf %x "$i")"
        case $c in
        [/.]) ;;
        [a-zA-Z0-9]) names+=("$c$i") ;;
        *) names+=("$c$i" "n$i$c" "n${c}$i") ;;
        esac
    done
}

# same_ids FOLDER PREFIX FILE [SUFFIX]: the ids in FILE, JSON lines, are PREFIX and the names of the files of FOLDER with
# SUFFIX, once each. An id ./NAME is NAME.
same_ids() {
    python3 - "$@" << 'END'
import json, os, sys
folder, prefix, file = sys.argv[1:4]
suffix = (sys.argv[4:] or [''])[0].encode()
folder = os.fsencode(folder)
want = [prefix + n.decode('utf-8', 'replace') for n in os.listdir(folder)
        if n.endswith(suffix) and os.path.isfile(os.path.join(folder, n))]
got = [json.loads(line)['id'].removeprefix('./') for line in open(file, encoding='utf-8')]
if sorted(want) != sorted(got):
    sys.exit(f'missing: {sorted(set(want) - set(got))}\nextra: {sorted(set(got) - set(want))}, {len(want)} and {len(got)}')
END
}

# hide FOLDER: hidden files, which the makefiles skip, away from it.
hide() {
    mkdir -p hidden
    find "$1" -maxdepth 1 -type f -name '.*' -exec mv -- {} hidden \;
}

@test "summarise.mk: 200 files" {
    canary_on_path
    all_names
    mkdir d
    for n in "${names[@]}"; do echo text > "d/$n.txt"; done
    [ "$(find d -type f -printf x | wc -c)" -ge 200 ]
    # make's own rules would make texts of these.
    echo text > d/plain.txt
    mkdir d/RCS d/SCCS
    touch -d tomorrow d/plain.txt,v d/RCS/plain.txt,v d/SCCS/s.plain.txt d/plain.txt.c
    echo canary > d/plain.txt.sh
    touch -d tomorrow d/plain.txt.sh
    cp bin/canary bin/co
    cp bin/canary bin/get
    cp bin/canary bin/cc
    make -j 2 -f "$pipelines/summarise.mk" DIR=d > log
    [ ! -e canary-ran ]
    [ "$(cat d/plain.txt)" = text ]
    hide d
    same_ids d d/ d/summaries.jsonl .txt
    [ "$(wc -l < d/summaries.jsonl)" -ge 200 ]
    make -j 2 -f "$pipelines/summarise.mk" DIR=d | grep -q 'up to date'
}

@test "summarise.mk: in the folder itself" {
    canary_on_path
    nasty
    mkdir d
    cd d
    for n in "${names[@]:0:30}"; do echo text > "$n.txt"; done
    make -j 2 -f "$pipelines/summarise.mk" > ../log
    [ ! -e ../canary-ran ]
    cd ..
    hide d
    same_ids d '' d/summaries.jsonl .txt
}

@test "caption.mk and questions.mk" {
    canary_on_path
    nasty
    mkdir p c
    echo text > text.txt
    tar -cf t.tar text.txt
    for n in "${names[@]:0:24}" 'a b' $'\xff' $'\xc3\xa4' $'a\nb' encode a.txt a.jsonl a.enc.t5g; do cp "$T5G_TESTS/data/number.png" "p/$n"; done
    for n in "${names[@]:0:16}"; do cp t.tar "c/$n.tar"; done
    status_is 0 make -j 2 -f "$pipelines/caption.mk" DIR=p > log
    [ ! -e canary-ran ]
    # Refused by name: what is called like a result.
    err_has_line 'p/a.jsonl: a picture with the name of a result, skipped'
    err_has_line 'p/a.enc.t5g: a picture with the name of a result, skipped'
    mv p/captions.jsonl .
    rm p/*.{jsonl,ids.t5g,enc.t5g}
    hide p
    same_ids p p/ captions.jsonl
    make -j 2 -f "$pipelines/questions.mk" DIR=c QUESTIONS= > log
    [ ! -e canary-ran ]
    [ "$(wc -l < c/answers.jsonl)" = 16 ]
}

@test "make: values of the command line and of the environment are no commands, names of folders are refused" {
    canary_on_path
    mkdir d
    echo text > d/a.txt
    local bad
    # shellcheck disable=SC2016 # as they are
    for bad in '$(shell canary)' '$(canary)' '`canary`' "d';canary;'" 'd;canary' 'd canary' '|canary' '-d' '~' 'd:canary' 'd=canary' \
        'd%' 'd#' $'d\ncanary' '*'; do
        mkdir -- "$bad"
        status_is 2 make -f "$pipelines/summarise.mk" DIR="$bad"
        err_has_line 'DIR: '
        DIR=$bad status_is 2 make -f "$pipelines/summarise.mk"
        DIR=$bad status_is 2 make -e -f "$pipelines/summarise.mk"
        status_is 2 make -f "$pipelines/questions.mk" DIR=d QUESTIONS="$bad"
        err_has_line 'QUESTIONS: '
        status_is 2 make -f "$pipelines/summarise.mk" DIR=d T5G_MODEL="$bad"
        err_has_line 'the model cannot be used'
        T5G_MODEL=$bad status_is 2 make -f "$pipelines/summarise.mk" DIR=d
        [ ! -e d/summaries.jsonl ]
        [ ! -e canary-ran ]
    done
    # The folder before the colon of a rule of one's own, too.
    printf 'include %s/t5g.mk\nall: $(call t5g-answers,d;canary,txt)\n' "$pipelines" > Makefile
    status_is 2 make
    # What is asked may have any bytes.
    # shellcheck disable=SC2016 # as they are
    status_is 0 make -f "$pipelines/summarise.mk" DIR=d T5G_DECODE_FLAGS='-n 1' PROMPT='$(shell canary)"`canary`'\'';canary'
    [ ! -e canary-ran ]
    grep -qF '"prompt":"$(shell canary)\"`canary`'\'';canary"' d/summaries.jsonl
    # Also those that are looked at only.
    mkdir plain && echo text > plain/a.txt
    for v in V T5G_PICTURES T5G_THREADS; do
        make -s -f "$pipelines/summarise.mk" DIR=plain "$v=\$(shell touch RAN)" > /dev/null 2>&1 || true
        env "$v=\$(shell touch RAN)" make -s -f "$pipelines/questions.mk" DIR=plain > /dev/null 2>&1 || true
    done
    [ ! -e RAN ]
}

@test "t5g.mk: a target may be called anything" {
    canary_on_path
    printf 'include %s/t5g.mk\n' "$pipelines" > Makefile
    # shellcheck disable=SC2016 # as they are
    local name='x $(canary);canary`canary`'\''&.txt'
    echo text > "$name"
    make "$name.jsonl" > log
    [ ! -e canary-ran ]
    [ -s "$name.jsonl" ]
}

@test "t5g.mk: a link that came with the documents is not followed" {
    canary_on_path
    mkdir d mine
    echo keep > mine/kept
    echo text > 'd/a b.txt'
    ln -s "$PWD/mine" d/.t5g
    status_is 2 make -f "$pipelines/summarise.mk" DIR=d
    err_has_line 'd/.t5g: cannot be made, is a link'
    rm d/.t5g
    ln -s "$PWD/mine/kept" d/summaries.jsonl.parts
    make -f "$pipelines/summarise.mk" DIR=d > log
    [ "$(ls mine)" = kept ]
    [ "$(cat mine/kept)" = keep ]
}

# A folder for the parts that is nasty too.
parts=$'par ts\'"$(canary)`canary`{}%a;\n\xc3\xa4'

@test "prepare, shard and merge: 200 files" {
    canary_on_path
    all_names
    mkdir d
    for n in "${names[@]}"; do echo text > "d/$n"; done
    cd d
    printf '%s\0' "${names[@]}" | "$pipelines/prepare" 2 "../$parts"
    for i in 0 1; do "$pipelines/retry" "$pipelines/shard" "$i" 2 "../$parts"; done
    "$pipelines/shard" 0 1 .. "${names[@]}"
    cd ..
    "$pipelines/merge" 2 "$parts" -out.t5g
    [ ! -e canary-ran ]
    t5g-frame diff -- -out.t5g part-000000-of-000001.t5g
    t5g-detok --jsonl -- -out.t5g > ids.jsonl
    same_ids d '' ids.jsonl
}

@test "parallel.sh: names of inputs, of the output and of the working directory" {
    command -v parallel > /dev/null || skip 'parallel is not installed'
    canary_on_path
    nasty
    mkdir -p "$parts/d"
    cd "$parts"
    for n in "${names[@]}"; do echo text > "d/$n"; done
    cd d
    HOME=$PWD/../home "$pipelines/parallel.sh" -j 2 -n 3 -o "../${parts}out.t5g" -- "${names[@]}"
    printf '%s\0' "${names[@]}" | HOME=$PWD/../home "$pipelines/parallel.sh" -n 2 -o ../list.t5g --files0-from -
    cd ../..
    [ ! -e canary-ran ]
    t5g-frame diff "$parts/list.t5g" "$parts/${parts}out.t5g"
    [ "$(t5g-detok --jsonl "$parts/${parts}out.t5g" | wc -l)" = "${#names[@]}" ]
}
