#!/bin/bash
# The quick start on 4 ranks: what it learns and how many patterns it finds lie where they should, and the count grows
# with the dimension of the data.
. "${TOP_SRCDIR-.}/tests/tap.sh" || exit 1
. "$TOP_SRCDIR/tests/checks.sh"
TEST_TIMEOUT=200

quick_start() { # NAME [WORD...]
    local start=$EPOCHREALTIME
    expect_code 0 on 4 "$moecensus" train "${@:2}" -o "$1"
    "$AWK" -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { printf "# %.1f s\n", b - a }' </dev/null
}
AWK=${AWK-awk}

quick_start d2
has_line out '^written: d2\.h5 d2\.model\.h5$'
checks ranges.py quickstart d2.h5 out
quick_start d1 data.dim=1
quick_start d4 data.dim=4
checks ranges.py dimensions d1.h5 d2.h5 d4.h5
tap_done
