#!/usr/bin/env bats
# What make makes for others: install and uninstall, the package, the tarball, the pages as HTML.
load common

tree=$T5G_TESTS/..

# tree_make ARGUMENT...: make in the source tree, for the build under test.
tree_make() { make -s -C "$tree" V="${T5G_BUILD##*/}" "$@"; }

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
    # the sanitizer of `make asan` looks for leaks through /proc
    ASAN_OPTIONS=detect_leaks=0 status_is 66 no_proc bin/t5g-tokenize -e one
    err_has "$PWD/share/t5g/model: No such file"
}

version() { t5g --version | sed 's/^t5g \([^,]*\),.*/\1/'; }

# deb [FOLDER]: makes the package in FOLDER, and without it one for all tests; prints its path.
deb() {
    local folder=${1-$BATS_FILE_TMPDIR/deb}
    [ -z "${1-}" ] && [ -d "$folder" ] || DPKG_DEB_COMPRESSOR_LEVEL=0 tree_make deb DIST="$folder" > /dev/null
    echo "$folder/t5g_$(version)_$(dpkg --print-architecture).deb"
}

need() { for tool; do command -v "$tool" > /dev/null || skip "$tool is not installed"; done; }

@test "deb: what install puts in place, stripped, compressed, root's, with the libraries it needs" {
    need dpkg-shlibdeps
    deb=$(deb)
    [ "$(ls "${deb%/*}")" = "${deb##*/}" ]
    dpkg-deb -f "$deb" > control
    grep -q "^Version: $(version)$" control
    grep -q '^Depends: .*libc6 (>= .*libcjson1.*libxxhash0' control
    grep -q '^Recommends: .*libarchive13.*zlib1g' control
    dpkg-deb -c "$deb" > listed
    ! awk '$2 != "root/root" || $1 !~ /^(drwxr-xr-x|-rw[-x]r-[-x]r-[-x]|l)/' listed | grep . || false
    # every file of install, pages compressed, and two of Debian's
    tree_make install DESTDIR="$PWD/d" PREFIX=/usr > /dev/null
    rm d/usr/share/t5g/installed
    everything d | sed 's,^\./usr/share/man/.*\.[157]$,&.gz,; s,zsh/site-functions,zsh/vendor-completions,' | sort > want
    dpkg-deb -x "$deb" x
    everything x | grep -v '^./usr/share/doc' | sort | diff want -
    [ "$(everything x/usr/share/doc/t5g | tr '\n' ' ')" = "./changelog.gz ./copyright " ]
    (cd x && dpkg-deb --ctrl-tarfile "$deb" | tar -xO ./md5sums | md5sum -c --quiet)
    grep -q 'Permission is hereby granted' x/usr/share/doc/t5g/copyright
    ! grep -q debug_info <(readelf -SW x/usr/bin/t5g-encode) || false
    # the same build, the same bytes
    cmp "$deb" "$(deb "$PWD/again")"
}

@test "deb: lintian finds nothing" {
    need dpkg-shlibdeps lintian
    deb=$(deb)
    lintian --fail-on error,warning "$deb" 2> /dev/null
}

@test "deb: installed it runs, removed it leaves nothing" {
    need dpkg-shlibdeps
    [ "$(id -u)" = 0 ] || skip "dpkg needs root"
    deb=$(deb)
    mkdir -p root/var/lib/dpkg/info root/var/lib/dpkg/updates root/var/log
    touch root/var/lib/dpkg/status
    everything root | grep -v /var/ > before || :
    dpkg --root="$PWD/root" --force-depends -i "$deb" > log 2>&1 || { cat log; false; }
    unset T5G_MODEL
    printf 'A text editor for programmers, written in Python.\n' > a.txt
    printf 'Fonts for mathematical symbols.\n' > b.txt
    (
        PATH=$PWD/root/usr/bin:/usr/bin:/bin
        t5g-tokenize ./*.txt | t5g-encode --stats -o packages.t5g
        [ "$(t5g-decode -n 40 -p section: packages.t5g | t5g-detok | wc -l)" = 2 ]
        [ "$(t5g ask -p section: a.txt b.txt | wc -l)" = 2 ]
        [ -z "$(command -v man)" ] || MANPATH=$PWD/root/usr/share/man MANPAGER=cat man t5g | grep -q 'run T5Gemma 2 from a shell'
    ) 2> err
    dpkg --root="$PWD/root" -P t5g > log 2>&1 || { cat log; false; }
    everything root | grep -v /var/ | diff before -
}

@test "dist: a tarball that builds and runs without git" {
    tree_make dist DIST="$PWD" > /dev/null
    name=t5g-$(version)
    tar -xzf "$name.tar.gz"
    [ "$(ls -A "$name" | tr '\n' ' ')" = ".ci .clang-format .gitignore LICENSE Makefile README.md cmd common man pipelines tests " ]
    make -s -C "$name" -j 2 CFLAGS=-O0 > log 2>&1 || { tail log; false; }
    unset T5G_MODEL
    [ "$(printf 'Fonts for symbols.' | "$name/build/release/bin/t5g" ask -p section: | wc -l)" = 1 ]
    # and again from there
    make -s -C "$name" dist > log
    tar -tzf "$name/build/$name.tar.gz" | sort | diff <(tar -tzf "$name.tar.gz" | grep -v "^$name/$" | sort) -
}

@test "html: every page, an index, and no link into nothing" {
    need mandoc
    tree_make html DIST="$PWD" > /dev/null
    for page in "$tree"/man/*; do
        page=${page##*/}
        grep -q "<a href=\"$page.html\">${page%.*}(${page##*.})</a></td><td>[^<]" html/index.html
        grep -q '<a href="index.html">' "html/$page.html"
    done
    links() { for f in html/*.html; do grep -o 'href="[^"]*"' "$f" | sed "s,href=\"\(.*\)\",${f##*/} \1,"; done | sort -u; }
    links > all
    [ "$(grep -c ' t5g-decode.1.html' all)" -gt 5 ]
    while read -r from to; do
        file=${to%%#*}
        [ -f "html/${file:-$from}" ] || { echo "$from: $to"; false; }
        case $to in *'#'*) grep -qF "id=\"${to#*#}\"" "html/${file:-$from}" || { echo "$from: $to"; false; } ;; esac
    done < all
}
