#!/usr/bin/env bash
# failing.sh SAMPLES SHIM: every program of whole pipelines, with one call that fails.
#
# Each run lets the n-th open, read, write, fsync, close, rename, fchmod, mmap, fstat or allocation of one program
# fail (shim.c). Whatever call it is: the run ends, with a status that is not 0 and without output; or with 0 or 3 and
# the output of an undisturbed run, byte for byte (a cache that cannot be read is made again, a document that
# cannot be read is a failed one). Nothing temporary is left. SAMPLES: so many calls of each kind, evenly spread;
# 0: all of them (of thousands of allocations 400). `make soak` takes all, make check one.
set -euo pipefail
samples=$1 shim=$(readlink -f "$2")
root=$(cd "$(dirname "$0")/.." && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export T5G_MODEL=$root/tests/models/tiny T5G_THREADS=2
unset MAKEFLAGS MFLAGS MAKELEVEL T5G_CPU T5G_CACHE_DIR

declare -A errno=([open]=24 [read]=5 [write]=28 [fsync]=5 [close]=5 [rename]=5 [fchmod]=1 [mmap]=12 [fstat]=5 [alloc]=12)

# run COMMAND: in the folder work, with fresh copies of the caches; statuses to the array `status`.
run() {
    rm -rf work
    mkdir work
    cp -r warm work/home
    status=()
    # shellcheck disable=SC2016 # for the shell inside
    read -ra status <<< "$(cd work && XDG_CACHE_HOME=$PWD/home timeout 60 bash -c "$1"'; echo "${PIPESTATUS[@]}"' 2> ../err)"
}

complain() {
    echo "not ok - $FAULT_PROGRAM: $FAULT_CALL number $FAULT_AT: $1: statuses ${status[*]}: $command"
    head -n 5 err
    find work ! -path 'work/home/*' | head
    failed=$((failed + 1))
}

check() { # after a run with a fault
    local last=${status[-1]:-none} s
    runs=$((runs + 1))
    for s in "${status[@]}"; do
        case $s in 124) complain 'no end' ;; 13[0-9] | 14[02-9]) complain 'a signal' ;; esac
    done
    case $last in
    0) diff -r calm/out work/out > /dev/null 2>&1 || complain 'another output, and 0' ;;
    3) [ -e work/out ] || complain 'no output, and 3' ;;
    *)
        [ ! -e work/out ] || complain 'an output'
        [ -s err ] || complain 'no message'
        ;;
    esac
    [ -z "$(find work -name 'out?*' -o -path '*/v1/tmp/*' -o -name '*.??????' ! -name '*.*.??????' -path 'work/home/*')" ] ||
        complain 'something temporary'
}

# try COMMAND PROGRAM...: writes `out`.
try() {
    command=$1
    shift
    unset LD_PRELOAD FAULT_PROGRAM
    run "$command"
    local all="${status[*]}"
    [ -z "${all//[0 ]/}" ] || { echo "not ok - undisturbed: ${status[*]}: $command"; cat err; exit 1; }
    rm -rf calm && cp -r work calm
    export LD_PRELOAD=$shim FAULT_PROGRAM FAULT_CALL FAULT_AT FAULT_ERRNO FAULT_COUNT
    for FAULT_PROGRAM; do
        for FAULT_CALL in "${!errno[@]}"; do
            FAULT_AT=0 FAULT_ERRNO=${errno[$FAULT_CALL]} FAULT_COUNT=$dir/count
            rm -f count
            run "$command"
            calls=$(sort -n count | tail -n 1)
            step=$((samples > 0 ? (calls + samples) / (samples + 1) : calls / 400 + 1))
            FAULT_COUNT=/dev/null
            for ((FAULT_AT = step > 0 ? step : 1; FAULT_AT <= calls; FAULT_AT += step > 0 ? step : 1)); do
                run "$command"
                check
            done
        done
    done
    unset LD_PRELOAD FAULT_PROGRAM
}

cp "$root/tests/fuzz/seeds/decode/one.png" p.png
runs=0 failed=0
mkdir cold warm
export XDG_CACHE_HOME=$dir/warm
t5g-tokenize -e 'Hello world' -e 'The work' -o ids.t5g
t5g-encode ids.t5g | t5g-decode -n 3 --logprobs -o dec.t5g
pipeline='t5g-tokenize -i ../p.png -e "<start_of_image> here is" | t5g-vision --cache=c | t5g-encode --cache=c | t5g-decode -n 4 | t5g-detok --jsonl -o out'
all='t5g-tokenize t5g-vision t5g-encode t5g-decode t5g-detok'
# shellcheck disable=SC2086 # a list
try "$pipeline" $all
try 't5g-pack --weights q8 -o out' t5g-pack
try 't5g-frame export --npy out ../dec.t5g' t5g-frame
if [ "$samples" = 0 ] || [ "$samples" -gt 1 ]; then
    try 't5g-frame cat -o out ../dec.t5g ../ids.t5g' t5g-frame
    try 't5g-frame export --safetensors out ../dec.t5g' t5g-frame
    try 't5g-frame ls --json -o out ../dec.t5g' t5g-frame
    try 't5g-frame split -n 1 --prefix part ../dec.t5g && cat part-* > out' t5g-frame
    try 't5g-frame export --jsonl -o lines ../dec.t5g && t5g-frame import --jsonl -o out lines' t5g-frame
    rm -rf warm && mkdir warm # everything is to be made for the first time
    # shellcheck disable=SC2086
    try "$pipeline" $all
fi
[ "$failed" = 0 ] || exit 1
echo "ok - $runs runs, each with a call that failed: a status and no output, or the output as undisturbed"
