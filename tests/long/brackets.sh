#!/bin/bash
# In a thousand samples of every law and size the certified bracket holds; how often the nominal one does is in the log.
# Under 70 % repetition intervals by sequence hold where those by token fail.
. "${TOP_SRCDIR-.}/tests/tap.sh" || exit 1
. "$TOP_SRCDIR/tests/checks.sh"
. "$TOP_SRCDIR/tests/simulate.sh"

simulate 1000 "100 1000 10000 100000" 1000 20000
tap_done
