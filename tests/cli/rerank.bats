#!/usr/bin/env bats
# pipelines/rerank.sh: stored documents scored for queries by the probability of yes.
load common

rerank=$T5G_TESTS/../pipelines/rerank.sh

store() {
    printf 'The library reads tar archives.\nA game of cards.\nTools for C++ classes, and their documentation.\n' > lines
    t5g-tokenize -l --no-bos --template '<Document>: {text}' lines | t5g-encode --group 4 -o store.t5g
    printf 'archives\ncard "games"\n' > queries
}

# prompt QUERY: the prompt of KaLM-Reranker.
prompt() {
    printf '<start_of_turn>user\nJudge whether the Document meets the requirements based on the Query and the Instruct provided. Note that the answer can only be "yes" or "no".\n\n<Instruct>: Given a query, retrieve documents that answer the query.\n<Query>: %s<end_of_turn>\n<start_of_turn>model\n\n\n\n' "$1"
}

@test "a TREC run and JSON lines: the probabilities of t5g-decode, sorted" {
    store
    # The same by hand: a prompt at a time, from the stored rows.
    for q in 1 2; do
        prompt "$(sed -n ${q}p queries)" | awk -v ORS= 'NR > 1 { print "\\n" } { gsub(/"/, "\\\""); print }' > escaped
        printf '{"prompt":"%s\\n"}\n' "$(cat escaped)" > p.jsonl
        t5g-decode --prompts-jsonl p.jsonl --choice yes --choice no --choices-by first store.t5g | t5g-detok --jsonl |
            sed 's/^{"id":"\([^"]*\)".*{"text":"yes","probability":\([^,]*\),.*/\1 \2/' | sort -k 2,2gr |
            awk -v q=$q '{ print q, "Q0", $1, NR, $2, "t5g" }'
    done > want
    sh "$rerank" store.t5g queries > got
    cmp got want
    [ "$(wc -l < got)" = 6 ]
    sh "$rerank" -n 1 -r mine -o out store.t5g queries
    awk '$4 == 1 { $6 = "mine"; print }' want | cmp - out.trec
    best=$(awk '$1 == 2 && $4 == 1 { print $3 }' want)
    sed -n 2p out.jsonl | grep -qF "{\"query_id\":\"2\",\"query\":\"card \\\"games\\\"\",\"results\":[{\"index\":$((${best#*:} - 1)),\"id\":\"$best\",\"relevance_score\":"
    sh "$rerank" -j -n 1 store.t5g queries | cmp - out.jsonl
}

@test "ids of queries, another prompt and other answers, failed documents" {
    store
    printf 'q 7\tarchives\nq8\tcards\n' > named
    sh "$rerank" store.t5g named | cut -d ' ' -f 1 | uniq | tr '\n' ' ' | grep -qx 'q_7 q8 '
    sh "$rerank" -j store.t5g - < named | head -n 1 | grep -q '^{"query_id":"q 7","query":"archives","results":\[{"index":'
    printf 'Is it about {prompt}?' > t
    sh "$rerank" -t t -y a -x b store.t5g queries > got
    t5g-decode -p 'Is it about archives?' --choice a --choice b --choices-by first store.t5g | t5g-detok --jsonl |
        sed 's/.*{"text":"a","probability":\([^,]*\),.*/\1/' | sort -gr | cmp - <(awk '$1 == 1 { print $5 }' got)
    printf 'fine\n\377\nfine too\n' > lines
    t5g-tokenize -l --no-bos lines -o ids.t5g 2> /dev/null || true
    t5g-encode --group 4 --dtype q8 ids.t5g -o some.t5g 2> /dev/null || true
    status_is 3 sh "$rerank" -j some.t5g queries > got
    grep -o '"index":[0-9]*,"id":"[^"]*"' got | sort -u | tr '\n' ' ' | grep -qx '"index":0,"id":"lines:1" "index":2,"id":"lines:3" '
}

@test "any id, query and answer: TREC fields, and JSON that a parser reads" {
    cat > docs.jsonl <<'END'
{"id":"plain","text":"One document."}
{"id":"a \"b\"\\c\u0001\t","text":"Another document."}
{"id":"d\u3000\u00a0e","text":"And a third."}
END
    t5g-tokenize --jsonl docs.jsonl | t5g-encode -o store.t5g
    printf 'q\001"\\\tone \177 "two" \\ \001\tth\ree\nr \ts\n' > queries
    sh "$rerank" -r "a'b\\n" -o out store.t5g queries
    cut -d ' ' -f 3 out.trec | sort -u | tr '\n' ' ' | LC_ALL=C grep -qxF 'a_"b"\c__ d__e plain '
    cut -d ' ' -f 1 out.trec | uniq | tr '\n' ' ' | grep -qxF 'q_"\ r_ '
    [ "$(awk '{ print NF, $6 }' out.trec | sort -u)" = "6 a'b\\n" ]
    python3 - <<'END'
import json
lines = [json.loads(x) for x in open("out.jsonl", newline="\n")]
assert [(x["query_id"], x["query"]) for x in lines] == [('q\1"\\', 'one \x7f "two" \\ \1\tth\ree'), ("r ", "s")], lines
assert all({(r["index"], r["id"]) for r in x["results"]} == {(0, "plain"), (1, 'a "b"\\c\1\t'), (2, "d\u3000\xa0e")} for x in lines)
END
    # Answers with what JSON and awk would change.
    for yes in '"a' 'b\n' "$(printf '\tc')" "it's"; do
        sh "$rerank" -y "$yes" -x z store.t5g queries > got
        printf 'Judge {prompt}' > t
        sh "$rerank" -t t -y "$yes" -x z -j store.t5g <(echo x) > got
        t5g-decode -p 'Judge x' --choice "$yes" --choice z --choices-by first store.t5g | t5g-detok --jsonl | WANT=$yes python3 -c '
import json, os, sys
want = [c["probability"] for x in sys.stdin for c in json.loads(x)["choices"] if c["text"] == os.environ["WANT"]]
got = {r["index"]: r["relevance_score"] for r in json.load(open("got"))["results"]}
assert [got[i] for i in range(3)] == want, (got, want)'
    done
    # Two ids that a TREC run cannot tell apart.
    printf '{"id":"a b","text":"x"}\n{"id":"a_b","text":"y"}\n' | t5g-tokenize --jsonl | t5g-encode -o two.t5g
    status_is 65 sh "$rerank" -o two two.t5g queries
    err_has 'two ids of documents are a_b in a TREC run'
    [ ! -e two.trec ] && [ ! -e two.jsonl ]
    sh "$rerank" -j two.t5g queries | grep -c '"a b".*"a_b"\|"a_b".*"a b"' | grep -qx 2
    printf 'same\tone\nsame\ttwo\n' > twice
    status_is 65 sh "$rerank" store.t5g twice
    [ "$(find . -name '*.??????' -type d)" = "" ]
}

@test "flags that the script sets itself, or that are no words, are refused; so is one id of two documents in TREC" {
    store
    for flags in '-p foo' -pfoo '-qp foo' '--prompt=foo' '--prompts lines' '--prompts-j x' -0 --null '--template t' '--choice q' \
        '--choices lines' '--choices-by target' --choices-by=target --score '--target t' '--targets lines' --generate '-o foo' \
        --output=foo -h --help --version '--max-prompt-tokens 900 -p foo'; do
        status_is 64 env T5G_DECODE_FLAGS="$flags" sh "$rerank" store.t5g queries > got
        err_has 'rerank.sh: T5G_DECODE_FLAGS: -'
        [ ! -s got ] && [ ! -e foo ]
    done
    for flags in "-t '2" '-t "2' '-t 2 \' '-t 2 )'; do
        status_is 64 env T5G_DECODE_FLAGS="$flags" sh "$rerank" store.t5g queries
        err_has 'rerank.sh: T5G_DECODE_FLAGS: '
    done
    sh "$rerank" store.t5g queries > want
    T5G_DECODE_FLAGS='-qt 1 -b "4096" --max-prompt-tokens 900 --keep --no-eos' sh "$rerank" store.t5g queries | cmp - want
    for form in '' -j; do
        status_is 74 sh "$rerank" $form store.t5g queries > /dev/full
        err_has 'rerank.sh: standard output: cannot be written'
    done
    # The user's file is what is named.
    printf 'one\r\ntwo\r\n' > crlf
    printf '1\tone\r\n2\ttwo\r\n' > 'tab s'
    for file in crlf 'tab s'; do
        status_is 0 sh "$rerank" store.t5g "$file" > got
        err_has "t5g-decode: $file: line 1 ends with a carriage return"
    done
    status_is 0 sh "$rerank" store.t5g - < crlf > got
    err_has "t5g-decode: stdin: line 1 ends with a carriage return"
    printf '{"id":"a","text":"x"}\n{"id":"a","text":"y"}\n' | t5g-tokenize --jsonl | t5g-encode -o same.t5g
    status_is 65 sh "$rerank" same.t5g queries > got
    err_has 'two ids of documents are a in a TREC run'
    [ ! -s got ]
    sh "$rerank" -j same.t5g queries | grep -c '"index":[01],"id":"a".*"index":[01],"id":"a"' | grep -qx 2
}

@test "wrong use" {
    store
    status_is 64 sh "$rerank" store.t5g
    status_is 64 sh "$rerank" -n x store.t5g queries
    status_is 66 sh "$rerank" none.t5g queries
    : > empty
    status_is 66 sh "$rerank" store.t5g empty
    printf 'a\tb\nc\n' > mixed
    status_is 65 sh "$rerank" store.t5g mixed
    status_is 64 sh "$rerank" -y same -x same store.t5g queries
    printf 'no field' > t
    status_is 64 sh "$rerank" -t t store.t5g queries || status_is 65 sh "$rerank" -t t store.t5g queries
    for how in '-j -o out' '-i other -t t' '-n 0' '-n 1x' '-z'; do
        # shellcheck disable=SC2086 # several words
        status_is 64 sh "$rerank" $how store.t5g queries
    done
    for letter in o n i t y x r m; do
        status_is 64 sh "$rerank" -$letter '' store.t5g queries
        err_has "rerank.sh: -$letter: an empty argument"
    done
    status_is 64 sh "$rerank" -r 'my run' store.t5g queries
    err_has 'rerank.sh: -r: the name of a run has no blanks'
    status_is 64 env T5G_DECODE_FLAGS=--nope sh "$rerank" store.t5g queries
    status_is 66 sh "$rerank" -m none store.t5g queries
    status_is 66 sh "$rerank" -t none store.t5g queries
    status_is 66 sh "$rerank" store.t5g .
    status_is 73 sh "$rerank" -o none/out store.t5g queries
    printf '\377\tx\n' > bad
    status_is 65 sh "$rerank" store.t5g bad
    head -c 2000 store.t5g > cut.t5g
    status_is 76 sh "$rerank" cut.t5g queries
}
