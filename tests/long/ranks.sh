#!/bin/bash
# Longer runs end with the same bits on every number of ranks: 200 steps on a text, 100 on images.
. "${TOP_SRCDIR-.}/tests/tap.sh" || exit 1
TEST_TIMEOUT=200

same_for() { # RANKS CONFIG WORD...
    local ranks config=$2
    for ranks in 1 $1; do
        expect_code 0 on $ranks "$moecensus" train "$TOP_SRCDIR/jobs/configs/$config.ini" "${@:3}" -o $config-$ranks
    done
    for ranks in $1; do
        for file in h5 model.h5; do
            ok "$config.$file on 1 and $ranks ranks" "$PYTHON" -B "$TOP_SRCDIR/tests/compare_h5.py" \
                $config-1.$file $config-$ranks.$file
        done
    done
}

ok "the text is there" bash -c 'bible -f gen1:1-rev22:21 >kjv.txt'
same_for "4" text train.steps=200 train.eval_every=100
same_for "3 5" fashion train.steps=100 train.eval_every=50 census.every=50
tap_done
