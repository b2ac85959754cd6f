#!/usr/bin/env bats
# Which model's streams another model takes: those made by a part that both have.
load common

# tensors FROM TO VERB PATTERN: a copy of the model FROM, in which the tensors whose names match are negated or
# dropped, or renamed to the names after an arrow in PATTERN.
tensors() {
    mkdir "$2"
    cp "$1"/*.json "$2"
    python3 - "$1/model.safetensors" "$2/model.safetensors" "$3" "$4" <<'PY'
import json, re, struct, sys
source, to, verb, pattern = sys.argv[1:]
blob = open(source, 'rb').read()
n = struct.unpack('<Q', blob[:8])[0]
head, data = json.loads(blob[8:8 + n]), blob[8 + n:]
out, kept, hits = {'__metadata__': {'format': 'pt'}}, b'', 0
for name, t in head.items():
    if name == '__metadata__':
        continue
    a, b = t['data_offsets']
    piece = bytearray(data[a:b])
    if re.search(pattern.split('->')[0], name):
        hits += 1
        if verb == 'drop':
            continue
        if verb == 'negate':
            piece[3::4] = bytes(x ^ 0x80 for x in piece[3::4])
        if verb == 'rename':
            name = pattern.split('->')[1]
    out[name] = dict(t, data_offsets=[len(kept), len(kept) + len(piece)])
    kept += piece
assert hits > 0
text = json.dumps(out).encode()
text += b' ' * (-len(text) % 8)
open(to, 'wb').write(struct.pack('<Q', len(text)) + text + kept)
PY
}

# The base, fine-tuned in the decoder alone.
tuned() { tensors "$tiny" tuned negate '^model.decoder.layers.[0-2].mlp.down_proj'; }

# counts PROGRAM ARGUMENT...: "hits misses stored"
counts() {
    "$@" --stats 2>&1 > /dev/null | sed -n 's/.*cache: \([0-9]*\) hits, \([0-9]*\) misses, \([0-9]*\) stored.*/\1 \2 \3/p'
}

# older NEW OLD: the same stream, with one identity for all parts, as earlier versions wrote it.
older() {
    rm -rf arrays
    t5g-frame export --npy arrays "$1"
    sed -i -E '1s/"(encoder|vision|decoder)":("[0-9a-f]*"),"source":"[^"]*"/"model":\2/g' arrays/index.jsonl
    t5g-frame import --npy arrays -o "$2"
}

@test "a model tuned in the decoder alone answers from the base's encoder outputs as from its own" {
    tuned
    t5g-tokenize -e 'Hello world' -e 'The work of a day' -o ids.t5g
    t5g-encode --cache=c -o base.t5g ids.t5g
    t5g-encode -m tuned -o own.t5g ids.t5g
    t5g-frame diff base.t5g own.t5g
    for form in '' '--num-beams 3 --num-return-sequences 3'; do
        # shellcheck disable=SC2086 # several words
        t5g-decode -m tuned -n 12 --logprobs $form -o a.t5g base.t5g
        # shellcheck disable=SC2086
        t5g-decode -m tuned -n 12 --logprobs $form -o b.t5g own.t5g
        t5g-frame diff a.t5g b.t5g
        # shellcheck disable=SC2086
        t5g-decode -n 12 --logprobs $form -o c.t5g own.t5g
        status_is 1 t5g-frame diff a.t5g c.t5g > /dev/null # the decoder is another
    done
    # Every document is found in the cache, in both directions.
    [ "$(counts t5g-encode -m tuned --cache=c ids.t5g)" = "2 0 0" ]
    t5g-encode -m tuned --cache=c ids.t5g | t5g-frame diff - base.t5g
    [ "$(counts t5g-encode -m tuned --cache=d ids.t5g)" = "0 2 2" ]
    [ "$(counts t5g-encode --cache=d ids.t5g)" = "2 0 0" ]
    # Its packed forms have that encoder too.
    t5g-pack --weights q8 -o q.t5g tuned
    t5g-decode -m q.t5g -n 3 base.t5g > /dev/null
    t5g-pack -o k.t5g tuned
    t5g-decode -m k.t5g -n 12 --logprobs --num-beams 3 --num-return-sequences 3 base.t5g | t5g-frame diff - b.t5g
    [ "$(counts t5g-encode -m k.t5g --cache=c ids.t5g)" = "2 0 0" ]
}

@test "HEAD names the parts that made what is in a stream, and their sources" {
    tuned
    t5g-tokenize -i "$T5G_TESTS/data/number.png" -o ids.t5g
    t5g-vision ids.t5g | t5g-encode | t5g-decode -m tuned -n 2 -o dec.t5g
    t5g-frame ls --frames dec.t5g | head -n 1 | cut -f 5 > pg
    grep -qE '"id":"t5g-vision","vn":"[^"]*","vision":"[0-9a-f]{32}","source":"tiny","num"' pg
    grep -qE '"id":"t5g-encode","vn":"[^"]*","tok":"[^"]*","encoder":"[0-9a-f]{32}","source":"tiny","num"' pg
    grep -qE '"id":"t5g-decode","vn":"[^"]*","tok":"[^"]*","decoder":"[0-9a-f]{32}","source":"tuned","num"' pg
    t5g-detok --jsonl --provenance dec.t5g > record
    grep -qE '"vision":\{"identity":"[0-9a-f]{32}","source":"tiny"\}' record
    grep -qE '"decoder":\{"identity":"[0-9a-f]{32}","source":"tuned"\}' record
    # A packed model has the name of its source; a name of the hub is taken from the path.
    t5g-pack --weights q4 -o packed.t5g tuned
    t5g-encode -m packed.t5g ids.t5g 2> /dev/null | grep -qa '"source":"tuned"'
    mkdir -p hub/models--some--model/snapshots
    cp -r "$tiny" hub/models--some--model/snapshots/0123abc
    t5g-tokenize -e a | t5g-encode -m hub/models--some--model/snapshots/0123abc | grep -qa '"source":"some/model"'
    cd tuned
    t5g-tokenize -e a | t5g-encode -m . | grep -qa '"source":"tuned"'
    cd ..
    # Of sentence-transformers, the directory that the user knows.
    mkdir -p minilm/1_Pooling
    cp -r "$tiny" minilm/0_Transformer
    echo '[{"idx":0,"name":"0","path":"0_Transformer","type":"sentence_transformers.models.Transformer"},
        {"idx":1,"name":"1","path":"1_Pooling","type":"sentence_transformers.models.Pooling"}]' > minilm/modules.json
    echo '{"word_embedding_dimension":64,"pooling_mode_mean_tokens":true}' > minilm/1_Pooling/config.json
    t5g-tokenize -e a | t5g-encode -m minilm | grep -qa '"source":"minilm"'
    # No document shows it.
    cp -r "$tiny" renamed
    t5g-tokenize -e a | t5g-encode -o a.t5g
    t5g-tokenize -e a | t5g-encode -m renamed | t5g-frame diff - a.t5g
}

@test "another encoder is refused, with its part and both sources" {
    tensors "$tiny" other negate '^model.encoder.layers.5.mlp.up_proj'
    make_streams
    status_is 65 t5g-decode -m other -n 2 -o out enc.t5g
    err_has "enc.t5g: encoder output of another encoder: made by 'tiny' ("
    err_has "), this model is 'other' ("
    err_has ') (--force accepts it)'
    status_is 65 t5g-encode -m other -o out enc.t5g
    err_has "encoder output of another encoder: made by 'tiny' ("
    [ ! -e out ]
    t5g-decode -m other --force -n 2 enc.t5g > /dev/null
    [ "$(counts t5g-encode --cache=c ids.t5g)" = "0 2 2" ]
    [ "$(counts t5g-encode -m other --cache=c ids.t5g)" = "0 2 2" ]
    # Two inputs are compared with each other.
    t5g-encode -m other -o other.t5g ids.t5g
    status_is 65 t5g-frame cat -o out enc.t5g other.t5g
    err_has "other.t5g: encoder output of another encoder: made by 'other' ("
    err_has "), earlier input by 'tiny' ("
    # The config that acts on it is part of it.
    cp -r "$tiny" config
    sed -i '/"text_config"/,$s/"rms_norm_eps": 1e-06/"rms_norm_eps": 1e-05/' config/config.json
    status_is 65 t5g-decode -m config -n 2 -o out enc.t5g
    err_has "encoder output of another encoder: made by 'tiny' ("
    cp -r "$tiny" of_decoder
    sed -i '0,/"rms_norm_eps": 1e-06/s//"rms_norm_eps": 1e-05/' of_decoder/config.json
    t5g-decode -m of_decoder -n 2 enc.t5g > /dev/null
}

@test "an encoder alone and the whole model take each other's outputs" {
    tensors "$tiny" alone drop '^(model.decoder|lm_head)'
    t5g-tokenize -e 'Hello world' -o ids.t5g
    t5g-encode -m alone --cache=c -o alone.t5g ids.t5g
    t5g-encode -o whole.t5g ids.t5g
    t5g-frame diff alone.t5g whole.t5g
    t5g-decode -n 4 alone.t5g > /dev/null
    [ "$(counts t5g-encode --cache=c ids.t5g)" = "1 0 0" ]
    t5g-encode -m alone --dtype bf16 whole.t5g > /dev/null
    # Tied weights may stand under another name.
    tensors "$tiny" tied rename '^model.encoder.embed_tokens.weight$->lm_head.out_proj.weight'
    t5g-decode -m tied -n 4 alone.t5g > /dev/null
    [ "$(counts t5g-encode -m tied --cache=c ids.t5g)" = "1 0 0" ]
    # A pipeline of two directories.
    t5g-encode -m alone ids.t5g | t5g-decode -n 4 | t5g-frame diff - <(t5g-decode -n 4 whole.t5g)
}

@test "image features are taken by every model with the same vision part" {
    tuned
    tensors "$tiny" eyes negate 'vision_tower.encoder.layers.1.mlp.fc2.weight'
    tensors "$tiny" ears negate '^model.encoder.layers.5.mlp.up_proj'
    t5g-tokenize -i "$T5G_TESTS/data/number.png" -o ids.t5g
    t5g-vision --cache=c -o feat.t5g ids.t5g
    for m in tuned ears; do
        t5g-encode -m $m feat.t5g > /dev/null
        [ "$(counts t5g-vision -m $m --cache=c ids.t5g)" = "1 0 0" ]
        t5g-vision -m $m feat.t5g > /dev/null
    done
    [ "$(counts t5g-vision -m eyes --cache=c ids.t5g)" = "0 1 1" ]
    status_is 65 t5g-encode -m eyes -o out feat.t5g
    err_has "feat.t5g: image features of another vision part: made by 'tiny' ("
    err_has "), this model is 'eyes' ("
    t5g-encode -m eyes --force feat.t5g > /dev/null
    # The encoder is the same, but what it encoded is not.
    t5g-encode -o enc.t5g feat.t5g
    status_is 65 t5g-decode -m eyes -n 2 -o out enc.t5g
    err_has 'image features of another vision part'
    t5g-tokenize -e hi | t5g-encode | t5g-decode -m eyes -n 2 > /dev/null
    [ ! -e out ]
}

@test "answers of several decoders: encoder outputs go on, answers are not mixed" {
    tuned
    t5g-tokenize -e 'Hello world' | t5g-encode | t5g-decode --keep -n 3 -o one.t5g
    t5g-decode -m tuned --keep -n 3 -o two.t5g one.t5g
    t5g-frame ls --frames two.t5g | head -n 1 | grep -qE '"decoder":"[0-9a-f]*","source":"tiny".*"source":"tuned"'
    t5g-decode -n 3 -o both.t5g one.t5g two.t5g
    status_is 65 t5g-frame cat -o out one.t5g two.t5g
    err_has "two.t5g: output of another decoder: made by 'tuned' ("
    err_has "earlier input by 'tiny' ("
    t5g-frame cat --force -o out one.t5g two.t5g
}

@test "streams of earlier versions are read, and refused with the reason" {
    make_streams
    older enc.t5g old.t5g
    grep -qaE '"model":"[0-9a-f]{32}"' old.t5g
    [ "$(grep -ca '"encoder":' old.t5g)" = 0 ]
    t5g-frame verify old.t5g
    for p in 't5g-decode -n 2' t5g-encode; do
        status_is 65 $p -o out old.t5g
        err_has 'old.t5g: made by an earlier version, which had one identity for a whole model ('
        err_has "whether that was the same encoder as that of 'tiny' is not known (--force accepts it)"
        [ ! -e out ]
    done
    t5g-decode -n 4 --force old.t5g | t5g-frame diff - dec.t5g
    t5g-encode --force old.t5g | t5g-decode -n 4 | t5g-frame diff - dec.t5g # and is named from then on
    status_is 65 t5g-frame cat -o out old.t5g enc.t5g
    err_has 'enc.t5g: earlier input was made by an earlier version'
    status_is 65 t5g-frame cat -o out enc.t5g old.t5g
    err_has 'old.t5g: made by an earlier version'
    t5g-frame cat old.t5g old.t5g > /dev/null
    older dec.t5g answers.t5g
    t5g-detok answers.t5g | cmp - <(t5g-detok dec.t5g)
    t5g-detok --jsonl --provenance answers.t5g | grep -qE '"model":"[0-9a-f]{32}"'
}

# table FILE: the rows of weights as PART TYPE TENSORS PARAMETERS, the part repeated where it is left out.
table() {
    awk '/^part +weights/ { on = 1; next }
        on { part = substr($0, 1, 19); gsub(/ +$/, "", part); if (part != "") last = part
             split(substr($0, 20), x, " "); gsub(/,/, ""); $0 = substr($0, 20)
             if (last == "all") print last, $1, $2; else print last, $1, $2, $3 }' "$1"
}

@test "t5g-pack --list and t5g-frame ls: what a model is made of" {
    t5g-pack --list > shown # the default model, a directory
    t5g-pack --list -m "$tiny" > shown
    grep -qx 'source             tiny' shown
    grep -qx 'weights            f32' shown
    [ "$(table shown | tr '\n' ';')" = 'embedding f32 2 41024;encoder f32 79 272320;decoder f32 79 272320;vision f32 39 39632;all 199 625296;' ]
    t5g-tokenize -e a | t5g-encode | t5g-decode -n 1 > dec.t5g
    for part in encoder decoder; do
        id=$(sed -n "s/^$part  *\([0-9a-f]\{32\}\)$/\1/p" shown)
        [ ${#id} = 32 ]
        grep -qa "\"$part\":\"$id\"" dec.t5g
    done
    grep -qa "\"tok\":\"$(sed -n 's/^tokenizer *//p' shown)\"" dec.t5g
    # Packed, the parts and identities stay; types and sizes are those of the file.
    t5g-pack -o keep.t5g "$tiny"
    t5g-pack --weights q4 -o small.t5g "$tiny"
    t5g-pack --list keep.t5g > keep
    t5g-pack --list small.t5g > small
    grep -v -e '^model' -e 'file' -e screen -e '^ ' -e '^all' shown > same
    grep -v -e '^model' -e 'file' -e screen -e '^ ' -e '^all' keep | cmp - same
    grep -qx 'source             tiny' small
    grep -qx 'weights            q4' small
    cmp <(sed -n '/^part *identity/,/^$/p' small) <(sed -n '/^part *identity/,/^$/p' shown)
    for row in 'embedding q8 1 ' 'encoder q4 42 ' 'decoder q4 42 ' 'vision q4 '; do
        table small | grep -q "^$row"
    done
    [ "$(table small | sed -n 's/^all [0-9]* //p')" = 625296 ]
    t5g-frame ls small.t5g | cmp - small
    t5g-frame ls dec.t5g small.t5g dec.t5g > both
    t5g-frame ls dec.t5g | cat - small <(t5g-frame ls dec.t5g) | cmp - both
    # What is asked for otherwise is what it was, and a damaged file is reported as a stream.
    [ "$(t5g-frame ls --totals small.t5g | cut -d ' ' -f 1)" = 1 ]
    [ "$(t5g-frame ls < small.t5g | wc -l)" = 1 ]
    head -c 20000 small.t5g > cut.t5g
    status_is 76 t5g-frame ls cut.t5g
    status_is 64 t5g-pack --list -o x "$tiny"
    status_is 64 t5g-pack --list --weights q8 "$tiny"
    status_is 66 t5g-pack --list nowhere
    [ ! -e x ]
}
