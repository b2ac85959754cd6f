#!/usr/bin/env bats
# Tokenizers of T5 and its successors, from a directory without weights, and in a packed model.
load common

setup_file() {
    export XDG_CACHE_HOME=$BATS_FILE_TMPDIR/cache
}

small=$T5G_TESTS/data/tokenizers

@test "text to ids and back" {
    for m in t5 t5-4x umt5 madlad t5-sp mt5; do
        t5g-tokenize -m "$small/$m" -e 'The house, is it here, they  don'\''t know.' -o ids.t5g
        [ "$(t5g-detok -m "$small/$m" --input ids.t5g)" = "The house, is it here, they don't know." ]
    done
}

@test "spaces before punctuation go where the tokenizer says so, across frames" {
    cp -r "$small/t5" own
    chmod -R u+w own
    t5g-tokenize -m own -e "a . b ' c , do n't ' s" -o ids.t5g
    [ "$(t5g-detok -m own --input ids.t5g)" = "a. b'c, don't's" ]
    sed -i 's/"clean_up_tokenization_spaces": true/"clean_up_tokenization_spaces": false/' own/tokenizer_config.json
    [ "$(t5g-detok -m own --force --input ids.t5g)" = "a . b ' c , do n't ' s" ]
    status_is 65 t5g-detok -m own --input ids.t5g
    err_has 'merges or scores'
}

@test "unknown characters are bytes, or one unknown token" {
    t5g-tokenize -m "$small/umt5" -e '𓀀' | t5g-detok -m "$small/umt5" --input > text
    [ "$(cat text)" = 𓀀 ]
    t5g-tokenize -m "$small/t5" -e 'a𓀀𓀁b' | t5g-detok -m "$small/t5" --input --all > text
    [ "$(cat text)" = 'a<unk>b</s>' ]
}

@test "ByT5 has bytes, and a file that says no more than that" {
    [ "$(t5g-tokenize -m "$small/byt5" -e 'é </s>  <extra_id_0>x' | t5g-detok -m "$small/byt5" --input --all)" = 'é</s><extra_id_0>x</s>' ]
    mkdir own
    echo '{"tokenizer_class": "ByT5Tokenizer", "extra_ids": -1}' > own/tokenizer_config.json
    status_is 65 t5g-tokenize -m own -e a -o out.t5g
    err_has 'own/tokenizer_config.json: extra_ids: expected a number'
    echo '{"tokenizer_class": "T5Tokenizer"}' > own/tokenizer_config.json
    status_is 66 t5g-tokenize -m own -e a -o out.t5g
    err_has 'no tokenizer.json'
}

@test "extra ids are sentinels" {
    t5g-tokenize -m "$small/t5" --infill --sentinel extra_id_ --first 0 -e 'the <gap> of <gap>' -o ids.t5g
    t5g-detok -m "$small/t5" --input --all ids.t5g > text
    [ "$(cat text)" = 'the<extra_id_0> of<extra_id_1></s>' ]
}

@test "a packed model carries its tokenizer" {
    mkdir model
    cp "$tiny"/*.json "$tiny"/*.safetensors model
    rm -f model/special_tokens_map.json model/added_tokens.json
    cp "$small"/t5/*.json model
    t5g-pack --weights keep -o p.t5g model
    t5g-tokenize -m model -e 'ﬁnd the ＡＢ house <extra_id_3>' > ids.t5g
    t5g-tokenize -m p.t5g -e 'ﬁnd the ＡＢ house <extra_id_3>' | cmp ids.t5g -
    t5g-detok -m p.t5g --input ids.t5g > text
    [ "$(cat text)" = 'find the AB house' ]
}
