#!/bin/bash
# Writing to a disk that is full, or becomes full, or cannot be written: one line, exit code 74, in time, no part file,
# and an older file stays as it was. The disks are small tmpfs, mounted where nobody else sees them.
if [ "${1-}" != inside ]; then
    for how in "-m" "-rm"; do
        ! unshare $how mount -t tmpfs none . 2>/dev/null || exec unshare $how bash "$0" inside
    done
    echo "1..0 # SKIP no right to mount a tmpfs in a private namespace"
    exit 0
fi
. "${TOP_SRCDIR-.}/tests/tap.sh" || exit 1
. "$TOP_SRCDIR/tests/disk.sh"
TEST_TIMEOUT=30

fill=$TOP_BUILDDIR/tests/ranks/h5file.ranks
bytes=1048576 # of data

mkdir disk
mount -t tmpfs -o size=64m none disk || exit 1
expect_code 0 on 3 "$fill" fill disk/new.h5 $bytes
cp disk/new.h5 whole.h5

# Makes the disk anew with an older file and so many pages left.
disk_with() { # PAGES
    leave_disk && mount -t tmpfs -o size=$((($1 + 2) * page)) none disk && head -c 8000 whole.h5 >disk/new.h5
}

untouched() {
    head -c 8000 whole.h5 | cmp -s - disk/new.h5
}

nothing_else() {
    [ "$(ls -A disk)" = new.h5 ]
}

one_line() {
    [ "$(grep -c '^moecensus: ' err)" = 1 ]
}

refused() { # RANKS WHAT [PHASE [LINE]]
    expect_code 74 on "$1" "$fill" fill disk/new.h5 $bytes ${3-}
    has_line err "^moecensus: fill: ${4-cannot (create|reserve [0-9.]+ MB for) disk/new.h5.part: No space left}"
    ok "$2, $1 ranks: one line" one_line
    ok "$2, $1 ranks: the older file is untouched" untouched
    ok "$2, $1 ranks: nothing else is left" nothing_else
}

# The smallest disk that the file fits on.
low=$((bytes / page)) high=$((bytes / page * 2))
while [ $((high - low)) -gt 1 ]; do
    middle=$(((low + high) / 2))
    disk_with $middle
    if timeout 20 "$fill" fill disk/new.h5 $bytes 2>/dev/null; then high=$middle; else low=$middle; fi
done
echo "# $high pages needed for $(($(stat -c %s whole.h5) / page)) pages of file"
ok "what is reserved beyond the file is little" test $((high * page)) -lt $(($(stat -c %s whole.h5) * 12 / 10))

for ranks in 1 3; do
    disk_with 0
    refused $ranks "full from the start"
    disk_with 2
    refused $ranks "full before there is any object"
    disk_with $((bytes / page / 2))
    refused $ranks "full inside the data"
    disk_with $((high - 1))
    refused $ranks "one page short"
    disk_with $high
    expect_code 0 on $ranks "$fill" fill disk/new.h5 $bytes
    ok "a disk just large enough takes the whole file, $ranks ranks" cmp disk/new.h5 whole.h5
    disk_with $((2 * high))
    refused $ranks "full after all, creating" create "rank 0: disk/new.h5.part: .*No space left"
    disk_with $((2 * high))
    refused $ranks "full after all, in a slab" slabs "rank $((ranks - 1)): disk/new.h5.part: .*/data/rows"
    for what in open close; do
        disk_with $((2 * high))
        refused $ranks "one rank cannot $what" $what "rank $((ranks - 1)): disk/new.h5.part: cannot $what: "
    done
done

disk_with $((2 * high))
mount -o remount,ro disk
expect_code 74 on 2 "$fill" fill disk/new.h5 $bytes
has_line err "^moecensus: fill: cannot create disk/new.h5.part: Read-only file system"
ok "read-only: one line" one_line
ok "read-only: the older file is untouched" untouched

# What one rank writes a dataset at a time: the file of a sweep, and /analysis of a file.
. "$TOP_SRCDIR/tests/refused.sh"
for seed in 1 2; do
    expect_code 0 start 1 "$moecensus" train $small model.seed=$seed -o run$seed
done
for pages in 0 1 2 100 300; do
    disk_with $pages
    expect_code 74 start 2 "$moecensus" analyze run1.h5 run2.h5 -o disk/new --overwrite
    ok "a sweep, $pages pages: one line" one_line
    ok "a sweep, $pages pages: the older file is untouched" untouched
    ok "a sweep, $pages pages: nothing else is left" nothing_else
done
leave_disk
mount -t tmpfs -o size=$(($(stat -c %s run1.h5) * 2 + 200000)) none disk
cp run1.h5 disk/new.h5
expect_code 74 start 2 "$moecensus" analyze disk/new.h5
ok "an analysis: one line" one_line
ok "an analysis: the file is untouched" cmp run1.h5 disk/new.h5
ok "an analysis: nothing else is left" nothing_else

leave_disk
tap_done
