#!/bin/sh
# Encode descriptions of packages on this machine once, then ask several questions of that one file.
# The documents come from dpkg; the programs and the default model are found through PATH.
set -eu
LC_ALL=C
export LC_ALL
unset T5G_MODEL # the questions are those of the default model
tree=$(cd -- "$(dirname -- "$0")/../.." && pwd)
command -v dpkg-query > /dev/null || {
    echo 'demo: the documents are package descriptions, and dpkg-query is not here' >&2
    exit 69
}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

# Long descriptions without their first line, the synopsis, which would give answers away; twelve of them, at equal
# distances in the list of names.
dpkg-query -W -f='@@ ${Package} ${db:Status-Status}\n${Description}\n' | awk '
    /^@@ /   { name = $3 == "installed" && !($2 in text) ? $2 : ""; synopsis = 1; next }
    synopsis { synopsis = 0; next }
    name     { sub(/^ /, ""); text[name] = text[name] ($0 == "." ? "" : $0) "\n" }
    END      { for (n in text) if (length(text[n]) > 250 && length(text[n]) < 1500) print n > "all"
               close("all")
               while (("sort all" | getline n) > 0) sorted[++count] = n
               for (i = 1; i <= 12 && i <= count; i++) {
                   n = sorted[int((i - 0.5) * count / (count < 12 ? count : 12)) + 1]
                   printf "%s", text[n] > (n ".txt")
                   print n > "package"
               } }'
[ -s package ] || { echo 'demo: no package here has a description of some length' >&2; exit 69; }
first=$(head -n 1 package)

run() {
    printf '$ %s\n' "$1"
    sh -c "$1"
}

printf 'Descriptions of %d packages of this machine, a file each. The first one, %s.txt:\n\n' \
    "$(wc -l < package)" "$first"
sed 's/^/    /' "$first.txt"
printf '\nEncoded once:\n\n'
run 't5g-tokenize *.txt | t5g-encode --stats -o packages.t5g' 2>&1
run 't5g-frame ls --totals packages.t5g'

printf '\nTwo questions, each decoded from that file; no text is read again:\n\n'
run "t5g-decode -p 'section:' packages.t5g | t5g-detok > section"
run "t5g-decode -p 'kind:' packages.t5g | t5g-detok > kind"
echo
# shellcheck disable=SC2016 # ${Section} is for dpkg-query
while read -r p; do dpkg-query -W -f='${Section}\n' "$p" | sed -n 's,.*/,,; 1p'; done < package > archive
paste package kind section archive | awk -F '\t' '
    BEGIN { printf "    %-32s %-20s %-14s %s\n", "package", "kind", "section", "in the archive" }
    { for (i = 2; i <= 3; i++) sub(/^ /, "", $i)
      printf "    %-32.32s %-20s %-14s %s\n", $1, $2, $3, $4
      right += $3 == $4 }
    END { printf "\n%d of %d sections are as in the archive.\n", right, NR }'

printf '\nThe rest of a sentence, from its first four words and the encoder output of %s:\n\n' "$first"
start=$(tr '\n' ' ' < "$first.txt" | cut -d ' ' -f 1-4 | tr -d "'\"\\\\\$\`")
run "t5g-frame head -n 1 packages.t5g | t5g-decode -n 60 -p 'quote: $start' | t5g-detok | tee rest"
if tr '\n' ' ' < "$first.txt" | grep -qF -- "$start$(cat rest)"; then
    echo 'Word for word as in the text.'
else
    echo 'Not word for word as in the text, as happens to one in seven.'
fi

if command -v pango-view > /dev/null && command -v pnmpad > /dev/null &&
    fc-match 'DejaVu Sans:bold' 2> /dev/null | grep -q 'DejaVu.*Bold'; then
    number=$(($(dpkg-query -W -f='x\n' | wc -l) % 1000))
    printf '\nA picture of a number (packages on this machine, the last three digits), drawn and read:\n\n'
    pango-view --dpi=72 --font='DejaVu Sans Bold 30' --margin=0 --text="$number" -qo text.png
    run 'pngtopnm -quiet text.png | pnmcrop -quiet -white | pnmpad -quiet -white -width 112 -height 112 > number.pgm'
    picture=number.pgm
else
    number=472
    printf '\nA picture of a number, from the tests (it would be drawn if pango-view, netpbm and DejaVu were here):\n\n'
    cp "$tree/tests/data/number.png" .
    picture=number.png
fi
run "t5g-tokenize -i $picture | t5g-vision | t5g-encode -o number.t5g"
run "t5g-decode -p 'text:' number.t5g | t5g-detok | tee reading"
if [ "$(tr -d ' ' < reading)" = "$number" ]; then
    echo "It shows $number: read as it is."
else
    echo "It shows $number: misread, as happens to one in ten."
fi

printf '\nThe model is a toy of 3.8 million parameters that has seen many of these descriptions in training;\npipelines/demo/README.md says how well it does on others.\n'
