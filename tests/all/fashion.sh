#!/bin/bash
# Fashion-MNIST as in jobs/configs/fashion.ini: accuracy, and how far the routing concentrates.
. "${TOP_SRCDIR-.}/tests/tap.sh" || exit 1
. "$TOP_SRCDIR/tests/checks.sh"
TEST_TIMEOUT=400

start=$EPOCHREALTIME
expect_code 0 on 2 "$moecensus" train "$TOP_SRCDIR/jobs/configs/fashion.ini" -o fashion
"${AWK-awk}" -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { printf "# %.1f s\n", b - a }' </dev/null
checks ranges.py fashion fashion.h5
tap_done
