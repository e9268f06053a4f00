#!/bin/bash
# In simulated samples the certified bracket holds, and intervals by sequence hold where those by token fail: the short
# form of tests/long/brackets.sh.
. "${TOP_SRCDIR-.}/tests/tap.sh" || exit 1
. "$TOP_SRCDIR/tests/checks.sh"
. "$TOP_SRCDIR/tests/simulate.sh"

simulate 300 "100 1000 10000" 100 20000
tap_done
