#!/usr/bin/env bats
# Which members of an archive are one document.
load common

png=$T5G_TESTS/data/number.png

# pack NAME ...: t.tar with these members in this order; pictures are pictures, objects have a text, a text has a place for
# each picture that is told by NAME=N.
pack() {
    rm -rf in t.tar
    local name n
    for name; do
        n=${name#*=} name=${name%=*}
        [ "$n" != "$name" ] || n=0
        mkdir -p "in/$(dirname "$name")"
        case $name in
        *.txt | *.md) { printf 'text'; for ((; n > 0; n--)); do printf ' <start_of_image>'; done; } > "in/$name" ;;
        *.meta.json) printf '{"label":3}' > "in/$name" ;;
        *.json) printf '{"text":"object"}' > "in/$name" ;;
        *.png | *.jpg) cp "$png" "in/$name" ;;
        *) printf 'BM or not' > "in/$name" ;;
        esac
        tar -C in -rf t.tar "$name"
    done
}

# documents: "KEY/PICTURES" of each, failed ones with "!".
documents() {
    t5g-tokenize t.tar 2> err > out.t5g || true
    t5g-frame ls out.t5g | sed 's/^t.tar://' | awk -F '\t' '{
        n = gsub(/image.bytes/, "&")
        printf "%s%s ", $1, ($2 ~ /^failed/ ? "!" : (n > 0 ? "/" n : "")) }'
}

is() {
    local got
    got=$(documents)
    [ "$got" = "$1 " ] || { echo "got $got"; t5g-frame ls out.t5g; cat err; false; }
}

@test "a document a file, whatever dots its name has" {
    pack 22.05.txt 22.06.txt "Track 2.0 (Clean).txt" "Track 2.0 (Live).txt" v1.2.notes.txt v1.3.notes.txt a.txt a.b.txt
    is "22.05 22.06 Track 2.0 (Clean) Track 2.0 (Live) v1.2.notes v1.3.notes a a.b"
    pack 2024.01.json 2024.02.json a.json a.b.json a.b.md
    sed -i 's/object/x/' in/a.json
    is "2024.01 2024.02 a a.b!" # a.b has a text both in the object and beside it
    pack x.jpg y.jpg z.1.jpg z.2.jpg
    is "x/1 y/1 z.1/1 z.2/1"
    pack d/a.txt e/a.txt a.txt d/b.jpg e/b.txt
    is "d/a e/a a d/b/1 e/b"
}

@test "pictures and an object beside a text belong to it" {
    pack photo.jpg photo.txt=1
    is "photo/1"
    pack photo.txt=1 photo.jpg
    is "photo/1"
    pack photo.1.jpg photo.2.jpg photo.txt=2 other.txt
    is "photo/2 other"
    pack photo.txt=2 photo.1.jpg photo.2.jpg other.1.jpg other.txt=1
    is "photo/2 other/1"
    pack photo.jpg photo.jpg.txt=1 # as captions are called
    is "photo.jpg/1"
    pack 22.05.jpg 22.05.txt=1 22.06.jpg 22.06.txt=1
    is "22.05/1 22.06/1"
    pack 1.jpg 1.meta.json 1.txt=1 1.cls 2.cls 2.txt 2.jpg=1 3.jpg 3.png
    is "1/1 2! 3/2" # a text without a place for its picture fails
    pack 1.a.jpg 1.json 1.meta.json 1.txt=1 2.meta.json 2.png 2.txt=1 3.meta.json 3.txt
    sed -i 's/object/x/' in/1.json
    is "1! 2/1 3" # 1 has a text both in the object and beside it
    pack 4.txt 4.meta.json 4.x.meta.json 5.a.meta.json 5.b.meta.json 5.txt
    is "4 5"
    status_is 0 t5g-tokenize -v t.tar -o out.t5g
    err_has_line "t.tar: 4.x.meta.json: skipped: its document has another object"
    err_has_line "t.tar: 5.b.meta.json: skipped: its document has another object"
    pack x.cls x.txt y.txt y.meta.txt
    is "x y y.meta"
    pack ./a.1.jpg a.txt=1
    is "a/1"
    pack a.b.1.jpg a.b.txt=1 a.1.jpg a.txt=1
    is "a.b/1 a/1"
}

@test "what belongs to a document but stands elsewhere is told" {
    pack a.txt b.txt a.jpg
    is "a b a!"
    grep -q "a.jpg: its text, a, came before: the members of a document must be consecutive" err
    pack a.1.jpg b.txt a.txt
    is "a.1/1 b a!"
    grep -q "t.tar:a: a part of it came before" err
    pack a.jpg a.md=1 a.txt
    is "a/1 a!"
    grep -q "t.tar:a: this key came before" err
    pack a.md a.txt=1 a.jpg
    is "a a!"
    pack a.1.jpg a.1.txt=1 a.txt=1 a.1.png # to a.1, more than to a
    is "a.1/1 a!"
    pack a.1.jpg a.1.jpg a.txt=2
    sed -i 's/x/x/' in/a.txt
    is "a!"
    grep -q "a.1.jpg: twice in the archive" err
}

@test "two texts of one key and two files of one name are all documents" {
    pack a.txt a.md b.txt
    is "a a.md b"
    pack a.txt b.txt a.txt
    is "a b a.txt"
    pack a.txt a.txt a.jpg.x
    is "a a.txt"
    pack a.jpg b.txt a.jpg c.jpg c.jpg
    is "a/1 b a.jpg/1 c/1 c.jpg/1"
}

@test "texts that begin like a picture, videos and sounds are none" {
    pack 1.cls 1.txt
    for first in 'BMW 3 series, a car of many years and of some good roads' 'P1 high priority' 'P6 is not the one' 'P1 12 34' 'P3
    12 34 56' "$(printf '\0\0\0\x20ftypisom\0\0\0\0isomavc1mp41')" "$(printf 'RIFF....WAVEfmt ')"; do
        printf '%s' "$first" > in/1.cls
        tar -C in -cf t.tar 1.cls 1.txt
        is "1"
    done
    printf '\0\0\0\x1cftypM4A \0\0\0\0M4A mp42isom' > in/1.m4a
    printf '\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41' > in/1.mp4
    tar -C in -cf t.tar 1.m4a 1.mp4 1.txt
    status_is 0 t5g-tokenize -v --stats t.tar -o out.t5g
    err_has_line "t.tar: 1.m4a: skipped: neither a text nor a picture"
    err_has_line "t.tar: 1.mp4: skipped: neither a text nor a picture"
    err_has_line ", 2 members of archives skipped"
    # Pictures by content, whatever they are called, and by name, whatever they are.
    for brand in heic avif mif1; do
        printf '\0\0\0\x18ftyp%s\0\0\0\0mif1heic' $brand > in/1.x
        tar -C in -cf t.tar 1.x 1.txt
        is "1!"
    done
    printf 'P1 2 1\n# a comment\n1 0\n' > in/1.x
    tar -C in -cf t.tar 1.x
    is "1/1"
    pngtopnm "$png" | ppmtobmp 2> /dev/null > in/1.x
    tar -C in -cf t.tar 1.x
    is "1/1"
    printf 'damaged' > in/1.jpg
    tar -C in -cf t.tar 1.jpg
    is "1/1"
}

@test "very many pictures are bounded a document" {
    /usr/bin/python3 - "$png" <<'PY'
import sys, tarfile, io
data = open(sys.argv[1], 'rb').read()[:8] + b'x'
for name, first, last in ('before.tar', True, False), ('after.tar', False, True), ('none.tar', False, False):
    with tarfile.open(name, 'w', format=tarfile.USTAR_FORMAT) as t:
        def add(n, b):
            i = tarfile.TarInfo(n); i.size = len(b); t.addfile(i, io.BytesIO(b))
        if first: add('k.txt', b'text')
        for i in range(20000): add('k.%05d.png' % i, data)
        if last: add('k.txt', b'text')
PY
    case $T5G_BUILD in *san) ;; *) ulimit -v 400000 ;; esac
    status_is 3 t5g-tokenize before.tar -o out.t5g
    err_has "before.tar:k: more than 4096 pictures"
    status_is 3 t5g-tokenize after.tar -o out.t5g
    err_has "after.tar:k: a part of it came before"
    status_is 0 t5g-tokenize none.tar -o out.t5g
    [ "$(t5g-frame ls --totals out.t5g | cut -d ' ' -f 1)" = 20000 ]
    mkdir p
    printf x > p/x.png
    { printf '{"images":['; for _ in {1..5000}; do printf '"p/x.png",'; done; echo '"p/x.png"]}'; } > x.jsonl
    status_is 3 t5g-tokenize --jsonl x.jsonl -o out.t5g
    err_has "x.jsonl:1: more than 4096 pictures"
}
