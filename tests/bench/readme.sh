#!/bin/sh
# readme.sh: draw results/bench.svg from the newest file of results, and put its table into README.md between
# the two comments that begin with "bench:"; `make bench-readme`. Another file: readme.sh FILE.
set -eu
cd "$(dirname "$0")"
newest=
for f in results/*.jsonl; do newest=$f; done # names begin with the date
results=${1:-$newest}
[ -f "$results" ] || { echo "readme.sh: no results: run make bench" >&2; exit 66; }
gnuplot -e "results='$results'; chart='results/bench.svg'" chart.gp
tmp=$(mktemp)
trap 'rm -f "$tmp"' EXIT
awk -f table.awk targets.tsv "$results" > "$tmp"
awk -v table="$tmp" '
    /^<!-- bench: to here -->/ { inside = 0 }
    !inside
    /^<!-- bench: from here/ { inside = 1; while ((getline line < table) > 0) print line }
' ../../README.md > "$tmp.new"
cat "$tmp.new" > ../../README.md
rm -f "$tmp.new"
