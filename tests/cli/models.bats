#!/usr/bin/env bats
# What is given for a model and is none, or not the whole of one: one line that says what it is.
load common

copy() { # NAME [MODEL]
    rm -rf "$1" && cp -r "${2:-$tiny}" "$1" && chmod -R u+w "$1"
}

# no_model N PATH TEXT [PROGRAM...]: every program that needs weights refuses PATH with one line.
no_model() {
    local n=$1 path=$2 text=$3 p
    t5g-tokenize -m "$tiny" -e hi -o ids.t5g
    for p in t5g-encode t5g-decode t5g-vision; do
        status_is "$n" $p -m "$path" -o out ids.t5g
        err_has "$text"
    done
    status_is "$n" t5g-pack -o out "$path"
    err_has "$text"
    [ ! -e out ]
}

# edit FILE SED: change a file of a model directory.
edit() {
    sed -i "$2" "$1"
}

@test "the name of a hub is no path" {
    export HOME=$PWD XDG_CACHE_HOME=$PWD/cache
    unset HF_HOME HF_HUB_CACHE
    no_model 66 google/t5gemma-2-270m-270m 'hf download google/t5gemma-2-270m-270m --local-dir DIR'
    mkdir -p .cache/huggingface/hub/models--google--t5gemma-2-270m-270m/snapshots/0123abc
    no_model 66 google/t5gemma-2-270m-270m "give $PWD/.cache/huggingface/hub/models--google--t5gemma-2-270m-270m/snapshots/0123abc"
    status_is 66 t5g-tokenize -m google/gemma -e hi
    err_has 'names of a hub are not looked up'
    no_model 66 no/such/model 'no such model directory'
    ln -s nowhere link
    no_model 66 link 'a dangling symbolic link'
}

@test "a snapshot of a hub's cache works, its folder says where the snapshot is" {
    hub=models--google--t5gemma-2-270m-270m
    mkdir -p $hub/blobs $hub/refs $hub/snapshots/f00d
    for f in "$tiny"/*; do
        cp "$f" "$hub/blobs/$(basename "$f").blob"
        ln -s "../../blobs/$(basename "$f").blob" "$hub/snapshots/f00d/$(basename "$f")"
    done
    echo f00d > $hub/refs/main
    t5g-tokenize -m $hub/snapshots/f00d -e hi | t5g-encode -m $hub/snapshots/f00d > out.t5g
    t5g-tokenize -e hi | t5g-encode | cmp - out.t5g
    no_model 66 $hub "give the snapshot in it, $hub/snapshots/f00d"
    mkdir $hub/snapshots/0000
    no_model 66 $hub "$hub/snapshots/f00d, or another one"
    rm $hub/blobs/model.safetensors.blob
    no_model 66 $hub/snapshots/f00d 'model.safetensors'
}

@test "adapters and folders of training runs" {
    mkdir a
    echo '{"base_model_name_or_path": "google/t5gemma-2-270m-270m", "peft_type": "LORA"}' > a/adapter_config.json
    cp "$tiny/model.safetensors" a/adapter_model.safetensors
    cp "$tiny/tokenizer.json" a
    no_model 66 a 'a: an adapter for google/t5gemma-2-270m-270m, not a model: merge it'
    t5g-tokenize -m a -e hi > /dev/null
    mkdir -p run/checkpoint-500 run/checkpoint-1000 run/checkpoint-x run/runs
    no_model 66 run 'such as run/checkpoint-1000'
    status_is 66 t5g-tokenize -m run -e hi
    err_has 'such as run/checkpoint-1000'
    touch run/checkpoint-500/optimizer.pt run/checkpoint-500/training_args.bin run/checkpoint-500/trainer_state.json
    no_model 66 run/checkpoint-500 'a checkpoint of a training run without the model'
    cp "$tiny"/* run/checkpoint-1000
    touch run/checkpoint-1000/optimizer.pt
    t5g-encode -m run/checkpoint-1000 ids.t5g > /dev/null
}

@test "weights in other forms" {
    copy m && mv m/model.safetensors m/pytorch_model.bin
    no_model 66 m 'm: weights in pytorch_model.bin, expected model.safetensors'
    printf 'PK\3\4' > m/pytorch_model.bin
    no_model 65 m/pytorch_model.bin 'a PyTorch file'
    rm m/pytorch_model.bin && printf 'GGUF\3\0\0\0' > m/model.gguf
    no_model 66 m 'model.gguf is a GGUF'
    no_model 65 m/model.gguf 'a GGUF, which is not read'
    copy m && mv m/model.safetensors m/other.safetensors
    no_model 66 m 'no model.safetensors and no model.safetensors.index.json, but other.safetensors'
    no_model 65 m/other.safetensors 'a single file of a model: give the folder'
    no_model 65 m/config.json 'a single file of a model: give the folder'
    copy m && printf 'version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 3\n' > m/model.safetensors
    no_model 65 m 'a Git LFS pointer'
    no_model 65 m/model.safetensors 'a Git LFS pointer'
    cp m/model.safetensors m/config.json
    no_model 65 m 'config.json: a Git LFS pointer'
    copy m && mv m/model.safetensors m/model-00001-of-00002.safetensors
    echo '{"weight_map":{"a":"model-00001-of-00002.safetensors","b":"model-00002-of-00002.safetensors"}}' > m/model.safetensors.index.json
    no_model 66 m 'model-00002-of-00002.safetensors: missing, and model.safetensors.index.json names it'
}

@test "other models" {
    for type in 'gemma3 a_Gemma_3' 'gemma3_text a_Gemma_3' 't5 a_T5' 't5gemma the_first_T5Gemma' 'llama llama'; do
        set -- $type
        copy m && edit m/config.json "s/\"model_type\": \"t5gemma2\"/\"model_type\": \"$1\"/"
        rm m/model.safetensors
        no_model 65 m "${2//_/ }"
        grep -q 'config.json: model_type: .*expected t5gemma2' err
    done
}

@test "other heads: encoded, and no text is generated" {
    copy m && edit m/config.json 's/T5Gemma2ForConditionalGeneration/T5Gemma2ForQuestionAnswering/'
    t5g-tokenize -e hi | t5g-encode -m m -o enc.t5g
    status_is 65 t5g-decode -m m -o out enc.t5g
    err_has 'architectures: T5Gemma2ForQuestionAnswering: not served'
    t5g-pack -o m.t5g m
    status_is 65 t5g-decode -m m.t5g -o out enc.t5g
    err_has 'T5Gemma2ForQuestionAnswering'
    # A classifier without its head can encode, and no more.
    edit m/config.json 's/T5Gemma2ForQuestionAnswering/T5Gemma2ForTokenClassification/'
    t5g-tokenize -e hi | t5g-encode -m m --force > /dev/null
    status_is 65 t5g-decode -m m -o out enc.t5g
    err_has "tensor 'score.out_proj.weight': missing, expected [2, 64]"
    [ ! -e out ]
}

@test "folders that lack something, and files that are no model" {
    mkdir empty
    no_model 66 empty 'empty: an empty folder'
    mkdir tok && cp "$tiny"/tokenizer* tok
    no_model 66 tok 'tok: a tokenizer alone'
    t5g-tokenize -m tok -e hi > /dev/null
    copy m && rm m/config.json
    no_model 66 m 'm: no config.json'
    mkdir up && copy up/inner
    no_model 66 up 'up/inner has a config.json'
    copy m && rm m/tokenizer.json && touch m/tokenizer.model
    status_is 66 t5g-tokenize -m m -e hi
    err_has 'tokenizer.model without tokenizer.json'
    t5g-tokenize -e hi | t5g-encode -o enc.t5g
    no_model 66 enc.t5g 'a stream of documents, not a packed model'
    mkfifo fifo
    no_model 66 fifo 'neither a model directory nor a packed model'
}

@test "a file that is there and cannot be opened is an error, whether it is needed or not" {
    t5g-tokenize -i "$T5G_TESTS/data/pictures/rgb.png" -e '<start_of_image> hi' -o ids.t5g
    for f in config.json generation_config.json tokenizer.json tokenizer_config.json special_tokens_map.json \
             added_tokens.json model.safetensors model.safetensors.index.json processor_config.json \
             preprocessor_config.json; do
        for how in loop broken fifo folder; do
            copy m && rm -f m/$f
            [ $f = preprocessor_config.json ] && rm -f m/processor_config.json
            [ $f = model.safetensors.index.json ] && mv m/model.safetensors m/other.safetensors
            case $how in
                loop) ln -s $f m/$f ;;
                broken) ln -s nowhere m/$f ;;
                fifo) mkfifo m/$f ;;
                folder) mkdir m/$f ;;
            esac
            got=0
            timeout 5 t5g-pack -o out m 2> err || got=$?
            case $got in 65 | 66 | 71) ;; *) echo "$f $how: $got"; return 1 ;; esac
            err_has "$f"
            [ ! -e out ]
        done
    done
}

@test "generation_config.json: what it asks for in vain is named once, a broken one is skipped" {
    t5g-tokenize -e hi | t5g-encode -o enc.t5g
    t5g-decode -n 3 enc.t5g > want
    copy m && edit m/generation_config.json '1a "num_beams": 4, "repetition_penalty": 1.3, "max_length": 20, "min_length": 0, "suppress_tokens": [3], "do_sample": true, "length_penalty": 1.0, "early_stopping": false,'
    t5g-decode -m m -n 3 enc.t5g 2> err | cmp want -
    err_has 'm/generation_config.json: not used: num_beams 4, repetition_penalty 1.3, suppress_tokens (see'
    t5g-decode -q -m m -n 3 enc.t5g 2>&1 | cmp want -
    t5g-pack -o m.t5g m
    t5g-decode -m m.t5g -n 3 enc.t5g 2> err > /dev/null
    err_has 'num_beams 4'
    for text in '' '\357\273\277{"eos_token_id": 1}' '{"eos_token_id": '; do
        printf "$text" > m/generation_config.json
        t5g-decode -m m -n 3 enc.t5g 2> err | cmp want -
        err_has 'generation_config.json: byte 0' || err_has 'generation_config.json: byte 17'
        grep -q 'skipped, as transformers does' err
    done
    rm m/generation_config.json
    t5g-decode -m m -n 3 enc.t5g 2> err | cmp want -
    [ ! -s err ]
    echo '{"eos_token_id": 1, "other": NaN, "numbers": [Infinity, -Infinity, 1e999]}' > m/generation_config.json
    t5g-decode -m m -n 3 enc.t5g 2> err | cmp want -
    [ ! -s err ]
}

@test "config.json as Python writes it: what nobody reads may be no number" {
    t5g-tokenize -e hi | t5g-encode -o want.t5g
    copy m && edit m/config.json '1a "other": NaN, "more": [-Infinity, Infinity, 1e999], "text": "NaN \\ud800 \\ud83d\\ude00",'
    t5g-tokenize -e hi | t5g-encode -m m | cmp want.t5g -
    edit m/config.json 's/"rms_norm_eps": [0-9e.-]*/"rms_norm_eps": NaN/'
    status_is 65 t5g-encode -m m -o out want.t5g
    err_has 'rms_norm_eps: "NaN", expected a number'
}
