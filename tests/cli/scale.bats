#!/usr/bin/env bats
# The scripts for many machines, on this one: retry, shard, merge and prepare. parallel.sh and slurm.sh themselves:
# make check-cluster.
load common

# A command that ends with each status of the file `statuses` in turn.
make_flaky() {
    printf '%s\n' "$@" > statuses
    cat > flaky << 'END'
#!/bin/sh
read -r status < statuses
sed -i 1d statuses
echo run >> runs
exit "$status"
END
    chmod +x flaky
}

@test "retry: 75 is tried again, and nothing else" {
    make_flaky 75 75 0
    status_is 0 "$pipelines/retry" ./flaky
    [ "$(wc -l < runs)" = 3 ]
    for s in 1 3 65 66 70 76 137; do
        rm runs
        make_flaky "$s" 0
        status_is "$s" "$pipelines/retry" ./flaky
        [ "$(wc -l < runs)" = 1 ]
    done
    rm runs
    make_flaky 75 65 0
    status_is 65 "$pipelines/retry" ./flaky
    [ "$(wc -l < runs)" = 2 ]
}

@test "retry: gives up after T5G_RETRIES" {
    make_flaky 75 75 75 75
    T5G_RETRIES=1 status_is 75 "$pipelines/retry" ./flaky
    [ "$(wc -l < runs)" = 2 ]
    T5G_RETRIES=x status_is 64 "$pipelines/retry" ./flaky
    err_has T5G_RETRIES
}

@test "retry: standard input is the command's" {
    [ "$(printf 'some text' | "$pipelines/retry" cat)" = 'some text' ]
}

@test "retry: SIGTERM goes to the command, which is not run again" {
    cat > patient << 'END'
#!/bin/sh
echo run >> runs
trap 'exit 75' TERM
: > ready
while :; do sleep 0.05; done
END
    chmod +x patient
    "$pipelines/retry" ./patient 3>&- &
    local pid=$!
    soon [ -e ready ]
    kill -TERM "$pid"
    status_is 75 wait "$pid"
    [ "$(wc -l < runs)" = 1 ]
}

# Seven documents in the directory docs, and what one pipeline makes of them.
seven() {
    mkdir docs
    for i in 1 2 3 4 5 6 7; do echo "text number $i" > "docs/$i.txt"; done
    export T5G_DECODE_FLAGS="-n 4 -p 'two words' -p one"
    t5g-tokenize docs/*.txt | t5g-encode | t5g-decode -n 4 -p 'two words' -p one -o whole.t5g
}

@test "shard and merge: the order of the inputs, for every number of shards" {
    seven
    for n in 1 3 10; do
        mkdir parts
        for ((i = 0; i < n; i++)); do "$pipelines/shard" "$i" "$n" parts docs/*.txt; done
        "$pipelines/merge" --clean "$n" parts out.t5g
        t5g-frame diff out.t5g whole.t5g
        [ ! -e parts ]
    done
}

@test "shard: a whole part stays as it is, a cut one is made again" {
    seven
    mkdir parts
    "$pipelines/shard" 0 2 parts docs/*.txt
    local part=parts/part-000000-of-000002.t5g
    cp -p "$part" kept
    touch -d '2001-01-01' "$part"
    "$pipelines/shard" 0 2 parts docs/*.txt
    [ "$part" -ot kept ]
    truncate -s -64 "$part"
    "$pipelines/shard" 0 2 parts docs/*.txt
    cmp "$part" kept
}

@test "shard: a failed document is no failure, of the programs the first one speaks" {
    seven
    mkdir parts
    printf '\377' > docs/4.txt
    status_is 0 "$pipelines/shard" 0 1 parts docs/*.txt
    status_is 3 "$pipelines/merge" 1 parts out.t5g
    [ "$(t5g-frame ls --failed out.t5g)" = docs/4.txt ]
    echo damaged > bad.tar
    status_is 65 "$pipelines/shard" 0 1 none bad.tar
    T5G_ENCODE_FLAGS=--no-such-option status_is 64 "$pipelines/shard" 0 2 parts docs/*.txt
    T5G_DECODE_FLAGS=--no-such-option status_is 64 "$pipelines/shard" 0 2 parts docs/*.txt
    T5G_DECODE_FLAGS="-n 4 -p 'open" status_is 64 "$pipelines/shard" 0 2 parts docs/*.txt
    err_has "T5G_DECODE_FLAGS: a quote is not closed"
    [ ! -e parts/part-000000-of-000002.t5g ]
    status_is 64 "$pipelines/shard" 2 2 parts docs/*.txt
}

@test "shard: flags are words, not commands" {
    seven
    mkdir parts
    T5G_DECODE_FLAGS="-n 2 -p '\$(touch run)' -p \`touch\ run\`" status_is 0 "$pipelines/shard" 0 1 parts docs/1.txt
    [ ! -e run ]
    t5g-detok --jsonl parts/part-000000-of-000001.t5g | grep -F '"prompt":"$(touch run)"'
}

@test "shard: SIGTERM ends its programs, status 75, and no part" {
    seven
    mkdir parts
    mkfifo docs/8.txt
    "$pipelines/shard" 0 1 "$PWD/parts" docs/*.txt 3>&- &
    local pid=$!
    soon pgrep -f "^t5g-decode .*-o $PWD/parts/part-000000-of-000001.t5g\$" > pids
    kill -TERM "$pid" # t5g-tokenize waits for somebody to write to 8.txt, and nobody does
    status_is 75 wait "$pid"
    [ -z "$(ls -A parts)" ]
    ! ps -p "$(tr '\n' ',' < pids)0" > /dev/null || return 1
}

@test "merge: a missing, cut or foreign part is refused" {
    seven
    mkdir parts
    for i in 0 1 2; do "$pipelines/shard" "$i" 3 parts docs/*.txt; done
    mv parts/part-000001-of-000003.t5g kept
    status_is 76 "$pipelines/merge" 3 parts out.t5g
    err_has_line 'part-000001-of-000003.t5g is missing'
    head -c 1024 kept > parts/part-000001-of-000003.t5g
    status_is 76 "$pipelines/merge" 3 parts out.t5g
    : > parts/part-000001-of-000003.t5g
    status_is 76 "$pipelines/merge" 3 parts out.t5g
    t5g-tokenize -m "$gqa" docs/3.txt | t5g-encode -m "$gqa" | t5g-decode -m "$gqa" -n 2 > parts/part-000001-of-000003.t5g
    status_is 65 "$pipelines/merge" 3 parts out.t5g
    [ ! -e out.t5g ]
    mv kept parts/part-000001-of-000003.t5g
    status_is 0 "$pipelines/merge" 3 parts out.t5g
    [ "$(echo parts/*)" = "$(echo parts/part-00000{0,1,2}-of-000003.t5g)" ]
}

@test "merge: a result with fewer documents than the parts is refused" {
    seven
    mkdir parts fake
    for i in 0 1; do "$pipelines/shard" "$i" 2 parts docs/*.txt; done
    cat > fake/t5g-frame << END
#!/bin/sh
[ "\$1" != cat ] || { shift; set -- head -n 6 "\$@"; }
exec "$(command -v t5g-frame)" "\$@"
END
    chmod +x fake/t5g-frame
    PATH=$PWD/fake:$PATH status_is 65 "$pipelines/merge" 2 parts out.t5g
    err_has '6 documents in the result, 7 in the parts'
    [ ! -e out.t5g ]
}

# prepared N FILE...: prepare with the names on its standard input, as parallel.sh and slurm.sh do.
prepared() {
    local n=$1
    shift
    printf '%s\0' "$@" | "$pipelines/prepare" "$n" parts
}

@test "prepare: the same again goes on, other inputs or options do not" {
    seven
    status_is 0 prepared 3 docs/*.txt
    "$pipelines/shard" 1 3 parts
    status_is 0 prepared 3 docs/*.txt
    status_is 65 prepared 4 docs/*.txt
    err_has 'other options'
    T5G_ENCODE_FLAGS=--dtype=bf16 status_is 65 prepared 3 docs/*.txt
    err_has 'other options'
    status_is 65 prepared 3 docs/[1-6].txt
    err_has 'other inputs'
    T5G_DECODE_FLAGS='-n 5' status_is 65 prepared 3 docs/*.txt
    err_has 'another question has 1 of 3 parts there'
    status_is 66 prepared 3 docs/*.txt docs/8.txt
    err_has 'docs/8.txt: no such file'
    status_is 64 "$pipelines/prepare" 3 parts < /dev/null
    "$pipelines/shard" 0 3 parts
    "$pipelines/shard" 2 3 parts
    "$pipelines/merge" 3 parts out.t5g
    t5g-frame diff out.t5g whole.t5g
    echo more >> docs/3.txt
    status_is 65 prepared 3 docs/*.txt
    err_has 'other sizes and times'
}

@test "prepare: says in the name of its caller what to do" {
    mkdir docs
    touch docs/{1..7}.txt
    printf 'docs/1.txt\ndocs/2.txt\n' > lines
    status_is 66 "$pipelines/prepare" 3 parts parallel.sh < lines
    err_has_line "parallel.sh: names in a list end with NUL, as find -print0 writes them: of a list of lines, tr '\\n' '\\0' makes one"
    tr '\n' '\0' < lines | "$pipelines/prepare" 3 parts parallel.sh
    printf '%s\0' gone{1..7} docs/1.txt | status_is 66 "$pipelines/prepare" 3 parts2 parallel.sh
    err_has_line 'parallel.sh: gone5: no such file'
    err_has_line 'parallel.sh: 7 files in all are missing'
    [ "$(wc -l < err)" = 6 ]
    printf '%s\0' docs/*.txt | status_is 65 "$pipelines/prepare" 3 parts parallel.sh
    err_has 'parallel.sh: parts: the parts there were made with other inputs; choose another -o, or remove parts to begin anew'
    status_is 76 "$pipelines/merge" 3 parts out.t5g parallel.sh
    err_has_line 'parallel.sh: 3 of 3 parts are missing'
    for script in parallel slurm; do
        for list in nowhere docs; do
            status_is 66 "$pipelines/$script.sh" -n 2 -o o.t5g --files0-from "$list"
            err_has "$script.sh: --files0-from: $list: cannot be read"
        done
        status_is 64 "$pipelines/$script.sh" -n 2 -o o.t5g --files0-from /dev/null
        err_has "--files0-from: /dev/null: no names in it"
    done
}

@test "prepare: another question takes the place of one that was answered, and encodes nothing" {
    seven
    export T5G_CACHE_DIR=$PWD/cache T5G_ENCODE_FLAGS=--stats
    prepared 2 docs/*.txt
    for i in 0 1; do "$pipelines/shard" "$i" 2 parts; done
    "$pipelines/merge" 2 parts one.t5g
    t5g-frame diff one.t5g whole.t5g
    export T5G_DECODE_FLAGS='-n 3 -p another'
    prepared 2 docs/*.txt
    [ -z "$(find parts -name 'part-*')" ]
    for i in 0 1; do "$pipelines/shard" "$i" 2 parts; done 2> log
    [ "$(grep -oE '[0-9]+ hits, [0-9]+ misses' log | tr '\n' ' ')" = '4 hits, 0 misses 3 hits, 0 misses ' ]
    "$pipelines/merge" 2 parts two.t5g
    t5g-tokenize docs/*.txt | t5g-encode | t5g-decode -n 3 -p another -o direct.t5g
    t5g-frame diff two.t5g direct.t5g
}

@test "merge: names with a dash in front, and a folder where the result should be" {
    seven
    mkdir -- -parts folder
    "$pipelines/shard" 0 1 -parts docs/*.txt
    "$pipelines/merge" 1 -parts -out.t5g
    t5g-frame diff -- -out.t5g whole.t5g
    status_is 73 "$pipelines/merge" 1 -parts folder
    [ -z "$(ls -A folder)" ]
    "$pipelines/merge" --clean 1 -parts -out.t5g
    [ ! -e -parts ]
}

@test "parallel.sh and slurm.sh make no folder for their result" {
    echo text > one
    for script in parallel slurm; do
        status_is 73 "$pipelines/$script.sh" -n 1 -o no/folder/out.t5g -- one
        err_has "$script.sh: no/folder/out.t5g: cannot be made: no such folder"
    done
    [ ! -e no ] && [ ! -e .t5g ]
}

@test "parallel.sh: what the programs read goes to the hosts, and another adapter is another set of options" {
    # GNU parallel itself: make check-cluster.
    mkdir bin
    cat > bin/parallel <<'END'
#!/bin/sh
cat > /dev/null
printf '%s\n' "$@" > told
END
    chmod +x bin/parallel
    export PATH=$PWD/bin:$PATH T5G_CPU=ref T5G_COMPUTE=bf16 T5G_THREADS=1
    export T5G_ADAPTER=$T5G_TESTS/golden/adapters/tiny/attention HF_HOME=a HF_HUB_CACHE=b HUGGINGFACE_HUB_CACHE=c
    echo text > one
    status_is 76 "$pipelines/parallel.sh" -n 1 -o o.t5g -- one
    for name in T5G_MODEL T5G_ADAPTER T5G_CPU T5G_COMPUTE T5G_THREADS HF_HOME HF_HUB_CACHE HUGGINGFACE_HUB_CACHE XDG_CACHE_HOME; do
        grep -A 1 -x -e --env told | grep -qx "$name" || { echo "$name"; return 1; }
    done
    "$pipelines/shard" 0 1 o.t5g.parts
    status_is 0 "$pipelines/parallel.sh" -n 1 -o o.t5g -- one
    for other in 'T5G_ADAPTER=' "T5G_ADAPTER=$T5G_TESTS/golden/adapters/tiny/head" 'T5G_COMPUTE=' 'T5G_CPU='; do
        status_is 65 env "$other" "$pipelines/parallel.sh" -n 1 -o o.t5g -- one
        err_has 'parallel.sh: o.t5g.parts: the parts there were made with other options'
    done
}
