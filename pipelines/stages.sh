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
