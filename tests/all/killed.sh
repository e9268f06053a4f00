#!/bin/bash
# Ten trials of the hundred in tests/long/killed.sh.
. "${TOP_SRCDIR-.}/tests/tap.sh" || exit 1
trials=10
. "$TOP_SRCDIR/tests/kill-trials.sh"
