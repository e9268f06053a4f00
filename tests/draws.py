"""Random draws by counter, and the points of the torus, as src/random.h and src/torus.h describe them."""
import math

import numpy as np

TRAIN, TEST, CENSUS, TARGET, NOISE, SCALE = 1, 2, 3, 4, 5, 6
GROUPS, THINNING = 11, 12
SPLITS = {TRAIN: 0, TEST: 1, CENSUS: 2}
WIDTH, HIDDEN, TERMS, POINTS = 32, 128, 512, 4096


def philox(counter, key):
    """Philox4x32-10 of counters [4, n] under a key of two words; the words of all blocks [4, n]."""
    c = [np.asarray(word, np.uint64) for word in counter]
    k = [np.uint64(word) for word in key]
    low = np.uint64(0xFFFFFFFF)
    half = np.uint64(32)
    for _ in range(10):
        x, y = c[0] * np.uint64(0xD2511F53), c[2] * np.uint64(0xCD9E8D57)
        c = [(y >> half) ^ c[1] ^ k[0], y & low, (x >> half) ^ c[3] ^ k[1], x & low]
        k = [(k[0] + np.uint64(0x9E3779B9)) & low, (k[1] + np.uint64(0xBB67AE85)) & low]
    return np.stack(np.broadcast_arrays(*c))


def words64(seed, stream, a, b, count):
    """The first `count` 64-bit draws of each sequence (seed, stream, a, b), a and b arrays: [n, count]."""
    a, b = np.broadcast_arrays(np.atleast_1d(np.asarray(a, np.uint64)), np.asarray(b, np.uint64))
    blocks = (count + 1) // 2
    place = np.uint64(stream << 24) | np.arange(blocks, dtype=np.uint64)
    low = np.uint64(0xFFFFFFFF)
    word = philox((place[None, :], b[:, None], (a & low)[:, None], (a >> np.uint64(32))[:, None]),
                  (seed & 0xFFFFFFFF, seed >> 32))
    pairs = np.stack([word[0] | word[1] << np.uint64(32), word[2] | word[3] << np.uint64(32)], axis=2)
    return pairs.reshape(len(a), 2 * blocks)[:, :count]


def below(seed, stream, a, n):
    """Whole numbers in 0 .. n[i] - 1, draw i of each sequence: the high half of the 128-bit product."""
    draws = words64(seed, stream, a, 0, len(n))
    return np.array([[int(x) * m >> 64 for x, m in zip(row, n)] for row in draws], np.int64)


def uniforms(seed, stream, a, b, count):
    return ((words64(seed, stream, a, b, count) >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0 ** -52


def box_muller(u):
    """Normal deviates [n, count] from uniforms [n, count], count even: cosine first, then sine."""
    radius, angle = np.sqrt(-2 * np.log(u[:, 0::2])), 2 * np.pi * u[:, 1::2]
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=2).reshape(u.shape)


def normals(seed, stream, a, b, count):
    return box_muller(uniforms(seed, stream, a, b, count + count % 2))[:, :count]


def gamma_p(shape, x):
    """Regularised lower incomplete gamma function by its series."""
    term = total = 1 / shape
    n = shape
    while term > total * 1e-17:
        n += 1
        term *= x / n
        total += term
    return total * math.exp(-x + shape * math.log(x) - math.lgamma(shape))


def chi_square_quantile(u, freedom):
    """By bisection on the logarithm, from outside the range of any 52-bit uniform."""
    low, high = -200.0, math.log(200 + 20 * freedom)
    for _ in range(200):
        middle = (low + high) / 2
        if gamma_p(freedom / 2, math.exp(middle) / 2) < u:
            low = middle
        else:
            high = middle
    return math.exp(high)


class Torus:
    def __init__(self, seed, dim, beta, scale, noise, clip, tokens):
        self.seed, self.dim, self.noise, self.clip, self.tokens = seed, dim, noise, clip, tokens
        self.first = normals(seed, TARGET, 0, 0, 2 * dim * HIDDEN).reshape(2 * dim, HIDDEN) / np.sqrt(2 * dim)
        self.shift = 2 * uniforms(seed, TARGET, 1, 0, HIDDEN)[0] - 1
        self.second = normals(seed, TARGET, 2, 0, HIDDEN * WIDTH).reshape(HIDDEN, WIDTH) / np.sqrt(HIDDEN)
        self.frequency, self.phase, self.weight = self.terms(beta, scale)
        z = self.angles(SCALE, np.arange(POINTS))
        x, y = self.embed(z), self.sum(z)
        self.means, self.deviations = x.mean(axis=0), x.std(axis=0)
        self.mean, self.deviation = y.mean(), y.std()

    def terms(self, beta, scale):
        """The law of the sum: multivariate t with 2 beta degrees of freedom, rounded; zero frequencies left out."""
        frequency, phase, weight = [], [], []
        for j in range(TERMS):
            # Normals come in pairs, and a spare one waits while a uniform is drawn between.
            d = self.dim
            pairs = (1 + d + 1) // 2
            u = uniforms(self.seed, TARGET, 3, j, 2 * pairs + 2)[0]
            of_normals = np.concatenate([u[:2], u[3:3 + 2 * (pairs - 1)]])
            normal = box_muller(of_normals[None, :])[0]
            phase.append(2 * np.pi * u[2])
            weight.append(normal[0])
            chi = chi_square_quantile(u[2 * pairs + 1], 2 * beta)
            frequency.append(np.rint(scale * normal[1:1 + d] / np.sqrt(chi / (2 * beta))))
        frequency = np.array(frequency)
        kept = (frequency != 0).any(axis=1)
        return frequency[kept], np.array(phase)[kept], np.array(weight)[kept]

    def angles(self, stream, index):
        return 2 * np.pi * uniforms(self.seed, stream, index, 0, self.dim)

    def embed(self, z):
        return np.tanh(np.concatenate([np.cos(z), np.sin(z)], axis=1) @ self.first + self.shift) @ self.second

    def sum(self, z):
        return np.concatenate([np.cos(part @ self.frequency.T + self.phase) @ self.weight
                               for part in np.array_split(z, len(z) // 512 + 1)])

    def points(self, stream, index):
        """Tokens [n, T, D], targets with noise [n], targets without [n]."""
        z = self.angles(stream, index)
        x = (self.embed(z) - self.means) / self.deviations
        clean = (self.sum(z) - self.mean) / self.deviation
        noise = np.clip(normals(self.seed, NOISE, index, SPLITS[stream], 1)[:, 0], -self.clip, self.clip)
        return x.reshape(len(x), self.tokens, -1), clean + self.noise * noise, clean
