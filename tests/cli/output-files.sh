#!/bin/bash
# Where results cannot or must not be written: a missing, read-only or full disk, or a file that is there already. What
# was there stays as it was, byte for byte. The disks are small tmpfs, mounted where nobody else sees them.
if [ "${1-}" != inside ]; then
    for how in "-m" "-rm"; do
        ! unshare $how mount -t tmpfs none . 2>/dev/null || exec unshare $how bash "$0" inside
    done
fi
. "${TOP_SRCDIR-.}/tests/tap.sh" || exit 1
. "$TOP_SRCDIR/tests/disk.sh"
. "$TOP_SRCDIR/tests/refused.sh"

refused 2 'train: output a:b: no ":" please' train $small -o a:b
ok "a refused name leaves nothing" nothing_left

run="train $small"

# What stands in the folder disk beside the status of jobs.
files() {
    (cd disk && ls -A | grep -v '\.status$' | tr '\n' ' ')
}

keep() { # takes note of what is in the folder disk
    (cd disk && sha256sum -- *.h5) >kept
}

untouched() {
    (cd disk && sha256sum -c --quiet ../kept) && [ "$(files | wc -w)" = "$(wc -l <kept)" ]
}

said_so() { # PATTERN: the run ended well, and said why it did nothing
    ok "and says that there is nothing to do" says "$1: nothing to do"
    ok "without a table" test ! -s out
    ok "every file is untouched" untouched
}

# Files that are there.
mkdir disk
expect_code 0 start 1 "$moecensus" $run -o disk/m
has_line out '^written: disk/m\.h5 disk/m\.model\.h5$'
ok "two files and a status, nothing else" test "$(ls -A disk | tr '\n' ' ')" = "m.h5 m.model.h5 m.status "
expect_code 0 start 3 "$moecensus" census disk/m.model.h5
expect_code 0 start 3 "$moecensus" census disk/m.model.h5 census.first=64 output.name=disk/more
ok "the names of a census" test "$(files)" = "m.census-0.h5 m.h5 m.model.h5 more.h5 "
keep
for ranks in 1 3; do
    expect_code 0 start $ranks "$moecensus" $run output.name=disk/m
    said_so 'train: disk/m\.h5 is there already, from the same config'
    expect_code 0 start $ranks "$moecensus" census disk/m.model.h5
    said_so 'census: disk/m\.census-0\.h5 is there already, from the same config'
done
at="1 3"
there='is there already and comes from'
refused 2 "train: disk/m\.model\.h5 $there another config or verb \(choose another name with -o, or " $run \
    train.rate=1e-3 -o disk/m
refused 2 "census: disk/m\.census-0\.h5 $there another config or verb " census disk/m.model.h5 -o disk/m.census-0 \
    census.sequences=32
at=1
refused 2 "census: disk/m\.h5 $there another config or verb " census disk/m.model.h5 -o disk/m
refused 2 "train: disk/m\.census-0\.h5 $there another config or verb " $run -o disk/m.census-0
ok "every file is untouched" untouched
echo "notes of mine" >disk/notes.h5
head -c 5000 disk/m.h5 >disk/cut.h5
keep
refused 2 "train: disk/notes\.h5 $there elsewhere " $run -o disk/notes
refused 2 "train: disk/cut\.h5 $there elsewhere " $run -o disk/cut
ok "every file is untouched" untouched
rm disk/notes.h5 disk/cut.h5

cp disk/m.h5 older.h5
echo left over >disk/m.h5.part
expect_code 0 start 3 "$moecensus" $run train.rate=1e-3 -o disk/m --overwrite
ok "--overwrite makes the file anew" eval '! cmp -s disk/m.h5 older.h5'
ok "what a killed run left is gone" test ! -e disk/m.h5.part
rm disk/m.h5
expect_code 0 start 1 "$moecensus" $run train.rate=1e-3 -o disk/m
ok "a model alone does not count as done" test -s disk/m.h5

# Folders.
at="1 3"
refused 74 'train: cannot write missing/m\.status: No such file or directory' $run -o missing/m
at=1
refused 74 'train: cannot write older\.h5/m\.status: Not a directory' $run -o older.h5/m
refused 74 'census: cannot write missing/m\.status: No such file ' census disk/m.model.h5 -o missing/m
mkdir taken.h5
refused 74 'train: cannot write taken\.h5: it is there and not a file' $run -o taken
refused 74 'train: cannot write taken\.h5: it is there and not a file' $run -o taken --overwrite
rm -r disk taken.h5 older.h5
ok "a refused run leaves no file" nothing_left

if [ "${1-}" != inside ]; then
    skip 1 "no right to mount a tmpfs in a private namespace"
    tap_done
fi

# Disks.
mkdir disk old
expect_code 0 start 1 "$moecensus" $run data.seed=2 -o old/m
pages=$(du -c -B $page --apparent-size old/*.h5 | tail -n 1 | cut -f 1)

disk_with() { # PAGES: a disk anew, with the older files and so many pages left
    ! mountpoint -q disk || leave_disk
    mount -t tmpfs -o size=$(((pages + $1 + 2) * page)) none disk && cp old/*.h5 disk/
}

both_untouched() {
    cmp disk/m.h5 old/m.h5 && cmp disk/m.model.h5 old/m.model.h5
}

nothing_else() {
    [ "$(files)" = "m.h5 m.model.h5 " ]
}

full() { # WHAT PATTERN
    at="1 3" refused 74 "train: $2" $run -o disk/m --overwrite
    ok "$1: the older results and model are untouched" both_untouched
    ok "$1: nothing else is left" nothing_else
}

low=0 high=1024 torn=
while [ $((high - low)) -gt 1 ]; do
    middle=$(((low + high) / 2))
    disk_with $middle
    if start 1 "$moecensus" $run -o disk/m --overwrite >out 2>err; then
        high=$middle
    else
        low=$middle
        both_untouched && nothing_else || torn="$torn $middle"
    fi
done >tap.log
echo "# $high pages needed beyond $pages"
ok "a disk that is full anywhere leaves both older files ($torn)" test -z "$torn"

disk_with 0
full "full from the start" '(write: )?cannot (create|reserve [0-9.]+ MB for|write) disk/m\..*: No space left on device'
disk_with $((high / 2))
full "full inside the data" 'write: cannot reserve [0-9.]+ MB for disk/m(\.model)?\.h5\.part: No space left on device'
disk_with $((high - 1))
full "one page short" 'write: cannot reserve [0-9.]+ MB for disk/m\.h5\.part: No space left on device'
disk_with $high
expect_code 0 start 1 "$moecensus" $run -o disk/m --overwrite
ok "a disk just large enough takes the files" nothing_else
at=3
disk_with 4
refused 74 'census: write: cannot (create|reserve [0-9.]+ MB for) disk/c\.h5\.part: No space left on device' \
    census old/m.model.h5 -o disk/c
ok "a census on a full disk leaves nothing" nothing_else

disk_with 1024
mount -o remount,ro disk
at="1 3"
refused 74 'train: cannot write disk/m\.status: Read-only file system' $run -o disk/m --overwrite
ok "read-only: the older files are untouched" both_untouched
leave_disk

# A file system that cannot reserve space.
mount -t ramfs none disk
for ranks in 1 3; do
    expect_code 0 start $ranks "$moecensus" $run -o disk/m$ranks
    has_line out "^written: disk/m$ranks\.h5 disk/m$ranks\.model\.h5\$"
    expect_code 0 start 1 "$moecensus" census disk/m$ranks.model.h5
done
leave_disk
tap_done
