#!/usr/bin/env bash
# launch.sh: what parallel.sh and slurm.sh have in common before there are shards. They source it, and set: program, their
# name for messages; here, the folder of the scripts; out, n, list and cache, from their options.
#
# Encoder outputs are kept in .t5g/cache of the working directory (t5g-cache(5)), so that another question, more files
# or another number of shards encode what is new and nothing else. Remove it after the last question. The parts in
# OUT.parts belong to one list of FILEs, number of shards and set of options: with others, give another OUT or remove
# OUT.parts. All FILEs must exist when the run begins; one that cannot be read later is a failed document.
#
# All machines must compute with the same kernels for the result to be the same bits; if their processors differ, set
# T5G_CPU to a level that all have. See t5g(7).
#
# shellcheck disable=SC2154 # set there

wrong() {
    echo "$program: $1" >&2
    exit 64
}

# The parts of a usage that both have: how the script is called, options, rules.
usage_head() {
    printf 'usage: %s [options] -n SHARDS -o OUT.t5g -- FILE...\n' "$program"
    printf '       %s [options] -n SHARDS -o OUT.t5g --files0-from FILE\n\n' "$program"
}
usage_options() {
    cat << 'END'
  -m, --model MODEL     for the programs
      --files0-from FILE  names of the FILEs, each ended by NUL, as from find -print0; -: standard input
      --no-cache        do not keep encoder outputs in .t5g/cache (or T5G_CACHE_DIR)
END
}
usage_rules() {
    cat << 'END'

If a FILE does not exist, the run ends before it begins, with status 66. For other FILEs, shards or program options,
give another OUT or remove OUT.parts.
Environment: T5G_TOKENIZE_FLAGS, T5G_ENCODE_FLAGS, T5G_DECODE_FLAGS: options for the programs, quoted as for a shell;
END
}

# take_inputs FILE ...: the FILEs, or the names in the list, as the array `inputs`.
take_inputs() {
    [ -n "$n" ] || wrong '-n SHARDS is missing'
    [ -n "$out" ] || wrong '-o OUT.t5g is missing'
    inputs=("$@")
    if [ -n "$list" ]; then
        [ $# = 0 ] || wrong '--files0-from gives the FILEs: leave out operands'
        [ "$list" != - ] || list=/dev/stdin
        [ -r "$list" ] && [ ! -d "$list" ] || { printf '%s: --files0-from: %q: cannot be read\n' "$program" "$list" >&2; exit 66; }
        mapfile -d '' -t inputs < "$list" || exit 66
        [ ${#inputs[@]} -gt 0 ] || wrong "--files0-from: $list: no names in it"
    fi
    [ ${#inputs[@]} -gt 0 ] || wrong 'a FILE is missing'
    # A name with a dash in front is no option of the tools below.
    case $out in
    -*) out=./$out ;;
    esac
    # Of the programs, too, -o makes no folder.
    [ -d "$(dirname -- "$out")" ] || { printf '%s: %q: cannot be made: no such folder\n' "$program" "$out" >&2; exit 73; }
}

# need TOOL ...
need() {
    for tool; do
        command -v "$tool" > /dev/null || { echo "$program: $tool is not in PATH" >&2; exit 69; }
    done
}

# prepare_parts DIR: T5G_BIN and T5G_CACHE_DIR for the shards, and DIR with what they are to do.
prepare_parts() {
    T5G_BIN=$(dirname -- "$(command -v t5g-decode)")
    case $T5G_BIN in
    /*) ;;
    *) T5G_BIN=$PWD/$T5G_BIN ;;
    esac
    export T5G_BIN
    if [ -n "$cache" ]; then
        [ -n "${T5G_CACHE_DIR-}" ] || { mkdir -p .t5g && export T5G_CACHE_DIR=$PWD/.t5g/cache; } || exit 73
    else
        unset T5G_CACHE_DIR
    fi
    printf '%s\0' "${inputs[@]}" | "$here/prepare" "$n" "$1" "$program" || exit
}
