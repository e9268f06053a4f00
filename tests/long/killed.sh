#!/bin/bash
# A rank is killed at a random moment, 20 times, every second one while files are written: the job ends, and a file that
# looks whole is whole. KILL_SEED in the environment repeats the moments of a run.
. "${TOP_SRCDIR-.}/tests/tap.sh" || exit 1

# Two censuses, some training and files of many megabytes share the time of a run.
settings="model.width=128 model.experts=32 model.expert_width=1024 train.batch=16 train.steps=3 train.eval_batch=64
    data.n=64 data.test_n=64 census.sequences=2048 census.batch=256 census.keep_choices=2048 census.keep_keys=yes"
RANDOM=${KILL_SEED=$$}
echo "# KILL_SEED=$KILL_SEED"

# Each rank leaves its process id.
start() {
    on 3 bash -c 'echo $$ >pid.$$; exec "$0" "$@"' "$moecensus" train $settings -o killed
}

wait_for() { # COMMAND...: for 20 seconds at most
    local end=$((SECONDS + 20))
    until "$@"; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.01
    done
}

all_started() {
    [ "$(cat pid.* 2>/dev/null | wc -l)" = 3 ]
}

writes() {
    [ -n "$(compgen -G 'killed.*')" ]
}

none_lives() {
    local pid
    for pid in "${pids[@]}"; do
        [ "$(readlink "/proc/$pid/exe")" != "$(readlink -f "$moecensus")" ] || return 1
    done
}

equals_whole() { # FILE...
    local file
    for file in "$@"; do
        "$PYTHON" -B "$TOP_SRCDIR/tests/compare_h5.py" "whole/$file" "$file" || return 1
    done
}

began=${EPOCHREALTIME/[.,]/}
expect_code 0 start
length=$(((${EPOCHREALTIME/[.,]/} - began) / 1000))
mkdir whole && mv killed.* whole/
echo "# a run takes $length ms"

for ((trial = 1; trial <= 20; trial++)); do
    rm -f pid.* killed.*
    code=0
    start >out 2>err </dev/null &
    job=$!
    wait_for all_started
    pids=($(cat pid.*))
    if [ $((trial % 2)) = 0 ]; then
        wait_for writes
        moment=$((RANDOM % 200)) from="the first byte of a file"
    else
        moment=$((RANDOM % length)) from="the start"
    fi
    sleep "$(printf '%d.%03d' $((moment / 1000)) $((moment % 1000)))"
    kill -KILL "${pids[RANDOM % 3]}" 2>/dev/null
    since=$SECONDS
    wait $job 2>tap.log || code=$?
    left=$(compgen -G 'killed.*' | sort | tr '\n' ' ')
    ok "killed $moment ms after $from: the job ends within seconds (exit code $code)" \
        test $((SECONDS - since)) -le 10
    ok "with a fault, or it was done" eval '[ $code != 0 ] || [ "$left" = "killed.h5 killed.model.h5 " ]'
    ok "no rank lives on" wait_for none_lives
    ok "what looks whole is whole (left: ${left:-nothing})" equals_whole $(ls | grep -x 'killed\.\(model\.\)\?h5')
done
expect_code 0 start
ok "the next run makes both files" equals_whole killed.h5 killed.model.h5
ok "and clears up" test "$(echo killed.*)" = "killed.h5 killed.model.h5"
tap_done
