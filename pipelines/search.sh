#!/bin/sh
# search.sh: embed a corpus, and search it.
#
#   search.sh -s corpus -- -l lines.txt              # embed: corpus.t5g, corpus.npy, corpus.ids
#   search.sh -s corpus -q queries.txt -k 3          # search: query, rank, cosine, document
#
# The embedding is the mean of the encoder's rows, of length 1; of a directory of sentence-transformers it is what that
# says. corpus.npy is the same vectors as one array for other software, and corpus.ids has the id of each row.
set -u
usage() {
    cat << 'END'
usage: search.sh [options] -s STORE -- TOKENIZE-ARGUMENT...
       search.sh [options] -s STORE -q QUERIES

  -s STORE     the corpus: STORE.t5g, STORE.npy and STORE.ids
  -q QUERIES   a file with a query on each line; -: standard input
  -k N         documents for each query (default 10)
  -j           print one JSON object for each query
  -d TEMPLATE  around every document, in place of {text}
  -p TEMPLATE  around every query
  -m MODEL     for the programs

The arguments behind -- are those of t5g-tokenize(1): files, archives, -l FILE, --jsonl FILE. A document or query that
fails is left out and named, and the status is 3. T5G_ENCODE_FLAGS: options for t5g-encode in place of
`--pool mean --normalize`, quoted as for a shell.
END
}
complain() {
    printf 'search.sh: %s\n' "$2" >&2
    exit "$1"
}
store='' queries='' k=10 json='' documents='{text}' asked='{text}'
[ "${1-}" != --help ] || { usage; exit 0; }
while getopts s:q:k:jd:p:m:h option; do
    case $option in
    s) store=$OPTARG ;;
    q) queries=$OPTARG ;;
    k) k=$OPTARG ;;
    j) json=--jsonl ;;
    d) documents=$OPTARG ;;
    p) asked=$OPTARG ;;
    m) export T5G_MODEL="$OPTARG" ;;
    h) usage; exit 0 ;;
    *) usage >&2; exit 64 ;;
    esac
done
shift $((OPTIND - 1))
[ -n "$store" ] || complain 64 '-s STORE is missing'
if [ -n "$queries" ]; then
    [ $# = 0 ] || complain 64 'with -q there is nothing to embed: leave the arguments behind -- out'
else
    [ $# -gt 0 ] || complain 64 'nothing to embed or search: give arguments for t5g-tokenize, or -q QUERIES'
fi
flags='--pool mean --normalize'
[ ! -e "${T5G_MODEL:-.}/modules.json" ] || flags=--normalize
flags=${T5G_ENCODE_FLAGS:-$flags}

# embed OUT TEMPLATE ARGUMENT...: its status is 3 if some documents failed.
embed() {
    export OUT="$1" # for the words of eval
    template=$2
    shift 2
    t5g-tokenize --template "$template" "$@" | eval "t5g-encode -o \"\$OUT\" $flags"
}

if [ -z "$queries" ]; then
    embed "$store.t5g" "$documents" "$@"
    status=$?
    [ "$status" = 0 ] || [ "$status" = 3 ] || exit "$status"
    t5g-frame export --matrix "$store.npy" "$store.t5g"
    exit
fi
work=$(mktemp -d) || exit 73
trap 'rm -rf "$work"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
embed "$work/queries.t5g" "$asked" -l -- "$queries"
status=$?
[ "$status" = 0 ] || [ "$status" = 3 ] || exit "$status"
# shellcheck disable=SC2086 # $json may be no word at all
t5g-frame nearest -k "$k" $json --queries "$work/queries.t5g" "$store.t5g"
