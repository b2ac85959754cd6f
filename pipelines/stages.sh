#!/bin/sh
# stages.sh: what search.sh, rerank.sh and perplexity.sh have in common. They source it, and set: program, their name for
# messages.
#
# Their exit statuses are those of t5g(7). Of the programs of a pipe the first that failed says which, not the last, which
# knows only that it got no whole stream.
#
# shellcheck disable=SC2154 # set there

complain() { # STATUS MESSAGE
    printf '%s: %s\n' "$program" "$2" >&2
    exit "$1"
}

# given LETTER ARGUMENT: an empty one is no default.
given() {
    [ -n "$2" ] || complain 64 "-$1: an empty argument"
}

# count LETTER ARGUMENT
count() {
    case $2 in
    *[!0-9]* | 0* | ????????*) complain 64 "-$1: '$2' is not a whole number from 1 to 9999999" ;;
    esac
}

# readable FILE: a file, or - for standard input.
readable() {
    [ "$1" = - ] || { [ -r "$1" ] && [ ! -d "$1" ]; } || complain 66 "$1: cannot be read"
}

# need PROGRAM ...
need() {
    for tool; do
        command -v "$tool" > /dev/null || complain 69 "$tool is not in PATH"
    done
}

# refuse WHERE LETTERS "NAME ..." WORD ...: end if one of the WORDS is an option of LETTERS, or long of these NAMEs, also
# shortened. WHERE, if not empty, is the variable that they are from.
refuse() {
    where=$1 letters=$2 names=$3 text=
    shift 3
    while [ $# -gt 0 ]; do
        word=$1
        shift
        case $word in
        --) return ;;
        # A text may begin with a dash.
        --prompt | --target | --template | --text) [ $# = 0 ] || text=1 ;;
        *) text= ;;
        esac
        case $word in
        --*)
            name=${word#--}
            for full in $names; do
                case $full in "${name%%=*}"*) refused "$where" "--${name%%=*}" "$full" ;; esac
            done
            ;;
        -?*)
            rest=${word#-}
            while [ -n "$rest" ]; do
                letter=${rest%"${rest#?}"}
                rest=${rest#?}
                case $letter in
                [$letters]) refused "$where" "-$letter" "$letter" ;;
                # The rest is its argument, or the next word.
                [beimnopt]) [ -n "$rest" ] || text=1; rest='' ;;
                esac
            done
            ;;
        esac
        [ -z "$text" ] || [ $# = 0 ] || shift
    done
}
refused() { # WHERE OPTION NAME
    case $3 in
    o | output) complain 64 "${1:+$1: }$2: $program says itself where outputs go" ;;
    m | model) complain 64 "${1:+$1: }$2: one model is for all programs: set T5G_MODEL" ;;
    h | help | version) complain 64 "${1:+$1: }$2: ask the program itself" ;;
    *) complain 64 "${1:+$1: }$2: $program sets this itself" ;;
    esac
}

# flags NAME VALUE LETTERS "NAME ...": the value of the variable NAME is words of a shell, without options that are
# refused.
flags() {
    case $2 in *\\) complain 64 "$1: a backslash at the end" ;; esac
    sh -n -c "set -- $2" 2> /dev/null || complain 64 "$1: not words of a shell: perhaps a quote is not closed"
    eval "refuse \"\$1\" \"\$3\" \"\$4\" $2"
}

# put FILE: to standard output.
put() {
    status_of_cat=0
    cat -- "$1" 2> /dev/null || status_of_cat=$?
    case $status_of_cat in
    0) ;;
    141) exit 141 ;;
    *) complain 74 'standard output: cannot be written' ;;
    esac
}

# folder [PREFIX]: to `work` a new folder, PREFIX.XXXXXX or one for temporary files. It is removed at the end.
folder() {
    case ${1-} in
    '') work=$(mktemp -d) || exit 73 ;;
    /*) work=$(mktemp -d "$1.XXXXXX") || exit 73 ;;
    *) work=$(mktemp -d "./$1.XXXXXX") || exit 73 ;;
    esac
    trap 'rm -rf "$work"' EXIT
    trap 'exit 75' TERM
    for signal in HUP INT; do
        # shellcheck disable=SC2064 # now
        trap "rm -rf \"\$work\"; trap - $signal EXIT; kill -s $signal \$\$" "$signal"
    done
}

# stage N COMMAND ...: the Nth of a pipe, counted from 1.
stage() {
    nth=$1
    shift
    "$@"
    echo $? > "$work/status.$nth"
}

# outcome N: the status of a pipe of N stages that has ended: that of the first that failed, where one that got only part
# of its input (76), or nobody to write to (141), counts after the others; else 3 if documents failed.
outcome() {
    nth=0 worst=0 lost=
    while [ "$nth" -lt "$1" ]; do
        nth=$((nth + 1))
        read -r got < "$work/status.$nth" || got=70
        case $got in
        0) ;;
        3) worst=3 ;;
        76 | 141) lost=${lost:-$got} ;;
        *) return "$got" ;;
        esac
    done
    return "${lost:-$worst}"
}

# A pipe that gave something: its status is 0 or 3.
whole() {
    [ "$1" = 0 ] || [ "$1" = 3 ]
}
