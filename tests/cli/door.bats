#!/usr/bin/env bats
# The front door: how options are given, what --help says, forms of output, failed operands.
load common

@test "options stand anywhere before --, operands keep their order" {
    printf 'one\n' > a && printf 'two\n' > b && printf 'three\n' > ./-c
    t5g-tokenize -o want.t5g --max-tokens 9 -- a b -c
    t5g-tokenize a b -o got.t5g --max-tokens 9 -- -c
    cmp want.t5g got.t5g
    t5g-tokenize a --max-tokens=9 b -o got.t5g ./-c
    [ "$(t5g-frame ls got.t5g | cut -f 1 | tr '\n' ' ')" = "a b ./-c " ]
    POSIXLY_CORRECT=1 t5g-tokenize a b -o posix.t5g --max-tokens 9 -- -c
    cmp want.t5g posix.t5g
    # "-" is an operand wherever it stands; what follows -- is one whatever it looks like
    printf 'from stdin' | t5g-tokenize a - b -o got.t5g
    [ "$(t5g-frame ls got.t5g | cut -f 1 | tr '\n' ' ')" = "a stdin b " ]
    t5g-tokenize a -o got.t5g -- -c
    [ "$(t5g-frame ls got.t5g | cut -f 1 | tr '\n' ' ')" = "a -c " ]
    # an argument of an option may look like an option or a number below 0
    t5g-tokenize a -e -l -o got.t5g
    [ "$(t5g-frame ls got.t5g | cut -f 1 | tr '\n' ' ')" = "e1 a " ]
    t5g-encode want.t5g -o enc.t5g -t 1
    t5g-decode enc.t5g -n 3 --num-beams 2 --length-penalty -1.5 | t5g-detok - --jsonl -o text.jsonl
    [ "$(wc -l < text.jsonl)" = 3 ]
    t5g-decode enc.t5g -n 3 --num-beams 2 --length-penalty=-1.5 | t5g-detok - --jsonl | cmp - text.jsonl
}

@test "verbs of t5g-frame and t5g-pack take options after operands too" {
    t5g-tokenize -e one -e two -o two.t5g
    t5g-frame ls two.t5g --frames > after && t5g-frame ls --frames two.t5g | cmp - after
    t5g-frame cat two.t5g -o x.t5g two.t5g
    [ "$(t5g-frame ls x.t5g --totals | cut -d ' ' -f 1)" = 4 ]
    t5g-frame head two.t5g -n 1 -o y.t5g
    [ "$(t5g-frame ls --totals y.t5g | cut -d ' ' -f 1)" = 1 ]
    t5g-pack "$tiny" -o packed.t5g
    t5g-frame verify packed.t5g
    status_is 64 t5g-frame --frames ls two.t5g
    err_has_line 'the verb comes first'
}

@test "-h is --help" {
    for p in t5g-tokenize t5g-vision t5g-encode t5g-decode t5g-detok t5g-pack t5g-frame 't5g-frame ls'; do
        $p --help > long
        [ -s long ]
        $p -h | cmp - long
    done
    t5g-tokenize no-such-file -h > /dev/null
    status_is 64 t5g-encode -x
    err_has_line 'unknown option -x'
    status_is 64 t5g-encode ids.t5g --dtype
    err_has_line '--dtype: argument missing'
}

# The completions that make built stand beside the programs.
share=$T5G_BUILD/share

# in_bash WORD...: what the last word may become.
in_bash() {
    bash -c 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
        "$(complete -p "$1" | sed "s/.*-F \([^ ]*\) .*/\1/")"; printf "%s\n" "${COMPREPLY[@]}"' \
        - "$share/bash-completion/completions/$1" "$@"
}

in_fish() {
    fish --no-config -c 'source $argv[1]; complete -C $argv[2]' "$share/fish/vendor_completions.d/${1%% *}.fish" "$1" |
        cut -f 1
}

# in_zsh LINE SIGN: type LINE and Tab into an interactive shell, and wait until SIGN is listed.
in_zsh() {
    cat > type.zsh <<'EOF'
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z "PROMPT= ; fpath=($1 \$fpath); autoload -Uz compinit; compinit -u -D; bindkey '^I' list-choices; print RE''ADY"
while zpty -r z line; do [[ $line == *READY* ]] && break; done
zpty -w -n z "$2"$'\t'
zpty -r z line "*$3*"
EOF
    timeout 10 zsh -f type.zsh "$share/zsh/site-functions" "$1" "$2" || { echo "zsh: $1: no $2"; return 1; }
}

@test "completion for bash: options, choices, files, verbs" {
    mkdir dir && touch 'a file.txt' b.t5g dir/c
    [ "$(in_bash t5g-encode --dty)" = --dtype ]
    [ "$(in_bash t5g-encode ids.t5g --dtype '' | tr '\n' ' ')" = "f32 bf16 q8 " ]
    [ "$(in_bash t5g-encode --dtype = b)" = bf16 ]
    [ "$(in_bash t5g-encode --on-error st)" = stop ]
    [ "$(in_bash t5g-encode '' | tr '\n' '|')" = "a file.txt|b.t5g|dir|" ]
    [ "$(in_bash t5g-encode -m '' | tr '\n' '|')" = "b.t5g|dir|" ]
    [ "$(in_bash t5g-encode --cache = '' | tr '\n' '|')" = "dir|off|" ]
    [ "$(in_bash t5g-decode -n '')" = "" ]
    [ "$(in_bash t5g-decode -- -)" = "" ]
    [ "$(in_bash t5g-frame qui)" = quickcheck ]
    [ "$(in_bash t5g-frame ls --tot)" = --totals ]
    [ "$(in_bash t5g-frame split --tot)" = "" ]
    [ "$(in_bash t5g-frame cache-stat '')" = dir ]
    [ "$(in_bash t5g-frame - | tr '\n' '|')" = '-h|--help|--version|' ]
    # through the door
    [ "$(in_bash t5g frame cache-st)" = cache-stat ]
    [ "$(in_bash t5g frame '' | wc -l)" -ge 16 ]
    [ "$(in_bash t5g frame ls --tot)" = --totals ]
    [ "$(in_bash t5g frame -)" = "$(in_bash t5g-frame -)" ]
    [ "$(in_bash t5g frame cache-stat '')" = dir ]
    [ "$(in_bash t5g encode --dty)" = --dtype ]
    [ "$(in_bash t5g encode --cache = '' | tr '\n' '|')" = "dir|off|" ]
    [ "$(in_bash t5g ask --ts)" = --tsv ]
    [ "$(in_bash t5g ask '' | tr '\n' '|')" = "a file.txt|b.t5g|dir|" ]
    [ "$(in_bash t5g --v)" = --version ]
    [ "$(in_bash t5g help enc)" = encode ]
    [ "$(in_bash t5g help encode '')" = "" ]
    [ "$(in_bash t5g nonsense '')" = "" ]
}

@test "completion for fish" {
    command -v fish > /dev/null || skip "fish is not installed"
    mkdir dir && touch a.txt b.t5g
    [ "$(in_fish 't5g-encode --dty')" = --dtype ]
    [ "$(in_fish 't5g-encode ids.t5g --dtype ' | sort | tr '\n' ' ')" = "bf16 f32 q8 " ]
    [ "$(in_fish 't5g-encode -o ' | tr '\n' ' ')" = "a.txt b.t5g dir/ " ]
    [ "$(in_fish 't5g-decode -n ')" = "" ]
    in_fish 't5g-encode -m ' | grep -qx b.t5g
    [ "$(in_fish 't5g-frame qui')" = quickcheck ]
    [ "$(in_fish 't5g-frame ls --tot')" = --totals ]
    [ "$(in_fish 't5g-frame split --tot')" = "" ]
    mkdir dir/sub
    [ "$(in_fish 't5g-encode --cache=' | sort | tr '\n' ' ')" = "--cache=dir/ --cache=off " ]
    [ "$(in_fish 't5g-encode --cache=dir/')" = --cache=dir/sub/ ]
    in_fish 't5g-encode --model=' | grep -qx -- --model=b.t5g
    in_fish 't5g-encode --model=' | grep -qx -- --model=dir/
    [ "$(in_fish 't5g-frame --v')" = --version ]
    in_fish 't5g-frame -' | grep -qx -- --version
    # through the door
    [ "$(in_fish 't5g frame cache-st')" = cache-stat ]
    [ "$(in_fish 't5g frame ' | sort)" = "$(in_fish 't5g-frame ' | sort)" ]
    [ "$(in_fish 't5g frame ' | wc -l)" = "$(t5g-frame --help | sed '/^Example:/q' | grep -c '^  [a-z]')" ]
    [ "$(in_fish 't5g frame ls --tot')" = --totals ]
    [ "$(in_fish 't5g frame split --tot')" = "" ]
    [ "$(in_fish 't5g frame cache-stat ')" = dir/ ]
    [ "$(in_fish 't5g encode --cache=d')" = --cache=dir/ ]
    [ "$(in_fish 't5g ask --ts')" = --tsv ]
    [ "$(in_fish 't5g ask ' | sort | tr '\n' ' ')" = "a.txt b.t5g dir/ " ]
    [ "$(in_fish 't5g --v')" = --version ]
    [ "$(in_fish 't5g help enc')" = encode ]
    [ "$(in_fish 't5g help encode ')" = "" ]
    [ "$(in_fish 't5g ' | sort | tr '\n' ' ')" = "ask decode detok encode frame help pack tokenize vision " ]
}

@test "completion for zsh" {
    command -v zsh > /dev/null || skip "zsh is not installed"
    in_zsh 't5g-encode ids.t5g --dtype ' bf16
    in_zsh 't5g-encode --' '--max-frame'
    in_zsh 't5g-frame ' quickcheck
    in_zsh 't5g-frame ls --' '--totals'
    in_zsh 't5g-frame --' '--version'
    mkdir folder
    in_zsh 't5g-encode --cache=' 'folder'
    in_zsh 't5g-encode --cache=' 'off'
    in_zsh 't5g-vision --cache=' 'folder'
    in_zsh 't5g ' 'tokenize'
    in_zsh 't5g --' '--version'
    in_zsh 't5g frame ' quickcheck
    in_zsh 't5g frame cache-' cache-gc
    in_zsh 't5g frame ls --' '--totals'
    in_zsh 't5g encode --cache=' 'folder'
    in_zsh 't5g help ' 'detok'
}

@test "every option of every program is in its completions" {
    for p in "$T5G_BUILD"/bin/t5g-*; do
        p=${p##*/}
        verbs=$(t5g-frame --help | sed -n 's/^  \([a-z][a-z-]*\) .*/\1/p')
        [ "$p" = t5g-frame ] || verbs=
        for v in ${verbs:-''}; do
            $p ${v:+"$v"} --help | sed '/^Example:/q' | grep -o -- '^  .*--[a-z0-9-]*' | sed 's/.*--//' > long
            [ "$(wc -l < long)" -ge 2 ]
            while read -r option; do
                grep -qE -- "--$option( |')" "$share/bash-completion/completions/$p"
                grep -qE -- "--$option(\[|=|\}|')" "$share/zsh/site-functions/_$p"
                grep -qE -- "-l $option " "$share/fish/vendor_completions.d/$p.fish"
            done < long
        done
    done
}

@test "install puts completions in place and uninstall takes them away" {
    make -s -C "$T5G_TESTS/.." B="$T5G_BUILD" DESTDIR="$PWD/d" PREFIX=/usr install > /dev/null
    ls d/usr/share/bash-completion/completions/t5g-encode d/usr/share/zsh/site-functions/_t5g-encode \
        d/usr/share/fish/vendor_completions.d/t5g-encode.fish
    make -s -C "$T5G_TESTS/.." B="$T5G_BUILD" DESTDIR="$PWD/d" PREFIX=/usr uninstall
    [ "$(find d -type f | wc -l)" = 0 ]
}

# three documents, the second one bad, with the answers to prompts "a" and "b	tab"
answers() {
    printf 'one\n\377bad\nthree\n' > lines
    t5g-tokenize -l lines -o ids.t5g || [ $? = 3 ]
    t5g-encode ids.t5g -o enc.t5g || [ $? = 3 ]
    t5g-decode -n 4 -p a -p $'b\ttab' enc.t5g -o dec.t5g || [ $? = 3 ]
}

@test "--tsv: a heading, a row a document, failed ones too, a column a prompt" {
    answers
    status_is 3 t5g-detok --tsv dec.t5g -o table
    printf 'id\ta\tb\\ttab\n' | cmp - <(head -n 1 table)
    [ "$(cut -f 1 table | tr '\n' ' ')" = "id lines:1 lines:2 lines:3 " ]
    [ "$(awk -F'\t' '{print NF}' table | tr '\n' ' ')" = "3 3 3 3 " ]
    printf 'lines:2\t\t\n' | cmp - <(sed -n 3p table)
    # the cells are the texts
    t5g-detok --jsonl dec.t5g > objects || [ $? = 3 ]
    sed -n '/"prompt":"a"/s/.*"text":"\([^"]*\)".*/\1/p' objects > want
    sed -n '2p;4p' table | cut -f 2 | cmp - want
    # a failed document at the very beginning waits for the heading
    t5g-tokenize -l -o bad.t5g <(printf '\377\n') || [ $? = 3 ]
    cat bad.t5g ids.t5g | t5g-encode | t5g-decode -n 4 -p a | t5g-detok --tsv > table || [ $? = 3 ]
    [ "$(head -n 1 table)" = $'id\ta' ]
    [ "$(wc -l < table)" = 5 ]
    # nothing but failed ones, and nothing at all
    t5g-encode bad.t5g | t5g-decode | t5g-detok --tsv > table || [ $? = 3 ]
    [ "$(head -n 1 table)" = id ]
    [ "$(wc -l < table)" = 2 ]
    t5g-tokenize -l /dev/null | t5g-encode | t5g-decode | t5g-detok --tsv > table
    [ "$(cat table)" = id ]
    status_is 76 t5g-detok --tsv /dev/null
    [ -z "$(t5g-detok --tsv /dev/null 2> /dev/null)" ]
    status_is 64 t5g-detok --tsv --jsonl dec.t5g
    status_is 64 t5g-detok --tsv --newline keep dec.t5g
}

@test "--tsv: ranks, prompts of the documents, streams that do not fit, escapes" {
    printf '{"text":"x","prompt":"p","id":"a\\tb"}\n{"text":"y","prompt":"q"}\n{"text":"z"}\n' |
        t5g-tokenize --jsonl | t5g-encode -o own.t5g
    t5g-decode -n 2 own.t5g | t5g-detok --tsv > table
    [ "$(head -n 1 table)" = $'id\ttext' ]
    [ "$(cut -f 1 table | tr '\n' ' ')" = 'id a\tb stdin:2 stdin:3 ' ]
    t5g-decode -n 2 -p p own.t5g | t5g-detok --tsv > table
    [ "$(wc -l < table)" = 4 ]
    t5g-decode -n 2 -p c -p c --num-beams 2 --num-return-sequences 2 own.t5g | t5g-detok --tsv > table
    [ "$(head -n 1 table)" = $'id\tc\tc#1\tc\tc#1' ]
    [ "$(awk -F'\t' '{print NF}' table | sort -u)" = 5 ]
    # another order of prompts finds its columns; another prompt has none
    t5g-decode -n 2 -p c -p d own.t5g > one.t5g
    t5g-decode -n 2 -p d -p c own.t5g > other.t5g
    t5g-detok --tsv one.t5g | tail -n 3 > want
    t5g-detok --tsv one.t5g other.t5g | tail -n 3 | cmp - want
    t5g-decode -n 2 -p e own.t5g > third.t5g
    status_is 3 t5g-detok --tsv one.t5g third.t5g -o table
    [ "$(tail -n 1 table)" = $'stdin:3\t\t' ]
    err_has_line "an answer to 'e', rank 0, has no column"
    # texts with tab, newline and backslash
    t5g-tokenize -e $'a\tb\nc\\d\re' | t5g-detok --input --tsv > table
    [ "$(tail -n 1 table)" = $'e1\ta\\tb\\nc\\\\d\\re' ]
    [ "$(head -n 1 table)" = $'id\ttext' ]
}

@test "--trim takes white space at both ends of a text, in every form" {
    text=$'  \n\u3000 a  b \u00a0\t\n'
    t5g-tokenize -e "$text" -e ' ' -o ids.t5g
    [ "$(t5g-detok --input --trim ids.t5g)" = 'a  b' ]
    [ "$(t5g-detok --input --trim ids.t5g | wc -l)" = 2 ]
    t5g-detok --input --trim -0 ids.t5g | cmp - <(printf 'a  b\0\0')
    t5g-detok --input --trim --jsonl ids.t5g | cmp - <(printf '{"id":"e1","text":"a  b"}\n{"id":"e2","text":""}\n')
    t5g-detok --input --trim --tsv ids.t5g | cmp - <(printf 'id\ttext\ne1\ta  b\ne2\t\n')
    [ "$(t5g-detok --input -0 ids.t5g | head -c 2)" = '  ' ]
    # token by token too
    t5g-encode ids.t5g | t5g-decode -n 30 -o whole.t5g
    t5g-encode ids.t5g | t5g-decode -n 30 --stream | t5g-detok --trim | cmp - <(t5g-detok --trim whole.t5g)
}

@test "records of failed documents say which program, which code, and why; one a document" {
    answers
    status_is 3 t5g-detok --jsonl dec.t5g -o objects
    [ "$(wc -l < objects)" = 5 ]
    grep -qx '{"id":"lines:2","error":"invalid UTF-8 at byte 0","tool":"t5g-tokenize","code":65,"msg":"invalid UTF-8 at byte 0"}' objects
    err_has_line 't5g-detok: lines:2: failed in t5g-tokenize: invalid UTF-8 at byte 0'
    [ "$(t5g-detok dec.t5g 2> /dev/null | wc -l)" = 5 ]
    t5g-detok --jsonl ids.t5g 2> /dev/null > objects || [ $? = 3 ]
    [ "$(grep -c '"tool":"t5g-detok","code":65' objects)" = 2 ]
    t5g-frame ls --json dec.t5g | grep -q '"error":{"tool":"t5g-tokenize","code":65,"msg":"invalid'
    t5g-frame export --jsonl dec.t5g | grep -q '"error":{"tool":"t5g-tokenize","code":65,"msg":"invalid'
}

ids_of() { t5g-frame ls "$1" | cut -f 1 | tr '\n' ' '; }

@test "an operand that cannot be read is a failed document, and stops the run where it is asked" {
    echo one > a && echo two > b && mkdir dir && echo no > closed && chmod 0 closed
    # /proc/self/mem opens, and its first byte cannot be read
    status_is 3 t5g-tokenize a missing dir /proc/self/mem b -o out.t5g
    [ "$(ids_of out.t5g)" = "a missing dir mem b " ]
    [ "$(t5g-frame ls --failed out.t5g | tr '\n' ' ')" = "missing dir mem " ]
    err_has_line 'missing: cannot open: No such file or directory'
    err_has_line 'dir: is a directory'
    err_has_line 'cannot read: Input/output error'
    t5g-frame ls --json out.t5g | grep -q '"error":{"tool":"t5g-tokenize","code":66,"msg":"missing: cannot'
    if [ "$(id -u)" != 0 ]; then
        status_is 3 t5g-tokenize a closed -o out.t5g
        t5g-frame ls --json out.t5g | grep -q '"code":77'
    fi
    # of lines and objects too, one for the operand
    for form in -l -0 --jsonl; do
        status_is 3 t5g-tokenize $form missing -o out.t5g
        [ "$(ids_of out.t5g)" = "missing " ]
    done
    rm out.t5g
    status_is 65 t5g-tokenize --on-error stop a missing b -o out.t5g
    err_has_line 'stopped at the first failed document'
    [ ! -e out.t5g ]
    # a picture in its place
    status_is 3 t5g-tokenize -i missing.png -e '<start_of_image> here' -o out.t5g
    [ "$(ids_of out.t5g)" = "missing.png " ]
    status_is 65 t5g-tokenize --on-error stop -i missing.png -o out2.t5g
    [ ! -e out2.t5g ]
    # streams are another matter: documents in them are not known
    status_is 66 t5g-encode missing.t5g -o enc.t5g
    [ ! -e enc.t5g ]
}

@test "--files0-from: names from a list, any bytes, any number" {
    mkdir -p $'c/with\nnewline' 'c/a b' && n=0
    for f in $'c/with\nnewline/x.txt' 'c/a b/y.txt' c/--help.txt $'c/\xff.txt' 'c/$(canary).txt'; do
        echo "text $((++n))" > "$f"
    done
    find c -name '*.txt' -print0 | LC_ALL=C sort -z > list
    t5g-tokenize --files0-from list -o got.t5g
    xargs -0 t5g-tokenize -o want.t5g -- < list
    cmp want.t5g got.t5g
    t5g-tokenize --files0-from - -o got.t5g < list
    cmp want.t5g got.t5g
    # the last name may lack its NUL
    head -c -1 list | t5g-tokenize --files0-from - | cmp - want.t5g
    # shards of it are the whole
    for i in 0 1 2; do t5g-tokenize --files0-from list --shard $i/3 -o part$i.t5g; done
    t5g-frame cat part?.t5g -o joined.t5g
    [ "$(t5g-frame diff want.t5g joined.t5g)" = "" ]
    # more names than a command line holds
    seq -f 'c/a b/../a b/%020.0f' 20000 | tr '\n' '\0' > many
    getconf ARG_MAX > /dev/null
    status_is 3 t5g-tokenize -q --files0-from many -o many.t5g
    [ "$(t5g-frame ls --totals many.t5g | cut -d ' ' -f 1,3)" = "20000 20000" ]
    # a missing one among them is a failed document
    printf 'missing\0c/a b/y.txt\0' | status_is 3 t5g-tokenize --files0-from - -o got.t5g
    [ "$(t5g-frame ls --failed got.t5g)" = missing ]
    # none at all
    t5g-tokenize --files0-from /dev/null -o got.t5g
    t5g-frame ls --totals got.t5g | grep -q '^0 documents'
}

@test "--files0-from: what is refused" {
    printf 'one\n' > a && printf 'a\0' > list
    status_is 64 t5g-tokenize --files0-from list a
    status_is 64 t5g-tokenize --files0-from list -e text
    printf 'a\0\0a\0' | status_is 65 t5g-tokenize --files0-from - -o out
    err_has 'stdin: name 2 is empty'
    printf 'a\nb\n' | status_is 65 t5g-tokenize --files0-from - -o out
    err_has 'must end with NUL'
    printf 'a\0-\0' | status_is 64 t5g-tokenize --files0-from - -o out
    err_has_line 'name 2 is -'
    status_is 66 t5g-tokenize --files0-from nowhere -o out
    [ ! -e out ]
}

@test "progress on a terminal: the last program counts, one before it shows only what takes long" {
    command -v script > /dev/null || skip "script(1) is not installed"
    # a second is what the line waits for
    printf '{ echo one; sleep 1.1; echo two; } | t5g-tokenize -l %s' '-o last.t5g' > last
    printf '{ echo one; sleep 1.1; echo two; } | t5g-tokenize -l | cat > first.t5g' > first
    script -qec 'sh last' /dev/null > shown.last < /dev/null &
    script -qec 'sh first' /dev/null > shown.first < /dev/null
    wait
    cmp last.t5g first.t5g
    grep -q 't5g-tokenize: 2 documents' shown.last
    [ ! -s shown.first ]
}

@test "statistics say times and sizes with their units" {
    t5g-tokenize -e one | t5g-encode --cache=c --stats -o out.t5g 2> err
    err_has_line 'documents, 0 failed, 3 tokens in 0.'
    grep -qE ' s \([0-9.]+ documents/s, ' err
    grep -qE 'stored; 0 B read, [0-9.]+ (B|kB) written; [0-9.]+ s of work saved' err
}

@test "a prompt has a limit of tokens: of a document it fails that one, of the run the run" {
    long=$(printf 'abcdefg %.0s' {1..100000})
    { printf '{"text":"a","prompt":"%s"}\n' "$long"; printf '{"text":"b","prompt":"p"}\n'; } |
        t5g-tokenize --jsonl | t5g-encode -o own.t5g
    status_is 3 timeout 20 t5g-decode -n 2 own.t5g -o out.t5g
    grep -qE 'stdin:1: prompt: [0-9]{6} tokens, limit 16384 \(--max-prompt-tokens\)' err
    [ "$(t5g-frame ls --failed out.t5g)" = stdin:1 ]
    echo text | t5g-tokenize | t5g-encode -o enc.t5g
    t5g-decode -n 2 --max-prompt-tokens 4 -p a enc.t5g -o out.t5g
    status_is 65 t5g-decode -n 2 --max-prompt-tokens 4 -p 'many more than four' enc.t5g -o out2.t5g
    [ ! -e out2.t5g ]
}

@test "prompts of a file with carriage returns: one warning" {
    echo text | t5g-tokenize | t5g-encode -o enc.t5g
    printf 'a\r\nb\r\n' > prompts
    t5g-decode -n 2 --prompts prompts enc.t5g -o out.t5g 2> err
    err_has 'prompts: line 1 ends with a carriage return'
    t5g-decode -q -n 2 --prompts prompts enc.t5g -o out.t5g 2> err
    [ ! -s err ]
    printf 'a\nb\n' > prompts
    t5g-decode -n 2 --prompts prompts enc.t5g -o out.t5g 2> err
    [ ! -s err ]
}

@test "t5g-vision: picture operands are documents that t5g-encode takes, as t5g-tokenize -i makes them" {
    cp "$T5G_TESTS/data/number.png" a.png && cp a.png b.PNG
    for f in a.png b.PNG; do t5g-tokenize -i $f; done | t5g-vision -o want.t5g
    t5g-vision a.png b.PNG -o got.t5g
    [ "$(ids_of got.t5g)" = "a.png b.PNG " ]
    [ "$(t5g-frame diff --all want.t5g got.t5g)" = "" ]
    t5g-encode got.t5g | t5g-decode -n 2 | t5g-detok --tsv > table
    [ "$(wc -l < table)" = 3 ]
    # one that is missing is a failed document, also in front
    status_is 3 t5g-vision missing.png . a.png -o got.t5g
    [ "$(t5g-frame ls --failed got.t5g | tr '\n' ' ')" = "missing.png . " ]
    [ "$(ids_of got.t5g)" = "missing.png . a.png " ]
    status_is 66 t5g-vision missing.png -o none.t5g
    status_is 65 t5g-vision --on-error stop missing.png a.png -o none.t5g
    [ ! -e none.t5g ]
    # with crops the ids have their places
    { printf 'P6 1200 300 255\n' && head -c 1080000 /dev/zero; } > long.ppm
    t5g-vision --pan-and-scan long.ppm -o got.t5g
    [ "$(t5g-frame ls got.t5g | grep -o image.feat | wc -l)" -gt 1 ]
    t5g-tokenize -i long.ppm | t5g-vision --pan-and-scan -o want.t5g
    [ "$(t5g-frame diff --all want.t5g got.t5g)" = "" ]
}
