#!/bin/bash
# Stopping and going on: after USR1, TERM or near the end of a job's time all ranks stop at one step with a checkpoint
# and status 75; taken up again on other numbers of ranks, as often as one likes, the run ends with the files of the
# undisturbed one. What does not fit is refused, what is damaged passed over, and two jobs do not share a name.
. "${TOP_SRCDIR-.}/tests/tap.sh" || exit 1
. "$TOP_SRCDIR/tests/refused.sh"
. "$TOP_SRCDIR/tests/jobs.sh"
. "$TOP_SRCDIR/tests/checks.sh"

run="train model.layers=3 model.experts=5 train.steps=1000 train.eval_every=70 train.warmup=5 train.batch=64
    train.eval_batch=64 data.n=512 data.test_n=128 census.sequences=512 census.batch=64 census.every=150
    census.keep_choices=100 census.keep_keys=yes"

line() { # FILE PATTERN
    ok "it says: $2" grep -q -E -e "$2" "$1" || tap_show "$1"
}

mkdir whole
expect_code 0 on 2 "$moecensus" $run -o whole/run
ok "the status of a run that is done" \
    eval '[ "$(stated code whole/run.status) $(stated step whole/run.status)" = "0 1000" ]'

RANDOM=${SEED=$$}
echo "# SEED=$SEED"

# Stopped by each of the ways, then taken up on another number of ranks.
newer() { # STEP: a checkpoint after it is there
    local last
    last=$(ls run.ckpt-*.h5 2>/dev/null | tail -n 1)
    last=${last#run.ckpt-}
    [ $((10#0${last%.h5})) -gt "$1" ]
}

stop() { # RANKS SIGNAL RANK
    local since=$((${step-0} + 40))
    begin "$1" "$moecensus" $run -o run train.checkpoint_every=20 --resume auto
    ok "$1 ranks run, and get ahead" eval "rank_pids $1 && wait_until newer $since"
    kill -"$2" "${pids[$3]}"
    finish
    ok "exit code 75 ($status)" test "$status" = 75
    ok "one line says why" says "train: step [0-9]+: stopped by $2, [0-9]+ steps are left" || tap_show err
    step=$(stated step run.status)
    ok "the status says 75 and a step (${step})" eval '[ "$(stated code run.status)" = 75 ] && [ "$step" -ge 0 ]'
    ok "its checkpoint is there" test -e "$(printf 'run.ckpt-%08d.h5' "$step")"
    ok "no results, and nothing half" eval '[ ! -e run.h5 ] && [ ! -e run.model.h5 ] && [ -z "$(compgen -G "*.part")" ]'
}

stop 3 USR1 1
line err 'starts at step 0: there is no checkpoint of run'
ok "the last two checkpoints are kept" test "$(ls run.ckpt-*.h5 | wc -l)" = 2
first=$step
stop 5 TERM 4
line err "goes on from step $first of 1000"
export SLURM_JOB_END_TIME=$(date +%s)
expect_code 75 on 1 "$moecensus" $run -o run --resume auto
ok "a step before the time limit" says 'train: step [0-9]+: stopped by the time limit' || tap_show err
export SLURM_JOB_END_TIME=$(($(date +%s) + 100)) # less than train.stop_before_s, which is cut
expect_code 0 on 4 "$moecensus" $run -o run --resume auto
unset SLURM_JOB_END_TIME
ok "results and model are those of the undisturbed run" same run.h5 run.model.h5
ok "where it was taken up again is kept" "$PYTHON" -c '
import h5py
text = h5py.File("run.h5")["provenance"].attrs["resumed"].decode()
assert text.count("; ") == 1 and text.endswith("on 4 ranks"), text'
expect_code 0 on 2 "$moecensus" $run -o run --resume auto
line err 'run.h5 is there already, from the same config: nothing to do'

# A checkpoint serves as a model too.
latest=$(ls run.ckpt-*.h5 | tail -n 1)
expect_code 0 on 2 "$moecensus" census "$latest" census.sequences=64 -o counted
refused 1 'analyze: .* holds (a )?checkpoint' analyze "$latest"

# Checkpoints to play with.
rm -f run.*
run=${run/train.steps=1000/train.steps=400} run=${run/census.every=150/}
expect_code 0 on 3 "$moecensus" $run -o run train.checkpoint_every=100
ok "a checkpoint says what it is, with a checksum" "$PYTHON" -c '
import h5py
a = h5py.File("run.ckpt-00000300.h5")
tail = open("run.ckpt-00000300.h5", "rb").read()[-57:]
assert tail.startswith(b"checksums ") and tail.endswith(b"\n"), tail
assert a.attrs["kind"] == b"checkpoint"'
cp run.h5 run.model.h5 whole/
mkdir kept && mv run.ckpt-*.h5 kept/ && rm run.*

again() { # the newest checkpoints back, and no results
    rm -f run.*
    cp kept/run.ckpt-*.h5 .
}

# What is not ours.
again
refused 2 'train: there is a checkpoint of step 400 of run \(go on with --resume auto, or start again ' \
    $run -o run
refused 2 'train: run.ckpt-00000400.h5 comes from other settings: train.rate=0.002, now 0.001 \(' $run -o run \
    --resume auto train.rate=1e-3
refused 2 'train: --resume soon: auto or any-cpu' $run -o run --resume soon
refused 2 'train: --resume needs auto or any-cpu' $run -o run --resume
cp "$moecensus" other && echo >>other
expect_code 2 on 2 ./other $run -o run --resume auto
ok "another program is named" says 'train: run.ckpt-00000400.h5 comes from another build of the program: ' ||
    tap_show err
kernel=Prescott
expect_code 2 on 2 env OPENBLAS_CORETYPE=$kernel "$moecensus" $run -o run --resume auto
ok "another CPU is named" says 'train: run.ckpt-00000400.h5 comes from another BLAS library or kernel: .*any-cpu' ||
    tap_show err
expect_code 2 on 1 "$moecensus" $run -o run --resume auto : \
    -n 1 env OPENBLAS_CORETYPE=$kernel "$moecensus" $run -o run --resume auto
ok "ranks on CPUs of two kinds are named" says 'train: rank 1: another kind of CPU or BLAS kernel than on rank 0: ' ||
    tap_show err
ok "the status still has the step of the checkpoint" \
    eval '[ "$(stated code run.status) $(stated step run.status)" = "2 400" ]'
expect_code 0 on 1 "$moecensus" $run -o done train.steps=3
cp done.status stands
refused 2 'train: done.model.h5 is there already and comes from another config' $run -o done train.steps=4
ok "a refusal leaves the status of a run that is done" cmp done.status stands
ok "and nothing is lost" eval 'cmp run.ckpt-00000400.h5 kept/run.ckpt-00000400.h5 && [ ! -e run.h5 ]'
expect_code 0 on 2 env OPENBLAS_CORETYPE=$kernel "$moecensus" $run -o run --resume any-cpu
ok "any-cpu goes on, and keeps that" "$PYTHON" -c '
import h5py
assert h5py.File("run.h5")["provenance"].attrs["resumed"].decode() == "step 400 on 2 ranks, any CPU"'
expect_code 0 on 2 "$moecensus" $run -o run --overwrite train.steps=40
ok "--overwrite starts again and clears up" eval '[ -z "$(compgen -G "run.ckpt-*")" ]'

# What is damaged.
goes_on_from() { # STEP WHAT PATTERN
    local status=0
    TEST_TIMEOUT=30 on $((RANDOM % 3 + 1)) "$moecensus" $run -o run --resume auto >out 2>err </dev/null || status=$?
    ok "$2: passed over" grep -q -E -e "^train: passed over: .*run.ckpt-00000400.h5.*$3" err || tap_show err
    ok "$2: the older one is used ($status)" eval "[ $status = 0 ] && grep -q 'goes on from step $1 of 400' err" ||
        tap_show err
    ok "$2: the same results" same run.h5 run.model.h5
}

size=$(stat -c %s kept/run.ckpt-00000400.h5)
for length in 0 $((size / 4)) $((size / 2)) $((size - 1)); do
    again
    truncate -s "$length" run.ckpt-00000400.h5
    goes_on_from 300 "cut at $length bytes" ''
done
again
cp run.ckpt-00000300.h5 run.ckpt-00000400.h5
goes_on_from 300 "another step under its name" 'holds step 300, not the one of its name'
again
mv run.ckpt-00000300.h5 between && mv run.ckpt-00000400.h5 run.ckpt-00000300.h5 && mv between run.ckpt-00000400.h5
refused 1 'train: none of the 2 checkpoints of run is whole' $run -o run --resume auto
line err 'passed over: run.ckpt-00000400.h5 holds step 300, not the one of its name'
line err 'passed over: run.ckpt-00000300.h5 holds step 400, not the one of its name'
again
printf '\1' | dd of=run.ckpt-00000400.h5 bs=1 seek=12345 conv=notrunc 2>tap.log
cp run.ckpt-00000400.h5 run.ckpt-00000400.h5.part
head -c 1000 run.ckpt-00000400.h5 >run.ckpt-00000500.h5.part
goes_on_from 300 "a byte changed, and parts of killed jobs beside it" ''
ok "the parts are gone" test -z "$(compgen -G '*.part')"
expect_code 0 on 2 "$moecensus" train $small train.checkpoint_every=1 -o small
for ranks in 1 3; do
    checks flips.py small.ckpt-00000002.h5 "${MPIEXEC-mpiexec}" -n $ranks "$TOP_BUILDDIR/tests/flip"
done
again
rm run.ckpt-00000300.h5
truncate -s 5000 run.ckpt-00000400.h5
at="1 3"
refused 1 'train: none of the 1 checkpoints of run is whole \(remove them to start at step 0' $run -o run --resume auto
at=1

# Two jobs of one name.
rm -f run.*
begin 2 "$moecensus" $run train.steps=1000000 train.eval_every=1000000 census.every=0 -o run
rank_pids 2 && wait_until grep -q '^code=running' run.status
refused 2 "train: run.status is held by another job: train, process (${pids[0]}|${pids[1]}) on [^ ]+ \(wait for it" \
    $run -o run
ok "and leaves the first alone" kill -0 "${pids[0]}"
expect_code 0 on 2 "$moecensus" $run train.steps=2 -o beside
kill -USR1 "${pids[0]}"
finish
ok "the first ends as it would ($status)" test $status = 75
step=$(stated step run.status)
begin 2 "$moecensus" $run train.steps=1000000 train.eval_every=1000000 census.every=0 -o run --resume auto
rank_pids 2 && wait_until grep -q '^code=running' run.status && wait_until grep -q 'goes on from step' err
kill -KILL "${pids[0]}"
finish
ok "one that is killed leaves the step it has stored ($step)" \
    eval '[ "$step" -gt 0 ] && [ "$(stated code run.status) $(stated step run.status)" = "running $step" ]'
tap_done
