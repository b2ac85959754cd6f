#!/bin/sh
# search.sh: embed a corpus, and search it.
#
#   search.sh -s corpus -- -l lines.txt              # embed: corpus.t5g, corpus.npy, corpus.ids
#   search.sh -s corpus -q queries.txt -k 3          # search: query, rank, cosine, document
#
# The embedding is the mean of the encoder's rows, of length 1; of a model of sentence-transformers it is what that says.
# corpus.npy is the same vectors as one array for other software, and corpus.ids has the id of each row.
set -u
program=search.sh
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd) || exit 66
# shellcheck source=pipelines/stages.sh
. "$here/stages.sh" || exit 66
usage() {
    cat << 'END'
usage: search.sh [options] -s STORE -- TOKENIZE-ARGUMENT...
       search.sh [options] -s STORE -q QUERIES

  -s STORE     the corpus: STORE.t5g, STORE.npy and STORE.ids
  -d TEMPLATE  to embed: around every document, in place of {text}
  -q QUERIES   a file with a query on each line; -: standard input
  -p TEMPLATE  with -q: around every query
  -k N         with -q: documents for each query (default 10)
  -j           with -q: print one JSON object for each query
  -m MODEL     for the programs

The arguments behind -- are those of t5g-tokenize(1): files, archives, -l FILE, --jsonl FILE. A document or query that
fails is left out and named (in a search, of the documents the first five), and the status is 3. If no document can be
embedded, the status is 65, and an earlier STORE stays as it is. No queries: 66.
T5G_ENCODE_FLAGS: options for t5g-encode in place of `--pool mean --normalize`, quoted as for a shell.
END
}
store='' queries='' k='' json='' documents='' asked=''
[ "${1-}" != --help ] || { usage; exit 0; }
while getopts s:q:k:jd:p:m:h option; do
    case $option in
    j) json=--jsonl ;;
    h) usage; exit 0 ;;
    '?') usage >&2; exit 64 ;;
    *) given "$option" "$OPTARG" ;;
    esac
    case $option in
    s) store=$OPTARG ;;
    q) queries=$OPTARG ;;
    k) count k "$OPTARG" && k=$OPTARG ;;
    d) documents=$OPTARG ;;
    p) asked=$OPTARG ;;
    m) export T5G_MODEL="$OPTARG" ;;
    esac
done
shift $((OPTIND - 1))
[ -n "$store" ] || complain 64 '-s STORE is missing'
if [ -n "$queries" ]; then
    [ $# = 0 ] || complain 64 'with -q there is nothing to embed: leave the arguments behind -- out'
    [ -z "$documents" ] || complain 64 '-d is for documents, which with -q are embedded already'
    readable "$queries"
    [ -r "$store.t5g" ] || complain 66 "$store.t5g: cannot be read"
else
    [ $# -gt 0 ] || complain 64 'nothing to embed or search: give arguments for t5g-tokenize, or -q QUERIES'
    [ -z "$k$json$asked" ] || complain 64 '-k, -j and -p are for a search: give -q QUERIES'
fi
refuse '' omh 'output model help version' "$@"
flags T5G_ENCODE_FLAGS "${T5G_ENCODE_FLAGS-}" oh 'output help version'
need t5g-tokenize t5g-encode t5g-frame
# What is embedded may be large: next to the store.
if [ -n "$queries" ]; then folder; else folder "$store"; fi

# Whether the model says itself how rows become an embedding.
flags=${T5G_ENCODE_FLAGS-}
if [ -z "$flags" ]; then
    t5g-tokenize -l -o "$work/none.t5g" /dev/null || exit
    status=0
    t5g-encode --normalize -o "$work/none.enc.t5g" "$work/none.t5g" 2> "$work/why" || status=$?
    case $status in
    0) flags=--normalize ;;
    64) flags='--pool mean --normalize' ;;
    *)
        cat "$work/why" >&2
        exit "$status"
        ;;
    esac
fi

# embed OUT TEMPLATE ARGUMENT...: with the status of the two programs.
embed() {
    export OUT="$1" # for the words of eval
    around=$2
    shift 2
    [ -z "$around" ] || set -- --template "$around" "$@"
    stage 1 t5g-tokenize "$@" | eval "stage 2 t5g-encode -o \"\$OUT\" $flags"
    outcome 2
}

if [ -z "$queries" ]; then
    embed "$work/new.t5g" "$documents" "$@"
    status=$?
    whole "$status" || exit "$status"
    # What is there stays if there is nothing to put in its place.
    t5g-frame export --matrix "$store.npy" "$work/new.t5g"
    status=$?
    whole "$status" || exit "$status"
    t5g-frame cat -o "$store.t5g" "$work/new.t5g"
    exit
fi
embed "$work/queries.t5g" "$asked" -l -- "$queries"
status=$?
whole "$status" || exit "$status"
case $(t5g-frame ls --totals "$work/queries.t5g") in '0 documents,'*) complain 66 "$queries: no queries" ;; esac
# shellcheck disable=SC2086 # $json may be no word at all
t5g-frame nearest -k "${k:-10}" $json --queries "$work/queries.t5g" -- "$store.t5g"
status=$?
# Queries that failed have been named.
[ "$status" != 3 ] || t5g-frame ls --json -- "$store.t5g" | sed -nE \
    's/^\{"id":"(([^"\\]|\\.)*)",.*"error":\{"tool":"([^"]*)","code":[0-9]+,"msg":"(([^"\\]|\\.)*)".*/\1: failed in \3: \4/p' |
    awk '{ if (NR <= 5) print "search.sh: " $0 } END { if (NR > 5) print "search.sh: " NR " documents in all failed" }' >&2
exit "$status"
