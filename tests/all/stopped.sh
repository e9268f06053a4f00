#!/bin/bash
# USR1 at calls all over a run, in censuses and evaluations too: each time the ranks soon end with 75 and a checkpoint,
# and another number of ranks goes on to the results of the undisturbed run.
. "${TOP_SRCDIR-.}/tests/tap.sh" || exit 1
. "$TOP_SRCDIR/tests/jobs.sh"

run="train model.layers=2 model.experts=5 model.width=16 model.expert_width=16 train.steps=6 train.batch=32
    train.eval_every=3 train.eval_batch=8 data.n=64 data.test_n=64 census.sequences=256 census.batch=32 census.every=4
    census.keep_keys=yes -o run"
${MPICC-mpicc} -shared -fPIC -o kill_at.so "$TOP_SRCDIR/tests/kill_at.c" -ldl || exit 1

mkdir whole
expect_code 0 on 2 env KILL_COUNTS=calls LD_PRELOAD="$PWD/kill_at.so" "$moecensus" $run
cp run.h5 run.model.h5 whole/
read -r _ calls _ <calls.1

cat >held.py <<'PY'
"""held.py FILE: the step of a checkpoint, and whether the census and the evaluation of that step are in it."""
import sys

import h5py

with h5py.File(sys.argv[1]) as f:
    step = f.attrs["step"]
    print(step, f"census/step-{step:08d}" in f, step in f["eval/test/step"][()])
PY

for ((at = 1; at <= calls; at += 1 + calls / 20)); do
    rm -f run.*
    status=0
    KILL_SIGNAL=10 KILL_AT=mpi:$at:1 LD_PRELOAD=$PWD/kill_at.so on 2 "$moecensus" $run >out 2>err </dev/null ||
        status=$?
    if [ $status = 0 ]; then
        ok "call $at: too late, the results are there" same run.h5 run.model.h5
        continue
    fi
    ok "call $at: 75 ($status), at step $(stated step run.status)" test $status = 75 || tap_show err
    "$PYTHON" held.py run.ckpt-*.h5 >>stops
    expect_code 0 on $((at % 5 + 1)) "$moecensus" $run --resume auto
    ok "call $at: the results of the undisturbed run" same run.h5 run.model.h5
done
left() { # PATTERN WHAT
    ok "$2" grep -q -x "$1" stops || tap_show stops
}
left '0 False False' "some left the census before the first step"
left '4 False False' "some left a census on the way"
left '[36] False False' "some left an evaluation"
left '6 False True' "some were asked after the last step"
tap_done
