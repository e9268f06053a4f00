#!/bin/bash
# The program is really expert parallel: what MPI is asked to send is what the stored choices imply, a rank's bytes of
# experts are its share, and training steps allocate nothing but growing dispatch buffers.
. "${TOP_SRCDIR-.}/tests/tap.sh" || exit 1

if ! "$PYTHON" -c 'import h5py' 2>err; then
    skip 1 "Python has no h5py"
    tap_done
fi

counter=$TOP_BUILDDIR/tests/pmpi_count.so
model="data.n=64 data.test_n=32 model.width=12 model.expert_width=10 parallel.shards=7"
census="census.sequences=150 census.batch=64 census.keep_choices=150"

cat >messages.py <<'END'
"""What files and the counter say was sent."""
import numpy as np

ROWS = ("dispatch", "combine", "combine_backward", "dispatch_backward")

def seen(name, ranks):
    """Bytes of rows that MPI was asked to send [from, to]."""
    table = []
    for rank in range(ranks):
        words = open(f"{name}.{rank}").read().split()
        assert words[0] == "rows" and words[ranks + 1] == "other" and len(words) == 2 * ranks + 2, words
        table.append([int(w) for w in words[1:ranks + 1]])
    return np.array(table)

def traffic(f):
    """Bytes of each phase of rows [from, to]."""
    phases = f["traffic/bytes"].attrs["phases"].decode().split()
    return {phase: f["traffic/bytes"][phases.index(phase)] for phase in ROWS}

def share(n, parts):
    """The part of each of n things, contiguous, the first parts one larger."""
    return np.repeat(np.arange(parts), [n // parts + (p < n % parts) for p in range(parts)])

def expected(home, owner, ranks):
    """Who must send: every rank with sequences to every other with experts [from, to]."""
    return np.isin(range(ranks), home)[:, None] & np.isin(range(ranks), owner) & ~np.eye(ranks, dtype=bool)
END

cat >traffic.py <<'END'
"""Checks one census: traffic.py RESULTS COUNTED, the second without the rank at its end."""
import sys

import h5py
import numpy as np

import messages

def text(node, name):
    return node.attrs[name].decode()

def setting(f, key):
    section, name = key.split(".")
    here = ""
    for line in text(f, "config").splitlines():
        line = line.strip()
        if line.startswith("["):
            here = line.strip("[]")
        elif here == section and line.split("=")[0].strip() == name:
            return int(line.split("=")[1])
    raise KeyError(key)

with h5py.File(sys.argv[1]) as f:
    traffic = messages.traffic(f)
    P = len(traffic["dispatch"])
    L, E, C, F = (int(f["model"].attrs[k]) for k in ("layers", "experts", "width", "expert_width"))
    V, batch = setting(f, "parallel.shards"), setting(f, "census.batch")
    choices = next(iter(f["census"].values()))["choices"][()]
    pools = text(f["timing/pool_bytes"], "pools").split()
    held = f["timing/pool_bytes"][()][:, pools.index("experts")]
    growths = f["timing/dispatch_growths"][()]

n = len(choices)
home = np.concatenate([messages.share(V, P)[messages.share(min(batch, n - at), V)] for at in range(0, n, batch)])
owner = messages.share(E, P)
want = np.zeros((P, P), np.int64)
np.add.at(want, (np.repeat(home, choices[0].size), owner[choices.ravel()]), 4 * C)
np.fill_diagonal(want, 0)
seen = messages.seen(sys.argv[2], P)
assert ((want > 0) == messages.expected(home, owner, P)).all(), want
assert choices.shape[1:] == (8, L, 3), choices.shape
assert (traffic["dispatch"] == want).all(), (traffic["dispatch"], want)
assert (traffic["combine"] == want.T).all(), (traffic["combine"], want.T)
assert (seen == want + want.T).all(), (seen, want)
assert traffic["combine_backward"].sum() == traffic["dispatch_backward"].sum() == 0
assert held.tolist() == [L * (owner == r).sum() * (2 * C * F + F + C) * 4 for r in range(P)], held
assert len(growths) == P and not growths.any()
print("bytes to other ranks, each direction:", want.sum())
END

# A trained model, then its census under the counter.
check() { # RANKS EXPERTS
    local name=e$2-p$1
    rm -f counted.*
    expect_code 0 on "$1" "$moecensus" train $model model.experts="$2" model.top_k=3 train.steps=5 train.batch=20 \
        census.sequences=64 census.batch=64 -o "$name"
    expect_code 0 on "$1" env LD_PRELOAD="$counter" MOE_PMPI_OUT=counted "$moecensus" census "$name.model.h5" $census \
        -o "$name-census"
    ok "$1 ranks, $2 experts: bytes that MPI saw are those that the choices imply; memory of experts is the share" \
        "$PYTHON" traffic.py "$name-census.h5" counted
}
check 3 5
check 2 4
check 1 5
check 4 3

cat >step.py <<'END'
"""Checks the second of two training steps: step.py ONE TWO, runs of one and of two steps that are else the same, each
NAME.h5 with what the counter saw in NAME.RANK."""
import sys

import h5py

import messages

V, B, T, L, E, K, C = 7, 20, 8, 2, 5, 3, 12
runs = []
for name in sys.argv[1:]:
    with h5py.File(name + ".h5") as f:
        runs.append(messages.traffic(f))
        loss = f["train/loss"][()]
    P = len(runs[-1]["dispatch"])
    seen = messages.seen(name, P)
    assert (seen == sum(runs[-1].values())).all(), (name, seen, runs[-1])
    assert (runs[-1]["combine_backward"] == runs[-1]["dispatch_backward"].T).all(), runs[-1]
one, two = runs
assert len(loss) == 2
step = {phase: two[phase] - one[phase] for phase in messages.ROWS}
there, back = step["dispatch"], step["combine"]
must = messages.expected(messages.share(V, P)[messages.share(B, V)], messages.share(E, P), P)
assert ((there > 0) == must).all(), (there, must)
assert there.sum() % (4 * C) == 0 and there.sum() < B * T * L * K * 4 * C, there
assert (back == there.T).all(), step
assert (step["combine_backward"] == there).all(), step
assert (step["dispatch_backward"] == back).all(), step
print("bytes of a step to other ranks, each direction and pass:", there.sum())
END

# With a rate that moves nothing and no decay, evaluations and censuses of both runs send the same.
for steps in 1 2; do
    expect_code 0 on 3 env LD_PRELOAD="$counter" MOE_PMPI_OUT=steps-$steps "$moecensus" train $model model.experts=5 \
        model.top_k=3 train.steps=$steps train.batch=20 train.rate=1e-30 train.decay=0 train.eval_every=1000 \
        census.sequences=32 census.batch=32 -o steps-$steps
done
ok "a training step: MPI saw all rows, and the backward pass sends what the forward pass does" \
    "$PYTHON" step.py steps-1 steps-2

cat >memory.py <<'END'
"""memory.py RESULTS steady|growing: growths are all allocations of training steps."""
import sys

import h5py

with h5py.File(sys.argv[1]) as f:
    growths, allocations = f["timing/dispatch_growths"][()], f["timing/step_allocations"][()]
    peaks = f["timing/pool_peak_bytes"][()]
    resident = f["timing/resident_peak_bytes"][()]
    load = f["routing/step-00000000/load"][()]
print("growths", growths, "allocations", allocations, "load", load.tolist())
assert (growths == allocations).all()
assert growths.any() == (sys.argv[2] == "growing")
if sys.argv[2] == "steady":
    assert (load[:, :2].sum(axis=1) == load.sum(axis=1)).all()
assert (resident > 0).all() and (peaks > 0).any(axis=1).all()
END

few="census.sequences=64 census.batch=64 train.batch=32 data.n=512 data.test_n=32 train.eval_every=10"
expect_code 0 on 3 "$moecensus" train $few train.steps=25 model.experts=6 model.router=planted \
    model.planted_law=zipf:50 -o steady
ok "all tokens to one pair of experts: nothing grows and no step allocates" "$PYTHON" memory.py steady.h5 steady
expect_code 0 on 3 "$moecensus" train $few train.steps=60 model.experts=6 model.top_k=1 model.gate=softmax-topk \
    model.balance=none train.rate=0.1 train.warmup=0 -o growing
ok "a router that collapses: buffers grow, and no step allocates anything else" "$PYTHON" memory.py growing.h5 growing
tap_done
