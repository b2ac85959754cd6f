#!/usr/bin/env bats
# t5g-pack --report: how far a packed model is from its source, on a text.
load common

setup_file() {
    cd "$BATS_FILE_TMPDIR" || exit
    for w in keep q8 q4; do
        off=$(case $w in q4) echo --calibrate off ;; esac)
        # shellcheck disable=SC2086 # two words
        t5g-pack --weights $w $off -o $w.t5g "$T5G_TESTS/models/tiny"
    done
}

packed() { ln -s "$BATS_FILE_TMPDIR"/*.t5g .; }

samples() {
    packed
    sample_text
    printf '{"text": "A game of cards."}\n{"id": "b", "text": "Debugging symbols of a database."}\n' > texts.jsonl
}

# cell ROW COLUMN FILE: a number of the table; the columns of the row "decoder alone" are counted behind its name.
cell() {
    sed -n "s/^$1 *//p" "$3" | tr -d % | awk -v c="$2" '{ print $c }'
}

# holds CONDITION: of numbers, for awk.
holds() {
    awk "BEGIN { exit !($1) }" || { echo "not so: $1"; return 1; }
}

@test "a model is no distance from itself, nor from its exact pack" {
    samples
    for other in "$tiny" keep.t5g; do
        t5g-pack --report text "$other" > table
        for row in 'encoder + decoder' 'decoder alone'; do
            [ "$(cell "$row" 2 table)" = 0.00000 ]
            [ "$(cell "$row" 3 table)" = 100.00 ]
            [ "$(cell "$row" 4 table)" = "$(cell "$row" 5 table)" ]
            holds "$(cell "$row" 4 table) > 1"
            [ "$(cell "$row" 6 table)" = 0.00000 ]
        done
    done
    grep -qx "source: $tiny (f32)" table
    grep -qx 'packed: keep.t5g (f32)' table
    [ "$(grep -c . table)" = 6 ]
}

@test "fewer bits are farther away; packing with --report prints the same table" {
    samples
    for w in q8 q4; do
        t5g-pack --report text $w.t5g > $w.table
        off=$(case $w in q4) echo --calibrate off ;; esac)
        # shellcheck disable=SC2086 # two words
        t5g-pack --weights $w $off --report text -o own.t5g > table
        cmp own.t5g $w.t5g
        sed "s/^packed: own/packed: $w/" table | cmp - $w.table
        for t in 1 2 3; do
            t5g-pack -t $t --report text $w.t5g | cmp - $w.table
        done
    done
    for row in 'encoder + decoder' 'decoder alone'; do
        holds "0 < $(cell "$row" 2 q8.table) && 2 * $(cell "$row" 2 q8.table) < $(cell "$row" 2 q4.table)"
        holds "$(cell "$row" 3 q4.table) < $(cell "$row" 3 q8.table)"
        [ "$(cell "$row" 4 q4.table)" = "$(cell "$row" 4 q8.table)" ]
        [ "$(cell "$row" 5 q4.table)" != "$(cell "$row" 4 q4.table)" ]
    done
    # The other way round it is another number, as it is with any source.
    t5g-pack --report text -m q8.t5g keep.t5g > table
    grep -qx 'source: q8.t5g (q8)' table
    [ "$(cell 'decoder alone' 4 table)" = "$(cell 'decoder alone' 5 q8.table)" ]
}

@test "what TEXT holds: a text, lines, JSON lines; several, and standard input" {
    samples
    ids() { t5g-frame ls "$@" | sed -n 's/.*input\.ids.*\[\([0-9]*\)\].*/\1/p' | awk '{ n += $1 - 1 } END { print n }'; }
    t5g-pack --report text q8.t5g > table
    t5g-tokenize text > ids.t5g
    grep -qx "texts: 1, tokens: $(ids ids.t5g)" table
    [ "$(cell 'decoder alone' 1 table)" = "$(($(ids ids.t5g) + 1))" ] # the start token
    t5g-pack --report - q8.t5g < text | cmp table -
    # An empty line has nothing to be compared on.
    t5g-pack -l --report text q8.t5g > lines.table
    t5g-tokenize -l text > ids.t5g
    grep -qx "texts: 2, tokens: $(ids ids.t5g)" lines.table
    t5g-pack --jsonl --report texts.jsonl q8.t5g > jsonl.table
    t5g-tokenize --jsonl texts.jsonl > ids.t5g
    grep -qx "texts: 2, tokens: $(ids ids.t5g)" jsonl.table
    t5g-pack --report text --report texts.jsonl q8.t5g | grep -q '^texts: 2, '
    # A long text is compared in pieces of 2048 tokens, each behind a start token.
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do cat text; done > long
    for _ in 1 2 3 4; do cat long; done > longer
    t5g-tokenize longer > ids.t5g
    n=$(ids ids.t5g)
    [ "$n" -gt 2048 ]
    t5g-pack --report longer q8.t5g > table
    [ "$(cell 'decoder alone' 1 table)" = "$((n + (n + 2047) / 2048))" ]
}

@test "a text or a model that cannot be used: one line, and nothing is packed" {
    samples
    printf 'a\377b' > bad
    : > empty
    status_is 66 t5g-pack --report missing -o new.t5g
    err_has 'missing: cannot open'
    status_is 65 t5g-pack --report bad -o new.t5g
    err_has 'bad: invalid UTF-8 at byte 1'
    status_is 65 t5g-pack --report empty -o new.t5g
    err_has 'empty: no text in it'
    printf '{"text": "a"}\n{"text": 3}\n' > bad.jsonl
    status_is 65 t5g-pack --jsonl --report bad.jsonl -o new.t5g
    err_has 'bad.jsonl:2: '
    # A name stands once, an empty one in quotes, an absolute one whole.
    status_is 66 t5g-pack --report '' -o new.t5g
    [ "$(cat err)" = "t5g-pack: '': cannot open: No such file or directory" ]
    status_is 66 t5g-pack --weights q8 --calibrate "$PWD/missing" -o new.t5g
    [ "$(cat err)" = "t5g-pack: $PWD/missing: cannot open: No such file or directory" ]
    [ ! -e new.t5g ]
    status_is 65 t5g-pack --report text -m "$gqa" q8.t5g
    err_has "q8.t5g: made from another model than $gqa"
    status_is 66 t5g-pack --report text nowhere
    status_is 65 t5g-pack --report text text
    err_has 'text: no packed model'
    head -c 5000 q8.t5g > cut.t5g
    status_is 65 t5g-pack --report text cut.t5g
    err_has 'cut.t5g: '
    # In a pipe there is a table or nothing, not a stream.
    t5g-pack --report text cut.t5g 2> err | cmp - /dev/null
}

@test "what does not go together with --report" {
    samples
    for a in '' '--weights q8 q8.t5g' '-l --jsonl q8.t5g' 'q8.t5g q4.t5g'; do
        # shellcheck disable=SC2086
        status_is 64 t5g-pack --report text $a
        [ "$(wc -l < err)" = 2 ]
    done
    status_is 64 t5g-pack -l -o new.t5g
    status_is 64 t5g-pack --jsonl -o new.t5g
    cp keep.t5g m.t5g
    status_is 64 t5g-pack --weights q8 --report text -o m.t5g m.t5g
    cmp keep.t5g m.t5g
    [ ! -e new.t5g ]
}

# stopped: the program $pid is told to, and does.
stopped() {
    local status=0
    kill -TERM $pid
    wait $pid || status=$?
    [ "$status" = 75 ]
}

@test "SIGTERM during the report: 75, and the packed model stays" {
    samples
    yes 'Perl module to parse dates, in many of the formats and languages.' | head -c 3000000 > long
    t5g-pack --weights q8 --report long -o new.t5g > table 2> err &
    pid=$!
    until [ -e new.t5g ]; do :; done
    stopped
    [ "$(cat err)" = 't5g-pack: stopped by SIGTERM: the model is packed, the report is not made' ]
    [ ! -s table ]
    t5g-frame verify new.t5g
    cmp new.t5g q8.t5g
    # Without packing, while the texts are read, and while they are compared.
    mkfifo texts
    t5g-pack --report texts q8.t5g 2> err &
    pid=$!
    exec 8> texts
    stopped
    [ "$(cat err)" = 't5g-pack: stopped by SIGTERM' ]
    t5g-pack --progress always --report long q8.t5g > table 2> err &
    pid=$!
    until grep -q 'this one' err; do :; done
    stopped
    [ "$(tail -n 1 err)" = 't5g-pack: stopped by SIGTERM: the report is not made' ]
    [ ! -s table ]
}

@test "t5g-decode over an encoder output without rows: the prompt alone decides" {
    t5g-tokenize -e 'Hello world' -e 'x' | t5g-encode -o enc.t5g
    t5g-frame export --npy out enc.t5g
    python3 - <<'PY'
import glob, numpy as np
for f in glob.glob("out/*encoder.out.npy"):
    np.save(f, np.load(f)[:0])
PY
    t5g-frame import --npy out -o none.t5g
    for kv in f32 bf16 q8; do
        t5g-decode --kv $kv -n 6 -p ' the' none.t5g | t5g-detok > text
        [ "$(wc -l < text)" = 2 ]
        [ "$(sort -u text | wc -l)" = 1 ] # of the documents nothing is known
        [ -n "$(head -n 1 text)" ]
    done
    [ "$(t5g-decode -n 6 -p ' the' enc.t5g | t5g-detok | sort -u | wc -l)" = 2 ]
}
