#!/bin/bash
# Expert loads of two trained models through `analyze --counts` give the entropies that are known of them.
. "${TOP_SRCDIR-.}/tests/tap.sh" || exit 1
. "$TOP_SRCDIR/tests/checks.sh"

checks loads.py "$moecensus" "$TOP_SRCDIR/tests/data/expert_counts.csv"
tap_done
