#!/bin/bash
# A disk that is full or turns read-only while checkpoints are written: the training ends with 74, or goes on without
# the checkpoint where output.on_full says so; the last good checkpoint stays, and nothing hangs.
if [ "${1-}" != inside ]; then
    for how in "-m" "-rm"; do
        ! unshare $how mount -t tmpfs none . 2>/dev/null || exec unshare $how bash "$0" inside
    done
    echo "1..0 # SKIP no right to mount a tmpfs in a private namespace"
    exit 0
fi
. "${TOP_SRCDIR-.}/tests/tap.sh" || exit 1
. "$TOP_SRCDIR/tests/disk.sh"
. "$TOP_SRCDIR/tests/refused.sh"
. "$TOP_SRCDIR/tests/jobs.sh"

run="train $small train.steps=8 model.width=64 model.expert_width=128 -o disk/run"

mkdir disk whole
expect_code 0 start 2 "$moecensus" $run -o whole/run
mount -t tmpfs -o size=64m none disk || exit 1
expect_code 0 start 2 "$moecensus" $run train.checkpoint_every=4
pages=$(($(stat -c %s disk/run.ckpt-00000004.h5) / page))
results=$(du -c -B $page --apparent-size disk/run.h5 disk/run.model.h5 | tail -n 1 | cut -f 1)
echo "# a checkpoint takes $pages pages, results and model $results"

disk_with() { # PAGES
    leave_disk && mount -t tmpfs -o size=$(($1 * page)) none disk
}

kept() { # FILE...: these and the status, nothing else
    [ "$(cd disk && echo *)" = "$* run.status" ]
}

same_as_whole() {
    for file in run.h5 run.model.h5; do
        "$PYTHON" -B "$TOP_SRCDIR/tests/compare_h5.py" whole/$file disk/$file || return 1
    done
}

full='cannot (create|reserve [0-9.]+ MB for) disk/run.ckpt-0000000[0-9]\.h5\.part: No space left on device'
for ranks in 1 3; do
    # Room for two checkpoints: the third is refused before the oldest is removed.
    at=$ranks
    disk_with $((2 * pages + pages / 2))
    refused 74 "train: checkpoint of step 3: $full" $run train.checkpoint_every=1
    ok "full: the two before it are left, $ranks ranks" kept run.ckpt-00000001.h5 run.ckpt-00000002.h5
    ok "full: the status says so" test "$(stated code disk/run.status) $(stated step disk/run.status)" = "74 2"
    mount -o remount,size=64m disk
    expect_code 0 start $((4 - ranks)) "$moecensus" $run --resume auto
    ok "full: from there it goes on to the same results" same_as_whole

    # Room for the results and half a checkpoint.
    disk_with $((results + results / 20 + pages / 2 + 8))
    expect_code 0 start $ranks "$moecensus" $run train.checkpoint_every=3 output.on_full=continue
    missed=$(grep -c -E "^moecensus: warning: goes on without the checkpoint of step [36]: $full" err)
    ok "continue: each checkpoint that is missed is told" test "$missed" = 2 || tap_show err
    ok "continue: the results are right, and all there is" eval 'same_as_whole && kept run.h5 run.model.h5'
done

# A disk that turns read-only under a running job: another one over it, for files that are opened from now on.
for what in stop continue; do
    disk_with 16384
    begin 3 "$moecensus" $run train.steps=100000 train.eval_every=100000 train.checkpoint_every=200 \
        output.on_full=$what
    ok "a checkpoint is there" wait_until eval 'ls disk/run.ckpt-*.h5 2>tap.log | grep -q .'
    rank_pids 3
    mount -t tmpfs -o ro none disk
    [ $what = stop ] || { wait_until grep -q 'goes on without' err && kill -USR1 "${pids[1]}"; }
    finish
    umount disk
    ok "read-only, $what: ends with 74 ($status)" test $status = 74
    ok "read-only, $what: one line" says 'train: checkpoint of step [0-9]+: cannot create .*: Read-only file system' ||
        tap_show err
    ok "read-only, $what: the checkpoints are left" eval '[ "$(ls disk/run.ckpt-*.h5 | wc -l)" -ge 1 ]'
done

# A limit on the size of files is met while reserving.
disk_with 16384
expect_code 74 start 2 bash -c "ulimit -f $((pages * 2)); trap '' XFSZ; exec \"\$0\" \"\$@\"" "$moecensus" $run \
    train.checkpoint_every=4
ok "a file-size limit: one line" says 'train: checkpoint of step 4: cannot reserve [0-9.]+ MB for .*: File too large' ||
    tap_show err
leave_disk
tap_done
