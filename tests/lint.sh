#!/bin/sh
# lint.sh: the rules of the tree that a compiler does not check. Prints every finding, ends with 1 if
# there is one. Needs clang-format, mandoc and shellcheck; run by `make lint`.
set -u
cd "$(dirname "$0")/.." || exit
build=build/${V:-release}
tmp=$(mktemp -d) || exit
trap 'rm -rf "$tmp"' EXIT

for tool in clang-format mandoc shellcheck nm; do
    command -v "$tool" > /dev/null && continue
    echo "lint: $tool is missing; on Debian: apt-get install clang-format mandoc shellcheck binutils" >&2
    exit 69
done

# check RULE: its findings come on stdin, one a line.
check() {
    sed "s/^/lint: $1: /" >> "$tmp/findings"
}

c_files() {
    find cmd common tests -name '*.[ch]' | sort
}

# Scripts that are commands have no suffix.
bare_scripts() {
    find cmd pipelines -maxdepth 1 -type f ! -name '*.*' | sort
}

text_files() {
    find . -name .git -prune -o -name build -prune -o \( -name '*.[ch157]' -o -name '*.sh' -o -name '*.py' \
        -o -name '*.md' -o -name '*.mk' -o -name '*.bats' -o -name '*.bash' -o -name Makefile -o -path './.ci/run' \) \
        -type f -print | sort
    bare_scripts
}

formatting() {
    c_files | xargs -n 60 -P 2 clang-format --dry-run -Werror 2>&1 |
        sed -n 's/^\([^:]*:[0-9]*\):.*: error: .*/\1: not as clang-format writes it/p' | awk -F : '!seen[$1]++'
}

# The order in which data flows: a folder of common/ includes itself and those before it.
order='base cli archive stream store kernels model text image nn generate stage convert'

includes() { # FILE:"HEADER" lines
    c_files | while read -r f; do
        sed -n "s|^[[:space:]]*#[[:space:]]*include[[:space:]]*\([\"<][^\">]*[\">]\).*|$f:\1|p" "$f"
    done
}

include_rule() {
    awk -F: -v order="$order" '
    BEGIN { n = split(order, name, " "); for (i = 1; i <= n; i++) rank[name[i]] = i }
    $2 !~ /^"/ { next }
    {
        header = substr($2, 2, length($2) - 2)
        split($1, at, "/"); m = split(header, to, "/")
        where = at[1] == "common" ? at[2] : at[1]
        if (header ~ /\.\./ || to[1] == "cmd") print $1 ": includes " $2
        else if (at[1] == "common" && !(where in rank)) print $1 ": folder " where " is not in the list: " order
        else if (m == 2 && to[1] in rank) {
            if (at[1] == "common" && rank[to[1]] > rank[where]) print $1 ": includes " $2 " from below"
        }
        else if (at[1] == "common") print $1 ": includes " $2 ", expected \"folder/name.h\" of common/"
        else if (where == "cmd" && to[1] !~ /^(frame|decode)$/ && m > 1) print $1 ": includes " $2
    }'
}

# A file's name says what it is for: no other has it.
unique_names() {
    find common -name '*.c' | sed 's|.*/||' | sort | uniq -d | sed 's/$/: two files under common have this name/'
}

# Headers of others: named by one .c file each, and by none of our headers.
foreign_headers() {
    for h in 'archive(_entry)?\.h' 'cJSON\.h' 'xxhash\.h' 'stb_image\.h' 'zlib\.h'; do
        sed 's|<cjson/|<|' "$tmp/includes" | grep -E ":[<\"]($h)[>\"]\$" | sed 's/:.*//' | sort -u > "$tmp/who"
        grep '\.h$' "$tmp/who" | sed "s/\$/: a header of ours names $h/"
        [ "$(wc -l < "$tmp/who")" -le 1 ] || sed "s/\$/: names $h, and so do others/" "$tmp/who"
    done
}

long_files() {
    c_files | while read -r f; do
        n=$(wc -l < "$f")
        [ "$n" -le 700 ] || echo "$f: $n lines, at most 700"
        case $f in
        cmd/t5g-*) [ "$n" -le 180 ] || echo "$f: $n lines, at most 180 for a program" ;;
        esac
    done
    for f in cmd/t5g cmd/t5g-ask; do
        n=$(wc -l < "$f")
        [ "$n" -le 60 ] || echo "$f: $n lines, at most 60"
    done
}

scripts() {
    find . -name .git -prune -o -name build -prune -o \( -name '*.sh' -o -name '*.bats' -o -name '*.bash' \
        -o -path './.ci/run' \) -type f -print | sort
    bare_scripts
}

# In .bats files the variables of common.bash come by `load`, which shellcheck does not follow. The last two findings
# count although they are rated "style": in bats such a test cannot fail.
shell_rules() {
    {
        scripts | grep '\.bats$\|\.bash$' | xargs -n 6 -P 2 shellcheck -f gcc -s bats -e SC2034,SC2154
        scripts | grep -v '\.bats$\|\.bash$' | xargs -n 6 -P 2 shellcheck -f gcc -x
    } | grep ': error: \|: warning: \|\[SC231[45]\]$' | sort
}

# Manuals of the tree are not installed, those of the system perhaps not either: only what the tree
# must have is looked up.
page_rules() {
    for page in man/*; do
        MANPATH=$tmp mandoc -Tlint -W style "$page" | grep -v 'referenced manual not found'
        sed -n 's/^\.Xr \(t5g[a-z0-9-]*\) \([157]\).*/\1.\2/p' "$page" | sort -u | while read -r x; do
            [ -f "man/$x" ] || echo "$page: refers to $x, which does not exist"
        done
    done
}

# Every symbol the library defines or wants: FILE NAME, from the objects of the files that exist.
symbols() {
    find common -name '*.c' | sort | while read -r f; do
        o=$build/${f%.c}.o
        [ ! -f "$o" ] || nm -g "$1" "$o" | awk -v f="$f" 'NF { print f, $NF }'
    done
}

# No files need symbols of each other, not through others either: tsort names those of every circle.
circles() {
    symbols --defined-only > "$tmp/defined"
    symbols --undefined-only |
        awk 'NR == FNR { home[$2] = $1; next }
            ($2 in home) && home[$2] != $1 { print $1, home[$2] }' "$tmp/defined" - |
        sort -u | LC_ALL=C tsort 2>&1 > "$tmp/sorted" |
        awk '/: input contains a loop:$/ { if (files != "") print files; files = ""; next }
            { sub(/^tsort: /, ""); files = files (files != "" ? ", " : "") $0 }
            END { if (files != "") print files }' | sed 's/$/: need each other/'
}

exported_names() {
    symbols --defined-only | awk '$2 !~ /^t5g_/ { print $1 ": " $2 ": global names start with t5g_" }'
}

# What another file of the library or the programs wants, or a test names; of another instruction set's kernels nothing
# is known here.
dead_exports() {
    {
        symbols --undefined-only
        find cmd -name '*.c' | while read -r f; do nm -u "$build/${f%.c}.o" 2> /dev/null | awk -v f="$f" '{ print f, $NF }'; done
    } | awk '{ print $2 }' | sort -u > "$tmp/wanted"
    find tests -name '*.[ch]' -exec cat {} + | grep -o 't5g_[a-z0-9_]*' | sort -u >> "$tmp/wanted"
    awk 'NR == FNR { wanted[$1] = 1; next }
        !($2 in wanted) { print $1 ": " $2 ": no other file uses it: make it static, or remove it" }' "$tmp/wanted" "$tmp/defined"
}

# Printing and exiting are for programs and common/cli; running out of memory ends in bug.c. abort and
# assert, for bugs of our own, are not named here.
silence() {
    symbols --undefined-only | awk '
    $1 ~ /^common\/cli\// || $1 == "common/base/bug.c" { next }
    $2 ~ /^(stdout|stderr|printf|vprintf|puts|putchar|perror|psignal|syslog|err|errx|warn|warnx|verr|vwarn)$/ ||
    $2 ~ /^(__printf_chk|__vprintf_chk|exit|_exit|_Exit|quick_exit|error)$/ {
        print $1 ": uses " $2 ": the library neither prints nor exits"
    }'
}

: > "$tmp/findings"
includes > "$tmp/includes"
formatting | check format
include_rule < "$tmp/includes" | check include
foreign_headers | check include
long_files | check length
unique_names | check name
c_files | xargs grep -n "$(printf '\t')" /dev/null | sed 's/\(:[0-9]*\):.*/\1: tab/' | check layout
text_files | xargs grep -nE '[[:space:]]+$' /dev/null | sed 's/\(:[0-9]*\):.*/\1: blank at the end of a line/' | check layout
text_files | xargs grep -nE 'TO[D]O|FIX[M]E' /dev/null | check unfinished
shell_rules | check shell
page_rules | check page
if make -s "V=${V:-release}" all > "$tmp/make" 2>&1; then
    exported_names | check symbol
    silence | check symbol
    circles | check circle
    dead_exports | check symbol
else
    tail -n 5 "$tmp/make" | check build
fi

awk '!seen[$0]++' "$tmp/findings" > "$tmp/once"
cat "$tmp/once" >&2
n=$(wc -l < "$tmp/once")
[ "$n" = 0 ] || { echo "lint: $n findings" >&2; exit 1; }
