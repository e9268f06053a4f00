#!/bin/bash
# Every estimator on random tables of up to 1e12 samples equals its formula in 40-digit arithmetic.
. "${TOP_SRCDIR-.}/tests/tap.sh" || exit 1
. "$TOP_SRCDIR/tests/checks.sh"

checks estimators_mpmath.py "$TOP_BUILDDIR/tests/estimate_fof"
tap_done
