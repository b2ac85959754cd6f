#!/usr/bin/env bats
# What make puts in place for others: install and uninstall.
load common

tree=$T5G_TESTS/..

# tree_make ARGUMENT...: make in the source tree, for the build under test.
tree_make() { env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s -C "$tree" V="${T5G_BUILD##*/}" "$@"; }

# everything ROOT: all names below it, sorted.
everything() { (cd "$1" && find . -mindepth 1 | LC_ALL=C sort); }

@test "what install puts in place runs from there: programs, default model, pages by both their names" {
    tree_make install DESTDIR="$PWD/a root" PREFIX=/opt/t5g > /dev/null
    prefix="$PWD/a root/opt/t5g"
    for p in cmd/t5g*; do
        [ ! -f "$tree/$p" ] || [ -x "$prefix/bin/$(basename "$p" .c)" ]
    done
    unset T5G_MODEL
    [ "$(printf 'Fonts for symbols.' | env -i PATH=/usr/bin:/bin HOME="$PWD" "$prefix/bin/t5g" ask -p section: | wc -l)" = 1 ]
    for page in "$tree"/man/*; do
        cmp "$page" "$prefix/share/man/man${page##*.}/${page##*/}"
    done
    cmp "$prefix/share/man/man1/t5g.1" "$tree/man/t5g.7"
    cmp "$prefix/share/man/man5/t5g.5" "$tree/man/t5g-stream.5"
    [ -z "$(find "$prefix" -type f ! -perm -444)" ]
    if command -v man > /dev/null; then
        MANPATH=$prefix/share/man MANPAGER=cat man t5g > page
        grep -q 'run T5Gemma 2 from a shell' page
    fi
}

@test "uninstall leaves nothing, and nothing of others is touched" {
    tree_make install PREFIX="$PWD/home/.local" > /dev/null
    tree_make uninstall PREFIX="$PWD/home/.local"
    [ ! -e home ]
    # what was there before stays, empty folders too
    mkdir -p home/.local/bin home/.local/share/man/man1 home/.local/share/t5g/mine
    echo mine > home/.local/share/man/man1/other.1
    everything home > before
    tree_make install PREFIX="$PWD/home/.local" > /dev/null
    tree_make install PREFIX="$PWD/home/.local" > /dev/null # twice is as once
    echo mine > home/.local/share/t5g/model/my.txt
    tree_make uninstall PREFIX="$PWD/home/.local"
    [ -f home/.local/share/t5g/model/my.txt ]
    rm -r home/.local/share/t5g/model
    everything home | diff before -
    # a staging folder
    tree_make install DESTDIR="$PWD/stage" PREFIX=/usr > /dev/null
    tree_make uninstall DESTDIR="$PWD/stage" PREFIX=/usr
    [ ! -e stage ]
}

@test "uninstall takes away what an older version installed, and works without the list" {
    tree_make install PREFIX="$PWD/p" > /dev/null
    echo old > p/bin/t5g-old
    echo bin/t5g-old >> p/share/t5g/installed
    tree_make uninstall PREFIX="$PWD/p"
    [ ! -e p ]
    mkdir p
    tree_make install PREFIX="$PWD/p" > /dev/null
    rm p/share/t5g/installed
    tree_make uninstall PREFIX="$PWD/p"
    [ -z "$(find p ! -type d)" ]
    [ ! -e p/share/t5g ]
    # nothing there: no fault
    tree_make uninstall PREFIX="$PWD/nowhere"
}

# no_proc COMMAND...: run it where /proc is empty.
no_proc() { unshare -rm sh -c 'mount -t tmpfs none /proc && exec "$@"' - "$@"; }

@test "without /proc the installed model is found, by path, by PATH and through links" {
    unset T5G_MODEL
    no_proc true 2> /dev/null || skip "no namespaces for mounts here"
    status_is 1 no_proc test -e /proc/self
    t5g-tokenize -e one > want.t5g
    no_proc t5g-tokenize -e one | cmp - want.t5g
    no_proc "$T5G_BUILD/bin/t5g-tokenize" -e one | cmp - want.t5g
    ln -s "$T5G_BUILD" there
    ln -s there/bin/t5g-tokenize tok
    (cd there && no_proc bin/t5g-tokenize -e one) | cmp - want.t5g
    no_proc ./tok -e one | cmp - want.t5g
    PATH=$PWD:$PATH no_proc tok -e one | cmp - want.t5g
}

@test "no installed model: the message says where it was looked for" {
    unset T5G_MODEL
    mkdir bin
    cp "$T5G_BUILD/bin/t5g-tokenize" bin
    status_is 66 bin/t5g-tokenize -e one
    err_has "$PWD/share/t5g/model: No such file"
    T5G_MODEL='' status_is 66 bin/t5g-tokenize -e one
    no_proc true 2> /dev/null || skip "no namespaces for mounts here"
    status_is 66 no_proc bin/t5g-tokenize -e one
    err_has "$PWD/share/t5g/model: No such file"
}
