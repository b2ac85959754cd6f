#!/usr/bin/env bats
# Options of generation that are texts, ids and files. What they do to logits is tested in tests/unit/test_model.c.

load common

document() {
    t5g-tokenize -e 'The license, the license and the license of the work.' | t5g-encode -o e.t5g
}

# ids OPTION...: " 581 581 282 ", the ids of the answer of at most 12 tokens
ids() {
    t5g-decode -n 12 "$@" e.t5g > d.t5g && t5g-frame export --jsonl d.t5g |
        sed 's/.*"name":"decode.ids"[^[]*\[[0-9]*\][^[]*\[\([^]]*\)\].*/ \1 /; s/,/ /g'
}

@test "ids that are forced, suppressed, or suppressed at the beginning" {
    document
    [[ $(ids) == " 581 581 "* ]]
    [[ $(ids --forced-bos-token-id 282) == " 282 "* ]]
    [[ $(ids --forced-bos-token-id 282 -p The) != " 282 "* ]]
    [[ $(ids --forced-eos-token-id 379,1) == *" "@(1|379)" " ]]
    [[ $(ids --suppress-tokens 581,446) != *" "@(581|446)" "* ]]
    [[ $(ids --begin-suppress-tokens 581) == " "@([0-57-9]*|5[0-79]*)" "* ]]
    [[ $(ids --begin-suppress-tokens 282) == *" 282 "* ]]
    [[ $(ids --forced-bos-token-id 581 --begin-suppress-tokens 581) == " 581 "!(581 *) ]]
}

@test "ids that the model does not have, lists that are none: one line each, 64" {
    document
    for option in --forced-bos-token-id --forced-eos-token-id --suppress-tokens --begin-suppress-tokens; do
        for list in 100000 -1 x 1,,2 '1,'; do
            status_is 64 t5g-decode "$option" "$list" -o d.t5g e.t5g
            err_has_line "$option"
            [ ! -e d.t5g ]
        done
    done
    status_is 64 t5g-decode --forced-bos-token-id 1,2 e.t5g
    err_has_line '--forced-bos-token-id: takes one id'
    for list in 1 1,0 x,2 1,x 1,2,3; do
        status_is 64 t5g-decode --exponential-decay-length-penalty "$list" e.t5g
        err_has_line --exponential-decay-length-penalty
    done
}

@test "a token that is forced and suppressed: 64, naming both options" {
    document
    for option in --forced-bos-token-id --forced-eos-token-id; do
        status_is 64 t5g-decode "$option" 7 --suppress-tokens 5,7 e.t5g -o d.t5g
        err_has "$option and --suppress-tokens: token 7 is in both"
        [ ! -e d.t5g ]
    done
    t5g-decode -n 3 --forced-eos-token-id 7,1 --suppress-tokens 5,7 e.t5g > /dev/null
}

@test "bad words: neither at the beginning nor after a space" {
    document
    text=$(t5g-decode -n 12 e.t5g | t5g-detok)
    [[ $text == *VV* && $text == *urpose* ]]
    printf 'V\nurpose\n' > words
    text=$(t5g-decode -n 12 --bad-words words e.t5g | t5g-detok)
    [[ $text != *V* && $text != *urpose* ]]
    # "or", and " or" as it is inside a sentence
    echo or > words
    printf 'or\t20\n or\t20\n' > bias
    [[ $(t5g-decode -n 4 --sequence-bias bias e.t5g | t5g-detok) == *or*or* ]]
    [[ $(t5g-decode -n 4 --sequence-bias bias --bad-words words e.t5g | t5g-detok) != *or* ]]
    # A space in the line: only that spelling.
    printf ' or\n' > words
    printf 'or\t20\n' > bias
    [[ $(t5g-decode -n 4 --sequence-bias bias --bad-words words e.t5g | t5g-detok) == *or* ]]
}

@test "a bias of a text counts when its last token is chosen" {
    document
    printf 'thing\t50\n' > bias
    [[ $(t5g-decode -n 12 -p 'th' --sequence-bias bias e.t5g | t5g-detok) == 'ing'* ]]
    [[ $(t5g-decode -n 12 -p 'so' --sequence-bias bias e.t5g | t5g-detok) != 'ing'* ]]
    printf 'V\t-50\n' > bias
    [[ $(t5g-decode -n 12 --sequence-bias bias e.t5g | t5g-detok) != *V* ]]
}

# refused FILE_OPTION TEXT LINES: status 65, one line with TEXT
refused() {
    printf "$3" > list
    status_is 65 t5g-decode "$1" list -o d.t5g e.t5g
    err_has "$2"
    [ ! -e d.t5g ]
}

@test "files of texts that cannot be used" {
    document
    refused --bad-words 'list: no text in it' ''
    refused --bad-words 'list: no text in it' '\n\n'
    refused --bad-words 'list: line 2: invalid UTF-8 at byte 1' 'a\nb\xff\n'
    refused --sequence-bias 'list: line 1: no tab' 'a 3\n'
    refused --sequence-bias "list: line 2: bias: 'x'" 'a\t3\nb\tx\n'
    refused --sequence-bias 'list: line 1: no text' '\t3\n'
    refused --sequence-bias 'list: line 1: NUL' 'a\t3\0004\n'
    refused --sequence-bias 'list: line 3 has the same tokens as line 1' 'a\t3\nb\t1\na\t-2\n'
    status_is 66 t5g-decode --bad-words nothing e.t5g
    err_has nothing
}

@test "options about the document's tokens need them" {
    t5g-tokenize -l <<< $'one\ntwo' | t5g-encode | t5g-frame export --jsonl |
        sed '2s/{"name":"input.ids"[^}]*},//' | t5g-frame import --jsonl -o all.t5g
    status_is 3 t5g-decode -n 2 --encoder-repetition-penalty 2 -o d.t5g all.t5g
    err_has "stdin:2: input.ids: missing"
    status_is 3 t5g-decode -n 2 --encoder-no-repeat-ngram-size 1 -o d.t5g all.t5g
    err_has "stdin:2: input.ids: missing"
    [ "$(t5g-detok --jsonl d.t5g 2> /dev/null | grep -c '"text"')" = 1 ]
    t5g-decode -n 2 all.t5g > /dev/null
}

@test "options of sampling go with --sample" {
    document
    for vain in "--typical-p 0.5" "--epsilon-cutoff 0.1" "--eta-cutoff 0.1"; do
        # shellcheck disable=SC2086
        status_is 64 t5g-decode $vain e.t5g
        err_has_line "${vain% *}"
        # shellcheck disable=SC2086
        t5g-decode -n 4 --sample $vain e.t5g > /dev/null
    done
    # Of ids that are all excluded but one, that one is drawn.
    t5g-decode -n 8 e.t5g | t5g-detok > greedy
    t5g-decode -n 8 --sample --epsilon-cutoff 0.99 e.t5g | t5g-detok | cmp - greedy
}

@test "groups of beams: contradictions name both options" {
    document
    contradict() {
        local text=$1
        shift
        status_is 64 t5g-decode "$@" -o d.t5g e.t5g
        err_has_line "$text"
    }
    contradict '--num-beam-groups goes with --num-beams' --num-beam-groups 2 --diversity-penalty 1
    contradict '--diversity-penalty goes with --num-beam-groups' --num-beams 4 --diversity-penalty 1
    contradict '--num-beams is not a multiple of --num-beam-groups' --num-beams 4 --num-beam-groups 3 --diversity-penalty 1
    contradict '--num-beam-groups needs a --diversity-penalty above 0' --num-beams 4 --num-beam-groups 2
    contradict '--num-beam-groups excludes --sample' --num-beams 4 --num-beam-groups 2 --diversity-penalty 1 --sample
    contradict '--num-return-sequences is larger than --num-beams' --num-beams 2 --sample --num-return-sequences 3
    contradict '--num-beams excludes --lookup' --num-beams 2 --lookup 2
}

# first FILE: the first token of each record of t5g-detok --all -0
firsts() {
    t5g-frame export --jsonl "$1" | grep -o '"name":"decode.ids"[^[]*\[[0-9]*\][^[]*\[[0-9]*' | sed 's/.*\[//'
}

@test "groups of beams begin with different tokens, whatever runs beside them" {
    t5g-tokenize -l <<< $'one\ntwo\nthe work of others' | t5g-encode -o all.t5g
    groups="--num-beams 4 --num-beam-groups 4 --diversity-penalty 20 --num-return-sequences 4 -n 6"
    # shellcheck disable=SC2086
    t5g-decode $groups -p a -p b all.t5g -o d.t5g
    [ "$(firsts d.t5g | wc -l)" = 24 ]
    for i in 1 5 9 13 17 21; do
        [ "$(firsts d.t5g | tail -n +$i | head -n 4 | sort -u | wc -l)" = 4 ]
    done
    # shellcheck disable=SC2086
    t5g-decode $groups -p a -p b -b 1 -t 1 all.t5g | cmp - d.t5g
}

@test "sampled beams: the same again, others with another seed, beams at a low temperature" {
    t5g-tokenize -l <<< $'one\ntwo\nthe work of others' | t5g-encode -o all.t5g
    beams="--num-beams 3 --num-return-sequences 3 -n 6"
    # shellcheck disable=SC2086
    {
        t5g-decode $beams --sample all.t5g -o d.t5g
        t5g-decode $beams --sample -b 1 -t 1 all.t5g | cmp - d.t5g
        t5g-decode $beams --sample --seed 1 all.t5g | t5g-detok > other
        ! t5g-detok d.t5g | cmp -s - other || false
        t5g-decode $beams --sample --temperature 0.001 --top-k 0 all.t5g | t5g-detok > cold
        t5g-decode $beams all.t5g | t5g-detok | cmp - cold
    }
}


@test "--stop: the text ends before it, wherever the tokens end" {
    document
    text=$(t5g-decode -n 16 e.t5g | t5g-detok)
    for stop in o rpo pos urp ' s' uurpo 'l<' V; do
        for how in "" "--stream" "--lookup 3" "--logprobs" "--stream --logprobs --lookup 2"; do
            # shellcheck disable=SC2086
            t5g-decode -n 16 $how --stop nothing --stop "$stop" e.t5g -o d.t5g
            t5g-detok d.t5g > got
            printf '%s\n' "${text%%"$stop"*}" | cmp - got
            t5g-detok --jsonl d.t5g > got
            grep -qF '"finish":"stop","stop":"'"$stop"'"}' got
            grep -qF '"text":"'"${text%%"$stop"*}"'","rank":0' got
            t5g-detok -0 d.t5g | tr '\0' '\n' > got
            printf '%s\n' "${text%%"$stop"*}" | cmp - got
        done
        # The ids end with the token that completes it.
        t5g-decode -n 16 --stop "$stop" e.t5g | t5g-detok --all --jsonl > got
        [ "$(ids -n 16 --stop "$stop" | wc -w)" -lt 16 ]
        [[ "$(ids -n 16) " == "$(ids -n 16 --stop "$stop")"* ]]
    done
    # Two at once: the one that is complete first.
    t5g-decode -n 16 --stop 'urpose' --stop 'rp' e.t5g | t5g-detok --jsonl | grep -F '"stop":"rp"'
    # One that does not occur, also one that nearly does.
    t5g-decode -n 16 --stream --stop 'purposes' --stop 'Vx' e.t5g -o d.t5g
    t5g-detok d.t5g | cmp - <(echo "$text")
    t5g-detok --jsonl d.t5g | grep -F '"finish":"length"}'
}

@test "--stop with samples and beams" {
    t5g-tokenize -l <<< $'one\ntwo\nthe work of others\nThe license, the license' | t5g-encode -o all.t5g
    for how in "--sample --num-return-sequences 3" "--num-beams 4 --num-return-sequences 4" \
        "--num-beams 4 --sample" "--num-beams 4 --num-beam-groups 2 --diversity-penalty 1"; do
        # shellcheck disable=SC2086
        t5g-decode -n 12 $how --stop '$$$' --stop '??' -o d.t5g all.t5g
        t5g-detok --jsonl d.t5g | grep -q '"finish":"stop","stop":"$$$"'
        t5g-detok d.t5g > got
        ! grep -F -e '$$$' -e '??' got || false
        # shellcheck disable=SC2086
        t5g-decode -n 12 $how --stop '$$$' --stop '??' -b 1 -t 1 all.t5g | cmp - d.t5g
    done
}

@test "--stop: texts that cannot be" {
    document
    status_is 64 t5g-decode --stop '' e.t5g
    err_has_line '--stop: a text of 0 bytes'
    status_is 65 t5g-decode --stop $'a\xff' e.t5g
    err_has_line '--stop: invalid UTF-8 at byte 1'
}

@test "--stream with beams: the same sequences, in parts" {
    t5g-tokenize -l <<< $'one\ntwo\nthe work of others\nThe license, the license' | t5g-encode -o all.t5g
    parts=0
    for how in "--num-beams 3" "--num-beams 2 --length-penalty 3 --early-stopping never" \
        "--num-beams 4 --num-return-sequences 4" "--num-beams 4 --sample" "--num-beams 3 --stop e" \
        "--num-beams 4 --num-beam-groups 2 --diversity-penalty 1 --num-return-sequences 2"; do
        for n in 1 8 24; do
            # shellcheck disable=SC2086
            t5g-decode $how -n $n -p a -p b --stream all.t5g -o parts.t5g
            # shellcheck disable=SC2086
            t5g-decode $how -n $n -p a -p b all.t5g -o whole.t5g
            t5g-detok --jsonl parts.t5g > got
            t5g-detok --jsonl whole.t5g | cmp - got
            t5g-detok parts.t5g > got
            t5g-detok whole.t5g | cmp - got
            parts=$((parts + $(t5g-frame export --jsonl parts.t5g | grep -o '"part":[1-9]' | wc -l)))
        done
    done
    [ "$parts" -gt 100 ]
}

# says JSON: a copy of the model whose generation_config.json has these members
says() {
    [ -d m ] || cp -r "$T5G_MODEL" m
    echo "{$1}" > m/generation_config.json
}

@test "--generation-config: what the model's file says, as options say it" {
    document
    eos='"eos_token_id": 1'
    # same OPTIONS MEMBERS [OPTIONS BESIDE]: they mean the same
    same() {
        says "$eos, $2"
        # shellcheck disable=SC2086
        t5g-decode $1 e.t5g -o want.t5g
        # shellcheck disable=SC2086
        status_is 0 t5g-decode -m m --generation-config ${3-} e.t5g -o got.t5g
        [ ! -s err ] || { cat err; false; }
        t5g-detok --jsonl want.t5g > want
        t5g-detok --jsonl got.t5g | cmp - want
        grep -q . want
    }
    same '-n 9' '"max_new_tokens": 9, "max_length": 5, "temperature": 0.5, "top_k": null, "length_penalty": 3'
    same '-n 4 -p o' '"max_length": 6' '-p o'
    same '-n 7 --num-beams 3 --num-return-sequences 2 --length-penalty 2 --early-stopping never' \
        '"max_new_tokens": 7, "num_beams": 3, "num_return_sequences": 2, "length_penalty": 2.0, "early_stopping": "never"'
    same '-n 7 --num-beams 4 --num-beam-groups 2 --diversity-penalty 1.5' \
        '"max_new_tokens": 7, "num_beams": 4, "num_beam_groups": 2, "diversity_penalty": 1.5'
    same '-n 7 --sample --top-k 7 --top-p 0.9 --temperature 0.8 --min-p 0.02 --typical-p 0.9 --eta-cutoff 0.01' \
        '"max_new_tokens": 7, "do_sample": true, "top_k": 7, "top_p": 0.9, "temperature": 0.8, "min_p": 0.02, "typical_p": 0.9, "eta_cutoff": 0.01'
    same '-n 9 --suppress-tokens 581,282 --begin-suppress-tokens 379 --forced-eos-token-id 1 --stop xyz' \
        '"max_new_tokens": 9, "suppress_tokens": [581, 282], "begin_suppress_tokens": [379], "forced_eos_token_id": 1, "stop_strings": ["xyz"]'
    same '-n 9 --stop urpo' '"max_new_tokens": 9, "stop_strings": "urpo"'
    same '-n 9 --repetition-penalty 1.5 --no-repeat-ngram-size 2 --encoder-repetition-penalty 1.2 --encoder-no-repeat-ngram-size 3' \
        '"max_new_tokens": 9, "repetition_penalty": 1.5, "no_repeat_ngram_size": 2, "encoder_repetition_penalty": 1.2, "encoder_no_repeat_ngram_size": 3'
    same '-n 9 --suppress-tokens 581' '"max_new_tokens": 9, "bad_words_ids": [[581], [1]], "sequence_bias": [[[581], 3.0]]'
    same '-n 9 --exponential-decay-length-penalty 2,1.5 --min-new-tokens 3 --forced-bos-token-id 282' \
        '"max_new_tokens": 9, "exponential_decay_length_penalty": [2, 1.5], "min_new_tokens": 3, "forced_bos_token_id": 282'
    # Options of the command line win.
    same '-n 5 --num-beams 2 --length-penalty 0.5' \
        '"max_new_tokens": 9, "num_beams": 4, "length_penalty": 2.0, "repetition_penalty": 1.0' \
        '-n 5 --num-beams 2 --length-penalty 0.5'
    same '-n 5 --suppress-tokens 282' '"max_new_tokens": 5, "suppress_tokens": [581]' '--suppress-tokens 282'
    same '-n 5 --sample --seed 3 --top-k 4' '"max_new_tokens": 5, "do_sample": true, "top_k": 9' '--seed 3 --top-k 4'
}

@test "--generation-config: what cannot be used" {
    document
    bad() {
        says "$1"
        status_is 65 t5g-decode -m m --generation-config e.t5g -o d.t5g
        err_has "m/generation_config.json: $2"
        [ ! -e d.t5g ]
    }
    bad '"num_beams": 99' 'num_beams: expected a whole number from 1 to 32'
    bad '"num_beams": 1.5' 'num_beams: expected a whole number'
    bad '"do_sample": true, "top_p": "x"' 'top_p: expected a number'
    bad '"do_sample": 1' 'do_sample: expected true or false'
    bad '"num_beams": 2, "early_stopping": "often"' 'early_stopping: expected true, false or "never"'
    bad '"suppress_tokens": [1, 100000]' 'suppress_tokens: expected ids of the vocabulary'
    bad '"forced_bos_token_id": [1, 2]' 'forced_bos_token_id: expected an id of the vocabulary'
    bad '"bad_words_ids": [[1, 2], []]' 'bad_words_ids: expected a list of lists of ids'
    bad '"sequence_bias": [[[1], "x"]]' 'sequence_bias: expected a list of [ids of the vocabulary, number]'
    bad '"exponential_decay_length_penalty": [1]' 'exponential_decay_length_penalty: expected [first token, factor]'
    bad '"stop_strings": ["a", 3]' 'stop_strings: expected texts'
    says '"num_beams": 2, "num_beam_groups": 2'
    status_is 65 t5g-decode -m m --generation-config e.t5g
    err_has 'm/generation_config.json: with its settings: --num-beam-groups needs a --diversity-penalty above 0'
    says '"num_beams": 2, "num_return_sequences": 4'
    status_is 65 t5g-decode -m m --generation-config e.t5g
    err_has 'm/generation_config.json: with its settings: --num-return-sequences is larger than --num-beams'
    says '"forced_bos_token_id": 5, "suppress_tokens": [5]'
    status_is 65 t5g-decode -m m --generation-config e.t5g
    err_has 'm/generation_config.json: with its settings: --forced-bos-token-id and --suppress-tokens: token 5'
    # What the command line says alone is its own fault.
    status_is 64 t5g-decode -m m --generation-config --num-beams 2 --num-return-sequences 4 e.t5g
    err_has_line 't5g-decode: --num-return-sequences is larger than --num-beams'
    # Settings that are not known are named, and those that change nothing are not.
    says '"foo": 1, "top_h": 0.3, "assistant_early_exit": 3, "watermarking_config": {"bias": 2.5}, "bar": null, "use_cache": true, "top_k": 64'
    status_is 0 t5g-decode -n 2 -m m --generation-config e.t5g -o d.t5g
    err_has 'm/generation_config.json: not used: watermarking_config, foo 1, top_h 0.3, assistant_early_exit 3'
    rm d.t5g
    says '"max_length": 3'
    status_is 3 t5g-decode -m m --generation-config -p 'a long prompt' e.t5g -o d.t5g
    err_has 'max_length 3 leaves no room'
    says '"guidance_scale": 2.0, "num_beams": 2, "penalty_alpha": 0.5'
    status_is 0 t5g-decode -n 2 -m m --generation-config e.t5g -o d.t5g
    err_has 'm/generation_config.json: not used: penalty_alpha 0.5, guidance_scale 2'
    echo '{' > m/generation_config.json
    status_is 65 t5g-decode -m m --generation-config e.t5g
    err_has 'm/generation_config.json: byte'
    : > m/generation_config.json
    status_is 65 t5g-decode -m m --generation-config e.t5g
    err_has 'm/generation_config.json: '
    if grep skipped err; then return 1; fi
    status_is 0 t5g-decode -n 2 -m m e.t5g -o d.t5g
    err_has '(skipped, as transformers does)'
    rm m/generation_config.json
    status_is 66 t5g-decode -m m --generation-config e.t5g
    err_has 'the model has no generation_config.json'
}

@test "lists with carriage returns or a byte order mark: one warning each, the same for all" {
    document
    printf 'V\r\nurpose\r\n' > crlf
    printf '\xef\xbb\xbfV\nurpose\n' > mark
    for option in --bad-words '--score --targets' --choices --prompts; do
        # shellcheck disable=SC2086
        status_is 0 t5g-decode $option crlf -o d.t5g e.t5g
        err_has 'crlf: line 1 ends with a carriage return, which is part of the '
        # shellcheck disable=SC2086
        status_is 0 t5g-decode $option mark -o d.t5g e.t5g
        err_has 'mark: line 1 begins with a byte order mark, which is part of the '
    done
    printf '\xef\xbb\xbfV\t1\n' > mark
    status_is 0 t5g-decode --sequence-bias mark -o d.t5g e.t5g
    err_has 'mark: line 1 begins with a byte order mark'
    rm d.t5g
    refused --bad-words "list: line 2: '<eos>' ends a sequence, which cannot be forbidden here: see --min-new-tokens" 'a\n<eos>\n'
}

@test "- as the FILE of an option is standard input, once, and not beside a stream from there" {
    document
    printf 'V\nurpose\n' > words
    want=$(t5g-decode -n 12 --bad-words words e.t5g | t5g-detok)
    [ "$(t5g-decode -n 12 --bad-words - e.t5g < words | t5g-detok)" = "$want" ]
    printf 'or\t20\n' > bias
    [ "$(t5g-decode -n 4 --sequence-bias - e.t5g < bias | t5g-detok)" = \
        "$(t5g-decode -n 4 --sequence-bias bias e.t5g | t5g-detok)" ]
    echo '{"enum":[12]}' | t5g-decode --json-schema - e.t5g | t5g-detok | grep -qx 12
    echo 'a {prompt}' > template
    [ "$(t5g-decode -n 4 -p x --template - e.t5g < template | t5g-detok)" = \
        "$(t5g-decode -n 4 -p x --template template e.t5g | t5g-detok)" ]
    for option in --bad-words --sequence-bias --json-schema --template --prompts --prompts-jsonl --choices; do
        status_is 64 t5g-decode "$option" - -o d.t5g < words
        err_has_line "$option - reads standard input: name files of encoder outputs as operands"
        status_is 64 t5g-decode "$option" - -o d.t5g e.t5g - < words
        err_has_line "$option - reads standard input"
    done
    status_is 64 t5g-decode --json-schema - --bad-words - -o d.t5g e.t5g < words
    err_has_line "--json-schema - and --bad-words -: only one of them can be standard input"
    status_is 65 t5g-decode --bad-words - -o d.t5g e.t5g < /dev/null
    err_has "stdin: no text in it"
    status_is 64 t5g-decode --bad-words words --bad-words words -o d.t5g e.t5g
    status_is 64 t5g-frame heatmap -i - -o d.svg < e.t5g
    err_has_line "--image - reads standard input: name files of answers as operands"
    status_is 64 t5g-frame export --safetensors - e.t5g
    err_has_line "--safetensors - is no file"
    status_is 64 t5g-frame import --safetensors - -o d.t5g < e.t5g
    err_has_line "--safetensors - is no file"
    [ ! -e ./- ]
}

@test "options without effect are refused, whatever their value" {
    document
    idle() {
        local text=$1
        shift
        status_is 64 t5g-decode "$@" -o d.t5g e.t5g
        err_has_line "$text"
    }
    idle '-0 is for the files of --prompts, --targets and --choices' -0
    idle '-0 is for the files of' -0 -p a --choice b --choice c
    idle '--max-target-tokens goes with --score, --choice or --choices' --max-target-tokens 16384
    idle '--temperature goes with --sample' --temperature 1
    idle '--top-k goes with --sample' --top-k 50
    idle '--seed goes with --sample' --seed 0
    idle '--length-penalty goes with --num-beams above 1' --length-penalty 1
    idle '--early-stopping goes with --num-beams above 1' --early-stopping false
    idle '--diversity-penalty goes with --num-beam-groups above 1' --diversity-penalty 0
    idle '--num-beam-groups needs a --diversity-penalty above 0' --num-beams 4 --num-beam-groups 2 --diversity-penalty 0
    idle '--max-new-tokens acts on what is generated' -n 256 --score --target a
    printf 'a\tx\n' > bias
    status_is 65 t5g-decode --sequence-bias bias -o d.t5g e.t5g
    err_has "'x' is not a number from -1000000 to 1000000"
}
