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
ok "nothing is in the queue" test -z "$(squeue -h)"

# ---- What cannot work is refused before anything is sent.
refuses() { # TEXT-OF-TABLE PATTERN
    printf "$1" >refused.txt
    expect_code 2 jobs/sweep refused.txt
    has_line err "$2"
}
refuses 'eighth model.expert=4\n' 'model.expert.*model.experts'
refuses 'eighth parallel.machine=no-file\n' 'cannot read parallel.machine=no-file'
refuses 'eighth no-file.ini\n' 'refused.txt: run eighth cannot read no-file.ini, nothing is sent$'
refuses 'eighth jobs/configs/text.ini\n' 'refused.txt: run eighth cannot read data.path=kjv.txt, nothing is sent$'
refuses 'eighth data.source=text\n' 'data.source=text needs data.path'
refuses 'model.experts=4\n' 'row 1 does not begin with a name'
refuses 'twice\n twice\n' 'two runs are called twice'
refuses '# none\n\r\n' 'refused.txt has no runs'
expect_code 2 jobs/sweep no-such-table
cat >cannot-start <<END
#!/bin/sh
echo "An error occurred in MPI_Init" >&2
exit 1
END
chmod +x cannot-start
sed -i "s|^moecensus=.*|moecensus=$PWD/cannot-start|" jobs/site.sh
refuses 'eighth no-file.ini\n' 'run eighth cannot read no-file.ini'
expect_code 0 jobs/sweep runs.txt --dry-run
has_line err 'run seventh is not checked, .*cannot-start ends with 1 here$'
has_line out '^sbatch --array=1,2,3,4,5,6,7 '
sed -i "s|^moecensus=.*|moecensus=$PWD/no-program|" jobs/site.sh
expect_code 2 jobs/sweep runs.txt --dry-run
ok "one line" test "$(cat err)" = "site.sh: no program $PWD/no-program: name it in $PWD/jobs/site.sh"

# ---- Names and folders with blanks, a table of another system sent from another folder.
site mpirun
mkdir -p "an other/runs" && ln -s "$moecensus" "an other/program" && cp -r jobs "an other/its jobs"
sed -i "s|^moecensus=.*|moecensus='$PWD/an other/program'|" "an other/its jobs/site.sh"
printf '# Two.\r\n\r\nruns/one %s train.steps=20\r\ntwo %s train.steps=20' "$small" "$small" >"an other/its jobs/table"
cd "an other"
expect_code 0 env -u MOECENSUS_JOBS "its jobs/sweep" "its jobs/table" --dry-run $one_node
has_line out '^mpirun .*/an\\ other/program train .* train.steps=20 -o runs/one --resume auto$'
has_line out '^sbatch --array=1,2 .* --table its\\ jobs/table$'
expect_code 0 env -u MOECENSUS_JOBS "its jobs/sweep" "its jobs/table" $one_node
analysis=$(sed -n 's/^sweep: job \([0-9]*\) analyses all 2 when they are done$/\1/p' out)
ends "$analysis" COMPLETED
ok "the table has two rows" test "$(grep -c -E '^ *(runs/one|two)[.]' analyze-$analysis.out)" = 2
ok "only their files are left" test "$(echo runs/one.* two.*)" = \
    "runs/one.h5 runs/one.model.h5 runs/one.status two.h5 two.model.h5 two.status"
cd ..
sent sbatch --parsable $one_node jobs/train.sbatch "a name" $small train.steps=20
ends "$job" COMPLETED
equal first "a name"
sent sbatch --parsable $one_node jobs/train.sbatch $small train.steps=20
ends "$job" FAILED
has_line "moecensus-$job.out" 'which run[?] its name comes first'

# ---- Sent again while its runs wait and work: one sent by itself, one that is held, one added.
long="$small train.steps=15000 train.checkpoint_every=1000"
sent sbatch --parsable $one_node jobs/train.sbatch at-work $long
ok "is at work" wait_for grep -q -x code=running at-work.status
printf '%s\n' "at-work $long" "held $small train.steps=20" >more.txt
expect_code 0 jobs/sweep more.txt $one_node --hold
held=$(sed -n 's/^sweep: job \([0-9]*\) runs rows 2$/\1/p' out)
has_line out '^sweep: 1 in the queue already, rows 1$'
echo "added $small train.steps=20" >>more.txt
expect_code 0 jobs/sweep ./more.txt $one_node
has_line out '^sweep: 0 of 3 done$'
has_line out '^sweep: 2 in the queue already, rows 1,2$'
has_line out '^sweep: job [0-9]* runs rows 3$'
analysis=$(sed -n 's/^sweep: job \([0-9]*\) analyses all 3 when they are done$/\1/p' out)
ok "the analysis waits for all" eval "field $analysis Dependency | grep -q ':$job(.*:${held}_2('"
first=$job
sent sbatch --parsable $one_node jobs/train.sbatch at-work $long
ends "$job" FAILED
has_line "moecensus-$job.out" 'at-work.status is held by another job: .* Slurm job '"$first"
has_line at-work.restarts "^$first 0\$"
ok "the other is let go" scontrol release "$held"
ends "$analysis" COMPLETED
ok "the table has three rows" test "$(grep -c -E '^ *(at-work|held|added)' analyze-$analysis.out)" = 3
ends "$first" COMPLETED
expect_code 0 jobs/sweep more.txt
ok "all done" test "$(cat out)" = "sweep: 3 of 3 done"

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
