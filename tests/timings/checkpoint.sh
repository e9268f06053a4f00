#!/bin/bash
# A checkpoint of 256 MB and more takes at most 1.5 times a plain parallel write of as many bytes with fsync, checksums,
# rename and syncs included (medians of 7, in turn).
. "${TOP_SRCDIR-.}/tests/tap.sh" || exit 1

timed="$TOP_BUILDDIR/tests/timings/checkpoint"
for ranks in 2 4; do
    # Other work on the machine may spoil one round.
    for round in 1 2 3; do
        on $ranks "$timed" . >line 2>err || break
        ratio=$(sed -n 's/.* MB: \([0-9.]*\) of .*/\1/p' line)
        echo "# $(cat line)"
        awk "BEGIN { exit !($ratio <= 1.5) }" && break
    done
    ok "$ranks ranks: ${ratio-nothing} of a plain write, at most 1.5" awk "BEGIN { exit !(${ratio-9} <= 1.5) }"
    ok "$ranks ranks: 256 MB and more" awk '{ sub(/.*, /, "", $0); exit !($1 >= 256) }' <(sed 's/ MB:.*//' line)
    rm -f timed.* plain
done
tap_done
