#!/usr/bin/env bats
# The cache of results: same bytes, right hits, damage, collectors.
load common

corpus() { for i in 1 2 3 4 5 6; do echo "text number $i $((i * i))"; done > lines; t5g-tokenize -l -o ids.t5g lines; }

# six_entries: the cache c of corpus, the names of its files in `entries`, and the output without it.
six_entries() {
    corpus
    t5g-encode -o plain.t5g ids.t5g
    t5g-encode --cache=c ids.t5g > /dev/null
    find c/v1 -name '*.t5g' | sort > entries
}

# counts PROGRAM ARGUMENT...: "hits misses stored"
counts() {
    "$@" --stats 2>&1 > /dev/null | sed -n 's/.*cache: \([0-9]*\) hits, \([0-9]*\) misses, \([0-9]*\) stored.*/\1 \2 \3/p'
}

@test "the output is the same with and without, and the second run computes nothing" {
    corpus
    t5g-encode -o plain.t5g ids.t5g
    t5g-encode --cache=c ids.t5g | cmp - plain.t5g
    t5g-encode --cache=c ids.t5g | cmp - plain.t5g
    [ "$(counts t5g-encode --cache=c ids.t5g)" = "6 0 0" ]
    [ "$(counts t5g-encode --cache=d < ids.t5g)" = "0 6 6" ]
    T5G_CACHE_DIR=c t5g-encode --cache --stats ids.t5g 2> err | cmp - plain.t5g
    grep -q 'cache: 6 hits' err
    [ "$(counts t5g-encode --cache=off < ids.t5g)" = "" ]
    head -n 1 c/CACHEDIR.TAG | grep -qx 'Signature: 8a477f597d28d172789f06886806bc55'
}

@test "what a result depends on is in its key" {
    corpus
    t5g-encode --cache=c ids.t5g > /dev/null
    # The key is another; the exact rows that are there are found by theirs.
    [ "$(counts t5g-encode --cache=c --dtype bf16 < ids.t5g)" = "6 6 6" ]
    [ "$(counts t5g-encode --cache=c --pool mean < ids.t5g)" = "6 6 6" ]
    [ "$(counts t5g-encode --cache=c --pool max < ids.t5g)" = "6 6 6" ]
    [ "$(counts t5g-encode --cache=c --pool mean --dims 4 < ids.t5g)" = "6 6 6" ]
    [ "$(counts t5g-encode --cache=c --pool mean --normalize < ids.t5g)" = "6 6 6" ]
    [ "$(counts t5g-encode --cache=c --group 4 < ids.t5g)" = "6 6 6" ]
    [ "$(counts t5g-encode --cache=c --group 4 < ids.t5g)" = "6 0 0" ]
    [ "$(counts t5g-encode --cache=c --layer 2 < ids.t5g)" = "0 6 6" ]
    [ "$(T5G_CPU=ref counts t5g-encode --cache=c < ids.t5g)" = "0 6 6" ]
    [ "$(T5G_MODEL=$gqa counts t5g-encode --cache=c --force < ids.t5g)" = "0 6 6" ]
    t5g-pack -o p.t5g "$T5G_MODEL"
    [ "$(counts t5g-encode --cache=c -m p.t5g < ids.t5g)" = "6 0 0" ]
    t5g-pack --weights q8 -o q.t5g "$T5G_MODEL"
    [ "$(counts t5g-encode --cache=c -m q.t5g < ids.t5g)" = "0 6 6" ]
    t5g-encode --cache=c --dtype bf16 ids.t5g | cmp - <(t5g-encode --dtype bf16 ids.t5g)
    t5g-encode --cache=c --pool mean ids.t5g | cmp - <(t5g-encode --pool mean ids.t5g)
    # Not in it: threads, ids of documents, the texts beside them.
    [ "$(counts t5g-encode --cache=c -t 1 < ids.t5g)" = "6 0 0" ]
    tac lines | t5g-tokenize -l -o other.t5g
    [ "$(counts t5g-encode --cache=c < other.t5g)" = "6 0 0" ]
}

@test "a damaged entry is a miss and goes" {
    six_entries
    [ "$(wc -l < entries)" = 6 ]
    { read -r a; read -r b; read -r d; read -r e; read -r f; } < entries
    truncate -s 700 "$a"
    printf 'X' | dd of="$b" bs=1 seek=600 conv=notrunc 2> /dev/null
    : > "$d"
    cp "$e" "$f" # whole, but another's
    t5g-encode --cache=c --stats ids.t5g 2> err | cmp - plain.t5g
    grep -q 'damaged cache entry removed' err
    grep -q '2 hits, 4 misses, 4 stored' err
    [ "$(counts t5g-encode --cache=c < ids.t5g)" = "6 0 0" ]
    printf 'X' | dd of="$b" bs=1 seek=600 conv=notrunc 2> /dev/null
    status_is 3 t5g-frame cache-verify c > out
    [ "$(cat out)" = "6 entries, 1 damaged" ]
    status_is 0 t5g-frame cache-verify c > out
    [ "$(cat out)" = "5 entries, 0 damaged" ]
}

@test "what is no entry but has the name of one is found, and never waited for" {
    six_entries
    { read -r a; read -r b; read -r d; read -r e; read -r f; } < entries
    rm "$a" "$b" "$d"
    mkfifo "$a"
    ln -s /dev/zero "$b"
    mkdir "$d"
    cp "$e" "$f"
    cp -a c copy
    timeout -s KILL 60 t5g-encode --cache=c ids.t5g 2> err | cmp - plain.t5g
    [ "$(wc -l < err)" = 1 ]
    [ -f "$a" ] && [ -f "$b" ] && [ ! -L "$b" ] && [ -d "$d" ]
    status_is 3 timeout -s KILL 60 t5g-frame cache-verify copy > out
    [ "$(cat out)" = "6 entries, 4 damaged" ]
    err_has_line "copy/${a#c/}: not a regular file: removed"
    err_has_line "copy/${b#c/}: not a regular file: removed"
    err_has_line "copy/${d#c/}: not a regular file: cannot remove: Is a directory"
    err_has_line "copy/${f#c/}: the entry of another key: removed"
    [ -e "copy/${e#c/}" ]
}

@test "what another user put into a cache is not used, and the first is named" {
    [ "$(id -u)" = 0 ] || skip "not root: cannot make files of another user"
    corpus
    t5g-encode -o plain.t5g ids.t5g
    t5g-encode --cache=c ids.t5g > /dev/null
    # an entry of another user is no hit, and is replaced
    find c/v1 -name '*.t5g' | sort > entries
    a=$(sed -n 1p entries)
    chown 12345 "$a"
    [ "$(counts t5g-encode --cache=c < ids.t5g)" = "5 1 1" ]
    [ "$(stat -c %u "$a")" = 0 ]
    chown 12345 "$a"
    t5g-encode --cache=c ids.t5g 2> err | cmp - plain.t5g
    err_has "$a: belongs to another user (12345): not used"
    # nor is a folder used that is another's: nothing is read or kept
    cp -a c d
    chown 12345 d d/v1 d/v1/*
    t5g-encode --cache=d --stats ids.t5g 2> err | cmp - plain.t5g
    [ "$(grep -c 'not used' err)" = 1 ]
    grep -q 'cache: 0 hits, 6 misses, 0 stored' err
}

@test "no links of a cache are followed, and a folder that is open to everybody is not used" {
    corpus
    t5g-encode -o plain.t5g ids.t5g
    t5g-encode --cache=c ids.t5g > /dev/null
    a=$(find c/v1 -name '*.t5g' | sort | sed -n 1p)
    cp "$a" copy
    ln -sf "$PWD/copy" "$a"
    [ "$(counts t5g-encode --cache=c < ids.t5g)" = "5 1 1" ]
    [ ! -L "$a" ]
    chmod 777 c c/v1 c/v1/*
    t5g-encode --cache=c --stats ids.t5g 2> err | cmp - plain.t5g
    grep -q 'world-writable: not used' err
    grep -q 'cache: 0 hits, 6 misses, 0 stored' err
    chmod 1777 c c/v1 c/v1/*
    [ "$(counts t5g-encode --cache=c < ids.t5g)" = "6 0 0" ]
    # a link where a folder of the cache should be leads nowhere
    mkdir away e && ln -s ../away e/v1
    t5g-encode --cache=e ids.t5g 2> err | cmp - plain.t5g
    [ "$(wc -l < err)" = 1 ]
    [ -z "$(ls away)" ]
}

@test "tokenizer tables and identities of another user are not used" {
    [ "$(id -u)" = 0 ] || skip "not root: cannot make files of another user"
    export XDG_CACHE_HOME=$PWD/x
    t5g-tokenize -e 'Hello world' -o want.t5g
    t5g-encode -o enc.t5g want.t5g
    table=$(echo x/t5g/tokenizer-*)
    [ -f "$table" ]
    chown 12345 "$table"
    status_is 0 t5g-tokenize -e 'Hello world' -o got.t5g
    err_has "$table: belongs to another user (12345): not used"
    cmp got.t5g want.t5g
    [ "$(stat -c %u "$table")" = 0 ] # compiled again
    find x/t5g -type f ! -name 'tokenizer-*' > stamps
    [ -s stamps ]
    xargs chown 12345 < stamps
    status_is 0 t5g-encode -o got.t5g want.t5g
    err_has 'belongs to another user (12345): not used'
    cmp got.t5g enc.t5g
    chown 12345 x/t5g
    rm x/t5g/*
    status_is 0 t5g-tokenize -e 'Hello world' -o got.t5g
    err_has 'x/t5g: belongs to another user (12345): not used'
    [ -z "$(ls x/t5g)" ]
    cmp got.t5g want.t5g
}

@test "a cache that cannot be written is no error" {
    corpus
    t5g-encode -o plain.t5g ids.t5g
    : > file
    t5g-encode --cache=file/c ids.t5g 2> err | cmp - plain.t5g
    [ "$(wc -l < err)" = 1 ]
    ln -s /dev/full full
    mkdir -p c/v1/tmp
    (ulimit -f 1; trap '' XFSZ; t5g-encode --cache=c ids.t5g > got 2> err) || :
    t5g-encode --cache=c ids.t5g | cmp - plain.t5g
}

@test "the collector removes what was used longest ago" {
    corpus
    t5g-encode --cache=c ids.t5g > /dev/null
    find c/v1 -name '*.t5g' | sort > entries
    touch -d '3 days ago' "$(sed -n 1p entries)"
    touch -d '2 days ago' "$(sed -n 2p entries)"
    t5g-frame cache-stat c | grep -q '^c: 6 entries, [0-9.]* kB; 0 compiled tokenizers, 0 B; .* 0 unfinished, 0 B; [0-9.]* kB in all; oldest unused for 3 d 0 h$'
    t5g-frame cache-gc --max-age 60h --dry-run c | grep -q '^1 would be removed'
    t5g-frame cache-gc --max-age 30d c | grep -q '^0 removed, 0 B; .* kB kept$'
    for bad in 30x d 1.5h '' -1 99999999999999999999w; do status_is 64 t5g-frame cache-gc --max-age "$bad" c; done
    t5g-frame cache-gc --max-age 216000 c | grep -q '^1 removed'
    [ ! -e "$(sed -n 1p entries)" ]
    [ -e "$(sed -n 2p entries)" ]
    t5g-frame cache-gc --max-size 1K c | # the others are too young
        grep -q '^1 removed, .*; [0-9.]* kB kept; 4 of them only because they were used within 1 h 0 min (--grace)$'
    t5g-frame cache-gc --max-size 1K --grace 0 c | grep -q '^4 removed'
    t5g-encode --cache=c ids.t5g > /dev/null
    t5g-frame cache-gc --max-size 0 --grace 0 c | grep -q '^6 removed.*; 0 B kept'
    status_is 64 t5g-frame cache-gc c
    status_is 66 t5g-frame cache-stat nowhere
    t5g-encode --cache=c ids.t5g > /dev/null
    : > "c/v1/tmp/$(printf '%032d' 0).host.1.0"
    : > "c/v1/tmp/$(printf '%032d' 1).host.1.0"
    touch -d '2 days ago' c/v1/tmp/*1.host.1.0
    t5g-frame cache-gc --max-size 1G c | grep -q '^1 removed'
    (flock 9; status_is 75 t5g-frame cache-gc --max-size 1G c) 9> c/v1/gc.lock
    [ "$(counts t5g-encode --cache=c < ids.t5g)" = "6 0 0" ]
}

@test "compiled tokenizers and notes are counted and collected too" {
    export XDG_CACHE_HOME=$PWD/x
    corpus
    t5g-encode --cache=c ids.t5g > /dev/null
    t5g-encode --cache ids.t5g > /dev/null
    table=$(echo x/t5g/tokenizer-*)
    t5g-frame cache-stat | grep -q "^$PWD/x/t5g: 6 entries, .*; 1 compiled tokenizer, [0-9.]* kB; [1-9] notes*, [0-9.]* "
    T5G_CACHE_DIR=c t5g-frame cache-stat | grep -q '^c: 6 entries, .*; 1 compiled tokenizer, [0-9.]* kB; '
    t5g-frame cache-stat c | grep -q '; 0 compiled tokenizers, 0 B; 0 notes, 0 B;'
    : > "$table.abcdef" # of a writer that died
    touch -d '40 days ago' x/t5g/*
    t5g-tokenize -e a > /dev/null # a table that is used is young again
    t5g-frame cache-gc --max-age 30d > out
    [ -f "$table" ] && [ ! -e "$table.abcdef" ]
    find x/t5g -maxdepth 1 -type f ! -name 'tokenizer-*' ! -name CACHEDIR.TAG > notes
    [ ! -s notes ]
    t5g-frame cache-gc --max-size 0 --grace 0 > out
    [ ! -e "$table" ]
    t5g-frame cache-stat | grep -q ': 0 entries, 0 B; 0 compiled tokenizers, 0 B; 0 notes, 0 B; 0 unfinished, 0 B; 0 B in all$'
    t5g-encode --cache ids.t5g > /dev/null
}

@test "features of pictures are kept under their pixels" {
    cp "$T5G_TESTS/data/number.png" a.png
    pngtopnm a.png > b.ppm
    t5g-vision -o plain.t5g a.png
    t5g-vision --cache=c a.png | cmp - plain.t5g
    t5g-vision --cache=c a.png | cmp - plain.t5g
    cp b.ppm other.ppm
    [ "$(t5g-vision --cache=c --stats other.ppm 2>&1 > /dev/null | sed -n 's/.*cache: \([0-9]* hits\).*/\1/p')" = "1 hits" ]
}

@test "eight writers and a collector on one cache: no torn entry is ever used" {
    for i in $(seq 200); do echo "document number $i of many"; done | t5g-tokenize -l -o ids.t5g
    t5g-encode -o plain.t5g ids.t5g
    for _ in 1 2 3; do
        for w in 1 2 3 4 5 6 7 8; do t5g-encode -t 1 --cache=c -o out-$w.t5g ids.t5g 2>> warnings & done
        for _ in 1 2 3; do t5g-frame cache-gc --max-size 50K --grace 0 c > /dev/null 2>> warnings || :; sleep 0.02; done
        pkill -9 -P $$ -n t5g-encode || : # one of them dies
        wait
        for w in 1 2 3 4 5 6 7 8; do
            if [ -e out-$w.t5g ]; then cmp out-$w.t5g plain.t5g; fi
            rm -f out-$w.t5g
        done
        t5g-frame cache-verify c | grep -q ' 0 damaged'
    done
    [ "$(grep -c damaged warnings)" = 0 ]
}

@test "documents beside a document do not change its output" {
    corpus
    t5g-encode -o plain.t5g ids.t5g
    t5g-frame split -n 1 ids.t5g
    for f in part-*.t5g; do t5g-encode "$f"; done | t5g-frame cat | t5g-frame diff - plain.t5g
    t5g-decode -p a -p b -n 6 -o all.t5g plain.t5g
    t5g-decode -b 1 -p a -p b -n 6 plain.t5g | cmp - all.t5g
    t5g-decode -b 30 -p a -p b -n 6 --logprobs plain.t5g | cmp - <(t5g-decode -b 1 -p a -p b -n 6 --logprobs plain.t5g)
}
