"""Every block of tests/data/expert_counts.csv through `analyze --counts`: loads.py PROGRAM FILE.

A block is one model, kind, domain and layer. Its entropy, order 2 and observed numbers are recomputed by NumPy."""
import json
import math
import subprocess
import sys

import numpy as np

import checks

# Entropies on record, in bits.
KNOWN = {("olmoe", "expert_counts", "c4", "0"): 5.938, ("olmoe", "expert_counts", "c4", "7"): 5.890,
         ("olmoe", "expert_counts", "c4", "15"): 5.810, ("olmoe", "expert_counts", "github", "0"): 5.766,
         ("olmoe", "expert_counts", "github", "7"): 5.108, ("olmoe", "expert_counts", "github", "15"): 5.118}


def read_blocks(path):
    blocks = {}
    with open(path) as lines:
        assert next(lines) == "model,kind,domain,layer,expert,count\n"
        for line in lines:
            *block, expert, count = line.split(",")
            blocks.setdefault(tuple(block), {})[expert] = int(count)
    return blocks


def analyze(program, block):
    with open("block.csv", "w") as out:
        out.write("expert,count\n")
        out.writelines("%s,%d\n" % row for row in block.items())
    result = subprocess.run([program, "analyze", "--counts", "block.csv", "--json"], capture_output=True, text=True,
                            timeout=60)
    if result.returncode:
        raise SystemExit("analyze ended with %d: %s" % (result.returncode, result.stderr))
    return {name: figure["value"] for name, figure in json.loads(result.stdout)["sheets"]["counts"].items()}


def expected(block):
    count = np.array(list(block.values()))
    n = int(count.sum())
    share = count[count > 0] / n
    entropy = -float(np.sum(share * np.log(share)))
    return {"n": n, "S_obs": len(share), "max_count": int(count.max()), "H_plugin": entropy,
            "hill_obs_q1": math.exp(entropy), "hill_obs_q2": 1 / float(np.sum(share ** 2)),
            "hill_asy_q2": n * (n - 1) / int(np.sum(count * (count - 1)))}


def main(program, path):
    blocks = read_blocks(path)
    checks.ok(len(blocks) == 36 and sum(map(len, blocks.values())) == 1287, "36 blocks, 1287 experts")
    for name, block in blocks.items():
        got, text = analyze(program, block), "%s, %s, %s, layer %s" % name
        wrong = ["%s = %.17g, should be %.17g" % (figure, got[figure], want)
                 for figure, want in expected(block).items() if not abs(got[figure] / want - 1) <= 1e-12]
        bits = got["H_plugin"] / math.log(2)
        checks.ok(not wrong, "%s: %.3f bits" % (text, bits), *wrong)
        if name in KNOWN:
            checks.ok("%.3f" % bits == "%.3f" % KNOWN[name], "%s: the entropy on record" % text, bits)
    missing = set(KNOWN) - set(blocks)
    checks.ok(not missing, "every entropy on record belongs to a block", *missing)
    checks.done()


main(*sys.argv[1:])
