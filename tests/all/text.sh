#!/bin/bash
# The King James text as in jobs/configs/text.ini: the model predicts its bytes better than counts of pairs and triples.
. "${TOP_SRCDIR-.}/tests/tap.sh" || exit 1
. "$TOP_SRCDIR/tests/checks.sh"
TEST_TIMEOUT=400

ok "the text is there" bash -c 'bible -f gen1:1-rev22:21 >kjv.txt'
start=$EPOCHREALTIME
expect_code 0 on 2 "$moecensus" train "$TOP_SRCDIR/jobs/configs/text.ini" -o kjv
"${AWK-awk}" -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { printf "# %.1f s\n", b - a }' </dev/null
checks ranges.py text kjv.h5 kjv.txt
tap_done
