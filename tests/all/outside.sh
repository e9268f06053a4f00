#!/bin/bash
# vegan and scikit-bio say of three samples what the program says.
. "${TOP_SRCDIR-.}/tests/tap.sh" || exit 1
. "$TOP_SRCDIR/tests/checks.sh"

checks outside.py "$moecensus" "$TOP_SRCDIR/tests"
tap_done
