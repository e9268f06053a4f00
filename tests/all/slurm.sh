#!/bin/bash
# The scripts of jobs/ under a real Slurm, on four nodes of two ranks, with both launchers.
. "${TOP_SRCDIR-.}/tests/slurm.sh" || exit 1

small="train.batch=32 train.eval_batch=256 data.n=1024 data.test_n=512 census.sequences=1024 census.keep_choices=64"
one_node="--nodes=1 --ntasks-per-node=2"

made_by() { # FILE: ranks and hosts
    "$PYTHON" -c 'import sys, h5py
made = h5py.File(sys.argv[1], "r")["provenance"].attrs
print(made["ranks"], "ranks on", made["hosts"].decode())' "$1" >out
}

# ---- One job.
expect_code 0 on 3 "$moecensus" train $small train.steps=60 -o plain
for launcher in mpirun "srun --mpi=pmix"; do
    site "$launcher"
    name=by-${launcher%% *}
    sent sbatch --parsable jobs/train.sbatch $name $small train.steps=60
    ends "$job" COMPLETED
    made_by $name.h5
    has_line out '^8 ranks on n1 n2 n3 n4$'
    equal plain $name
    ok "only its files are left" test "$(echo $name.*)" = "$name.h5 $name.model.h5 $name.status"
done

# ---- A sweep and its analysis; nothing is run twice.
cat >runs.txt <<END
# Six runs.

first   $PWD/jobs/configs/torus.ini $small train.steps=20
second  $small train.steps=20 model.experts=4
third   $small train.steps=20 model.expert_width=16
  fourth  $small train.steps=20 model.layers=1
fifth   $small train.steps=20 data.n=512
sixth   $small train.steps=20 data.n=2048
END
expect_code 0 jobs/sweep runs.txt --dry-run $one_node
has_line out '^sweep: 0 of 6 done$'
ok "six commands and two jobs" test "$(grep -c ' train .* --resume auto$' out) $(grep -c '^sbatch ' out)" = "6 2"
has_line out '^srun --mpi=pmix .* train .* train.steps=20 model.experts=4 -o second --resume auto$'
ok "nothing was sent" test -z "$(squeue -h)" -a ! -e first.h5
expect_code 0 jobs/sweep runs.txt $one_node
array=$(sed -n 's/^sweep: job \([0-9]*\) runs rows 1,2,3,4,5,6$/\1/p' out)
analysis=$(sed -n 's/^sweep: job \([0-9]*\) analyses all 6 when they are done$/\1/p' out)
ends "$array" COMPLETED
ends "$analysis" COMPLETED
ok "the table has six rows" test "$(grep -c -E '^ *(first|second|third|fourth|fifth|sixth)' analyze-$analysis.out)" = 6
sha256sum *.h5 >sums
expect_code 0 jobs/sweep runs.txt $one_node
ok "all done" test "$(cat out)" = "sweep: 6 of 6 done"
ok "no file has changed" sha256sum --quiet -c sums
ok "nothing is in the queue" test -z "$(squeue -h)"
echo "seventh $small train.steps=10" >>runs.txt
expect_code 0 jobs/sweep runs.txt --dry-run
has_line out '^sweep: 6 of 7 done$'
has_line out '^sbatch --array=7 '
sed -i 's/model.experts=4/model.experts=5/' runs.txt
expect_code 2 jobs/sweep runs.txt
has_line err 'second.*is there already and comes from another config'
has_line err '^sweep: runs.txt: run second is refused, nothing is sent$'
printf 'eighth model.expert=4\n' >runs.txt
expect_code 2 jobs/sweep runs.txt
has_line err 'model.expert.*model.experts'
printf 'twice\n twice\n' >runs.txt
expect_code 2 jobs/sweep runs.txt --dry-run
has_line err 'two runs are called twice'
expect_code 2 jobs/sweep no-such-table

# ---- A census in parts, made one by a job that waits for them.
counted="census.batch=128 census.keep_choices=100"
expect_code 0 on 2 "$moecensus" census first.model.h5 $counted census.sequences=1536 census.keep_keys=yes -o whole
sent sbatch --parsable --array=0-2 $one_node jobs/census.sbatch first.model.h5 5.12e2 $counted
sent sbatch --parsable --dependency=afterok:$job jobs/analyze.sbatch --merge first.part-{0..2}.h5 -o merged
ends "$job" COMPLETED
# Gate energies are sums of doubles, made in another order; predictions are of single runs.
"$PYTHON" -B "$TOP_SRCDIR/tests/compare_h5.py" whole.h5 merged.h5 |
    grep -v '^/routing/.*/gate_energy: \|^/timing/\|^/traffic/' >differences
ok "the parts make the whole" test ! -s differences -a -e merged.h5 || tap_show differences
tap_done
