#!/usr/bin/env python3
"""Rebuilds the forward pass of a model file as README.md describes it and compares what the results file says.

usage: forward.py NAME.model.h5 NAME.h5

Compared are the losses on the test set and (if it is small) on the training set, the stored choices of the last
snapshot in their order, the sums of squared gates and the histogram of margins. Choices may differ where logits lie
closer than 1e-5.
"""
import configparser
import gzip
import math
import os
import sys

import h5py
import numpy as np

import checks
import draws

NEAR = 1e-5       # logits closer than this may change places
LOSS = 1e-5
TRAIN_MOST = 2048 # training sequences worth a pass


def settings(text):
    parser = configparser.ConfigParser()
    parser.read_string(text.decode())
    return parser


def norm(x, gain, bias):
    centred = x - x.mean(axis=-1, keepdims=True)
    return centred / np.sqrt((centred ** 2).mean(axis=-1, keepdims=True) + 1e-5) * gain + bias


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def gelu(h):
    erf = np.fromiter(map(math.erf, (h.ravel() / math.sqrt(2)).tolist()), np.float64, h.size).reshape(h.shape)
    return h * (1 + erf) / 2


class Model:
    def __init__(self, file, config):
        self.p = {}
        file["parameters"].visititems(self.take)
        model = config["model"]
        self.layers, self.heads = model.getint("layers"), model.getint("heads")
        self.top_k, self.gate = model.getint("top_k"), model["gate"]
        self.causal, self.text = model["mask"] == "causal", config["data"]["source"] == "text"
        self.positions = "absolute" in model["positions"]

    def take(self, name, thing):
        if isinstance(thing, h5py.Dataset) and thing.attrs.get("CLASS", b"") != b"DIMENSION_SCALE":
            self.p[name] = thing[()].astype(np.float64)

    def attention(self, at, n):
        p, (count, tokens, width) = self.p, n.shape
        qkv = n @ p[at + "qkv_weight"].T + p[at + "qkv_bias"]
        each = width // self.heads
        q, k, v = (part.reshape(count, tokens, self.heads, each) for part in np.split(qkv, 3, axis=2))
        i, j = np.arange(tokens)[:, None], np.arange(tokens)[None, :]
        score = np.einsum("bihd,bjhd->bhij", q, k) / math.sqrt(each) + p[at + "offset_bias"][:, j - i + tokens - 1]
        if self.causal:
            score = np.where(j <= i, score, -np.inf)
        value = np.einsum("bhij,bjhd->bihd", softmax(score), v).reshape(count, tokens, width)
        return value @ p[at + "out_weight"].T + p[at + "out_bias"]

    def moe(self, layer, n, forced):
        """n [N, C]; the choices are the model's own, or `forced` [N, K]. Also logits and gates."""
        p = self.p
        e_at = layer + "expert/"
        logits = n @ p[layer + "moe/router"].T
        own = np.argsort(-logits, axis=1, kind="stable")[:, :self.top_k]
        chosen = own if forced is None else forced
        if self.gate == "topk-softmax":
            gates = softmax(np.take_along_axis(logits, chosen, 1))
        else:
            gates = np.take_along_axis(softmax(logits), chosen, 1)
        out = np.zeros_like(n)
        for e in range(logits.shape[1]):
            token, place = np.nonzero(chosen == e)
            hidden = gelu(n[token] @ p[e_at + "in_weight"][e].T + p[e_at + "in_bias"][e])
            result = hidden @ p[e_at + "out_weight"][e].T + p[e_at + "out_bias"][e]
            out[token] += gates[token, place][:, None] * result
        return out, own, logits, gates

    def run(self, x, forced=None):
        """Output, and by layer own choices, logits and gates, tokens side by side."""
        p, seen = self.p, []
        if self.text:
            x = p["input/table"][x]
        else:
            x = x @ p["input/weight"].T + p["input/bias"]
        if self.positions:
            x = x + p["input/positions"]
        elif "input/positions" in p:
            checks.ok(False, "no positions where model.positions says offset only")
        for layer in range(self.layers):
            at = "layer-%02d/" % layer
            a = at + "attention/"
            x = x + self.attention(a, norm(x, p[a + "norm_gain"], p[a + "norm_bias"]))
            m = at + "moe/"
            n = norm(x, p[m + "norm_gain"], p[m + "norm_bias"]).reshape(-1, x.shape[2])
            force = None if forced is None else forced[:, :, layer].reshape(-1, self.top_k)
            out, *rest = self.moe(at, n, force)
            x = x + out.reshape(x.shape)
            seen.append(rest)
        x = norm(x, p["output/norm_gain"], p["output/norm_bias"])
        if not self.text:
            x = x.mean(axis=1)
        return x @ p["output/weight"].T + p["output/bias"], seen


class TorusData:
    def __init__(self, config, path):
        data = config["data"]
        self.torus = draws.Torus(data.getint("seed"), data.getint("dim"), data.getfloat("beta"),
                                 data.getfloat("scale"), data.getfloat("noise"), data.getfloat("clip"),
                                 data.getint("tokens"))

    def get(self, split, index):
        stream = {"train": draws.TRAIN, "test": draws.TEST, "census": draws.CENSUS}[split]
        x, y, clean = self.torus.points(stream, index)
        return x.astype(np.float32).astype(np.float64), y[:, None], clean[:, None]


class IdxData:
    def __init__(self, config, path):
        self.patch = config["data"].getint("patch")
        self.part = {}
        for split, name in (("train", "train"), ("test", "t10k"), ("census", "t10k")):
            self.part[split] = [self.read(os.path.join(path, name + rest))
                                for rest in ("-images-idx3-ubyte", "-labels-idx1-ubyte")]

    @staticmethod
    def read(path):
        with (open(path, "rb") if os.path.exists(path) else gzip.open(path + ".gz")) as file:
            data = file.read()
        shape = np.frombuffer(data, ">i4", data[3], 4)
        return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(shape)

    def get(self, split, index):
        images, labels = self.part[split]
        n, p = images[index], self.patch
        rows, columns = n.shape[1] // p, n.shape[2] // p
        patches = n.reshape(len(n), rows, p, columns, p).transpose(0, 1, 3, 2, 4).reshape(len(n), rows * columns, p * p)
        return (patches / 255 - 0.286) / 0.353, labels[index].astype(np.int64), None


class TextData:
    def __init__(self, config, path):
        with open(path, "rb") as file:
            text = np.frombuffer(file.read(), np.uint8)
        held_out = int(config["data"].getfloat("holdout") * len(text))
        self.text, self.tokens = text[len(text) - held_out:], config["data"].getint("tokens")

    def get(self, split, index):
        at = np.asarray(index)[:, None] * self.tokens + np.arange(self.tokens + 1)
        window = self.text[at].astype(np.int64)
        return window[:, :-1], window[:, 1:], None


SOURCES = {"torus": TorusData, "idx": IdxData, "text": TextData}


def losses(output, y, clean, kind):
    """Loss, accuracy or None, noise-free squared error or None."""
    accuracy = None
    if y.dtype == np.int64:
        accuracy = (output.argmax(axis=-1) == y).mean()
    if kind == "cross-entropy":
        return -np.take_along_axis(np.log(softmax(output)), y[..., None], -1).mean(), accuracy, None
    if y.dtype == np.int64:
        y = np.eye(output.shape[1])[y]
    free = None if clean is None else ((output - clean) ** 2).sum(axis=1).mean()
    return ((output - y) ** 2).sum(axis=1).mean(), accuracy, free


def total_loss(model, data, split, count, kind):
    parts = []
    for index in np.array_split(np.arange(count), (count + 511) // 512):
        x, y, clean = data.get(split, index)
        parts.append((len(index), losses(model.run(x)[0], y, clean, kind)))
    return [None if parts[0][1][i] is None else sum(n * part[i] for n, part in parts) / count for i in range(3)]


def close(got, want, text):
    checks.ok(abs(got - want) <= LOSS * max(1, abs(want)), "%s: %.8g, here %.8g" % (text, got, want))


def compare_losses(model, data, results, config):
    kind, attrs = config["train"]["loss"], results["model"].attrs
    loss, accuracy, free = total_loss(model, data, "test", config["data"].getint("test_n"), kind)
    last = results["eval/test"]
    checks.ok(last["step"][-1] == config["train"].getint("steps"), "the last evaluation is of the last step")
    close(attrs["test_loss"], loss, "test loss")
    close(last["loss"][-1], loss, "test loss of the series")
    # One prediction may tip over without any fault.
    one = 1.5 / config["data"].getint("test_n")
    for name, series, want, most in (("test_accuracy", "accuracy", accuracy, one),
                                     ("test_noise_free_mse", "noise_free_mse", free, LOSS)):
        if want is None:
            checks.ok(math.isnan(attrs[name]) and series not in last, name + " is unknown")
        else:
            checks.ok(abs(attrs[name] - want) <= most and last[series][-1] == attrs[name],
                      "%s: %.8g, here %.8g" % (name, attrs[name], want))
    n = config["data"]["n"]
    if config["data"]["source"] != "text" and n != "endless" and int(n) <= TRAIN_MOST:
        loss, _, free = total_loss(model, data, "train", int(n), kind)
        close(attrs["train_loss"], loss, "training loss")
        if free is not None:
            close(attrs["train_noise_free_mse"], free, "training loss without noise")
            _, y, clean = data.get("train", np.arange(int(n)))
            close(attrs["train_noise"], ((y - clean) ** 2).mean(), "noise of the training targets")
        close(attrs["gap"], attrs["test_loss"] - attrs["train_loss"], "gap")


def compare_choices(model, data, results):
    """With the stored choices sent on to the next layer, so that a near tie has no consequences."""
    snapshot = sorted(results["census"])[-1]
    census = results["census"][snapshot]
    stored = census["choices"][()].astype(np.int64)
    first, k = census.attrs["first_sequence"], model.top_k
    wrong = near = total = 0
    energy = np.zeros(results["routing"][snapshot]["gate_energy"].shape)
    margins = [[] for _ in range(model.layers)]
    for index in np.array_split(np.arange(len(stored)), (len(stored) + 511) // 512):
        _, seen = model.run(data.get("census", first + index)[0], stored[index])
        for layer, (own, logits, gates) in enumerate(seen):
            kept = stored[index][:, :, layer].reshape(-1, k)
            best = -np.sort(-logits, axis=1)[:, :k + 1]
            gap = (best[:, :-1] - best[:, 1:]).min(axis=1) if best.shape[1] > 1 else np.full(len(best), np.inf)
            differ = (own != kept).any(axis=1)
            wrong += (differ & (gap > NEAR)).sum()
            near += (gap <= NEAR).sum()
            total += len(differ)
            np.add.at(energy[layer], kept, gates ** 2)
            if best.shape[1] > k:
                margins[layer].append(best[:, k - 1] - best[:, k])
    checks.ok(wrong == 0 and total == stored.size // k and total > 0,
              "choices of %d sequences, %d sites: %d differ (%d logits lie within 1e-5)" %
              (len(stored), total, wrong, near))
    if len(stored) < census.attrs["sequences"]:
        return
    routing = results["routing"][snapshot]
    worst = np.abs(energy - routing["gate_energy"][()]).max() / energy.max()
    checks.ok(worst < 1e-5, "squared gates: largest relative difference %.2g" % worst)
    if margins[0]:
        moved = most = 0
        for layer in range(model.layers):
            mine, edges = np.concatenate(margins[layer]), routing["margin_edge"][()]
            moved += np.abs(np.histogram(mine, edges)[0] - routing["margin"][layer]).sum() // 2
            most += (np.abs(mine[:, None] - edges[None, 1:-1]) < NEAR).any(axis=1).sum()
        checks.ok(moved <= most, "margins: %d in another bin, %d within 1e-5 of an edge" % (moved, most))


def main(arguments):
    if len(arguments) != 2:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    with h5py.File(arguments[0], "r") as file, h5py.File(arguments[1], "r") as results:
        config = settings(file.attrs["config"])
        checks.ok(file.attrs["config"] == results.attrs["config"], "both files have the same config")
        path = settings(file["provenance"].attrs["settings"])["data"]["path"]
        model, data = Model(file, config), SOURCES[config["data"]["source"]](config, path)
        compare_losses(model, data, results, config)
        compare_choices(model, data, results)
    checks.done()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
