#!/bin/sh
# perplexity.sh: how probable the model holds the targets of a corpus.
set -u
program=perplexity.sh
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd) || exit 66
# shellcheck source=pipelines/stages.sh
. "$here/stages.sh" || exit 66
usage() {
    cat << 'END'
usage: perplexity.sh FILE [OPTION ...]

FILE has a JSON object on each line, with "text", "target" (a string or an array of strings) and perhaps "prompt" and
"id"; -: standard input. An OPTION is one of t5g-decode(1), such as -p PROMPT and --no-eos, but not -o or -m: T5G_MODEL
names the model.

Prints an object for each target: the id of its document, tokens, score (the sum of the natural logarithms of their
probabilities) and perplexity, exp(-score / tokens); and at the end one without id, for the whole corpus. A document that
fails is named on standard error and left out, and the status is 3; any other failure prints nothing.
END
}
case ${1-} in
-h | --help) usage; exit 0 ;;
'') usage >&2; exit 64 ;;
esac
file=$1
shift
readable "$file"
refuse '' omh 'output model help version' "$@"
need t5g-tokenize t5g-encode t5g-decode t5g-detok
folder
stage 1 t5g-tokenize --jsonl -- "$file" | stage 2 t5g-encode | stage 3 t5g-decode --score "$@" |
    stage 4 t5g-detok --jsonl -o "$work/scores"
outcome 4
status=$?
whole "$status" || exit "$status"
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
END { if (tokens > 0) put("", tokens, score) }' "$work/scores" || exit 74
exit "$status"
