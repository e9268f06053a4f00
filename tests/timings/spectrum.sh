#!/usr/bin/env bash
# The whole spectrum of 3,000 rows (or the number given) on 1, 2 and 4 ranks: seconds, residual, and the most bytes of
# the pool "analysis" on a rank, which must fall with the number of ranks.
. "${TOP_SRCDIR-.}/tests/tap.sh" || exit 1

rows=${1-3000}
before=
for ranks in 1 2 4; do
    expect_code 0 on "$ranks" "$TOP_BUILDDIR/tests/timings/spectrum" "$rows"
    sed 's/^/# /' out
    bytes=$(sed -n 's/^n .* bytes \([0-9]*\)$/\1/p' out)
    ok "n = $rows on $ranks ranks: $bytes bytes a rank" test "${bytes:-0}" -gt 0
    [ -z "$before" ] || ok "two thirds at most of those with half the ranks" test $((3 * bytes)) -le $((2 * before))
    before=$bytes
done
tap_done
