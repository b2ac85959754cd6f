#!/usr/bin/env bash
# parallel.sh: texts on many machines by GNU parallel and ssh, one stream as the result.
#
#   T5G_DECODE_FLAGS="-n 40 -p 'synopsis:'" parallel.sh -S host1,host2 -n 100 -o out.t5g -- docs/*.txt
#
# The inputs are cut into shards, which each host does one after another, and the parts are joined in the order of the
# inputs. The working directory must be the same on all hosts, under the same path (NFS, for one), with inputs and
# outputs below it, and the programs and these scripts in the same place. Hosts are logged into with ssh, which must
# not ask for a password.
#
# After a failure or an interruption, repeat the command: it does what OUT.joblog shows as missing. A part is a file of
# its own in OUT.parts; a killed shard has none. The other hosts do the shards of a lost host again.
#
# What it has in common with slurm.sh is described in launch.sh.
set -u
program=parallel.sh
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd) || exit 66
# shellcheck source=pipelines/launch.sh
. "$here/launch.sh" || exit 66
usage() {
    usage_head
    cat << 'END'
  -S, --sshlogin HOSTS  hosts, separated by commas, as for parallel(1); `:` is this machine (default)
  -n, --shards SHARDS   number of parts to divide the FILEs into; several for each host
  -o, --output OUT.t5g  the result, with OUT.t5g.joblog and the directory OUT.t5g.parts next to it
  -j, --jobs N          shards at a time on each host (default: 1, which uses all processors)
END
    usage_options
    echo '      --clean           remove OUT.t5g.parts and OUT.t5g.joblog at the end'
    usage_rules
    cat << 'END'
T5G_ADAPTER, T5G_CPU, T5G_COMPUTE, T5G_THREADS, T5G_RETRIES, T5G_CACHE_DIR; HF_HUB_CACHE, HF_HOME.
Exit status: 0; 3: some documents failed; 75: hosts were lost or shards stopped, try again; 76: a part is missing; else
that of the first shard that failed.
END
}
hosts=: n='' out='' jobs=1 clean='' cache=1 list=
options=$(getopt -n parallel.sh -o S:n:o:m:j:h -l sshlogin:,shards:,output:,model:,jobs:,files0-from:,no-cache,clean,help -- "$@") || exit 64
eval "set -- $options"
while [ "$1" != -- ]; do
    case $1 in
    -S | --sshlogin) hosts=$2 ;;
    -n | --shards) n=$2 ;;
    -o | --output) out=$2 ;;
    -m | --model) export T5G_MODEL=$2 ;;
    --files0-from) list=$2 ;;
    -j | --jobs) jobs=$2 ;;
    --no-cache) cache=''; shift; continue ;;
    --clean) clean=--clean; shift; continue ;;
    *) usage; exit ;;
    esac
    shift 2
done
shift
take_inputs "$@"
need parallel t5g-decode
dir=$out.parts log=$out.joblog
prepare_parts "$dir"
# A log whose parts were removed would have nothing done.
shopt -s nullglob
parts=("$dir"/part-*)
[ "${#parts[@]}" != 0 ] || rm -f "$log"

# Names go through the environment, which parallel takes over for any shell. The command is the same whatever they are:
# in it parallel would see {} in them, and the shells on both sides what those know.
export T5G_AT=$PWD T5G_SCRIPTS=$here T5G_SHARDS=$n T5G_PARTS=$dir
pass=()
for name in T5G_AT T5G_SCRIPTS T5G_SHARDS T5G_PARTS T5G_CACHE_DIR T5G_BIN T5G_MODEL T5G_ADAPTER T5G_CPU T5G_COMPUTE \
    T5G_THREADS T5G_RETRIES T5G_TOKENIZE_FLAGS T5G_ENCODE_FLAGS T5G_DECODE_FLAGS HF_HUB_CACHE HUGGINGFACE_HUB_CACHE \
    HF_HOME XDG_CACHE_HOME; do
    [ -z "${!name-}" ] || pass+=(--env "$name")
done
# shellcheck disable=SC2016 # for the shell on the other side
command='cd -- "$T5G_AT" && exec "$T5G_SCRIPTS/retry" "$T5G_SCRIPTS/shard" {} "$T5G_SHARDS" "$T5G_PARTS"'

# failures: exit statuses of the shards whose last line in the log is not a success, in their order.
failures() {
    awk -F '\t' 'NR > 1 { failed[$1] = $7 != 0 ? $7 : $8 != 0 ? 75 : 0 }
        END { for (seq in failed) if (failed[seq]) print seq, failed[seq] }' < "$log" | sort -n | cut -d ' ' -f 2
}

# ssh ends with 255 when the host is lost. The --retries of parallel would repeat every failure; so the log is asked,
# and parallel is run again, which first leaves out the hosts that do not answer.
filter=()
for ((round = 0; ; round++)); do
    # In the background, for a signal to be noticed: parallel then starts no further shard, at the second one it
    # stops those that run.
    seq 0 $((n - 1)) | parallel -S "$hosts" "${filter[@]}" -j "$jobs" --joblog "$log" \
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
        printf 'parallel.sh: %d of %d shards failed, the first with status %d; see %q\n' "${#statuses[@]}" "$n" "$s" "$log" >&2
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
"$here/merge" $clean "$n" "$dir" "$out" parallel.sh || status=$?
case $status in
0 | 3) [ -z "$clean" ] || rm -f "$log" ;;
76) printf 'parallel.sh: %q says that all shards are done; remove it to have the missing ones made\n' "$log" >&2 ;;
esac
exit "$status"
