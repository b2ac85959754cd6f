#!/usr/bin/env bats
# pipelines/t5g.mk and the pipelines made with it, run with the default model.
load common

texts() {
    mkdir docs
    printf 'A text editor for programmers, written in Python.\n' > docs/a.txt
    printf 'Fonts for mathematical symbols.\n' > docs/b.txt
    printf 'A small web server that is easy to configure.\n' > docs/c.txt
}

# shards: two archives of two documents in `corpus`.
shards() {
    texts
    printf 'Perl module to parse dates.\n' > docs/d.txt
    mkdir corpus
    tar -C docs -cf corpus/1.tar a.txt b.txt
    tar -C docs -c c.txt d.txt | zstd -q > corpus/2.tar.zst
    printf 'section:\nkind:\n' > questions.txt
}

# made WORD: how many targets of a kind make has made: TOKENIZE, ENCODE, DECODE, JOIN.
made() { grep -c "^$1  *[^ ]*\$" log || :; }

@test "summarise a folder; nothing is done twice" {
    default_model
    texts
    make -f "$pipelines/summarise.mk" DIR=docs > log
    [ "$(wc -l < docs/summaries.jsonl)" = 3 ]
    grep -q '"id":"docs/a.txt","text":"[^"]' docs/summaries.jsonl
    make -f "$pipelines/summarise.mk" DIR=docs | grep -q 'up to date'
    tick
    printf 'Documentation of a compiler.\n' > docs/b.txt
    make -f "$pipelines/summarise.mk" DIR=docs > log
    [ "$(cat log)" = "TOKENIZE docs/b.txt.ids.t5g
ENCODE   docs/b.txt.enc.t5g
DECODE   docs/b.txt.jsonl
JOIN     docs/summaries.jsonl" ]
    # One document less is another result, and what was made of it stays out.
    rm docs/c.txt
    make -f "$pipelines/summarise.mk" DIR=docs > log
    [ "$(cat log)" = 'JOIN     docs/summaries.jsonl' ]
    [ "$(wc -l < docs/summaries.jsonl)" = 2 ]
}

@test "caption pictures" {
    default_model
    mkdir photos
    cp "$T5G_TESTS/data/number.png" photos/x.png
    make -f "$pipelines/caption.mk" DIR=photos > log
    [ "$(wc -l < photos/captions.jsonl)" = 1 ]
    t5g-tokenize -i "$T5G_TESTS/data/number.png" -e '<start_of_image>' | t5g-vision | t5g-encode | t5g-decode |
        t5g-detok > direct
    grep -qF "\"text\":\"$(cat direct)\"" photos/captions.jsonl
    grep -q '^{"id":"photos/x.png"' photos/captions.jsonl
    make -f "$pipelines/caption.mk" DIR=photos PICTURE_TEXT="<start_of_image> what's \"this\" \$HOME" > log
    t5g-frame ls --json photos/x.png.ids.t5g | grep -qF '"id":"photos/x.png"'
    [ "$(t5g-detok --input photos/x.png.ids.t5g | grep -oF "what's \"this\" \$HOME")" != "" ]
}

@test "questions of a corpus; a changed question runs the decoder alone" {
    default_model
    shards
    make -f "$pipelines/questions.mk" DIR=corpus QUESTIONS=questions.txt T5G_DECODE_FLAGS=--stats > log 2>&1
    [ "$(wc -l < corpus/answers.jsonl)" = 8 ]
    [ "$(made ENCODE)" = 2 ]
    cp corpus/1.tar.enc.t5g before
    touch -r corpus/1.tar.enc.t5g before
    tick
    printf 'section:\nlanguage:\nkind:\n' > questions.txt
    make -f "$pipelines/questions.mk" DIR=corpus QUESTIONS=questions.txt T5G_DECODE_FLAGS=--stats > log 2>&1
    [ "$(wc -l < corpus/answers.jsonl)" = 12 ]
    [ "$(made TOKENIZE)" = 0 ]
    [ "$(made ENCODE)" = 0 ]
    [ "$(grep -c '^t5g-decode: 2 documents, 0 failed' log)" = 2 ]
    [ ! corpus/1.tar.enc.t5g -nt before ]
    # The prompt as a variable, and flags, are noticed too.
    make -f "$pipelines/questions.mk" DIR=corpus QUESTIONS= PROMPT='it'"'"'s "so":' > log
    [ "$(made DECODE)" = 2 ]
    [ "$(made ENCODE)" = 0 ]
    grep -qF '"prompt":"it'"'"'s \"so\":"' corpus/answers.jsonl
    make -j 2 -f "$pipelines/questions.mk" DIR=corpus QUESTIONS=questions.txt T5G_ENCODE_FLAGS=--cache=c > log
    [ "$(made TOKENIZE)" = 0 ]
    [ "$(made ENCODE)" = 2 ]
}

@test "a document that fails is listed, and the rest is made" {
    default_model
    shards
    printf '\xff' > docs/bad.txt
    tar -C docs -cf corpus/1.tar a.txt bad.txt b.txt
    make -f "$pipelines/questions.mk" DIR=corpus QUESTIONS=questions.txt > log 2>&1
    for f in ids.t5g enc.t5g jsonl; do
        [ "$(cat corpus/1.tar.$f.failed)" = corpus/1.tar:bad ]
        [ ! -e corpus/2.tar.zst.$f.failed ]
    done
    [ "$(wc -l < corpus/answers.jsonl)" = 9 ]
    [ "$(grep -c '"error"' corpus/answers.jsonl)" = 1 ]
    tar -C docs -cf corpus/1.tar a.txt b.txt
    make -f "$pipelines/questions.mk" DIR=corpus QUESTIONS=questions.txt > log
    [ ! -e corpus/1.tar.ids.t5g.failed ]
    [ ! -e corpus/1.tar.jsonl.failed ]
}

@test "lists of failed documents are written alike" {
    default_model
    mkdir corpus
    printf '\xff' > $'a"\nb.txt'
    tar -cf corpus/1.tar $'a"\nb.txt'
    make -f "$pipelines/questions.mk" DIR=corpus QUESTIONS= PROMPT=section: > log 2>&1
    for f in ids.t5g enc.t5g jsonl; do [ "$(cat corpus/1.tar.$f.failed)" = 'corpus/1.tar:a\"\nb' ]; done
}

@test "no documents are said, and two of one stem are two" {
    default_model
    mkdir none
    for p in summarise-texts caption-pictures questions-archives; do
        status_is 2 make -f "$pipelines/${p%-*}.mk" DIR=none QUESTIONS= PROMPT=x: < /dev/null
        err_has_line "t5g.mk: none: no ${p#*-} "
    done
    mkdir docs
    cp "$T5G_TESTS/data/number.png" docs/x.png
    cp "$T5G_TESTS/data/number.png" docs/x.jpg
    make -f "$pipelines/caption.mk" DIR=docs > log
    [ "$(sed 's/",.*//' docs/captions.jsonl)" = '{"id":"docs/x.jpg
{"id":"docs/x.png' ]
}

# photos: thirty pictures in a folder, as they lie about, and some files that are none.
photos() {
    local i name number=$T5G_TESTS/data/number.png
    mkdir photos
    for i in {10..23}; do cp "$number" "photos/$i.png"; done
    pngtopnm "$number" > number.pgm
    cp number.pgm photos/scan.PGM
    for name in 'IMG 0001.JPG' 'IMG 0002.JPG' a.jpeg A.JPEG 'sea & sand.Jpg' "it's.png" 'IMG_1.Png' no-suffix 'no suffix' captions \
        wrong.jpg wrong.txt .hidden.png; do
        cp "$number" "photos/$name"
    done
    cp number.pgm photos/as-stored
    head -c 300 "$number" > photos/corrupt.png
    : > photos/nothing.JPG
    mkfifo photos/pipe.png
    echo 'P5 is the name of a car.' > photos/notes.txt
    printf '\x89PN' > photos/short
}

@test "caption.mk takes every picture, by what it is, and one that is corrupt is an error in its place" {
    default_model
    photos
    status_is 0 make -j 2 -f "$pipelines/caption.mk" DIR=photos T5G_DECODE_FLAGS='-n 4' > log
    err_has_line 'photos/pipe.png: not a file, skipped'
    err_has_line 'photos/.hidden.png: hidden, skipped'
    [ "$(wc -l < photos/captions.jsonl)" = 30 ]
    [ "$(grep -c '"error"' photos/captions.jsonl)" = 2 ]
    grep '"error"' photos/captions.jsonl | grep -q '"id":"photos/corrupt.png"'
    grep '"error"' photos/captions.jsonl | grep -q '"id":"photos/nothing.JPG"'
    grep -qF '"id":"photos/sea & sand.Jpg","text":' photos/captions.jsonl
    grep -qF '"id":"photos/wrong.txt","text":' photos/captions.jsonl
    [ "$(grep -cE 'notes|short|pipe|hidden' photos/captions.jsonl)" = 0 ]
    make -f "$pipelines/caption.mk" DIR=photos T5G_DECODE_FLAGS='-n 4' 2> err | grep -q 'up to date'
}

@test "V=1 shows the commands, with names that a shell takes back" {
    default_model
    mkdir docs
    echo 'Fonts.' > "docs/it's.txt"
    status_is 0 make V=1 -f "$pipelines/summarise.mk" DIR=docs T5G_TOKENIZE_FLAGS='--max-tokens 9' > log
    grep -qF "t5g-tokenize --max-tokens 9 -o 'docs/.t5g/files/it,27s.txt.ids.t5g' -- 'docs/it'\\''s.txt'" err ||
        grep -qF "t5g-tokenize --max-tokens 9 -o docs/.t5g/files/it,27s.txt.ids.t5g -- 'docs/it'\\''s.txt'" err
    grep -q '^+ t5g-decode --prompts .t5g/prompt -- ' err
}

@test "a fault leaves no target" {
    default_model
    shards
    make -f "$pipelines/questions.mk" DIR=corpus QUESTIONS=questions.txt > log
    tick
    head -c 1500 corpus/1.tar.ids.t5g > cut.t5g
    cp cut.t5g corpus/1.tar.ids.t5g
    status_is 2 make -f "$pipelines/questions.mk" DIR=corpus QUESTIONS=questions.txt > log
    [ ! -e corpus/1.tar.enc.t5g ]
    head -c 700 docs/a.txt > corpus/2.tar.zst
    status_is 2 make -k -f "$pipelines/questions.mk" DIR=corpus QUESTIONS=questions.txt > log
    rm corpus/1.tar.ids.t5g
    tar -C docs -c c.txt d.txt | zstd -q > corpus/2.tar.zst
    make -f "$pipelines/questions.mk" DIR=corpus QUESTIONS=questions.txt > log
    [ "$(wc -l < corpus/answers.jsonl)" = 8 ]
}

@test "another model makes everything again; a touched one, or a copy, does not" {
    default_model
    texts
    cp -r "$pipelines/demo/model" m
    make -f "$pipelines/summarise.mk" DIR=docs T5G_MODEL=m > log
    cp docs/summaries.jsonl first
    find m -exec touch {} +
    make -f "$pipelines/summarise.mk" DIR=docs T5G_MODEL=m | grep -q 'up to date'
    cp -r m copy
    make -f "$pipelines/summarise.mk" DIR=docs T5G_MODEL=copy | grep -q 'up to date'
    # Another decoder alone: what is encoded is kept.
    sed -i '0,/"rms_norm_eps": 1e-06/s//"rms_norm_eps": 1e-05/' copy/config.json
    make -f "$pipelines/summarise.mk" DIR=docs T5G_MODEL=copy > log
    [ "$(made ENCODE)" = 0 ]
    [ "$(made DECODE)" -gt 0 ]
    t5g-pack --weights q8 -o q8.t5g m
    make -f "$pipelines/summarise.mk" DIR=docs T5G_MODEL=q8.t5g > log
    [ "$(made ENCODE)" = 3 ]
    [ "$(made TOKENIZE)" = 0 ]
    status_is 2 make -f "$pipelines/summarise.mk" DIR=docs T5G_MODEL=nowhere > log
    err_has_line "the model cannot be used (T5G_MODEL=nowhere)"
}

@test "another adapter makes again what it changes, on make's command line and in the environment" {
    texts
    local at=$T5G_TESTS/golden/adapters/tiny mk="$pipelines/summarise.mk"
    local flags='-n 5 -p section:'
    export T5G_DECODE_FLAGS=$flags
    make -f "$mk" DIR=docs PROMPT= > log
    cp docs/summaries.jsonl base
    # The decoder alone: what is encoded is kept.
    make -f "$mk" DIR=docs PROMPT= T5G_ADAPTER="$at/decoder" > log
    [ "$(made ENCODE) $(made DECODE)" = '0 3' ]
    # shellcheck disable=SC2086 # several words
    t5g-tokenize docs/a.txt | t5g-encode | t5g-decode --adapter "$at/decoder" $flags | t5g-detok --jsonl > direct
    cmp direct docs/a.txt.jsonl
    T5G_ADAPTER=$at/decoder make -f "$mk" DIR=docs PROMPT= | grep -q 'up to date'
    T5G_ADAPTER=$at/attention make -f "$mk" DIR=docs PROMPT= > log
    [ "$(made TOKENIZE) $(made ENCODE) $(made DECODE)" = '0 3 3' ]
    make -f "$mk" DIR=docs PROMPT= T5G_ADAPTER="$at/attention" | grep -q 'up to date'
    make -f "$mk" DIR=docs PROMPT= > log
    cmp docs/summaries.jsonl base
    make -f "$mk" DIR=docs PROMPT= T5G_COMPUTE=bf16 > log
    [ "$(made TOKENIZE) $(made ENCODE) $(made DECODE)" = '0 3 3' ]
    status_is 2 make -f "$mk" DIR=docs PROMPT= T5G_ADAPTER=nowhere
    err_has_line nowhere
}

@test "texts and pictures of one folder leave each other's encoder outputs alone" {
    default_model
    texts
    cp "$T5G_TESTS/data/number.png" docs/x.png
    make -f "$pipelines/summarise.mk" DIR=docs > log 2>&1
    make -f "$pipelines/caption.mk" DIR=docs > log 2>&1
    [ "$(made ENCODE)" = 1 ]
    make -f "$pipelines/summarise.mk" DIR=docs > log 2>&1
    [ "$(made ENCODE)" = 0 ]
    make -f "$pipelines/caption.mk" DIR=docs > log 2>&1
    [ "$(made ENCODE)" = 0 ]
    # Other flags of t5g-vision concern pictures alone; other flags of t5g-encode both.
    make -f "$pipelines/caption.mk" DIR=docs T5G_VISION_FLAGS=-q > log 2>&1
    [ "$(made ENCODE)" = 1 ]
    make -f "$pipelines/summarise.mk" DIR=docs > log 2>&1
    [ "$(made ENCODE)" = 0 ]
    make -f "$pipelines/summarise.mk" DIR=docs T5G_ENCODE_FLAGS=-q > log 2>&1
    [ "$(made ENCODE)" = 3 ]
}

@test "texts and archives are known by name in any case of letters, and other files are named" {
    default_model
    texts
    mkdir d
    cp docs/a.txt d/B.TXT
    cp docs/b.txt d/c.md
    gzip -c docs/c.txt > d/a.txt.gz
    xz -c docs/c.txt > d/e.Rst.XZ
    cp docs/a.txt d/notes
    cp "$T5G_TESTS/data/number.png" d/picture.txt
    status_is 0 make -f "$pipelines/summarise.mk" DIR=d T5G_DECODE_FLAGS='-n 1' > log
    [ "$(sed 's/",.*//' d/summaries.jsonl | tr '\n' ' ')" = '{"id":"d/B.TXT {"id":"d/a.txt.gz {"id":"d/c.md {"id":"d/e.Rst.XZ ' ]
    err_has_line 't5g.mk: d/notes: not called like texts, skipped'
    err_has_line 't5g.mk: d/picture.txt: '
    [ "$(wc -l < err)" = 2 ]
    rm -r docs
    shards
    tar -C docs -cjf corpus/y.tar.bz2 a.txt
    tar -C docs -cJf corpus/z.txz a.txt
    tar -C docs -cf corpus/Q.TAR a.txt
    tar -C docs -cf corpus/x.dat a.txt
    cp questions.txt corpus
    status_is 0 make -f "$pipelines/questions.mk" DIR=corpus/ T5G_DECODE_FLAGS='-n 1' > log
    [ "$(wc -l < corpus/answers.jsonl)" = 14 ]
    err_has_line 't5g.mk: corpus/x.dat: not called like archives, skipped'
    [ "$(wc -l < err)" = 1 ]
    tail -n 1 log | grep -qx 'JOIN     corpus/answers.jsonl'
    # Many are counted.
    touch corpus/{1..9}.x
    status_is 0 make -f "$pipelines/questions.mk" DIR=corpus/ T5G_DECODE_FLAGS='-n 1' > log
    err_has_line 't5g.mk: and 5 more files, skipped'
}

@test "make -s prints nothing; a missing program is named; a missing model is one line and what make says" {
    default_model
    texts
    make -s -f "$pipelines/summarise.mk" DIR=docs T5G_DECODE_FLAGS='-n 1' > log 2>&1
    [ ! -s log ]
    [ -s docs/summaries.jsonl ]
    status_is 2 env PATH=/usr/bin:/bin make -f "$pipelines/summarise.mk" DIR=docs
    err_has_line 't5g.mk: programs that are not in PATH: t5g-tokenize t5g-vision t5g-encode t5g-decode t5g-detok t5g-frame'
    [ "$(wc -l < err)" = 1 ]
    status_is 2 make -f "$pipelines/summarise.mk" DIR=docs T5G_MODEL=nowhere
    [ "$(wc -l < err)" = 2 ]
    [ "$(grep -c t5g-frame err)" = 0 ]
}
