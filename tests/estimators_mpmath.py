#!/usr/bin/env python3
"""Holds every estimator against plain formulas in 40-digit arithmetic, on random tables of counts.

usage: estimators_mpmath.py COMMAND...

COMMAND FILE LN-WORST KNOWN-SUPPORT ORDER... prints the figures of a table as JSON (tests/estimate_fof.c). What it
computes by closed forms is computed here from the definitions wherever their sums can be afforded.
"""
import json
import random
import subprocess
import sys

import mpmath
from mpmath import mpf

import checks

mpmath.mp.dps = 40
ORDERS = ["0.25", "0.97", "0.9999", "1.000001", "1.03", "2.5", "4", "6.75", "-1"]
LOOSE = {"chao1_se": 1e-10, "hill2_ci95_lo": 1e-10, "hill2_ci95_hi": 1e-10, "simpson_se": 1e-10, "H_nsb_K": 1e-8}


def tail(n, q, x):
    """The integral over t of t^(n-q) (1-t)^(q-1) / (1 - x t), in v with v^p = n (1 - t): scales 1 and n (1 - x)."""
    a, p = 1 - x, 1 if q >= 1 else 8
    scale = [mpf(0), n * a / 1000, n * a / 10, n * a, 10 * n * a] + [mpf(u) for u in ("0.02", 1, 4, 16, 60, 150)]
    points = sorted(u for u in set(scale) if u < min(n, 400)) + [min(mpf(n), mpf(400))]

    def integrand(v):
        u = v ** p
        if u == 0 or u == n:
            return mpf(0)
        s = u / n
        return p * u / v * mpmath.exp((n - q) * mpmath.log1p(-s) + (q - 1) * mpmath.log(s)) / (a + x * s) / n

    return mpmath.quad(integrand, [u ** (mpf(1) / p) for u in points])


class Table:
    def __init__(self, rows, ln_worst, known):
        self.rows, self.ln_worst, self.known = rows, mpf(ln_worst), known
        self.n = sum(j * f for j, f in rows)
        self.S = sum(f for j, f in rows)
        self.max = rows[-1][0]
        self.f = dict(rows)
        self.f1, self.f2, self.f3, self.f4 = (self.f.get(i, 0) for i in (1, 2, 3, 4))
        n, f1, f2 = self.n, self.f1, self.f2
        if f1 == 0:
            self.x = mpf(0)
        elif f2 > 0:
            self.x = mpf((n - 1) * f1) / ((n - 1) * f1 + 2 * f2)
        else:
            self.x = mpf((n - 1) * (f1 - 1)) / ((n - 1) * (f1 - 1) + 2)

    def sum(self, term):
        return mpmath.fsum(f * term(mpf(j)) for j, f in self.rows)

    def chao1(self):
        k = mpf(self.n - 1) / self.n
        f0 = k * self.f1 ** 2 / (2 * self.f2) if self.f2 else k * self.f1 * (self.f1 - 1) / 2
        if f0 == 0:
            return self.S + f0, f0, None
        f1 = mpf(self.f1)
        if self.f2:
            r = f1 / self.f2
            var = self.f2 * (k * r ** 2 / 2 + k ** 2 * r ** 3 + k ** 2 * r ** 4 / 4)
        else:
            var = k * f1 * (f1 - 1) / 2 + k ** 2 * f1 * (2 * f1 - 1) ** 2 / 4 - k ** 2 * f1 ** 4 / (4 * (self.S + f0))
        return self.S + f0, f0, var

    def coverage(self):
        n, f1, f2, out = mpf(self.n), self.f1, self.f2, {}
        out["coverage_good_turing"] = 1 - f1 / n
        out["coverage_chao_jost"] = 1 - f1 / n * self.x
        if 2 * self.max < self.n:
            out["coverage_zhang_huang"] = 1 - mpmath.fsum(
                (-1) ** (j + 1) * f / mpmath.binomial(self.n, j) for j, f in self.rows if j < 400)
        else:
            out["coverage_zhang_huang"] = None
        out["coverage_esty_se"] = mpmath.sqrt(f1 * (1 - f1 / n) + 2 * f2) / n
        out["missing_mass_upper95_mcdiarmid"] = min(1, f1 / n + (1 + mpmath.sqrt(2)) * mpmath.sqrt(mpmath.log(40) / n))
        return out

    def support(self):
        n, S, f1, f2, out = mpf(self.n), self.S, mpf(self.f1), mpf(self.f2), {}
        k = (n - 1) / n
        out["chao1"], f0, var = self.chao1()
        names = ["chao1_se", "chao1_ci95_lo", "chao1_ci95_hi"]
        out.update(dict.fromkeys(names))
        if var is not None:
            R = mpmath.exp(mpf("1.959963984540054") * mpmath.sqrt(mpmath.log(1 + var / f0 ** 2)))
            out.update(zip(names, (mpmath.sqrt(var), S + f0 / R, S + f0 * R)))
        out["chao1_bc"] = S + k * f1 * (f1 - 1) / (2 * (f2 + 1))
        out["chao1_bc_nofactor"] = S + f1 * (f1 - 1) / (2 * (f2 + 1))
        ratio = mpf(self.f3) / (self.f4 or 1)
        more = max(f1 - (n - 3) / (2 * (n - 1)) * f2 * ratio, 0)
        out["ichao1"] = out["chao1"] + max(n - 3, 0) / (4 * n) * ratio * more
        out["jack1"] = S + f1 * (n - 1) / n
        out["jack2"] = S + f1 * (2 * n - 3) / n - f2 * (n - 2) ** 2 / (n * (n - 1))
        rare = [(j, f) for j, f in self.rows if j <= 10]
        s_rare, n_rare = sum(f for j, f in rare), mpf(sum(j * f for j, f in rare))
        pairs = sum(j * (j - 1) * f for j, f in rare)
        if n_rare == 0:
            out["ace"] = out["ace1"] = mpf(S)
        elif n_rare == f1:
            out["ace"] = out["ace1"] = None
        else:
            C = 1 - f1 / n_rare
            g = max(s_rare / C * pairs / (n_rare * (n_rare - 1)) - 1, 0)
            g1 = max(g * (1 + (1 - C) / C * pairs / (n_rare - 1)), 0)
            out["ace"] = S - s_rare + s_rare / C + f1 / C * g
            out["ace1"] = S - s_rare + s_rare / C + f1 / C * g1
        return out

    def entropy(self):
        n, out, psi, ln = mpf(self.n), {}, mpmath.digamma, mpmath.log
        out["H_plugin"] = -self.sum(lambda j: j / n * ln(j / n))
        out["H_miller_madow"] = out["H_plugin"] + (self.S - 1) / (2 * n)
        out["H_grassberger2003"] = ln(n) - self.sum(
            lambda j: j / n * (psi(j) + (-1) ** int(j) / mpf(2) * (psi((j + 1) / 2) - psi(j / 2))))
        out["H_jackknife"] = ln(n) + (n - 1) * ln(n / (n - 1)) - self.sum(
            lambda j: j / n * (ln(j) + ((j - 1) * ln(j / (j - 1)) if j > 1 else 0)))
        out["H_zhang"] = self.sum(lambda j: j / n * (psi(n) - psi(j)))
        d = lambda j: psi(j) + (1 if j > 1 else 0)
        mean = self.sum(lambda j: j * d(j)) / n
        out["H_zhang_se"] = mpmath.sqrt(self.sum(lambda j: j * (d(j) - mean) ** 2) / (n * (n - 1)))
        out["H_cwj_tail"] = self.f1 / n * self.x * tail(self.n, 1, self.x) if self.x else mpf(0)
        out["H_cwj"] = out["H_zhang"] + out["H_cwj_tail"]
        C = (n - (self.n - 1 if self.f1 == self.n else self.f1)) / n
        out["H_chao_shen"] = -self.sum(
            lambda j: C * j / n * ln(C * j / n) / (1 - (1 - C * j / n) ** self.n))
        out["H_py_d0.5_a10"] = self.pitman_yor(mpf("0.5"), mpf(10))
        out["H_cwj_minus_lnW"] = out["H_cwj"] - self.ln_worst
        out["lnW"] = self.ln_worst
        return out

    def pitman_yor(self, d, a):
        psi, n = mpmath.digamma, mpf(self.n)
        return (psi(a + n + 1) - (a + self.S * d) / (a + n) * psi(1 - d)
                - self.sum(lambda j: (j - d) * psi(j - d + 1)) / (a + n))

    def known_support(self):
        n, K, out = mpf(self.n), self.known, {}
        if not self.S <= K <= 65536:
            return {"H_shrink_K": None, "lambda_shrink_K": None, "H_nsb_K": None}
        spread = self.sum(lambda j: (mpf(1) / K - j / n) ** 2) + (K - self.S) * (mpf(1) / K) ** 2
        lam = mpf(1) if spread < mpf(10) ** -35 else self.sum(lambda j: j / n * (1 - j / n)) / ((n - 1) * spread)
        lam = min(lam, mpf(1))
        term = lambda p: -p * mpmath.log(p) if p > 0 else mpf(0)
        out["lambda_shrink_K"] = lam
        out["H_shrink_K"] = self.sum(lambda j: term((1 - lam) * j / n + lam / K)) + (K - self.S) * term(lam / K)
        if self.n <= 2000:
            out["H_nsb_K"] = self.nsb()
        return out

    def nsb(self):
        n, K, psi = mpf(self.n), mpf(self.known), mpmath.digamma

        def log_density(u):
            b = mpmath.exp(u)
            slope = K * mpmath.polygamma(1, K * b + 1) - mpmath.polygamma(1, b + 1)
            return (mpmath.loggamma(K * b) - mpmath.loggamma(n + K * b) + mpmath.log(slope) + u
                    + self.sum(lambda j: mpmath.loggamma(j + b) - mpmath.loggamma(b)))

        def mean(u):
            b = mpmath.exp(u)
            return (psi(n + K * b + 1) - (K - self.S) * b / (n + K * b) * psi(b + 1)
                    - self.sum(lambda j: (j + b) / (n + K * b) * psi(j + b + 1)))

        with mpmath.workdps(25):
            grid = [mpf(u) / 4 for u in range(-120, 161)]
            logs = [log_density(u) for u in grid]
            peak = max(logs)
            inside = [u for u, value in zip(grid, logs) if value > peak - 36]
            low, high, parts = inside[0] - 1, inside[-1] + 1, 400
            points = [low + (high - low) * i / parts for i in range(parts + 1)]
            weight = [mpmath.exp(log_density(u) - peak) for u in points]
            return mpmath.fsum(w * mean(u) for w, u in zip(weight, points)) / mpmath.fsum(weight)

    def hill(self):
        n, out = mpf(self.n), {"hill_obs_q0": mpf(self.S), "hill_obs_qinf": mpf(self.n) / self.max}
        entropy = self.entropy()
        for text in ["0.5", "1", "1.5", "2", "3"] + ORDERS:
            q = mpf(text)
            out["hill_obs_q" + text] = (mpmath.exp(entropy["H_plugin"]) if q == 1 else
                                        self.sum(lambda j: (j / n) ** q) ** (1 / (1 - q)))
            out["hill_asy_q" + text] = mpmath.exp(entropy["H_cwj"]) if q == 1 else self.asymptotic(q)
        out["hill_asy_q0"] = self.chao1()[0]
        return out

    def asymptotic(self, q):
        if q < 0 or q >= self.n + 1:
            return None
        n = self.n
        if n <= 120 and not mpmath.isint(q):
            total = self.literal(q)
        else:
            # singletons and pairs cancel most of the tail when little repeats, so many digits are lost
            with mpmath.workdps(100 if q > 2 else 60):
                lg = mpmath.loggamma
                ratio = lambda a, b: mpmath.gammaprod([a], [b]) if a < 10 ** 6 else mpmath.exp(lg(a) - lg(b))
                total = ratio(n + 1 - q, n + 1) * self.sum(lambda j: ratio(j + 1, j + 1 - q))
                if not mpmath.isint(q) and self.x:
                    total += self.f1 / mpf(n) * self.x * mpmath.sinpi(q) / mpmath.pi * tail(n, q, self.x)
        return total ** (1 / (1 - q)) if total > 0 else None

    def literal(self, q):
        """Both alternating sums as Chao and Jost print them."""
        with mpmath.workdps(150):
            n, total = self.n, mpf(0)
            for k in range(n):
                delta = mpmath.fsum(f * mpf(j) / n * mpmath.binomial(n - j, k) / mpmath.binomial(n - 1, k)
                                    for j, f in self.rows if j <= n - k)
                total += mpmath.binomial(q - 1, k) * (-1) ** k * delta
            a = 1 - self.x
            if self.f1 and a != 1:
                rest = a ** (q - 1) - mpmath.fsum(mpmath.binomial(q - 1, r) * (a - 1) ** r for r in range(n))
                total += mpf(self.f1) / n * (1 - a) ** (1 - n) * rest
            return total

    def collision(self):
        n, out = mpf(self.n), {}
        pairs = self.sum(lambda j: j * (j - 1))
        s2 = pairs / (n * (n - 1))
        s3 = self.sum(lambda j: j * (j - 1) * (j - 2)) / (n * (n - 1) * (n - 2)) if self.n > 2 else mpf(0)
        with mpmath.workdps(80):
            var = (4 * (n - 2) * max(s3 - s2 ** 2, 0) + 2 * (s2 - s2 ** 2)) / (n * (n - 1))
        se = mpmath.sqrt(max(var, 0))
        phi = max(1, var * (n * (n - 1) / 2) ** 2 / (pairs / 2)) if pairs else mpf(1)
        out.update(K2_pairs=pairs / 2, simpson_unbiased=s2, simpson_se=se, collision_phi=phi)
        z = mpf("1.959963984540054235524594430520551527955550077869548398476")
        out["hill2_ci95_lo"] = mpmath.exp(-z * se / s2) / s2 if pairs else None
        out["hill2_ci95_hi"] = mpmath.exp(z * se / s2) / s2 if pairs else None
        out["hill2_lower95_collision"] = self.quantile(pairs, phi, n)
        return out

    def quantile(self, pairs, phi, n):
        shape = pairs / 2 / phi + 1
        if shape > 2000:
            return "skip"
        share = lambda x: mpmath.gammainc(shape, 0, x, regularized=True) - mpf("0.95")
        start = shape * (1 - 1 / (9 * shape) + mpf("1.6449") / (3 * mpmath.sqrt(shape))) ** 3
        return n * (n - 1) / 2 / (phi * mpmath.findroot(share, (start, start * mpf("1.01"))))

    def bracket(self):
        n, out, ln = mpf(self.n), {}, mpmath.log
        W = mpmath.exp(self.ln_worst)
        cost = {}
        for j, f in self.rows:
            f1 = self.f1 - 1 if j == 1 else self.f1 + 1 if j == 2 else self.f1
            delta = (f1 + 1) / (n + 1)
            cost[j] = -(ln(delta) - ln(W - self.S + 1)) if j == 1 else -ln(1 - delta) - ln((j - 1) / (n - 1))
        mean = self.sum(lambda j: j / n * cost[int(j)])
        se = mpmath.sqrt(self.sum(lambda j: j / n * (cost[int(j)] - mean) ** 2) / n)
        out["H_upper_loo_ce"] = mean
        out["H_bracket_hi"] = min(mean + mpf("1.959963984540054235524594430520551527955550077869548398476") * se,
                                  self.ln_worst)
        return out

    def rarefaction(self):
        n, out = self.n, {}
        s2 = self.sum(lambda j: j * (j - 1)) / (mpf(n) * (n - 1))
        for label, m in (("n/10", n // 10), ("n/2", n // 2)):
            if m == 0:
                out["rare_S_m=" + label] = out["rare_C_m=" + label] = out["rare_hill2_m=" + label] = None
                continue
            out["rare_S_m=" + label] = mpmath.fsum(f * (1 - miss(n, j, m)) for j, f in self.rows)
            out["rare_C_m=" + label] = 1 - mpmath.fsum(mpf(j) * f / n * miss(n - 1, j - 1, m) for j, f in self.rows)
            out["rare_hill2_m=" + label] = 1 / (mpf(1) / m + (mpf(m - 1) / m) * s2)
        f0 = self.chao1()[1]
        out["extrap_S_m=2n"] = self.S + (f0 * (1 - (1 - self.f1 / (n * f0 + self.f1)) ** n) if f0 else 0)
        out["extrap_C_m=2n"] = 1 - mpf(self.f1) / n * self.x ** (n + 1)
        out["extrap_hill2_m=2n"] = 1 / (mpf(1) / (2 * n) + (mpf(2 * n - 1) / (2 * n)) * s2)
        out["good_toulmin_t1"] = mpf(-sum((-1) ** j * f for j, f in self.rows))
        k = 0
        while 3 ** (k + 1) <= 4 * n:
            k += 1
        above = lambda i: mpmath.fsum(mpmath.binomial(k, r) for r in range(i, k + 1)) / mpf(2) ** k
        out["sgt_binomial_t2_k"] = mpf(k)
        out["sgt_binomial_t2"] = -mpmath.fsum((-2) ** j * above(j) * f for j, f in self.rows if j <= k)
        d, a = mpf("0.5"), mpf(10)
        with mpmath.workdps(60):
            grown = (mpmath.loggamma(a + d + 2 * n) - mpmath.loggamma(a + d + n)
                     - mpmath.loggamma(a + 2 * n) + mpmath.loggamma(a + n))
        out["py_new_d0.5_a10_m=n"] = (self.S + a / d) * mpmath.expm1(grown)
        return out

    def community(self):
        n, f0, missing = mpf(self.n), self.chao1()[1], self.f1 / mpf(self.n) * self.x
        out = {"boot_f0": mpmath.ceil(f0)}
        weight = self.sum(lambda j: j / n * (1 - j / n) ** self.n)
        out["boot_lambda"] = missing / weight if missing else mpf(0)
        out["boot_p_unseen"] = missing / out["boot_f0"] if f0 else mpf(0)
        return out

    def figures(self):
        out = {"n": mpf(self.n), "S_obs": mpf(self.S), "f1": mpf(self.f1), "max_count": mpf(self.max)}
        for part in (self.coverage, self.support, self.entropy, self.known_support, self.hill, self.collision,
                     self.bracket, self.rarefaction, self.community):
            out.update(part())
        return out

    def score(self, d, a):
        """Slopes of the Pitman-Yor likelihood, per pattern."""
        psi, S = mpmath.digamma, self.S
        inverse = (psi(a / d + S) - psi(a / d + 1)) / d if d else (S - 1) / a
        by_a = inverse + psi(1 + a) - psi(a + self.n)
        by_d = (S - 1 - a * inverse) / d if d else mpf(S) * (S - 1) / (2 * a)
        by_d += self.sum(lambda j: psi(1 - d) - psi(j - d))
        return by_d / S, by_a * (a + d) / S


def miss(n, j, m):
    """Probability that m draws miss all j marked of n."""
    if j + m > n:
        return mpf(0)
    with mpmath.workdps(60):
        lg = mpmath.loggamma
        return mpmath.exp(lg(n - j + 1) - lg(n - j - m + 1) + lg(n - m + 1) - lg(n + 1))


def tables():
    """Shapes and sizes from two samples to 1e12."""
    rng = random.Random(20240817)

    def from_counts(counts):
        table = {}
        for c in counts:
            if c > 0:
                table[c] = table.get(c, 0) + 1
        return sorted(table.items())

    yield "two alike", [(2, 1)]
    yield "two different", [(1, 2)]
    yield "three, two alike", [(1, 1), (2, 1)]
    yield "only pairs", [(2, 9)]
    yield "singletons and pairs", [(1, 30), (2, 4)]
    yield "one singleton, no pair", [(1, 1), (3, 5), (7, 2)]
    yield "middling counts", [(1, 20), (3, 10), (64, 500), (70, 300), (100, 200), (5000, 3)]
    yield "uniform, hardly sampled", [(1, 10 ** 6), (2, 5)]
    yield "flat, hardly sampled", [(1, 10 ** 9), (2, 10 ** 5), (3, 5)]
    yield "near uniform, large", [(249999999999, 1), (250000000000, 2), (250000000001, 1)]
    yield "one giant, one singleton", [(1, 1), (999999999999, 1)]
    yield "two giants", [(499999900000, 1), (500000100000, 1)]
    yield "1e11 singletons", [(1, 10 ** 11), (2, 3), (10 ** 9, 2)]
    yield "no singletons, large", [(3, 10 ** 10), (5, 10 ** 9), (10 ** 11, 9)]
    for i in range(6):
        size = rng.choice([5, 12, 30, 60])
        yield "few samples %d" % i, from_counts([rng.randint(1, rng.choice([2, 4, 9])) for _ in range(size)])
    for i in range(6):
        weight = [1 / (k + 1) ** rng.choice([0.8, 1.1, 1.5]) for k in range(5000)]
        sample = rng.choices(range(5000), weight, k=rng.choice([300, 3000, 20000]))
        counts = {}
        for pattern in sample:
            counts[pattern] = counts.get(pattern, 0) + 1
        yield "power law %d" % i, from_counts(counts.values())
    for i in range(8):
        rows, left = {}, 10 ** 12
        for _ in range(rng.choice([3, 8, 25])):
            j = int(10 ** rng.uniform(0, 11))
            f = max(1, min(int(10 ** rng.uniform(0, 10)), left // (2 * j)))
            if j * f <= left and j not in rows:
                rows[j] = f
                left -= j * f
        if i % 2:
            rows.update({1: rng.randint(1, 10 ** 9), 2: rng.randint(0, 10 ** 8) + 1})
        yield "up to 1e12 %d" % i, sorted(rows.items())


def agrees(got, name, want):
    """None where the figure agrees, else what is wrong."""
    figure = got.get(name)
    if figure is None:
        return "%s is not there" % name
    if want is None:
        return None if "missing" in figure else "%s = %r, should be missing" % (name, figure.get("value"))
    if "value" not in figure:
        return "%s is missing (%s), should be %s" % (name, figure["missing"], mpmath.nstr(want, 15))
    error = abs(mpf(figure["value"]) - want)
    if error <= max(LOOSE.get(name, 1e-12) * abs(want), mpf("1e-13")):
        return None
    return "%s = %.17g, should be %s" % (name, figure["value"], mpmath.nstr(want, 20))


def check_fit(table, got):
    if table.S == table.n or table.S == 1:
        return None if "missing" in got["H_py"] else "H_py should be missing"
    d, a = mpf(got["py_discount"]["value"]), mpf(got["py_strength"]["value"])
    if 1 - d < 1e-6:
        return None
    by_d, by_a = table.score(d, a)
    allowed = 1e-10 + 1e-13 / (1 - d) ** 2
    if abs(by_a) > 1e-9 or (abs(by_d) > allowed if d > 0 else table.score(mpf(10) ** -6, a)[0] > 1e-4):
        return "Pitman-Yor d = %s, a = %s is no maximum: slopes %s, %s" % tuple(
            mpmath.nstr(v, 6) for v in (d, a, by_d, by_a))
    return agrees(got, "H_py", table.pitman_yor(d, a))


def check(command, name, rows):
    ln_worst = float(mpmath.log(sum(f for j, f in rows)) + 5)
    known = 2 * sum(f for j, f in rows)
    with open("table.fof", "w") as out:
        out.writelines("%d %d\n" % row for row in rows)
    arguments = ["table.fof", repr(ln_worst), str(known)] + ORDERS
    result = subprocess.run(command + arguments, capture_output=True, text=True)
    if not checks.ok(result.returncode == 0, name + ": estimates are printed", result.stderr):
        return
    got, table = json.loads(result.stdout), Table(rows, ln_worst, known)
    wrong, seen = [check_fit(table, got)], 0
    for figure, want in table.figures().items():
        if not isinstance(want, str):
            seen += 1
            wrong.append(agrees(got, figure, want))
    wrong = [text for text in wrong if text]
    checks.ok(not wrong, "%s: %d figures of %d rows, n = %.3g" % (name, seen, len(rows), table.n), *wrong)


for table_name, table_rows in tables():
    check(sys.argv[1:], table_name, table_rows)
checks.done()
