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
program=rerank.sh
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd) || exit 66
# shellcheck source=pipelines/stages.sh
. "$here/stages.sh" || exit 66
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

TREC: query, Q0, document, rank, score, TAG. Ids are as they are, but blanks and control characters in them, which a
field cannot hold, are _; if two ids are equal then, the status is 65: JSON lines have both. JSON: for each query an
object {"query_id","query","results":[{"index","id","relevance_score"},...]}, best first; index is the place of the
document in STORE, from 0. A document that failed is left out, and the status is 3.
T5G_DECODE_FLAGS: more options for t5g-decode, quoted as for a shell; not those for prompts, choices and output.
END
}
out='' json='' most='' template='' task='' tag=''
export yes=yes no=no
[ "${1-}" != --help ] || { usage; exit 0; }
while getopts o:jn:i:t:y:x:r:m:h option; do
    case $option in
    j) json=1 ;;
    h) usage; exit 0 ;;
    '?') usage >&2; exit 64 ;;
    *) given "$option" "$OPTARG" ;;
    esac
    case $option in
    o) out=$OPTARG ;;
    n) count n "$OPTARG" && most=$OPTARG ;;
    i) task=$OPTARG ;;
    t) template=$OPTARG ;;
    y) yes=$OPTARG ;;
    x) no=$OPTARG ;;
    r) tag=$OPTARG ;;
    m) export T5G_MODEL="$OPTARG" ;;
    esac
done
shift $((OPTIND - 1))
[ $# = 2 ] || complain 64 'expected STORE and QUERIES'
[ -z "$out" ] || [ -z "$json" ] || complain 64 '-j is for standard output: -o writes both forms'
[ -z "$task" ] || [ -z "$template" ] || complain 64 '-i is for the usual prompt: -t gives another'
case $tag in *[[:space:][:cntrl:]]*) complain 64 '-r: the name of a run has no blanks' ;; esac
[ -r "$1" ] && [ ! -d "$1" ] || complain 66 "$1: cannot be read"
readable "$2"
flags T5G_DECODE_FLAGS "${T5G_DECODE_FLAGS-}" p0oh \
    'prompt prompts prompts-jsonl null template choice choices choices-by score target targets generate output help version'
need t5g-decode t5g-detok
folder "$out"

if [ "$2" = - ]; then cat; else cat -- "$2"; fi > "$work/asked" || exit 66
[ -s "$work/asked" ] || complain 66 "$2: no queries"
iconv -f UTF-8 -t UTF-8 "$work/asked" > /dev/null 2>&1 || complain 65 "$2: not UTF-8"
cut -s -f 1 "$work/asked" > "$work/tabs"
if [ ! -s "$work/tabs" ]; then
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
        printf 'Instruct provided. Note that the answer can only be "yes" or "no".\n\n<Instruct>: %s\n' \
            "${task:-Given a query, retrieve documents that answer the query.}"
        printf '<Query>: {prompt}<end_of_turn>\n<start_of_turn>model\n\n\n\n'
    } > "$template"
fi

# decode STORE
decode() {
    eval "stage 1 t5g-decode --template \"\$template\" --prompts \"\$work/queries\" \
        --choice \"\$yes\" --choice \"\$no\" --choices-by first ${T5G_DECODE_FLAGS-}" '-- "$1"' |
        stage 2 t5g-detok --jsonl -o "$work/records"
}
# Messages name the file with the queries, not ours. Progress is for a terminal alone.
if [ -t 2 ] && ! grep -q "$(printf '\r')" "$work/queries"; then
    decode "$1"
else
    decode "$1" 2>&1 | FROM=$work/queries TO=$2 awk 'BEGIN { from = ENVIRON["FROM"]; to = ENVIRON["TO"] == "-" ? "stdin" : ENVIRON["TO"] }
        at = index($0, from) { $0 = substr($0, 1, at - 1) to substr($0, at + length(from)) }
        { print; fflush() }' >&2
fi
outcome 2
status=$?
whole "$status" || exit "$status"

# quoted(S): what stands between the quotes of a JSON string, as t5g-detok writes it. field(S): S, such a string, as a
# field of a TREC run; blanks of Unicode too, at which some readers divide lines.
export LC_ALL=C
functions='
function quoted(s,    out, i, c) {
    if (s !~ /["\\\001-\037\177]/) return s
    for (i = 1; i <= length(s); i++) { c = substr(s, i, 1); out = out (c in escape ? escape[c] : c) }
    return out
}
function field(s,    out, c) {
    while (match(s, /\\/)) {
        c = substr(s, RSTART + 1, 1)
        out = out substr(s, 1, RSTART - 1) (c ~ /["\\]/ ? c : "_")
        s = substr(s, RSTART + (c == "u" ? 6 : 2))
    }
    s = out s
    gsub(/ |\302\240|\302\205|\341\232\200|\342\200[\200-\212\250\251\257]|\342\201\237|\343\200\200/, "_", s)
    return s == "" ? "_" : s
}
BEGIN {
    for (i = 1; i < 32; i++) escape[sprintf("%c", i)] = sprintf("\\u%04x", i)
    escape["\177"] = "\\u007f"; escape["\""] = "\\\""; escape["\\"] = "\\\\"
    escape["\b"] = "\\b"; escape["\f"] = "\\f"; escape["\n"] = "\\n"; escape["\r"] = "\\r"; escape["\t"] = "\\t"
}'

# A line for each document and query: number of the query, score, number and id of the document. Records come by
# document, and of each in the order of the queries; a failed document has one with "error".
awk -v queries="$(wc -l < "$work/ids")" "$functions"'
function string(s, key,    at) { # the JSON string behind key, without its quotes
    at = index(s, key)
    if (!at) return ""
    s = substr(s, at + length(key))
    match(s, /^"([^"\\]|\\.)*"/)
    return substr(s, 2, RLENGTH - 2)
}
BEGIN { key = "{\"text\":\"" quoted(ENVIRON["yes"]) "\",\"probability\":" }
{
    if (match($0, /^\{"id":"([^"\\]|\\.)*","error":/)) { doc++; n = 0; next }
    at = index($0, key)
    p = substr($0, at + length(key))
    if (!at || !match(p, /^[-+.0-9eE]+/)) { print "rerank.sh: no probability of the answer: " $0 > "/dev/stderr"; exit 65 }
    printf "%d\t%s\t%d\t%s\n", n + 1, substr(p, 1, RLENGTH), doc + 0, string($0, "{\"id\":")
    if (++n == queries) { doc++; n = 0 }
}' "$work/records" > "$work/scores" || exit 65
sort -t "$(printf '\t')" -k 1,1n -k 2,2gr -k 3,3n "$work/scores" |
    awk -F '\t' -v most="${most:-0}" '$1 != last { last = $1; rank = 0 } ++rank <= most || !most { print $0 "\t" rank }' > "$work/ranked"

trec() {
    TAG=${tag:-t5g} awk -F '\t' "$functions"'
    function unique(word, raw, what) {
        if ((what, word) in seen && seen[what, word] != raw) {
            print "rerank.sh: two ids of " what " are " word " in a TREC run: -j prints JSON lines" > "/dev/stderr"
            exit 65
        }
        seen[what, word] = raw
        return word
    }
    FILENAME == ARGV[1] { id[FNR] = unique(field(quoted($0)), FNR, "queries"); next }
    { print id[$1], "Q0", unique(field($4), $3, "documents"), $5, $2, ENVIRON["TAG"] }' "$work/ids" "$work/ranked"
}
lines() {
    awk -F '\t' "$functions"'
    FILENAME == ARGV[1] { id[FNR] = quoted($0); n = FNR; next }
    FILENAME == ARGV[2] { query[FNR] = quoted($0); next }
    { r[$1] = r[$1] (r[$1] == "" ? "" : ",") "{\"index\":" $3 ",\"id\":\"" $4 "\",\"relevance_score\":" $2 "}" }
    END { for (i = 1; i <= n; i++) print "{\"query_id\":\"" id[i] "\",\"query\":\"" query[i] "\",\"results\":[" r[i] "]}" }
    ' "$work/ids" "$work/queries" "$work/ranked"
}
if [ -n "$out" ]; then
    trec > "$work/run.trec" && lines > "$work/run.jsonl" || exit
    for form in trec jsonl; do
        [ ! -d "$out.$form" ] && mv -f -- "$work/run.$form" "$out.$form" || complain 73 "$out.$form: cannot be made"
    done
else
    if [ -n "$json" ]; then lines; else trec; fi > "$work/run" || exit
    put "$work/run"
fi
exit "$status"
