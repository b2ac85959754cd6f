#!/usr/bin/env bash
# soak.sh KILLS SECONDS: programs killed at random.
#
# First a Makefile run whose programs are killed, KILLS times in all: run again until it is done, its output must be
# the undisturbed one byte for byte, and no file that was there whole may have been made twice. Then for SECONDS
# eight writers and a collector on one cache, killed too: every output must be the undisturbed one, and no reader may
# have met a damaged entry. `make soak` is 200 and 600; a short form is part of make check.
set -euo pipefail
kills=${1:-200} seconds=${2:-600}
root=$(cd "$(dirname "$0")/.." && pwd)
dir=$(mktemp -d)
trap 'trap - EXIT; pkill -9 -P $$ || :; rm -rf "$dir"' EXIT
cd "$dir"
unset MAKEFLAGS MFLAGS MAKELEVEL T5G_MODEL
fail() { echo "not ok - $1"; exit 1; }

# corpus FOLDER: a text each of thirty documents, some of them long.
corpus() {
    mkdir -p "$1"
    local i
    for i in $(seq 10 39); do
        for _ in $(seq $((i % 5 * 20 + 1))); do echo "Package number $i has a library and its documentation."; done > "$1/$i.txt"
    done
}
run() { # FOLDER: make once
    (cd "$1" && exec make -k -j 2 -f "$root/pipelines/summarise.mk" DIR=. T5G_ENCODE_FLAGS=--cache=cache \
        T5G_DECODE_FLAGS='-n 12' > log 2>&1)
}
# times FOLDER: name and age of everything that is made.
times() { (cd "$1" && find . -type f '(' -name '*.t5g' -o -name '[0-9]*.jsonl' ')' ! -path './cache/*' | sort | xargs -r stat -c '%n %y %i'); }

corpus calm
run calm || { cat calm/log; fail "the undisturbed run"; }

done_kills=0 round=0
while [ "$done_kills" -lt "$kills" ]; do
    round=$((round + 1))
    rm -rf storm
    corpus storm
    : > seen
    for pass in $(seq 200); do
        run storm &
        maker=$!
        while kill -0 $maker 2> /dev/null; do
            sleep "0.0$((RANDOM % 10))"
            victim=$(pgrep t5g- | shuf -n 1 || :)
            if [ -n "$victim" ] && [ "$done_kills" -lt "$kills" ] &&
                [ "$(readlink "/proc/$victim/cwd" 2> /dev/null)" = "$dir/storm" ] && kill -9 "$victim" 2> /dev/null; then
                done_kills=$((done_kills + 1))
            fi
        done
        status=0
        wait $maker || status=$?
        # What was whole before this pass is the same file after it.
        times storm > after
        grep -vxFf after seen > lost || :
        [ ! -s lost ] || { cat lost; fail "made twice in round $round, pass $pass"; }
        cp after seen
        [ "$status" != 0 ] || break
    done
    [ "$status" = 0 ] || { tail storm/log; fail "round $round does not end"; }
    for f in calm/*.t5g calm/*.jsonl; do cmp "$f" "storm/${f#calm/}" || fail "round $round: $f differs"; done
done
echo "ok - make: $done_kills kills in $round rounds, outputs as undisturbed, nothing made twice"

cat calm/*.ids.t5g | t5g-frame cat -o ids.t5g
t5g-encode -o plain.t5g ids.t5g
end=$((SECONDS + seconds)) runs=0 deaths=0
: > warnings
while [ "$SECONDS" -lt "$end" ]; do
    for w in 1 2 3 4 5 6 7 8; do
        rm -f "out-$w.t5g"
        t5g-encode -t 1 --cache=cache -o "out-$w.t5g" ids.t5g 2>> warnings &
    done
    t5g-frame cache-gc --max-size 100K --grace 0 cache > /dev/null 2>> warnings &
    for _ in 1 2 3; do
        sleep "0.0$((RANDOM % 10))"
        victim=$(pgrep -P $$ t5g- | shuf -n 1 || :)
        if [ -n "$victim" ] && kill -9 "$victim" 2> /dev/null; then deaths=$((deaths + 1)); fi
    done
    wait
    for w in 1 2 3 4 5 6 7 8; do
        [ ! -e "out-$w.t5g" ] || { cmp "out-$w.t5g" plain.t5g || fail "a torn entry was used"; runs=$((runs + 1)); }
    done
    rm -f out-*.t5g.*
done 2> /dev/null
[ "$(grep -c damaged warnings)" = 0 ] || { grep damaged warnings; fail "a damaged entry"; }
t5g-frame cache-verify cache > verified || { cat verified; fail "cache-verify"; }
echo "ok - cache: $runs runs in $seconds s, $deaths writers and collectors killed, no torn entry"
