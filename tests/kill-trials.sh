# Kill trials, sourced with $trials set: SIGKILL of one rank or of all at a call drawn uniformly over the steps, over
# all calls that change files, or over those that write no data (rename, fsync, ...), on 1 to 5 ranks, some in the
# middle of a write; then the training goes on on another 1 to 5 ranks. It ends with the results of the undisturbed
# run, and no checkpoint that was left is damaged. KILL_SEED in the environment repeats the trials of a run.
. "$TOP_SRCDIR/tests/jobs.sh"

run="train model.layers=2 model.experts=5 model.width=16 model.expert_width=16 train.steps=40 train.batch=32
    train.eval_every=9 train.eval_batch=32 data.n=64 data.test_n=64 census.sequences=256 census.batch=64 census.every=15
    census.keep_keys=yes train.checkpoint_every=3 -o run"
RANDOM=${KILL_SEED=$$}
echo "# KILL_SEED=$KILL_SEED"
if ! ${MPICC-mpicc} -shared -fPIC -o kill_at.so "$TOP_SRCDIR/tests/kill_at.c" -ldl 2>tap.log; then
    skip 1 "no compiler for MPI"
    tap_done
fi

mkdir whole
for ranks in 1 2 3 4 5; do
    rm -f run.*
    expect_code 0 on $ranks env KILL_COUNTS="calls.$ranks" LD_PRELOAD="$PWD/kill_at.so" "$moecensus" $run
    [ $ranks != 1 ] || cp run.h5 run.model.h5 whole/
    ok "$ranks ranks: the calls are counted" eval '[ "$(cat calls.$ranks.* | wc -l)" = $ranks ]'
done
ok "undisturbed runs agree" same run.h5 run.model.h5

below() { # N: a number from 1 to N
    echo $(((RANDOM << 15 | RANDOM) % $1 + 1))
}

phases=
for ((trial = 1; trial <= trials; trial++)); do
    rm -f run.* pid.* log
    ranks=$(below 5) victim=$((RANDOM % ranks)) kinds=(mpi io meta)
    kind=${kinds[trial % 3]}
    read -r _ mpi io meta <"calls.$ranks.$victim"
    at=$kind:$(below ${!kind}):$victim
    export KILL_AT=$at KILL_LOG=$PWD/log
    [ $((RANDOM % 2)) = 0 ] && export KILL_ALL=1 || unset KILL_ALL
    [ $((RANDOM % 2)) = 0 ] && export KILL_TORN=1 || unset KILL_TORN
    begin "$ranks" env LD_PRELOAD="$PWD/kill_at.so" "$moecensus" $run
    finish
    unset KILL_AT KILL_LOG KILL_ALL KILL_TORN
    read -r call file <log
    case $call:$file in
    step:*) phase=step ;;
    *.ckpt-*) phase=checkpoint-$call ;;
    *.status*) phase=status-$call ;;
    *) phase=results-$call ;;
    esac
    phases+=$phase$'\n'
    again=$(below 5)
    what="$ranks ranks, $phase ($at), then $again ranks"
    ok "$what: killed ($status)" test "$status" != 0 -a "$status" != 124
    read -ra pids <<<"$(cat pid.* | tr '\n' ' ')"
    ok "$what: no rank lives on" wait_until none_lives
    if [ -e run.h5 ] && [ -e run.model.h5 ]; then
        ok "$what: both files were written already" same run.h5 run.model.h5
        continue
    fi
    ok "$what: a file that is there is right" same $(ls run.h5 run.model.h5 2>/dev/null)
    expect_code 0 on "$again" "$moecensus" $run --resume auto
    ok "$what: no checkpoint was passed over" eval '! grep "passed over" err'
    ok "$what: the results of the undisturbed run" same run.h5 run.model.h5
    ok "$what: nothing else is left" test -z "$(compgen -G '*.part')"
done
sort <<<"${phases%$'\n'}" | uniq -c | sed 's/^/# /'
ok "a fifth of the kills fell into the writing of a checkpoint" \
    test $(($(grep -c '^checkpoint' <<<"$phases") * 5)) -ge "$trials"
tap_done
