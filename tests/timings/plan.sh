#!/usr/bin/env bash
# Predicted against measured steps of three configs on 1 and 2 ranks, with constants measured here and now: the median
# of 5 runs is within 30 %, and the order is right. Nothing of the three configs takes part in the calibration.
. "${TOP_SRCDIR-.}/tests/tap.sh" || exit 1

once="train.eval_every=100000 data.test_n=32 train.eval_batch=32 census.sequences=32 census.batch=32"
text="data.source=text data.path=$TOP_SRCDIR/COPYING data.n=endless data.tokens=64 model.mask=causal
    train.loss=cross-entropy"
torus="$once train.steps=400"
small="$once $text train.steps=60 train.batch=32 model.width=64 model.heads=4 model.expert_width=128"
medium="$once $text train.steps=5 train.batch=64 model.layers=4 model.width=256 model.heads=8 model.experts=16
    model.expert_width=512"

cat >judge.py <<'END'
"""judge.py NAME RANKS: appends measured and predicted seconds of a step to the list, and says whether they agree."""
import json
import sys

import h5py
import numpy as np

name, ranks = sys.argv[1:]
steps = []
for run in range(5):
    with h5py.File(f"run-{run}.h5") as f:
        phases = f["timing/seconds"].attrs["phases"].decode().split()
        spent = f["timing/seconds"][()].max(axis=0) / len(f["train/loss"])
        steps.append(sum(spent[phases.index(p)] for p in ("data", "forward", "backward", "optimiser")))
measured, predicted = np.median(steps), json.load(open("plan.json"))["time"]["step_s"]
with open("all", "a") as f:
    print(name, ranks, measured, predicted, file=f)
print(f"# {name} on {ranks}: measured {1e3 * measured:.3g} ms, predicted {1e3 * predicted:.3g} ms, "
      f"ratio {predicted / measured:.2f}")
sys.exit(not 0.7 < predicted / measured < 1.3)
END

expect_code 0 on 2 "$moecensus" plan --calibrate -o here.ini
for name in torus small medium; do
    for ranks in 1 2; do
        for run in 0 1 2 3 4; do
            expect_code 0 on $ranks "$moecensus" train ${!name} -o run-$run --overwrite
        done
        expect_code 0 "$moecensus" plan ${!name} --ranks $ranks --ranks-per-node 2 --from run-0.h5 \
            parallel.machine=here.ini --json
        cp out plan.json
        ok "$name on $ranks ranks: the step is predicted within 30 %" "$PYTHON" judge.py $name $ranks
        cat tap.log
    done
done
ok "the six steps are in the predicted order" "$PYTHON" -c '
import numpy as np
rows = [line.split() for line in open("all")]
measured, predicted = (np.argsort([float(row[i]) for row in rows]) for i in (2, 3))
assert (measured == predicted).all(), rows'
tap_done
