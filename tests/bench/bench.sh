#!/bin/bash
# bench.sh: whole programs of t5g beside others on this machine, taking turns; run by `make bench`.
#
# Writes one JSON line for every figure of every round to tests/bench/results/DATE-COMMIT.jsonl, the
# first line says what machine it is, and prints the table that table.awk makes of them. Variables:
#   T5G_BENCH_MODEL     checkpoint of the 270M shape; made at random when not set (by T5G_BENCH_PYTHON)
#   T5G_BENCH_PYTHON    a Python with torch, transformers and tokenizers
#   T5G_BENCH_CT2       a Python with ctranslate2 (to convert: with transformers too)
#   T5G_BENCH_LLAMA     a Python with llama_cpp
#   T5G_BENCH_GGUF      Gemma 3 270M for it: a folder with bf16.gguf and q8_0.gguf, or one file to make them of
#   T5G_BENCH_ENGLISH, T5G_BENCH_MIXED   texts for the tokenizers instead of those made from the tree
#   T5G_BENCH_DIR       folder for models and inputs, 6 GB; kept (default: build/bench)
#   T5G_BENCH_THREADS (2), T5G_BENCH_ROUNDS (5), T5G_BENCH_STEPS (64 tokens of decoding)
#   T5G_BENCH_WORKS     some works only, as in "encode-512 cold"
# What is not there is left out and said so.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${T5G_BUILD:-build/release}
dir=${T5G_BENCH_DIR:-build/bench}
mkdir -p "$dir" tests/bench/results
dir=$(cd "$dir" && pwd)
here=$PWD/tests/bench
tool=$PWD/$build/bench
PATH=$PWD/$build/bin:$PATH
threads=${T5G_BENCH_THREADS:-2}
rounds=${T5G_BENCH_ROUNDS:-5}
steps=${T5G_BENCH_STEPS:-64}
works=${T5G_BENCH_WORKS:-all}
export T5G_THREADS=$threads T5G_BENCH_THREADS=$threads T5G_BENCH_STEPS=$steps T5G_BENCH_DIR=$dir PYTHONDONTWRITEBYTECODE=1
export XDG_CACHE_HOME=$dir/cache
unset T5G_MODEL

say() { printf 'bench: %s\n' "$*" >&2; }

[ "$(nice)" = 0 ] || say "niceness is $(nice): figures will depend on what else runs"

# ---- models and inputs, once ----

model=${T5G_BENCH_MODEL:-$dir/model}
if [ ! -e "$model/config.json" ]; then
    [ -n "${T5G_BENCH_PYTHON:-}" ] || { say "set T5G_BENCH_MODEL, or T5G_BENCH_PYTHON to make a random one"; exit 64; }
    say "making a random model of the 270M shape"
    "$T5G_BENCH_PYTHON" "$here/model.py" "$PWD/pipelines/demo/model" "$dir/model"
fi

# make_file FILE PROGRAM...: FILE from the program's output, unless it is there and newer than the t5g-pack it came from.
make_file() {
    local file=$1
    shift
    [ -e "$file" ] && [ "$file" -nt "$build/bin/t5g-pack" ] && return
    say "making ${file##*/}"
    "$@" > "$file.new" && mv "$file.new" "$file"
}

words=$(printf ' the%.0s' {1..63}) # a prompt of 64 tokens or so

packed() { printf '%s/%s.t5g' "$dir" "$1"; }

prepare() {
    local w n
    make_file "$(packed bf16)" t5g-pack --weights keep "$model"
    for w in q8 q4; do make_file "$(packed $w)" t5g-pack --weights $w "$model"; done
    python3 "$here/texts.py" "$PWD" "$model/tokenizer.json" "$dir"
    export T5G_MODEL
    T5G_MODEL=$(packed bf16)
    for n in 128 512 4096; do
        t5g-tokenize --max-tokens $n --too-long cut -o "$dir/ids.$n.t5g" "$dir/text"
        t5g-frame export --jsonl "$dir/ids.$n.t5g" | sed 's/.*"data":\[\([0-9,]*\)\].*/\1/; s/,/ /g' > "$dir/ids.$n"
        [ "$(wc -w < "$dir/ids.$n")" = $n ] || { say "the text has fewer than $n tokens"; exit 65; }
    done
    for n in 512 4096; do make_file "$dir/enc.$n.t5g" t5g-encode "$dir/ids.$n.t5g"; done
    tr -s '[:space:]' ' ' < "$dir/text" | fold -w 900 | sed -n 1,64p |
        t5g-tokenize -l --max-tokens 84 --too-long cut -o "$dir/ids.64x84.t5g"
    make_file "$dir/enc.64x84.t5g" t5g-encode "$dir/ids.64x84.t5g"
    # As a reranker stores them: without <bos>, averages of 4 rows.
    tr -s '[:space:]' ' ' < "$dir/text" | fold -w 3000 | sed -n 1,100p |
        t5g-tokenize -l --no-bos --max-tokens 336 --too-long cut -o "$dir/ids.100x84.t5g"
    make_file "$dir/enc.100x84.t5g" t5g-encode --group 4 "$dir/ids.100x84.t5g"
    [ "$(t5g-frame ls "$dir/enc.100x84.t5g" | grep -c 'encoder.out f32\[84,')" = 100 ] ||
        { say "the text has fewer than 100 passages of 336 tokens"; exit 65; }
    head -c 3000 "$dir/text" > "$dir/short"
    # 1,000 labels of two words, some of which share the first, and a prompt; for the peers as ids, with eos.
    tr -cs '[:alpha:]' '\n' < "$dir/text" |
        awk 'length > 2 { if (last != "") print " " last " " $0; last = $0 }' | awk '!seen[$0]++' | sed -n 1,1000p > "$dir/labels"
    [ "$(wc -l < "$dir/labels")" = 1000 ] || { say "the text has fewer than 1000 pairs of words"; exit 65; }
    t5g-tokenize -l --no-bos "$dir/labels" | t5g-frame export --jsonl - |
        sed 's/.*"data":\[\([0-9,]*\)\].*/\1/; s/,/ /g; s/$/ 1/' > "$dir/ids.labels"
    t5g-tokenize --no-bos -e "$words" | t5g-frame export --jsonl - |
        sed 's/.*"data":\[\([0-9,]*\)\].*/\1/; s/,/ /g' > "$dir/ids.prompt"
    t5g-tokenize -o "$dir/picture.t5g" -i "$dir/picture.ppm"
    : > "$dir/nothing"
    t5g-tokenize -l -o "$dir/nothing.ids.t5g" "$dir/nothing"
    t5g-encode -o "$dir/nothing.enc.t5g" "$dir/nothing.ids.t5g"
    t5g-decode -o "$dir/nothing.out.t5g" "$dir/nothing.enc.t5g"
}

# ---- peers: processes that stay, one question and one answer a line ----

declare -A question answer
peers=()

# start NAME COMMAND...: NAME answers through ${question[NAME]} and ${answer[NAME]}, or is left out.
start() {
    local name=$1 q a line=
    shift
    mkfifo "$dir/$name.q" "$dir/$name.a"
    "$@" < "$dir/$name.q" > "$dir/$name.a" 2> "$dir/$name.log" &
    exec {q}> "$dir/$name.q" {a}< "$dir/$name.a"
    rm -f "$dir/$name.q" "$dir/$name.a"
    if read -r -t 300 line <&"$a" && [ "$line" = ready ]; then
        question[$name]=$q
        answer[$name]=$a
        peers+=("$name")
    else
        say "$name did not start, left out: $(tail -n 1 "$dir/$name.log")"
        exec {q}>&- {a}<&-
    fi
}

ct2_model() {
    [ -e "$dir/ct2-$1/model.bin" ] || "$T5G_BENCH_CT2" "$here/peers/ct2.py" convert "$model" "$dir/ct2-$1" "$1" >&2
}

gguf() {
    local from=${T5G_BENCH_GGUF:-$dir}
    if [ -f "$from" ]; then
        [ -e "$dir/$1.gguf" ] || "$T5G_BENCH_LLAMA" "$here/peers/llama.py" quantize "$from" "$dir/$1.gguf" "$1" 2> "$dir/gguf.log"
        from=$dir
    fi
    printf '%s/%s.gguf' "$from" "$1"
}

# glibc gives large blocks back and faults them in again; CTranslate2 is faster when it does not.
tuned=glibc.malloc.mmap_max=0:glibc.malloc.trim_threshold=100000000000:glibc.malloc.top_pad=1000000000

start_peers() {
    local t
    if [ -n "${T5G_BENCH_PYTHON:-}" ]; then
        start hf "$T5G_BENCH_PYTHON" "$here/peers/hf.py" "$model" f32
        start tokenizers "$T5G_BENCH_PYTHON" "$here/peers/tokenizer.py" "$model" -
    else
        say "T5G_BENCH_PYTHON is not set: without transformers and tokenizers"
    fi
    if [ -n "${T5G_BENCH_CT2:-}" ]; then
        for t in float32 int8; do
            ct2_model $t && start ct2-$t "$T5G_BENCH_CT2" "$here/peers/ct2.py" "$dir/ct2-$t" $t
        done
        start ct2-int8-tuned env GLIBC_TUNABLES=$tuned "$T5G_BENCH_CT2" "$here/peers/ct2.py" "$dir/ct2-int8" int8-tuned
    else
        say "T5G_BENCH_CT2 is not set: without CTranslate2"
    fi
    if [ -n "${T5G_BENCH_LLAMA:-}" ]; then
        for t in bf16 q8_0; do
            start llama-$t "$T5G_BENCH_LLAMA" "$here/peers/llama.py" "$(gguf $t)" $t
        done
    else
        say "T5G_BENCH_LLAMA is not set: without llama.cpp"
    fi
}

# ---- figures ----

round=0 probe=
has_peer() { [ -n "${question[$1]:-}" ]; }
look() { probe=$("$tool/kernels" probe | awk '{ printf "\"fma_gflops\":%s,\"dram_gbs\":%s", $1, $2 }'); }
write() { printf '%s,"round":%s,%s}\n' "${1%\}}" "$round" "$probe" | tee -a "$out" | sed 's/,"fma.*//; s/^/    /' >&2; }

# t5g WORK VARIANT UNIT VALUE [BEST]
t5g() { write "{\"work\":\"$1\",\"system\":\"t5g\",\"variant\":\"$2\",\"unit\":\"$3\",\"value\":$4,\"best\":${5:-$4}}"; }

# ask PEER WORK LENGTH TIMES
ask() {
    local line
    has_peer "$1" || return 0
    if ! echo "$2 $3 $4" >&"${question[$1]}" || ! read -r -t 900 line <&"${answer[$1]}"; then
        say "$1 gave no answer to $2 $3: $(tail -n 1 "$dir/$1.log")"
        unset "question[$1]"
        return 0
    fi
    write "$line"
}

median() { sort -n | awk '{ v[NR] = $1 } END { printf "%.6f", (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'; }

# seconds TIMES PROGRAM...: of a whole program, the median.
seconds() {
    local times=$1 i
    shift
    for ((i = 0; i < times; i++)); do "$tool/timed" "$@" | cut -d ' ' -f 1; done | median
}

# step TIMES LENGTH VARIANT [OPTION...]: milliseconds a step, from runs of 1 and of 1 + STEPS tokens after one that does not count.
step() {
    local times=$1 enc=$dir/enc.$2.t5g m one more
    m=$(packed "$3")
    shift 3
    seconds 1 t5g-decode -m "$m" -n 1 "$@" "$enc" > /dev/null # its pages are in memory from here on
    one=$(seconds 3 t5g-decode -m "$m" -n 1 "$@" "$enc")
    more=$(seconds "$times" t5g-decode -m "$m" -n $((1 + steps)) --min-new-tokens $((1 + steps)) "$@" "$enc")
    awk -v a="$one" -v b="$more" -v n="$steps" 'BEGIN { printf "%.4f", 1000 * (b - a) / n }'
}

rate() { # TIMES NAME: MB/s of t5g-tokenize, one thread
    local s
    s=$(seconds "$1" t5g-tokenize -m "$(packed bf16)" --jsonl "$dir/$2.jsonl")
    python3 -c 'import json, sys; print(sum(len(json.loads(x)["text"].encode()) for x in open(sys.argv[1], encoding="utf-8")))' \
        "$dir/$2.jsonl" | awk -v s="$s" '{ printf "%.3f", $1 / 1e6 / s }'
}

# This processor has products in bf16.
has_bf16() { t5g-encode --compute bf16 -m "$(packed bf16)" "$dir/nothing.ids.t5g" > /dev/null 2>&1; }

encode() { # LENGTH TIMES
    local v
    for v in bf16 q8; do t5g "encode-$1" $v s "$(seconds "$2" t5g-encode -m "$(packed $v)" "$dir/ids.$1.t5g")"; done
    if has_bf16; then
        t5g "encode-$1" bf16/bf16 s "$(seconds "$2" t5g-encode --compute bf16 -m "$(packed bf16)" "$dir/ids.$1.t5g")"
    fi
    for v in hf ct2-float32 ct2-int8 ct2-int8-tuned llama-bf16 llama-q8_0; do ask $v encode "$1" "$2"; done
}

decode() { # LENGTH TIMES
    local v
    for v in bf16 q8; do t5g "decode-$1" $v ms "$(step "$2" "$1" $v)"; done
    for v in hf ct2-float32 ct2-int8 llama-bf16 llama-q8_0; do ask $v decode "$1" 1; done
}

four() {
    t5g four-512 q8 ms "$(step 1 512 q8 -p one -p two -p three -p four)"
    for v in ct2-int8 llama-q8_0; do ask $v four 512 1; done
}

# Tokens a second of eight prompts as a multiple of those of one.
eight() {
    local v one all
    for v in bf16 q8; do
        one=$(step 1 4096 $v -p one)
        all=$(step 1 4096 $v -p one -p two -p three -p four -p five -p six -p seven -p eight)
        t5g eight-4096 $v x "$(awk -v a="$one" -v b="$all" 'BEGIN { printf "%.3f", 8 * a / b }')"
    done
}

# Tokens a second of a prompt of 64 tokens or so on 64 documents of 84 rows, as a multiple of those of encoding 512.
prompt() {
    local v s enc n
    n=$(t5g-tokenize -m "$(packed bf16)" -e "$words" | t5g-frame ls - | sed -n 's/.*input.ids i32\[\([0-9]*\)\].*/\1/p')
    for v in bf16 q8; do
        enc=$(seconds 3 t5g-encode -m "$(packed $v)" "$dir/ids.512.t5g")
        s=$(seconds 3 t5g-decode -m "$(packed $v)" -n 1 -p "$words" "$dir/enc.64x84.t5g")
        t5g prompt-64x84 $v x "$(awk -v n="$n" -v e="$enc" -v s="$s" 'BEGIN { printf "%.3f", 64 * n / s * e / 512 }')"
    done
}

# Milliseconds a label of the probabilities of 1,000 (so the seconds of all) after that prompt and a document of 512;
# peers score 20 of them, one by one.
labels() {
    local v
    for v in bf16 q8; do
        t5g labels-512 $v ms "$(seconds 3 t5g-decode -m "$(packed $v)" -p "$words" --choices "$dir/labels" "$dir/enc.512.t5g")"
    done
    ask hf labels 512 20
}

# Seconds of one query, of that prompt, to 100 stored passages of 84 rows: yes or no for each.
rerank() {
    local v
    for v in bf16 q8; do
        t5g rerank-100 $v s "$(seconds 3 t5g-decode -m "$(packed $v)" -p "$words" --choice yes --choice no --choices-by first \
            "$dir/enc.100x84.t5g")"
    done
    ask hf rerank 100 1
}

vision() {
    local v
    for v in bf16 q8; do t5g vision-896 $v s "$(seconds 1 t5g-vision -m "$(packed $v)" "$dir/picture.t5g")"; done
    if has_bf16; then
        t5g vision-896 bf16/bf16 s "$(seconds 1 t5g-vision --compute bf16 -m "$(packed bf16)" "$dir/picture.t5g")"
    fi
    ask hf vision 896 1
}

tokenize() { # NAME
    t5g "$1-1" - MB/s "$(rate 3 "$1")"
    ask tokenizers "$1" 1 1
}

# whole WORK SYSTEM VARIANT COMMAND...: a process from start to exit.
whole() {
    local what=$1 system=$2 variant=$3 s
    shift 3
    if s=$("$tool/timed" "$@" 2> "$dir/whole.log"); then
        write "{\"work\":\"$what\",\"system\":\"$system\",\"variant\":\"$variant\",\"unit\":\"s\",\"value\":${s%% *},\"best\":${s%% *}}"
    else
        say "$system $variant failed at $what: $(tail -n 1 "$dir/whole.log")"
    fi
}

cold() {
    local v t
    for v in bf16 q8; do
        export T5G_MODEL
        T5G_MODEL=$(packed $v)
        t5g cold-128 $v s "$(seconds 3 sh -c "t5g-tokenize --max-tokens 128 --too-long cut $dir/short | t5g-encode | t5g-decode -n 1 | t5g-detok")"
    done
    unset T5G_MODEL
    if has_peer ct2-int8; then
        whole cold-128 ctranslate2 int8 "$T5G_BENCH_CT2" "$here/peers/ct2.py" "$dir/ct2-int8" int8 "cold 128"
    fi
    if has_peer llama-q8_0; then
        whole cold-128 llama.cpp q8_0 "$T5G_BENCH_LLAMA" "$here/peers/llama.py" "$(gguf q8_0)" q8_0 "cold 128"
    fi
}

# A stream without documents: everything is opened, and no kernel runs.
warm() {
    local m
    m=$(packed q8)
    t5g start-tokenize q8 ms "$(seconds 9 t5g-tokenize -m "$m" -l "$dir/nothing" | awk '{ print 1000 * $1 }')"
    t5g start-encode q8 ms "$(seconds 9 t5g-encode -m "$m" "$dir/nothing.ids.t5g" | awk '{ print 1000 * $1 }')"
    t5g start-decode q8 ms "$(seconds 9 t5g-decode -m "$m" "$dir/nothing.enc.t5g" | awk '{ print 1000 * $1 }')"
    t5g start-detok q8 ms "$(seconds 9 t5g-detok -m "$m" "$dir/nothing.out.t5g" | awk '{ print 1000 * $1 }')"
    t5g start-vision q8 ms "$(seconds 9 t5g-vision -m "$m" "$dir/nothing.ids.t5g" | awk '{ print 1000 * $1 }')"
}

# Peak memory without what is mapped from files.
memory() {
    local v mib
    for v in bf16 q8; do
        mib=$("$tool/timed" -m t5g-encode -m "$(packed $v)" "$dir/ids.4096.t5g" | cut -d ' ' -f 4)
        t5g memory-4096 $v MiB "$mib"
    done
    if has_peer hf; then memory_of transformers f32 "$T5G_BENCH_PYTHON" "$here/peers/hf.py" "$model" f32 "encode 4096"; fi
    if has_peer ct2-int8; then memory_of ctranslate2 int8 "$T5G_BENCH_CT2" "$here/peers/ct2.py" "$dir/ct2-int8" int8 "encode 4096"; fi
}

memory_of() { # SYSTEM VARIANT COMMAND...
    local system=$1 variant=$2 mib
    shift 2
    mib=$("$tool/timed" -m "$@" | cut -d ' ' -f 4)
    write "{\"work\":\"memory-4096\",\"system\":\"$system\",\"variant\":\"$variant\",\"unit\":\"MiB\",\"value\":$mib,\"best\":$mib}"
}

kernels() {
    while read -r line; do write "$line"; done < <("$tool/kernels" rates)
}

number() { # NAME JSON
    local rest=${2#*\""$1"\":}
    printf '%s' "${rest%%[,\}]*}"
}

# Descriptions of packages of this machine, which the default model knows to sum up; elsewhere text of the tree.
documents() {
    dpkg-query -W -f='@@ ${Package}\n${Description}\n' 2> "$dir/dpkg.log" | awk '
        function put() { if (length(text) > 250 && length(text) < 1500 && ++n % 8 == 0) print substr(text, 2) }
        /^@@ / { put(); text = ""; synopsis = 1; next }
        synopsis { synopsis = 0; next }
        { sub(/^ \.?/, ""); text = text " " $0 }
        END { put() }' | sed -n 1,40p > "$dir/lines"
    [ -s "$dir/lines" ] || head -c 30000 "$dir/text" | tr -s '\n' ' ' | fold -s -w 700 > "$dir/lines"
}

# Logits of quantised weights against those of the checkpoint; the default model is asked for synopses.
quality() {
    local v m line prompt
    documents
    t5g-tokenize -l -m "$(packed bf16)" "$dir/lines" | t5g-frame head --drain -n 12 - > "$dir/lines.t5g"
    t5g-tokenize -l -o "$dir/lines.default.t5g" "$dir/lines"
    read -ra prompt <<< "$(t5g-tokenize -e synopsis: | t5g-frame export --jsonl - |
        sed 's/.*"data":\[[0-9]*,*\([0-9,]*\)\].*/\1/; s/,/ /g')"
    for v in q8 q4; do
        m=$dir/default.$v.t5g
        [ "$m" -nt "$build/bin/t5g-pack" ] || t5g-pack --weights $v -o "$m"
        if line=$("$tool/quality" pipelines/demo/model "$m" "$dir/lines.default.t5g" 24 "${prompt[@]}"); then
            t5g kl-default $v nats "$(number kl "$line")"
            t5g same-default $v part "$(number same_argmax "$line")"
        fi
        if line=$("$tool/quality" "$(packed bf16)" "$(packed $v)" "$dir/lines.t5g" 24); then
            t5g kl-random-270m $v nats "$(number kl "$line")"
            t5g same-random-270m $v part "$(number same_argmax "$line")"
        fi
    done
}

# ---- the run ----

machine() {
    python3 - "$@" << 'END'
import json, platform, sys
keys = ("date", "commit", "compiler", "level", "cores", "threads", "rounds", "steps", "model", "peers")
cpu = next((x.split(":")[1].strip() for x in open("/proc/cpuinfo") if x.startswith("model name")), platform.machine())
print(json.dumps({"machine": cpu, "system": platform.platform(), **dict(zip(keys, sys.argv[1:]))}, separators=(",", ":")))
END
}

versions() {
    [ -z "${T5G_BENCH_PYTHON:-}" ] || "$T5G_BENCH_PYTHON" -c 'from importlib.metadata import version as v
print("transformers", v("transformers"), "torch", v("torch"), "tokenizers", v("tokenizers"))' || :
    [ -z "${T5G_BENCH_CT2:-}" ] || "$T5G_BENCH_CT2" -c 'from importlib.metadata import version as v
print("ctranslate2", v("ctranslate2"))' || :
    [ -z "${T5G_BENCH_LLAMA:-}" ] || "$T5G_BENCH_LLAMA" -c 'from importlib.metadata import version as v
print("llama_cpp", v("llama_cpp_python"))' || :
}

prepare
start_peers
unset T5G_MODEL
commit=$(git describe --always --dirty 2> /dev/null || echo unknown)
out=tests/bench/results/$(date -u +%Y%m%dT%H%M%SZ)-$commit.jsonl
machine "$(date -u +%FT%TZ)" "$commit" "$(${CC:-cc} --version | head -n 1)" "$("$tool/kernels" level)" "$(nproc)" "$threads" \
    "$rounds" "$steps" "$([ "$model" = "$dir/model" ] && echo random || echo given)" "$(versions | tr '\n' ' ' | sed 's/ $//')" > "$out"

# Works, and in how many rounds they take part: the long ones in some.
all='kernels-rates:99 encode-512:99 decode-512:99 cold-128:99 four-512:99 english:99 mixed:99 warm:99 encode-4096:3
    decode-4096:3 eight-4096:3 prompt-64x84:3 labels-512:3 rerank-100:3 vision-896:2 memory-4096:1 quality:1'
for ((round = 1; round <= rounds; round++)); do
    for w in $all; do
        [ "$round" -le "${w#*:}" ] || continue
        w=${w%:*}
        case " $works " in *" $w "* | *" all "*) ;; *) continue ;; esac
        say "round $round of $rounds: $w"
        look
        case $w in
        kernels-rates) kernels ;;
        encode-512) encode 512 3 ;;
        encode-4096) encode 4096 1 ;;
        decode-512) decode 512 1 ;;
        decode-4096) decode 4096 1 ;;
        four-512) four ;;
        eight-4096) eight ;;
        prompt-64x84) prompt ;;
        labels-512) labels ;;
        rerank-100) rerank ;;
        vision-896) vision ;;
        english | mixed) tokenize "$w" ;;
        cold-128) cold ;;
        warm) warm ;;
        memory-4096) memory ;;
        quality) quality ;;
        esac
    done
done
for p in "${peers[@]}"; do [ -z "${question[$p]:-}" ] || eval "exec ${question[$p]}>&-"; done
say "wrote $out"
awk -f tests/bench/table.awk tests/bench/targets.tsv "$out"
