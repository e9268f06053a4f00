#!/bin/bash
# The census of a planted router finds the entropy, the collision number and the coverage of the law it was drawn from.
. "${TOP_SRCDIR-.}/tests/tap.sh" || exit 1
. "$TOP_SRCDIR/tests/checks.sh"

for law in uniform zipf:1.2 zipf:0.5; do
    name=${law/:/-}
    for ranks in 1 3; do
        expect_code 0 on $ranks "$moecensus" train model.router=planted model.planted_law=$law model.experts=5 \
            data.tokens=2 data.n=64 data.test_n=64 train.steps=1 train.batch=16 census.sequences=20000 \
            census.keep_choices=20000 -o $name-$ranks
        checks planted.py $name-$ranks.h5 out
    done
done
tap_done
