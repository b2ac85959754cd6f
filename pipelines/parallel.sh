#!/usr/bin/env bash
# parallel.sh: texts on many machines by GNU parallel and ssh, one stream as the result.
#
#   T5G_DECODE_FLAGS="-n 40 -p 'synopsis:'" parallel.sh -S host1,host2 -n 100 -o out.t5g -- docs/*.txt
#
# The inputs are cut into shards; each host does one after the other, and the parts are joined in the order of the
# inputs. The working directory must be the same on all hosts, under the same path (NFS, for one), with inputs and
# outputs below it, and the programs and these scripts in the same place. Hosts are logged into with ssh, which must
# not ask for a password.
#
# Give the same command again after a failure or an interruption: it does what is missing, as OUT.joblog says. A part
# is a file of its own in OUT.parts; that of a shard that was killed does not exist. Shards that a lost host took with
# it are done again by the others.
#
# All hosts must compute with the same kernels for the result to be the same bits; where their processors differ, set
# T5G_CPU to a level that all have. See t5g(7).
set -u
usage() {
    cat << 'END'
usage: parallel.sh [options] -n SHARDS -o OUT.t5g -- FILE...

  -S, --sshlogin HOSTS  hosts, with commas between, as for parallel(1); `:` is this machine (default)
  -n, --shards SHARDS   into how many parts the FILEs are cut; several for each host
  -o, --output OUT.t5g  the result; OUT.t5g.joblog and the directory OUT.t5g.parts stand beside it
  -m, --model MODEL     for the programs
  -j, --jobs N          shards at a time on each host (default: 1, it uses all processors)
      --clean           remove OUT.t5g.parts and OUT.t5g.joblog when all is done

Environment: T5G_TOKENIZE_FLAGS, T5G_ENCODE_FLAGS, T5G_DECODE_FLAGS: options for the programs, quoted as for a shell;
T5G_CPU, T5G_THREADS, T5G_RETRIES.
Exit status: 0; 3: some documents failed; 75: hosts were lost or shards stopped, try again; 76: a part is missing; of
the first shard that failed otherwise.
END
}
wrong() {
    echo "parallel.sh: $1" >&2
    exit 64
}
hosts=: n='' out='' jobs=1 clean=
options=$(getopt -n parallel.sh -o S:n:o:m:j:h -l sshlogin:,shards:,output:,model:,jobs:,clean,help -- "$@") || exit 64
eval "set -- $options"
while [ "$1" != -- ]; do
    case $1 in
    -S | --sshlogin) hosts=$2 ;;
    -n | --shards) n=$2 ;;
    -o | --output) out=$2 ;;
    -m | --model) export T5G_MODEL=$2 ;;
    -j | --jobs) jobs=$2 ;;
    --clean) clean=--clean; shift; continue ;;
    *) usage; exit ;;
    esac
    shift 2
done
shift
[ -n "$n" ] || wrong '-n SHARDS is missing'
[ -n "$out" ] || wrong '-o OUT.t5g is missing'
[ $# -gt 0 ] || wrong 'a FILE is missing'
for tool in parallel t5g-decode; do
    command -v "$tool" > /dev/null || { echo "parallel.sh: $tool is not in PATH" >&2; exit 69; }
done

here=$(cd "$(dirname "$0")" && pwd) || exit 66
T5G_BIN=$(dirname "$(command -v t5g-decode)")
case $T5G_BIN in
/*) ;;
*) T5G_BIN=$PWD/$T5G_BIN ;;
esac
export T5G_BIN
dir=$out.parts log=$out.joblog
# A log whose parts were removed would have nothing done.
[ -d "$dir" ] || rm -f "$log"
"$here/prepare" "$n" "$dir" "$@" || exit

pass=()
for name in T5G_BIN T5G_MODEL T5G_CPU T5G_THREADS T5G_RETRIES T5G_TOKENIZE_FLAGS T5G_ENCODE_FLAGS T5G_DECODE_FLAGS; do
    [ -z "${!name-}" ] || pass+=(--env "$name")
done
printf -v command '%q %q {} %q %q' "$here/retry" "$here/shard" "$n" "$dir"

# failures: exit statuses of the shards whose last line in the log is not a success, in their order.
failures() {
    awk -F '\t' 'NR > 1 { failed[$1] = $7 != 0 ? $7 : $8 != 0 ? 75 : 0 }
        END { for (seq in failed) if (failed[seq]) print seq, failed[seq] }' "$log" | sort -n | cut -d ' ' -f 2
}

# ssh ends with 255 when the host is lost. The --retries of parallel would repeat every failure; so the log is asked,
# and parallel is run again, which first leaves out the hosts that do not answer.
filter=()
for ((round = 0; ; round++)); do
    # In the background, for a signal to be noticed: parallel then starts no further shard, at the second one it
    # stops those that run.
    seq 0 $((n - 1)) | parallel -S "$hosts" "${filter[@]}" -j "$jobs" --workdir "$PWD" --joblog "$log" \
        --resume-failed "${pass[@]}" "$command" &
    child=$!
    told=0
    trap 'told=$((told + 1)); kill -TERM "$child" 2> /dev/null' TERM
    trap 'told=$((told + 2)); kill -TERM "$child"; kill -TERM "$child"' INT HUP
    while :; do
        before=$told failed=0
        wait "$child" || failed=$?
        [ "$before" = "$told" ] && break
    done
    trap - TERM INT HUP
    [ "$told" = 0 ] || { echo "parallel.sh: stopped; the same command goes on" >&2; exit 75; }
    [ "$failed" != 0 ] || break
    mapfile -t statuses < <(failures)
    for s in "${statuses[@]}"; do
        [ "$s" = 255 ] && continue
        echo "parallel.sh: ${#statuses[@]} of $n shards failed, the first with status $s; see $log" >&2
        exit "$s"
    done
    # Without a failed shard in the log it was parallel that failed, and has said why.
    [ "${#statuses[@]}" -gt 0 ] || exit 69
    if [ "$round" = 3 ]; then
        echo "parallel.sh: ${#statuses[@]} of $n shards were lost with their hosts; the same command goes on" >&2
        exit 75
    fi
    echo "parallel.sh: ${#statuses[@]} of $n shards were lost with their hosts, again without those" >&2
    filter=(--filter-hosts)
done

status=0
# shellcheck disable=SC2086 # nothing, or one word
"$here/merge" $clean "$n" "$dir" "$out" || status=$?
case $status in
0 | 3) [ -z "$clean" ] || rm -f "$log" ;;
76) echo "parallel.sh: $log says that all shards are done; remove it to have the missing ones made" >&2 ;;
esac
exit "$status"
