"""Estimates of `analyze --counts` against vegan and scikit-bio, to 1e-9: outside.py PROGRAM TESTS-FOLDER.

The samples: the first choices of a trained model (counts from 2 on, no singletons), a plot of trees, a random one."""
import csv
import json
import math
import os
import random
import subprocess
import sys
import warnings

import checks

TOLERANCE = 1e-9


def run(*command):
    result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if result.returncode:
        raise SystemExit("%s ended with %d: %s" % (command[0], result.returncode, result.stderr))
    return result.stdout


def make_samples(folder):
    """Writes the samples into files and returns the names of those."""
    with open(os.path.join(folder, "data", "expert_counts.csv")) as lines:
        block = [line.strip().split(",") for line in lines if line.startswith("olmoe,expert_counts_top1,github,15,")]
    with open("load.csv", "w") as out:
        out.write("expert,count\n" + "".join("%s,%s\n" % tuple(row[-2:]) for row in block))
    with open("trees.csv", "w") as out:
        out.write(run("Rscript", os.path.join(folder, "outside.R")))
    draw = random.Random(1)
    with open("random.csv", "w") as out:
        out.write("pattern,count\n" + "".join("%d,%d\n" % (i, draw.paretovariate(0.7)) for i in range(2000)))
    return ["load.csv", "trees.csv", "random.csv"]


def vegan(names, folder):
    figures = {name: {} for name in names}
    for line in run("Rscript", os.path.join(folder, "outside.R"), *names).splitlines():
        name, figure, value = line.split()
        figures[name][figure] = float(value)
    return figures


def skbio_figures(alpha, count):
    return {"S": alpha.observed_otus(count), "chao1": alpha.chao1(count),
            "chao1_uncorrected": alpha.chao1(count, bias_corrected=False), "ace": alpha.ace(count),
            "shannon": alpha.shannon(count, base=math.e), "simpson": alpha.simpson(count),
            "inverse_simpson": alpha.enspie(count), "coverage": alpha.goods_coverage(count)}


def ours(program, name):
    """Our figures, turned into what the others define."""
    sheet = json.loads(run(program, "analyze", "--counts", name, "--json"))["sheets"]["counts"]
    got = {figure: sheet[figure]["value"] for figure in sheet}
    n, s = got["n"], got["S_obs"]
    factor = (n - 1) / n
    # Both leave out the factor (n - 1)/n of Chao's second term; scikit-bio corrects anyway where f1 or f2 is 0.
    corrected = s + (got["chao1_bc"] - s) / factor
    uncorrected = s + (got["chao1"] - s) / factor if got["f1"] and got["f2"] else corrected
    return {"S": s, "chao1": corrected, "chao1_uncorrected": uncorrected, "ace": got["ace"],
            "shannon": got["H_plugin"], "simpson": 1 - 1 / got["hill_obs_q2"],
            "simpson_unbiased": 1 - got["simpson_unbiased"], "inverse_simpson": got["hill_obs_q2"],
            "coverage": got["coverage_good_turing"], "rarefied_tenth": got["rare_S_m=n/10"],
            "rarefied_half": got["rare_S_m=n/2"]}


def compare(title, got, want):
    for figure, value in want.items():
        checks.ok(abs(got[figure] - value) <= TOLERANCE * abs(value), "%s: %s = %.10g" % (title, figure, value),
                  "got %.17g, want %.17g" % (got[figure], value))


def main(program, folder):
    try:
        warnings.simplefilter("ignore")
        from skbio.diversity import alpha
        run("Rscript", "-e", "library(vegan)")
    except (ImportError, OSError, SystemExit) as error:
        print("1..0 # SKIP scikit-bio or vegan is not there: %s" % str(error).splitlines()[0])
        return
    names = make_samples(folder)
    from_vegan = vegan(names, folder)
    for name in names:
        with open(name) as rows:
            count = [int(row["count"]) for row in csv.DictReader(rows)]
        got, sample = ours(program, name), "%s, n = %d" % (name[:-4], sum(count))
        checks.note("%s: f1 = %d, f2 = %d" % (sample, count.count(1), count.count(2)))
        compare("%s: vegan" % sample, got, from_vegan[name])
        compare("%s: scikit-bio" % sample, got, skbio_figures(alpha, count))
    checks.done()


main(*sys.argv[1:])
