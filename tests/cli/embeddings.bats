#!/usr/bin/env bats
# What t5g-encode makes of rows: embeddings, groups of rows, hidden states. Numbers are compared with
# tests/oracle/embeddings.py and with the rows after each layer that transformers gives.
load common

python=/usr/bin/python3

three() {
    t5g-tokenize -e 'The library reads tar archives of C++ classes' -e x -e 'naïve Unicode 日本語' -o ids.t5g
    t5g-encode -o enc.t5g ids.t5g
    rm -rf rows
    t5g-frame export --npy rows enc.t5g
}

# agrees STREAM ARGUMENTS...: its last tensor of each document is what the oracle makes of rows.
agrees() {
    local stream=$1 i
    shift
    rm -rf got
    t5g-frame export --npy got "$stream"
    for i in 0 1 2; do
        $python "$T5G_TESTS/oracle/embeddings.py" rows/00000$i-001-encoder.out.npy got/00000$i-001-*.npy "$@" || return 1
    done
}

need_numpy() { $python -c 'import numpy' || skip "python3-numpy is not installed"; }

@test "--pool, --dims, --normalize, --dtype bf16: numbers" {
    need_numpy
    three
    for how in mean:mean max:max first:cls last:last; do
        t5g-encode --pool ${how%:*} ids.t5g -o a.t5g
        agrees a.t5g ${how#*:}
        t5g-encode --pool ${how%:*} --normalize ids.t5g -o a.t5g
        agrees a.t5g ${how#*:} --normalize
        t5g-encode --pool ${how%:*} --dims 5 --normalize ids.t5g -o a.t5g
        agrees a.t5g ${how#*:} --dims 5 --normalize
    done
    t5g-encode --pool mean --dims 7 --dtype bf16 ids.t5g -o a.t5g
    t5g-frame ls a.t5g | grep -c 'embedding bf16\[7\]' | grep -qx 3
    agrees a.t5g mean --dims 7
    status_is 1 agrees a.t5g last --dims 7
}

@test "--group: numbers, the meta, the last run over what it has" {
    need_numpy
    three
    for n in 2 3 4 1000; do
        t5g-encode --group $n ids.t5g -o g.t5g
        agrees g.t5g group $n
        t5g-frame ls --frames g.t5g | grep -c "\"name\":\"encoder.out\",\"group\":$n}" | grep -qx 3
    done
    t5g-encode --group 4 --dtype bf16 ids.t5g -o g.t5g
    agrees g.t5g group 4
    t5g-encode --group 4 --dtype q8 ids.t5g -o q.t5g
    t5g-encode --group 4 ids.t5g -o g.t5g
    t5g-frame diff --atol 0.03 g.t5g q.t5g
    t5g-frame ls --frames q.t5g | grep -q '"name":"encoder.out","rotate":128,"group":4}'
    t5g-encode --group 1 ids.t5g | cmp - enc.t5g
    for f in g.t5g q.t5g; do t5g-decode -n 2 $f | t5g-detok | wc -l | grep -qx 3; done
}

@test "the mean of a group has the same bits at every level" {
    three
    for level in ref v3 v4 neon; do
        T5G_CPU=$level t5g-encode --group 3 enc.t5g -o $level.t5g 2> err || continue
        t5g-frame diff $level.t5g ref.t5g
        T5G_CPU=$level t5g-encode --group 3 --dtype q8 enc.t5g -o $level.q8.t5g
        t5g-frame diff $level.q8.t5g ref.q8.t5g
    done
}

@test "from rows that are there: the same bytes, without a run of the encoder" {
    three
    for how in '--pool mean' '--pool last --normalize' '--pool max --dims 9 --dtype bf16' '--group 4' \
        '--group 3 --dtype q8' '--group 4 --dtype bf16' '--dtype bf16' '--dtype q8' '--dtype f32'; do
        # shellcheck disable=SC2086 # several words
        t5g-encode $how ids.t5g -o want.t5g
        # shellcheck disable=SC2086
        t5g-encode $how enc.t5g | cmp - want.t5g
        # shellcheck disable=SC2086 # the result from rows in the cache, and then the cached result
        t5g-encode --cache=c ids.t5g > /dev/null
        for _ in 1 2; do
            # shellcheck disable=SC2086
            t5g-encode --cache=c $how ids.t5g | cmp - want.t5g
        done
    done
    # Other rows with the same ids show that these are not encoded; rows without ids are enough.
    need_numpy
    sed -i 's/{"name":"input.ids"[^}]*},//' rows/index.jsonl
    for i in 0 1 2; do
        $python -c 'import sys, numpy as np; np.save(sys.argv[1], 2 * np.load(sys.argv[1]))' rows/00000$i-001-encoder.out.npy
    done
    t5g-frame import --npy rows -o twice.t5g
    [ "$(t5g-frame ls twice.t5g | grep -c input.ids)" = 0 ]
    t5g-encode --pool mean twice.t5g -o a.t5g
    rm -rf got
    t5g-frame export --npy got a.t5g
    for i in 0 1 2; do
        $python "$T5G_TESTS/oracle/embeddings.py" rows/00000$i-001-encoder.out.npy got/00000$i-000-embedding.npy mean
    done
    # Grouped rows become another type as they are.
    t5g-encode --group 4 ids.t5g | t5g-encode --group 4 --dtype q8 -o a.t5g
    t5g-encode --group 4 --dtype q8 ids.t5g | cmp - a.t5g
}

@test "rows that do not serve are made again from the ids" {
    three
    for first in '--group 4' '--dtype bf16' '--dtype q8' '--pool mean'; do
        # shellcheck disable=SC2086 # several words
        t5g-encode $first ids.t5g -o some.t5g
        t5g-encode some.t5g | cmp - enc.t5g
        t5g-encode --group 3 some.t5g | cmp - <(t5g-encode --group 3 ids.t5g)
    done
    t5g-encode --group 4 ids.t5g | t5g-encode --pool mean | cmp - <(t5g-encode --pool mean ids.t5g)
    # Of another profile, they are not used.
    t5g-pack -o p.t5g --weights q8 "$T5G_MODEL"
    T5G_MODEL=p.t5g t5g-encode --pool mean --force enc.t5g -o a.t5g
    T5G_MODEL=p.t5g t5g-encode --pool mean ids.t5g | t5g-frame diff --name embedding - a.t5g
}

@test "pictures that are gone cannot be encoded again, and no row is wrong in silence" {
    t5g-tokenize -i "$T5G_TESTS/data/number.png" | t5g-vision -o feat.t5g
    t5g-encode --pool mean feat.t5g -o want.t5g
    t5g-encode feat.t5g -o enc.t5g
    t5g-encode --pool mean enc.t5g | cmp - want.t5g
    t5g-encode --group 4 feat.t5g -o g.t5g
    status_is 3 t5g-encode --pool mean g.t5g -o never.t5g
    err_has_line 'was encoded with pictures'
    t5g-encode --group 4 --keep feat.t5g | t5g-encode --pool mean | cmp - want.t5g
}

@test "--layer K is transformers' hidden_states[K]" {
    need_numpy
    golden=$T5G_TESTS/golden/tiny
    for case in hello enc35; do
        mkdir $case
        cp "$golden/$case/input_ids.npy" $case/input.ids.npy
        t5g-frame import --npy $case | t5g-encode --layer 0 --layer 1 --layer 2 --layer 3 --layer 4 --layer 5 --layer 6 -o h.t5g
        rm -rf out
        t5g-frame export --npy out h.t5g
        $python - "$golden/$case/trace_enc.npy" out/*hidden.*.npy <<'END'
import sys
import numpy as np
want, *got = map(np.load, sys.argv[1:])
assert len(got) == len(want) == 7
for k, (a, b) in enumerate(zip(got, want)):
    assert a.dtype == np.float32 and np.abs(a - b).max() <= 1e-5 * max(1, np.abs(b).max()), (k, np.abs(a - b).max())
END
        t5g-frame import --npy $case | t5g-encode --layer -1 --layer -3 --layer 4 --pool mean -o n.t5g
        t5g-frame ls n.t5g | grep -q 'embedding f32\[64\], hidden.6 f32\[[0-9]*,64\], hidden.4 f32\[[0-9]*,64\]$'
        t5g-encode --layer 2 h.t5g | t5g-frame ls | grep -o hidden | wc -l | grep -qx 1
    done
    # The last one is encoder.out; batches, threads and the cache change nothing.
    three
    t5g-encode --layer 3 --layer 6 ids.t5g -o all.t5g
    t5g-encode -t 1 --layer 3 --layer 6 enc.t5g | cmp - all.t5g
    t5g-frame split -n 1 --prefix id ids.t5g
    for f in id-*.t5g; do t5g-encode --layer 3 --layer 6 -o "$f.enc" "$f"; done
    t5g-frame cat id-*.enc | t5g-frame diff - all.t5g
    for _ in 1 2; do t5g-encode --cache=c --layer 3 --layer 6 ids.t5g | cmp - all.t5g; done
}

@test "contradictory options" {
    three
    for how in '--pool mean --group 4' '--pool mean --dtype q8' '--dims 4' '--normalize' '--pool none --normalize' \
        '--pool mean --dims 65' '--layer 7' '--layer -8' '--layer x' '--group 0' '--pool mean --dims 0'; do
        # shellcheck disable=SC2086 # several words
        status_is 64 t5g-encode $how ids.t5g -o never.t5g
        [ ! -e never.t5g ]
    done
    status_is 64 t5g-encode --layer 7 ids.t5g -o never.t5g
    err_has '--layer: 7, the encoder has 0 to 6'
}

# A directory of sentence-transformers.
sentence() {
    mkdir st
    cp -r "$tiny" st/0_Transformer
    $python "$T5G_TESTS/oracle/embeddings.py" --model st
}

@test "a directory of sentence-transformers: pooling, Dense, Normalize" {
    need_numpy
    three
    sentence
    t5g-tokenize -m st -e a | t5g-frame ls | grep -q input.ids
    t5g-encode -m st ids.t5g -o st.t5g
    t5g-frame ls st.t5g | grep -c 'embedding f32\[32\]' | grep -qx 3
    agrees st.t5g mean --modules st
    t5g-encode -m st enc.t5g | t5g-frame diff - st.t5g
    t5g-encode -m st --dims 8 ids.t5g -o a.t5g
    agrees a.t5g mean --modules st --dims 8
    t5g-encode -m st --dims 8 --normalize ids.t5g -o a.t5g
    agrees a.t5g mean --modules st --dims 8 --normalize
    # What the options say to do with rows stands instead of the modules.
    t5g-encode -m st --pool none ids.t5g | t5g-frame diff - enc.t5g
    t5g-encode -m st --pool max ids.t5g -o a.t5g
    agrees a.t5g max
    t5g-encode -m st --group 4 ids.t5g -o a.t5g
    agrees a.t5g group 4
    # The cache knows the modules.
    t5g-encode -m st --cache=c ids.t5g | cmp - st.t5g
    t5g-encode -m st --cache=c ids.t5g | cmp - st.t5g
    t5g-encode --cache=c --pool mean ids.t5g | t5g-frame diff - <(t5g-encode --pool mean ids.t5g)
    # Transformer beside modules.json, pooling by name.
    mkdir flat
    cp "$tiny"/* flat
    printf '[{"type":"a.Transformer","path":""},{"type":"b.Pooling","path":"1_Pooling"}]' > flat/modules.json
    mkdir flat/1_Pooling
    printf '{"embedding_dimension":64,"pooling_mode":"lasttoken"}' > flat/1_Pooling/config.json
    t5g-encode -m flat ids.t5g -o a.t5g
    agrees a.t5g last
}

@test "modules that are not known are refused by name" {
    need_numpy
    t5g-tokenize -e a -o ids.t5g
    sentence
    refused() { # FILE SED-COMMAND MESSAGE
        cp "st/$1" kept
        sed "$2" kept > "st/$1"
        status_is 65 t5g-encode -m st ids.t5g -o never.t5g
        err_has "$3"
        cp kept "st/$1"
    }
    refused modules.json 's/models.Normalize/models.LayerNorm/' "module 'sentence_transformers.models.LayerNorm' is not supported"
    refused modules.json 's/models.Pooling/models.Dense/' "module 'sentence_transformers.models.Dense' is not supported at this place"
    refused modules.json 's/models.Transformer/models.StaticEmbedding/' 'the first module is not a Transformer'
    refused 1_Pooling/config.json 's/"pooling_mode_max_tokens": false/"pooling_mode_max_tokens": true/' '2 ways of pooling at once'
    refused 1_Pooling/config.json 's/mean_tokens": true/weightedmean_tokens": true/' "pooling 'weightedmean_tokens' is not supported"
    refused 1_Pooling/config.json 's/64/32/' 'for rows of 32, the encoder has 64'
    refused 1_Pooling/config.json 's/mean_tokens": true/mean_tokens": false/' 'no way of pooling is switched on'
    # Numbers that are no width, in the words of the file.
    for width in -5 0 1.5 1e30 1048577 '"x"' null; do
        refused 1_Pooling/config.json "s/: 64/: $width/" "st/1_Pooling/config.json: \"word_embedding_dimension\": "
        refused 2_Dense/config.json "s/\"in_features\": 64/\"in_features\": $width/" ', expected a whole number from 1 to 1048576'
        refused 3_Dense/config.json "s/\"out_features\": 32/\"out_features\": $width/" 'st/3_Dense/config.json: "out_features": '
    done
    refused 2_Dense/config.json 's/"in_features"/"in"/' 'no "in_features"'
    # A path stays in the model, also that of the Transformer, which every program follows.
    for path in ../1_Pooling /1_Pooling 1_Pooling/../../st/1_Pooling ..; do
        refused modules.json "s,\"1_Pooling\",\"$path\"," "path '$path' leads out of the model"
        refused modules.json "s,\"0_Transformer\",\"$path\"," "path '$path' leads out of the model"
    done
    refused modules.json 's/"1_Pooling"/7/' 'path: expected a string'
    refused modules.json 's/"1_Pooling"/""/' "module 'sentence_transformers.models.Pooling': no path"
    refused 1_Pooling/config.json 's/"include_prompt": true/"include_prompt": false/' '"include_prompt":false is not supported'
    refused 2_Dense/config.json 's/Tanh/GELU/' "activation 'torch.nn.modules.activation.GELU' is not supported"
    refused 2_Dense/config.json 's/"in_features": 64/"in_features": 63/' 'in_features is 63'
    refused 3_Dense/config.json 's/"out_features": 32/"out_features": 31/' "tensor 'linear.weight': expected"
    refused 3_Dense/config.json 's/"bias": false/"bias": true/' "no tensor 'linear.bias'"
    rm st/3_Dense/model.safetensors
    status_is 66 t5g-encode -m st ids.t5g -o never.t5g
    t5g-encode -m st --pool mean ids.t5g | t5g-frame ls | grep -q embedding
}

@test "t5g-pack keeps the modules of sentence-transformers, and they act" {
    need_numpy
    three
    sentence
    t5g-encode -m st ids.t5g -o want.t5g
    for weights in keep q8; do
        t5g-pack --weights $weights -o st.t5g st
        t5g-frame verify st.t5g
        t5g-frame ls < st.t5g | tr ',' '\n' | grep -oE '(modules.json|[1-3]_.*) (text|f32)' | tr '\n' ' ' > got
        echo 'modules.json text 1_Pooling/config.json text 2_Dense/config.json text 3_Dense/config.json text 2_Dense/linear.bias f32 2_Dense/linear.weight f32 3_Dense/linear.weight f32 ' |
            tr -d '\n' | cmp - got
        t5g-encode -m st.t5g ids.t5g -o a.t5g
        t5g-frame ls a.t5g | grep -c 'embedding f32\[32\]' | grep -qx 3
        # A packed model that is packed again has them still; the rest of it is as before.
        t5g-pack -o again.t5g st.t5g
        t5g-encode -m again.t5g ids.t5g | cmp - a.t5g
        t5g-encode -m st.t5g --pool max ids.t5g | t5g-frame diff - <(t5g-encode -m again.t5g --pool max ids.t5g)
        t5g-encode -m st.t5g --pool none ids.t5g | t5g-decode -m st.t5g -n 2 | t5g-detok -m st.t5g | wc -l | grep -qx 3
        [ $weights = q8 ] || cmp a.t5g want.t5g
        [ $weights = q8 ] || t5g-encode -m st.t5g --pool none ids.t5g | t5g-frame diff - enc.t5g
    done
    # The search takes what the packed model says, too.
    printf 'one\ntwo\n' > lines
    "$pipelines/search.sh" -s c -m st.t5g -- -l lines
    t5g-frame ls c.t5g | grep -c 'embedding f32\[32\]' | grep -qx 2
    # What t5g-encode would refuse is not packed, and a damaged text is noticed.
    sed -i 's/models.Normalize/models.LayerNorm/' st/modules.json
    status_is 65 t5g-pack -o never.t5g st
    err_has "module 'sentence_transformers.models.LayerNorm' is not supported"
    [ ! -e never.t5g ]
    sed 's/"pooling_mode_mean_tokens"/"pooling_mode_mean_tokenz"/' st.t5g > damaged.t5g
    status_is 65 t5g-encode -m damaged.t5g ids.t5g -o never.t5g
    err_has '1_Pooling/config.json is damaged'
}
