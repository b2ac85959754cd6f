#!/bin/sh
# Run every fuzz target of FOLDER for SECONDS, each from its seeds; findings stay in FOLDER/findings.
# usage: run.sh FOLDER SECONDS
set -eu
folder=$1
seconds=$2
seeds=$(dirname "$0")/seeds
passed=0
failed=0
mkdir -p "$folder/findings"
for target in "$folder"/fuzz_*; do
    case $target in *.d | *.o) continue ;; esac
    name=${target##*/fuzz_}
    corpus=$folder/corpus/$name
    mkdir -p "$corpus"
    if [ -d "$seeds/$name" ]; then
        cp "$seeds/$name"/* "$corpus"
    fi
    if "$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=65536 -print_final_stats=1 \
        -artifact_prefix="$folder/findings/$name-" "$corpus" > "$folder/$name.log" 2>&1; then
        passed=$((passed + 1))
        echo "ok $name: $(sed -n 's/^stat::number_of_executed_units: //p' "$folder/$name.log") runs"
    else
        failed=$((failed + 1))
        echo "not ok $name:"
        tail -n 30 "$folder/$name.log"
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
