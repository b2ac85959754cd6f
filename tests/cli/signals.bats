#!/usr/bin/env bats
# What ends a program from outside. Every signal is sent upon a sign that the program is where it should be.
load common

# until_true COMMAND...: ask until it says yes; the test fails when the program $pid ends before.
until_true() {
    until "$@"; do
        if ! kill -0 "$pid" 2> /dev/null; then
            echo "ended too early: $*"
            cat err
            return 1
        fi
        read -r -t 0.01 <> "$nobody" || :
    done
}

# Signs.
temporary() { compgen -G "$1.??????" > /dev/null; }
has_files() { compgen -G 'out.??????/*.npy' > /dev/null; }
asleep() { grep -q '^State:.S' "/proc/$pid/status" 2> /dev/null; }
maps() { grep -qF "$1" "/proc/$pid/maps" 2> /dev/null; }
busy() { # it has computed for N hundredths of a second
    local stat
    read -r stat < "/proc/$pid/stat" 2> /dev/null || return 1
    set -- "$1" ${stat##*) }
    [ $((${13} + ${14})) -ge "$1" ]
}
both() { "$1" "$2" && asleep; }

# ends_with STATUS: within a second, and nothing is left of -o out. The second is counted in turns of 5 ms, which
# take longer on a machine that is busy with other work: as much longer as the program does.
ends_with() {
    local got=0 turns=0
    while kill -0 "$pid" 2> /dev/null && [ "$turns" -lt 200 ]; do
        read -r -t 0.005 <> "$nobody" || :
        turns=$((turns + 1))
    done
    kill -KILL "$pid" 2> /dev/null || :
    wait "$pid" || got=$?
    if [ "$got" != "$1" ]; then
        echo "status $got after $turns turns, expected $1 within 200"
        cat err
        return 1
    fi
    [ -z "$(compgen -G 'out*')" ]
}

setup_file() {
    ulimit -c 0
}

start_up() {
    make_streams
    nobody=$PWD/nobody
    mkfifo nobody
}

@test "SIGTERM to every program that waits for input: 75 at once, and no file" {
    start_up
    mkfifo in
    exec 8<> in # a writer that never writes
    for p in t5g-tokenize 't5g-tokenize -l' 't5g-tokenize --jsonl' t5g-vision t5g-encode t5g-decode t5g-detok \
        't5g-frame cat' 't5g-frame head' 't5g-frame ls' 't5g-frame recover' 't5g-frame import --jsonl' \
        't5g-frame export --jsonl'; do
        $p -o out < in 2> err 8>&- &
        pid=$!
        until_true both temporary out
        kill -TERM $pid
        ends_with 75
        [ "$(cat err)" = "${p%% -[l-]*}: stopped by SIGTERM; out is not written" ]
    done
    t5g-decode --prompts - -o out -- enc.t5g < in 2> err 8>&- &
    pid=$!
    until_true both temporary out
    until_true maps enc.t5g
    until_true asleep
    kill -TERM $pid
    ends_with 75
    [ "$(cat err)" = "t5g-decode: stopped by SIGTERM: no document is complete, 'e1' is given up; out is not written" ]
    for form in --npy --safetensors; do
        t5g-frame export $form out < in 2> err 8>&- &
        pid=$!
        until_true both temporary out
        kill -TERM $pid
        ends_with 75
    done
}

@test "SIGTERM to a program that waits for the other end of a FIFO" {
    start_up
    mkfifo in
    for p in t5g-tokenize t5g-vision t5g-encode t5g-decode t5g-detok 't5g-frame cat'; do
        $p -o out in 2> err &
        pid=$!
        until_true both temporary out
        kill -TERM $pid
        ends_with 75
    done
    t5g-encode -o in ids.t5g 2> err &
    pid=$!
    until_true asleep
    kill -TERM $pid
    ends_with 75
    # Documents without end.
    yes 2> /dev/null > in &
    t5g-tokenize -l -o out in 2> err &
    pid=$!
    until_true temporary out
    until_true busy 10
    kill -TERM $pid
    ends_with 75
    grep -q '^t5g-tokenize: stopped by SIGTERM: [0-9]* documents are complete.*; out is not written$' err
}

@test "SIGTERM in the middle of a document: a whole stream on a pipe, no file, and a message that says which" {
    start_up
    yes 'The work of the work' | head -n 20000 > long.txt
    t5g-tokenize -e hi -o long.t5g long.txt
    decode='t5g-decode -n 1048576 --min-new-tokens 1048576'
    for p in "$decode -b 1 enc.t5g" "$decode --num-beams 4 -b 1 enc.t5g" "$decode --sample -b 1 enc.t5g" 't5g-encode long.t5g'; do
        ${p/ / -o out } 2> err &
        pid=$!
        until_true temporary out
        until_true busy 20
        kill -TERM $pid
        ends_with 75
        $p > stream 2> err &
        pid=$!
        until_true busy 20
        kill -TERM $pid
        ends_with 75
        grep -q "^${p%% *}: stopped by SIGTERM: .*'.*' is given up\$" err
        status_is 76 t5g-frame verify stream
        err_has "stream: ${p%% *} failed: stopped by SIGTERM: "
    done
    grep -q "1 document is complete, 'long.txt' is given up" err
    [ "$(t5g-frame ls stream 2> /dev/null | cut -f 1)" = e1 ]
}

@test "SIGTERM while a document is being streamed: it is closed as failed" {
    start_up
    mkfifo pipe
    t5g-decode --stream -n 1048576 --min-new-tokens 1048576 enc.t5g > pipe 2> err &
    pid=$!
    exec 8< pipe
    head -c 2000 <&8 > begin
    kill -TERM $pid
    cat <&8 > rest
    ends_with 75
    cat begin rest > stream
    status_is 76 t5g-frame verify stream
    err_has 'stream: t5g-decode failed: stopped by SIGTERM: no document is complete'
    t5g-frame ls --failed stream 2> /dev/null | grep -q '^e1'
    status_is 76 t5g-detok -o text stream
    [ ! -e text ]
}

# stop_pack: SIGTERM to $pid, which waits for room in the pipe that descriptor 8 reads.
stop_pack() {
    t5g-pack > pipe 2> err &
    pid=$!
    exec 8< pipe
    head -c 1000 <&8 > begin
    until_true asleep
    kill -TERM $pid
}

@test "SIGTERM while nobody reads the pipe: within a second, and it says that the output is cut" {
    start_up
    mkfifo pipe
    stop_pack
    ends_with 75
    [ "$(cat err)" = "t5g-pack: stopped by SIGTERM: no document is complete, 'tiny' is given up; the output is cut: nobody reads it" ]
    cat <&8 >> begin
    status_is 76 t5g-frame verify begin
    # timeout(1) sends two at once; a later second one is meant as such
    stop_pack
    read -r -t 0.15 <> nobody || :
    kill -TERM $pid
    ends_with 143
}

@test "other signals remove the temporary file, and the program dies of them" {
    start_up
    mkfifo in
    exec 8<> in
    for sig in HUP INT QUIT ILL TRAP ABRT BUS FPE USR1 SEGV USR2 ALRM STKFLT XCPU VTALRM PROF IO PWR SYS RTMIN RTMAX-1; do
        n=$(kill -l "$sig")
        env --default-signal t5g-tokenize -l -o out < in 2> err 8>&- &
        pid=$!
        until_true both temporary out
        kill -s "$sig" $pid
        ends_with $((128 + n))
        [ ! -s err ]
    done
    # The folder of an export, with files in it.
    env --default-signal t5g-frame export --npy out dec.t5g in 2> err 8>&- &
    pid=$!
    until_true has_files
    kill -QUIT $pid
    ends_with 131
}

@test "signals that were ignored before stay ignored" {
    start_up
    mkfifo in
    exec 8<> in
    env --ignore-signal=HUP --ignore-signal=TERM t5g-tokenize -l -o out < in 2> err 8>&- &
    pid=$!
    until_true both temporary out
    kill -HUP $pid
    kill -TERM $pid
    echo 'one line' >&8
    exec 8>&-
    wait $pid
    [ ! -s err ]
    t5g-frame ls out | grep -q stdin:1
}

# FILE SIZE COMMAND...: the reader of the pipe holds the command up; what it has not read of FILE yet goes.
cut_while_read() {
    "${@:3}" > pipe 2> err &
    pid=$!
    exec 8< pipe
    head -c 100 <&8 > begin
    until_true asleep
    truncate -s "$2" "$1"
    cat <&8 > rest
    ends_with 76
}

@test "an input, a model or a cache entry that is cut while it is mapped" {
    start_up
    mkfifo pipe
    for i in $(seq 400); do echo "Hello world, this is text number $i"; done > lines
    t5g-tokenize -l -o many.t5g lines
    cut_while_read many.t5g 16K t5g-encode many.t5g
    [ "$(tail -n 1 err)" = 't5g-encode: many.t5g: was truncated while it was being read' ]
    # Weights, before they are read and after: the end of a page reads as zeros, and is found all the same.
    mkfifo in
    for size in 0 -100; do
        rm -rf m && cp -r "$tiny" m && chmod -R u+w m
        t5g-encode -m m -o fine ids.t5g # now its identity is known
        t5g-encode -m m -o out < in 2> err &
        pid=$!
        exec 8> in
        until_true maps m/model.safetensors
        until_true both temporary out
        truncate -s "$size" m/model.safetensors
        cat ids.t5g >&8
        exec 8>&-
        ends_with 74
        [ "$(cat err)" = 't5g-encode: m/model.safetensors: was truncated while it was being read' ]
    done
    # What is written from a mapping: there write(2) finds it first.
    t5g-tokenize -e "$(yes word | head -n 3000)" | t5g-encode -o large.t5g
    cut_while_read large.t5g 400K t5g-frame cat large.t5g
    [ "$(cat err)" = 't5g-frame cat: large.t5g: was truncated while it was being read' ]
}

@test "-o takes every name that a file can have" {
    make_streams
    for n in 240 248 249 250 254 255; do
        name=$(printf "%0${n}d" 0)
        t5g-encode -o "$name" ids.t5g
        cmp "$name" enc.t5g
    done
    name=$(printf 'ä%.0s' $(seq 127))a
    t5g-encode -o "$name" ids.t5g
    cmp "$name" enc.t5g
    t5g-frame export --npy "${name}" dec.t5g && false
    rm "$name"
    t5g-frame export --npy "$name" dec.t5g
    [ -s "$name/index.jsonl" ]
    status_is 73 t5g-encode -o "$(printf "%0256d" 0)" ids.t5g
    err_has 'File name too long'
    [ "$(find . -maxdepth 1 -name '*.??????' | grep -c '0000\.')" = 0 ]
}

@test "a signal behind the renaming comes too late: the file is there, and the status is 0" {
    for i in $(seq 200); do echo "line $i of a text that takes a moment"; done > text
    for i in 1 2 3 4 5; do
        rm -f out
        t5g-tokenize -l -o out text 3>&- &
        until [ -e out ]; do :; done
        kill -USR1 "$!" 2> /dev/null || true # it may be gone
        wait "$!"
        t5g-frame verify out
    done
}
