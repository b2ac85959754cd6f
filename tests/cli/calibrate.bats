#!/usr/bin/env bats
# t5g-pack --calibrate: errors of small weights are compensated for texts, built in or given.
load common

samples() {
    sample_text
    printf 'The library reads archives of many kinds.\nIt writes them, too; see the manual.\n' > other
    printf 'Ein Spiel mit Karten für zwei.\n' >> other
}

# divergence ROW FILE: of a report.
divergence() {
    sed -n "s/^$1 *//p" "$2" | awk '{ print $2 }'
}

@test "a compensated model is nearer to its source, by the texts that are built in too" {
    head -c 3000 "$T5G_TESTS/README.md" > text
    head -c 9000 "$T5G_TESTS/../common/README.md" > given
    for how in off given built-in; do
        set -- --calibrate $how
        [ $how != built-in ] || set --
        t5g-pack --weights q4 "$@" --report text -o $how.t5g "$gqa" > $how.table
        t5g-frame verify $how.t5g
    done
    for row in 'encoder + decoder' 'decoder alone'; do
        for how in given built-in; do
            awk "BEGIN { exit !(0 < $(divergence "$row" $how.table) && $(divergence "$row" $how.table) < $(divergence "$row" off.table)) }" ||
                { head -n 20 ./*.table; false; }
        done
    done
    # The same tensors, in another order and with other numbers.
    list() { t5g-frame ls --frames "$1" | sed -n 's/.*"name":"\([^"]*\)".*/\1/p' | sort; }
    list off.t5g > names
    list built-in.t5g | cmp - names
    run cmp -s given.t5g built-in.t5g
    [ "$status" = 1 ]
}

@test "a packed model does not depend on the number of threads, nor on how texts come" {
    samples
    t5g-pack -t 1 --weights q6 --calibrate text --calibrate other -o 1.t5g
    for t in 2 3; do
        t5g-pack -t $t --weights q6 --calibrate text --calibrate other | cmp - 1.t5g
    done
    t5g-pack --weights q6 --calibrate text --calibrate - -o stdin.t5g < other
    cmp stdin.t5g 1.t5g
    gzip -c other > other.gz
    t5g-pack --weights q6 --calibrate text --calibrate other.gz -o gz.t5g
    cmp gz.t5g 1.t5g
}

@test "q8 is compensated only for a text that is given" {
    samples
    t5g-pack --weights q8 -o plain.t5g
    t5g-pack --weights q8 --calibrate off | cmp - plain.t5g
    t5g-pack --weights q8 --calibrate text -o text.t5g
    t5g-frame verify text.t5g
    run cmp -s text.t5g plain.t5g
    [ "$status" = 1 ]
}

@test "one word, and one token, are enough" {
    printf 'a' > text
    t5g-pack --weights q4 --calibrate text | t5g-frame verify
}

@test "a text that cannot be used: one line, and nothing is packed" {
    samples
    printf 'a\377b' > bad
    : > empty
    status_is 66 t5g-pack --weights q4 --calibrate missing -o new.t5g
    err_has 'missing: cannot open'
    status_is 65 t5g-pack --weights q4 --calibrate text --calibrate bad -o new.t5g
    err_has 'bad: invalid UTF-8 at byte 1'
    status_is 65 t5g-pack --weights q8 --calibrate empty -o new.t5g
    err_has 'empty: no text in it'
    [ ! -e new.t5g ]
    : > off
    t5g-pack --weights q4 --calibrate off -o new.t5g # not the file
    status_is 65 t5g-pack --weights q4 --calibrate ./off
}

@test "--calibrate goes with quantised weights" {
    samples
    for w in keep bf16; do
        status_is 64 t5g-pack --weights $w --calibrate text -o new.t5g
    done
    status_is 64 t5g-pack --calibrate text -o new.t5g
    [ ! -e new.t5g ]
    # What is quantised already stays as it is.
    t5g-pack --weights q4 --calibrate text -o q4.t5g
    t5g-pack --weights q4 --calibrate other -o again.t5g q4.t5g
    t5g-frame ls q4.t5g > a
    t5g-frame ls again.t5g > b
    [ "$(wc -l < a)" = "$(wc -l < b)" ]
}

@test "SIGTERM while a text is read by the model: 75, and nothing is packed" {
    samples
    yes 'Perl module to parse dates, in many of the formats and languages.' | head -c 300000 > long
    t5g-pack --weights q4 --calibrate long --progress always -o new.t5g 2> err &
    pid=$!
    until [ -s err ]; do :; done
    kill -TERM $pid
    status=0
    wait $pid || status=$?
    [ "$status" = 75 ]
    [ ! -e new.t5g ]
}

@test "off does not go together with a file" {
    echo 'Some text.' > text
    status_is 64 t5g-pack --weights q4 --calibrate off --calibrate text -o out.t5g "$tiny"
    grep -q "'off' and a file" err
    status_is 64 t5g-pack --weights q4 --calibrate text --calibrate off -o out.t5g "$tiny"
    [ ! -e out.t5g ]
}
