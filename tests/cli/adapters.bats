#!/usr/bin/env bats
# Adapters: what PEFT computes with them, unmerged; tests/oracle/adapters.py made what is compared.
load common

golden=$T5G_TESTS/golden/adapters

# model NAME: from now on tests/models/NAME, and `at`, its adapters.
model() {
    export T5G_MODEL=$T5G_TESTS/models/$1
    at=$golden/$1
}

# ids_of CASE: a stream with the document of the case, its ids as they are.
ids_of() {
    python3 -c '
import json, sys
ids = json.load(open(sys.argv[1] + "/case.json"))["ids"]
print(json.dumps(dict(id="doc", frames=[dict(name="input.ids", dtype="i32", shape=[len(ids)], data=ids)],
                      close=dict(ntok=len(ids)))))' "$at/$1" | t5g-frame import --jsonl
}

# near CASE NAME STREAM: tensor NAME of the only document of STREAM is that of the golden within 1e-4.
near() {
    t5g-frame export --jsonl "$3" | python3 -c '
import json, sys
import numpy as np
frame = next(f for f in json.loads(sys.stdin.readline())["frames"] if f["name"] == sys.argv[2])
got = np.array(frame["data"], np.float32).reshape(frame["shape"])
want = np.load(sys.argv[1])
assert got.shape == want.shape, (got.shape, want.shape)
assert np.abs(got - want).max() <= 1e-4, np.abs(got - want).max()' "$at/$1/$2.npy" "$4"
}

# greedy CASE STREAM: the answer has the ids of the golden.
greedy() {
    t5g-frame export --jsonl "$2" | python3 -c '
import json, sys
frame = next(f for f in json.loads(sys.stdin.readline())["frames"] if f["name"] == "decode.ids")
assert frame["data"] == json.load(open(sys.argv[1]))["greedy"], frame["data"]' "$at/$1/case.json"
}

@test "encoder output and greedy ids are those of the adapter that is not merged" {
    for name in tiny tiny-gqa; do
        model $name
        for case in attention decoder head head-lora embed embed-lora tokens tokens-tied; do
            ids_of $case | t5g-encode --adapter "$at/$case" -o enc.t5g
            near $case encoder enc.t5g encoder.out
            t5g-decode --adapter "$at/$case" -n 16 -o dec.t5g enc.t5g
            greedy $case dec.t5g
        done
    done
}

@test "an adapter that changes the vision tower acts in t5g-vision, and has to be there too" {
    for name in tiny tiny-gqa; do
        model $name
        for case in linear dora; do
            export T5G_ADAPTER=$at/$case
            t5g-tokenize -i "$T5G_TESTS/data/pictures/adam7.png" -e 'a <start_of_image> and more' -o ids.t5g
            t5g-vision -o seen.t5g ids.t5g
            near $case features seen.t5g image.feat
            t5g-encode -o enc.t5g seen.t5g
            near $case encoder enc.t5g encoder.out
            t5g-decode -n 16 -o dec.t5g enc.t5g
            greedy $case dec.t5g
            T5G_ADAPTER='' t5g-vision -o base.t5g ids.t5g
            status_is 65 t5g-encode base.t5g
            err_has 'vision'
        done
        unset T5G_ADAPTER
    done
}

@test "an adapter of the decoder alone takes the base's encoder outputs and its cache" {
    t5g-tokenize -e 'Hello world' -o ids.t5g
    t5g-encode --cache=c -o enc.t5g ids.t5g
    t5g-encode --cache=c --stats --adapter "$golden/tiny/decoder" -o own.t5g ids.t5g 2> stats
    grep -q '1 hits' stats
    t5g-frame diff enc.t5g own.t5g
    t5g-decode -n 8 --adapter "$golden/tiny/decoder" -o a.t5g enc.t5g
    t5g-decode -n 8 --adapter "$golden/tiny/decoder" -o b.t5g own.t5g
    t5g-frame diff a.t5g b.t5g
    t5g-decode -n 8 -o base.t5g enc.t5g
    status_is 1 t5g-frame diff a.t5g base.t5g
}

@test "an adapter of the encoder: its outputs are not the base's, and not in its cache" {
    t5g-tokenize -e 'Hello world' -o ids.t5g
    t5g-encode --cache=c -o enc.t5g ids.t5g
    t5g-encode --cache=c --stats --adapter "$golden/tiny/attention" -o own.t5g ids.t5g 2> stats
    grep -q '0 hits' stats
    status_is 65 t5g-decode --adapter "$golden/tiny/attention" enc.t5g
    err_has 'encoder'
    status_is 65 t5g-decode own.t5g
    err_has 'tiny+attention'
    t5g-decode -n 4 --adapter "$golden/tiny/attention" -o dec.t5g own.t5g
}

@test "several adapters act together, in their order; T5G_ADAPTER names them too" {
    t5g-tokenize -e 'Hello world' -o ids.t5g
    t5g-encode --adapter "$golden/tiny/rslora" --adapter "$golden/tiny/head-lora" -o both.t5g ids.t5g
    T5G_ADAPTER=$golden/tiny/rslora:$golden/tiny/head-lora t5g-encode -o same.t5g ids.t5g
    t5g-frame diff both.t5g same.t5g
    T5G_ADAPTER=/nowhere t5g-encode --adapter "$golden/tiny/rslora" -o one.t5g ids.t5g
    status_is 1 t5g-frame diff both.t5g one.t5g
    # Sums commute; so the other order is nearly the same, with an identity of its own.
    t5g-encode --adapter "$golden/tiny/head-lora" --adapter "$golden/tiny/rslora" -o other.t5g ids.t5g
    t5g-frame diff --atol 1e-4 both.t5g other.t5g || [ $? = 1 ]
    status_is 65 t5g-decode --adapter "$golden/tiny/head-lora" --adapter "$golden/tiny/rslora" both.t5g
}

# apart A B: how far encoder outputs are from each other, as a share of their size.
apart() {
    for f in "$1" "$2"; do t5g-frame export --jsonl "$f"; done | python3 -c '
import json, sys
import numpy as np
a, b = (np.array(next(f for f in json.loads(line)["frames"] if f["name"] == "encoder.out")["data"]) for line in sys.stdin)
print(np.sqrt(((a - b) ** 2).mean() / (b ** 2).mean()))'
}

@test "over weights in 8, 6 and 4 bits, which stay as they are: as near as the weights alone" {
    model tiny
    ids_of attention > ids.t5g
    a=$at/attention
    t5g-encode -o base.t5g ids.t5g
    t5g-encode --adapter "$a" -o own.t5g ids.t5g
    for weights in q8 q6 q4; do
        t5g-pack --weights $weights --calibrate off -o m.$weights "$tiny"
        T5G_MODEL=m.$weights t5g-encode -o base.$weights ids.t5g
        T5G_MODEL=m.$weights t5g-encode --adapter "$a" -o own.$weights ids.t5g
        alone=$(apart base.$weights base.t5g) with=$(apart own.$weights own.t5g)
        echo "$weights: $alone alone, $with with the adapter"
        python3 -c 'import sys; a, b = map(float, sys.argv[1:]); sys.exit(not b < 2 * a)' "$alone" "$with"
        T5G_MODEL=m.$weights t5g-decode --adapter "$a" -n 4 -o dec.$weights own.$weights
        T5G_MODEL=m.$weights t5g-encode -t 3 --adapter "$a" ids.t5g | t5g-frame diff own.$weights -
    done
    # Where nothing was added, the difference is of another order.
    python3 -c 'import sys; sys.exit(not float(sys.argv[1]) > 0.5)' "$(apart base.t5g own.t5g)"
}

# damaged WHAT: adapter `bad`, tiny/attention changed by Python with `t` (tensors) and `c` (settings).
damaged() {
    rm -rf bad
    cp -r "$golden/tiny/${2:-attention}" bad
    python3 - "$1" <<'PY'
import json, struct, sys
import numpy as np
path = "bad/adapter_model.safetensors"
with open(path, "rb") as f:
    n = struct.unpack("<Q", f.read(8))[0]
    head = json.loads(f.read(n))
    data = f.read()
head.pop("__metadata__", None)
t = {k: (v["dtype"], v["shape"], data[slice(*v["data_offsets"])]) for k, v in head.items()}
c = json.load(open("bad/adapter_config.json"))
q = "base_model.model.model.decoder.layers.0.self_attn.q_proj.lora_"
exec(sys.argv[1])
head, at = {}, 0
for k, (dtype, shape, b) in t.items():
    head[k] = dict(dtype=dtype, shape=shape, data_offsets=[at, at + len(b)])
    at += len(b)
text = json.dumps(head).encode()
text += b" " * (-len(text) % 8)
with open(path, "wb") as f:
    f.write(struct.pack("<Q", len(text)) + text + b"".join(b for _, _, b in t.values()))
json.dump(c, open("bad/adapter_config.json", "w"))
PY
}

# refused TEXT...: every program refuses `bad` with one line with all the texts, and writes nothing.
refused() {
    t5g-tokenize -e 'Hello world' -o ids.t5g
    for program in t5g-encode t5g-decode t5g-vision; do
        rm -f out
        status_is 65 $program --adapter bad -o out ids.t5g
        for text in "$@"; do
            err_has "$text"
        done
        [ ! -e out ]
    done
}

@test "a damaged adapter: all its faults in one message" {
    damaged 'del t[q + "B.weight"]'
    refused "q_proj.lora_A.weight': without its lora_B"
    damaged 't[q + "A.weight"] = ("F32", [4, 32], b"\0" * 512)'
    refused "q_proj.lora_A.weight': shape [4, 32], expected [4, 64]"
    damaged 't[q + "A.weight"] = ("F32", [4, 64], t[q + "A.weight"][2][:-4] + b"\0\0\xc0\x7f")'
    refused "q_proj.lora_A.weight': element 255 is not a finite number"
    damaged 't[q + "A.default.weight"] = t[q + "A.weight"]'
    refused "q_proj.lora_A" 'also there as'
    damaged 't[q + "A.weight"] = ("I32",) + t[q + "A.weight"][1:]'
    refused 'dtype i32, expected f32, bf16 or f16'
    damaged 't["base_model.model.model.decoder.layers.6.self_attn.q_proj.lora_A.weight"] = t[q + "A.weight"]'
    refused 'of no module of the model' 'was it trained on another model'
    damaged 't["base_model.model.model.decoder.layers.0.self_attn.q_norm.weight"] = ("F32", [32], b"\0" * 128)'
    refused 'layers.0.self_attn.q_norm.weight' 'not served: norms, of modules_to_save'
    [ "$(grep -c 'another model' err)" = 0 ]
    damaged 'for x in "weight", "bias": t["base_model.model.score.out_proj." + x] = ("F32", [2], b"\0" * 8)'
    refused 'score.out_proj.' "not served: a classifier's head, of modules_to_save"
    [ "$(grep -c 'another model' err)" = 0 ]
    damaged 't.clear()'
    refused 'no tensors'
    damaged 'c["r"] = 0'
    refused 'r: 0, expected a rank above 0'
    for r in 0 '"4"'; do
        damaged "c['r'] = $r"
        refused "r: $r, expected a rank above 0"
        [ "$(grep -c 'expected \[' err)" = 0 ]
    done
    damaged 'c["lora_alpha"] = "8"'
    refused 'lora_alpha: "8", expected a number'
    damaged 'c["r"] = 2; c["lora_alpha"] = None; c["bias"] = "all"; t.pop(q + "B.weight")'
    refused 'lora_alpha: null, expected a number' 'bias: "all", not served' 'without its lora_B' 'expected [2, 64]'
}

@test "settings that are not served are refused by name" {
    for setting in '"peft_type": "LOHA"' '"bias": "lora_only"' '"layer_replication": [[0, 2]]' \
        '"alora_invocation_tokens": [1]' '"use_qalora": true' '"lora_bias": true' '"target_parameters": ["x"]' \
        '"init_lora_weights": "pissa"' '"some_day": 1' '"rank_pattern": {"(?=q)": 1}' \
        '"alpha_pattern": {"((.{0,255}){0,255}){0,40}": 1}' '"rank_pattern": {"[[:alpha:]]": 1}' '"use_dora": 1'; do
        damaged "c.update({${setting//true/True}})"
        key=${setting#\"}
        refused "${key%%\"*}"
    done
    damaged 'c["use_dora"] = True'
    refused 'without its lora_magnitude_vector'
    damaged 'c["use_dora"] = False' dora
    refused 'and use_dora is not set'
    damaged 'c["ensure_weight_tying"] = True' embed
    refused 'ensure_weight_tying'
    [ "$(grep -o ensure_weight_tying err | wc -l)" = 1 ]
    damaged 'c["trainable_token_indices"] = [5, 640, 300, 301]' tokens-tied
    refused '640, expected an id of the model'
    [ "$(grep -o 640 err | wc -l)" = 1 ]
    damaged 'c["trainable_token_indices"] = None' tokens-tied
    refused 'no list for'
    damaged 'k = next(k for k in t if k.endswith("base_layer.weight")); t[k] = t[k][:2] + (b"\0" * len(t[k][2]),)' \
        embed-lora
    refused "base_layer.weight': differs from the model's own"
}

@test "an adapter that is not there, or is given as the model" {
    status_is 66 t5g-encode --adapter nowhere -o out /dev/null
    err_has 'nowhere: no such adapter'
    mkdir a
    echo '{"peft_type": "LORA", "r": 4, "lora_alpha": 8}' > a/adapter_config.json
    status_is 66 t5g-encode --adapter a -o out /dev/null
    err_has 'a/adapter_model.safetensors'
    : > a/adapter_model.bin
    status_is 66 t5g-encode --adapter a -o out /dev/null
    err_has 'save_pretrained()'
    status_is 66 t5g-encode -m "$golden/tiny/attention" -o out /dev/null
    err_has '--adapter'
}

@test "what is no adapter: what it is, and what to give" {
    a=$golden/tiny/attention
    cp -r "$tiny" model
    t5g-pack -o packed.t5g "$tiny"
    t5g-tokenize -e 'Hello world' -o ids.t5g
    mkdir -p run/checkpoint-9 run/checkpoint-20 run/checkpoint-30 peft/NAME empty half
    for to in run/checkpoint-9 run/checkpoint-20 peft/NAME; do cp "$a"/adapter_* $to; done
    cp "$a/adapter_model.safetensors" half
    export HF_HUB_CACHE=$PWD/hub
    folder=hub/models--some--adapter
    mkdir -p $folder/refs $folder/snapshots
    cp -r "$a" $folder/snapshots/abc
    printf abc > $folder/refs/main
    while IFS='|' read -r status given text; do
        status_is "$status" t5g-encode --adapter "$given" -o out ids.t5g
        err_has "$given: $text"
        [ ! -e out ]
    done << 'EOF'
66|model|a model, not an adapter: give it with -m
65|packed.t5g|a packed model, not an adapter: give it with -m
65|ids.t5g|a stream of documents, not an adapter
65|half/adapter_model.safetensors|a file, expected the folder of an adapter
66|half|no adapter_config.json beside adapter_model.safetensors
66|run|the folder of a training run: give one of its checkpoints, the last is run/checkpoint-20
66|peft|no adapter_config.json; there is an adapter in peft/NAME
66|empty|no adapter_config.json (an adapter is a folder
66|hub/models--some--adapter|a folder of the hub's cache: give OWNER/NAME, or the snapshot in it, hub/models--some--adapter/snapshots/abc
66|some/other|no such folder, and not in the hub's cache
66|/dev/null|not a folder with an adapter
EOF
    t5g-encode --adapter some/adapter -o hub.t5g ids.t5g
    t5g-encode --adapter "$a" -o own.t5g ids.t5g
    t5g-frame diff hub.t5g own.t5g
}

@test "an output matrix of modules_to_save, beside another adapter that changes it: refused" {
    model tiny
    ids_of head > ids.t5g
    for pair in 'head head-lora' 'head-lora head' 'head tokens-tied' 'tokens-tied head'; do
        status_is 65 t5g-encode --adapter "$at/${pair% *}" --adapter "$at/${pair#* }" -o out ids.t5g
        err_has "$at/${pair#* }: tensor 'base_model.model."
        err_has 'not served behind an adapter that'
    done
    t5g-encode --adapter "$at/head" --adapter "$at/attention" -o out ids.t5g
}

@test "a FIFO in an adapter is not waited for" {
    cp -r "$golden/tiny/attention" a
    for file in adapter_model.safetensors adapter_config.json; do
        rm a/$file
        mkfifo a/$file
        status_is 66 timeout 10 t5g-encode --adapter a -o out /dev/null
        err_has "a/$file: not a regular file"
    done
}

@test "results do not depend on threads, nor on the documents beside" {
    printf 'Hello world\nThe work of a day\na b c d e f g h i j k l m n o p q r s t u v w\n' > lines
    export T5G_ADAPTER=$golden/tiny/rslora
    for t in 1 3; do
        t5g-tokenize -l lines | t5g-encode -t $t | t5g-decode -t $t -p 'one two' -n 8 --logprobs -o all.$t
    done
    t5g-frame diff all.1 all.3
    t5g-frame export --jsonl all.1 > together
    while read -r line; do
        t5g-tokenize -l - <<< "$line" | t5g-encode | t5g-decode -p 'one two' -n 8 --logprobs | t5g-frame export --jsonl
    done < lines | sed 's/"id":"[^"]*"//' | diff - <(sed 's/"id":"[^"]*"//' together)
}

@test "t5g-pack --adapter merges: the same results without the adapter, and the same identities" {
    model tiny
    for case in attention decoder head head-lora embed embed-lora tokens tokens-tied; do
        t5g-pack --adapter "$at/$case" -o m "$tiny"
        t5g-frame verify m
        ids_of $case > ids.t5g
        T5G_MODEL=m t5g-encode -o enc.t5g ids.t5g
        near $case encoder enc.t5g encoder.out
        T5G_MODEL=m t5g-decode -n 16 -o dec.t5g enc.t5g
        greedy $case dec.t5g
        t5g-decode --adapter "$at/$case" -n 16 -o beside.t5g enc.t5g
        greedy $case beside.t5g
    done
    for case in linear dora rslora; do
        t5g-pack --adapter "$at/$case" -o m "$tiny"
        t5g-tokenize -i "$T5G_TESTS/data/pictures/adam7.png" -e 'a <start_of_image> and more' | t5g-vision -m m -o seen.t5g
        near $case features seen.t5g image.feat
        t5g-encode -m m -o enc.t5g seen.t5g
        near $case encoder enc.t5g encoder.out
    done
}

@test "t5g-pack --list shows adapters and what they change" {
    at=$T5G_TESTS/golden/adapters/tiny
    t5g-pack --list > plain
    t5g-pack --list --adapter "$at/decoder" > one
    grep -q "^adapter  *$at/decoder: 30 modules of decoder\$" one
    [ "$(grep ^encoder plain | head -n 1)" = "$(grep ^encoder one | head -n 1)" ]
    [ "$(grep ^decoder plain | head -n 1)" != "$(grep ^decoder one | head -n 1)" ]
    T5G_ADAPTER=$at/decoder:$at/linear t5g-pack --list > two
    grep -q "^adapter  *$at/linear: 96 modules of encoder, vision, decoder\$" two
    [ "$(grep -c ^adapter two)" = 2 ]
    t5g-pack --adapter "$at/decoder" -o merged.t5g
    t5g-pack --list merged.t5g > merged
    [ "$(grep ^decoder merged | head -n 1)" = "$(grep ^decoder one | head -n 1)" ]
}

@test "merged into bf16, and into 8 and 4 bits" {
    model tiny-gqa
    for case in attention embed-lora tokens; do
        ids_of $case > ids.t5g
        t5g-encode --adapter "$at/$case" -o own.t5g ids.t5g
        for most in keep:0.05 q8:0.2 q4:0.9; do
            weights=${most%:*}
            t5g-pack --weights $weights --adapter "$at/$case" -o m "$gqa"
            t5g-encode -m m ids.t5g -o enc.t5g
            away=$(apart enc.t5g own.t5g)
            echo "$case $weights: $away"
            python3 -c 'import sys; sys.exit(not float(sys.argv[1]) < float(sys.argv[2]))' "$away" ${most#*:}
            t5g-decode -m m -n 4 enc.t5g > dec.t5g
        done
    done
    t5g-pack --weights q8 --calibrate off -o q8 "$tiny"
    status_is 65 t5g-pack --adapter "$golden/tiny/attention" -o m2 q8
    err_has 'pack the checkpoint'
    [ ! -e m2 ]
    status_is 65 t5g-pack --adapter "$golden/tiny-gqa/attention" -o m2 "$tiny"
    err_has 'was it trained on another model'
}

# ---- several in one run, by name ----

# asked: enc.t5g, of two documents, a and b, made by the base.
asked() {
    printf '%s\n' '{"id":"a","text":"Hello world"}' '{"id":"b","text":"The work of a day"}' |
        t5g-tokenize --jsonl - | t5g-encode -o enc.t5g
}

# frames STREAM [ID...]: the frames of answers in STREAM, of these documents, without the name of an adapter.
frames() {
    t5g-frame export --jsonl "$1" | python3 -c '
import json, sys
for line in sys.stdin:
    d = json.loads(line)
    for f in d["frames"]:
        if f["name"].startswith("decode.") and (not sys.argv[1:] or d["id"] in sys.argv[1:]):
            f.pop("adapter", None)
            f.get("meta", {}).pop("adapter", None)
            print(d["id"], json.dumps(f, sort_keys=True))' "${@:2}"
}

# names STREAM: the name of the adapter of every answer, "-" without one.
names() {
    t5g-detok --jsonl "$1" | python3 -c '
import json, sys
print(*(json.loads(line).get("adapter", "-") for line in sys.stdin))'
}

# head_adapter: make `head`, an adapter of decoder and output matrix.
head_adapter() {
    damaged 't = {k: v for k, v in t.items() if "encoder" not in k}' head-lora
    mv bad head
}

# two ARG...: t5g-decode with two named adapters.
two() {
    t5g-decode --adapter d="$golden/tiny/decoder" --adapter h-1.x=head "$@"
}

@test "two adapters and the base in one run: the bits of one at a time" {
    asked
    head_adapter
    for p in '{"prompt":"one two"%s}\n' '{"prompt":"three"%s}\n'; do
        for by in '' ',"adapter":"d"' ',"adapter":"h-1.x"'; do
            # shellcheck disable=SC2059
            printf "$p" "$by"
        done
    done > prompts
    for how in '-n 3 --num-beams 3 --num-return-sequences 2' '-n 3 --sample --attention mean' '--choice yes --choice no' \
        '-n 4 --stream --logprobs'; do
        read -ra o <<< "$how"
        t5g-decode "${o[@]}" -p 'one two' -p three -o base.t5g enc.t5g
        t5g-decode "${o[@]}" -p 'one two' -p three --adapter "$golden/tiny/decoder" -o d.t5g enc.t5g
        t5g-decode "${o[@]}" -p 'one two' -p three --adapter head -o h.t5g enc.t5g
        two "${o[@]}" --prompts-jsonl prompts -o all.t5g enc.t5g
        for id in a b; do
            for s in base d h; do
                frames $s.t5g $id
            done
        done | sort > want
        frames all.t5g | sort | diff want -
        frames base.t5g | cmp - <(frames d.t5g) && return 1
        frames d.t5g | cmp - <(frames h.t5g) && return 1
    done
    two -n 2 --prompts-jsonl prompts -o all.t5g enc.t5g
    [ "$(names all.t5g)" = '- d h-1.x - d h-1.x - d h-1.x - d h-1.x' ]
    # The order is that of the prompts.
    t5g-detok --jsonl all.t5g | grep -o '"prompt":"[a-z ]*"' | uniq -c | tr -s ' \n' ' ' > order
    [ "$(cat order)" = ' 3 "prompt":"one two" 3 "prompt":"three" 3 "prompt":"one two" 3 "prompt":"three" ' ]
    # HEAD tells the adapters.
    t5g-detok --jsonl --provenance all.t5g > made
    grep -q '"adapters":{"d":{"identity":"[0-9a-f]\{32\}","source":"tiny+decoder"},"h-1.x":' made
}

@test "a document chooses, and a prompt's own choice wins" {
    head_adapter
    printf '%s\n' '{"id":"a","text":"Hello world","adapter":"d"}' '{"id":"b","text":"a day"}' \
        '{"id":"c","text":"a day","adapter":null}' '{"id":"e","text":"a b","adapter":"h-1.x","prompt":"so"}' > docs
    t5g-tokenize --jsonl docs | t5g-vision | t5g-encode -o enc.t5g
    two -n 4 --keep -o one.t5g enc.t5g
    [ "$(names one.t5g)" = 'd - - h-1.x' ]
    sed 's/,"adapter":"[a-z0-9.-]*"//' docs | t5g-tokenize --jsonl - | t5g-encode -o plain.t5g
    t5g-decode -n 4 -o base.t5g plain.t5g
    t5g-decode -n 4 --adapter "$golden/tiny/decoder" -o d.t5g plain.t5g
    t5g-decode -n 4 --adapter head -o h.t5g plain.t5g
    diff <(frames one.t5g) <(frames d.t5g a; frames base.t5g b c; frames h.t5g e)
    # What is decoded again chooses again.
    two -n 4 --keep one.t5g | t5g-frame diff one.t5g -
    printf '%s\n' '{"prompt":"x"}' '{"prompt":"y","adapter":"d"}' '{"prompt":"z","adapter":null}' > prompts
    two -n 2 --prompts-jsonl prompts -o all.t5g enc.t5g
    [ "$(names all.t5g)" = 'd d d - d - - d - h-1.x d h-1.x' ]
    two -n 2 --prompts-jsonl - enc.t5g < prompts | t5g-detok --jsonl | diff <(t5g-detok --jsonl all.t5g) -
}

@test "an adapter that is not there by name: the document's fault, or that of the file of prompts" {
    printf '%s\n' '{"id":"a","text":"a b","adapter":"fr"}' '{"id":"b","text":"a day","adapter":"d"}' '{"id":"c","text":"x"}' |
        t5g-tokenize --jsonl - | t5g-encode -o enc.t5g
    head_adapter
    status_is 3 two -n 2 -o dec.t5g enc.t5g
    err_has "a: adapter 'fr': the run has none of this name"
    t5g-frame ls --frames dec.t5g > frames 2> /dev/null || [ $? = 3 ]
    [ "$(grep -c '"code":65' frames)" = 1 ]
    [ "$(names dec.t5g 2> /dev/null)" = '- d -' ]
    status_is 3 t5g-decode -n 2 -o dec.t5g enc.t5g
    err_has_line "b: adapter 'd'"
    printf '%s\n' '{"prompt":"x"}' '{"prompt":"y","adapter":"fr"}' > prompts
    status_is 65 two --prompts-jsonl prompts -o out enc.t5g
    err_has "prompts: line 2: adapter 'fr'"
    echo '{"prompt":"y","adapter":1}' > prompts
    status_is 65 two --prompts-jsonl prompts -o out enc.t5g
    err_has 'prompts: line 1: "adapter": expected a string'
    status_is 3 t5g-tokenize --jsonl - -o out <<< '{"text":"x","adapter":[]}'
    err_has '"adapter": expected a string'
    status_is 66 t5g-decode --adapter x=nowhere -o out enc.t5g
    err_has "adapter 'x'"
    err_has 'nowhere: no such adapter'
    status_is 64 t5g-decode --adapter x= -o out enc.t5g
    err_has '--adapter x=: no directory'
    # With a slash before it, '=' is part of a path.
    cp -r "$golden/tiny/decoder" 'p=q'
    t5g-decode --adapter './p=q' -n 2 -o out <(t5g-tokenize -e hey | t5g-encode)
}

@test "a name's adapters act together, on top of those without a name" {
    asked
    head_adapter
    echo '{"prompt":"","adapter":"x"}' > prompts
    t5g-decode -n 4 --logprobs -p '' --adapter "$golden/tiny/decoder" --adapter head -o both.t5g enc.t5g
    t5g-decode -n 4 --logprobs --adapter "$golden/tiny/decoder" --adapter x=head \
        --prompts-jsonl prompts -o on.t5g enc.t5g
    diff <(frames both.t5g) <(frames on.t5g)
    T5G_ADAPTER=$golden/tiny/decoder t5g-decode -n 4 --logprobs --adapter x=head \
        --prompts-jsonl prompts enc.t5g | t5g-frame diff on.t5g -
    t5g-decode -n 4 --logprobs --adapter x="$golden/tiny/decoder" --adapter x=head \
        --prompts-jsonl prompts -o one.t5g enc.t5g
    diff <(frames both.t5g) <(frames one.t5g)
}

@test "a named adapter of the encoder answers from outputs made with it, and others do not" {
    printf '%s\n' '{"id":"a","text":"a b","adapter":"e"}' '{"id":"b","text":"a day","adapter":"d"}' '{"id":"c","text":"x"}' |
        t5g-tokenize --jsonl - -o ids.t5g
    t5g-encode -o enc.t5g ids.t5g
    t5g-encode --adapter "$golden/tiny/attention" -o own.t5g ids.t5g
    e=(--adapter e="$golden/tiny/attention" --adapter d="$golden/tiny/decoder" -n 2)
    status_is 3 t5g-decode "${e[@]}" -o base.t5g enc.t5g
    err_has "a: adapter 'e': "
    err_has 'tiny+attention'
    [ "$(names base.t5g 2> /dev/null)" = '- d -' ]
    status_is 3 t5g-decode "${e[@]}" -o dec.t5g own.t5g
    err_has_line "b: adapter 'd': "
    err_has_line "c: encoder output of another encoder"
    [ "$(names dec.t5g 2> /dev/null)" = 'e - -' ]
    t5g-decode "${e[@]}" --force -o dec.t5g enc.t5g
    [ "$(names dec.t5g)" = 'e d -' ]
    # No model of the run: it ends at once.
    t5g-encode --adapter "$golden/tiny/rslora" -o other.t5g ids.t5g
    status_is 65 t5g-decode "${e[@]}" -o out other.t5g
    [ ! -e out ]
}
