#!/bin/bash
# Time limits that a real Slurm keeps: a job that its signal tells ahead, and one that is told nothing and cut off.
. "${TOP_SRCDIR-.}/tests/slurm.sh" || exit 1

run="train.batch=32 train.eval_batch=256 data.n=1024 data.test_n=512 census.sequences=1024 census.keep_choices=64"
run="$run train.steps=50000 train.checkpoint_every=2000"
one_minute="--time=1 --export=ALL,SLURM_JOB_END_TIME=4000000000" # the program itself believes that it has years
TEST_TIMEOUT=300

waits() { # JOB: back in the queue, all its nodes given back
    [ "$(field "$1" Restarts) $(field "$1" JobState) $(field "$1" NumCPUs)" = "1 PENDING 8" ]
}

site mpirun
expect_code 0 on 2 "$moecensus" train $run -o undisturbed

sent sbatch --parsable $one_minute --signal=B:USR1@30 jobs/train.sbatch told $run
ok "waits in the queue" eval 'wait_for waits "$job" || wait_for waits "$job"'
has_line "moecensus-$job.out" 'stopped by USR1'
ok "more time, one node" scontrol update JobId="$job" TimeLimit=20 NumNodes=1 NumTasks=2 NumCPUs=2
ends "$job" COMPLETED
has_line "moecensus-$job.out" ' restart 1, newest checkpoint at step [1-9]'
equal undisturbed told

site "srun --mpi=pmix"
sent sbatch --parsable $one_minute --signal=B:CONT@1 jobs/train.sbatch cut-off $run
ends "$job" TIMEOUT
ok "no results" test ! -e cut-off.h5
sent sbatch --parsable --nodes=1 jobs/train.sbatch cut-off $run
ends "$job" COMPLETED
has_line "moecensus-$job.out" ' restart 0, newest checkpoint at step [1-9]'
equal undisturbed cut-off
tap_done
