#!/usr/bin/env bash
# cluster.sh: pipelines/parallel.sh over two sshd on loopback ports, and pipelines/slurm.sh on a slurmctld and a slurmd
# of this machine; run by `make check-cluster`. Needs Debian's parallel, openssh-server and slurm-wlm. Everything they
# need is made in a temporary directory; what is missing or may not be started here is said, and counts as skipped.
set -u
cd "$(dirname "$0")/.." || exit
pipelines=$PWD/pipelines
export PATH=${T5G_BUILD:-$PWD/build/release}/bin:/usr/sbin:$PATH
# What the user has set must not decide what is tested here.
unset "${!T5G_@}" "${!SLURM_@}" "${!SBATCH_@}" "${!PARALLEL@}" XDG_CACHE_HOME
export T5G_RETRIES=1
tmp=$(mktemp -d) || exit
# Caches, and what parallel keeps.
export HOME=$tmp/home
mkdir "$HOME"
started=()
cleanup() {
    local pid
    # Where a test failed, a program may still stand at a document that it cannot open.
    find "$tmp/work" -type p -exec timeout 1 sh -c ': > "$1"' sh {} \;
    for pid in "${started[@]}"; do
        kill "$pid" 2> /dev/null
    done
    for pid in "${started[@]}"; do
        wait "$pid" 2> /dev/null
    done
    [ ! -e "$tmp/made-run-sshd" ] || rmdir /run/sshd 2> /dev/null
    rm -rf "$tmp"
}
trap cleanup EXIT
trap 'exit 143' TERM
trap 'exit 130' INT

count=0 failed=0
# passes DESCRIPTION COMMAND...: one line of TAP; what the command prints where it fails.
passes() {
    local what=$1
    shift
    count=$((count + 1))
    if "$@" > "$tmp/said" 2>&1; then
        echo "ok $count - $what"
    else
        failed=$((failed + 1))
        echo "not ok $count - $what"
        sed 's/^/# /' "$tmp/said"
    fi
}
skip() {
    count=$((count + 1))
    echo "ok $count - $1 # SKIP $2"
}
# status_is N COMMAND...
status_is() {
    local want=$1 got=0
    shift
    "$@" || got=$?
    [ "$got" = "$want" ] || { echo "exit status $got, expected $want: $*"; return 1; }
}
# soon COMMAND...: within 20 seconds it succeeds.
soon() {
    local end=$((SECONDS + 20))
    while [ "$SECONDS" -lt "$end" ]; do
        "$@" > /dev/null 2>&1 && return
        sleep 0.1
    done
    echo "still not: $*"
    return 1
}
free_port() {
    local port
    while port=$((20000 + RANDOM % 12000)); do
        (: < "/dev/tcp/127.0.0.1/$port") 2> /dev/null || break
    done
    echo "$port"
}

# Forty documents, and what one pipeline on this machine makes of them.
mkdir "$tmp/work" && cd "$tmp/work" && mkdir docs || exit
kinds=('library of C++ classes' 'command line tool' 'Python module' 'graphical program' 'set of fonts')
uses=('reads and writes tar archives' 'plays music from the network' 'draws maps' 'checks the spelling of German text')
for ((i = 0; i < 40; i++)); do
    printf 'A %s that %s.\nIt is number %d.\n' "${kinds[i % 5]}" "${uses[i % 4]}" "$i" > "docs/$(printf %02d "$i").txt"
done
export T5G_DECODE_FLAGS="-n 8 -p 'section:' -p 'quote: A $'"
t5g-tokenize docs/*.txt | t5g-encode | t5g-decode -n 8 -p 'section:' -p "quote: A $" -o whole.t5g || {
    echo 'Bail out! The programs are not built, or do not run'
    exit 1
}
t5g-detok --jsonl -o whole.jsonl whole.t5g

# as_whole FILE: the same documents, ids and text as the pipeline's.
as_whole() {
    t5g-frame diff "$1" whole.t5g && t5g-detok --jsonl "$1" | cmp - whole.jsonl
}

# block FILE: reading FILE takes until `unblock FILE`, which puts the document back; a reader that stands there gets an
# empty one.
block() {
    mv "$1" "$1.kept" && mkfifo "$1"
}
unblock() {
    mv "$1" "$1.fifo" && mv "$1.kept" "$1" && timeout 5 sh -c ': > "$1"' sh "$1.fifo"
}
decoder_of() {
    pgrep -f "^[^ ]*t5g-decode .* -o $1\$"
}

# ---- GNU parallel over ssh

# listen NAME PORT: an sshd that takes the key of this run, and its entry in the client's configuration.
listen() {
    cat > "$tmp/sshd-$1.conf" << END
ListenAddress 127.0.0.1
Port $2
HostKey $tmp/key
PidFile none
AuthorizedKeysFile $tmp/key.pub
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
SetEnv HOME=$HOME
END
    "$(command -v sshd)" -D -e -f "$tmp/sshd-$1.conf" > "$tmp/sshd-$1.log" 2>&1 &
    started+=($!)
    known_as "$1" "$2"
    soon ssh -F "$tmp/ssh.conf" "$1" true
}
known_as() {
    cat >> "$tmp/ssh.conf" << END
Host $1
    HostName 127.0.0.1
    Port $2
    IdentityFile $tmp/key
    IdentitiesOnly yes
    BatchMode yes
    ConnectTimeout 5
    StrictHostKeyChecking no
    UserKnownHostsFile /dev/null
    LogLevel ERROR
END
}
start_ssh() {
    if [ "$(id -u)" = 0 ] && [ ! -d /run/sshd ]; then
        mkdir -p /run/sshd && touch "$tmp/made-run-sshd"
    fi
    ssh-keygen -q -t ed25519 -N '' -f "$tmp/key" || return
    listen one "$(free_port)" && listen two "$(free_port)" && known_as gone "$(free_port)"
}

parallel_sh() {
    local hosts=$1
    shift
    timeout 100 "$pipelines/parallel.sh" -S "$hosts" "$@" -- docs/*.txt
}
both_used() {
    cut -f 2 far.t5g.joblog | sort -u | tr '\n' ' ' | grep -x 'Host one two '
}

# One shard is killed in the middle; the others are done, that one leaves no file. It is the last one, and its document
# is taken away when the sizes and times of all have been noted, long before it begins.
kill_one() {
    local run part=cut.t5g.parts/part-000005-of-000006.t5g pid
    parallel_sh one,two -n 6 -o cut.t5g &
    run=$!
    soon test -e cut.t5g.parts/options || return
    block docs/39.txt
    soon decoder_of "$part" || return
    pid=$(decoder_of "$part")
    kill -KILL "$pid"
    unblock docs/39.txt
    status_is 137 wait "$run" && [ ! -e "$part" ] && [ ! -e cut.t5g ] && [ "$(echo cut.t5g.parts/part-*.t5g | wc -w)" = 5 ]
}
resume() {
    local before
    before=$(wc -l < cut.t5g.joblog)
    parallel_sh one,two -n 6 -o cut.t5g && as_whole cut.t5g || return
    tail -n "+$((before + 1))" cut.t5g.joblog > again
    cat again
    [ "$(cut -f 1,7 again)" = "$(printf '6\t0')" ]
}
missing_part() {
    rm cut.t5g cut.t5g.parts/part-000004-of-000006.t5g
    status_is 76 parallel_sh one,two -n 6 -o cut.t5g && [ ! -e cut.t5g ]
}
other_options() {
    T5G_DECODE_FLAGS='-n 8 -p kind:' status_is 65 parallel_sh one,two -n 6 -o cut.t5g
}
# The model of the tests, named on this side only, and an adapter.
adapter() {
    local tests=$pipelines/../tests T5G_MODEL T5G_ADAPTER T5G_DECODE_FLAGS='-n 4 -p kind:'
    export T5G_MODEL=$tests/models/tiny T5G_ADAPTER=$tests/golden/adapters/tiny/attention T5G_DECODE_FLAGS
    timeout 100 "$pipelines/parallel.sh" -S one,two -n 2 --no-cache -o adapted.t5g -- docs/01.txt docs/02.txt || return
    t5g-tokenize docs/01.txt docs/02.txt | t5g-encode | t5g-decode -n 4 -p kind: -o near.t5g
    t5g-frame diff adapted.t5g near.t5g || return
    T5G_ADAPTER='' status_is 65 "$pipelines/parallel.sh" -S one,two -n 2 --no-cache -o adapted.t5g -- docs/01.txt docs/02.txt
}
lost_host() {
    parallel_sh one,gone -n 6 -o lost.t5g --clean && as_whole lost.t5g && [ ! -e lost.t5g.parts ] &&
        [ ! -e lost.t5g.joblog ]
}
failed_document() {
    printf 'not UTF-8: \377\n' > docs/99.txt
    status_is 3 parallel_sh one,two -n 6 -o bad.t5g && [ "$(t5g-frame ls --failed bad.t5g)" = docs/99.txt ]
    local r=$?
    rm docs/99.txt
    return "$r"
}
another_question() {
    export T5G_ENCODE_FLAGS=--stats
    parallel_sh one,two -n 4 -o next.t5g && T5G_DECODE_FLAGS='-n 8 -p kind:' parallel_sh one,two -n 4 -o next.t5g 2> stats
    local r=$?
    unset T5G_ENCODE_FLAGS
    grep -oE '[0-9]+ hits, [0-9]+ misses' stats | sort -u
    [ "$r" = 0 ] && [ "$(grep -oE '[0-9]+ hits, [0-9]+ misses' stats | sort -u)" = '10 hits, 0 misses' ] &&
        [ "$(t5g-detok --jsonl next.t5g | grep -c '"prompt":"kind:"')" = 40 ]
}
# In folders, and of files, with names that two shells, parallel and Slurm could take for something to do.
# shellcheck disable=SC2016 # as they are
nasty=("it's" '$(touch ran)' '`touch ran`' ';touch ran;' '{}' '{= `touch ran` =}' '%a%j' ' two  words ' '"' '&' '#x' '-x' '-' '~' '*'
    $'new\nline' $'\xff' $'\xc3\xa4' $'tab\there' 'a=b' '$x')
# shellcheck disable=SC2016
nasty_folder=$'fol der\'"$(touch ran)`touch ran`{}%a;\nx'
any_names() { # COMMAND...: has the options of a run
    local name r
    mkdir -p "$nasty_folder" && cd "$nasty_folder" || return
    for name in "${nasty[@]}"; do echo "A library, $RANDOM." > "$name"; done
    timeout 100 "$@" -n 3 -o "${nasty_folder}.t5g" -- "${nasty[@]}"
    r=$?
    for name; do shift; done
    for name in "${nasty[@]}"; do
        [ "$name" != - ] || name=./-
        set -- "$@" "$name"
    done
    t5g-tokenize -- "$@" | t5g-encode | t5g-decode -n 8 -p 'section:' -p "quote: A $" |
        t5g-frame diff -- - "${nasty_folder}.t5g" || r=1
    cd "$tmp/work" || return
    # The name of what would have been made, wherever it had been made.
    [ -z "$(find "$tmp" /root/ran -name ran 2> /dev/null)" ] || r=1
    rm -rf "$nasty_folder"
    return "$r"
}

with_parallel() {
    local tool
    for tool in parallel ssh sshd ssh-keygen; do
        command -v "$tool" > /dev/null && continue
        skip 'parallel over ssh' "$tool is missing: apt-get install parallel openssh-server"
        return
    done
    export PARALLEL_SSH="ssh -F $tmp/ssh.conf"
    if ! start_ssh > "$tmp/said" 2>&1; then
        skip 'parallel over ssh' "sshd or ssh does not work here: $(cat "$tmp/said" "$tmp"/sshd-*.log | tail -n 1)"
        return
    fi
    passes 'parallel: two hosts' parallel_sh one,two -n 6 -o far.t5g
    passes 'parallel: both hosts were used' both_used
    passes 'parallel: the result is that of one pipeline' as_whole far.t5g
    passes 'parallel: more shards than documents' parallel_sh one,two -j 4 -n 50 -o many.t5g
    passes 'parallel: so many shards give that result too' as_whole many.t5g
    passes 'parallel: a killed shard leaves no part and no result' kill_one
    passes 'parallel: the next run does that shard only' resume
    passes 'parallel: a missing part is not skipped' missing_part
    passes 'parallel: parts of other options are not taken' other_options
    passes 'parallel: an adapter acts on every host' adapter
    passes 'parallel: the shards of a lost host are done by the others' lost_host
    passes 'parallel: a document that failed, status 3' failed_document
    passes 'parallel: another question encodes nothing again' another_question
    passes 'parallel: any names' any_names "$pipelines/parallel.sh" -S one,two
}

# ---- Slurm

start_slurm() {
    local ctld d host
    ctld=$(free_port) d=$(free_port) host=$(hostname -s)
    mkdir -p "$tmp/slurm/state" "$tmp/slurm/spool"
    # No munge, no cgroups, no accounting. A job that goes back into the queue waits until its credential has expired,
    # two minutes by default.
    cat > "$tmp/slurm/slurm.conf" << END
ClusterName=t5g
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$ctld
SlurmdPort=$d
AuthType=auth/none
AuthInfo=cred_expire=5
CredType=cred/none
SlurmUser=root
SlurmdUser=root
StateSaveLocation=$tmp/slurm/state
SlurmdSpoolDir=$tmp/slurm/spool
SlurmctldPidFile=$tmp/slurm/slurmctld.pid
SlurmdPidFile=$tmp/slurm/slurmd.pid
SlurmctldLogFile=$tmp/slurm/slurmctld.log
SlurmdLogFile=$tmp/slurm/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
ReturnToService=2
NodeName=t5gnode NodeHostname=$host NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=main Nodes=t5gnode Default=YES MaxTime=INFINITE State=UP
END
    export SLURM_CONF=$tmp/slurm/slurm.conf
    slurmctld -D -f "$SLURM_CONF" > "$tmp/slurm/said" 2>&1 &
    started+=($!)
    slurmd -D -f "$SLURM_CONF" -N t5gnode >> "$tmp/slurm/said" 2>&1 &
    started+=($!)
    soon sh -c 'timeout 5 sinfo -h -o %T | grep -x idle'
}
slurm_sh() {
    timeout 100 "$pipelines/slurm.sh" "$@" --wait -- docs/*.txt
}
# A shard is told to end, as before its time limit: it is not lost, the others go on, and the same job does it again.
requeue() {
    local run job part=back.t5g.parts/part-000001-of-000003.t5g
    block docs/20.txt
    slurm_sh -n 3 -o back.t5g &
    run=$!
    soon decoder_of "$part" || return
    job=$(squeue -h -t RUNNING -o '%i %K' | awk '$2 == 1 { print $1 }')
    scancel --batch --signal=TERM "$job"
    sleep 1
    unblock docs/20.txt
    wait "$run" || { cat back.t5g.parts/*.log; return 1; }
    grep 'back into the queue' back.t5g.parts/slurm-1.log && as_whole back.t5g
}
only_missing() {
    rm node.t5g node.t5g.parts/part-00000[13]-of-000004.t5g
    rm node.t5g.parts/*.log
    slurm_sh -n 4 -o node.t5g && as_whole node.t5g &&
        [ "$(cd node.t5g.parts && echo slurm-*.log)" = 'slurm-1.log slurm-3.log' ]
}
failed_shard() {
    T5G_ENCODE_FLAGS=--no-such-option status_is 76 slurm_sh -n 2 -o none.t5g && [ ! -e none.t5g ] &&
        [ -z "$(squeue -h)" ]
}

with_slurm() {
    local tool
    for tool in slurmctld slurmd sbatch squeue; do
        command -v "$tool" > /dev/null && continue
        skip 'slurm' "$tool is missing: apt-get install slurm-wlm"
        return
    done
    if [ "$(id -u)" != 0 ]; then
        skip 'slurm' 'slurmd must be started by root'
        return
    fi
    if ! start_slurm > /dev/null 2>&1; then
        skip 'slurm' "slurmctld and slurmd do not work here: $(cat "$tmp"/slurm/*.log "$tmp/slurm/said" |
            grep -E 'fatal|error' | tail -n 3 | tr '\n' ' ')"
        return
    fi
    passes 'slurm: an array and its merge' slurm_sh -n 4 -o node.t5g
    passes 'slurm: the result is that of one pipeline' as_whole node.t5g
    passes 'slurm: again, only what is missing is submitted' only_missing
    passes 'slurm: a stopped shard goes back into the queue' requeue
    passes 'slurm: any names' any_names "$pipelines/slurm.sh" --wait
    passes 'slurm: a failed shard, no result and nothing left in the queue' failed_shard
}

with_parallel
with_slurm
echo "1..$count"
[ "$failed" = 0 ]
