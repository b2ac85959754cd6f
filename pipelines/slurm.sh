#!/usr/bin/env bash
# slurm.sh: texts on a Slurm cluster: an array of jobs, one for each shard, and a job that joins the parts.
#
#   export SBATCH_PARTITION=short SBATCH_TIMELIMIT=4:00:00 T5G_DECODE_FLAGS="-n 40 -p 'synopsis:'"
#   slurm.sh -n 100 -o out.t5g --wait -- docs/*.txt
#
# Settings for sbatch(1) are its SBATCH_ variables. The working directory must be shared by the nodes,
# with inputs and outputs below it, and the programs and these scripts must be in the same place everywhere.
#
# A shard that is stopped by the time limit or for a job of higher priority (status 75), or loses its node, goes back
# into the queue; if one fails, the parts are not joined. Then repeat the command: shards whose part exists are left out
# of the array. Repeat it only when the earlier jobs have ended.
#
# What it has in common with parallel.sh is described in launch.sh.
set -u
program=slurm.sh
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd) || exit 66
# shellcheck source=pipelines/launch.sh
. "$here/launch.sh" || exit 66
usage() {
    usage_head
    cat << 'END'
  -n, --shards SHARDS   number of jobs to divide the FILEs into; each should take hours rather than minutes
  -o, --output OUT.t5g  the result, with the directory OUT.t5g.parts next to it, which has the logs of the jobs
      --wait            wait for the result; exit with the status of the job that joins the parts
END
    usage_options
    cat << 'END'
      --clean           remove OUT.t5g.parts at the end

Without --wait, prints the numbers of the array and of the joining job.
END
    usage_rules
    cat << 'END'
T5G_ADAPTER, T5G_CPU, T5G_COMPUTE, T5G_THREADS (SLURM_CPUS_PER_TASK overrides it), T5G_RETRIES, T5G_CACHE_DIR; SBATCH_*.
Exit status with --wait: 0; 3: some documents failed; 76: a part is missing, its log says why.
END
}
n='' out='' wait='' clean='' cache=1 list=
options=$(getopt -n slurm.sh -o n:o:m:h -l shards:,output:,model:,wait,files0-from:,no-cache,clean,help -- "$@") || exit 64
eval "set -- $options"
while [ "$1" != -- ]; do
    case $1 in
    -n | --shards) n=$2 ;;
    -o | --output) out=$2 ;;
    -m | --model) export T5G_MODEL=$2 ;;
    --files0-from) list=$2 ;;
    --wait) wait=--wait; shift; continue ;;
    --no-cache) cache=''; shift; continue ;;
    --clean) clean=--clean; shift; continue ;;
    *) usage; exit ;;
    esac
    shift 2
done
shift
take_inputs "$@"
need sbatch scontrol t5g-decode
case $PWD/$out in
# In the path of a log it ends what Slurm knows of other signs.
*\\*) wrong 'Slurm takes no working directory and no OUT.t5g with a backslash in its name' ;;
esac
dir=$out.parts
prepare_parts "$dir"

# part I: the file of shard I.
part() {
    printf '%s/part-%06d-of-%06d.t5g' "$dir" "$1" "$n"
}
# Only what is missing, as runs of indices: 0-3,7.
indices='' from='' last=
for ((i = 0; i <= n; i++)); do
    if [ "$i" -lt "$n" ] && ! { [ -e "$(part "$i")" ] && t5g-frame quickcheck -- "$(part "$i")" 2> /dev/null; }; then
        [ -n "$from" ] || from=$i
        last=$i
    elif [ -n "$from" ]; then
        indices+=,$from
        [ "$from" = "$last" ] || indices+=-$last
        from=
    fi
done

log=$dir/slurm
# The path of a log as sbatch takes it: whole, since it would look for its signs in the working directory, too, and with
# each % twice.
log_path() {
    case $1 in
    /*) printf %s "${1//%/%%}" ;;
    *) printf %s "${PWD//%/%%}/${1//%/%%}" ;;
    esac
}
array='' after=()
if [ -n "$indices" ]; then
    # The whole environment goes with the jobs: that is how the T5G_ variables get there.
    array=$(sbatch --parsable --job-name=t5g-shard --export=ALL --array="${indices#,}" --requeue --open-mode=append \
        --signal=B:TERM@60 --output="$(log_path "$log")-%a.log" "$here/slurm-task" "$here" "$n" "$dir") || exit 69
    array=${array%%;*}
    # Without the second option the merge of an array that failed would stay in the queue for ever.
    after=(--dependency="afterok:$array" --kill-on-invalid-dep=yes)
fi
# The log of a merge that removes DIR stands elsewhere.
status=0
# shellcheck disable=SC2086 # nothing, or one word
merge=$(sbatch --parsable $wait --job-name=t5g-merge --export=ALL "${after[@]}" --output="$(log_path "$out.log")" \
    "$here/merge" $clean "$n" "$dir" "$out") || status=$?
merge=${merge%%;*}
if [ -z "$merge" ]; then
    [ -z "$array" ] || echo "slurm.sh: the array $array was submitted, the joining job was not" >&2
    exit 69
fi
if [ -z "$wait" ]; then
    echo "${array:-none} $merge"
    exit
fi
# Of a merge that did not run because a shard failed, sbatch says only that it did not end well.
if [ -d "$dir" ]; then
    missing=0
    for ((i = 0; i < n; i++)); do
        [ -e "$(part "$i")" ] && continue
        missing=$((missing + 1))
        [ "$missing" -gt 5 ] || printf 'slurm.sh: shard %d failed, see %q\n' "$i" "$log-$i.log" >&2
    done
    if [ "$missing" != 0 ]; then
        printf 'slurm.sh: %d of %d parts are missing, %q is not made; the same command goes on\n' "$missing" "$n" "$out" >&2
        exit 76
    fi
fi
case $status in
0 | 3) ;;
*) printf 'slurm.sh: the joining job %s ended with status %d, see %q\n' "$merge" "$status" "$out.log" >&2 ;;
esac
exit "$status"
