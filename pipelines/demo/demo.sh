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
for q in section kind language; do
    run "t5g-decode -p '$q:' packages.t5g | t5g-detok > $q"
done
for f in *.txt; do dpkg-query -W -f='${Section}\n' "${f%.txt}" | sed -n 's,.*/,,; 1p'; done > archive
ls ./*.txt | sed 's,^\./,,; s,\.txt$,,' > package
printf '\n%-28s %-14s %-20s %-14s %s\n' package section kind language "(the archive's section)"
paste package section kind language archive | awk -F '\t' '
    { for (i = 2; i <= 4; i++) sub(/^ /, "", $i)
      printf "%-28s %-14s %-20s %-14s (%s)\n", $1, $2, $3, $4, $5
      right += $2 == $5 }
    END { printf "\n%d of %d sections as in the archive. The model was trained on package descriptions;\n", right, NR
          printf "what it gets right on packages it has not seen is in README.md.\n" }'
