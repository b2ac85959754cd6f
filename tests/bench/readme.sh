#!/bin/sh
# readme.sh: draw results/bench.svg from the newest file of results, and put its table into the README.md beside this
# script and six rows of it into that of the tree, each between the two comments that begin with "bench:";
# `make bench-readme`. Another file: readme.sh FILE.
set -eu
cd "$(dirname "$0")"
newest=
for f in results/*.jsonl; do newest=$f; done # names begin with the date
results=${1:-$newest}
[ -f "$results" ] || { echo "readme.sh: no results: run make bench" >&2; exit 66; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# fill PAGE [AWK OPTIONS]: the table between the comments of PAGE.
fill() {
    page=$1
    shift
    awk "$@" -f table.awk targets.tsv "$results" > "$tmp/table"
    awk -v table="$tmp/table" '
        /^<!-- bench: to here -->/ { inside = 0 }
        !inside
        /^<!-- bench: from here/ { inside = 1; while ((getline line < table) > 0) print line }
    ' "$page" > "$tmp/page"
    cat "$tmp/page" > "$page"
}

gnuplot -e "results='$results'; chart='results/bench.svg'" chart.gp
fill README.md
fill ../../README.md -v few=1
