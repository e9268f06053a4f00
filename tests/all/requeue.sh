#!/bin/bash
# Jobs of jobs/train.sbatch that are stopped, put back, cut off or lose a node under a real Slurm go on where they were,
# and end with the same results as a run that nothing disturbed.
. "${TOP_SRCDIR-.}/tests/slurm.sh" || exit 1

run="train.batch=32 train.eval_batch=256 data.n=1024 data.test_n=512 census.sequences=1024 census.keep_choices=64"
run="$run train.steps=800 train.checkpoint_every=25"
two_nodes="--nodes=2"

has_checkpoint() { # NAME
    compgen -G "$1.ckpt-????????.h5" >/dev/null
}

put_back() { # JOB
    [ "$(field "$1" Restarts)" = 1 ]
}

# JOB is back in the queue and has given back all its nodes of eight cores.
waits() { # JOB
    [ "$(field "$1" Restarts) $(field "$1" JobState) $(field "$1" NumCPUs)" = "1 PENDING 8" ]
}

# JOB goes on from a checkpoint and ends as if nothing had happened.
goes_on() { # JOB NAME
    ends "$1" COMPLETED
    has_line "$(field "$1" StdOut)" ' restart [1-9], newest checkpoint at step [1-9]'
    equal undisturbed "$2"
}

site mpirun
expect_code 0 on 2 "$moecensus" train $run -o undisturbed

# ---- Asked to stop by USR1; then on fewer nodes.
sent sbatch --parsable jobs/train.sbatch asked $run
ok "has a checkpoint" wait_for has_checkpoint asked
ok "USR1 to the script" scancel --batch --signal=USR1 "$job"
ok "waits in the queue" wait_for waits "$job"
has_line asked.status '^code=75$'
ok "three nodes from now on" scontrol update JobId="$job" NumNodes=3 NumTasks=6 NumCPUs=6
goes_on "$job" asked
has_line "moecensus-$job.out" 'stopped by USR1'
has_line "moecensus-$job.out" ' restart [1-9], .* on n\[1-3\]$'
has_line asked.status '^code=0$'
ok "nothing is remembered" test ! -e asked.restarts

# ---- The end of the job's time is near, 5 s after its start, and no signal says so; then it is given more.
expect_code 0 on 2 "$moecensus" train $run train.steps=3000 -o undisturbed-late
sent sbatch --parsable --time=1 --signal=B:CONT@1 jobs/train.sbatch late $run train.steps=3000 train.stop_before_s=55
ok "waits in the queue" wait_for waits "$job"
has_line "moecensus-$job.out" 'stopped by the time limit'
ok "more time, one node" scontrol update JobId="$job" TimeLimit=10 NumNodes=1 NumTasks=2 NumCPUs=2
ends "$job" COMPLETED
has_line "moecensus-$job.out" ' restart [1-9], newest checkpoint at step [1-9].* on n1$'
equal undisturbed-late late

# ---- Put back by Slurm.
site "srun --mpi=pmix"
sent sbatch --parsable jobs/train.sbatch put-back $run
ok "has a checkpoint" wait_for has_checkpoint put-back
ok "scontrol requeuehold" scontrol requeuehold "$job"
ok "waits in the queue" wait_for waits "$job"
ok "three nodes from now on" scontrol update JobId="$job" NumNodes=3 NumTasks=6 NumCPUs=6
ok "and off" scontrol release "$job"
goes_on "$job" put-back
has_line "moecensus-$job.out" ' restart [1-9], .* on n\[1-3\]$'

# ---- The last of an array, whose number is that of the array: what follows waits for it, and only it starts again.
printf '%s\n' "row-1 $run" "row-2 $run" >rows.txt
expect_code 0 jobs/sweep rows.txt $two_nodes
array=$(sed -n 's/^sweep: job \([0-9]*\) runs .*/\1/p' out)
analysis=$(sed -n 's/^sweep: job \([0-9]*\) analyses .*/\1/p' out)
ok "has a checkpoint" wait_for has_checkpoint row-2
ok "USR1 to the last row" scancel --batch --signal=USR1 "${array}_2"
ends "$analysis" COMPLETED
has_line "moecensus-${array}_2.out" ' restart [1-9], newest checkpoint at step [1-9]'
ok "the first row ran once" test "$(grep -c 'newest checkpoint' "moecensus-${array}_1.out")" = 1
equal undisturbed row-1
equal undisturbed row-2

# ---- Asked to stop before the ranks are started, and as they are.
site mpirun
cp jobs/site.sh site.sh
cat >>jobs/site.sh <<END
case "\${SLURM_RESTART_COUNT:-0} \${SLURM_JOB_ID:+job}" in
"0 job") kill -USR1 \$\$ ;;
"1 job") launcher="$PWD/asks srun --mpi=pmix" ;;
esac
END
printf '#!/bin/sh\nkill -USR1 $PPID\nexec "$@"\n' >asks && chmod +x asks
sent sbatch --parsable $two_nodes jobs/train.sbatch early $run
ends "$job" COMPLETED
ok "the ranks ran after two restarts" test "$(field "$job" Restarts)" = 2
has_line "moecensus-$job.out" 'stopped before its ranks began'
has_line "moecensus-$job.out" 'stopped by USR1'
equal undisturbed early
cp site.sh jobs/site.sh

# ---- A node is lost. The script sees its ranks die before Slurm knows; then it is the script's own node.
site mpirun
sent sbatch --parsable $two_nodes jobs/train.sbatch lost $run
ok "has a checkpoint" wait_for has_checkpoint lost
node_dies n2
ok "put back by the script" wait_for put_back "$job"
node_is_missed n2
goes_on "$job" lost
has_line "moecensus-$job.out" ' restart [1-9], .* on n\[[134],[34]\]$| on n\[3-4\]$'
ok "the node is back" node_comes n2
site "srun --mpi=pmix"
sent sbatch --parsable $two_nodes jobs/train.sbatch lost-script $run
ok "has a checkpoint" wait_for has_checkpoint lost-script
node_dies n1
node_is_missed n1
goes_on "$job" lost-script
ok "the node is back" node_comes n1

# ---- Cancelled: not put back. Sent again, it goes on.
site mpirun
sent sbatch --parsable $two_nodes jobs/train.sbatch cancelled $run
ok "has a checkpoint" wait_for has_checkpoint cancelled
ok "scancel" scancel "$job"
ends "$job" CANCELLED
sent sbatch --parsable $two_nodes jobs/train.sbatch cancelled $run
ends "$job" COMPLETED
has_line "moecensus-$job.out" ' restart 0, newest checkpoint at step [1-9]'
equal undisturbed cancelled

# ---- Killed each time before its first checkpoint: not for ever.
printf '#!/bin/sh\nexec timeout -s KILL 1 "%s" "$@"\n' "$moecensus" >short-lived && chmod +x short-lived
sed -i "s|^moecensus=.*|moecensus=$PWD/short-lived|" jobs/site.sh
sent sbatch --parsable $two_nodes jobs/train.sbatch stuck $run train.steps=1e6 train.checkpoint_every=0
ends "$job" FAILED
has_line "moecensus-$job.out" '3 restarts have not got beyond step 0'
ok "ran at first and after two restarts" test "$(grep -c 'newest checkpoint' "moecensus-$job.out")" = 3
tap_done
