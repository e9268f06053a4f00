#!/bin/bash
# The quick start with other initial weights and router draws reaches what it reaches with its own.
. "${TOP_SRCDIR-.}/tests/tap.sh" || exit 1
. "$TOP_SRCDIR/tests/checks.sh"

for seed in 2 3 4; do
    expect_code 0 on 4 "$moecensus" train model.seed=$seed -o seed-$seed
    checks ranges.py quickstart seed-$seed.h5 out
done
tap_done
