#!/usr/bin/env bats
# Pages and README say what the programs do: options, exit statuses, environment, examples that run.
#
# How an example is written, in EXAMPLES of a page, between .Bd -literal and .Ed:
#   $ COMMAND             is run; "> " continues it on the next line
#   $ COMMAND  # exit 3   is run and must end with status 3 (else 0, as under `sh -eu`)
#   # NAME                as the first line: the rest of the block is a file NAME, not a script
#   anything else         is output, shown to the reader and not compared
# In README.md these blocks are run, each in an empty folder of its own; other blocks are not:
#   ```console            "$ COMMAND" lines, each with the output that follows it
#   ```sh                 is run as it stands; a ```text block right behind it is its output
# Both outputs are compared, and nothing may be said on standard error.
# The blocks of a page run in order in one folder with the files that `samples` makes, and with the
# default model.
load common

root=$T5G_TESTS/..

# The options of a page in the words of --help: "-o, --output FILE".
page_options() {
    awk '
    /^\.It Fl / && !/ Ta / {
        sub(/^\.It /, "")
        n = split($0, item, " , ")
        left = arg = ""
        for (i = 1; i <= n; i++) {
            m = split(item[i], word, " ")
            if (i > 1 && rest != "" ) first = rest
            rest = ""
            for (k = 3; k <= m; k++)
                if (word[k] != "Ar" && word[k] != "Cm" && word[k] != "Ns") rest = rest word[k]
            left = left (i > 1 ? ", " : "") "-" word[2]
            if (i > 1 && first != rest) left = left " (" first " or " rest "?)"
            first = rest
        }
        if (rest ~ /^Op/) print left "[" substr(rest, 3) "]" # "-cache Ns Op = Ns Ar DIR | off"
        else print left (rest != "" ? " " rest : "")
    }' "$1" | sort -u
}

# named_options PAGE [PAGE_7]: the common options that PAGE names on lines ".Fl o Ar FILE , Fl q , -stats" under
# its own heading, in the words of t5g(7), which describes them.
named_options() {
    sed -n '/^\.Ss Common options$/,/^\.S[hs] [^C]/p' "${2-$root/man/t5g.7}" > described
    page_options described > described.options
    sed -n '/^\.Ss Common options$/,/^\.S[hs] [^C]/s/^\.Fl /Fl /p' "$1" | tr ' ' '\n' | awk '
        FILENAME != "-" { for (i = 1; i <= 2 && $i ~ /^-/; i++) { key = $i; sub(/,$/, "", key); line[key] = $0 } next }
        /^[A-Z][a-z]$/ { macro = $0; next }
        macro == "Fl" && /[a-z]/ { print ("-" $0 in line) ? line["-" $0] : "-" $0 ": not in t5g(7)" }
    ' described.options - | sort -u
}

# The options that a program, or a verb of one, prints.
help_options() {
    "$@" --help | sed -n 's/^  \(-.*\)/\1/p' | sed 's/  .*//' | sort -u
}

# same_options PAGE PROGRAM [PAGE_7]: prints the difference ("<": only --help, ">": only the pages). The page describes
# options, or names them and t5g(7) describes them.
same_options() {
    local page=$1 program=$2
    if [ "$program" = t5g-frame ]; then
        frame_verbs | while read -r verb; do help_options t5g-frame "$verb"; done | sort -u
    else
        help_options "$program"
    fi > help
    [ -s help ] || return
    named_options "$page" ${3+"$3"} > named
    page_options "$page" | sort -m - named > listed
    diff help listed
}

programs() {
    find "$root/cmd" -maxdepth 1 -name 't5g-*' -exec basename {} .c \; | sort
}

frame_verbs() {
    t5g-frame --help | sed -n 's/^  \([a-z][a-z-]*\) .*/\1/p'
}

# same_verb PAGE VERB: the options under the verb's own heading are those of its --help, but for the
# common ones.
same_verb() {
    named_options "$1" > shared
    sed -n "/^\.Ss $2\$/,/^\.S[hs]/p" "$1" > section
    if [ ! -s shared ] || [ ! -s section ]; then
        echo "$2: no heading of its own, or no common options"
        return 1
    fi
    page_options section > listed
    help_options t5g-frame "$2" | comm -23 - shared | diff - listed
}

samples() {
    cat > report.txt <<'TEXT'
This package contains a library of C++ classes for reading and writing tar archives.
It provides the header files needed to compile programs that use it.
TEXT
    printf 'A text editor for programmers, written in Python.\n' > notes.txt
    cat > lines.txt <<'TEXT'
A small web server that is easy to configure.
Fonts for mathematical symbols.

Perl module to parse dates, in many of the formats and languages that people use to write them.
TEXT
    cat > docs.jsonl <<'TEXT'
{"id": "editor", "text": "A text editor for programmers.", "prompt": "section:"}
{"text": "Bindings of a plotting library for Python 3.", "prompt": "language:"}
{"id": 3, "text": "Documentation of a compiler."}
TEXT
    printf 'section:\nkind:\nlanguage:\n' > prompts.txt
    cp "$T5G_TESTS/data/number.png" .
    mkdir docs
    printf 'A game of cards.\n' > docs/cards.txt
    printf 'Debugging symbols of a database.\n' > docs/database.txt
}

# extract FILE: its blocks as block-01.sh, block-02.sh, ... and files; prints the scripts' names.
extract() {
    awk '
    function flush() {
        if (command == "") return
        if (match(command, /  # exit [0-9]+$/)) {
            want = substr(command, RSTART + 9)
            print "status=0\n" substr(command, 1, RSTART - 1) " || status=$?" > out
            print "[ $status = " want " ] || { echo \"exit status $status, not " want "\"; exit 1; }" > out
        } else print command > out
        command = ""
        commands++
    }
    function open() { out = sprintf("block-%02d.sh", ++blocks); inside = 1; lines = commands = 0 }
    function shut() {
        flush()
        inside = 0
        close(out)
        if (out !~ /^block-/) return
        if (commands == 0) { print "block " blocks " has no command" > "/dev/stderr"; bad = 1 }
        print out
    }
    /^\.Sh / { examples = $2 == "EXAMPLES" }
    examples && /^\.Bd -literal/ { open(); next }
    inside && /^\.Ed/ { shut(); next }
    !inside { next }
    {
        gsub(/\\&/, ""); gsub(/\\\(aq/, "\047"); gsub(/\\e/, "\\")
        if (++lines == 1 && /^# [A-Za-z0-9._-]+$/) { out = $2; blocks--; next }
        if (out !~ /^block-/) print > out
        else if (/^\$ /) { flush(); command = substr($0, 3) }
        else if (/^> /) command = command "\n" substr($0, 3)
        else flush()
    }
    END { exit bad }' "$1"
}

# run_examples FILE: every block, in a folder of its own; says which one failed.
run_examples() {
    local name bad=0 blocks block
    name=$(basename "$1")
    mkdir "run-$name"
    cd "run-$name" || return
    samples
    blocks=$(extract "$1") || bad=1
    [ -n "$blocks" ] || bad=1
    for block in $blocks; do
        sh -eu "$block" > out 2>&1 < /dev/null && continue
        bad=1
        echo "$name: $block:"
        cat "$block" out
    done
    cd ..
    [ "$bad" = 0 ] || echo "$name: examples failed, or there are none"
    return "$bad"
}

@test "every program has a page, with the options that --help prints" {
    local bad=0 program
    for program in $(programs); do
        same_options "$root/man/$program.1" "$program" || { echo "$program"; bad=1; }
    done
    [ "$bad" = 0 ]
}

# in_synopsis PAGE OPTIONS: every option that is not common to all programs stands in the page's SYNOPSIS.
in_synopsis() {
    sed -n '/^\.Sh SYNOPSIS/,/^\.Sh DESCRIPTION/p' "$1" > synopsis
    while read -r option; do
        case $option in -q,* | -v,* | -t,* | --on-error* | --progress* | --stats | -h,* | --version) continue ;; esac
        name=${option%%[, =[]*}
        grep -qE "Fl ${name#-}( |\$)" synopsis || { echo "$1: SYNOPSIS lacks $option"; return 1; }
    done < "$2"
}

@test "every option of a program stands in the SYNOPSIS of its page" {
    for p in $(programs); do
        [ "$p" != t5g-frame ] || continue
        help_options "$p" > options
        in_synopsis "$root/man/$p.1" options
    done
    help_options t5g-decode > options
    sed '/^.Op Fl -top-p/d' "$root/man/t5g-decode.1" > page
    status_is 1 in_synopsis page options
}

@test "every verb of t5g-frame has a heading in the page, with its options" {
    local bad=0 verb page=$root/man/t5g-frame.1
    [ -n "$(frame_verbs)" ]
    for verb in $(frame_verbs); do
        same_verb "$page" "$verb" || { echo "t5g-frame $verb"; bad=1; }
    done
    [ "$bad" = 0 ]
    sed '/^\.It Fl -drain$/d' "$page" > missing.1
    run same_verb missing.1 head
    [ "$status" = 1 ]
}

@test "that comparison notices a missing, an extra and a changed option" {
    local page=$root/man/t5g-detok.1
    sed '/^\.It Fl -trim$/d' "$page" > missing.1
    sed 's/^\.It Fl -trim$/&\n.It Fl -bogus/' "$page" > extra.1
    sed 's/^\(\.It Fl -newline Cm \)space/\1blank/' "$page" > changed.1
    # of the common ones: not named, named but not taken, described nowhere, described twice
    sed 's/^\(\.Fl o .*\) , -stats/\1/' "$page" > unnamed.1
    sed 's/^\.Fl o .* -stats/& , t/' "$page" > foreign.1
    sed 's/^\.Fl o .* -stats/& , -bogus/' "$page" > nowhere.1
    sed 's/^\.It Fl -trim$/&\n.It Fl -stats/' "$page" > twice.1
    same_options "$page" t5g-detok
    for p in missing extra changed unnamed foreign nowhere twice; do
        run diff "$page" "$p.1"
        [ "$status" = 1 ]
        run same_options "$p.1" t5g-detok
        [ "$status" = 1 ]
        [ -n "$output" ]
    done
    sed '/^\.It Fl -stats$/d' "$root/man/t5g.7" > missing.7
    sed 's/^\(\.It Fl -max-frame Ar \)BYTES/\1N/' "$root/man/t5g.7" > changed.7
    for p in missing changed; do
        status_is 1 same_options "$page" t5g-detok "$p.7"
    done
}

# what_help_shows PROGRAM [VERB]: the example at the end of --help, which ends with the page's name.
what_help_shows() {
    "$@" --help > shown
    [ "$(tail -n 1 shown)" = "Manual: $1(1)" ] && [ -e "$root/man/$1.1" ] || { tail -n 3 shown; return 1; }
    [ "$(grep -c '^Example:$' shown)" = 1 ]
    sed -n '/^Example:$/,/^$/s/^  //p' shown
}

@test "--help ends with the page's name and an example, which runs" {
    local bad=0 program verb
    unset T5G_MODEL
    samples
    ln -s "$(realpath "$root/pipelines/demo/model")" model
    t5g-tokenize report.txt | t5g-encode -o report.t5g
    t5g-encode --dtype bf16 -o half.t5g report.t5g
    t5g-encode --pool mean -o queries.t5g report.t5g
    t5g-tokenize -l lines.txt | t5g-encode --pool mean -o vectors.t5g
    export T5G_CACHE_DIR=$PWD/cache
    { programs; frame_verbs | sed '/^head$/d;s/^/t5g-frame /'; echo t5g-frame head; } > all
    while read -r program verb; do
        what_help_shows "$program" ${verb:+"$verb"} > example.sh
        [ "$(wc -l < example.sh)" = 1 ]
        # what the examples of other programs write and this one reads
        [ -e lines.t5g ] || t5g-tokenize -l lines.txt | t5g-encode -o lines.t5g
        sh -eu example.sh > out 2>&1 < /dev/null && continue
        bad=1
        cat example.sh out
    done < all
    [ "$bad" = 0 ]
    status_is 1 what_help_shows echo
}

@test "pages are well-formed mdoc" {
    command -v mandoc > /dev/null || skip "mandoc is not installed"
    local bad=0 page
    for page in "$root"/man/*; do
        mandoc -Tlint -W warning "$page" || bad=1
    done
    [ "$bad" = 0 ]
    { cat "$root/man/t5g.7"; echo .Nonsense; } > broken.7
    run mandoc -Tlint -W warning broken.7
    [ "$status" != 0 ]
}

@test "no line of a page begins with a tab, which a reader of a rendered Makefile cannot paste" {
    ! grep -n "^$(printf '\t')" "$root"/man/* || return 1
}

@test "exit statuses of the programs and of t5g(7) are the same" {
    sed -n '/^enum t5g_exit/,/^}/s/.* = \([0-9]*\),.*/\1/p' "$root/common/base/base.h" > code
    sed -n '/^\.Sh EXIT STATUS/,/^\.Sh EXAMPLES/s/^\.It \([0-9]*\)$/\1/p' "$root/man/t5g.7" > page
    [ "$(wc -l < code)" -gt 10 ]
    diff code page
}

@test "every environment variable that is read is in t5g(7)" {
    grep -rhoE 'getenv\("[A-Z0-9_]+"\)' "$root/cmd" "$root/common" | sed 's/.*"\(.*\)".*/\1/' | sort -u > code
    sed -n '/^\.Sh ENVIRONMENT/,/^\.Sh/s/^\.It Ev //p' "$root/man/t5g.7" | sed 's/ , /\n/g' | sort -u > page
    grep -qx T5G_MODEL code
    diff code page
}

@test "examples of the pages run" {
    local bad=0 page
    unset T5G_MODEL
    for page in "$root"/man/*.1 "$root/man/t5g.7"; do
        run_examples "$(realpath "$page")" || bad=1
    done
    [ "$bad" = 0 ]
}

# unasked PAGE ...: example lines that generate without a prompt, from what brings none.
unasked() { grep -n '^\$ .*t5g-decode ' "$@" | grep -v -e ' -p ' -e '--prompts' -e 'docs\.\(jsonl\|t5g\)' -e 'missing\.t5g'; }

@test "examples that generate say what is asked: the default model answers nothing else" {
    printf '$ t5g-encode x | t5g-decode -n 8 | t5g-detok\n' > page
    [ "$(unasked page | wc -l)" = 1 ]
    [ "$(unasked "$root"/man/*.[157] | tee /dev/stderr | wc -l)" = 0 ]
}

# readme_blocks FILE: block-N.sh and block-N.want of the blocks that run; prints the N, and on standard error
# which block has no output to compare.
readme_blocks() {
    awk '
    function open_block(k) { kind = k; script = sprintf("block-%02d.sh", ++n); want = sprintf("block-%02d.want", n); printf "" > want }
    /^```console$/ { open_block("console"); next }
    /^```sh$/ { open_block("sh"); next }
    /^```text$/ && after { kind = "text"; shown[n] = 1; next }
    /^```$/ && kind != "" { after = kind == "sh"; close(script); kind = ""; next }
    { after = 0 }
    kind == "console" && /^\$ / { print substr($0, 3) > script; next }
    kind == "console" { shown[n] = 1; print > want; next }
    kind == "sh" { print > script }
    kind == "text" { print > want }
    END { for (i = 1; i <= n; i++) { printf "%02d\n", i; if (!shown[i]) print "block " i " shows no output" > "/dev/stderr" } }
    ' "$1"
}

# run_readme FILE: every block of it, in an empty folder; prints what differs from the output shown.
run_readme() {
    local n bad=0 blocks
    rm -rf block-*
    blocks=$(readme_blocks "$1") && [ -n "$blocks" ] || return
    for n in $blocks; do
        mkdir "block-$n"
        (cd "block-$n" && sh -eu "../block-$n.sh" < /dev/null) > "block-$n.out" 2> "block-$n.err" || { bad=1; echo "block $n fails"; }
        diff "block-$n.want" "block-$n.out" && diff /dev/null "block-$n.err" || bad=1
    done
    return "$bad"
}

@test "the blocks of README run, each in an empty folder, and print what it shows" {
    unset T5G_MODEL
    run_readme "$root/README.md"
    [ "$(grep -c '^```sh$' "$root/README.md")" = 3 ]
    [ "$(sed -n '/^```console/,/^```$/p' "$root/README.md" | grep -c '^\$ ')" = 5 ]
    readme_blocks "$root/README.md" 2> silent > /dev/null
    [ ! -s silent ]
    # Noticed: a file that no block has made, a failure before the last command, another output in a block of either kind,
    # output that is not shown, words on standard error, and a file of the block before.
    page() { printf '%s\n' "$@" > broken.md; }
    page '```console' '$ echo a' a '$ echo b' b '```' '' '```sh' 'echo c' '```' '```text' c '```'
    run_readme broken.md
    page '```sh' 'ls no-such-file' '```' && status_is 1 run_readme broken.md
    page '```sh' 'false' 'true' '```' && status_is 1 run_readme broken.md
    page '```console' '$ echo a' b '```' && status_is 1 run_readme broken.md
    page '```sh' 'echo c' '```' '```text' d '```' && status_is 1 run_readme broken.md
    page '```console' '$ echo a' '$ echo b' b '```' && status_is 1 run_readme broken.md
    page '```sh' 'echo e >&2' '```' && status_is 1 run_readme broken.md
    page '```sh' ': > f' '```' '' '```sh' 'cat f' '```' && status_is 1 run_readme broken.md
}

@test "README is short, names the two commands, and the packages that the build needs" {
    [ "$(wc -l < "$root/README.md")" -le 130 ]
    grep -qx 'make demo' "$root/README.md"
    grep -qx 'make check' "$root/README.md"
    sed -n 's/^DEPS *= //p' "$root/Makefile" > deps
    [ -s deps ]
    grep -qF "\`$(cat deps)\`" "$root/README.md"
}

@test "six rows of the measurements are in README, all in tests/bench/README.md, as of the newest results" {
    local newest
    table() { sed -n '/^<!-- bench: from here/,/^<!-- bench: to here/{/^<!--/!p}' "$1"; }
    newest=$(printf '%s\n' "$root"/tests/bench/results/*.jsonl | tail -n 1)
    cd "$root/tests/bench" || return
    awk -v few=1 -f table.awk targets.tsv "$newest" > "$BATS_TEST_TMPDIR/few"
    awk -f table.awk targets.tsv "$newest" > "$BATS_TEST_TMPDIR/all"
    table ../../README.md | diff "$BATS_TEST_TMPDIR/few" -
    table README.md | diff "$BATS_TEST_TMPDIR/all" -
    [ "$(grep -c '^| [A-Z]' "$BATS_TEST_TMPDIR/few")" = 6 ]
    # The row in which t5g does worst is one of them.
    awk -v data=1 -f table.awk targets.tsv "$newest" | sort -t "$(printf '\t')" -k 2n | sed -n '1s/ |.*//p' > "$BATS_TEST_TMPDIR/worst"
    [ -s "$BATS_TEST_TMPDIR/worst" ]
    grep -qFf "$BATS_TEST_TMPDIR/worst" "$BATS_TEST_TMPDIR/few"
}

# dead_links FILE...: links of Markdown pages to files that are not there.
dead_links() {
    local page link
    for page; do
        grep -oE '\]\([^)]*\)' "$page" | sed 's/^](\(.*\))$/\1/' | while read -r link; do
            case $link in http*) ;; *) [ -e "$(dirname "$page")/$link" ] || echo "$page: $link" ;; esac
        done
    done
}

@test "links of the Markdown pages lead to files that are there" {
    find "$root" \( -name build -o -name .git \) -prune -o -name '*.md' -print > pages
    grep -q bench pages
    mapfile -t pages < pages
    run dead_links "${pages[@]}"
    echo "$output"
    [ -z "$output" ]
    echo '[a](no/such.md) [b](links.md)' > links.md
    [ "$(dead_links links.md)" = "links.md: no/such.md" ]
}

@test "an example that fails, or ends with another status than it says, is noticed" {
    page() { printf '.Sh EXAMPLES\n.Bd -literal\n%s\n.Ed\n' "$1" > "$BATS_TEST_TMPDIR/$2"; }
    page '$ true
shown
$ echo a |
> grep -q a
$ sh -c "exit 3"  # exit 3' good.1
    page '$ false' one.1
    page '$ true  # exit 3' two.1
    page '$ sh -c "exit 4"  # exit 3' three.1
    page 'no command' four.1
    run_examples "$BATS_TEST_TMPDIR/good.1"
    for p in one two three four; do
        run run_examples "$BATS_TEST_TMPDIR/$p.1"
        [ "$status" = 1 ]
    done
}

# marked PAGE: what stands between backticks, but for blocks of code, as LINE<tab>TEXT.
marked() {
    awk -F '`' '!/^    / { for (i = 2; i < NF; i += 2) print NR "\t" $i }' "$1"
}

# path_of NAME: where that file or folder is, below the tree or its common/; of a pattern, the first one.
path_of() {
    compgen -G "$root/$1" || compgen -G "$root/common/$1"
}

# has_function NAME [FILE]: FILE defines it, or a header FILE declares it; without FILE, some file does.
has_function() {
    case ${2-} in
    '') grep -rqE --include='*.[ch]' "^$1\\(" "$root/common" "$root/cmd" "$root/tests/unit" ;;
    *.h) grep -qE "(^|[ *])$1\\(" "$2" ;;
    *) grep -qE "^$1\\(" "$2" ;;
    esac
}

# missing_from_tree PAGE: what a Markdown page names and the tree has not, as LINE NAME:
#   `a/b.c`               a file or folder
#   `f()`                 a function, of the file that stands before it on the line where there is one
#   `struct s`, `enum s`, `T5G_X`, `k->x` (a kernel), `.x` (a field of the configuration), `"x"` (a key of it)
missing_from_tree() {
    local line name last='' file='' found
    while IFS=$'\t' read -r line name; do
        [ "$line" = "$last" ] || file=
        last=$line
        found=yes
        case $name in
        struct\ t5g_* | enum\ t5g_*) grep -rqE --include='*.[ch]' "^$name( \\{|;)" "$root/common" || found= ;;
        *[[:space:]]* | *NAME* | *...*) ;;
        *'()')
            [[ $name =~ ^[a-z][a-z0-9_]*\(\)$ ]] || continue
            has_function "${name%??}" "$file" || found=
            ;;
        T5G_*) grep -rqwF "$name" "$root/common" "$root/cmd" "$root/tests/unit" "$root"/tests/*.sh || found= ;;
        'k->'*) grep -qF "(*${name#k->})(" "$root/common/kernels/kernels.h" || found= ;;
        .[a-z]*) [[ $name =~ - ]] || grep -qw "${name#.}" "$root/common/model/config.h" || found= ;;
        '"'*'"') grep -rqF --include='*.c' "$name" "$root/common" || found= ;;
        */*) file=$(path_of "$name" | head -n 1) && [ -n "$file" ] || found= ;;
        esac
        [ -n "$found" ] || echo "$line $name"
    done < <(marked "$1")
}

@test "files, functions and names that the pages about the source name are in the tree" {
    local page
    for page in common/README.md common/nn/MODEL.md tests/README.md; do
        [ "$(marked "$root/$page" | wc -l)" -gt 50 ]
        missing_from_tree "$root/$page" | sed "s|^|$page:|" >> missing
    done
    diff /dev/null missing
    # One of each kind that is not there is noticed, and a function in another file than the one before it.
    printf '`%s`\n' nn/none.c 'none()' 'struct t5g_none' T5G_NONE 'k->none' .nowhere '"nowhere"' 'nn/no_*.c' > bad.md
    printf '`nn/block.c` `t5g_encode()`\n`nn/block.h` `none()`\n' >> bad.md
    missing_from_tree bad.md > missing
    [ "$(wc -l < missing)" = 10 ]
    printf '`nn/block.c` `t5g_block_run()`, `make x/y` `a.b` `nn/*.c`\n' > good.md
    missing_from_tree good.md > missing
    diff /dev/null missing
}

@test "common/README.md has the folders that there are, in the order that make lint checks" {
    sed -n '/^| folder/,/^$/s/^| `\([a-z]*\)` .*/\1/p' "$root/common/README.md" > rows
    sed -n "s/^order='\(.*\)'/\1/p" "$root/tests/lint.sh" | tr ' ' '\n' |
        while read -r folder; do [ ! -d "$root/common/$folder" ] || echo "$folder"; done > order
    [ "$(wc -l < order)" -gt 10 ]
    diff order rows
}
