#!/bin/sh
# perplexity.sh FILE [OPTION ...]: how probable the model holds the targets of a corpus. FILE has a JSON object on each
# line, with "text", "target" (a string or an array of strings) and perhaps "prompt" and "id"; - is standard input.
# The options are t5g-decode's, such as -p PROMPT and --no-eos. T5G_MODEL names the model.
# Prints an object for each target, with its document's id, tokens, score (the sum of the natural logarithms of their
# probabilities) and perplexity, exp(-score / tokens); and at the end one without id, for the whole corpus. A document
# that fails is named on standard error and left out, and the status is 3; any other failure prints nothing.
set -eu
[ $# -gt 0 ] || { echo 'usage: perplexity.sh FILE [OPTION ...]' >&2; exit 64; }
file=$1
shift
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 75' HUP INT TERM
status=0
t5g-tokenize --jsonl -- "$file" | t5g-encode | t5g-decode --score "$@" |
    t5g-detok --jsonl -o "$dir/scores" || status=$?
[ -f "$dir/scores" ] || exit "$status"
# A quote inside a string has a backslash before it, so these are members: {"id":ID,"text":..,"score":S,"tokens":N..
LC_ALL=C awk '
function member(name,    at) {
    at = index($0, ",\"" name "\":")
    return at ? substr($0, at + length(name) + 4) + 0 : ""
}
function put(id, tokens, score) {
    printf "{%s\"tokens\":%d,\"score\":%.9g,\"perplexity\":%.9g}\n", id, tokens, score, exp(-score / tokens)
}
member("tokens") != "" {
    put(substr($0, 2, index($0, ",\"text\":") - 1), member("tokens"), member("score"))
    tokens += member("tokens")
    score += member("score")
}
END { if (tokens > 0) put("", tokens, score) }' "$dir/scores"
exit "$status"
