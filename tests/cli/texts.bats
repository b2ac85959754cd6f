#!/usr/bin/env bats
# What t5g-tokenize puts around a text, and leaves out: --no-bos, --template.
load common

# ids ARGUMENTS...: the token ids of each document, a line each.
ids() { t5g-tokenize "$@" | t5g-frame export --jsonl | sed 's/.*"data":\[\([^]]*\)\].*/\1/'; }

@test "--no-bos leaves the post-processor out, and nothing else" {
    [ "$(ids -e 'Hello <bos>world')" = "2,$(ids --no-bos -e 'Hello <bos>world')" ]
    t5g-tokenize --no-bos -e 'Hello world' | t5g-detok --input --all > got
    printf 'Hello world\n' | cmp - got
    # The identity of the tokenizer remains: both are for the same decoder.
    t5g-tokenize --no-bos -e a > a.t5g
    t5g-tokenize -e a > b.t5g
    t5g-encode a.t5g b.t5g | t5g-frame ls | grep -c 'encoder.out' | grep -qx 2
}

@test "--no-bos: an empty text has no token, and fails" {
    printf 'one\n\ntwo\n' > l
    status_is 3 t5g-tokenize -l --no-bos l -o out.t5g
    err_has 'l:2: no text, to which --no-bos adds no token'
    [ "$(t5g-frame ls out.t5g | cut -f 1 | tr '\n' ' ')" = "l:1 l:2 l:3 " ]
}

@test "--no-bos: pieces have no <bos> either, and are as long as allowed" {
    ids --no-bos -e 'one two three four five six seven' | tr , '\n' > whole
    t5g-tokenize --no-bos --max-tokens 2 --too-long split -e 'one two three four five six seven' |
        t5g-frame export --jsonl | sed 's/.*"data":\[\([^]]*\)\].*/\1/' > pieces
    tr , '\n' < pieces | cmp whole -
    head -n 1 pieces | grep -q ,
    status_is 0 t5g-tokenize --no-bos --max-tokens 1 --too-long cut -e 'one two' -o cut.t5g
    t5g-frame ls cut.t5g | grep -q 'i32\[1\]'
}

@test "--template is around every text, byte for byte" {
    printf 'first\nsecond\n' > l
    printf 'first\0second' > z
    printf '{"text":"first"}\n{"text":"second"}\n' > j
    printf 'first' > first
    printf 'second' > second
    t=$'<Document>: {text}\n{} {Text}'
    ids -e $'<Document>: first\n{} {Text}' -e $'<Document>: second\n{} {Text}' > want
    for how in '-l l' '-0 z' '--jsonl j' 'first second' '-e first -e second'; do
        # shellcheck disable=SC2086 # several words
        ids --template "$t" $how | cmp want -
    done
    ids --template 'a {text} b' -e '{text}' > got
    ids -e 'a {text} b' | cmp got -
    [ "$(ids --template 'x{text}' -e '')" = "$(ids -e x)" ]
    [ "$(ids --no-bos --template 'a{text}' -e b)" = "$(ids --no-bos -e ab)" ]
    tar -cf t.tar --transform 's/$/.txt/' first second
    ids --template "$t" t.tar | cmp want -
}

@test "--template is around the text of pictures, and not around pictures alone" {
    cp "$T5G_TESTS/data/number.png" p.png
    t5g-tokenize --template 'see {text}.' -i p.png -e '<start_of_image> there' -o a.t5g
    t5g-tokenize -i p.png -e 'see <start_of_image> there.' -o b.t5g
    t5g-frame diff a.t5g b.t5g
    t5g-tokenize --template 'see {text}.' -i p.png -o a.t5g
    t5g-tokenize -i p.png -o b.t5g
    t5g-frame diff a.t5g b.t5g
}

@test "--template without its field, with two, or ill-formed" {
    for t in 'no field' '{Text}' '{text' '{text} and {text}' $'\xff{text}'; do
        status_is 64 t5g-tokenize --template "$t" -e a -o out
        [ ! -e out ]
    done
    status_is 64 t5g-tokenize --template none -e a -o out
    err_has_line '--template: no {text} where the text belongs'
    status_is 64 t5g-tokenize --template '{text}{text}' -e a -o out
    err_has_line '--template: more than one {text}'
}

@test "--no-bos and pan and scan: several views of a picture have no <bos> either" {
    cp -r "$tiny" model
    chmod -R u+w model
    sed -i 's/"do_resize"/"pan_and_scan_min_crop_size": 16, "do_resize"/' model/processor_config.json
    { printf 'P6\n60 20\n255\n'; head -c 3600 "$tiny/model.safetensors"; } > wide.ppm
    for how in --no-bos --keep-newline; do
        t5g-tokenize -m model $how -e 'a <start_of_image>' -i wide.ppm | t5g-vision -m model --pan-and-scan -o v.t5g
        [ "$(t5g-frame ls v.t5g | grep -o image.feat | wc -l)" -gt 1 ]
        t5g-frame export --jsonl v.t5g | grep -o '"name":"input.ids".*' | grep -o '"data":.2,' | wc -l
    done > got
    printf '0\n1\n' | cmp - got
}
