#!/usr/bin/env bash
# The rate of a training step of the medium config on one rank, beside the rate of one product taken before and after.
. "${TOP_SRCDIR-.}/tests/tap.sh" || exit 1

gemm=$TOP_BUILDDIR/tests/timings/gemm
before=$("$gemm")
expect_code 0 timeout 300 "$moecensus" train data.source=text data.path="$TOP_SRCDIR/COPYING" data.n=endless \
    data.test_n=32 data.tokens=64 model.layers=4 model.width=256 model.heads=8 model.experts=16 model.top_k=2 \
    model.expert_width=512 model.mask=causal train.loss=cross-entropy train.batch=64 train.steps=20 \
    train.eval_every=1000 train.eval_batch=32 census.sequences=32 census.batch=32 -o medium
after=$("$gemm")

# FLOPs of a step: 3 x 2 x N (L (4 C^2 + 2 T C + 2 K C F + E C) + C^2), N = B T.
cat >rate.py <<'END'
import sys
import h5py
B, T, L, C, F, E, K, steps = 64, 64, 4, 256, 512, 16, 2, 20
flops = 3 * 2 * B * T * (L * (4 * C * C + 2 * T * C + 2 * K * C * F + E * C) + C * C)
with h5py.File("medium.h5") as f:
    seconds = f["timing/seconds"]
    phase = seconds.attrs["phases"].decode().split()
    spent = sum(seconds[0, phase.index(name)] for name in ("data", "forward", "backward", "optimiser"))
product = max(float(word) for word in sys.argv[1:])
share = flops * steps / spent * 1e-9 / product
print(f"# a step runs at {100 * share:.0f} % of the rate of one product of 512 x 512 x 256")
sys.exit(1 if share < 0.4 else 0)
END
ok "a step reaches 40 % of the rate of one product" "$PYTHON" rate.py "$before" "$after"
cat tap.log
tap_done
