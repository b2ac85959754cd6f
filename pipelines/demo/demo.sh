#!/bin/sh
# Encode descriptions of packages on this machine once, then ask several questions of that one file.
# The documents come from dpkg; the programs and the default model are found through PATH.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

# The long descriptions only: the first line is the synopsis, which would give answers away.
dpkg-query -W -f='@@ ${Package}\n${Description}\n' | awk '
    /^@@ /   { name = $2; synopsis = 1; next }
    synopsis { synopsis = 0; next }
             { sub(/^ /, ""); text[name] = text[name] ($0 == "." ? "" : $0) "\n" }
    END      { for (n in text) if (length(text[n]) > 250 && length(text[n]) < 1500) print n > "all"
               close("all")
               while ("sort all" | getline n) sorted[++count] = n
               for (i = 1; i <= 12 && i <= count; i++) {
                   n = sorted[int((i - 0.5) * count / (count < 12 ? count : 12)) + 1]
                   printf "%s", text[n] > (n ".txt")
               } }'
rm all

run() {
    printf '$ %s\n' "$1"
    sh -c "$1"
}

printf 'Twelve package descriptions of this machine, one file each. The first one:\n\n'
for f in *.txt; do sed 's/^/    /' "$f"; break; done
printf '\nEncoded once:\n\n'
run 't5g-tokenize *.txt | t5g-encode --stats -o packages.t5g'
run 't5g-frame ls --totals packages.t5g'
printf '\nQuestions, each decoded from that same file:\n\n'
for q in synopsis section kind language; do
    run "t5g-decode -n 40 -p '$q:' packages.t5g | t5g-detok > $q"
done
for f in *.txt; do dpkg-query -W -f='${Section}\n' "${f%.txt}" | sed -n 's,.*/,,; 1p'; done > archive
for f in *.txt; do printf '%s\n' "${f%.txt}"; done > package
echo
paste package synopsis section kind language archive | awk -F '\t' '
    { for (i = 2; i <= 5; i++) sub(/^ /, "", $i)
      printf "%s: %s\n    %s, %s, %s (the archive: %s)\n", $1, $2, $3, $4, $5, $6
      right += $3 == $6 }
    END { printf "\n%d of %d sections as in the archive.\n", right, NR }'

printf '\nThe rest of a sentence of the first one, word for word from its encoder output:\n\n'
start=$(tr '\n' ' ' < "$(head -n 1 package).txt" | cut -d ' ' -f 1-4)
run "t5g-frame head -n 1 packages.t5g | t5g-decode -n 60 -p 'quote: $(printf %s "$start" | tr -d \')' | t5g-detok"
number=$(($(dpkg-query -W -f='x\n' | wc -l) % 1000))
printf '\nA picture of a number (packages on this machine, their last three digits), drawn and read:\n\n'
pango-view --dpi=72 --font='DejaVu Sans Bold 30' --margin=0 --text="$number" -qo text.png
run 'pngtopnm -quiet text.png | pnmcrop -quiet -white | pnmpad -quiet -white -width 112 -height 112 > number.ppm'
run 't5g-tokenize -i number.ppm | t5g-vision | t5g-encode -o number.t5g'
run "t5g-decode -p 'text:' number.t5g | t5g-detok | tee reading"
if [ "$(tr -d ' ' < reading)" = "$number" ]; then
    echo "It was drawn as $number: read as it is."
else
    echo "It was drawn as $number: misread, as happens to one in ten."
fi

printf '\nThe model has seen many of these descriptions in training; README.md says how well it does on others.\n'
