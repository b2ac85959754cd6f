#!/usr/bin/env bash
# corpus.sh [DOCUMENTS]: real documents in bulk, the descriptions of Debian's packages as tar.zst shards, through
# the whole pipeline with the model of T5G_MODEL (unset: the default one): documents a second, memory that does not
# grow, a second run from the cache, and poison that harms nobody. 50,000 documents unless said otherwise.
#
# The descriptions come from apt's lists, the long ones where there is a translation list, else the short ones with
# name and dependencies. T5G_CORPUS_DIR keeps them, and shards and cache, between runs (default: a temporary folder).
# RATIO: how many times faster the second run must be (8). Run by `make check-corpus`.
set -euo pipefail
cd "$(dirname "$0")/.."
want=${1:-50000} ratio=${RATIO:-8}
dir=${T5G_CORPUS_DIR:-}
if [ -z "$dir" ]; then
    dir=$(mktemp -d)
    trap 'rm -rf "$dir"' EXIT
fi
mkdir -p "$dir"
bad=0
verdict() { # TEXT CONDITION...
    local text=$1
    shift
    if "$@"; then echo "ok - $text"; else echo "not ok - $text"; bad=1; fi
}
is() { awk "BEGIN { exit !($1) }"; }
now() { date +%s.%N; }

# Descriptions, each ended by a NUL.
descriptions() {
    local list
    for list in $(apt-get indextargets --format '$(FILENAME)' 'Created-By: Translations' 2> /dev/null); do
        if [ -e "$list" ] || [ -e "$list.lz4" ]; then
            /usr/lib/apt/apt-helper cat-file "$list" | awk 'BEGIN { RS = ""; ORS = "\0" }
                { sub(/^.*\nDescription-en: /, ""); gsub(/\n( \.)?/, "\n"); print }'
        fi
    done
    apt-cache dumpavail | awk 'BEGIN { RS = ""; FS = "\n"; ORS = "\0" }
        { text = ""
          for (i = 1; i <= NF; i++) if ($i ~ /^(Package|Depends|Recommends|Description|Homepage|Tag):/) text = text $i "\n"
          print text }'
}

# make_shards FOLDER POISON: shards of 1000; every POISON-th document is not UTF-8 (0: none).
make_shards() {
    local folder
    mkdir -p "$1"
    rm -rf "$dir/members"
    perl -0 -ne 'BEGIN { ($members, $want, $poison) = splice @ARGV, 0, 3; mkdir $members }
        last if $n == $want;
        chomp;
        $folder = sprintf "%s/%03d", $members, $n / 1000;
        mkdir $folder if $n % 1000 == 0;
        open my $out, ">", sprintf("%s/%06d.txt", $folder, $n) or die;
        print $out $poison && $n % $poison == 0 ? "\xff$_" : $_;
        close $out or die;
        $n++' "$dir/members" "$want" "$2" "$dir/texts"
    for folder in "$dir"/members/*; do
        tar -C "$folder" --sort=name -c . | zstd -q > "$1/${folder##*/}.tar.zst"
    done
    rm -rf "$dir/members"
}

# watch OUT: seconds, program and resident kB of the programs that run, four times a second.
watch() {
    local p
    while sleep 0.25; do
        for p in $(pgrep 't5g-[tevd]'); do
            awk -v t="$(now)" '/^Name:/ { n = $2 } /^VmRSS:/ { print t, n, $2 }' "/proc/$p/status" 2> /dev/null || :
        done
    done > "$1"
}

# slope FILE PROGRAM RATE: MB for 10,000 documents, of the later two thirds of its life.
slope() {
    awk -v program="$2" -v rate="$3" '$2 == program { t[++n] = $1; y[n] = $3 / 1024 }
        END { for (i = int(n / 3) + 1; i <= n; i++) { m++; sx += t[i]; sy += y[i] }
              if (m < 8) { print 0; exit }
              for (i = int(n / 3) + 1; i <= n; i++) { dx = t[i] - sx / m; sxx += dx * dx; sxy += dx * (y[i] - sy / m) }
              printf "%.3f", (sxx > 0 ? sxy / sxx / rate * 10000 : 0) }' "$1"
}

[ -s "$dir/texts" ] || descriptions > "$dir/texts"
have=$(tr -dc '\0' < "$dir/texts" | wc -c)
[ "$have" -ge "$want" ] || { echo "1..0 # SKIP only $have descriptions in apt's lists, of $want"; exit 0; }
[ -e "$dir/shards/made-$want" ] || { rm -rf "$dir/shards"; make_shards "$dir/shards" 0; touch "$dir/shards/made-$want"; }
ls "$dir"/shards/*.tar.zst > /dev/null

rm -rf "$dir/cache"
watch "$dir/rss" &
watcher=$!
start=$(now)
t5g-tokenize "$dir"/shards/*.tar.zst | t5g-encode --stats --cache="$dir/cache" 2> "$dir/encode.log" |
    t5g-decode -n 24 -p synopsis: | t5g-detok --jsonl > "$dir/first.jsonl"
end=$(now)
kill "$watcher"
rate=$(awk "BEGIN { print $want / ($end - $start) }")
printf '# %d documents: %.0f documents/s through the whole pipeline\n' "$want" "$rate"
verdict "a line for every document" [ "$(wc -l < "$dir/first.jsonl")" = "$want" ]
for p in tokenize encode decode detok; do
    [ "$want" -ge 5000 ] || break # so few say nothing about it
    s=$(slope "$dir/rss" "t5g-$p" "$rate")
    verdict "memory of t5g-$p grows by $s MB in 10,000 documents (limit 1)" is "$s < 1"
done

t5g-tokenize -o "$dir/ids.t5g" "$dir"/shards/*.tar.zst
start=$(now)
t5g-encode -o /dev/null "$dir/ids.t5g"
middle=$(now)
t5g-encode --cache="$dir/cache" --stats -o /dev/null "$dir/ids.t5g" 2> "$dir/second.log"
end=$(now)
times=$(awk "BEGIN { printf \"%.1f\", ($middle - $start) / ($end - $middle) }")
sed 's/^/# /' "$dir/second.log"
verdict "t5g-encode from the cache is $times times as fast (at least $ratio)" is "$times >= $ratio"
verdict "nothing is computed in the second run" grep -q " $want hits, 0 misses" "$dir/second.log"
start=$(now)
t5g-encode --cache="$dir/cache" "$dir/ids.t5g" | t5g-decode -n 24 -p synopsis: | t5g-detok --jsonl > "$dir/second.jsonl"
printf '# decoder and cache alone: %.0f documents/s\n' "$(awk "BEGIN { print $want / ($(now) - $start) }")"
verdict "the same answers from the cache" cmp "$dir/first.jsonl" "$dir/second.jsonl"

make_shards "$dir/poisoned" 100
status=0
t5g-tokenize -q "$dir"/poisoned/*.tar.zst | t5g-encode -q --cache="$dir/cache" | t5g-decode -q -n 24 -p synopsis: |
    t5g-detok -q --jsonl > "$dir/poisoned.jsonl" || status=$?
verdict "status 3 with 1 % of poison" [ "$status" = 3 ]
verdict "as many error records as poisoned documents" \
    [ "$(grep -c '^{"id":"[^"]*","error":' "$dir/poisoned.jsonl")" = $(((want + 99) / 100)) ]
verdict "all others as without poison" \
    cmp <(grep -v '","error":' "$dir/poisoned.jsonl") <(awk 'NR % 100 != 1' "$dir/first.jsonl")
rm -rf "$dir/poisoned"
exit "$bad"
