#!/usr/bin/env bats
# Gaps in texts, and training pairs: t5g-tokenize --infill and --ul2, t5g-detok --infill.
load common

# answer NUMBER TEXT...: put an i32 frame decode.ids with the ids of TEXT behind the documents of stdin, for each TEXT.
ids() { t5g-tokenize --no-bos -e "$1" | t5g-frame export --jsonl | sed 's/.*"data":\[\([^]]*\)\].*/\1/'; }
answered() {
    local frames=''
    for text; do
        frames="$frames,{\"name\":\"decode.ids\",\"dtype\":\"i32\",\"shape\":[$(ids "$text" | tr , '\n' | wc -l)],\"data\":[$(ids "$text")],\"meta\":{\"finish\":\"eos\"}}"
    done
    t5g-frame export --jsonl | sed "s/\]}\],\"close\"/]}$frames],\"close\"/" | t5g-frame import --jsonl
}

@test "--infill: gaps become sentinels, counted down" {
    t5g-tokenize --infill --first 9 -e 'The <gap> sat on <gap>.' -o a.t5g
    t5g-tokenize -e 'The <unused9> sat on <unused8>.' | t5g-frame diff - a.t5g
    t5g-tokenize --infill --first 0 -e 'The <gap> sat on <gap>.' |
        t5g-frame diff - <(t5g-tokenize -e 'The <unused0> sat on <unused1>.')
    t5g-tokenize --infill --sentinel unused --first 3 --text-only -e '<gap><gap>' |
        t5g-frame diff - <(t5g-tokenize -e '<unused3><unused2>')
    t5g-tokenize --infill --first 9 --template '{text} <gap>' -e x | t5g-frame diff - <(t5g-tokenize -e 'x <unused9>')
}

@test "--infill: what does not fit fails its document, and a sentinel of several tokens the run" {
    printf 'no gap\n<gap>\n<unused9> <gap>\n<gap> <unused7>\n<gap><gap><gap>\n' > l
    status_is 3 t5g-tokenize -l --infill --first 1 l -o out.t5g
    err_has_line 'l:1: no <gap> to be filled (--infill)'
    err_has_line 'l:5: more than 2 gaps, and <unused0> is the last sentinel'
    status_is 3 t5g-tokenize -l --infill --first 9 l -o out.t5g
    err_has_line 'l:3: the text itself holds the sentinel <unused9>'
    err_has_line 'l:4: the text itself holds the sentinel <unused7>'
    [ "$(t5g-frame ls --failed out.t5g | tr '\n' ' ')" = "l:1 l:3 l:4 " ]
    status_is 65 t5g-tokenize --infill -e '<gap>' -o never.t5g
    err_has '<unused6237> is '
    status_is 65 t5g-tokenize --infill --sentinel extra_id_ --first 0 -e '<gap>' -o never.t5g
    err_has '<extra_id_0> is '
    for how in '--infill --ul2' '--first 3' '--sentinel x' '--seed 3' '--seed 0' '--seed 3 --infill'; do
        # shellcheck disable=SC2086 # several words
        status_is 64 t5g-tokenize $how -e x -o never.t5g
    done
    # A piece may have no gap, or not the first.
    for long in cut split; do
        status_is 64 t5g-tokenize --infill --first 9 --max-tokens 3 --too-long $long -e 'a <gap> b <gap>' -o never.t5g
        err_has_line "--infill excludes --too-long $long"
    done
    status_is 3 t5g-tokenize --infill --first 9 --max-tokens 3 -e 'a <gap> b <gap>' -o out.t5g
    [ ! -e never.t5g ]
    status_is 3 t5g-tokenize --infill --first 9 -i "$T5G_TESTS/data/number.png" -o out.t5g
    err_has_line 'has pictures, which --infill has no place for'
}

@test "t5g-detok --infill puts answers into gaps" {
    t5g-tokenize --infill --first 9 -e 'The <gap> sat on <gap>.' -o a.t5g
    answered '<unused9>cat<unused8>the mat<eos>' '<unused8>é <unused7>no gap<unused9>A' '<unused9>x<unused9>y' 'nothing' \
        < a.t5g > b.t5g
    t5g-detok --infill --first 9 b.t5g > got
    printf '%s\n' 'The cat sat on the mat.' 'The A sat on é .' 'The x sat on <gap>.' 'The <gap> sat on <gap>.' | cmp - got
    t5g-detok --infill --first 9 --jsonl b.t5g | head -n 1 > got
    printf '{"id":"e1","text":"The cat sat on the mat.","finish":"eos"}\n' | cmp - got
    # Bytes of a character from both sides of a border; and the model's own answers, whatever they are.
    t5g-tokenize --infill --first 9 -e 'é<gap>' | answered '<unused9>日本' | t5g-detok --infill --first 9 > got
    printf 'é日本\n' | cmp - got
    t5g-encode a.t5g | t5g-decode -n 5 --num-beams 2 --num-return-sequences 2 | t5g-detok --infill --first 9 > got
    [ "$(grep -c '^The .* sat on .*\.$' got)" = 2 ]
    # A sequence in parts is one text.
    t5g-encode a.t5g | t5g-decode -n 5 -o whole.t5g
    t5g-encode a.t5g | t5g-decode -n 5 --stream | t5g-detok --infill --first 9 | cmp - <(t5g-detok --infill --first 9 whole.t5g)
    status_is 64 t5g-detok --infill --input b.t5g
    status_is 64 t5g-detok --first 9 b.t5g
    status_is 65 t5g-detok --infill b.t5g
    t5g-frame export --jsonl b.t5g | sed 's/{"name":"input.ids"[^}]*},//' | t5g-frame import --jsonl -o bare.t5g
    status_is 3 t5g-detok --infill --first 9 bare.t5g
    err_has_line 'e1: input.ids: expected the text with gaps, before decode.ids (--infill)'
}

@test "--ul2: pairs from which the text can be put together again" {
    for i in {1..60}; do echo "line $i of a corpus with $((i * i)) words, of which some are taken out, and others are not"; done > l
    demo=$T5G_TESTS/../pipelines/demo/model
    t5g-tokenize -m "$demo" -l --ul2 --first 98 l -o pairs.t5g
    t5g-frame ls pairs.t5g | grep -c 'input.ids i32\[[0-9]*\], target.ids i32' | grep -qx 60
    t5g-frame ls --frames pairs.t5g | grep -o '"task":.,"span":[0-9]*,"rate":0...' | sort -u > got
    printf '%s\n' '"task":0,"span":3,"rate":0.15' '"task":1,"span":12,"rate":0.50' '"task":2,"span":32,"rate":0.15' \
        '"task":3,"span":32,"rate":0.50' '"task":4,"span":0,"rate":0.75' | cmp - got
    # What the target answers fills the gaps of the input; a text to be continued has none.
    t5g-frame export --jsonl pairs.t5g | sed 's/"target.ids"/"decode.ids"/; s/"meta":{"task"/"meta":{"finish":"eos","task"/' > j
    grep -v '"task":4' j | t5g-frame import --jsonl | t5g-detok -m "$demo" --infill --first 98 > got
    [ "$(wc -l < got)" -gt 10 ]
    [ "$(grep -cxFf l got)" = "$(wc -l < got)" ]
    grep '"task":4' j | t5g-frame import --jsonl -o tail.t5g
    paste -d '' <(t5g-detok -m "$demo" --input tail.t5g) <(t5g-detok -m "$demo" tail.t5g) > got
    [ "$(wc -l < got)" -gt 10 ]
    [ "$(grep -cxFf l got)" = "$(wc -l < got)" ]
    grep -c '"decode.ids",.*,1\]}' j | grep -qx 60
    # By id and seed only: parts of the corpus, or another order, give the same pairs.
    t5g-tokenize -m "$demo" -l --ul2 --first 98 --seed 1 l -o other.t5g
    status_is 1 t5g-frame diff pairs.t5g other.t5g
    sed 's/.*/{"id":"l:&","text":"&"}/' l | awk '{ sub(/"id":"l:[^"]*"/, "\"id\":\"l:" NR "\"") } 1' | sort -r > shuffled
    t5g-tokenize -m "$demo" --jsonl --ul2 --first 98 shuffled | t5g-frame export --jsonl | sort > a
    t5g-frame export --jsonl pairs.t5g | sort | cmp - a
}

@test "--ul2: with pieces, --no-bos and short texts" {
    demo=$T5G_TESTS/../pipelines/demo/model
    printf 'one two three four five six seven eight nine ten\n\nx\n' > l
    status_is 3 t5g-tokenize -m "$demo" -l --ul2 --first 98 l -o out.t5g
    err_has_line 'l:2: no token, and a training pair needs 2 (--ul2)'
    err_has_line 'l:3: 1 token, and a training pair needs 2 (--ul2)'
    [ "$(t5g-frame ls --failed out.t5g | tr '\n' ' ')" = "l:2 l:3 " ] || t5g-frame ls out.t5g
    t5g-tokenize -m "$demo" --ul2 --first 98 --max-tokens 5 --too-long split -e 'one two three four five six seven' -o p.t5g || [ $? = 3 ]
    t5g-frame ls p.t5g | cut -f 1 | head -n 2 | tr '\n' ' ' | grep -qx 'e1#1 e1#2 '
    t5g-tokenize -m "$demo" --no-bos --ul2 --first 98 -e 'one two three four' -o a.t5g
    t5g-frame export --jsonl a.t5g | grep -q '"data":\[2,' && return 1
    # Too few sentinels: the message is not about gaps, which this text has not.
    for i in {1..20}; do printf 'one two three four five six seven eight nine ten %.0s' 1 2 3 4; echo; done > l
    status_is 3 t5g-tokenize -m "$demo" -l --ul2 --first 1 l -o p.t5g
    err_has_line ' spans to take out, and <unused0> is the last sentinel'
    grep -q gaps err && return 1
    status_is 3 t5g-tokenize --ul2 --first 9 -i "$T5G_TESTS/data/number.png" -o out.t5g
    err_has_line 'has pictures, which --ul2 has no place for'
}
