#!/usr/bin/env bash
# The time the quick start takes on 4 ranks, without starting them: under 10 s on two cores with nothing else to do.
. "${TOP_SRCDIR-.}/tests/tap.sh" || exit 1
. "$TOP_SRCDIR/tests/quiet.sh"

limit=10
machine_is_quiet || { limit=30; echo "# machine busy: the limit is $limit s"; }

for run in 1 2 3; do
    expect_code 0 on 4 "$moecensus" train -o "run-$run"
done

# Messages are inside the other phases.
cat >seconds.py <<'END'
import statistics
import sys
import h5py
seconds = []
for name in sys.argv[2:]:
    with h5py.File(name) as f:
        phase = f["timing/seconds"].attrs["phases"].decode().split()
        seconds.append(sum(s for name, s in zip(phase, f["timing/seconds"][0]) if name != "messages"))
median = statistics.median(seconds)
print("# the quick start takes %.2f s (%s)" % (median, ", ".join("%.2f" % s for s in seconds)))
sys.exit(0 if median < float(sys.argv[1]) else 1)
END
ok "the quick start takes less than $limit s on 4 ranks" "$PYTHON" seconds.py $limit run-1.h5 run-2.h5 run-3.h5
tap_done
