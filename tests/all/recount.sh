#!/bin/bash
# Every table of a census made on 3 ranks equals a brute-force count of the choices it stored.
. "${TOP_SRCDIR-.}/tests/tap.sh" || exit 1
. "$TOP_SRCDIR/tests/checks.sh"

bible -f gen1:1-psa150:6 >text.txt

same_count() { # NAME WORD...
    expect_code 0 on 3 "$moecensus" train -o "$1" train.steps=20 train.batch=20 train.warmup=5 data.n=128 \
        data.test_n=128 census.sequences=700 census.keep_choices=700 census.batch=64 census.keep_keys=yes "${@:2}"
    checks recount.py "$1.h5"
}

same_count torus
same_count torus-odd model.experts=5 model.top_k=3 model.layers=3 data.tokens=4 data.seed=99 census.first=1e12
same_count idx data.source=idx data.path=/usr/share/datasets/fashion-mnist data.patch=7 model.experts=16 \
    model.top_k=4 model.width=16 census.first=33 census.sequences=300 census.batch=256
same_count text data.source=text data.path=text.txt data.tokens=16 data.n=endless model.mask=causal model.experts=4 \
    model.top_k=1 model.layers=1 train.loss=cross-entropy census.keep_keys=no
same_count one-pattern model.experts=1 model.top_k=1 model.layers=1 data.tokens=1 census.sequences=30
same_count many-experts model.experts=513 model.top_k=2 model.layers=8 model.width=4 model.expert_width=1 \
    data.tokens=2 census.sequences=80 train.steps=1

expect_code 0 on 3 "$moecensus" census torus-odd.model.h5 census.first=7 census.sequences=900 census.keep_choices=900
checks recount.py torus-odd.census-7.h5
tap_done
