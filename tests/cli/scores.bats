load common

# Scores of given targets, and choices.

setup_file() {
    export T5G_MODEL=$T5G_TESTS/models/tiny XDG_CACHE_HOME=$BATS_FILE_TMPDIR/cache
    printf 'Hello world' | t5g-tokenize | t5g-encode -o "$BATS_FILE_TMPDIR/doc.t5g"
    printf 'The work may be copied.\nx\nLicense, and You may not\n' | t5g-tokenize -l - |
        t5g-encode -o "$BATS_FILE_TMPDIR/three.t5g"
    # A thousand labels of up to five words: they share beginnings.
    awk 'BEGIN { split("the right of any other party to copy a form", w, " ")
        for (i = 0; i < 1000; i++) { s = ""
            for (k = i * 7 + 1; k > 0; k = int(k / 9)) s = s " " w[k % 9 + 1]
            print s } }' | sort -u > "$BATS_FILE_TMPDIR/labels"
}

# frames FILE: every frame of ids or log-probabilities on a line, with its numbers.
frames() {
    t5g-frame export --jsonl "$1" | python3 -c '
import json, sys
for line in sys.stdin:
    doc = json.loads(line)
    for f in doc["frames"]:
        if f["name"].startswith("decode."):
            print(doc["id"], f["name"], json.dumps(f.get("meta")), f["data"])'
}

# as_golden MODEL CASE [DECODE OPTION ...]: ids and scores of its targets are those of transformers.
as_golden() {
    local golden=$T5G_TESTS/golden/$1/$2/case.json
    export T5G_MODEL=$T5G_TESTS/models/$1
    python3 -c 'import json, sys
c = json.load(open(sys.argv[1]))
print(json.dumps({"text": c["text"], "target": [t["text"] for t in c["targets"] if t["text"] is not None]}))' \
        "$golden" | t5g-tokenize --jsonl - | t5g-encode | t5g-decode --score "${@:3}" > out.t5g
    t5g-frame export --jsonl out.t5g > out.jsonl
    python3 -c 'import json, sys
c = json.load(open(sys.argv[1]))
want = [t for t in c["targets"] if t["text"] is not None]
have = [f for f in json.load(open(sys.argv[2]))["frames"] if f["name"] == "decode.ids"]
# 1e-4, and how far f32 is from f64 in transformers
most = 1e-4 + c["numerics"]["logits_f32_f64"]
assert len(want) == len(have) > 0
for k, (w, h) in enumerate(zip(want, have)):
    assert h["data"] == w["ids"], (k, h, w)
    assert abs(h["meta"]["score"] - w["sum"]) < most, (k, h, w)
    assert h["meta"]["rank"] == h["meta"]["target"] == k and h["meta"]["finish"] == "eos"' "$golden" out.jsonl
}

@test "targets of documents: the ids and scores of transformers" {
    for model in tiny tiny-gqa; do
        as_golden $model hello
        as_golden $model nonascii
        as_golden $model dec_prefix -p "$(python3 -c 'import json, sys
print(json.load(open(sys.argv[1]))["dec_text"])' "$T5G_TESTS/golden/$model/dec_prefix/case.json")"
    done
}

@test "decode.logprob is of each token, and its sum is the score" {
    t5g-decode -p 'the' --score --target ' right of' --target '' "$BATS_FILE_TMPDIR/doc.t5g" > a.t5g
    t5g-frame export --jsonl a.t5g | python3 -c 'import json, sys
f = [f for f in json.load(sys.stdin)["frames"] if f["name"].startswith("decode.")]
assert [x["name"] for x in f] == ["decode.ids", "decode.logprob"] * 2
for ids, p in ((f[0], f[1]), (f[2], f[3])):
    assert len(ids["data"]) == len(p["data"]) and ids["data"][-1] == 1
    assert abs(sum(p["data"]) - ids["meta"]["score"]) < 1e-4
    assert ids["meta"]["prompt"] == "the"'
}

@test "--no-eos: neither scored nor written" {
    t5g-decode --score --target ' right of' "$BATS_FILE_TMPDIR/doc.t5g" > with.t5g
    t5g-decode --score --no-eos --target ' right of' "$BATS_FILE_TMPDIR/doc.t5g" > without.t5g
    frames with.t5g > with
    frames without.t5g > without
    python3 - <<'EOF'
import ast, json
def parts(name):
    out = []
    for line in open(name):
        meta, data = line.split("} [")
        out.append((json.loads(meta[meta.index("{"):] + "}"), ast.literal_eval("[" + data)))
    return out
(a, ids), (_, p) = parts("with")
(b, ids2), (_, p2) = parts("without")
assert ids == ids2 + [1] and p[:-1] == p2
assert a["finish"] == "eos" and b["finish"] == "length"
assert abs(b["score"] - sum(p2)) < 1e-4
EOF
}

@test "a score does not depend on the other targets, their order, threads, batch or documents" {
    cd "$BATS_TEST_TMPDIR"
    local three=$BATS_FILE_TMPDIR/three.t5g labels=$BATS_FILE_TMPDIR/labels
    t5g-decode -p 'The' -p '' --score --targets "$labels" -t 2 "$three" > all.t5g
    frames all.t5g | sed 's/"rank": [0-9]*, "target": [0-9]*/-/' | sort > all
    sort -r "$labels" | t5g-decode -p '' -p 'The' --score --targets - -t 1 -b 1 "$three" > back.t5g
    frames back.t5g | sed 's/"rank": [0-9]*, "target": [0-9]*/-/' | sort > back
    cmp all back
    for n in 3 400 900; do
        t5g-decode -p 'The' --score --target "$(sed -n ${n}p "$labels")" "$three" > one.t5g
        frames one.t5g | sed 's/"rank": 0, "target": 0/-/' | sort > one
        [ "$(wc -l < one)" = 6 ]
        [ -z "$(comm -13 all one)" ]
    done
}

# brute MODEL: --choice gives the softmax of what --score gives each choice alone.
brute() {
    export T5G_MODEL=$1
    printf 'yes\nno\nno way\n the right\nmay be copied\n' > choices
    printf 'The work may be copied.\nx\n' | t5g-tokenize -l - | t5g-encode > enc.t5g
    for eos in '' --no-eos; do
        t5g-decode -p 'The ' --choices choices $eos enc.t5g | t5g-frame export --jsonl > have.jsonl
        while IFS= read -r choice; do
            t5g-decode -p 'The ' --score --target "$choice" $eos enc.t5g | t5g-frame export --jsonl
        done < choices > alone.jsonl
        python3 - <<'EOF'
import json, math
have = [json.loads(l) for l in open("have.jsonl")]
alone = [json.loads(l) for l in open("alone.jsonl")]
n = len(have)
ids = lambda doc: [f for f in doc["frames"] if f["name"] == "decode.ids"]
for d in range(n):
    got = ids(have[d])
    want = [ids(a)[0] for a in alone[d::n]]
    assert len(got) == len(want) == 5
    total = sum(math.exp(w["meta"]["score"]) for w in want)
    for k, (g, w) in enumerate(zip(got, want)):
        assert g["data"] == w["data"] and g["meta"]["score"] == w["meta"]["score"]
        assert abs(g["meta"]["probability"] - math.exp(w["meta"]["score"]) / total) < 1e-6
        assert g["meta"]["choice"] == k and g["meta"]["finish"] == w["meta"]["finish"]
    assert abs(sum(g["meta"]["probability"] for g in got) - 1) < 1e-6
    assert not any(f["name"] == "decode.logprob" for f in have[d]["frames"])
EOF
    done
}

@test "choices: the softmax of the scores of each alone, on three models" {
    brute "$tiny"
    brute "$gqa"
    t5g-pack --weights q8 -o q8.t5g "$tiny"
    brute q8.t5g
}

@test "choices by their first token: probabilities of the first tokens alone" {
    t5g-decode -p 'The ' --choice yes --choice no --choices-by first "$BATS_FILE_TMPDIR/doc.t5g" |
        t5g-frame export --jsonl > first.jsonl
    t5g-decode -p 'The ' --score --target yes --target no "$BATS_FILE_TMPDIR/doc.t5g" |
        t5g-frame export --jsonl > whole.jsonl
    python3 - <<'EOF'
import json, math
frames = lambda name, kind: [f for f in json.load(open(name))["frames"] if f["name"] == kind]
first = frames("first.jsonl", "decode.ids")
ids, p = frames("whole.jsonl", "decode.ids"), frames("whole.jsonl", "decode.logprob")
total = sum(math.exp(x["data"][0]) for x in p)
for f, i, x in zip(first, ids, p):
    assert f["data"] + [1] == i["data"] and f["meta"]["score"] == x["data"][0]
    assert abs(f["meta"]["probability"] - math.exp(x["data"][0]) / total) < 1e-6
EOF
}

@test "--rank writes the best first; rank counts, target is the number given" {
    t5g-decode --score --rank --target 'Hello world' --target '' --target ' the right' \
        "$BATS_FILE_TMPDIR/doc.t5g" > a.t5g
    frames a.t5g | grep decode.ids | sed 's/.*"rank": \([0-9]*\), "target": \([0-9]*\).*/\1 \2/' > order
    printf '0 1\n1 2\n2 0\n' | cmp - order
}

@test "files: lines byte for byte, -0 with newlines inside, stdin, after those of options" {
    printf 'a \r\n\n b' > lines
    status_is 0 t5g-decode --score --target x --targets lines "$BATS_FILE_TMPDIR/doc.t5g" > a.t5g
    err_has 'line 1 ends with a carriage return, which is part of the target'
    t5g-detok -0 a.t5g > got
    printf 'x\0a \r\0\0 b\0' | cmp - got
    printf 'a\nb\0c' > nul
    t5g-decode --score -0 --targets nul "$BATS_FILE_TMPDIR/doc.t5g" | t5g-detok -0 > got
    printf 'a\nb\0c\0' | cmp - got
    printf 'a\nb\n' | t5g-decode --score --targets - "$BATS_FILE_TMPDIR/doc.t5g" | t5g-detok -0 > got
    printf 'a\0b\0' | cmp - got
}

@test "a document's own targets and prompt travel through import and export; without one it fails" {
    cat > docs.jsonl <<'EOF'
{"id":"a","text":"Hello world","target":["the right",""],"prompt":"of"}
{"id":"b","text":"x","target":"y"}
{"id":"c","text":"x"}
{"id":"d","text":"x","target":[]}
{"id":"e","text":"x","target":3}
EOF
    status_is 3 t5g-tokenize --jsonl docs.jsonl -o tok.t5g
    err_has 'e: JSON line: byte 30: "target": expected a string or an array of strings, not a number'
    t5g-frame export --jsonl -o exported.jsonl tok.t5g || [ $? = 3 ]
    t5g-frame import --jsonl exported.jsonl | t5g-encode > enc.t5g || [ $? = 3 ]
    status_is 3 t5g-decode --score enc.t5g -o out.t5g
    [ "$(grep -c 'no target: give --target' err)" = 2 ]
    frames out.t5g | cut -d' ' -f1,2 > got
    printf '%s\n' 'a decode.ids' 'a decode.logprob' 'a decode.ids' 'a decode.logprob' 'b decode.ids' \
        'b decode.logprob' | cmp - got
    t5g-tokenize --jsonl docs.jsonl 2> /dev/null | t5g-encode 2> /dev/null |
        t5g-decode --score > direct.t5g 2> /dev/null || [ $? = 3 ]
    frames direct.t5g > direct
    frames out.t5g | cmp - direct
    printf '{"text":"x","target":"a","target":"b"}\n' | status_is 3 t5g-tokenize --jsonl - -o twice.t5g
}

@test "interactive prompts are scored one by one" {
    t5g-decode -p 'The' -p 'of' --score --target ' right' "$BATS_FILE_TMPDIR/three.t5g" > whole.t5g
    printf 'The\nof\n' | t5g-decode --prompts - --score --target ' right' "$BATS_FILE_TMPDIR/three.t5g" > live.t5g
    cmp whole.t5g live.t5g
}

@test "what excludes scores, and bad choices and targets: one line, and the right status" {
    local doc=$BATS_FILE_TMPDIR/doc.t5g
    refuse() { # STATUS TEXT OPTION...
        local want=$1 text=$2
        shift 2
        status_is "$want" t5g-decode -o none.t5g "$@" "$doc"
        grep -qF -- "$text" err || { cat err; return 1; }
        [ "$(grep -vc "^t5g-decode: try 't5g-decode --help'" err)" = 1 ]
        [ ! -e none.t5g ]
    }
    refuse 64 '--repetition-penalty acts on what is generated' --score --target a --repetition-penalty 2
    refuse 64 '--no-repeat-ngram-size acts on what is generated' --choice a --no-repeat-ngram-size 2
    refuse 64 '--num-beams acts on what is generated' --score --target a --num-beams 2
    refuse 64 '--sample acts on what is generated' --choice a --choice b --sample
    refuse 64 '--max-new-tokens acts on what is generated' --score --target a -n 3
    refuse 64 '--lookup acts on what is generated' --score --target a --lookup 3
    refuse 64 '--bad-words acts on what is generated' --score --target a --bad-words "$doc"
    refuse 64 '--early-stopping' --score --target a --early-stopping true
    refuse 64 '--regex acts on what is generated' --choice a --regex b
    refuse 64 '--json-schema acts on what is generated' --score --target a --json-schema "$doc"
    refuse 64 '--stream acts on what is generated' --score --target a --stream
    refuse 64 '--target and --targets go with --score' --target a
    refuse 64 '--score excludes --choice' --score --choice a
    refuse 64 '--choices-by goes with' --score --target a --choices-by first
    refuse 64 '--no-eos goes with' --no-eos
    refuse 64 '--rank goes with' --rank
    refuse 64 '--logprobs excludes --choices-by first' --choice a --choices-by first --logprobs
    refuse 64 '--choice: empty' --choice a --choice=
    refuse 64 '--choice: "a" and "a" are the same tokens' --choice a --choice b --choice a
    refuse 64 '--choice: "yes" and "ye" begin with the same token' --choice yes --choice ye --choices-by first
    refuse 64 '--target: empty, and --no-eos leaves nothing to score' --score --no-eos --target=
    refuse 65 'target: 3 tokens, limit 2 (--max-target-tokens)' --score --target hello --max-target-tokens 2
    refuse 65 'target: invalid UTF-8 at byte 1' --score --target $'a\xff'
    printf 'a\n\nb\n' > gap
    refuse 65 'gap: choice 2: empty' --choices gap
    printf 'a\nb\na\n' > same
    refuse 65 'same: choice 3: "a" and "a" are the same tokens' --choices same
    refuse 65 'same: choice 1: "a" and "a" are the same tokens' --choice a --choices same
    : > empty
    refuse 65 'empty: no target in it' --score --targets empty
    refuse 66 'absent: cannot open' --choices absent
    status_is 64 t5g-decode --score --targets - -o none.t5g < gap
    grep -qF -- '- reads standard input: name files of encoder outputs as operands' err
} < /dev/null

@test "--template: its text around each prompt, which is what the answer names" {
    printf '<start_of_turn>{prompt} of\n the {prompt}\n' > template
    printf '{"prompt":"a\\nb"}\n{"other":[1],"prompt":""}\n' > prompts.jsonl
    t5g-decode -n 5 -p x --prompts-jsonl prompts.jsonl --template template "$BATS_FILE_TMPDIR/doc.t5g" |
        t5g-frame export --jsonl > have.jsonl
    t5g-decode -n 5 -p $'<start_of_turn>x of\n the x\n' -p $'<start_of_turn>a\nb of\n the a\nb\n' \
        -p $'<start_of_turn> of\n the \n' "$BATS_FILE_TMPDIR/doc.t5g" | t5g-frame export --jsonl > want.jsonl
    python3 - <<'EOF'
import json
ids = lambda name: [f for f in json.load(open(name))["frames"] if f["name"] == "decode.ids"]
have, want = ids("have.jsonl"), ids("want.jsonl")
assert [f["data"] for f in have] == [f["data"] for f in want]
assert [f["meta"]["prompt"] for f in have] == ["x", "a\nb", ""]
EOF
    printf 'a\nb\0c' | t5g-decode -n 2 -0 --prompts - "$BATS_FILE_TMPDIR/doc.t5g" | t5g-detok --jsonl > got
    [ "$(grep -o '"prompt":"[^"]*"' got | tr -d '\n')" = '"prompt":"a\nb""prompt":"c"' ]
}

@test "--template around documents' own prompts; a document without one, and a template without a field, fail" {
    printf '({prompt})' > template
    printf '{"id":"a","text":"x","prompt":"of"}\n{"id":"b","text":"x"}\n' | t5g-tokenize --jsonl - | t5g-encode > enc.t5g
    status_is 3 t5g-decode -n 4 --template template enc.t5g -o have.t5g
    err_has 'b: no prompt for the template'
    t5g-decode -n 4 -p '(of)' enc.t5g > want.t5g
    [ "$(frames have.t5g | sed 's/.*} //')" = "$(frames want.t5g | sed -n '1s/.*} //p')" ]
    printf 'no field' > bad
    status_is 65 t5g-decode --template bad -p x enc.t5g -o none.t5g
    err_has 'bad: no {prompt} where the prompt belongs'
    printf 'a\xff{prompt}' > bad
    status_is 65 t5g-decode --template bad -p x enc.t5g -o none.t5g
    err_has 'bad: invalid UTF-8 at byte 1'
    status_is 66 t5g-decode --template absent -p x enc.t5g -o none.t5g
    printf '{"prompt":1}\n' > bad
    status_is 65 t5g-decode --prompts-jsonl bad enc.t5g -o none.t5g
    err_has 'bad: line 1: no "prompt" that is a string'
    printf '{"prompt":"a"}\n{"prompt":"a"\n' > bad
    status_is 65 t5g-decode --prompts-jsonl bad enc.t5g -o none.t5g
    err_has 'bad: line 2: '
    status_is 64 t5g-decode --prompts-jsonl bad --prompts bad enc.t5g -o none.t5g
    [ ! -e none.t5g ]
}

@test "t5g-detok: the choices of a prompt are one record, the best text or all of them sorted" {
    local doc=$BATS_FILE_TMPDIR/three.t5g
    t5g-decode -p 'The' -p '' --choice ' a' --choice $'b\tc' --choice d "$doc" > c.t5g
    t5g-frame export --jsonl c.t5g > frames.jsonl
    t5g-detok --jsonl c.t5g > records.jsonl
    t5g-detok c.t5g > lines
    t5g-detok -0 c.t5g > nul
    t5g-detok --tsv c.t5g > table
    t5g-detok --trim --jsonl c.t5g > trimmed.jsonl
    python3 - <<'EOF'
import json
docs = [json.loads(l) for l in open("frames.jsonl")]
have = [json.loads(l) for l in open("records.jsonl")]
trimmed = [json.loads(l) for l in open("trimmed.jsonl")]
texts = [" a", "b\tc", "d"]
want, rows = [], [["id", "The", "The#probability", "", "#probability"]]
for d in docs:
    metas = [f["meta"] for f in d["frames"] if f["name"] == "decode.ids"]
    rows.append([d["id"]])
    for k, prompt in enumerate(["The", ""]):
        group = metas[3 * k:3 * k + 3]
        assert [m["choice"] for m in group] == [0, 1, 2] and {m["choices"] for m in group} == {3}
        assert {m["prompt"] for m in group} == {prompt}
        votes = [{"text": t, "probability": m["probability"], "score": m["score"]} for t, m in zip(texts, group)]
        votes.sort(key=lambda v: -v["probability"])
        want.append({"id": d["id"], "text": votes[0]["text"], "prompt": prompt, "choices": votes})
        rows[-1] += [votes[0]["text"].replace("\t", "\\t"), "%.9g" % votes[0]["probability"]]
assert have == want, (have, want)
assert list(have[0]) == ["id", "text", "prompt", "choices"]
for h, t in zip(have, trimmed):
    assert t["text"] == h["text"].strip()
    assert [v["text"] for v in t["choices"]] == [v["text"].strip() for v in h["choices"]]
assert open("lines").read() == "".join(w["text"] + "\n" for w in want)
assert open("nul").read() == "".join(w["text"] + "\0" for w in want)
assert [l.rstrip("\n").split("\t") for l in open("table")] == rows
EOF
    t5g-decode --choice a --choice b "$doc" | t5g-detok --tsv | head -1 > heading
    printf 'id\ttext\tprobability\n' | cmp - heading
}

@test "t5g-detok: an interactive prompt's best choice is printed before the next prompt is read" {
    mkfifo prompts
    t5g-decode --prompts - --choice a --choice b "$BATS_FILE_TMPDIR/doc.t5g" < prompts | t5g-detok > out &
    exec 7> prompts
    printf 'The\n' >&7
    soon test -s out
    printf 'of\n' >&7
    exec 7>&-
    wait $!
    [ "$(wc -l < out)" = 2 ]
}

@test "t5g-detok --jsonl: tokens of a sequence with a score, in parts too" {
    t5g-decode -n 6 --logprobs -p 'The' "$BATS_FILE_TMPDIR/three.t5g" | t5g-detok --jsonl > whole
    t5g-decode -n 6 --logprobs -p 'The' --stream "$BATS_FILE_TMPDIR/three.t5g" | t5g-detok --jsonl | cmp - whole
    t5g-decode -n 6 --logprobs -p 'The' "$BATS_FILE_TMPDIR/three.t5g" > a.t5g
    frames a.t5g | sed -n 's/.*decode.ids.*} //p' |
        python3 -c 'import json, sys
for l in sys.stdin: print(len(json.loads(l)))' > want
    sed 's/.*,"tokens":\([0-9]*\),.*/\1/' whole | cmp - want
    t5g-decode -n 6 "$BATS_FILE_TMPDIR/three.t5g" | t5g-detok --jsonl > plain
    status_is 1 grep tokens plain
}

@test "perplexity.sh: a line for each target, and the corpus: that of transformers" {
    local perplexity=$T5G_TESTS/../pipelines/perplexity.sh golden=$T5G_TESTS/golden/tiny/hello/case.json
    python3 -c 'import json, sys
c = json.load(open(sys.argv[1]))
t = [t["text"] for t in c["targets"] if t["text"] is not None]
print(json.dumps({"id": "a\",\"text\":", "text": c["text"], "target": t[:2]}))
print(json.dumps({"id": "b", "text": c["text"], "target": t[2]}))' "$golden" > corpus.jsonl
    status_is 0 "$perplexity" corpus.jsonl > out
    python3 - "$golden" <<'EOF'
import json, math, sys
want = [t for t in json.load(open(sys.argv[1]))["targets"] if t["text"] is not None]
have = [json.loads(l) for l in open("out")]
assert [h.get("id") for h in have] == ["a\",\"text\":", "a\",\"text\":", "b", None]
want.append({"ids": sum((w["ids"] for w in want), []), "sum": sum(w["sum"] for w in want)})
for w, h in zip(want, have):
    assert h["tokens"] == len(w["ids"])
    assert abs(h["score"] - w["sum"]) < 3e-4 # three targets
    assert math.isclose(h["perplexity"], math.exp(-w["sum"] / len(w["ids"])), rel_tol=1e-4)
EOF
    printf '{"id":"c","text":"x"}\n' >> corpus.jsonl
    status_is 3 "$perplexity" - < corpus.jsonl > with
    cmp out with
    grep -q '^t5g-decode: c: no target' err
    status_is 64 "$perplexity" corpus.jsonl --sample > none
    for file in absent .; do status_is 66 "$perplexity" $file >> none; done
    status_is 66 env T5G_MODEL=nowhere "$perplexity" corpus.jsonl >> none
    [ ! -s none ]
    status_is 64 "$perplexity"
    for how in '-o foo' --output=foo -ofoo -h --help --version '-m x' --model=x '-qm x'; do
        # shellcheck disable=SC2086 # several words
        status_is 64 "$perplexity" corpus.jsonl $how >> none
        err_has 'perplexity.sh: -'
    done
    [ ! -e foo ] && [ ! -s none ]
    # A text after an option is none.
    head -n 2 corpus.jsonl > good.jsonl
    status_is 0 "$perplexity" good.jsonl -p -o > got
    [ ! -e foo ] && [ -s got ]
    for help in -h --help; do "$perplexity" $help | grep -q '^usage: perplexity.sh FILE'; done
}

@test "t5g-detok --tsv: the score of a target beside its text" {
    t5g-decode --score --target a --target 'b c' "$BATS_FILE_TMPDIR/three.t5g" > s.t5g
    t5g-detok --tsv s.t5g > table
    [ "$(head -1 table)" = $'id\ttext\tscore\ttext#1\tscore#1' ]
    t5g-detok --jsonl s.t5g | python3 -c 'import json, sys
rows = [l.rstrip("\n").split("\t") for l in open("table")][1:]
want = [json.loads(l) for l in sys.stdin]
assert len(rows) == 3 and len(want) == 6
for i, r in enumerate(rows):
    a, b = want[2 * i:2 * i + 2]
    assert r[1] == a["text"] and float(r[2]) == a["score"] and r[3] == b["text"] and float(r[4]) == b["score"], r'
    t5g-decode -p the -p of --score --target a "$BATS_FILE_TMPDIR/doc.t5g" | t5g-detok --tsv > table
    [ "$(head -1 table)" = $'id\tthe\tthe#score\tof\tof#score' ]
}

@test "choices that print nothing are told apart by their numbers" {
    t5g-decode --choice a --choice '<bos>' --choice '<eos>' "$BATS_FILE_TMPDIR/doc.t5g" | t5g-detok --jsonl > got
    python3 -c 'import json
c = json.load(open("got"))["choices"]
assert sorted((x["choice"], x["text"]) for x in c) == [(0, "a"), (1, ""), (2, "")], c'
    t5g-decode --choice a --choice b "$BATS_FILE_TMPDIR/doc.t5g" | t5g-detok --jsonl > got
    if grep -q '"choice":' got; then return 1; fi
}
