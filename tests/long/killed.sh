#!/bin/bash
# A training is killed a hundred times over, and always ends with the same results.
. "${TOP_SRCDIR-.}/tests/tap.sh" || exit 1
trials=${TRIALS-100}
. "$TOP_SRCDIR/tests/kill-trials.sh"
