#!/bin/bash
# Results and parameters are the same to the last bit on 1, 2, 3, 4, 5 and 8 ranks: all sources and routers, experts
# that ranks do not divide or that are fewer, uneven shards, several units, every table.
. "${TOP_SRCDIR-.}/tests/tap.sh" || exit 1

bible -f gen1:1-exo40:38 >text.txt
base="train.steps=4 train.batch=24 train.warmup=2 train.eval_every=2 train.eval_batch=50 data.n=96 data.test_n=130
    census.sequences=300 census.batch=64 census.keep_choices=100 census.keep_keys=yes"

compare() {
    "$PYTHON" -B "$TOP_SRCDIR/tests/compare_h5.py" "$@"
}

same_for() { # RANKS NAME WORD...
    local ranks name=$2
    for ranks in 1 $1; do
        expect_code 0 on $ranks "$moecensus" train $base "${@:3}" -o $name-$ranks
    done
    for ranks in $1; do
        ok "$name: results on 1 and $ranks ranks" compare $name-1.h5 $name-$ranks.h5
        ok "$name: parameters on 1 and $ranks ranks" compare $name-1.model.h5 $name-$ranks.model.h5
    done
}

has_node() { # FILE PATH
    "$PYTHON" -c 'import sys, h5py; h5py.File(sys.argv[1], "r")[sys.argv[2]]' "$@"
}

idx="data.source=idx data.path=/usr/share/datasets/fashion-mnist data.patch=7"
text="data.source=text data.path=text.txt data.tokens=16 data.n=endless model.mask=causal train.loss=cross-entropy"
same_for "2 3 4 5 8" torus
same_for "2 3 4 5 8" idx $idx
same_for "2 3 4 5 8" text $text
same_for "3 5 8" torus-5 model.experts=5 model.top_k=3 parallel.units=2
for source in torus idx text; do
    words=
    [ $source = torus ] || words=${!source}
    same_for "5" $source-2 $words model.experts=2 model.gate=softmax-topk
    same_for "5" $source-1 $words model.experts=1 model.top_k=1
done
same_for "5" idx-5 $idx model.experts=5 model.gate=softmax-topk train.loss=cross-entropy
same_for "5" text-5 $text model.experts=5
same_for "2 3 5" uneven train.batch=10 parallel.shards=7 model.experts=5
same_for "8" least train.batch=8 parallel.shards=8 parallel.units=4 model.top_k=1 model.positions=offset
same_for "3" direct parallel.exchange=direct census.every=2
same_for "5" three-layers model.layers=3
same_for "5" planted model.router=planted model.planted_law=zipf:1.2
same_for "5" frozen model.router=frozen
same_for "5" endless data.n=endless
same_for "5" many-experts model.layers=8 model.experts=513 model.width=4 model.expert_width=1 train.steps=2 \
    data.tokens=2 census.keep_keys=no
ok "windows of three layers" has_node three-layers-5.h5 census/step-00000004/window/layer-01/fof
ok "co-activation of many experts" has_node many-experts-5.h5 routing/step-00000002/coactivation_adjacent

# A census of a model on other ranks than it was trained on.
for ranks in 2 5; do
    ok "model for $ranks ranks" cp torus-3.model.h5 from-$ranks.model.h5
    expect_code 0 on $ranks "$moecensus" census from-$ranks.model.h5 census.first=300 census.sequences=500
done
ok "census on 2 and 5 ranks" compare from-2.census-300.h5 from-5.census-300.h5
tap_done
