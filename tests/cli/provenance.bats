#!/usr/bin/env bats
# What a record says about how it was made.
load common

make_answers() {
    t5g-tokenize -e 'a document' | t5g-encode -o enc.t5g
    t5g-decode -n 4 -p 'kind:' "$@" enc.t5g
}

# member KEY: the value of a member of `provenance` of the only record, as JSON.
member() {
    python3 -c 'import json,sys; print(json.dumps(json.load(sys.stdin)["provenance"].get(sys.argv[1])))' "$1"
}

@test "--provenance: programs, identities and profile, as HEAD has them" {
    make_answers > dec.t5g
    t5g-detok --jsonl --provenance dec.t5g > record
    version=$(t5g-detok --version | sed 's/.*(t5g) \([^,]*\),.*/\1/')
    [ "$(member programs < record)" = "[\"t5g-tokenize $version\", \"t5g-encode $version\", \"t5g-decode $version\", \"t5g-detok $version\"]" ]
    t5g-frame export --jsonl dec.t5g > stream.jsonl
    for key in tokenizer:tok profile:num; do
        value=$(member "${key%:*}" < record)
        [ "$value" != null ]
        grep -a -o "\"${key#*:}\":$value" dec.t5g > /dev/null
    done
    for part in encoder decoder; do
        value=$(member $part < record | sed 's/.*"identity": \("[0-9a-f]*"\).*/\1/')
        [ ${#value} = 34 ]
        grep -a -o "\"$part\":$value,\"source\":\"tiny\"" dec.t5g > /dev/null
        [ "$(member $part < record)" = "{\"identity\": $value, \"source\": \"tiny\"}" ]
    done
    [ "$(member vision < record)" = null ]
    [ "$(member model < record)" = null ]
    # Without it, records are as before.
    t5g-detok --jsonl dec.t5g | cmp - <(sed 's/,"provenance".*/}/' record)
}

@test "--provenance: the hash of the prompt is the one that xxh128sum prints" {
    make_answers | t5g-detok --jsonl --provenance > record
    # xxh128sum of the five bytes "kind:"
    [ "$(member prompt_hash < record)" = '"dcbbce784b56a2afc41e436634409745"' ]
    t5g-decode -n 2 enc.t5g | t5g-detok --jsonl --provenance > record
    [ "$(member prompt_hash < record)" = null ]
}

@test "--provenance: options of generation, and of no others" {
    make_answers --sample --seed 7 --top-p 0.9 --lookup 2 -t 1 -b 100 --keep -v 2> /dev/null > dec.t5g
    t5g-detok --jsonl --provenance dec.t5g > record
    [ "$(member options < record)" = '{"max-new-tokens": 4, "sample": true, "seed": 7, "top-p": 0.9}' ]
    t5g-decode enc.t5g | t5g-detok --jsonl --provenance > record
    [ "$(member options < record)" = null ]
}

@test "--provenance: of a file, the hash of its contents" {
    echo bad > one; cp one two; echo worse > three
    for f in one two three; do
        make_answers --bad-words $f | t5g-detok --jsonl --provenance | member options > $f.json
    done
    cmp one.json two.json
    status_is 1 cmp -s one.json three.json
    grep -qE '"bad-words": "[0-9a-f]{32}"' one.json
}

@test "--provenance: of a file that is a pipe, the hash of its contents too" {
    t5g-tokenize -e 'a document' | t5g-encode -o enc.t5g
    printf 'Say {prompt}:' > template; echo bad > bad-words; printf 'good\t2\n' > sequence-bias
    echo '{"type":"boolean"}' > json-schema; printf 'yes\nno\n' > choices; cp choices targets
    # hash OPTION FILE: what HEAD has for the option.
    hash() {
        local more=(-n 2)
        case $1 in
        template) more+=(-p x) ;;
        choices) more=() ;;
        targets) more=(--score) ;;
        esac
        t5g-decode "${more[@]}" --"$1" "$2" enc.t5g | t5g-detok --jsonl --provenance | head -n 1 |
            python3 -c 'import json,sys; print(json.load(sys.stdin)["provenance"]["options"][sys.argv[1]])' "$1"
    }
    for option in template bad-words sequence-bias json-schema choices targets; do
        hash $option $option > want
        grep -qxE '[0-9a-f]{32}' want
        hash $option <(cat $option) | cmp - want
        # shellcheck disable=SC2002 # a pipe, not the file
        cat $option | hash $option /dev/stdin | cmp - want
    done
    for option in choices targets; do hash $option - < $option | cmp - want; done
    t5g-decode -n 1 -p 'Say {prompt}:' enc.t5g | t5g-detok --jsonl --provenance | member prompt_hash | tr -d '"' |
        cmp - <(hash template template)
}

@test "--provenance: the last value of an option that is given twice" {
    make_answers --seed 1 --sample --seed 2 | t5g-detok --jsonl --provenance > record
    [ "$(member options < record)" = '{"max-new-tokens": 4, "seed": 2, "sample": true}' ]
}

@test "--provenance: every segment has its own, and a failed document has what there is" {
    make_answers > one.t5g
    make_answers --num-beams 2 > two.t5g
    printf '\377\n' | t5g-tokenize -l > bad.t5g 2> /dev/null || [ $? = 3 ]
    cat one.t5g two.t5g bad.t5g > all.t5g
    status_is 3 t5g-detok --jsonl --provenance all.t5g -o records
    [ "$(sed -n 1p records | member options)" = '{"max-new-tokens": 4}' ]
    [ "$(sed -n 2p records | member options)" = '{"max-new-tokens": 4, "num-beams": 2}' ]
    [ "$(sed -n 3p records | member options)" = null ]
    [ "$(sed -n 3p records | member programs)" != null ]
}

@test "--provenance without --jsonl: 64" {
    for form in "" --tsv -0; do
        # shellcheck disable=SC2086 # no word, or one
        status_is 64 t5g-detok --provenance $form < /dev/null
        err_has_line '--provenance is for --jsonl'
    done
}
