#!/usr/bin/env bats
# Corpora: archives, compressed files, shards of a list.
load common

png=$T5G_TESTS/data/number.png

# Members of a small corpus in `in`: text, two texts and a picture, an object, one of no interest.
members() {
    mkdir -p in/d
    printf 'hello world\n' > in/a.txt
    printf 'second\n\n' > in/d/b.md
    printf '{"text":"from an object","prompt":"synopsis:","url":"x"}' > in/d/c.json
    printf 'look <start_of_image>' > in/e.txt
    cp "$png" in/e.y.jpeg
    printf '7' > in/e.cls
    list=(a.txt d/b.md d/c.json e.y.jpeg e.cls e.txt)
}

# listing FILE...: t5g-frame ls without the archive's name.
listing() { t5g-tokenize "$@" | t5g-frame ls | sed 's/^[^:]*://'; }

expected() {
    printf '%s\n' $'a\tinput.ids i32[4]' $'d/b\tinput.ids' $'d/c\tinput.ids' $'e\tinput.ids'
}

same_documents() {
    listing "$@" > got
    [ "$(wc -l < got)" = 4 ]
    [ "$(cut -f 1 got | tr '\n' ' ')" = "a d/b d/c e " ]
    grep -q $'^d/c\t.*prompt text\[9\]' got
    grep -q $'^e\t.*image.bytes u8' got
    if [ -e first ]; then cmp first got; else cp got first; fi
}

@test "tar, compressed in every way, zip and 7z hold the same documents" {
    members
    tar -C in -cf t.tar "${list[@]}"
    same_documents t.tar
    for c in gzip bzip2 xz zstd lz4; do
        bsdtar -C in -c "--$c" -f "t.$c" "${list[@]}"
        same_documents "t.$c"
        same_documents - < "t.$c"
        cat "t.$c" | same_documents
    done
    bsdtar -C in -c --format zip -f t.zip "${list[@]}"
    same_documents t.zip
    bsdtar -C in -c --format 7zip -f t.7z "${list[@]}"
    same_documents t.7z
    for f in ustar pax gnutar; do
        bsdtar -C in -c --format $f -f "t.$f" "${list[@]}"
        same_documents "t.$f"
    done
    cat t.7z | status_is 65 t5g-tokenize > /dev/null
    err_has "stdin: a 7z archive needs a regular file"
    cat t.zip | status_is 65 t5g-tokenize > /dev/null # its list of members is at the end
    err_has "stdin: a zip archive needs a regular file"
}

@test "a compressed file is what is in it" {
    printf 'one line\nand another\n' > a.txt
    gzip -k a.txt
    zstd -q a.txt
    for f in a.txt.gz a.txt.zst; do
        [ "$(t5g-tokenize -l "$f" | t5g-detok --input)" = "$(t5g-tokenize -l a.txt | t5g-detok --input)" ]
        [ "$(t5g-tokenize "$f" | t5g-detok --input)" = "$(t5g-tokenize a.txt | t5g-detok --input)" ]
    done
    cat a.txt.gz a.txt.gz > twice.gz
    [ "$(t5g-tokenize -l twice.gz | t5g-frame ls --totals | cut -d ' ' -f 1)" = 4 ]
    echo '{"text":"x"}' | zstd -q | t5g-tokenize --jsonl | t5g-frame ls | grep -q '^stdin:1'
    gzip -c a.txt.gz > twice.gz.gz
    status_is 65 t5g-tokenize twice.gz.gz > /dev/null
    err_has "twice.gz.gz: compressed more than once"
}

@test "JSON lines of others: null, members nobody reads, a byte-order mark, CRLF" {
    printf '\xef\xbb\xbf{"text":"a","prompt":null,"id":null,"images":null}\r\n' > x.jsonl
    # shellcheck disable=SC2028
    echo '{"id":2.0,"text":"b","n":NaN,"m":1e999,"s":"\ud800","s":[[]]}' >> x.jsonl
    t5g-tokenize --jsonl x.jsonl | t5g-frame ls | cut -f 1 > ids
    [ "$(tr '\n' ' ' < ids)" = "x.jsonl:1 2 " ]
    echo '{"text":null}' | status_is 3 t5g-tokenize --jsonl > /dev/null
    err_has 'stdin:1: JSON line: "text" is missing'
    echo '{"id":1,"text":["a"]}' | status_is 3 t5g-tokenize --jsonl > /dev/null
    err_has 'JSON line: byte 15: "text": expected a string, not an array'
    echo '{"text":"a\udc00"}' | status_is 3 t5g-tokenize --jsonl > /dev/null
    err_has 'JSON line: byte 10: surrogate without its pair'
    printf '{"text":"a"}\n\xef\xbb\xbf{"text":"b"}\n' | status_is 3 t5g-tokenize --jsonl > /dev/null
    err_has 'stdin:2: JSON line: byte 0: byte-order mark'
}

@test "streams may be compressed, or members of a tar, for every program" {
    printf 'first\nsecond\n' | t5g-tokenize -l -o ids.t5g
    t5g-encode -o enc.t5g ids.t5g
    t5g-decode -n 3 -o out.t5g enc.t5g
    for f in ids enc out; do
        zstd -q $f.t5g
        gzip -k $f.t5g
    done
    for z in zst gz; do
        t5g-encode ids.t5g.$z | cmp - enc.t5g
        t5g-encode < ids.t5g.$z | cmp - enc.t5g
        t5g-decode -n 3 enc.t5g.$z | cmp - out.t5g
        cmp <(t5g-detok --jsonl out.t5g.$z) <(t5g-detok --jsonl out.t5g)
        t5g-frame verify enc.t5g.$z
        t5g-vision ids.t5g.$z | t5g-frame diff - ids.t5g
    done
    t5g-frame split -n 1 --prefix part ids.t5g
    tar -cf parts.tar part-*.t5g
    t5g-encode parts.tar | t5g-frame diff - enc.t5g
    head -c 400 enc.t5g.zst > cut.zst
    status_is 65 t5g-decode cut.zst > /dev/null
    head -c 1000 enc.t5g | gzip > cut.gz
    status_is 76 t5g-decode cut.gz > /dev/null
}

@test "a tar that is cut is noticed wherever the cut is" {
    members
    tar -C in -cf t.tar "${list[@]}"
    for n in 512 1024 1536 2048 3000 4096; do
        head -c $n t.tar > cut.tar
        status_is 65 t5g-tokenize -o cut.t5g cut.tar
        [ ! -e cut.t5g ]
        gzip -c cut.tar > cut.tgz
        status_is 65 t5g-tokenize -o cut.t5g cut.tgz
    done
    head -c 2048 t.tar | status_is 65 t5g-tokenize > got
    status_is 76 t5g-frame ls got > list
    grep -q '^stdin:a' list
    gzip -c t.tar | head -c 200 > cut.tgz
    status_is 65 t5g-tokenize cut.tgz > /dev/null
}

@test "a damaged header of a tar is noticed, of the first member too" {
    members
    tar -C in -cf t.tar a.txt d/b.md d/c.json
    for at in 10 100 259 300 1100 1200 2060; do # in headers: of a, of d/b, of d/c
        cp t.tar bad.tar
        printf '\x7f' | dd of=bad.tar bs=1 seek=$at conv=notrunc 2> /dev/null
        status_is 65 t5g-tokenize bad.tar > /dev/null
        cat bad.tar | status_is 65 t5g-tokenize > /dev/null
        zstd -qf bad.tar
        status_is 65 t5g-tokenize bad.tar.zst > /dev/null
    done
    head -c 300 t.tar > cut.tar # told as a tar by its mark at byte 257
    status_is 65 t5g-tokenize cut.tar > /dev/null
    err_has "cut.tar: damaged: the checksum of the first header differs"
    head -c 200 t.tar > cut.tar # too short to be known as a tar but by its name
    status_is 65 t5g-tokenize cut.tar > /dev/null
    err_has "cut.tar: not an archive, contrary to its name"
    gzip -c cut.tar > cut.tgz
    status_is 65 t5g-tokenize cut.tgz > /dev/null
    cp in/a.txt a.txt.xz
    status_is 65 t5g-tokenize -l a.txt.xz > /dev/null
    err_has "a.txt.xz: not compressed, contrary to its name"
}

@test "gzip's checksum and length are looked at, and what stands behind" {
    printf 'one line\nand another\n' > a.txt
    gzip -nk a.txt
    n=$(stat -c %s a.txt.gz)
    for at in $((n - 8)) $((n - 6)) $((n - 4)) $((n - 1)); do
        cp a.txt.gz b.gz
        printf '\x5a' | dd of=b.gz bs=1 seek=$at conv=notrunc 2> /dev/null
        status_is 65 t5g-tokenize b.gz > /dev/null
        err_has "b.gz: gzip: incorrect"
    done
    for cut in 1 4 8 9 $((n - 9)); do
        head -c -$cut a.txt.gz | status_is 65 t5g-tokenize > /dev/null
    done
    { cat a.txt.gz a.txt.gz; head -c 512 /dev/zero; } > two.gz
    [ "$(t5g-tokenize -l two.gz | t5g-frame ls | wc -l)" = 4 ]
    { cat a.txt.gz; echo x; } > more.gz
    status_is 65 t5g-tokenize more.gz > /dev/null
}

@test "several tars one after another are one corpus" {
    members
    tar -C in -cf 1.tar a.txt
    tar -C in -cf 2.tar d/b.md d/c.json
    cat 1.tar 2.tar > both.tar
    [ "$(listing both.tar | cut -f 1 | tr '\n' ' ')" = "a d/b d/c " ]
    { zstd -qc 1.tar; zstd -qc 2.tar; } > both.tar.zst
    [ "$(listing both.tar.zst | cut -f 1 | tr '\n' ' ')" = "a d/b d/c " ]
}

@test "the members of a document must be consecutive" {
    members
    tar -C in -cf t.tar a.txt d/b.md
    printf '{}' > in/a.json
    tar -C in -rf t.tar a.json d/c.json
    status_is 3 t5g-tokenize -o out.t5g t.tar
    err_has "t.tar:a: this key came before"
    [ "$(t5g-frame ls --totals out.t5g)" != "" ]
    [ "$(t5g-frame ls out.t5g | wc -l)" = 4 ]
}

@test "a bad member fails its document, and the others go on" {
    members
    printf '\xff' > in/f.txt
    printf '{"text":' > in/g.json
    printf '{"prompt":"p"}' > in/h.json
    printf 'x' > in/i.txt; printf 'y' > in/i.md
    printf '<start_of_image>' > in/j.txt
    printf '{"images":["nowhere.png"]}' > in/k.json; cp "$png" in/k.png
    tar -C in -cf t.tar "${list[@]}" f.txt g.json h.json i.txt i.md j.txt k.json k.png
    status_is 3 t5g-tokenize -o out.t5g t.tar
    [ "$(wc -l < err)" = 4 ] # j has no picture at all: its token is an ordinary one
    err_has_line "t.tar:f: invalid UTF-8 at byte 0"
    err_has_line "t.tar:g: JSON: byte 8"
    err_has_line "t.tar:h: neither a text nor a picture"
    err_has_line 't.tar:k: "images": nowhere.png: no such picture beside it'
    [ "$(t5g-frame ls --failed out.t5g | tr '\n' ' ')" = "t.tar:f t.tar:g t.tar:h t.tar:k " ] ||
        { t5g-frame ls --failed out.t5g; false; }
}

@test "an encrypted or damaged member of a zip fails its document" {
    members
    printf 'secret' > in/z.txt
    bsdtar -C in -c --format zip --options zip:encryption=zipcrypt --passphrase p -f enc.zip z.txt
    status_is 3 t5g-tokenize -o out.t5g enc.zip
    err_has "enc.zip:z: z.txt: "
    head -c 20000 /dev/urandom | base64 > in/big.txt
    bsdtar -C in -c --format zip --options zip:compression=store -f t.zip big.txt a.txt
    printf 'XX' | dd of=t.zip bs=1 seek=9000 conv=notrunc 2> /dev/null
    status_is 3 t5g-tokenize -o out.t5g t.zip
    err_has "t.zip:big: big.txt: "
    t5g-frame ls out.t5g | grep -q '^t.zip:a'
}

@test "pictures come as images names them, and from the archive alone" {
    mkdir in
    pngtopnm "$png" > in/p.b.ppm 2> /dev/null
    cp "$png" in/p.a.png
    printf '{"text":"<start_of_image> <start_of_image>","images":["p.b.ppm","p.a.png"]}' > in/p.json
    printf '{"text":"<start_of_image>","images":["/etc/passwd"]}' > in/q.json
    tar -C in -cf t.tar p.a.png p.b.ppm p.json q.json
    status_is 3 t5g-tokenize -o out.t5g t.tar
    err_has 't.tar:q: "images": /etc/passwd: no such picture beside it'
    t5g-frame ls --json out.t5g | head -n 1 | grep -q '"file":"p.b.ppm".*"file":"p.a.png"'
    tar -C in -cf alone.tar p.a.png
    t5g-tokenize alone.tar | t5g-frame ls | grep -q 'alone.tar:p.*image.bytes'
}

@test "symbolic links, devices, folders and hidden files are skipped; names are data" {
    members
    ln -s /etc/passwd in/link.txt
    ln in/a.txt in/hard.txt
    mkfifo in/pipe.txt
    printf 'x' > in/.hidden.txt
    printf 'n' > in/$'new\nline.txt'
    printf 'u' > in/ü.txt
    printf 'b' > in/$'\xff.txt'
    tar -C in -cf t.tar d a.txt link.txt hard.txt pipe.txt .hidden.txt $'new\nline.txt' ü.txt $'\xff.txt'
    status_is 0 t5g-tokenize -v --stats -o out.t5g t.tar
    err_has_line "t.tar: link.txt: skipped: a symbolic link"
    err_has_line "t.tar: pipe.txt: skipped: a named pipe"
    err_has_line "t.tar: .hidden.txt: skipped: a hidden file"
    err_has_line ", 3 members of archives skipped"
    status_is 0 t5g-tokenize -o out.t5g t.tar
    [ ! -s err ]
    t5g-frame ls out.t5g | cut -f 1 > ids
    grep -qx 't.tar:hard' ids
    grep -qx 't.tar:ü' ids
    grep -qx 't.tar:%FF' ids
    grep -qx 't.tar:new\\x0aline' ids
    [ "$(grep -c link ids)" = 0 ]
    tar -C in --transform 's,^,../../,' -cPf up.tar a.txt
    [ "$(listing up.tar)" = $'../../a\tinput.ids i32[8]' ]
}

@test "a text is not taken for an archive" {
    printf '#mtree\n/set type=file\nx size=1\n' > m.txt
    head -c 30000 /dev/urandom | base64 > b.txt
    printf 'BZh91 is a text, and PK too' > z.txt
    for f in m b z; do
        t5g-tokenize $f.txt | t5g-frame ls | grep -q "^$f.txt"
        [ "$(t5g-tokenize $f.txt | t5g-frame ls | wc -l)" = 1 ]
    done
}

@test "an archive without documents, and modes that do not go with one" {
    mkdir in; printf 'x' > in/a.cls
    tar -C in -cf t.tar a.cls
    status_is 65 t5g-tokenize t.tar > /dev/null
    err_has "t.tar: no documents in this archive"
    t5g-tokenize --allow-empty t.tar | t5g-frame verify
    tar -cf none.tar -T /dev/null
    status_is 65 t5g-tokenize none.tar > /dev/null
    status_is 64 t5g-tokenize -l t.tar > /dev/null
    err_has "t.tar: is an archive"
}

@test "a bomb is refused in bounded memory" {
    head -c 300000000 /dev/zero | gzip -9 | gzip -9 > b.gz.gz
    status_is 65 t5g-tokenize b.gz.gz > /dev/null
    mkdir in; head -c 100000000 /dev/zero > in/a.txt
    tar -C in -czf b.tgz a.txt
    # A sanitizer's shadow memory is terabytes.
    case $T5G_BUILD in *san) ;; *) ulimit -v 700000 ;; esac
    status_is 65 t5g-tokenize b.tgz > /dev/null
    err_has "expands more than 1000 times"
    for f in zip 7zip; do # zip's own limit is 1032
        bsdtar -C in -c --format $f -f b.$f a.txt
        status_is 65 t5g-tokenize b.$f > /dev/null
        err_has "expands more than 1000 times"
    done
}

@test "a name that is too long fails its document" {
    mkdir in
    long=$(printf 'd%.0s' {1..200})
    ( cd in && for i in {1..25}; do mkdir "$long"; cd "$long"; done 2> /dev/null; printf x > a.txt )
    printf y > in/z.txt
    bsdtar -C in -cf t.tar "$long" z.txt
    status_is 3 t5g-tokenize -o out.t5g t.tar
    err_has "a member's name is longer than 4096 bytes"
    [ "$(t5g-frame ls out.t5g | wc -l)" = 2 ]
}

@test "MANIFEST must tell the number of members" {
    members
    printf '{"members":2}' > in/MANIFEST
    tar -C in -cf t.tar a.txt d/b.md MANIFEST
    t5g-tokenize t.tar | t5g-frame verify
    tar -C in -cf t.tar a.txt MANIFEST
    status_is 65 t5g-tokenize t.tar > /dev/null
    err_has "t.tar: 1 members, its MANIFEST says 2"
    tar -C in -cf t.tar ./a.txt ./MANIFEST
    status_is 65 t5g-tokenize t.tar > /dev/null
    for other in 'Manifest-Version: 1.0' '{"members":"2"}' '[]' ''; do # a file of somebody else
        printf '%s' "$other" > in/MANIFEST
        tar -C in -cf t.tar a.txt MANIFEST d/b.md
        [ "$(t5g-tokenize t.tar | t5g-frame ls | wc -l)" = 2 ]
    done
}

@test "--shard takes runs of the list, all of them together the list" {
    for i in 1 2 3 4 5 6 7; do echo "text $i" > $i.txt; done
    t5g-tokenize -o all.t5g ?.txt
    for n in 1 2 3 7 9; do
        for ((i = 0; i < n; i++)); do t5g-tokenize --shard $i/$n -o s-$i.t5g ?.txt; done
        # shellcheck disable=SC2046
        t5g-frame cat $(seq -f 's-%g.t5g' 0 $((n - 1))) | t5g-frame diff - all.t5g
    done
    t5g-tokenize --shard 8/9 1.txt | t5g-frame verify
    for bad in 3/3 -1/3 1 1/0 x/3 1/x ""; do status_is 64 t5g-tokenize --shard "$bad" 1.txt; done
    status_is 64 t5g-tokenize --shard 0/1
}

@test "streams in an archive: what is skipped is counted and named" {
    t5g-tokenize -e hello -o a.t5g
    echo 'not a stream' > readme.txt
    ln -s a.t5g link.t5g
    tar -cf x.tar a.t5g readme.txt link.t5g
    t5g-frame ls -v x.tar > out 2> err
    [ "$(wc -l < out)" = 1 ]
    grep -qF 't5g-frame ls: x.tar: readme.txt: skipped: not named *.t5g' err
    grep -qF 'x.tar: link.t5g: skipped: ' err
    t5g-encode -v --stats x.tar 2> err | t5g-decode -n 3 | t5g-detok > out
    [ "$(wc -l < out)" = 1 ]
    grep -qF 't5g-encode: x.tar: readme.txt: skipped' err
    grep -q '2 members' err || grep -q '2 .*skipped' err
}

@test "an operand that is no text is called what it is" {
    cp "$T5G_TESTS/data/number.png" no-suffix
    pngtopnm no-suffix > number.pgm
    printf 'GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\1\0\1\0\0\2\2D\1\0;' > n.gif
    printf '%%PDF-1.4\n%%\xe2\xe3\xcf\xd3\n' > x.pdf
    printf '\xff\xfeT\0e\0x\0t\0' > utf16.txt
    t5g-tokenize -e x -o c.t5g
    status_is 3 t5g-tokenize no-suffix number.pgm n.gif x.pdf utf16.txt c.t5g -o ids.t5g
    err_has_line 't5g-tokenize: no-suffix: a PNG picture: give it with -i'
    err_has_line 't5g-tokenize: number.pgm: a PNM picture: give it with -i'
    err_has_line 't5g-tokenize: n.gif: a GIF picture: convert it to PNG and give that with -i'
    err_has_line 't5g-tokenize: x.pdf: a PDF: convert it to text, for example with pdftotext'
    err_has_line 't5g-tokenize: utf16.txt: text in UTF-16: convert it to UTF-8, for example with iconv -f UTF-16'
    err_has_line 't5g-tokenize: c.t5g: a t5g stream: give it to t5g-encode'
    # What these begin with may begin a text as well.
    printf '%%PDF-1.4 is the first line of a PDF.' | t5g-tokenize > /dev/null
    printf 'P1 and P2 \xe9' > latin1.txt
    status_is 3 t5g-tokenize latin1.txt -o ids.t5g
    err_has 't5g-tokenize: latin1.txt: invalid UTF-8 at byte 10'
}
