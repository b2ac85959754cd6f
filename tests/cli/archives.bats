#!/usr/bin/env bats
# Archives and compressed files as other programs write them, and damaged ones.
load common

# documents FILE...: ids of the documents, without the archive's name, on one line.
documents() { t5g-tokenize "$@" | t5g-frame ls | sed 's/^[^:]*://; s/\t.*//' | tr '\n' ' '; }

# text_of ID FILE: the text of that document of an archive.
text_of() { t5g-tokenize "$2" | t5g-detok --input --jsonl | grep -F "\"id\":\"$2:$1\"" | sed 's/.*"text":"\([^"]*\)".*/\1/'; }

small() {
    mkdir -p in
    printf 'alpha' > in/a.txt
    printf 'beta' > in/b.txt
}

@test "a hard link has the text of the file it is a link to" {
    small
    mkdir in/d
    ln in/a.txt in/c.txt
    ln in/a.txt in/d/e.txt
    for format in gnu pax ustar v7; do
        tar -C in --format=$format -cf t.tar a.txt b.txt c.txt d
        [ "$(documents t.tar)" = "a b c d/e " ]
        [ "$(text_of c t.tar)$(text_of d/e t.tar)" = alphaalpha ]
        t5g-tokenize t.tar -o file.t5g
        t5g-tokenize t.tar | cmp - file.t5g
        for z in "gzip -c" "zstd -qc"; do
            $z t.tar > t.tar.z
            t5g-tokenize t.tar.z | sed 's/t.tar.z:/t.tar:/g' > /dev/null
            [ "$(text_of d/e t.tar.z)" = alpha ]
        done
        cat t.tar | t5g-tokenize | t5g-detok --input > piped
        t5g-tokenize t.tar | t5g-detok --input | cmp - piped
    done
    # Names as "./a.txt"; a link to a link; the later of two files of one name.
    tar -C in -cf t.tar ./a.txt c.txt
    printf 'gamma' > in/a2.txt
    tar -C in --transform 's/a2.txt/a.txt/' -rf t.tar a2.txt
    [ "$(t5g-tokenize t.tar | t5g-detok --input | tr '\n' ' ')" = "alpha alpha gamma " ]
    # The target is not there: that document fails, the others go on.
    tar -C in -cf t.tar a.txt c.txt b.txt
    tar --delete -f t.tar a.txt
    status_is 3 t5g-tokenize t.tar -o out.t5g
    err_has "t.tar:c: c.txt: a hard link to a.txt, which is not an earlier file"
    cat t.tar | status_is 3 t5g-tokenize -o out.t5g
    err_has "stdin:c: c.txt: a hard link to a.txt, which is not available"
    [ "$(t5g-frame ls out.t5g | wc -l)" = 2 ]
}

@test "hard links do not make a small archive a large corpus" {
    mkdir in
    head -c 3000000 /dev/zero | tr '\0' 'x' > in/a.txt
    for i in $(seq 1 60); do ln in/a.txt in/l$i.txt; done
    tar -C in --sort=name -czf t.tgz a.txt .
    [ "$(stat -c %s t.tgz)" -lt 20000 ]
    status_is 3 t5g-tokenize t.tgz -o out.t5g
    grep -q "t.tgz:l9: l9.txt: expands more than 1000 times" err
    t5g-frame ls out.t5g | grep -q "^t.tgz:a"
    printf 'x' > in/b.txt # not compressed: 60 times is not much
    tar -C in -cf t.tar b.txt
    [ "$(documents t.tar)" = "b " ]
}

@test "sparse files have their zeros" {
    mkdir in
    truncate -s 9000 in/hole.txt
    truncate -s 20000 in/end.txt
    printf 'begin' | dd of=in/end.txt conv=notrunc 2> /dev/null
    truncate -s 8192 in/mid.txt
    printf 'x' | dd of=in/mid.txt conv=notrunc 2> /dev/null # a file of zeros is an empty tar
    printf 'mid' | dd of=in/mid.txt bs=1 seek=5000 conv=notrunc 2> /dev/null
    truncate -s 5000000 in/many.txt
    for i in $(seq 0 60); do printf '%d' "$i" | dd of=in/many.txt bs=8192 seek="$i" conv=notrunc 2> /dev/null; done
    truncate -s 520000 in/many.txt
    for version in gnu 0.0 0.1 1.0; do
        case $version in gnu) how=--format=gnu ;; *) how="--format=pax --sparse-version=$version" ;; esac
        # shellcheck disable=SC2086
        tar -C in -S --hole-detection=raw $how -cf t.tar hole.txt end.txt mid.txt many.txt
        [ "$(stat -c %s t.tar)" -lt 400000 ]
        t5g-tokenize t.tar | t5g-frame ls | grep -q "^t.tar:hole.*i32.9001."
        tar -C in -S --hole-detection=raw $how -cf t.tar end.txt mid.txt many.txt
        t5g-tokenize t.tar | t5g-frame ls | sed 's/.*input/input/' > got
        (cd in && t5g-tokenize end.txt mid.txt many.txt) | t5g-frame ls | sed 's/.*input/input/' > want
        cmp got want
        t5g-tokenize t.tar | t5g-detok --input -0 > got
        (cd in && t5g-tokenize end.txt mid.txt many.txt) | t5g-detok --input -0 | cmp - got
    done
    truncate -s 100M in/hole.txt # 10 KB of tar
    tar -C in -S --hole-detection=raw -cf t.tar hole.txt mid.txt
    status_is 3 t5g-tokenize t.tar -o out.t5g
    err_has "t.tar:hole: hole.txt: expands more than 1000 times"
    t5g-frame ls out.t5g | grep -q '^t.tar:mid'
}

@test "what stands behind the end of a tar is said" {
    small
    tar -C in -cf t.tar a.txt b.txt
    { cat t.tar; printf 'garbage of some kind'; } > more.tar
    status_is 0 t5g-tokenize more.tar -o out.t5g
    err_has "more.tar: skipped: 20 bytes after the end of the archive, from byte 10240 on"
    [ "$(t5g-frame ls out.t5g | wc -l)" = 2 ]
    status_is 0 t5g-tokenize -q more.tar -o out.t5g
    [ ! -s err ]
    gzip -c more.tar > more.tgz
    status_is 0 t5g-tokenize more.tgz -o out.t5g
    err_has "more.tgz: skipped: 20 bytes"
    { cat t.tar; head -c 5000 /dev/urandom; } > more.tar
    status_is 0 t5g-tokenize more.tar -o out.t5g
    cat more.tar | status_is 0 t5g-tokenize -o out.t5g
    # A whole header in it is no garbage.
    { cat t.tar; printf 'x%.0s' {1..512}; cat t.tar; } > more.tar
    status_is 65 t5g-tokenize more.tar > /dev/null
    err_has "more.tar: damaged: bytes 10240 to 10752 are not a header"
    # One block of zeros, and fewer or more than a tape's record of them.
    head -c 2560 t.tar > one.tar
    status_is 0 t5g-tokenize one.tar -o out.t5g
    err_has "one.tar: one end-of-archive block instead of two, at byte 2048"
    head -c 3072 t.tar > two.tar
    status_is 0 t5g-tokenize two.tar -o out.t5g
    [ ! -s err ]
    { cat t.tar; head -c 102400 /dev/zero; cat t.tar; head -c 77 /dev/zero; } > zeros.tar
    status_is 0 t5g-tokenize zeros.tar -o out.t5g
    [ ! -s err ]
    [ "$(t5g-frame ls out.t5g | wc -l)" = 4 ]
    { head -c 2560 t.tar; cat t.tar; } > lone.tar # one block of zeros between two archives
    [ "$(documents lone.tar)" = "a b a.txt b.txt " ]
}

@test "a tar without an end is bounded" {
    status_is 65 timeout 20 t5g-tokenize - < /dev/zero > /dev/null
    err_has_line "stdin: no documents in this archive"
    small
    tar -C in -cf t.tar a.txt
    cat t.tar /dev/zero | status_is 0 timeout 20 t5g-tokenize -o out.t5g
    err_has "more than 67108864 bytes of zeros after the end of the archive"
    [ "$(t5g-frame ls out.t5g | wc -l)" = 1 ]
}

@test "a damaged tar is told by the byte, and what came before it is kept" {
    small
    printf 'c' > in/c.txt
    tar -C in -cf t.tar a.txt b.txt c.txt
    printf 'X' | dd of=t.tar bs=1 seek=2060 conv=notrunc 2> /dev/null
    status_is 65 t5g-tokenize t.tar > out.t5g
    err_has "t.tar: damaged: the checksum of the header at byte 2048 differs"
    status_is 76 t5g-frame ls out.t5g > list
    grep -q '^t.tar:a' list
    tar -C in -cf t.tar a.txt b.txt
    head -c 1700 t.tar > cut.tar
    status_is 65 t5g-tokenize cut.tar > /dev/null
    err_has "cut.tar: truncated inside a member, at byte 1700"
    head -c 2048 t.tar > cut.tar
    status_is 65 t5g-tokenize cut.tar > /dev/null
    err_has "cut.tar: truncated: the end-of-archive blocks are missing at byte 2048"
}

@test "frames, members and streams one after another, and what is none" {
    small
    for c in gzip bzip2 xz zstd lz4; do
        bsdtar -C in -c "--$c" -f 1.$c a.txt
        bsdtar -C in -c "--$c" -f 2.$c b.txt
        cat 1.$c 2.$c > t.$c
        [ "$(documents t.$c)" = "a b " ] || { echo $c; false; }
        cat t.$c | t5g-tokenize | t5g-frame ls | grep -q '^stdin:b'
        { cat 1.$c; echo garbage; } > bad.$c
        status_is 65 t5g-tokenize bad.$c > /dev/null
        { cat 1.$c; printf 'Q'; tail -c +2 2.$c; } > bad.$c # the second one is damaged at its start
        status_is 65 t5g-tokenize bad.$c > /dev/null
        for less in 1 5 12; do
            head -c -$less 1.$c > cut.$c
            status_is 65 t5g-tokenize cut.$c > /dev/null
        done
    done
    for c in gzip bzip2 xz lz4; do # filled up to a tape's record
        { cat t.$c; head -c 4096 /dev/zero; } > z.$c
        [ "$(documents z.$c)" = "a b " ] || { echo $c; false; }
    done
}

@test "zstd and lz4 may begin with frames without data, as pzstd writes them" {
    printf 'one\ntwo\n' > t
    zstd -q t
    bsdtar --lz4 -cf l.lz4 --format raw t 2> /dev/null || bsdtar --lz4 -cf l.lz4 t
    frame() { printf "$(printf '\\x5%x\\x2a\\x4d\\x18\\x0%x\\0\\0\\0' "$1" "$2")"; head -c "$2" /dev/zero; }
    { frame 0 4; cat t.zst; frame 15 9; cat t.zst; frame 3 0; } > s.zst
    for how in s.zst -; do
        [ "$(t5g-tokenize -l $how < s.zst | t5g-detok --input | tr '\n' ' ')" = "one two one two " ]
        # shellcheck disable=SC2002
        [ "$(cat s.zst | t5g-tokenize -l | t5g-detok --input | tr '\n' ' ')" = "one two one two " ]
    done
    [ "$(zstd -dc s.zst | tr '\n' ' ')" = "one two one two " ]
    printf 'one\0two\0' | zstd -qc > n.zst
    { frame 2 1; cat n.zst; } | t5g-tokenize -0 | t5g-detok --input | cmp - <(printf 'one\ntwo\n')
    echo '{"text":"x"}' | zstd -qc > j.zst
    { frame 2 1; cat j.zst; } | t5g-tokenize --jsonl | t5g-frame ls | grep -q '^stdin:1'
    { frame 1 5; cat l.lz4; } > s.lz4
    t5g-tokenize s.lz4 -o out.t5g --allow-empty 2> /dev/null
    { frame 1 5; frame 1 5; } > none.zst
    [ -z "$(t5g-tokenize -l none.zst | t5g-frame ls)" ]
    { frame 1 5; echo text; } > bad.zst
    status_is 65 t5g-tokenize -l bad.zst > /dev/null
    err_has "bad.zst: neither zstd nor lz4 after a skippable frame"
    frame 1 5 | head -c 10 > cut.zst
    status_is 65 t5g-tokenize -l cut.zst > /dev/null
    err_has "cut.zst: truncated inside a skippable frame"
}

@test "a zip has as many members as its list says" {
    python=/usr/bin/python3
    [ -x $python ] || skip "python3 is not installed"
    $python - <<'PY'
import struct, zipfile, zlib
def zip_of(name, entries, offsets, comment=b''):
    body, places = b'', []
    for n, data in entries:
        places.append(len(body))
        body += struct.pack('<4s5H3I2H', b'PK\3\4', 20, 0, 0, 0, 33, zlib.crc32(data), len(data), len(data), len(n), 0) + n + data
    listing = b''
    for k, (n, data) in enumerate(entries):
        listing += struct.pack('<4s6H3I5H2I', b'PK\1\2', 20, 20, 0, 0, 0, 33, zlib.crc32(data), len(data), len(data), len(n),
                               0, 0, 0, 0, 0, places[offsets[k]]) + n
    end = struct.pack('<4s4H2IH', b'PK\5\6', 0, 0, len(entries), len(entries), len(listing), len(body), len(comment)) + comment
    open(name, 'wb').write(body + listing + end)
two = [(b'a.txt', b'alpha'), (b'b.txt', b'beta')]
zip_of('good.zip', two, [0, 1], b'a comment')
zip_of('overlap.zip', two, [0, 0])
with zipfile.ZipFile('wide.zip', 'w') as z:
    with z.open('a.txt', 'w', force_zip64=True) as f:
        f.write(b'alpha')
class Pipe:
    def __init__(self, f): self.f = f
    def write(self, b): return self.f.write(b)
    def flush(self): pass
with open('descriptor.zip', 'wb') as f, zipfile.ZipFile(Pipe(f), 'w', zipfile.ZIP_DEFLATED) as z:
    z.writestr('a.txt', 'alpha' * 100)
    z.writestr('b.txt', 'beta')
with zipfile.ZipFile('many.zip', 'w') as z:
    for i in range(66000):
        z.writestr('%d.cls' % i, b'')
    z.writestr('a.txt', b'alpha')
with zipfile.ZipFile('long.zip', 'w') as z:
    z.writestr('a.txt', 'alpha'); z.comment = b'c' * 40000
zipfile.ZipFile('none.zip', 'w').close()
import warnings; warnings.simplefilter('ignore')
with zipfile.ZipFile('twice.zip', 'w') as z:
    z.writestr('a.txt', b'first'); z.writestr('a.txt', b'second')
b = bytearray(open('good.zip', 'rb').read())
at = b.index(b'PK\1\2'); b[8:10] = b'\x63\0'; b[at + 10:at + 12] = b'\x63\0'
open('method.zip', 'wb').write(b)
PY
    [ "$(documents good.zip)" = "a b " ]
    status_is 65 t5g-tokenize overlap.zip > /dev/null
    err_has "overlap.zip: damaged: 1 members found, its list has 2"
    [ "$(documents wide.zip)" = "a " ]
    [ "$(documents descriptor.zip)" = "a b " ]
    [ "$(documents many.zip)" = "a " ]
    [ "$(t5g-tokenize twice.zip | t5g-detok --input | tr '\n' ' ')" = "first second " ]
    status_is 3 t5g-tokenize method.zip -o out.t5g
    err_has "method.zip:a: a.txt: "
    [ "$(t5g-frame ls out.t5g | wc -l)" = 2 ]
    { printf '#!/bin/sh\nexit\n'; cat good.zip; } > self.zip # unpacks itself
    [ "$(documents self.zip)" = "a b " ]
    printf '#!/bin/sh\necho PK\n' > script
    t5g-tokenize script | t5g-frame ls | grep -q '^script'
    [ "$(documents long.zip)" = "a " ]
    t5g-tokenize --allow-empty none.zip | t5g-frame verify
    head -c -30 good.zip > cut.zip
    status_is 65 t5g-tokenize cut.zip > /dev/null
    err_has "cut.zip: truncated or damaged: its list of members has no end"
}

@test "archives of other kinds are named, not taken for texts" {
    small
    bsdtar -C in -c --format newc -f t.cpio a.txt b.txt
    bsdtar -C in -c --format odc -f o.cpio a.txt b.txt
    bsdtar -C in -c --format ar -f t.ar a.txt
    for f in t.cpio o.cpio; do
        status_is 65 t5g-tokenize $f > /dev/null
        err_has "$f: a cpio archive, which is not read"
        gzip -c $f | status_is 65 t5g-tokenize > /dev/null
        err_has "stdin: a cpio archive, which is not read"
    done
    status_is 65 t5g-tokenize t.ar > /dev/null
    err_has "t.ar: an ar archive, which is not read"
    printf '0707011234 is a number\n' > n.txt
    t5g-tokenize n.txt | t5g-frame ls | grep -q '^n.txt'
}

@test "a tar that is cut within its first header is told as one, also from a pipe" {
    echo text > a.txt
    tar -cf whole.tar a.txt
    for n in 270 400 511; do
        head -c "$n" whole.tar > cut.tar
        status_is 65 t5g-tokenize -o out.t5g cut.tar
        head -c "$n" whole.tar | status_is 65 t5g-tokenize -o out.t5g
        [ ! -e out.t5g ]
    done
}

@test "a compressed file that is cut is called truncated, and a damaged one is not" {
    seq 1 400 > text
    for z in 'gzip .gz' 'bzip2 .bz2' 'xz .xz' 'zstd .zst' 'lz4 .lz4'; do
        command -v "${z% *}" > /dev/null || continue
        "${z% *}" -c < text > "whole${z#* }"
        size=$(stat -c %s "whole${z#* }")
        for n in 10 $((size / 2)) $((size - 1)); do
            head -c "$n" "whole${z#* }" > "cut${z#* }"
            status_is 65 t5g-tokenize "cut${z#* }" -o never.t5g
            err_has truncated
            status_is 65 t5g-tokenize -l - -o never.t5g < "cut${z#* }"
            err_has truncated
        done
        # Two bytes in the middle.
        { head -c $((size / 2)) "whole${z#* }"; printf '\125\252'; tail -c +$((size / 2 + 3)) "whole${z#* }"; } > "bad${z#* }"
        status_is 65 t5g-tokenize "bad${z#* }" -o never.t5g
        grep -q truncated err && return 1
        tar -c text | "${z% *}" -c > "cut.tar${z#* }"
        truncate -s -20 "cut.tar${z#* }"
        status_is 65 t5g-tokenize "cut.tar${z#* }" -o never.t5g
        err_has truncated
    done
    [ ! -e never.t5g ]
    xz -c < text | xz -c > twice.xz
    status_is 65 t5g-tokenize twice.xz -o never.t5g
    err_has 'compressed more than once'
}
