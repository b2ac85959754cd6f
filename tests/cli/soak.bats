#!/usr/bin/env bats
# Short forms of the long runs: make soak, make check-corpus.
load common

@test "programs killed at random: the Makefile run and the cache come through" {
    "$T5G_TESTS/soak.sh" 15 3
}

@test "real documents in bulk, poison among them" {
    unset T5G_MODEL
    command -v apt-cache > /dev/null || skip "no apt here"
    # So few documents say nothing about speed and memory: those two are for the long run.
    RATIO=0 T5G_CORPUS_DIR=$PWD "$T5G_TESTS/corpus.sh" 300 > log || { cat log; false; }
    if grep -q SKIP log; then skip "$(cat log)"; fi
    grep -q '^ok - the same answers from the cache' log
}

@test "a call that fails, of each kind and in each program: no output, or the right one" {
    [ "${T5G_BUILD##*/}" = release ] || skip "sanitizers want to be the first library"
    "$T5G_TESTS/failing.sh" 1 "$T5G_BUILD/tests/shim.so"
}
