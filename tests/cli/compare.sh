#!/bin/bash
# The script that compares two files finds every kind of difference, and the one that looks for named dimensions misses
# none; both on a file that the program's own writer made, at 1 and at 3 ranks.
. "${TOP_SRCDIR-.}/tests/tap.sh" || exit 1

compare() {
    "$PYTHON" "$TOP_SRCDIR/tests/compare_h5.py" "$@"
}

if ! "$PYTHON" -c 'import h5py' 2>err; then
    skip 1 "Python has no h5py"
    tap_done
fi

writer=$TOP_BUILDDIR/tests/ranks/h5file.ranks
expect_code 0 on 1 "$writer" small one.h5
expect_code 0 on 3 "$writer" small three.h5
expect_code 0 compare one.h5 three.h5
ok "nothing is said of equal files" test ! -s out
ok "they are the same byte by byte" cmp one.h5 three.h5

cat >prepare.py <<'END'
import shutil, struct, sys
import h5py
import numpy as np
shutil.copy("one.h5", "a.h5")
with h5py.File("a.h5", "a") as f:
    f["train/nan"] = [float("nan"), 1.0]
    f["train/word"] = "variable"
    f["timing/seconds"] = [1.0, 2.0]
    f["traffic/bytes"] = [1, 2]
    f["provenance"].attrs["host"] = "here"
    f["provenance/here"].attrs["pid"] = 1
    f["train"].attrs["word"] = "variable"
    f["train"].attrs["nan"] = float("nan")
    f["link"] = h5py.SoftLink("/one")
shutil.copy("a.h5", "b.h5")
with h5py.File("b.h5", "a") as f:
    exec(sys.argv[1])
END

# Changes the second file by a line of Python and expects one line that matches.
found() { # PYTHON PATTERN
    "$PYTHON" prepare.py "$1" || tap_result 1 "planted: $1"
    expect_code 1 compare a.h5 b.h5
    has_line out "$2"
    ok "nothing else: $1" test "$(wc -l <out)" = 1
}

equal() { # PYTHON
    "$PYTHON" prepare.py "$1" || tap_result 1 "planted: $1"
    expect_code 0 compare a.h5 b.h5
    ok "does not count: $1" test ! -s out
}

equal 'pass'

flip='v = f[name][()]; v.reshape(-1).view(np.uint8)[byte] ^= 1; f[name][...] = v'
found "name, byte = 'a/four', 23 * 8; $flip" '^/a/four: 1 of 24 values differ, first at \[1, 2, 0, 3\]: '
found "name, byte = 'one', 0; $flip" '^/one: 1 of 7 values differ, first at \[0\]: '
found "name, byte = 'train/step', 8; $flip" '^/train/step: 1 of 4 values differ, first at \[1\]: 50 / 51$'
found "name, byte = 'train/nan', 0; $flip" '^/train/nan: 1 of 2 values differ, first at \[0\]: nan / nan$'
found 'v = f["train/loss"][()]; v[1] = 0.0; f["train/loss"][...] = v' '^/train/loss: 1 of 4 values differ.*-0.0 / 0.0$'
found 'del f["train/word"]; f["train/word"] = "other"' "^/train/word: 1 of 1 values differ.*b'variable' / b'other'$"

found 'del f["few"]' '^/few: only in A$'
found 'f["extra"] = 1' '^/extra: only in B$'
found 'f.create_group("a/more")' '^/a/more: only in B$'
found 'del f["timing/seconds"]' '^/timing/seconds: only in A$'
found 'del f["provenance/here"]' '^/provenance/here: only in A$'
found 'del f["few"]; f.create_group("few")' '^/few: dataset / group$'
found 'del f["link"]; f["link"] = h5py.SoftLink("/few")' '^/link: SoftLink  /one / SoftLink  /few$'

found 'del f["train/nan"]; f["train/nan"] = np.zeros(2, "f4")' '^/train/nan: type float64 of 8 .* / float32 of 4 bytes$'
found 'del f["train/nan"]; f["train/nan"] = np.zeros(2, ">f8")' '^/train/nan: type '
found 'del f["train/nan"]; f["train/nan"] = np.zeros((2, 1))' '^/train/nan: shape \(2,\) / \(2, 1\)$'
"$PYTHON" prepare.py 'f["one"].dims[0].detach_scale(f["place"]); f["one"].dims[0].attach_scale(f["train/nan"])'
expect_code 1 compare a.h5 b.h5
has_line out "^/one: dimensions \[\['/place'\]\] / \[\['/train/nan'\]\]$"

found 'f.attrs["extra"] = 1' '^/: attribute extra: only in B$'
found 'del f["a/b/two"].attrs["note"]' '^/a/b/two: attribute note: only in A$'
found 'f.attrs.modify("least", np.int64(5))' '^/: attribute least: -9223372036854775808 / 5$'
found 'del f.attrs["kind"]; f.attrs["kind"] = np.bytes_("results")' '^/: attribute kind: type '
found 'f["train"].attrs["word"] = "other"' "^/train: attribute word: 'variable' / 'other'$"
found 'f["train"].attrs["third"] = np.float64(0.3333333333333334)' '^/train: attribute third: 0.333.* / 0.333'
found 'f["train"].attrs["nan"] = struct.unpack("<d", b"\1\0\0\0\0\0\xf8\x7f")[0]' '^/train: attribute nan: nan / nan$'
found 'f["train"].attrs["third"] = [1.0, 2.0]' '^/train: attribute third: shape \(\) / \(2,\)$'
found 'f["a/b/row"].attrs["NAME"] = np.bytes_("now")' '^/a/b/row: attribute NAME: '

equal 'del f["timing/seconds"]; f["timing/seconds"] = np.zeros((3, 2))'
equal 'f["traffic/bytes"][0] = 7; f["traffic/bytes"].attrs["units"] = "B"; f["traffic"].attrs["x"] = 1'
equal 'f["provenance"].attrs["host"] = "there"; del f["provenance/here"].attrs["pid"]'
found 'f["timing2"] = 1' '^/timing2: only in B$'

head -c 2000 one.h5 >cut.h5
expect_code 2 compare one.h5 cut.h5
expect_code 2 compare absent.h5 one.h5
expect_code 2 compare one.h5

opens() {
    "$PYTHON" "$TOP_SRCDIR/tests/xarray_open.py" "$@"
}

expect_code 0 opens one.h5
if grep -q '^1..0 # SKIP' out; then
    skip 1 "$(sed 's/^1..0 # SKIP //' out)"
else
    has_line out '^1\.\.[1-9]'
    "$PYTHON" prepare.py 'pass'
    expect_code 1 opens a.h5
    has_line out '^not ok .* /train: all dimensions of [0-9]+ datasets have names$'
fi
tap_done
