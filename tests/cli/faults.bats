#!/usr/bin/env bats
# Bad input: one clear line, the right exit status, nothing lost and nothing half-written.
load common

@test "a stream cut anywhere: 76, and no output file" {
    make_streams
    size=$(stat -c %s dec.t5g)
    for ((n = 0; n < size; n += 61)); do
        head -c $n dec.t5g > short
        status_is 76 t5g-detok -o text short
        [ ! -e text ]
        status_is 76 t5g-detok -o text < short
        [ ! -e text ]
    done
    head -c 1000 ids.t5g > short
    status_is 76 t5g-encode -o out short
    err_has 'unexpected end of stream'
    [ ! -e out ]
    head -c -100 enc.t5g > short
    status_is 76 t5g-decode -n 2 -o out short
    [ ! -e out ]
}

@test "a flipped bit: refused, and no output file" {
    make_streams
    size=$(stat -c %s dec.t5g)
    for ((n = 0; n < size; n += 37)); do
        cp dec.t5g bad
        old=$(od -An -tu1 -j$n -N1 dec.t5g)
        printf "\\x$(printf %x $((old ^ (1 << (n % 8)))))" | dd of=bad bs=1 seek=$n conv=notrunc 2> /dev/null
        rm -f text
        got=0
        t5g-detok -o text bad 2> err || got=$?
        if [ $got != 65 ] && [ $got != 76 ]; then
            echo "byte $n: status $got"
            return 1
        fi
        [ ! -e text ]
    done
}

@test "an empty stream: 76" {
    for p in t5g-encode t5g-decode t5g-detok; do
        status_is 76 $p -o out < /dev/null
        err_has 'empty input'
        [ ! -e out ]
    done
}

@test "a foreign file: 65" {
    echo 'just some text, long enough for a header; just some text, long enough for a header; and a bit more of the same' > text
    for p in t5g-encode t5g-decode t5g-detok; do
        status_is 65 $p -o out text
        err_has text
        [ ! -e out ]
    done
}

@test "an upstream killed under plain sh fails the last program" {
    make_streams
    status_is 76 sh -c '(head -c 900 enc.t5g; exec sh -c "kill -9 \$\$") | t5g-decode -n 2 | t5g-detok -o text'
    [ ! -e text ]
    status_is 76 sh -c 'false | t5g-decode -n 2 | t5g-detok -o text'
    [ ! -e text ]
}

@test "an upstream that gives up says so downstream" {
    make_streams
    head -c -100 ids.t5g > short
    status_is 76 sh -c 't5g-encode short 2> /dev/null | t5g-decode -n 2 | t5g-detok -o text'
    err_has 't5g-detok: t5g-encode failed: short: unexpected end of stream'
    [ ! -e text ]
}

@test "the last line of a broken pipe names the first cause, once" {
    make_streams
    # Programs between the first and the last are silent; the last one may be any, and any may be last.
    status_is 76 sh -c 't5g-vision missing.t5g | t5g-encode | t5g-decode | t5g-detok > text'
    [ "$(grep -c . err)" = 2 ]
    grep -qxF 't5g-detok: t5g-vision failed: missing.t5g: cannot open: No such file or directory' err
    status_is 76 sh -c 't5g-vision missing.t5g 2> /dev/null | t5g-encode | t5g-decode -o out'
    err_has 't5g-decode: t5g-vision failed: missing.t5g: cannot open: No such file or directory'
    status_is 76 sh -c 't5g-vision missing.t5g 2> /dev/null | t5g-encode | t5g-frame cat > out'
    err_has 't5g-frame cat: t5g-vision failed: missing.t5g'
    # Kept in a file, the stream says the same to whoever reads it.
    status_is 76 t5g-detok -o text out
    err_has 't5g-detok: out: t5g-vision failed: missing.t5g: cannot open'
    status_is 76 sh -c 't5g-encode -v out | t5g-decode -o x'
    grep -qF 't5g-encode: out: t5g-vision failed: missing.t5g' err
    # A program that fails before it has a HEAD to write says why all the same.
    status_is 76 sh -c 't5g-tokenize -m nowhere -e hi 2> /dev/null | t5g-encode | t5g-decode | t5g-detok'
    err_has 't5g-detok: t5g-tokenize failed: nowhere: no such model directory or packed model'
    status_is 76 sh -c 't5g-encode -m nowhere ids.t5g 2> /dev/null | t5g-decode | t5g-detok'
    err_has 't5g-detok: t5g-encode failed: nowhere: no such model directory or packed model'
}

@test "a message names its document once" {
    status_is 3 sh -c 't5g-tokenize -i a.png -e hi -o x.t5g'
    err_has 't5g-tokenize: a.png: cannot open: No such file or directory'
    status_is 3 t5g-detok -o text x.t5g
    err_has 't5g-detok: a.png: failed in t5g-tokenize: cannot open: No such file or directory'
}

@test "a full disk: 74" {
    make_streams
    for cmd in 't5g-tokenize -e hi' 't5g-encode ids.t5g' 't5g-decode -n 2 enc.t5g' 't5g-detok dec.t5g'; do
        status_is 74 sh -c "exec $cmd > /dev/full"
        err_has 'stdout'
        status_is 74 ${cmd/ / -o /dev/full }
        err_has '/dev/full'
    done
}

@test "a file size limit: 74, and no file" {
    make_streams
    status_is 74 sh -c 'ulimit -f 1; exec t5g-encode -o out ids.t5g'
    [ -z "$(find . -name 'out*')" ]
}

@test "closed descriptors: what is not used does not matter, what is used fails" {
    make_streams
    status_is 0 sh -c 't5g-tokenize -e hi -o out <&-'
    status_is 74 sh -c 't5g-tokenize -e hi >&-'
    status_is 74 sh -c 't5g-tokenize <&-'
    status_is 0 sh -c 't5g-tokenize -e hi -o out 2>&-'
}

@test "a closed pipe ends a program quietly" {
    make_streams
    for i in $(seq 200); do echo "line $i of a text"; done > lines
    bash -c 't5g-tokenize -l lines | head -c 10 > /dev/null; echo ${PIPESTATUS[0]}' > status 2> err
    [ "$(cat status)" = 141 ]
    [ ! -s err ]
}

@test "one document's fault is one ERROR document, status 3, and the file is there" {
    printf 'good\n\377bad\nalso good\n' > lines
    status_is 3 t5g-tokenize -l -o ids.t5g lines
    err_has 'lines:2: invalid UTF-8 at byte 0'
    status_is 3 t5g-encode -o enc.t5g ids.t5g
    status_is 3 t5g-decode -n 3 -o dec.t5g enc.t5g
    status_is 3 t5g-detok -o text dec.t5g
    [ "$(wc -l < text)" = 3 ]
    [ -z "$(sed -n 2p text)" ]
    status_is 3 t5g-detok --jsonl -o text dec.t5g
    sed -n 2p text | grep -qF '{"id":"lines:2","error":"invalid UTF-8 at byte 0","tool":"t5g-tokenize",'
    t5g-frame verify dec.t5g
    t5g-tokenize --utf8 replace -l -o ids.t5g lines
}

@test "ids outside the vocabulary fail their document only" {
    t5g-tokenize -m "$gqa" -e 'ok' -e '<start_of_image>' -o ids.t5g
    status_is 65 t5g-encode -o enc.t5g ids.t5g
    err_has 'another tokenizer'
    status_is 3 t5g-encode --force -o enc.t5g ids.t5g
    err_has 'e2: input.ids: id 696 at position 1, vocabulary has 640'
}

@test "too long: error, cut, split" {
    t5g-tokenize -e 'Hello world, this is a text' -o all.t5g
    status_is 3 t5g-tokenize --max-tokens 5 -e 'Hello world, this is a text' -o ids.t5g
    grep -q 'limit 5 (--max-tokens)' err
    t5g-tokenize --max-tokens 5 --too-long cut -e 'Hello world, this is a text' -o cut.t5g
    t5g-detok --input --all cut.t5g | grep -q '^<bos>'
    t5g-tokenize --max-tokens 5 --too-long split -e 'Hello world, this is a text' -o split.t5g
    [ "$(t5g-detok --input split.t5g | tr -d '\n')" = 'Hello world, this is a text' ]
    t5g-detok --input --jsonl split.t5g | head -n 1 | grep -q '"id":"e1#1"'
    status_is 3 t5g-tokenize --max-tokens 1 --too-long cut -e 'Hello' -o none.t5g
}

@test "--on-error stop ends at the first failed document" {
    printf 'good\n\377bad\nalso good\n' > lines
    status_is 65 t5g-tokenize --on-error stop -l -o ids.t5g lines
    [ ! -e ids.t5g ]
}

@test "a model directory with a file missing or cut" {
    t5g-tokenize -e hi -o ids.t5g
    for f in config.json model.safetensors tokenizer.json; do
        rm -rf m && cp -r "$tiny" m && chmod -R u+w m
        rm "m/$f"
        program='t5g-encode -m m -o out ids.t5g'
        [ $f = tokenizer.json ] && program='t5g-tokenize -m m -e hi -o out'
        status_is 66 $program
        err_has "$f"
        [ ! -e out ]
        for part in 1 2 3; do
            head -c $(($(stat -c %s "$tiny/$f") * part / 4)) "$tiny/$f" > "m/$f"
            status_is 65 $program
            err_has "$f"
            [ ! -e out ]
        done
        : > "m/$f"
        status_is 65 $program
        err_has "$f"
    done
    status_is 66 t5g-encode -m nowhere -o out ids.t5g
    err_has 'nowhere'
    status_is 66 t5g-encode -m ids.t5g -o out ids.t5g
}

@test "a NaN weight is named" {
    t5g-tokenize -e hi -o ids.t5g
    cp -r "$tiny" m && chmod -R u+w m
    printf '\377\377\377\177' | dd of=m/model.safetensors bs=1 seek=$(($(stat -c %s m/model.safetensors) - 400)) conv=notrunc 2> /dev/null
    status_is 65 t5g-encode -m m -o out ids.t5g
    err_has 'model.safetensors'
    err_has 'tensor'
}

@test "another model's encoder output is refused" {
    make_streams
    status_is 65 t5g-decode -m "$gqa" -n 2 -o out enc.t5g
    err_has 'made with another'
    [ ! -e out ]
    status_is 65 t5g-detok -m "$gqa" -o out dec.t5g
}

@test "missing input: 66; unwritable output: 73 or 77" {
    for p in t5g-encode t5g-decode t5g-detok; do
        status_is 66 $p -o out nowhere.t5g
        err_has 'nowhere.t5g'
        [ ! -e out ]
    done
    status_is 66 t5g-tokenize -o out - < .
    err_has 'is a directory'
    status_is 73 t5g-tokenize -e hi -o no/such/folder/out
}

@test "usage errors: 64" {
    status_is 64 t5g-encode --no-such-option
    status_is 64 t5g-decode -n
    status_is 64 t5g-decode -n 0
    status_is 64 t5g-decode -n 1x
    status_is 64 t5g-encode --dtype f8
    status_is 64 t5g-tokenize -l -0
    status_is 64 t5g-decode --prompts -
    T5G_THREADS=many status_is 64 t5g-encode
    T5G_CPU=fast status_is 64 t5g-encode ids
}

@test "-o keeps a link, a mode, and the old file until the new one is whole" {
    make_streams
    echo old > real && chmod 640 real && ln -s real link
    status_is 76 t5g-encode -o link < /dev/null
    [ "$(cat real)" = old ]
    t5g-encode -o link ids.t5g
    [ -L link ] && cmp real enc.t5g
    [ "$(stat -c %a real)" = 640 ]
    mkfifo pipe
    t5g-encode -o pipe ids.t5g &
    cmp pipe enc.t5g
    wait
}

@test "every id forbidden at last: id 0 as transformers, or that document fails; no infinity is written" {
    make_streams
    t5g-tokenize --jsonl -o two.t5g - <<< '{"id":"a","text":"one"}'
    forbid='--no-repeat-ngram-size 1 --min-new-tokens 700 -n 700'
    t5g-decode $forbid -o zeros.t5g enc.t5g
    t5g-frame export --jsonl zeros.t5g | sed 's/.*decode.ids/ids/' | grep -o '"data":[^]]*' | tr -d '[' |
        sed 's/"data"://' | head -n 1 | tr , '\n' > ids
    [ "$(wc -l < ids)" = 700 ]
    [ "$(head -n 638 ids | sort -u | wc -l)" = 638 ]
    [ "$(tail -n 62 ids | sort -u)" = 0 ]
    t5g-decode $forbid --lookup 4 -o again.t5g enc.t5g
    cmp zeros.t5g again.t5g
    for how in --logprobs '--logprobs --stream' --sample '--sample --top-p 0.5' '--num-beams 2' \
        '--num-beams 4 --num-return-sequences 4'; do
        status_is 3 t5g-decode $forbid $how -o out.t5g enc.t5g
        grep -qF 'e2: every id is forbidden as token 639 of the answer' err
        t5g-frame verify out.t5g
        status_is 3 t5g-detok --jsonl -o text out.t5g
        [ "$(grep -c '"error"' text)" = 2 ]
    done
    # Fewer ids allowed than hypotheses are asked for.
    t5g-decode --no-repeat-ngram-size 1 --min-new-tokens 637 -n 637 --num-beams 8 --num-return-sequences 8 \
        -o out.t5g enc.t5g 2> err || [ $? = 3 ]
    t5g-frame export --jsonl out.t5g > numbers
    [ "$(grep -ci "inf\|nan" numbers)" = 0 ]
}

@test "--cache DIR: the folder is given as --cache=DIR" {
    make_streams
    mkdir ca
    for dir in ca new; do
        status_is 64 t5g-encode --cache $dir ids.t5g
        err_has_line "t5g-encode: --cache $dir: an argument of --cache is given as --cache=$dir"
    done
    t5g-encode --cache ids.t5g | cmp - enc.t5g
    t5g-encode --cache=ca ids.t5g | cmp - enc.t5g
    t5g-encode --cache < ids.t5g | cmp - enc.t5g
    t5g-encode --cache -- ids.t5g | cmp - enc.t5g
}

@test "a FIFO where a regular file must be is an error, not waited for" {
    make_streams
    t5g-frame export --npy d dec.t5g
    file=$(cd d && ls -- *.npy | head -n 1)
    rm "d/$file" && mkfifo "d/$file"
    status_is 66 t5g-frame import --npy d -o out
    err_has 'not a regular file'
    rm d/index.jsonl && mkfifo d/index.jsonl
    status_is 66 t5g-frame import --npy d -o out
    err_has 'index.jsonl: not a regular file'
    status_is 66 t5g-frame import --safetensors d/index.jsonl -o out
    err_has 'index.jsonl: not a regular file'
    status_is 66 t5g-frame quickcheck d/index.jsonl
    [ ! -e out ]
}

@test "a small stack is enough, or there is a message" {
    make_streams
    for size in 32 128 512; do
        status_is 71 sh -c "ulimit -s $size && exec t5g-encode -o out ids.t5g"
        err_has "t5g-encode: a stack of $size KiB is too small: raise ulimit -s to 1024"
        [ ! -e out ]
        (ulimit -Ss $size && exec t5g-encode -t 2 ids.t5g) | cmp - enc.t5g
    done
    (ulimit -s 1024 && exec t5g-encode -t 2 ids.t5g) | (ulimit -s 1024 && exec t5g-decode -t 2 -n 4) | cmp - dec.t5g
}

@test "frames are not written to a terminal" {
    command -v script > /dev/null || skip "no script(1)"
    script -qec 't5g-tokenize -e hi' /dev/null > shown < /dev/null || true
    grep -q 'is a terminal' shown
}

@test "a bad prompt ends the run, and says so downstream" {
    make_streams
    printf 'good\n\377\n' > prompts
    status_is 65 t5g-decode -n 2 --prompts prompts -o out enc.t5g
    err_has 'prompts: line 2: prompt: invalid UTF-8 at byte 0'
    [ ! -e out ]
    status_is 76 sh -c 't5g-decode -n 2 --prompts prompts enc.t5g 2> /dev/null | t5g-detok -o text'
    grep -q 'line 2' err
    [ ! -e text ]
}

@test "a damaged tokenizer.json is no missing one" {
    t5g-tokenize -e hi -o ids.t5g
    cp -r "$tiny" m && chmod -R u+w m
    echo '{' > m/tokenizer.json
    status_is 65 t5g-encode -m m -o out ids.t5g
    err_has 'tokenizer.json'
}

@test "--stream and --prompts -: a failed document before one that is answered" {
    printf 'good\n\377bad\ngood\n\377bad\n' | status_is 3 t5g-tokenize -l -o ids.t5g
    status_is 3 t5g-encode -o enc.t5g ids.t5g
    status_is 3 t5g-decode -n 4 --stream -p a -o out.t5g enc.t5g
    status_is 3 t5g-detok -o text --jsonl out.t5g
    [ "$(grep -c '"error"' text)" = 2 ]
    [ "$(wc -l < text)" = 4 ]
    printf 'a\nb\n' | status_is 3 t5g-decode -n 4 --prompts - -o out.t5g enc.t5g
    status_is 3 t5g-detok -o text --jsonl out.t5g
    [ "$(wc -l < text)" = 6 ]
}
