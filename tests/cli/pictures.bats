#!/usr/bin/env bats
# Pictures: the goldens through the programs, pictures that must be refused, and the sandbox.
load common

pictures=$T5G_TESTS/data/pictures

# The test pictures here, and of each JPEG a PPM of the pixels that Pillow decodes it to.
fetch_pictures() {
    cp "$pictures"/*.png "$pictures"/*.jpg .
    local npy name size
    for npy in "$pictures"/*.jpg.rgb.npy; do
        name=$(basename "$npy" .jpg.rgb.npy)
        size=$(head -c 128 "$npy" | LC_ALL=C sed -n "s/.*'shape': (\([0-9]*\), \([0-9]*\), 3).*/\2 \1/p")
        { printf 'P6\n%s\n255\n' "$size"; tail -c +129 "$npy"; } > "$name.ppm"
    done
}

# answer LINE N: a document with pictures through all five programs.
answer() { t5g-tokenize --jsonl "$1" | t5g-vision | t5g-encode | t5g-decode -n "$2" | t5g-detok --jsonl; }

@test "goldens of pictures, of tiny and tiny-gqa and with the reference kernels: text equals transformers'" {
    fetch_pictures
    each_case "$pictures/tiny"
    T5G_MODEL=$gqa each_case "$pictures/tiny-gqa"
    T5G_CPU=ref each_case "$pictures/tiny"
}

@test "-i, before or after -e, gives what the JSON line does" {
    fetch_pictures
    t5g-tokenize -i rgb.png -i base420.ppm -e '<start_of_image><start_of_image> compare' -o a.t5g
    t5g-tokenize -e '<start_of_image><start_of_image> compare' -i rgb.png -i base420.ppm -o b.t5g
    cmp a.t5g b.t5g
    echo '{"id":"rgb.png","text":"<start_of_image><start_of_image> compare","images":["rgb.png","base420.ppm"]}' |
        t5g-tokenize --jsonl -o c.t5g
    cmp a.t5g c.t5g
    printf '<start_of_image><start_of_image> compare' > text
    t5g-tokenize -i rgb.png -i base420.ppm text | t5g-frame ls | grep -q '^text.*i32\[20\].*u8\[16585\].*u8'
    t5g-tokenize -i - -e 'x <start_of_image>' < rgb.png | t5g-frame ls | grep -q 'u8\[16585\]'
}

@test "-i alone is a <start_of_image> a picture" {
    fetch_pictures
    t5g-tokenize -i rgb.png -i grey.png | t5g-frame export --jsonl - | sed 's/.*"data":\(\[[^]]*\]\).*/\1/' | head -1 > alone
    t5g-tokenize -i rgb.png -i grey.png -e '<start_of_image> <start_of_image>' | t5g-frame export --jsonl - |
        sed 's/.*"data":\(\[[^]]*\]\).*/\1/' | head -1 > written
    cmp alone written
    t5g-tokenize -i "$PWD/rgb.png" | t5g-frame ls | grep -q '^rgb.png'
    echo '{"images":["rgb.png"]}' | t5g-tokenize --jsonl | t5g-vision | t5g-frame ls | grep -q 'image.feat f32\[4,64\]'
}

@test "-i with several texts is a usage error" {
    fetch_pictures
    for args in '-e a -e b' '-l' '-0' '--jsonl' '-e a text' 'text text'; do
        # shellcheck disable=SC2086
        status_is 64 t5g-tokenize -i rgb.png $args < /dev/null
        err_has_line 'one text'
    done
}

@test "the number of pictures must be that of the text" {
    fetch_pictures
    status_is 3 t5g-tokenize -i rgb.png -e 'none' -o out.t5g
    err_has '1 picture, but the text has <start_of_image> 0 times: write it once where each picture belongs'
    status_is 3 t5g-tokenize -i rgb.png -e '<start_of_image> <start_of_image>' -o out.t5g
    status_is 3 t5g-tokenize -i rgb.png -e '<start_of_image> <image_soft_token>' -o out.t5g
    err_has 'the text itself holds <image_soft_token>'
    status_is 3 t5g-tokenize -i rgb.png --text-only -e '<start_of_image>' -o out.t5g
    err_has '--text-only'
    status_is 3 t5g-tokenize -i rgb.png --max-tokens 5 --too-long cut -e '<start_of_image>' -o out.t5g
    err_has 'pictures are not cut'
    # Without a picture they are ordinary ids.
    t5g-tokenize -e '<start_of_image> <image_soft_token>' | t5g-vision | t5g-encode | t5g-frame verify
}

@test "pictures that cannot be read are their documents' errors, and the run goes on" {
    fetch_pictures
    mkdir folder
    mkfifo fifo
    for bad in missing.png folder fifo /dev/zero; do
        printf '{"id":"bad","images":["%s"]}\n{"id":"good","images":["rgb.png"]}\n' "$bad"
    done > in.jsonl
    status_is 3 t5g-tokenize --jsonl -o ids.t5g in.jsonl
    grep -qx 't5g-tokenize: bad: missing.png: cannot open: No such file or directory' err
    grep -qx 't5g-tokenize: bad: folder: is a directory' err
    grep -qx 't5g-tokenize: bad: fifo: not a regular file' err
    grep -qx 't5g-tokenize: bad: /dev/zero: not a regular file' err
    status_is 3 t5g-vision -o feat.t5g ids.t5g
    [ "$(t5g-frame ls feat.t5g | grep -c '^good.*image.feat')" = 4 ]
    for bad in '"rgb.png"' '[7]' '[""]' '{}' '["rgb.png",null]'; do
        printf '{"text":"t","images":%s}\n' "$bad"
    done > in.jsonl
    status_is 3 t5g-tokenize --jsonl -o ids.t5g in.jsonl
    [ "$(grep -c '"images": expected an array of paths' err)" = 5 ]
}

# A PNG of W x H grey pixels, all 0, with one IDAT that inflates to BYTES.
make_png() { # W H BYTES
    perl -MCompress::Zlib -e '
        my ($w, $h, $n) = @ARGV;
        sub chunk { my ($t, $d) = @_; print pack("N", length $d), $t, $d, pack("N", crc32($t . $d)) }
        my ($z) = deflateInit(-Level => 9); my $d = "";
        for (my $k = 0; $k < $n; $k += 1 << 20) {
            my ($x) = $z->deflate("\0" x ($n - $k < 1 << 20 ? $n - $k : 1 << 20)); $d .= $x }
        my ($x) = $z->flush(); $d .= $x;
        print "\x89PNG\r\n\x1a\n";
        chunk("IHDR", pack("NNCCCCC", $w, $h, 8, 0, 0, 0, 0)); chunk("IDAT", $d); chunk("IEND", "")' "$@"
}

# refused FILE TEXT: t5g-vision fails FILE with a message that ends in TEXT, quickly and small.
refused() {
    status_is 3 timeout 5 t5g-vision -o out.t5g "$1"
    err_has "$1: $2"
}

@test "pictures that are refused, each with its own message" {
    fetch_pictures
    make_png 100 100 10100 > good.png
    t5g-vision -o good.t5g good.png
    : > empty; echo 'hello' > text
    refused empty 'empty file'
    refused text 'a text, expected PNG, JPEG or PNM'
    make_png 0 1 1 > f; refused f 'PNG: chunk IHDR at byte 8: 0 x 1 pixels, nothing to see'
    make_png 65535 65535 1 > f; refused f 'PNG: chunk IHDR at byte 8: 65535 x 65535 pixels, at most 16384 a side'
    make_png 1 100000 1 > f; refused f 'PNG: chunk IHDR at byte 8: 1 x 100000 pixels, at most 16384 a side'
    make_png 16384 16384 268451840 > f; refused f 'PNG: chunk IHDR at byte 8: 16384 x 16384 = 268435456 pixels, at most 89478485'
    make_png 100 100 100 > f; refused f 'PNG: chunk IDAT at byte 33: 100 bytes of samples, expected 10100'
    head -c 50 good.png > f; refused f 'PNG: chunk IDAT at byte 33: 33 bytes, 5 are left'
    head -c -12 good.png > f; refused f 'PNG: cut off at byte 78, without IEND'
    { head -c 42 good.png; printf x; tail -c +44 good.png; } > f; refused f 'PNG: chunk IDAT at byte 33: wrong CRC'
    head -c 1000 base420.jpg > f; refused f 'JPEG: marker DA at byte 609: coded data cut off at byte 1000'
    head -c 400 base420.jpg > f; refused f 'JPEG: marker C4 at byte 393: cut off'
    head -c -2 base420.jpg > f; refused f "JPEG: marker DA at byte 609: coded data cut off at byte $(stat -c %s f)"
    printf 'GIF89a' > f; refused f 'a GIF'
    printf 'RIFF....WEBPVP8 ' > f; refused f 'a WebP'
    printf '\0\0\0\40ftypheic' > f; refused f 'a HEIC'
    printf 'II*\0' > f; refused f 'a TIFF'
    printf 'P3 1 1 255 1 2 x' > f; refused f 'PNM: byte 15: sample 3: expected a number from 0 to 255'
    printf 'P7\nWIDTH 1\n' > f; refused f 'a PAM, expected PNG, JPEG or PNM'
    printf 'Pf 1 1 -1.0 abcd' > f; refused f 'a PFM, expected PNG, JPEG or PNM'
    head -c 100 /dev/urandom | tr '\0-\177' '\200-\377' > f; refused f 'of no known picture format'
    # Data that would inflate to far more than the picture: no more is looked at.
    make_png 100 100 268451840 > f
    t5g-vision -o bomb.t5g f
    t5g-frame export --npy good good.t5g && t5g-frame export --npy bomb bomb.t5g
    cmp good/000000-002-image.feat.npy bomb/000000-002-image.feat.npy
    # Behind the EOI there may be anything.
    { cat base420.jpg; echo 'trailer'; } > f
    t5g-vision -o trailer.t5g f
    t5g-vision base420.jpg | t5g-frame export --npy one - && t5g-frame export --npy two trailer.t5g
    cmp one/000000-002-image.feat.npy two/000000-002-image.feat.npy
}

@test "JPEG data that is damaged is decoded with a warning, the same each time" {
    fetch_pictures
    { head -c 1500 base420.jpg; printf '\377\331'; } > cut.jpg
    status_is 0 t5g-vision -o one.t5g cut.jpg
    err_has 't5g-vision: cut.jpg: JPEG: coded data is damaged at byte 1500, the picture is not whole'
    for garbage in '' "$(head -c 9999 /dev/zero | tr '\0' x)" "$(head -c 99999 /dev/zero | tr '\0' y)"; do
        GARBAGE=$garbage t5g-vision -q cut.jpg 2> err | cmp one.t5g -
        [ ! -s err ]
    done
    t5g-tokenize -i rgb.png -i cut.jpg -o ids.t5g
    status_is 0 t5g-vision -o two.t5g ids.t5g
    err_has 't5g-vision: rgb.png: cut.jpg: JPEG: coded data is damaged at byte 1500, the picture is not whole'
}

# A progressive JPEG of 16384 x 5456 grey pixels with the same scan N times: one bit a block.
many_scans() { # N
    perl -e '
        sub segment { print "\xff", chr $_[0], pack("n", 2 + length $_[1]), $_[1] }
        print "\xff\xd8";
        segment(0xdb, "\0" . "\1" x 64);
        segment(0xc2, pack("CnnC", 8, 5456, 16384, 1) . "\1\x11\0");
        segment(0xc4, "\0" . "\1" . "\0" x 15 . "\0");
        for (1 .. $ARGV[0]) { segment(0xda, "\1\1\0\0\0\0"); print "\0" x (2048 * 682 / 8) }
        print "\xff\xd9"' "$1"
}

@test "at most 256 scans, and at most --cpu-limit" {
    fetch_pictures
    many_scans 257 > f
    refused f 'JPEG: marker DA at byte 44698218: more than 256 scans'
    many_scans 256 > slow.jpg
    t5g-tokenize -i slow.jpg -o a.t5g
    t5g-tokenize -i rgb.png -o b.t5g
    status_is 3 t5g-vision --cpu-limit 1 -o out.t5g a.t5g b.t5g
    err_has 't5g-vision: slow.jpg: takes more than 1 s to decode (--cpu-limit)'
    [ "$(t5g-frame ls out.t5g | grep -c '^rgb.png.*image.feat')" = 1 ]
}

@test "same features with 1, 2 and 3 threads, alone and among others, from file and pipe" {
    fetch_pictures
    t5g-vision -t 1 -o all.t5g ./*.png ./*.jpg
    for t in 2 3; do
        t5g-vision -t $t ./*.png ./*.jpg | cmp all.t5g -
    done
    t5g-frame export --npy all all.t5g
    n=0
    for f in ./*.png ./*.jpg; do
        t5g-vision "$f" | t5g-frame export --npy "one$n" -
        cmp "one$n/000000-002-image.feat.npy" "$(printf 'all/%06d-002-image.feat.npy' $n)"
        n=$((n + 1))
    done
    t5g-tokenize -i rgb.png -i tall.png > two.t5g
    t5g-vision two.t5g > a.t5g
    t5g-vision < two.t5g | cmp a.t5g -
    t5g-frame export --npy pair a.t5g
    cmp pair/000000-002-image.feat.npy all/000011-002-image.feat.npy ||
        cmp pair/000000-002-image.feat.npy all/000009-002-image.feat.npy
}

@test "EXIF orientation is applied, --no-exif leaves it" {
    fetch_pictures
    t5g-vision exif6.jpg | t5g-frame export --npy turned -
    t5g-vision --no-exif exif6.jpg | t5g-frame export --npy stored -
    status_is 1 cmp -s turned/000000-002-image.feat.npy stored/000000-002-image.feat.npy
    # Without its EXIF segment the file is base420.jpg.
    t5g-vision base420.jpg | t5g-frame export --npy plain -
    cmp stored/000000-002-image.feat.npy plain/000000-002-image.feat.npy
}

@test "--alpha: a transparent colour is white by default, alpha channels are dropped" {
    # 2 x 1 pixels, red and a transparent black, by a palette's entry and by an alpha channel.
    looked() { t5g-vision --alpha "$1" "$2" | t5g-frame export --jsonl | grep -o '"image.feat".*' | cksum; }
    pnm() { printf 'P6 2 1 255\n'; printf "$1"; }
    pnm '\377\000\000\000\000\000' > black.ppm
    pnm '\377\000\000\377\377\377' > white.ppm
    base64 -d <<< iVBORw0KGgoAAAANSUhEUgAAAAIAAAABCAMAAADD/I+4AAAABlBMVEX/AAAAAABBoxIDAAAAAnRSTlP/AOW3MEoAAAALSURBVHicY2BgBAAABAACv3o/SgAAAABJRU5ErkJggg== > entry.png
    base64 -d <<< iVBORw0KGgoAAAANSUhEUgAAAAIAAAABCAYAAAD0In+KAAAAD0lEQVR4nGP4z8AARAwMAAz8Af9c/RSVAAAAAElFTkSuQmCC > channel.png
    [ "$(looked auto entry.png)" = "$(looked auto white.ppm)" ]
    [ "$(looked white entry.png)" = "$(looked auto white.ppm)" ]
    [ "$(looked drop entry.png)" = "$(looked auto black.ppm)" ]
    [ "$(looked auto channel.png)" = "$(looked auto black.ppm)" ]
    [ "$(looked drop channel.png)" = "$(looked auto black.ppm)" ]
    [ "$(looked white channel.png)" = "$(looked auto white.ppm)" ]
    [ "$(looked auto black.ppm)" != "$(looked auto white.ppm)" ]
}

@test "pan and scan: ids and features equal transformers'" {
    fetch_pictures
    cp -r "$tiny" model
    chmod -R u+w model
    sed -i 's/"do_resize"/"pan_and_scan_min_crop_size": 16, "do_resize"/' model/processor_config.json
    text=$(printf 'caption: <start_of_image> and <start_of_image>\n<start_of_image> end')
    t5g-tokenize -m model -i rgb.png -i one.png -i adam7.png -e "$text" -o ids.t5g
    t5g-vision -m model --pan-and-scan ids.t5g | t5g-frame export --npy out -
    cmp out/000000-000-input.ids.npy "$pictures/pan/ids.npy"
    # 8.9e-6: what transformers in f32 is from itself in f64; three times that, as in test_vision.c.
    python3 - "$pictures/pan/features.npy" out/*image.feat.npy <<'END'
import sys
import numpy as np
want, *got = map(np.load, sys.argv[1:])
got = np.stack([a.reshape(want.shape[1:]) for a in got])
assert got.shape == want.shape and len(got) == 7, (got.shape, want.shape)
assert np.abs(got - want).max() <= 2.7e-5, np.abs(got - want).max()
assert np.abs(got[::-1] - want).max() > 0.1
END
    t5g-vision -m model --pan-and-scan ids.t5g | t5g-encode -m model | t5g-frame verify
    # The file can ask for it too; and a stream without the text cannot be cropped.
    sed 's/"do_resize"/"do_pan_and_scan": true, "do_resize"/' model/processor_config.json > f
    cp f model/processor_config.json
    t5g-vision -m model ids.t5g | t5g-frame ls | grep -o image.feat | wc -l | grep -qx 7
    t5g-vision -m model rgb.png | t5g-frame ls | grep -o image.feat | wc -l | grep -qx 3
}

@test "a processor config that asks for something else is refused by name" {
    fetch_pictures
    cp -r "$tiny" model
    chmod -R u+w model
    sed -i 's/"resample": 2/"resample": 3/' model/processor_config.json
    status_is 65 t5g-vision -m model -o out.t5g rgb.png
    err_has 'image_processor.resample: 3 (bicubic) is not supported, expected 2 (bilinear)'
    rm model/processor_config.json
    status_is 66 t5g-vision -m model -o out.t5g rgb.png
    err_has 'processor_config.json'
    [ ! -e out.t5g ]
}

@test "without seccomp: auto warns once, require refuses, off is silent" {
    fetch_pictures
    [[ $T5G_BUILD != *asan* ]] || skip "a sanitizer must be loaded first"
    cat > no.c <<'END'
#include <errno.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
int prctl(int what, ...)
{
    va_list a;
    va_start(a, what);
    unsigned long v[4];
    for (int i = 0; i < 4; i++)
        v[i] = va_arg(a, unsigned long);
    va_end(a);
    if (what == PR_SET_SECCOMP)
        return errno = EINVAL, -1;
    return (int)syscall(SYS_prctl, what, v[0], v[1], v[2], v[3]);
}
END
    cc -shared -fPIC -o no.so no.c
    t5g-vision -o want.t5g rgb.png grey.png
    LD_PRELOAD=$PWD/no.so status_is 0 t5g-vision -o out.t5g rgb.png grey.png
    err_has 'no seccomp'
    cmp want.t5g out.t5g
    LD_PRELOAD=$PWD/no.so status_is 69 t5g-vision --sandbox require -o out2.t5g rgb.png
    [ ! -e out2.t5g ]
    LD_PRELOAD=$PWD/no.so t5g-vision --sandbox off rgb.png grey.png 2> err | cmp want.t5g -
    [ ! -s err ]
}

@test "nothing of the sandbox is left behind, also after kill -9" {
    fetch_pictures
    mkfifo in
    t5g-vision -o out.t5g in 3>&- & pid=$!
    exec 8> in # the child is there before the input is opened
    child=$(pgrep -P $pid)
    [ -n "$child" ]
    kill -9 $pid
    exec 8>&-
    wait $pid || true
    gone() { ! kill -0 "$child" 2> /dev/null; }
    soon gone # it is nobody's child who could wait for it
    [ ! -e out.t5g ]
}

@test "image.bytes before t5g-encode names t5g-vision" {
    fetch_pictures
    t5g-tokenize -i rgb.png -o ids.t5g
    status_is 3 t5g-encode -o out.t5g ids.t5g
    err_has 'run t5g-vision before t5g-encode'
}

@test "a limit on processor time below --cpu-limit is kept, and pictures are read" {
    cp "$T5G_TESTS/data/number.png" .
    (ulimit -t 5; t5g-vision --sandbox require -o out.t5g number.png)
    t5g-vision -o want.t5g number.png
    t5g-frame diff out.t5g want.t5g
}
