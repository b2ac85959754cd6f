#!/usr/bin/env bats
# Constraints on what t5g-decode generates.
load common

setup_file() {
    t5g-tokenize -m "$T5G_TESTS/models/tiny" -e 'Hello world' -e 'the right of' |
        t5g-encode -m "$T5G_TESTS/models/tiny" -o "$BATS_FILE_TMPDIR/docs.t5g"
}

# texts ARG...: what is generated for both documents.
texts() {
    t5g-decode "$@" "$BATS_FILE_TMPDIR/docs.t5g" | t5g-detok --newline escape
}

# all_match RE: every line of stdin, of which there are some, matches.
all_match() {
    tee lines
    [ -s lines ]
    if grep -vxP -- "$1" lines; then return 1; fi
}

@test "--regex: all of the text matches, greedily, drawn, by beams, with prompts" {
    for re in '[a-z]{2,5}-\d{3}' 'yes|no|maybe' '(ab|cd){2,5}!' '[^\x00-\x7f]{3}' '"([^"\\\x00-\x1f]|\\["\\bn]){3}"'; do
        texts --regex "$re" -n 60 | all_match "(*UTF8)$re"
        texts --regex "$re" -n 60 --sample --num-return-sequences 4 | all_match "(*UTF8)$re"
        texts --regex "$re" -n 60 --num-beams 4 --num-return-sequences 2 | all_match "(*UTF8)$re"
        texts --regex "$re" -n 60 -p the -p of | all_match "(*UTF8)$re"
    done
}

@test "--regex: finish is eos with the whole text, length without" {
    texts_json() { t5g-decode "$@" "$BATS_FILE_TMPDIR/docs.t5g" | t5g-detok --jsonl; }
    texts_json --regex '[0-9]{4}' | grep -c '"finish":"eos"' | grep -qx 2
    texts_json --regex '[0-9]{400}' -n 7 | grep -c '"finish":"length"' | grep -qx 2
}

@test "--regex: the same ids with guesses, threads, one by one, from a packed model" {
    want=$(t5g-decode --regex '[a-z ]{5,}\.' -n 40 "$BATS_FILE_TMPDIR/docs.t5g" | t5g-detok --jsonl)
    for args in '--lookup 9' '-t 2' '-b 1' '--stream'; do
        # shellcheck disable=SC2086
        got=$(t5g-decode $args --regex '[a-z ]{5,}\.' -n 40 "$BATS_FILE_TMPDIR/docs.t5g" | t5g-detok --jsonl)
        [ "$got" = "$want" ]
    done
    # A packed bf16 model screens the head's rows; it is compared with itself computing all of them.
    t5g-pack --weights bf16 -m "$tiny" -o packed.t5g
    for re in '[a-z ]{5,}\.' '[^z]{30}' 'a[0-9]+b'; do
        t5g-decode -m packed.t5g --regex "$re" -n 40 "$BATS_FILE_TMPDIR/docs.t5g" | t5g-detok -m packed.t5g > screened
        t5g-decode -m packed.t5g --regex "$re" -n 40 --logprobs "$BATS_FILE_TMPDIR/docs.t5g" |
            t5g-detok -m packed.t5g > whole
        cmp screened whole
    done
}

@test "--regex: what is wrong with it is said, status 64" {
    doc=$BATS_FILE_TMPDIR/docs.t5g
    status_is 64 t5g-decode --regex 'a(b' "$doc"
    err_has_line "--regex: byte 1: a group without )"
    status_is 64 t5g-decode --regex '(a)\1' "$doc"
    err_has_line '--regex: byte 3: \1: back-references are not supported'
    status_is 64 t5g-decode --regex '[^\s\S]' "$doc"
    err_has_line "--regex: no text matches it"
    status_is 64 t5g-decode --regex '' "$doc"
}

schema() {
    cat > schema.json << 'END'
{"type": "object", "required": ["name", "n", "tree"],
 "properties": {"name": {"type": "string", "minLength": 2, "maxLength": 5},
                "kind": {"enum": ["a", "b\"c", 3, null]},
                "n": {"type": "integer", "minimum": -12, "maximum": 305},
                "tags": {"type": "array", "items": {"type": "string", "pattern": "^[a-z]{2}$"}, "maxItems": 3},
                "tree": {"$ref": "#/$defs/node"}},
 "$defs": {"node": {"type": "object", "required": ["v"],
                    "properties": {"v": {"type": ["boolean", "null"]},
                                   "kids": {"type": "array", "items": {"$ref": "#/$defs/node"}, "maxItems": 2}}}}}
END
}

@test "--json-schema: the answers are valid, greedily, drawn, by beams, with guesses" {
    schema
    for args in '' '--lookup 5' '--sample --num-return-sequences 6 --temperature 2' '--num-beams 4'; do
        # shellcheck disable=SC2086
        t5g-decode $args --json-schema schema.json -n 400 -p the -p of "$BATS_FILE_TMPDIR/docs.t5g" | t5g-detok --jsonl
    done > answers
    [ "$(grep -c '"finish":"eos"' answers)" -ge 20 ]
    python3 - << 'END'
import json, re
def node(v):
    assert set(v) <= {"v", "kids"} and v["v"] in (None, True, False), v
    assert len(v.get("kids", [])) <= 2
    for kid in v.get("kids", []): node(kid)
for line in open("answers"):
    line = json.loads(line)
    if line["finish"] != "eos": continue
    text = line["text"]
    v = json.loads(text)
    assert list(v) == [k for k in ("name", "kind", "n", "tags", "tree") if k in v], text
    assert {"name", "n", "tree"} <= set(v), text
    assert 2 <= len(v["name"]) <= 5 and type(v["n"]) is int and -12 <= v["n"] <= 305, text
    assert "kind" not in v or v["kind"] in ("a", 'b"c', 3, None), text
    assert len(v.get("tags", [])) <= 3 and all(re.fullmatch("[a-z]{2}", t) for t in v.get("tags", [])), text
    node(v["tree"])
END
}

@test "--json-schema: numbers that a double does not hold are refused" {
    echo text | t5g-tokenize | t5g-encode -o e.t5g
    for schema in '{"const":9007199254740993}' '{"enum":[{"a":[1e23]}]}' \
        '{"type":"integer","minimum":9007199254740993}'; do
        echo "$schema" > s.json
        status_is 65 t5g-decode --json-schema s.json e.t5g
        err_has '2^53'
    done
}

@test "--json-schema: what is wrong with it is said, status 65; large and deep ones at once" {
    doc=$BATS_FILE_TMPDIR/docs.t5g
    echo '{"type":"object","properties":{"a":{"type":"number","multipleOf":2}}}' > a.json
    status_is 65 t5g-decode --json-schema a.json "$doc"
    err_has "a.json: #/properties/a: 'multipleOf' is not supported"
    echo '{"type":"array","minItems":3,"maxItems":2,"items":{"type":"null"}}' > a.json
    status_is 65 t5g-decode --json-schema a.json "$doc"
    err_has "a.json: #: 'maxItems' is below 'minItems': no value is valid"
    echo '{"$ref":"#/$defs/a","$defs":{"a":{"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]}}}' > a.json
    status_is 65 t5g-decode --json-schema a.json "$doc"
    err_has "a.json: no text matches it"
    { printf '{"type":"null","title":"'; head -c 10000000 /dev/zero | tr '\0' x; echo '"}'; } > a.json
    status_is 65 t5g-decode --json-schema a.json "$doc"
    err_has "a.json: larger than 1048576 bytes"
    printf '{"type":"array","items":%.0s' {1..1000} > a.json
    status_is 65 t5g-decode --json-schema a.json "$doc"
    err_has "a.json: byte 1536: nested more than 64 levels deep"
    status_is 66 t5g-decode --json-schema none.json "$doc"
    status_is 64 t5g-decode --json-schema a.json --regex a "$doc"
    err_has_line "--regex excludes --json-schema"
}

@test "--generate: one of the choices, greedily, drawn, by beams" {
    doc=$BATS_FILE_TMPDIR/docs.t5g
    seq 1 500 | sed 's/$/ label/; s/^[3-5]/&é水/' > labels
    for args in '' '--sample --num-return-sequences 5' '--num-beams 3' '-p the -p of --lookup 3'; do
        # shellcheck disable=SC2086
        t5g-decode --generate --choices labels --choice yes $args "$doc" | t5g-detok
    done > answers
    [ "$(wc -l < answers)" = 18 ]
    echo yes >> labels
    if grep -vxFf labels answers; then return 1; fi
    printf 'a\0two\nlines\0' > nul
    t5g-decode --generate --choices nul -0 "$doc" | t5g-detok --newline escape > answers
    if grep -vx -e a -e 'two\\nlines' answers; then return 1; fi
    status_is 64 t5g-decode --generate "$doc"
    err_has_line "--generate goes with --choice or --choices"
    status_is 64 t5g-decode --generate --choice a --choice b --choice a "$doc"
    err_has "choices 1 and 3 are equal"
    printf 'a\n\nb\n' > labels
    status_is 65 t5g-decode --generate --choices labels "$doc"
    err_has "labels: choice 2 is empty"
    status_is 64 t5g-decode --generate --choice a --regex b "$doc"
    err_has_line "--generate excludes --regex"
    status_is 64 t5g-decode --choice a --regex b "$doc"
    err_has_line "--regex acts on what is generated, and --choice generates nothing"
}

@test "what a constraint allows and another option forbids fails the document" {
    status_is 3 t5g-decode --regex 'ab' --min-new-tokens 9 -o out.t5g "$BATS_FILE_TMPDIR/docs.t5g"
    grep -q 'what the constraint allows is forbidden by other options' err
}

@test "fewer answers than sequences were asked for: those that there are, in every form of the search" {
    doc=$BATS_FILE_TMPDIR/docs.t5g
    local groups='--num-beams 4 --num-beam-groups 2 --diversity-penalty 0.25 --num-return-sequences 4'
    # shellcheck disable=SC2086
    status_is 0 t5g-decode --regex '[a-z]{3}' $groups -o out.t5g "$doc"
    [ "$(t5g-detok out.t5g | grep -cxE '[a-z]{3}')" = 8 ]
    for args in '' --stream '--early-stopping true' --sample; do
        # shellcheck disable=SC2086
        status_is 0 t5g-decode --regex 'a|b' --num-beams 8 --num-return-sequences 8 $args -o out.t5g "$doc"
        # Both letters, each as a token of a letter and as one of a byte.
        t5g-detok out.t5g | sort | uniq -c | sed 's/ *//' > found
        printf '4 a\n4 b\n' | cmp - found
        t5g-frame export --jsonl out.t5g > frames
        [ "$(grep -o '"requested":8' frames | wc -l)" = 2 ]
        # A table has columns for all.
        t5g-detok --tsv out.t5g > table
        head -1 table | grep -q 'text#7$'
        awk -F '\t' 'NF != 9 { exit 1 }' table
    done
    # No more were asked for than there are.
    t5g-decode --regex 'a|b' --num-beams 4 --num-return-sequences 4 "$doc" | t5g-frame export --jsonl > frames
    if grep requested frames; then return 1; fi
    # shellcheck disable=SC2086
    status_is 3 t5g-decode --regex 'ab' --min-new-tokens 9 $groups -o out.t5g "$doc"
    grep -q 'what the constraint allows is forbidden by other options' err
}

@test "without a constraint: beams that other options end are dropped, and those that are complete stay" {
    # Only three tokens, each once: two sequences are complete when nothing is left.
    ids=$(seq -s, 3 639)
    status_is 0 t5g-decode --suppress-tokens "$ids" --no-repeat-ngram-size 1 -n 20 --num-beams 4 --num-return-sequences 4 \
        -o out.t5g "$BATS_FILE_TMPDIR/docs.t5g"
    t5g-detok --jsonl out.t5g > found
    [ "$(grep -c '"finish":"eos"' found)" = 4 ]
    [ "$(wc -l < found)" = 4 ]
    status_is 3 t5g-decode --num-beams 4 --length-penalty -100 --min-new-tokens 9 -n 9 -o out.t5g "$BATS_FILE_TMPDIR/docs.t5g"
    grep -q 'score: not finite, with --length-penalty -100' err
}

# any_of N WHAT: a schema of N patterns, each WHAT with a number for %d.
any_of() {
    python3 -c 'import json, sys
n, what = int(sys.argv[1]), sys.argv[2]
print(json.dumps({"anyOf": [{"type": "string", "pattern": what.replace("%d", str(i)), "maxLength": 100 if n < 100 else 15}
                            for i in range(1, n + 1)]}))' "$@"
}

@test "--json-schema: many patterns beside a length are compiled at once, or refused at once" {
    doc=$BATS_FILE_TMPDIR/docs.t5g
    any_of 40 'a.{%d}b' > many.json
    status_is 0 timeout 90 t5g-decode --json-schema many.json -n 200 --sample -o out.t5g "$doc"
    t5g-detok --jsonl out.t5g | python3 -c 'import json, re, sys
n = 0
for line in sys.stdin:
    answer = json.loads(line)
    if answer["finish"] != "eos": continue
    text = json.loads(answer["text"])
    assert len(text) <= 100 and any(re.search("a.{%d}b" % i, text) for i in range(1, 41)), text
    n += 1
assert n > 0'
    any_of 900 "($(printf '.|%.0s' {1..200})x)*%d" > large.json
    status_is 65 t5g-decode --json-schema large.json "$doc"
    err_has 'large.json: too large: it leaves too many ways to read a text (more than 2097152 places, or 8388608 steps'
    # Places without a way on are not counted one by one.
    any_of 100 "$(printf '.%.0s' {1..700})%d" > none.json
    status_is 65 t5g-decode --json-schema none.json "$doc"
    err_has 'none.json: no text matches it'
}

@test "a text that can be read in very many ways fails soon" {
    python3 -c 'import json
p = ["a.{%d}b|c.{%d}d|e.{%d}f" % (i, i + 1, i + 2) for i in range(1, 900)]
print(json.dumps({"anyOf": [{"type": "string", "pattern": x} for x in p]}))' > ways.json
    echo text | t5g-tokenize | t5g-encode -o doc.t5g
    status_is 3 t5g-decode --json-schema ways.json --sample -n 1000 -o out.t5g doc.t5g
    err_has 'of the answer: the constraint leaves too many ways to read the text so far: make it simpler'
}

@test "--json-schema: chains of references as deep as the page says; a type stands once in a list" {
    doc=$BATS_FILE_TMPDIR/docs.t5g
    # chain N: N references, one to the next.
    chain() {
        python3 -c 'import json, sys
n = int(sys.argv[1])
d = {"r%d" % i: {"$ref": "#/$defs/r%d" % (i + 1)} for i in range(1, n)}
d["r%d" % n] = {"type": "null"}
print(json.dumps({"$ref": "#/$defs/r1", "$defs": d}))' "$1"
    }
    chain 256 > a.json
    t5g-decode --json-schema a.json -n 9 "$doc" | t5g-detok | all_match null
    chain 257 > a.json
    status_is 65 t5g-decode --json-schema a.json "$doc"
    err_has "'\$ref' leads to more than 256 references, or to itself"
    echo '{"type":["string","null","string"]}' > a.json
    status_is 65 t5g-decode --json-schema a.json "$doc"
    err_has "a.json: #: 'type' names a type twice"
}
