#!/bin/bash
# A forward pass written anew from README.md gets the losses and choices of trained models: three sources, both gates,
# both masks, with and without positions, experts that ranks do not divide.
. "${TOP_SRCDIR-.}/tests/tap.sh" || exit 1
. "$TOP_SRCDIR/tests/checks.sh"

bible -f gen1:1-psa150:6 >text.txt
images=/usr/share/datasets/fashion-mnist

same_as_numpy() { # NAME RANKS WORD...
    expect_code 0 on "$2" "$moecensus" train -o "$1" train.steps=60 train.batch=20 train.warmup=5 data.n=128 \
        data.test_n=300 census.sequences=200 census.batch=64 census.keep_choices=200 "${@:3}"
    checks forward.py "$1.model.h5" "$1.h5"
}

odd="model.experts=5 model.top_k=3"
same_as_numpy torus 2
same_as_numpy torus-odd 3 $odd model.gate=softmax-topk model.mask=causal model.positions=offset model.width=24 \
    model.heads=3 model.layers=3 data.tokens=4 data.dim=3 data.beta=1.3 data.scale=0.7 data.seed=12345678901234 \
    train.rate=0.01 parallel.shards=7
same_as_numpy torus-one 2 model.top_k=1 model.gate=softmax-topk model.layers=1 model.expert_width=20 data.noise=0.7 \
    data.clip=1.1 census.first=1e12
same_as_numpy torus-all 2 model.experts=3 model.top_k=3 model.positions=offset parallel.units=2
same_as_numpy idx 3 data.source=idx data.path=$images data.patch=7 $odd census.first=33
same_as_numpy idx-classes 2 data.source=idx data.path=$images data.patch=14 $odd model.gate=softmax-topk \
    model.mask=causal model.positions=offset train.loss=cross-entropy
text="data.source=text data.path=text.txt data.tokens=16 data.n=endless model.mask=causal train.loss=cross-entropy"
same_as_numpy text 3 $text $odd census.first=100
same_as_numpy text-offset 2 $text $odd model.gate=softmax-topk model.positions=offset data.holdout=0.03 train.rate=0.01
tap_done
