#!/usr/bin/env bats
# decode.attention: which rows of the document each id of an answer was chosen from.
load common

golden=$T5G_TESTS/golden/attention

# answers MODEL OPTION...: the cases of a golden through the programs.
answers() {
    local model=$1
    t5g-tokenize -m "$model" --jsonl "$golden/${model##*/}/cases.jsonl" | t5g-encode -m "$model" -o enc.t5g
    t5g-decode -m "$model" -n 6 enc.t5g "${@:2}"
}

# same MODEL FORM FILE: the answers in FILE are those of the golden.
same() {
    rm -rf arrays
    t5g-frame export --npy arrays "$3"
    python3 "$T5G_TESTS/oracle/attention.py" compare "$golden/${1##*/}" arrays "$2"
}

@test "transformers' cross-attention, heads and layers apart and averaged" {
    for model in "$tiny" "$gqa"; do
        for form in heads layers mean; do
            answers "$model" --attention $form -o dec.t5g
            same "$model" $form dec.t5g
        done
        answers "$model" -n 5 --attention heads -o dec.t5g
        status_is 1 same "$model" layers dec.t5g
    done
}

@test "the same at every level, with any number of threads, and nearly with cached keys of fewer bits" {
    for cpu in ref v3 v4; do
        T5G_CPU=$cpu answers "$tiny" --attention heads -o dec.t5g || [ $? = 69 ]
        same "$tiny" heads dec.t5g
    done
    answers "$tiny" --attention layers -t 1 -o one.t5g
    answers "$tiny" --attention layers -t 3 | cmp - one.t5g
    answers "$tiny" --attention mean --kv q8 -o q8.t5g
    answers "$tiny" --attention mean -o f32.t5g
    t5g-frame diff --atol 0.05 q8.t5g f32.t5g
}

@test "ids are the same with and without; every answer has a frame behind it" {
    t5g-tokenize -e 'hello world' | t5g-encode -o enc.t5g
    for options in "-n 6" "-n 6 -p kind: -p a" "-n 5 --num-beams 3 --num-return-sequences 2" "-n 5 --sample --seed 3"; do
        # shellcheck disable=SC2086 # several words
        t5g-decode $options enc.t5g | t5g-detok --jsonl > plain
        # shellcheck disable=SC2086
        t5g-decode $options --attention mean enc.t5g > kept.t5g
        t5g-detok --jsonl kept.t5g | cmp - plain
        t5g-frame ls --frames kept.t5g | grep -o 'decode\.[a-z]*' | grep -v logprob > names
        [ "$(sort names | uniq -c | awk '{print $1}' | uniq | wc -l)" = 1 ]
        [ "$(grep -c attention names)" = "$(wc -l < plain)" ]
        [ "$(sed -n 2p names)" = decode.attention ]
    done
    # Beams: the best answer alone has the weights that it has among others.
    t5g-decode -n 5 --num-beams 3 --attention heads enc.t5g -o one.t5g
    t5g-decode -n 5 --num-beams 3 --num-return-sequences 2 --attention heads enc.t5g -o two.t5g
    python3 - <<'END'
import subprocess, json
a, b = ([f for f in json.loads(subprocess.check_output(["t5g-frame", "export", "--jsonl", x + ".t5g"]))["frames"]
         if f["name"] == "decode.attention"] for x in ("one", "two"))
assert len(a) == 1 and len(b) == 2 and a[0]["data"] == b[0]["data"] and b[1]["data"] != b[0]["data"]
assert [f["meta"]["rank"] for f in b] == [0, 1]
END
}

@test "answers to prompts as they arrive have it too" {
    t5g-tokenize -e 'hello world' | t5g-encode -o enc.t5g
    printf 'kind:\na\n' | t5g-decode -n 4 --prompts - --attention layers enc.t5g -o live.t5g
    t5g-decode -n 4 -p kind: -p a --attention layers enc.t5g -o whole.t5g
    t5g-frame diff live.t5g whole.t5g
}

@test "grouped rows: a weight for each, and how many there were" {
    t5g-tokenize -e 'hello world and more' | t5g-encode --group 3 -o enc.t5g
    t5g-decode -n 4 --attention mean enc.t5g | t5g-frame export --jsonl | grep -q '"group":3'
}

@test "no document, one token, and what it excludes" {
    t5g-tokenize -e '' | t5g-encode -o enc.t5g
    t5g-decode -n 1 --attention heads enc.t5g | t5g-frame ls --frames | grep -q 'f32\[1,6,4,1\].*decode.attention'
    status_is 64 t5g-decode --attention mean --stream -o out enc.t5g
    err_has_line '--attention excludes --stream'
    status_is 64 t5g-decode --attention some -o out enc.t5g
    err_has_line "--attention: 'some' is none of mean|layers|heads"
}
