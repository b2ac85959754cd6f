#!/usr/bin/env bats
# What a command line that is wrong is told, by which program, and what the next one in a pipe says.
load common

# blamed TEXT: standard error of a pipeline of plain sh has a line of t5g-detok with TEXT.
blamed() {
    grep '^t5g-detok: ' err | grep -qF -- "$1" || { cat err; return 1; }
}

@test "a wrong option of any program: the last one of the pipe names that program" {
    echo hello > c.txt
    t5g-tokenize c.txt | t5g-encode -o enc.t5g
    status_is 76 sh -c 't5g-tokenize --nope c.txt | t5g-encode | t5g-decode -p x | t5g-detok'
    blamed 't5g-tokenize failed: unknown option --nope'
    status_is 76 sh -c 't5g-tokenize c.txt | t5g-encode --dtype f8 | t5g-decode -p x | t5g-detok'
    blamed "t5g-encode failed: --dtype: 'f8' is none of f32|bf16|q8"
    status_is 76 sh -c 't5g-decode -n 0 enc.t5g | t5g-detok'
    blamed "t5g-decode failed: --max-new-tokens: '0' is not a whole number"
    status_is 76 sh -c 't5g-tokenize --files0-from nowhere | t5g-encode | t5g-decode | t5g-detok'
    blamed 't5g-tokenize failed: nowhere: cannot open: No such file or directory'
    status_is 76 sh -c 'printf "a\nb\n" | t5g-tokenize --files0-from - | t5g-encode | t5g-decode | t5g-detok'
    blamed 't5g-tokenize failed: stdin: names must end with NUL'
    status_is 76 sh -c 't5g-tokenize --shard 9/3 c.txt | t5g-encode | t5g-decode | t5g-detok'
    blamed 't5g-tokenize failed: --shard'
    status_is 76 sh -c 't5g-vision --bad | t5g-encode | t5g-decode | t5g-detok'
    blamed 't5g-vision failed: unknown option --bad'
    status_is 76 sh -c 'T5G_THREADS=many t5g-encode < /dev/null | t5g-decode | t5g-detok'
    blamed 't5g-encode failed: T5G_THREADS'
    for verb in cat head recover import; do
        status_is 76 sh -c "t5g-frame $verb --bad | t5g-decode | t5g-detok"
        blamed "t5g-frame $verb failed: unknown option --bad"
    done
}

@test "a wrong option writes to a pipe only: not to a file of -o, a redirection, or where -o goes elsewhere" {
    printf old > old
    for o in '--nope -o old' '-o old --nope' '--output=old --nope' '--nope -oold'; do
        status_is 64 t5g-encode $o
        [ "$(cat old)" = old ]
        t5g-encode $o 2> /dev/null | cat > piped || true
        [ ! -s piped ]
    done
    status_is 64 t5g-encode --nope > file
    [ ! -s file ]
    status_is 64 t5g-encode -o none --nope
    [ ! -e none ]
    t5g-frame ls --nope 2> /dev/null | cat > piped || true
    [ ! -s piped ]
    if command -v script > /dev/null; then
        script -qec 't5g-encode --nope; true' /dev/null < /dev/null > typed
        [ "$(tr -d '\r' < typed)" = "$(printf '%s\n' 't5g-encode: unknown option --nope' "t5g-encode: try 't5g-encode --help'")" ]
    fi
}

@test "a name is said once, whatever bytes are in it" {
    for name in $'x\ty' $'caf\xe9' 'no such' $'a\nb'; do
        status_is 3 t5g-tokenize "$name" -o x.t5g
        grep -qE '^t5g-tokenize: [^:]*: cannot open: No such file or directory$' err || { cat err; return 1; }
        status_is 3 t5g-detok x.t5g -o text
        grep -qE '^t5g-detok: [^:]*: failed in t5g-tokenize: cannot open: No such file or directory$' err || { cat err; return 1; }
    done
    status_is 3 t5g-tokenize '' -o x.t5g
    err_has "t5g-tokenize: '': cannot open: No such file or directory"
    status_is 66 t5g-encode ''
    err_has "t5g-encode: '': cannot open: No such file or directory"
    status_is 66 t5g-frame ls ''
    err_has "t5g-frame ls: '': cannot open: No such file or directory"
}

@test "a document without encoder.out: what became of it" {
    echo hello > c.txt
    t5g-tokenize c.txt | t5g-encode --pool mean -o pooled.t5g
    status_is 3 t5g-decode -n 2 pooled.t5g -o out.t5g
    err_has 't5g-decode: c.txt: no encoder.out frame: t5g-encode --pool writes one row'
    t5g-tokenize c.txt | t5g-encode | t5g-decode -n 2 -o dec.t5g
    status_is 3 t5g-decode -n 2 dec.t5g -o out.t5g
    err_has 't5g-decode takes it out of what it writes, unless it is given --keep'
    t5g-tokenize c.txt -o ids.t5g
    status_is 3 t5g-decode -n 2 ids.t5g -o out.t5g
    err_has 'run t5g-encode before t5g-decode'
}

@test "what reads a file twice or from its end refuses standard input by name" {
    t5g-tokenize -l -o s.t5g <<< 'one'
    status_is 64 sh -c 'cat s.t5g | t5g-frame split --parts 2 -'
    err_has_line '-: --parts reads its input twice: give regular files'
    status_is 64 t5g-frame split --parts 2 - < s.t5g
    [ -z "$(find . -name 'part*')" ]
    status_is 64 sh -c 'cat s.t5g | t5g-frame quickcheck -'
    err_has_line 'stdin: a pipe has no end to look at: give regular files'
    t5g-frame quickcheck - < s.t5g
    head -c 100 s.t5g > cut.t5g
    status_is 76 t5g-frame quickcheck - < cut.t5g
    err_has 't5g-frame quickcheck: stdin: truncated'
}

@test "sizes: the units that are taken, and which are not" {
    mkdir cache
    for size in 10GB 10g 50GiB 1T 0 1k; do t5g-frame cache-gc --max-size $size cache > /dev/null; done
    for size in 1.5G 1P '' G 10X; do
        status_is 64 t5g-frame cache-gc --max-size "$size" cache
        err_has_line "t5g-frame cache-gc: --max-size: '$size' is not a size from 0 to"
        err_has_line 'K, M, G or T (powers of 1024)'
    done
    status_is 64 t5g-encode --max-frame 1 x.t5g
    err_has_line "--max-frame: '1' is not a size from 4K to 1T"
}

@test "a cache is a folder with a cache in it" {
    mkdir other empty
    : > other/file
    for verb in cache-stat cache-verify 'cache-gc --max-size 1G'; do
        status_is 65 t5g-frame $verb other
        err_has 'other: not a cache: it has other files'
        status_is 66 t5g-frame $verb other/file
        err_has 'other/file: not a folder, as a cache must be'
        t5g-frame $verb empty
    done
    [ -e other/file ]
}

@test "unknown, ambiguous and superfluous are told apart" {
    status_is 64 t5g-encode --nope
    err_has_line 't5g-encode: unknown option --nope'
    status_is 64 t5g-encode --nope=3
    err_has_line 't5g-encode: unknown option --nope'
    status_is 64 t5g-encode --max
    err_has_line 't5g-encode: --max: argument missing'
    status_is 64 t5g-tokenize --t
    err_has_line 't5g-tokenize: --t: ambiguous: --text, --template, --text-only, --too-long'
    status_is 64 t5g-encode --keep=yes
    err_has_line 't5g-encode: --keep: takes no argument'
    status_is 64 t5g-encode -X
    err_has_line 't5g-encode: unknown option -X'
}

@test "an empty argument is no default, and a list is not given twice" {
    for wrong in '-m' '-o' '--model' '--cache='; do
        case $wrong in *=) set -- "$wrong" ;; *) set -- "$wrong" '' ;; esac
        status_is 64 t5g-encode "$@"
        err_has_line ': an empty argument'
    done
    T5G_MODEL='' t5g-tokenize -e x | t5g-frame verify
    : > one && : > two
    for wrong in 't5g-tokenize --files0-from one --files0-from two' 't5g-decode --prompts one --prompts two' \
        't5g-tokenize --shard 0/2 --shard 1/2 one' 't5g-decode --bad-words one --bad-words two' \
        't5g-decode --template one --template two' 't5g-frame nearest --queries one --queries two'; do
        status_is 64 $wrong
        err_has_line ': given twice: only one is taken'
    done
    t5g-tokenize -e x -o two -o one
    [ -s one ] && [ ! -s two ]
    # What is no input: the last one counts.
    t5g-tokenize --template 'a {text}' --template 'b {text}' -e x | t5g-frame diff - <(t5g-tokenize --template 'b {text}' -e x)
    t5g-encode --pool mean one -o v.t5g
    t5g-frame nearest --name none --name embedding --queries v.t5g v.t5g | grep -q '^e1'
    t5g-frame export --matrix no.npy --matrix yes.npy v.t5g
    [ -s yes.npy ] && [ ! -e no.npy ]
}

@test "every option that names an input file is taken once, or repeatable" {
    : > one && : > two
    local wrong=
    for program in t5g-{tokenize,vision,encode,decode,detok,pack} 't5g-frame '{ls,cat,head,split,verify,recover,diff,nearest,export,import}; do
        while read -r option; do
            case "$program $option" in
            *' --output' | 't5g-frame export '*) continue ;; # what is written
            esac
            got=0
            # shellcheck disable=SC2086 # a verb is a word of its own
            $program $option one $option two < /dev/null > /dev/null 2> err || got=$?
            # shellcheck disable=SC2086
            grep -qF 'given twice' err || $program --help | grep -A 1 -- "$option FILE" | grep -q repeatable ||
                wrong="$wrong$program $option: $got; "
        done < <($program --help | sed -n 's/^.*\(--[a-z0-9-]*\) FILE.*/\1/p')
    done
    [ "$wrong" = "" ] || { echo "$wrong"; return 1; }
}

@test "-o - is standard output" {
    t5g-tokenize -e x -o want.t5g
    t5g-tokenize -e x -o - | cmp - want.t5g
    t5g-frame ls --output=- want.t5g > listed
    [ -s listed ] && [ ! -e ./- ]
    status_is 76 sh -c 't5g-tokenize -o - --nope | t5g-encode > /dev/null'
    t5g-tokenize -e x -o ./-
    cmp ./- want.t5g
}

@test "a list of names by lines with a NUL at its end gets a hint" {
    printf 'a' > a
    printf 'a\nb\0' > list
    status_is 3 t5g-tokenize --files0-from list -o x.t5g
    err_has_line 'list: name 1 has newlines in it, and there is no such file: names must end with NUL'
    printf 'a' > $'a\nb'
    t5g-tokenize --files0-from list -o x.t5g 2> err
    [ ! -s err ]
}

@test "a file of prompts without any is a fault of t5g-decode" {
    t5g-tokenize -e x | t5g-encode -o enc.t5g
    : > none
    status_is 65 t5g-decode --prompts none enc.t5g -o x.t5g
    err_has 't5g-decode: none: no prompt in it'
    [ ! -e x.t5g ]
    status_is 76 sh -c 't5g-decode --prompts none enc.t5g | t5g-detok'
    blamed 't5g-decode failed: none: no prompt in it'
    status_is 65 t5g-decode --prompts - enc.t5g -o x.t5g < /dev/null
    err_has 'stdin: no prompt in it'
    t5g-decode -n 2 -p a --prompts none enc.t5g -o x.t5g
}

@test "common options are taken where they act only" {
    t5g-tokenize -e x -o x.t5g
    for wrong in 'ls -m nowhere' 'ls -t 2' 'ls --on-error stop' 'ls --stats' 'verify -q' 'verify -o y' 'verify --progress never' \
        'quickcheck -v' 'quickcheck -o y' 'split -n 1 -o y' 'split -n 1 -t 1' 'cat -m nowhere' 'head -t 1' 'diff x.t5g --stats' \
        'export --jsonl -m nowhere' 'import --jsonl -t 1' 'recover --on-error stop' 'cache-stat -m nowhere' 'cache-gc --max-size 1 --stats'; do
        status_is 64 t5g-frame $wrong x.t5g
        err_has_line 'unknown option -'
    done
    status_is 64 t5g-tokenize -t 2 -e x
    status_is 64 t5g-detok -t 2 x.t5g
    status_is 64 t5g-pack --on-error stop
    t5g-frame cat --stats --progress never --on-error stop -q -v -o y.t5g x.t5g 2> err
    err_has_line '1 document'
    t5g-frame verify -v x.t5g 2> err
    err_has 'whole, 1 documents'
}

@test "standard input is read once: - given twice is refused" {
    t5g-tokenize -e hi -o ids.t5g
    for program in t5g-encode t5g-decode 't5g-frame cat' 't5g-detok --input'; do
        # shellcheck disable=SC2086  # a program and its verb or option
        status_is 64 $program -o out - - < ids.t5g
        err_has 'standard input can be read only once'
        [ ! -e out ]
    done
}
