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

# in_cache CACHE OWNER--NAME COMMIT: the tiny model, as huggingface_hub lays it out.
in_cache() {
    local repo=$1/models--$2 f
    mkdir -p "$repo/blobs" "$repo/refs" "$repo/snapshots/$3"
    for f in "$tiny"/*; do
        cp "$f" "$repo/blobs/$(basename "$f").blob"
        ln -s "../../blobs/$(basename "$f").blob" "$repo/snapshots/$3/$(basename "$f")"
    done
}

@test "names on a hub are found in its cache, at the revision that is asked for" {
    export HOME=$PWD/home
    unset HF_HOME HF_HUB_CACHE HUGGINGFACE_HUB_CACHE XDG_CACHE_HOME
    in_cache home/.cache/huggingface/hub google--tiny f00d
    repo=home/.cache/huggingface/hub/models--google--tiny
    mkdir -p $repo/snapshots/0000 $repo/refs/pr
    printf f00d > $repo/refs/main
    printf 'f00d\n' > $repo/refs/v1.0
    printf f00d > $repo/refs/pr/1
    t5g-tokenize -e hi | t5g-encode | t5g-decode -n 4 | t5g-detok > expected
    for name in google/tiny google/tiny@main google/tiny@v1.0 google/tiny@pr/1 google/tiny@f00d; do
        t5g-tokenize -m $name -e hi | t5g-encode -m $name | t5g-decode -m $name -n 4 | t5g-detok -m $name | cmp - expected
    done
    T5G_MODEL=google/tiny t5g-pack -o tiny.t5g
    t5g-tokenize -e hi | t5g-encode -m tiny.t5g | t5g-decode -n 4 | t5g-detok | cmp - expected
    # What is there under that name is a path first.
    mkdir google && no_model 66 google/tiny@v2 "no revision 'v2' of it; it has the commits 0000, f00d: give google/tiny@COMMIT"
    cp -r "$tiny" google/tiny && chmod -R u+w google/tiny && echo '{}' > google/tiny/config.json
    no_model 65 google/tiny 'google/tiny/config.json'
    rm -r google $repo/refs/main
    no_model 66 google/tiny "no revision 'main' of it"
    no_model 66 google/tiny@../../x 'no such model directory'
    no_model 66 ../tiny 'no such model directory'
    no_model 66 no/such/model 'no such model directory'
    no_model 66 google/gemma 'google/gemma: no such folder, and not in the hub'
    err_has 'hf download google/gemma)'
    no_model 66 google/gemma@v3 'hf download google/gemma --revision v3)'
    ln -s nowhere link
    no_model 66 link 'a dangling symbolic link'
    rm $repo/blobs/model.safetensors.blob
    no_model 66 google/tiny@f00d 'model.safetensors'
}

@test "which variable names the hub's cache" {
    export HOME=$PWD/home HF_HUB_CACHE=$PWD/cache HF_HOME=$PWD/hf XDG_CACHE_HOME=$PWD/xdg
    in_cache cache a--m 1 && printf 1 > cache/models--a--m/refs/main
    in_cache hf/hub b--m 1 && printf 1 > hf/hub/models--b--m/refs/main
    in_cache xdg/huggingface/hub c--m 1 && printf 1 > xdg/huggingface/hub/models--c--m/refs/main
    t5g-tokenize -m a/m -e hi > expected
    status_is 66 t5g-tokenize -m b/m -e hi
    unset HF_HUB_CACHE
    t5g-tokenize -m b/m -e hi | cmp - expected
    unset HF_HOME
    t5g-tokenize -m c/m -e hi | cmp - expected
    # shellcheck disable=SC2088  # the variable holds the tilde
    export HF_HOME='~/../hf'
    mkdir home && t5g-tokenize -m b/m -e hi | cmp - expected
    HUGGINGFACE_HUB_CACHE=cache t5g-tokenize -m a/m -e hi | cmp - expected
}

@test "a model's folder in the hub's cache says where its snapshot is" {
    in_cache . google--tiny f00d
    hub=models--google--tiny
    no_model 66 $hub "without a snapshot of its revision main: give one of the folders in $hub/snapshots"
    echo f00d > $hub/refs/main
    t5g-tokenize -m $hub/snapshots/f00d -e hi | t5g-encode -m $hub/snapshots/f00d > out.t5g
    t5g-tokenize -e hi | t5g-encode | t5g-frame diff - out.t5g
    no_model 66 $hub "give OWNER/NAME, or the snapshot in it, $hub/snapshots/f00d"
}

@test "adapters and folders of training runs" {
    mkdir a
    echo '{"base_model_name_or_path": "google/t5gemma-2-270m-270m", "peft_type": "LORA"}' > a/adapter_config.json
    cp "$tiny/model.safetensors" a/adapter_model.safetensors
    cp "$tiny/tokenizer.json" a
    no_model 66 a 'a: an adapter, and its model google/t5gemma-2-270m-270m is not here: give the model with -m, and the adapter with --adapter a'
    t5g-tokenize -m a -e hi > /dev/null
    mkdir -p run/checkpoint-500 run/checkpoint-1000 run/checkpoint-x run/runs
    no_model 66 run 'give one of its checkpoints: run/checkpoint-500, run/checkpoint-1000'
    status_is 66 t5g-tokenize -m run -e hi
    err_has 'run/checkpoint-500, run/checkpoint-1000'
    touch run/checkpoint-500/optimizer.pt run/checkpoint-500/training_args.bin run/checkpoint-500/trainer_state.json
    no_model 66 run/checkpoint-500 'a checkpoint of a training run without the model'
    cp "$tiny"/* run/checkpoint-1000
    touch run/checkpoint-1000/optimizer.pt
    t5g-encode -m run/checkpoint-1000 ids.t5g > /dev/null
}

@test "an adapter for -m: its model is looked for as a path and in the hub's cache, its tokenizer taken" {
    export HOME=$PWD/home
    unset HF_HOME HF_HUB_CACHE HUGGINGFACE_HUB_CACHE XDG_CACHE_HOME
    cp -r "$T5G_TESTS/golden/adapters/tiny/attention" a && chmod -R u+w a
    run() { t5g-tokenize -m "$1" -e 'hello there' | t5g-encode "${@:2}" | t5g-decode "${@:2}" -n 8 | t5g-detok -m "$1"; }
    run "$tiny" -m "$tiny" --adapter a > expected
    run "$tiny" -m "$tiny" > plain
    [ "$(cat expected)" != "$(cat plain)" ]
    sed -i "s|\"base_model_name_or_path\": [^,]*|\"base_model_name_or_path\": \"$tiny\"|" a/adapter_config.json
    run a -m a | cmp - expected
    T5G_MODEL=a run a | cmp - expected
    run a -m a --adapter a > twice
    run "$tiny" -m "$tiny" --adapter a --adapter a | cmp - twice
    in_cache home/.cache/huggingface/hub google--tiny f00d
    printf f00d > home/.cache/huggingface/hub/models--google--tiny/refs/main
    sed -i 's|"base_model_name_or_path": [^,]*|"base_model_name_or_path": "google/tiny"|' a/adapter_config.json
    run a -m a | cmp - expected
    sed -i 's|"revision": [^,]*|"revision": "v2"|' a/adapter_config.json
    status_is 66 t5g-encode -m a -o out ids.t5g
    err_has 'its model google/tiny is not here'
    # A tokenizer beside the adapter is the one.
    cp "$tiny/tokenizer.json" a && sed -i 's/<unused1>/<task>/' a/tokenizer.json
    [ "$(t5g-tokenize -m a -e '<task>' | t5g-frame export --jsonl)" != "$(t5g-tokenize -e '<task>' | t5g-frame export --jsonl)" ]
}

@test "--encoder-prefix: an encoder in another model" {
    copy m && LC_ALL=C sed -i 's/"model\.encoder\./"tts.cond.text./g' m/model.safetensors
    t5g-tokenize -e 'hello there' -o ids.t5g
    t5g-encode ids.t5g | t5g-decode -n 4 | t5g-detok > expected
    for prefix in tts.cond.text tts.cond.text.; do
        t5g-encode -m m --encoder-prefix $prefix ids.t5g | t5g-decode -n 4 | t5g-detok | cmp - expected
    done
    t5g-pack --encoder-prefix tts.cond.text -o m.t5g m
    t5g-encode -m m.t5g ids.t5g | t5g-decode -n 4 | t5g-detok | cmp - expected
    t5g-tokenize -i "$T5G_TESTS/data/number.png" | t5g-vision -m m --encoder-prefix tts.cond.text > /dev/null
    status_is 65 t5g-encode -m m -o out ids.t5g
    err_has "no tensors of the encoder; is 'tts.cond.text.embed_tokens.weight' one? That would be --encoder-prefix tts.cond.text"
    status_is 65 t5g-encode -m m --encoder-prefix tts -o out ids.t5g
    status_is 65 t5g-encode --encoder-prefix tts -o out ids.t5g
    err_has 'is one as it is: leave --encoder-prefix out'
    # A whole model under a prefix: only its encoder is used.
    copy w && LC_ALL=C sed -i 's/"model\.encoder\./"a.b.c.encoder./g; s/"model\.decoder\./"a.b.c.decoder./g' w/model.safetensors
    t5g-encode -m w --encoder-prefix a.b.c ids.t5g | t5g-decode -n 4 | t5g-detok | cmp - expected
    status_is 65 t5g-decode -m m -o out ids.t5g
    [ ! -e out ]
}

@test "weights in other forms" {
    copy m && mv m/model.safetensors m/flax_model.msgpack
    no_model 66 m 'm: weights in flax_model.msgpack, expected model.safetensors or pytorch_model.bin: convert them with python3 -c "from transformers'
    copy m && mv m/model.safetensors m/pytorch_model.bin
    no_model 65 m 'm/pytorch_model.bin: a safetensors file: name it model.safetensors'
    printf 'PK\3\4' > m/pytorch_model.bin
    no_model 65 m 'm/pytorch_model.bin: a zip archive without end record'
    no_model 65 m/pytorch_model.bin 'a PyTorch file, expected the folder of a model'
    mv m/pytorch_model.bin m/pytorch_model-00001-of-00002.bin
    no_model 66 m 'but pytorch_model-00001-of-00002.bin: the download is not whole'
    mv m/pytorch_model-00001-of-00002.bin m/pytorch_model.bin
    rm m/pytorch_model.bin && printf 'GGUF\3\0\0\0' > m/model.gguf
    no_model 66 m 'model.gguf is a GGUF'
    no_model 65 m/model.gguf 'a GGUF, which is not read'
    copy m && mv m/model.safetensors m/other.safetensors
    no_model 66 m 'no model.safetensors and no pytorch_model.bin, and no index of either, but other.safetensors'
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
    t5g-decode -m m -n 3 enc.t5g 2> err | t5g-frame diff want -
    err_has 'm/generation_config.json: not used: num_beams 4, repetition_penalty 1.3, suppress_tokens (see'
    t5g-decode -q -m m -n 3 enc.t5g 2>&1 | t5g-frame diff want -
    t5g-pack -o m.t5g m
    t5g-decode -m m.t5g -n 3 enc.t5g 2> err > /dev/null
    err_has 'num_beams 4'
    for text in '' '\357\273\277{"eos_token_id": 1}' '{"eos_token_id": '; do
        printf "$text" > m/generation_config.json
        t5g-decode -m m -n 3 enc.t5g 2> err | t5g-frame diff want -
        err_has 'generation_config.json: byte 0' || err_has 'generation_config.json: byte 17'
        grep -q 'skipped, as transformers does' err
    done
    rm m/generation_config.json
    t5g-decode -m m -n 3 enc.t5g 2> err | t5g-frame diff want -
    [ ! -s err ]
    echo '{"eos_token_id": 1, "other": NaN, "numbers": [Infinity, -Infinity, 1e999]}' > m/generation_config.json
    t5g-decode -m m -n 3 enc.t5g 2> err | t5g-frame diff want -
    [ ! -s err ]
}

@test "config.json as Python writes it: what nobody reads may be no number" {
    t5g-tokenize -e hi | t5g-encode -o want.t5g
    copy m && edit m/config.json '1a "other": NaN, "more": [-Infinity, Infinity, 1e999], "text": "NaN \\ud800 \\ud83d\\ude00",'
    t5g-tokenize -e hi | t5g-encode -m m | t5g-frame diff want.t5g -
    edit m/config.json 's/"rms_norm_eps": [0-9e.-]*/"rms_norm_eps": NaN/'
    status_is 65 t5g-encode -m m -o out want.t5g
    err_has 'rms_norm_eps: "NaN", expected a number'
}
