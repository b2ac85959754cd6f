#!/bin/sh
# rerank.sh: score stored documents for queries with a reranker that answers yes or no, as KaLM-Reranker does.
#
#   t5g-tokenize -l --no-bos --template '<Document>: {text}' --max-tokens 1024 --too-long cut lines.txt |
#       t5g-encode --group 4 -o store.t5g
#   rerank.sh store.t5g queries.txt > run.trec
#
# The score of a document is the probability of yes among yes and no, by their first tokens, behind a prompt that names
# the query.
set -u
usage() {
    cat << 'END'
usage: rerank.sh [options] STORE QUERIES

STORE is a stream of encoded documents; QUERIES has a query on each line: its id, a tab and the query, or only the
query, whose id is then the number of its line. -: standard input.

  -o OUT       write OUT.trec and OUT.jsonl
  -j           print JSON lines on standard output, not the TREC run
  -n N         the N best documents for each query (default: all)
  -i TEXT      the instruction in the prompt
  -t FILE      another prompt, with {prompt} in place of the query
  -y YES       the answer whose probability is the score (default yes)
  -x NO        the other answer (default no)
  -r TAG       the name of the run (default t5g)
  -m MODEL     for the programs

TREC: query, Q0, document, rank, score, TAG; white space in ids is written as _. JSON: for each query an object
{"query_id","query","results":[{"index","id","relevance_score"},...]}, best first; index is the place of the document in
STORE, from 0. A document that failed is left out, and the status is 3.
T5G_DECODE_FLAGS: more options for t5g-decode, quoted as for a shell.
END
}
complain() {
    printf 'rerank.sh: %s\n' "$2" >&2
    exit "$1"
}
out='' json='' most=0 template='' yes=yes tag=t5g
export no=no
task='Given a query, retrieve documents that answer the query.'
[ "${1-}" != --help ] || { usage; exit 0; }
while getopts o:jn:i:t:y:x:r:m:h option; do
    case $option in
    o) out=$OPTARG ;;
    j) json=1 ;;
    n) most=$OPTARG ;;
    i) task=$OPTARG ;;
    t) template=$OPTARG ;;
    y) yes=$OPTARG ;;
    x) export no="$OPTARG" ;;
    r) tag=$OPTARG ;;
    m) export T5G_MODEL="$OPTARG" ;;
    h) usage; exit 0 ;;
    *) usage >&2; exit 64 ;;
    esac
done
shift $((OPTIND - 1))
[ $# = 2 ] || complain 64 'expected STORE and QUERIES'
case $most in *[!0-9]* | '') complain 64 "-n $most: not a number" ;; esac
[ -r "$1" ] || complain 66 "$1: cannot read"
work=$(mktemp -d) || exit 73
trap 'rm -rf "$work"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

if [ "$2" = - ]; then cat; else cat -- "$2"; fi > "$work/asked" || exit 66
[ -s "$work/asked" ] || complain 66 "$2: no queries"
cut -s -f 1 "$work/asked" > "$work/tabs"
if [ "$(wc -l < "$work/tabs")" = 0 ]; then
    awk '{ print NR }' "$work/asked" > "$work/ids"
    cp "$work/asked" "$work/queries"
else
    awk -F '\t' 'NF < 2 { exit 1 }' "$work/asked" || complain 65 "$2: some lines have an id and a tab, others have not"
    cut -f 1 "$work/asked" > "$work/ids"
    cut -f 2- "$work/asked" > "$work/queries"
fi
if [ -z "$template" ]; then
    template=$work/template
    {
        printf '<start_of_turn>user\nJudge whether the Document meets the requirements based on the Query and the '
        printf 'Instruct provided. Note that the answer can only be "yes" or "no".\n\n'
        printf '<Instruct>: %s\n<Query>: {prompt}<end_of_turn>\n<start_of_turn>model\n\n\n\n' "$task"
    } > "$template"
fi

# The statuses of the two programs go to a file: a pipe has only the last one's.
{
    eval "t5g-decode --template \"\$template\" --prompts \"\$work/queries\" \
        --choice \"\$yes\" --choice \"\$no\" --choices-by first ${T5G_DECODE_FLAGS-}" '"$1"'
    echo $? > "$work/status"
} | t5g-detok --jsonl > "$work/records"
status=$?
decoded=$(cat "$work/status")
[ "$decoded" = 0 ] || [ "$decoded" = 3 ] || exit "$decoded"
[ "$status" = 0 ] || [ "$status" = 3 ] || exit "$status"

# A line for each document and query: number of the query, score, number and id of the document. Records come by
# document, and of each in the order of the queries; a failed document has one with "error".
awk -v queries="$(wc -l < "$work/ids")" -v want="$yes" '
function string(s, key,    at) { # the JSON string behind key, without its quotes
    at = index(s, key)
    if (!at) return ""
    s = substr(s, at + length(key))
    match(s, /^"([^"\\]|\\.)*"/)
    return substr(s, 2, RLENGTH - 2)
}
function quoted(s) { gsub(/\\/, "&&", s); gsub(/"/, "\\\"", s); return s }
BEGIN { key = "{\"text\":\"" quoted(want) "\",\"probability\":" }
{
    if (match($0, /^\{"id":"([^"\\]|\\.)*","error":/)) { doc++; n = 0; next }
    at = index($0, key)
    p = substr($0, at + length(key))
    if (!at || !match(p, /^[-+.0-9eE]+/)) { print "no probability: " $0 > "/dev/stderr"; exit 65 }
    printf "%d\t%s\t%d\t%s\n", n + 1, substr(p, 1, RLENGTH), doc + 0, string($0, "{\"id\":")
    if (++n == queries) { doc++; n = 0 }
}' "$work/records" > "$work/scores" || exit 65
LC_ALL=C sort -t "$(printf '\t')" -k 1,1n -k 2,2gr -k 3,3n "$work/scores" |
    awk -F '\t' -v most="$most" '$1 != last { last = $1; rank = 0 } ++rank <= most || !most { print $0 "\t" rank }' > "$work/ranked"

trec() {
    awk -F '\t' -v tag="$tag" '
    function word(s) { gsub(/\\[nrtf]|[ \t\f\r]/, "_", s); return s == "" ? "_" : s }
    NR == FNR { id[NR] = word($0); next }
    { print id[$1], "Q0", word($4), $5, $2, tag }' "$work/ids" "$work/ranked"
}
lines() {
    awk -F '\t' '
    function quoted(s) { gsub(/\\/, "&&", s); gsub(/"/, "\\\"", s); gsub(/\t/, "\\t", s); gsub(/\r/, "\\r", s); return s }
    FILENAME == ARGV[1] { id[FNR] = quoted($0); n = FNR; next }
    FILENAME == ARGV[2] { query[FNR] = quoted($0); next }
    { r[$1] = r[$1] (r[$1] == "" ? "" : ",") "{\"index\":" $3 ",\"id\":\"" $4 "\",\"relevance_score\":" $2 "}" }
    END { for (i = 1; i <= n; i++) print "{\"query_id\":\"" id[i] "\",\"query\":\"" query[i] "\",\"results\":[" r[i] "]}" }
    ' "$work/ids" "$work/queries" "$work/ranked"
}
if [ -n "$out" ]; then
    for form in trec lines; do
        name=$out.trec
        [ "$form" = trec ] || name=$out.jsonl
        { $form > "$name.tmp" && mv -- "$name.tmp" "$name"; } || complain 73 "$name: cannot write"
    done
elif [ -n "$json" ]; then
    lines
else
    trec
fi
[ "$decoded" = 0 ] && exit "$status"
exit "$decoded"
