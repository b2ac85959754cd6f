# Loaded by the .bats files: models of the tree, and a fresh folder for each test.
# The Makefile puts the programs first in PATH and sets T5G_TESTS.
tiny=$T5G_TESTS/models/tiny
gqa=$T5G_TESTS/models/tiny-gqa
pipelines=$T5G_TESTS/../pipelines

setup() {
    cd "$BATS_TEST_TMPDIR" || exit
    export T5G_MODEL=$tiny
    export XDG_CACHE_HOME=$BATS_FILE_TMPDIR/cache
    unset T5G_THREADS T5G_CPU T5G_COMPUTE
    # What make exports to its recipes is not for the makefiles that tests run: V=asan would make those talk.
    unset V MAKEFLAGS MFLAGS MAKELEVEL
}

# status_is N COMMAND...: run it, its stderr to the file `err`, and compare the exit status.
status_is() {
    local want=$1 got=0
    shift
    "$@" 2> err || got=$?
    if [ "$got" != "$want" ]; then
        echo "exit status $got, expected $want: $*"
        cat err
        return 1
    fi
}

# err_has TEXT: the last status_is printed exactly one line, with TEXT in it.
err_has() {
    if [ "$(wc -l < err)" != 1 ] || ! grep -qF -- "$1" err; then
        echo "stderr is not one line with: $1"
        cat err
        return 1
    fi
}

# err_has_line TEXT: among the lines of the last status_is is one with TEXT.
err_has_line() {
    grep -qF -- "$1" err || { cat err; return 1; }
}

# soon COMMAND...: within ten seconds it succeeds. For what gives no sign that could be waited for.
soon() {
    for _ in {1..200}; do
        "$@" && return
        sleep 0.05
    done
    echo "not within ten seconds: $*"
    return 1
}

# tick: a file written from now on is newer than those written before.
tick() {
    : > .before
    until : > .after && [ .after -nt .before ]; do :; done
    rm .before .after
}

# The programs take the model that comes with them.
default_model() { unset T5G_MODEL; }

# Two documents at every stage: ids.t5g, enc.t5g, dec.t5g.
make_streams() {
    t5g-tokenize -e 'Hello world' -e 'The work' -o ids.t5g
    t5g-encode -o enc.t5g ids.t5g
    t5g-decode -n 4 -o dec.t5g enc.t5g
}

# sample_text: a file `text` of two paragraphs.
sample_text() {
    cat > text <<'TEXT'
A small web server that is easy to configure, and a text editor for programmers.

Perl module to parse dates, in many of the formats and languages that people use to write them.
TEXT
}

# each_case DIR: every case of DIR/list, a name and words for the function `answer`, which prints what the
# programs make of a JSON line.
each_case() {
    local name words bad=0
    while read -r name words; do
        # shellcheck disable=SC2086 # several words
        answer "$1/$name.in.jsonl" $words > got
        cmp got "$1/$name.out.jsonl" || bad=$((bad + 1))
    done < "$1/list"
    [ "$bad" = 0 ]
}
