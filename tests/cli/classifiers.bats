#!/usr/bin/env bats
# Classifiers: numbers for labels, as transformers computes them; tests/oracle/classifier.py made what is compared.
load common

golden=$T5G_TESTS/golden/classifiers

# classifier NAME MODEL: the folder NAME, a classifier with the weights and tokenizer of MODEL.
classifier() {
    rm -rf "$1"
    cp -r "$golden/$1" .
    cp "$2/model.safetensors" "$1/model-00001-of-00002.safetensors"
    cp "$2"/tokenizer* "$1"
    export T5G_MODEL=$PWD/$1
}

# run_texts NAME: the texts of the golden NAME through all programs, to stream.jsonl and records.jsonl.
run_texts() {
    t5g-tokenize --jsonl "$golden/$1.jsonl" | t5g-encode -o enc.t5g
    t5g-decode "${@:2}" enc.t5g -o dec.t5g
    t5g-frame export --jsonl dec.t5g > stream.jsonl
    t5g-detok --jsonl dec.t5g > records.jsonl
}

compare() { python3 "$T5G_TESTS/oracle/classifier.py" compare "$golden/$1.jsonl" stream.jsonl records.jsonl "${@:2}"; }

@test "one of several labels: transformers' logits, softmax" {
    classifier sequence "$tiny"
    run_texts sequence
    compare sequence
    for cpu in ref v3 v4; do
        T5G_CPU=$cpu run_texts sequence || [ $? = 69 ]
        compare sequence
    done
    # The comparison notices another number, and another label.
    sed 's/"data":\[-4/"data":[-5/' stream.jsonl > other && mv other stream.jsonl
    status_is 1 compare sequence
}

@test "several labels at once: the same logits, sigmoid" {
    classifier sequence "$tiny"
    sed -i 's/^{$/{ "problem_type": "multi_label_classification",/' sequence/config.json
    run_texts sequence
    compare sequence multi_label_classification
}

@test "one label: a regression, whose number is printed" {
    classifier regression "$tiny"
    run_texts regression
    compare regression
    t5g-detok dec.t5g | cmp - <(sed 's/.*"score"://; s/}}$//' records.jsonl)
}

@test "a label for every token, with its text" {
    classifier tokens "$gqa"
    run_texts tokens
    compare tokens
}

@test "a result depends neither on threads, nor on the documents beside it, nor on the batch" {
    classifier tokens "$gqa"
    run_texts tokens
    mv stream.jsonl all.jsonl
    for options in "-t 1 -b 1" "-t 3"; do
        # shellcheck disable=SC2086 # several words
        run_texts tokens $options
        cmp stream.jsonl all.jsonl
    done
    sed -n 4p "$golden/tokens.jsonl" > four.jsonl
    t5g-tokenize --jsonl four.jsonl | t5g-encode | t5g-decode | t5g-frame export --jsonl |
        sed 's/four.jsonl:1/tokens.jsonl:4/' | cut -d, -f2- | cmp - <(sed -n 4p all.jsonl | cut -d, -f2-)
}

@test "the other forms of records: a label as text" {
    classifier sequence "$tiny"
    printf 'hello world\n\nsmall\n' | t5g-tokenize -l | t5g-encode | t5g-decode > dec.t5g
    t5g-detok dec.t5g > lines
    [ "$(head -n 2 lines)" = "$(printf 'über alles\nsport')" ]
    t5g-detok -0 dec.t5g | tr '\0' '\n' | cmp - lines
    t5g-detok --tsv dec.t5g | cut -f2 | tail -n +2 | cmp - lines
    [ "$(t5g-detok --tsv dec.t5g | head -n 1)" = "$(printf 'id\ttext')" ]
    t5g-detok --input dec.t5g | head -n 1 | grep -qx 'hello world'
    classifier tokens "$gqa"
    t5g-tokenize -e hi | t5g-encode | t5g-decode | t5g-detok > line
    [ "$(wc -w < line)" = "$(t5g-tokenize -e hi | t5g-frame export --jsonl | grep -o '"data":\[[^]]*' | tr ',' '\n' | wc -l)" ]
}

@test "a packed classifier gives the same, exact or nearly" {
    classifier sequence "$tiny"
    run_texts sequence
    mv stream.jsonl all.jsonl
    t5g-pack -o c.t5g sequence
    T5G_MODEL=c.t5g
    run_texts sequence
    cmp stream.jsonl all.jsonl
    compare sequence
    t5g-pack --weights q8 -o q8.t5g sequence
    T5G_MODEL=q8.t5g
    run_texts sequence
    [ "$(grep -c '"label"' records.jsonl)" = 10 ]
}

@test "options of generation and prompts: 64, by name" {
    classifier sequence "$tiny"
    t5g-tokenize -e hi | t5g-encode -o enc.t5g
    for options in "-p x" "--prompts enc.t5g" "-n 3" "--num-beams 2" "--sample" "--stream" "--logprobs" "--lookup 3"; do
        # shellcheck disable=SC2086 # several words
        status_is 64 t5g-decode $options -o out enc.t5g
        err_has 'the model is a classifier (T5Gemma2ForSequenceClassification), which generates no text'
    done
    status_is 64 t5g-decode --num-beams 2 -o out enc.t5g
    err_has '--num-beams:'
    [ ! -e out ]
    t5g-decode -b 10 --kv bf16 --keep enc.t5g | t5g-frame ls --frames | grep -q encoder.out
    # What is not text generation, and what is, are never mistaken for each other.
    status_is 65 t5g-pack --report "$golden/sequence.jsonl" -o c.t5g sequence
    err_has_line 'a classifier: there is no text to generate'
}

@test "documents that fail: a prompt of their own, no input.ids" {
    classifier sequence "$tiny"
    printf '{"text":"a","prompt":"b"}\n{"text":"c"}\n' > in.jsonl
    t5g-tokenize --jsonl in.jsonl | t5g-encode > enc.t5g
    status_is 3 t5g-decode -o dec.t5g enc.t5g
    err_has 'in.jsonl:1: prompt: a classifier reads no prompt'
    status_is 3 t5g-detok --jsonl -o records dec.t5g
    [ "$(grep -c '"label"' records)" = 1 ]
    grep -q '"id":"in.jsonl:1","error"' records
}

@test "a damaged label.logits fails its document" {
    printf '{"id":"d","frames":[{"name":"label.logits","dtype":"f32","shape":[1],"data":[1.5],"meta":{"labels":["a"],"problem":"regression"}}]}\n' |
        t5g-frame import --jsonl | t5g-detok | grep -qx 1.5
    for frame in '"dtype":"f32","shape":[2],"data":[1,2],"meta":{"labels":["a"],"problem":"regression"}' \
        '"dtype":"f32","shape":[1],"data":[1],"meta":{"labels":["a"],"problem":"other"}' \
        '"dtype":"i32","shape":[1],"data":[1],"meta":{"labels":["a"],"problem":"regression"}' \
        '"dtype":"f32","shape":[1],"data":[1],"meta":{"labels":[1],"problem":"regression"}' \
        '"dtype":"f32","shape":[2,1],"data":[1,2],"meta":{"labels":["a"],"problem":"regression"}'; do
        printf '{"id":"d","frames":[{"name":"label.logits",%s}]}\n' "$frame" | t5g-frame import --jsonl -o d.t5g
        status_is 3 t5g-detok --jsonl -o records d.t5g
        err_has 'd: label.logits'
    done
}

@test "faults of a classifier's configuration: 65, by name" {
    check() {
        classifier sequence "$tiny"
        sed -i "$1" sequence/config.json
        status_is 65 t5g-decode -o out /dev/null
        err_has "$2"
        [ ! -e out ]
    }
    check 's/"1": "sport"/"3": "sport"/' 'id2label: expected a label for every number from 0 to 2'
    check 's/"1": "sport"/"1": "news"/' "id2label: label 'news' twice"
    check 's/"1": "sport"/"1": null/' 'id2label: expected a label for every number from 0 to 2'
    check '/"1": "sport"/d; s/"2": "über/"1": "über/' "tensor 'score.out_proj.weight' in model-00002-of-00002.safetensors: shape [3, 64], expected [2, 64]"
    check 's/^{$/{ "problem_type": "other",/' 'problem_type: other, expected single_label_classification'
    check 's/"T5Gemma2ForSequenceClassification"/"T5Gemma2ForQuestionAnswering"/' 'not served'
    check 's/"T5Gemma2ForSequenceClassification"/null/' 'does not say of which class'
    classifier sequence "$tiny"
    cp "$tiny/model.safetensors" sequence
    status_is 65 t5g-decode -o out /dev/null
    err_has "tensor 'score.out_proj.weight': missing"
}

@test "an adapter acts in a classifier, by the option as by the variable" {
    classifier sequence "$tiny"
    a=$T5G_TESTS/golden/adapters/tiny/decoder
    t5g-tokenize -e 'Hello world' | t5g-encode -o enc.t5g
    t5g-decode -o base.t5g enc.t5g
    t5g-decode --adapter "$a" -o own.t5g enc.t5g
    T5G_ADAPTER=$a t5g-decode -o same.t5g enc.t5g
    t5g-frame diff own.t5g same.t5g
    status_is 1 t5g-frame diff base.t5g own.t5g
}
