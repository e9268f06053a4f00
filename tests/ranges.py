#!/usr/bin/env python3
"""Checks that figures of results files lie in the ranges that a right program reaches.

usage: ranges.py quickstart NAME.h5 OUT           OUT: what the run printed
       ranges.py dimensions D1.h5 D2.h5 D4.h5    the quick start on tori of dimension 1, 2 and 4
       ranges.py fashion NAME.h5
       ranges.py text NAME.h5 TEXT
"""
import configparser
import math
import re
import sys

import h5py
import numpy as np

import checks


class Snapshot:
    """Figures of one census, all made from `fof`."""

    def __init__(self, file, name):
        self.census, self.routing = file["census"][name], file["routing"][name]

    def counts(self, scope):
        fof = self.census[scope]["fof"][()].astype(float)
        return fof[:, 0], fof[:, 1], (fof[:, 0] * fof[:, 1]).sum()

    def distinct(self, scope):
        return self.counts(scope)[1].sum()

    def entropy(self, scope):
        count, often, n = self.counts(scope)
        return -(often * count / n * np.log(count / n)).sum()

    def order_2(self, scope):
        count, often, n = self.counts(scope)
        return n * (n - 1) / (often * count * (count - 1)).sum()

    def coverage(self, scope):
        count, often, n = self.counts(scope)
        return 1 - often[count == 1].sum() / n

    def upper_entropy(self):
        """The sum over positions of the path's entropy, each with the term of Miller and Madow."""
        total = 0
        for name in self.census["path"]:
            if name.startswith("token-"):
                scope = "path/" + name
                total += self.entropy(scope) + (self.distinct(scope) - 1) / 2 / self.counts(scope)[2]
        return total

    def worst(self, scope):
        return self.census[scope].attrs["ln_worst_case"]

    def load_variation(self):
        load = self.routing["load"][()].astype(float)
        return (load.std(axis=1) / load.mean(axis=1)).mean()


def snapshots(file):
    names = sorted(file["census"])
    return Snapshot(file, names[0]), Snapshot(file, names[-1])


def at_step(file, name, step):
    series = file["eval/test"]
    return series[name][()][series["step"][()] == step][0]


def printed_entropies(path):
    """The sums over positions in the lines that a run printed, one a census."""
    with open(path) as out:
        return re.findall(r"^  entropy of the path summed over token positions: (\d+\.\d\d) nats, ", out.read(), re.M)


def quickstart(path, printed):
    with h5py.File(path, "r") as file:
        first, last = snapshots(file)
        upper = ["%.2f" % snapshot.upper_entropy() for snapshot in (first, last)]
        checks.ok(printed_entropies(printed) == upper, "printed sums over positions are those of the tables",
                  "printed %s, want %s" % (printed_entropies(printed), upper))
        error = "noise-free squared error"
        checks.within(at_step(file, "noise_free_mse", 600), 0, 0.02, error + " after 600 steps")
        checks.within(at_step(file, "noise_free_mse", 50), 0, 0.4, error + " after 50 steps")
        checks.within(at_step(file, "noise_free_mse", 150), 0, 0.1, error + " after 150 steps")
        checks.ok(int(last.census.attrs["sequences"]) == 65536, "65536 sequences are counted")
        plug_in = [math.exp(snapshot.entropy("sequence")) for snapshot in (first, last)]
        checks.within(last.distinct("sequence"), 4500, 11000, "trained: sequence patterns")
        checks.within(plug_in[1], 2200, 6000, "trained: exp(H) of sequences")
        checks.within(last.order_2("sequence"), 1200, 4000, "trained: order 2 of sequences")
        checks.within(last.coverage("sequence"), 0.95, 1, "trained: coverage of sequences")
        checks.within(last.upper_entropy(), 27, 38, "trained: path entropy summed over positions")
        checks.within(plug_in[0], 1000, 4000, "untrained: exp(H) of sequences")
        checks.within(first.order_2("sequence"), 600, 2500, "untrained: order 2 of sequences")
        checks.within(first.coverage("sequence"), 0.97, 1, "untrained: coverage of sequences")
        checks.within(plug_in[1] / plug_in[0], 1.1, math.inf, "exp(H) trained over untrained")
        before, after = first.load_variation(), last.load_variation()
        checks.ok(after < before, "variation of the load falls: %.3f to %.3f" % (before, after))
        # ln C(8, 2) for a set, 8 x 2 of them in a sequence.
        checks.within(last.worst("subset/layer-00"), 3.332203, 3.332206, "worst case of a subset")
        checks.within(last.worst("sequence"), 53.31525, 53.31530, "worst case of a sequence")
        model = file["model"].attrs
        checks.ok(model["parameters_active"] == 17725, "17725 active parameters", model["parameters_active"])
        checks.ok(model["parameters_total"] == 43581, "43581 parameters in all", model["parameters_total"])


def dimensions(one, two, four):
    with h5py.File(one, "r") as one, h5py.File(two, "r") as two, h5py.File(four, "r") as four:
        last = {d: snapshots(file)[1] for d, file in ((1, one), (2, two), (4, four))}
        checks.within(math.exp(last[1].entropy("sequence")), 50, 300, "d = 1, trained: exp(H) of sequences")
        checks.within(last[1].distinct("sequence"), 1, 499, "d = 1, trained: sequence patterns")
        checks.within(last[4].order_2("sequence") / last[2].order_2("sequence"), 20, math.inf,
                      "order 2 of sequences, d = 4 over d = 2")


def fashion(path):
    with h5py.File(path, "r") as file:
        _, last = snapshots(file)
        checks.ok(int(last.census.attrs["tokens"]) == 64000, "64000 tokens are counted")
        checks.within(at_step(file, "accuracy", 600), 0.79, 1, "accuracy after 600 steps")
        checks.within(math.exp(last.entropy("path")), 3000, 20000, "exp(H) of paths")
        worst = last.worst("sequence")
        checks.within(last.upper_entropy() / worst, 0.38, 0.56,
                      "path entropy summed over positions, over the worst case")
        # ln C(16, 4) for a set, 16 x 2 of them in a sequence.
        checks.within(last.worst("subset/layer-00"), 7.506591, 7.506593, "worst case of a subset")
        checks.within(worst, 240.2108, 240.2112, "worst case of a sequence")


def conditional_entropy(data, order):
    """Of a byte given those before it, as many as order - 1, from its own counts; nats."""
    def entropy(length):
        symbols = np.zeros(len(data) - order + 1, np.int64)
        for i in range(length):
            symbols = symbols * 256 + data[i:i + len(symbols)]
        count = np.unique(symbols, return_counts=True)[1] / len(symbols)
        return -(count * np.log(count)).sum()
    return entropy(order) - entropy(order - 1)


def text(path, text_path):
    with h5py.File(path, "r") as file:
        config = configparser.ConfigParser()
        config.read_string(file.attrs["config"].decode())
        with open(text_path, "rb") as data:
            data = np.frombuffer(data.read(), np.uint8)
        data = data[len(data) - int(config["data"].getfloat("holdout") * len(data)):]
        tokens, windows = config["data"].getint("tokens"), config["data"].getint("test_n")
        checks.ok((len(data) - 1) // tokens == windows, "all %d windows of the held-out part are used" % windows,
                  (len(data) - 1) // tokens)
        bigram, trigram = conditional_entropy(data, 2), conditional_entropy(data, 3)
        for step, loss in zip(file["eval/test/step"][()], file["eval/test/loss"][()]):
            checks.note("step %d: held-out loss %.4f nats a byte" % (step, loss))
        checks.note("of the held-out bytes: bigram entropy %.4f, trigram entropy %.4f nats" % (bigram, trigram))
        checks.within(at_step(file, "loss", 400), 0, bigram, "below the bigram entropy at step 400")
        checks.within(at_step(file, "loss", 1500), 0, trigram, "below the trigram entropy at step 1500")


def main(arguments):
    verbs = {"quickstart": (quickstart, 2), "dimensions": (dimensions, 3), "fashion": (fashion, 1), "text": (text, 2)}
    verb, wanted = verbs.get(arguments[0] if arguments else "", (None, 0))
    if verb is None or len(arguments) != wanted + 1:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    verb(*arguments[1:])
    checks.done()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
