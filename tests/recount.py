#!/usr/bin/env python3
"""Recounts the stored choices of a census by brute force, as README.md describes the tables, and compares for equality.

usage: recount.py NAME.h5

For every snapshot whose choices are all stored: every table of every scope, their attributes, load, co-activation, load
by label, the totals of the margins. Groups and the drawn samples as src/census.h says.
"""
import configparser
import ctypes
import ctypes.util
import gzip
import math
import os
import sys
from collections import Counter, defaultdict

import h5py
import numpy as np

import checks
import draws

ALL_GROUPS = 40
HALF = 20


class Hash128(ctypes.Structure):
    _fields_ = [("low", ctypes.c_uint64), ("high", ctypes.c_uint64)]


def hash_function():
    name = ctypes.util.find_library("xxhash")
    if name is None:
        return None
    function = ctypes.CDLL(name).XXH3_128bits
    function.restype, function.argtypes = Hash128, [ctypes.c_char_p, ctypes.c_size_t]

    def hashed(data):
        value = function(data, len(data))
        return value.high, value.low
    return hashed


HASHED = hash_function()


class Shape:
    def __init__(self, config, census, choices):
        self.tokens, self.layers, self.top_k = choices.shape[1:]
        self.experts = config["model"].getint("experts")
        self.batch = config["census"].getint("batch")
        self.keep_keys = config["census"].getboolean("keep_keys")
        self.sets = math.comb(self.experts, self.top_k)
        self.bits = (self.sets - 1).bit_length()
        numbers = census.attrs["first_sequence"] + np.arange(len(choices))
        seed = config["data"].getint("seed")
        self.group = draws.below(seed, draws.GROUPS, numbers, [ALL_GROUPS])[:, 0]
        self.drawn = draws.below(seed, draws.THINNING, numbers, [self.tokens, self.top_k])


def packed(shape, sets):
    """The key of some K-sets: high and low word, and whether it is exact."""
    if shape.bits * len(sets) > 128:
        data = b"".join(e.to_bytes(2, "little") for one in sets for e in one)
        return HASHED(data) if HASHED else None
    key = 0
    for one in sets:
        key = key << shape.bits | sum(math.comb(e, i + 1) for i, e in enumerate(one))
    return key >> 64, key & (1 << 64) - 1


class Scope:
    """The samples of every sequence in order, the number of the one drawn, and what the attributes must say."""

    def __init__(self, path, samples, drawn, ln_worst, sites, only_fof):
        self.path, self.samples, self.drawn, self.ln_worst = path, samples, drawn, ln_worst
        self.sites, self.only_fof = sites, only_fof


def scopes(shape, sets):
    """sets: for each sequence and token a tuple of sorted K-sets by layer."""
    t, k, ln = shape.tokens, shape.top_k, math.log(shape.sets)
    token = shape.drawn[:, 0]
    for layer in range(shape.layers):
        samples = [[(e,) for of_token in sequence for e in of_token[layer]] for sequence in sets]
        yield Scope("expert/layer-%02d" % layer, samples, token * k + shape.drawn[:, 1], math.log(shape.experts), 0,
                    False)
    for layer in range(shape.layers):
        samples = [[of_token[layer:layer + 1] for of_token in sequence] for sequence in sets]
        yield Scope("subset/layer-%02d" % layer, samples, token, ln, 1, False)
    for layer in range(shape.layers - 1 if shape.layers > 2 else 0):
        samples = [[of_token[layer:layer + 2] for of_token in sequence] for sequence in sets]
        yield Scope("window/layer-%02d" % layer, samples, token, 2 * ln, 2, False)
    yield Scope("path", sets, token, shape.layers * ln, shape.layers, False)
    for position in range(t):
        yield Scope("path/token-%03d" % position, [[sequence[position]] for sequence in sets], None,
                    shape.layers * ln, shape.layers, True)
    samples = [[tuple(one for of_token in sequence for one in of_token)] for sequence in sets]
    yield Scope("sequence", samples, np.zeros_like(token), shape.layers * t * ln, shape.layers * t, False)


def histogram(counts):
    """Rows (value, how often) of what is not 0."""
    return [list(row) for row in sorted(Counter(c for c in counts if c).items())]


def halves(number):
    return [number >> 64, number & (1 << 64) - 1]


def basic(samples):
    """The four tables of some sequences."""
    count, held = Counter(), defaultdict(int)
    pairs = 0
    for sequence in samples:
        own = Counter(sequence)
        count.update(own)
        for pattern in own:
            held[pattern] += 1
        pairs += sum(c * c for c in own.values())
    alone = sum(c for pattern, c in count.items() if held[pattern] == 1)
    return {"fof": histogram(count.values()), "incidence": histogram(held.values()), "one_sequence": [[alone]],
            "pairs_within": [halves(pairs)]}


def by_group(shape, samples):
    result = []
    for g in range(ALL_GROUPS):
        result.append([sequence for sequence, group in zip(samples, shape.group) if group == g])
    return result


def flat(sequences):
    return Counter(pattern for sequence in sequences for pattern in sequence)


def tables(shape, scope):
    """What is wanted, by name."""
    samples = scope.samples
    want = basic(samples)
    if scope.only_fof:
        return {"fof": want["fof"]}
    groups = by_group(shape, samples)
    counts = [flat(group) for group in groups]
    for name in ("fof", "incidence", "one_sequence", "pairs_within"):
        want["without_group_" + name] = []
    want["held_out"] = []
    for g in range(ALL_GROUPS):
        rest = [sequence for sequence, group in zip(samples, shape.group) if group != g]
        for name, rows in basic(rest).items():
            want["without_group_" + name] += [[g] + row for row in rows]
        others = flat(rest)
        tokens = Counter()
        for pattern, count in counts[g].items():
            tokens[others[pattern]] += count
        want["held_out"] += [[g, count, n] for count, n in sorted(tokens.items())]
    first = sum(counts[:HALF], Counter())
    second = sum(counts[HALF:], Counter())
    patterns, tokens = Counter(), Counter()
    for pattern in set(first) | set(second):
        patterns[first[pattern]] += 1
        tokens[first[pattern]] += second[pattern]
    want["split"] = [[count, patterns[count], tokens[count]] for count in sorted(patterns)]
    want["growth"], cut = [], shape.batch
    while cut <= len(samples):
        want["growth"] += [[cut] + row for row in histogram(flat(samples[:cut]).values())]
        cut *= 2
    thinned = [sequence[i] for sequence, i in zip(samples, scope.drawn)]
    want["thinned"] = histogram(Counter(thinned).values())
    if shape.keep_keys:
        want["pairs_by_group"] = [[g] + basic(groups[g])["pairs_within"][0] for g in range(ALL_GROUPS)]
    return want


def differences(got, want):
    """What a stored table and a recounted one differ in, a few lines at most."""
    got = np.asarray(got)
    want = np.array(want, got.dtype).reshape(-1, got.shape[1])
    if np.array_equal(got, want):
        return []
    got, want = list(map(tuple, got.tolist())), list(map(tuple, want.tolist()))
    return ["%d rows, recounted %d" % (len(got), len(want)), "only stored: %s" % sorted(set(got) - set(want))[:3],
            "only recounted: %s" % sorted(set(want) - set(got))[:3]]


def key_differences(shape, scope, group):
    """The patterns and their rows; their order in the file is free."""
    rows = defaultdict(lambda: [0, 0, 0])
    for i, sequence in enumerate(scope.samples):
        g = int(shape.group[i])
        for pattern, count in Counter(sequence).items():
            rows[pattern, g][0] += count
            rows[pattern, g][1] += 1
        rows[sequence[scope.drawn[i]], g][2] += 1
    keys, stored = group["keys"][()].tolist(), group["rows"][()].tolist()
    distinct = len({pattern for pattern, _ in rows})
    if not len(keys) == distinct == len({tuple(key) for key in keys}):
        return ["%d keys, recounted %d" % (len(keys), distinct)]
    if scope.sites == 0:
        key_of = {pattern: (0, pattern[0]) for pattern, _ in rows}
    else:
        key_of = {pattern: packed(shape, pattern) for pattern, _ in rows}
    hashed = None not in key_of.values()
    if not hashed:
        checks.note("%s: no xxHash library to make its keys with, numbers only" % group.name)

    def key(pattern):
        return list(key_of[pattern]) if hashed else []

    got = sorted((keys[row[0]] if hashed else []) + row[1:] for row in stored)
    want = sorted(key(pattern) + [g] + row for (pattern, g), row in rows.items())
    if "positions" in group:
        at = Counter((pattern, t) for sequence in scope.samples for t, pattern in enumerate(sequence))
        got += sorted((keys[row[0]] if hashed else []) + row[1:] for row in group["positions"][()].tolist())
        want += sorted(key(pattern) + [t, count] for (pattern, t), count in at.items())
    return ["%s, recounted %s" % pair for pair in zip(got, want) if pair[0] != pair[1]][:3] or \
        (["%d rows, recounted %d" % (len(got), len(want))] if len(got) != len(want) else [])


def attribute_differences(shape, scope, attrs):
    distinct = len({pattern for sequence in scope.samples for pattern in sequence})
    samples = sum(len(sequence) for sequence in scope.samples)
    exact = shape.bits * scope.sites <= 128
    bound = 0 if exact else distinct ** 2 * 2.0 ** -129
    want = {"samples": samples, "samples_per_sequence": samples // len(scope.samples), "patterns": distinct,
            "keys": b"exact" if exact else b"xxh3-128"}
    wrong = ["%s %s, recounted %s" % (name, attrs[name], value) for name, value in want.items() if attrs[name] != value]
    if abs(attrs["ln_worst_case"] - scope.ln_worst) >= 1e-12 * max(1, scope.ln_worst):
        wrong.append("ln_worst_case %.17g, recounted %.17g" % (attrs["ln_worst_case"], scope.ln_worst))
    if not math.isclose(attrs["collision_bound"], bound, rel_tol=1e-12):
        wrong.append("collision_bound %.6g, recounted %.6g" % (attrs["collision_bound"], bound))
    return wrong


def compare_scope(shape, scope, group):
    wrong = attribute_differences(shape, scope, group.attrs)
    wanted = tables(shape, scope)
    there = {name for name, thing in group.items() if isinstance(thing, h5py.Dataset) and "columns" in thing.attrs}
    names = set(wanted) | ({"keys", "rows"} if shape.keep_keys and not scope.only_fof else set())
    names |= {"positions"} if shape.keep_keys and scope.path == "path" else set()
    if there != names:
        wrong.append("tables that are not in both: %s" % sorted(there ^ names))
    for name in sorted(there & set(wanted)):
        wrong += ["%s: %s" % (name, line) for line in differences(group[name][()], wanted[name])]
    if {"keys", "rows"} <= there:
        wrong += ["keys: " + line for line in key_differences(shape, scope, group)]
    checks.ok(not wrong, "%s: attributes and %d tables, %d patterns" %
              (group.name, len(names), group.attrs["patterns"]), *wrong)


def labels(config, file, census, tokens):
    """[sequences, tokens] labels and how many there are, or None."""
    settings = configparser.ConfigParser()
    settings.read_string(file["provenance"].attrs["settings"].decode())
    source, path = config["data"]["source"], settings["data"]["path"]
    numbers = census.attrs["first_sequence"] + np.arange(census.attrs["sequences"])
    if source == "idx":
        plain = os.path.join(path, "t10k-labels-idx1-ubyte")
        with (open(plain, "rb") if os.path.exists(plain) else gzip.open(plain + ".gz")) as data:
            label = np.frombuffer(data.read(), np.uint8)[8:]
        return np.repeat(label[numbers][:, None], tokens, axis=1), 10
    if source == "text":
        with open(path, "rb") as data:
            text = np.frombuffer(data.read(), np.uint8)
        start = len(text) - int(config["data"].getfloat("holdout") * len(text))
        return text[start + numbers[:, None] * tokens + np.arange(tokens)], 256
    return None


def compare_routing(file, config, census, routing, choices, experts):
    tokens, layers, top_k = choices.shape[1:]
    hot = np.zeros((choices.shape[0] * tokens, layers, experts), np.int64)
    for layer in range(layers):
        np.put_along_axis(hot[:, layer], choices[:, :, layer].reshape(-1, top_k), 1, axis=1)
    checks.ok(np.array_equal(routing["load"][()], hot.sum(axis=0)), routing.name + "/load")
    flat_hot = hot.reshape(len(hot), -1).astype(np.float64)
    both = np.rint(flat_hot.T @ flat_hot).astype(np.int64).reshape(layers, experts, layers, experts)
    if layers * experts <= 4096:
        checks.ok("coactivation_adjacent" not in routing and np.array_equal(routing["coactivation"][()], both),
                  routing.name + "/coactivation")
    else:
        checks.ok("coactivation" not in routing, routing.name + ": no co-activation of all pairs")
        adjacent = np.zeros((layers, 2, experts, experts), np.int64)
        for layer in range(layers):
            adjacent[layer, 0] = both[layer, :, layer]
            if layer + 1 < layers:
                adjacent[layer, 1] = both[layer, :, layer + 1]
        checks.ok(np.array_equal(routing["coactivation_adjacent"][()], adjacent),
                  routing.name + "/coactivation_adjacent")
    wanted = 0 if experts == top_k else len(hot)
    checks.ok((routing["margin"][()].sum(axis=1) == wanted).all(), "%s/margin: %d a layer" % (routing.name, wanted),
              routing["margin"][()].sum(axis=1))
    known = labels(config, file, census, tokens)
    if known is None:
        checks.ok("load_by_label" not in routing, routing.name + ": no labels")
        return
    label, kinds = known
    want = np.zeros((layers, experts, kinds), np.int64)
    for layer in range(layers):
        np.add.at(want[layer], (choices[:, :, layer], label[:, :, None]), 1)
    checks.ok(np.array_equal(routing["load_by_label"][()], want), routing.name + "/load_by_label")


def main(arguments):
    if len(arguments) != 1:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    with h5py.File(arguments[0], "r") as file:
        config = configparser.ConfigParser()
        config.read_string(file.attrs["config"].decode())
        for name in sorted(file["census"]):
            census, routing = file["census"][name], file["routing"][name]
            choices = census["choices"][()].astype(np.int64)
            count, tokens = choices.shape[:2]
            attrs = {key: int(census.attrs[key]) for key in
                     ("sequences", "tokens", "sum_squared_lengths", "groups")}
            if not checks.ok(attrs == {"sequences": count, "tokens": count * tokens,
                                       "sum_squared_lengths": count * tokens ** 2, "groups": ALL_GROUPS},
                             "%s: attributes; the choices of all %d sequences are stored" % (census.name, count),
                             attrs):
                continue
            shape = Shape(config, census, choices)
            compare_routing(file, config, census, routing, choices, shape.experts)
            ordered = np.sort(choices, axis=3).tolist()
            sets = [[tuple(tuple(one) for one in of_token) for of_token in sequence] for sequence in ordered]
            found = 0
            for scope in scopes(shape, sets):
                found += 1
                compare_scope(shape, scope, census[scope.path])
            there = []
            census.visititems(lambda path, thing: there.append(path) if "patterns" in thing.attrs else None)
            checks.ok(len(there) == found, "%s: %d scopes and no others" % (census.name, found), there)
        if "model" in file:
            want = (file["routing"][name]["load"][()] > 0).sum(axis=1)
            checks.ok(np.array_equal(file["model/experts_used"][()], want), "experts used at the end", want)
    checks.done()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
