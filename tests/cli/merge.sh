#!/bin/bash
# Censuses of neighbouring sequences, merged, are the census of all of them: every table, bit by bit, whatever ranks
# counted the parts. Only gate energies, sums of doubles, may differ in their last bits.
. "${TOP_SRCDIR-.}/tests/tap.sh" || exit 1

merge() { # OUTPUT INPUT...
    local output=${1%.h5}
    shift
    on 1 "$moecensus" analyze --merge "$@" -o "$output"
}

if ! "$PYTHON" -c 'import h5py' 2>err; then
    skip 1 "Python has no h5py"
    tap_done
fi

small="train.steps=4 train.batch=16 train.eval_batch=64 data.n=64 data.test_n=64 data.tokens=4 model.width=8
       model.experts=5 model.expert_width=4 census.sequences=64 census.batch=64 census.keep_choices=200"
expect_code 0 on 2 "$moecensus" train $small model.layers=3 -o deep
expect_code 0 on 1 "$moecensus" train $small data.tokens=32 model.layers=2 -o long
expect_code 0 on 1 "$moecensus" train $small model.layers=3 model.seed=2 -o other

part() { # RANKS MODEL NAME FIRST SEQUENCES [SETTING...]
    local ranks=$1 model=$2 name=$3 first=$4 sequences=$5
    shift 5
    expect_code 0 on "$ranks" "$moecensus" census "$model.model.h5" census.first="$first" \
        census.sequences="$sequences" census.keep_keys=yes -o "$name" "$@"
}

# Everything of two files is equal, but for names of objects that match PATTERN; gate energies are close. A merged file
# lacks what only a run has: what shards sent, and predictions.
equal_but() { # WHOLE MERGED PATTERN
    "$PYTHON" "$TOP_SRCDIR/tests/compare_h5.py" "$1" "$2" >differences
    grep -v -E "^/routing/[^/]*/gate_energy: |^($3): |^/(timing|traffic)/.*: only in A$" differences >left
    ok "$2 equals $1" test ! -s left || tap_show left
    ok "gate energies are close" "$PYTHON" -c '
import sys, h5py, numpy
a, b = (h5py.File(name, "r")["routing/step-00000004/gate_energy"][()] for name in sys.argv[1:])
assert numpy.all(abs(a - b) <= 1e-12 * a)' "$1" "$2"
}

# Two halves: all is known, windows and paths by position too.
part 1 deep whole.0 0 512
part 2 deep half.a 0 256
part 3 deep half.b 256 256
expect_code 0 merge halves.h5 half.b.h5 half.a.h5
ok "nothing is missing" test -z "$(grep warning err)"
equal_but whole.0.h5 halves.h5 none
ok "the scope path/token-003 is there" "$PYTHON" -c '
import h5py; h5py.File("halves.h5", "r")["census/step-00000004/path/token-003/fof"]'

# Three parts that start late, the cut at 256 inside one of them.
part 1 deep whole.64 64 600
part 2 deep third.a 64 128
part 1 deep third.b 192 300
part 3 deep third.c 492 172
expect_code 0 merge thirds.h5 third.c.h5 third.a.h5 third.b.h5
has_line err 'growth is known below 256 sequences only'
equal_but whole.64.h5 thirds.h5 '.*/growth(_row)?'
ok "growth has the cuts of the first part and no others" "$PYTHON" -c '
import h5py
whole, merged = (h5py.File(name, "r")["census/step-00000004/path/growth"][()] for name in ("whole.64.h5", "thirds.h5"))
assert (merged == whole[whole[:, 0] <= 128]).all() and len(merged)'

# Paths by position do not need the keys of sequences, which are hashes here.
part 1 long whole.long 0 256
part 1 long long.a 0 128
part 2 long long.b 128 128
expect_code 0 merge longs.h5 long.b.h5 long.a.h5
equal_but whole.long.h5 longs.h5 none
ok "keys of sequences are hashes, and all 32 positions are there" "$PYTHON" -c '
import h5py
census = h5py.File("longs.h5", "r")["census/step-00000004"]
assert census["sequence"].attrs["keys"] == b"xxh3-128" and "token-031" in census["path"]'

# What was merged can be merged again.
part 1 long whole.longer 0 384
part 3 long long.c 256 128
expect_code 0 merge longer.h5 long.c.h5 longs.h5
equal_but whole.longer.h5 longer.h5 none

# What cannot be merged is refused in one line, and nothing is written.
refused() { # CODE PATTERN INPUT...
    local code=$1 pattern=$2
    shift 2
    expect_code "$code" merge never.h5 "$@"
    has_line err "$pattern"
    ok "nothing is written" test ! -e never.h5
}
refused 2 'takes two files' half.a.h5
refused 2 'both count sequence 0' half.a.h5 half.a.h5
refused 2 'both count sequence 192' half.a.h5 third.b.h5
refused 2 'nothing counts sequences 192 to 255, between ' third.a.h5 half.b.h5
refused 2 'do not have the same settings: "tokens = ' half.a.h5 long.b.h5
part 1 other other.b 256 256
refused 2 'do not have the same settings: "seed = ' half.a.h5 other.b.h5
part 1 deep few.b 256 256 census.keep_choices=10
refused 2 'do not have the same settings: "keep_choices = ' half.a.h5 few.b.h5
part 1 deep bare.b 256 256 census.keep_keys=no
refused 2 'does not hold its patterns .count with census.keep_keys=yes' half.a.h5 bare.b.h5
refused 2 'comes from train' deep.h5 half.b.h5
refused 2 'holds parameters, not a census' deep.model.h5 half.b.h5
refused 1 'absent.h5' half.a.h5 absent.h5
head -c 20000 half.b.h5 >cut.h5
refused 1 'cut.h5' half.a.h5 cut.h5

damaged() { # PATTERN STATEMENT
    cp half.b.h5 damaged.h5
    "$PYTHON" -c '
import sys, h5py
with h5py.File("damaged.h5", "a") as f:
    c = f["census/step-00000004"]
    exec(sys.argv[1])' "$2" || tap_result 1 "damaged: $2"
    refused 1 "$1" half.a.h5 damaged.h5
}
damaged 'stored for path do not add up to 256' 'c["path/rows"][3, 2] += 1'
damaged 'stored for path do not add up' 'c["path/rows"][3, 0] = 1 << 40'
damaged 'stored for path do not add up' 'c["path/rows"][3, 1] = 40'
damaged 'stored for sequence do not add up' 'c["sequence/rows"][0, 4] = 2'
damaged 'stored for subset/layer-01 do not add up' 'c["subset/layer-01/pairs_by_group"][2, 0] = 7'
damaged 'the loads do not add up' 'f["routing/step-00000004/load"][0, 0] += 1'
damaged 'there is no dataset .*/window/layer-00/keys' 'del c["window/layer-00/keys"]'
damaged 'path/positions does not add up to 256' 'c["path/positions"][5, 2] += 1'
damaged 'path/positions does not add up to 256' 'c["path/positions"][0, 1] = 4'
damaged 'path/positions does not add up to 256' 'c["path/positions"][4, 0] = 1 << 40'
damaged 'not those of its settings' 'c.attrs["sequences"] = 255'
tap_done
