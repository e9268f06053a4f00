#!/usr/bin/env python3
"""Holds the census of a planted router against the law it was drawn from.

usage: planted.py NAME.h5 TABLE      TABLE is what the program printed

The K-sets of all sites are independent, so the laws of subsets, paths and sequences are known products. By scope:
 - order 2: 1 / sum p^2 of the law, plus and minus 2.576 standard deviations of the same estimator over samples of the
   same size that NumPy draws from the law;
 - coverage: likewise around 1 - sum p (1 - p)^(n - 1), the expected share that patterns seen once leave;
 - plug-in: likewise around exp(H) of the law plus the plug-in's own bias, which is the mean over those samples less
   exp(H); the bias is printed, and is near the (patterns - 1) / 2 n of Miller and Madow where n is large.
The three are computed from `fof`, and the printed table must show the same figures.
And by rank of the stored K-sets: Pearson's chi-square against the law itself, at 99 %.
"""
import configparser
import math
import sys

import h5py
import numpy as np

import checks

NORMAL_99 = 2.5758293
SAMPLES = 300


def law(config):
    """p by colex rank."""
    model = config["model"]
    sets = math.comb(model.getint("experts"), model.getint("top_k"))
    if model["planted_law"] == "uniform":
        weight = np.ones(sets)
    else:
        weight = 1 / np.arange(1, sets + 1) ** float(model["planted_law"].split(":")[1])
    return weight / weight.sum()


def power(p, sites):
    result = np.ones(1)
    for _ in range(sites):
        result = np.outer(result, p).ravel()
    return result


def numbers(count, often):
    """Plug-in, order 2 and coverage from how many patterns were seen `count` times."""
    n = (count * often).sum()
    entropy = -(often * count / n * np.log(count / n)).sum()
    pairs = (often * count * (count - 1)).sum() / n / (n - 1)
    return np.array([math.exp(entropy), 1 / pairs if pairs else math.inf, 1 - often[count == 1].sum() / n])


def of_sample(sample):
    count, often = np.unique(sample[sample > 0], return_counts=True)
    return numbers(count.astype(float), often.astype(float))


def printed(path):
    """Plug-in, order 2 and coverage of every line of the last table, as text."""
    table = {}
    with open(path) as file:
        for line in file:
            words = line.split()
            if line.startswith("census of "):
                table = {}
            elif len(words) >= 8 and ("/layer-" in words[0] or words[0] in ("path", "sequence")):
                table[words[0]] = words[3:6]
    return table


def shown_as(text, value):
    """Whether the text is the value, rounded to its last digit."""
    digits = len(text.split(".")[1]) if "." in text and "e" not in text else 0
    last = 10.0 ** -digits if "e" not in text else abs(value) * 1e-2
    return abs(float(text) - value) <= 0.5001 * last


def compare_scope(group, p, table, rng):
    n = int(group.attrs["samples"])
    fof = group["fof"][()].astype(float)
    got = numbers(fof[:, 0], fof[:, 1])
    exact = np.array([math.exp(-(p * np.log(p)).sum()), 1 / (p ** 2).sum(), 1 - (p * (1 - p) ** (n - 1)).sum()])
    drawn = np.array([of_sample(rng.multinomial(n, p)) for _ in range(SAMPLES)])
    spread = NORMAL_99 * drawn.std(axis=0, ddof=1)
    bias = drawn[:, 0].mean() - exact[0]
    checks.note("%s: n %d, exp(H) %.8g, bias of the plug-in %.3g (Miller-Madow %.3g)" %
                (group.name, n, exact[0], bias, exact[0] * -(len(p) - 1) / 2 / n))
    for i, (name, centre) in enumerate((("plug-in", exact[0] + bias), ("order 2", exact[1]), ("coverage", exact[2]))):
        # A figure that cannot vary (nothing seen once) still carries the rounding of a double.
        room = spread[i] + 1e-9
        checks.ok(abs(got[i] - centre) <= room, "%s: %s %.8g is %.8g +- %.3g" %
                  (group.name, name, got[i], centre, room))
    words = table.get("/".join(group.name.split("/")[3:]), [])
    checks.ok(len(words) == 3 and all(map(shown_as, words, got)), "%s: the table shows %s" %
              (group.name, " ".join(words)), got)


def compare_law(census, p):
    """The K-sets themselves, not only how often their likes were seen."""
    choices = np.sort(census["choices"][()].astype(np.int64), axis=3)
    k = choices.shape[3]
    comb = np.array([[math.comb(e, i + 1) for i in range(k)] for e in range(choices.max() + 1)])
    rank = sum(comb[choices[..., i], i] for i in range(k))
    for layer in range(rank.shape[2]):
        seen = np.bincount(rank[:, :, layer].ravel(), minlength=len(p))
        wanted = p * rank[:, :, layer].size
        chi, freedom = ((seen - wanted) ** 2 / wanted).sum(), len(p) - 1
        # Wilson and Hilferty's quantile.
        limit = freedom * (1 - 2 / 9 / freedom + 2.3263479 * math.sqrt(2 / 9 / freedom)) ** 3
        checks.ok(chi <= limit and wanted.min() >= 5, "%s: layer %d by rank, chi-square %.4g of at most %.4g" %
                  (census.name, layer, chi, limit), seen, wanted)


def main(arguments):
    if len(arguments) != 2:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    rng = np.random.default_rng(1)
    table = printed(arguments[1])
    with h5py.File(arguments[0], "r") as file:
        config = configparser.ConfigParser()
        config.read_string(file.attrs["config"].decode())
        p, layers = law(config), config["model"].getint("layers")
        census = file["census"][sorted(file["census"])[-1]]
        tokens = int(census.attrs["tokens"] // census.attrs["sequences"])
        for layer in range(layers):
            compare_scope(census["subset/layer-%02d" % layer], p, table, rng)
        compare_scope(census["path"], power(p, layers), table, rng)
        compare_scope(census["sequence"], power(p, layers * tokens), table, rng)
        compare_law(census, p)
    checks.done()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
