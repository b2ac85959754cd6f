#!/bin/sh
# goldens.sh: make models and goldens of the tests anew with Hugging Face transformers and compare them with the tree;
# run by `make goldens`, some minutes. goldens.sh PYTHON FOLDER
#
# PYTHON has transformers 5.18, tokenizers 0.23, torch 2.13, Pillow 13, numpy and peft 0.21, and libjpeg-turbo's programs are in
# PATH; FOLDER is made anew, laid out like tests/. To renew a golden, copy it from there. Ends with 1 if something
# differs; compare.py says by how much it may.
set -eu
python=$1
mkdir -p "$2"
new=$(cd "$2" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
tests=$(dirname "$here")
export PYTHONDONTWRITEBYTECODE=1 HF_HUB_DISABLE_PROGRESS_BARS=1 CUDA_VISIBLE_DEVICES=

"$python" -c 'import numpy, PIL, tokenizers, torch, transformers' || {
    echo "goldens: $python lacks a module; set PYTHON to one that has transformers 5.18, torch and Pillow" >&2
    exit 69
}
for program in cjpeg jpegtran; do
    command -v $program > /dev/null || { echo "goldens: $program of libjpeg-turbo is missing" >&2; exit 69; }
done

# make SCRIPT ARGUMENT...
make() {
    echo "$*" | sed "s|$new/||g"
    script=$1
    shift
    "$python" -W ignore "$here/$script" "$@" 2> "$new/messages" || { cat "$new/messages" >&2; exit 1; }
}

rm -rf "${new:?}"/*
mkdir -p "$new/data" "$new/models" "$new/golden"
make make_pictures.py "$new/data/pictures"
echo picture_cases.py
"$python" -W ignore "$here/picture_cases.py" "$tests/data/pictures/pillow.cases" > "$new/data/pictures/pillow.cases"
echo alpha_cases.py
"$python" -W ignore "$here/alpha_cases.py" > "$new/data/pictures/alpha.cases"
make make_model.py tiny "$new/models/tiny"
make make_model.py tiny-gqa "$new/models/tiny-gqa" --dtype bfloat16 --layout hub --hub-files
make tokenizer_golden.py general "$new/models/general"
for model in tiny tiny-gqa; do
    golden=$new/golden/$model
    mkdir "$golden"
    cp "$tests/golden/$model/cases.json" "$golden"
    make make_golden.py "$new/models/$model" "$golden/cases.json" "$golden" --pictures "$new/data/pictures"
    make long_golden.py "$new/models/$model" "$golden/enc512" "$new/golden/long/$model"
    make pipeline_cases.py "$golden" "$new/data/pipeline/$model" "$new/data/pictures/$model"
done
for model in tiny tiny-gqa general; do
    make tokenizer_golden.py "$new/models/$model" "$new/data/tokenizer-$model.jsonl"
done
make pan_golden.py "$new/models/tiny" "$new/data/pictures" "$new/data/pictures/pan"
make other_family.py "$new/golden/other-family"
make torch_files.py "$new/data/torch"
rm "$new/data/torch/old.bin" # has addresses in it
for model in tiny tiny-gqa; do
    make attention.py make "$new/models/$model" "$new/golden/attention/$model"
done
if "$python" -c 'import peft' 2> /dev/null; then
    adapters=golden/adapters
    for model in tiny tiny-gqa; do
        make adapters.py "$new/models/$model" "$new/golden/adapters/$model"
    done
else
    adapters=
    echo "goldens: $python has no peft: golden/adapters is not made anew" >&2
fi
mkdir "$new/golden/classifiers"
classify() {
    at=$new/golden/classifiers/$2
    model=$new/models/$1
    shift 2
    make classifier.py make "$model" "$at" "$at.jsonl" "$@"
}
classify tiny sequence sequence news sport "über alles"
classify tiny regression sequence score
classify tiny-gqa tokens tokens O B-PER I-PER B-LOC
"$python" "$here/compare.py" "$new" "$tests" models golden/tiny golden/tiny-gqa golden/long golden/other-family \
    ${adapters:+"$adapters"} \
    data/torch/small.bin data/torch/strided.bin data/torch/foreign.bin data/torch/nested.bin data/torch/protocol4.bin \
    golden/classifiers golden/attention data/pictures data/pipeline data/tokenizer-tiny.jsonl data/tokenizer-tiny-gqa.jsonl data/tokenizer-general.jsonl
