"""A map: a place in the plane for each row, so that neighbours lie together.

It is t-SNE of the graph (L. van der Maaten and G. Hinton, "Visualizing data using t-SNE", 2008):
with y the places, w_ij the weights of the edges, all together 1, and

    q_ij = (1 / (1 + |y_i - y_j|**2)) / Z,   Z = the same summed over all pairs,

the divergence of q from w is brought down. Edges pull, and everything pushes everything. The push
is computed on a grid by Fourier transforms, so nothing is left to chance (after G. C. Linderman et
al., "Fast interpolation-based t-SNE for improved visualization of single-cell RNA-seq data", 2019).
The nearest of a row all count the same (J. N. Böhm, P. Berens and D. Kobak, "Attraction-repulsion
spectrum in neighbor embeddings", 2022), and places start from the two directions in which the rows
differ most (D. Kobak and P. Berens, "The art of using t-SNE for single-cell transcriptomics",
2019).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lookgraph.graph.edges import Adjacency
from lookgraph.index.widening import as_float32
from lookgraph.types import Integers, Matrix, Rows, Vector

_NEAREST = 10
"""So many of each row's edges pull, the best. With 15, fewer of the nearest lie nearest."""

_PHASES = ((100, 12.0, 12.0), (300, 1.0, 4.0))
"""Steps; how many times as strongly edges pull, which sorts groups first; what divides a step."""

_MOMENTUM = 0.8

_CELL = 0.5
_SIDES = (32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024)
"""How many cells a grid may have on a side; transforms of such lengths are fast."""

_SAMPLE = 4096
_AT_ONCE = 4096

_Places = NDArray[np.float32]
"""Shape (2, n): all x, and then all y."""


def layout(rows: Rows, around: Adjacency) -> Matrix:
    """The places of all rows, float32, shape (n, 2), from 0 to 1.

    The same on every run on one machine. Rows without edges lie around the others.

    Args:
        rows: float16, shape (n, d) or more rows than the graph has; may be a memory map.
        around: the neighbours of each.
    """
    count = len(around.starts) - 1
    if not count:
        return np.empty((0, 2), np.float32)
    places = _start(rows[:count])
    pulls = _pulls(around)
    if len(pulls.targets):
        places = _settled(places, pulls)
    return _within_one(places)


def _start(rows: Rows) -> _Places:
    """Along the two directions in which a sample of the rows differs most.

    Rows that are equal would never part, so each is moved by a hundredth in its own direction. The
    last bits are cut off: they may depend on how many threads multiply.
    """
    sample = as_float32(rows[:: -(-len(rows) // _SAMPLE)])
    mean = sample.mean(axis=0)
    directions = _principal(sample - mean)
    places = np.empty((2, len(rows)), np.float32)
    for start in range(0, len(rows), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        places[:, part] = directions @ (as_float32(rows[part]) - mean).T
    spread = float(places[0].std())
    places = np.round(places / spread, 3) if spread > 0 else np.zeros_like(places)
    angle = np.arange(len(rows)) * (np.pi * (3 - 5**0.5))  # no two of these are alike
    return (places + 0.01 * np.stack([np.cos(angle), np.sin(angle)])).astype(np.float32)


def _principal(sample: Matrix) -> Matrix:
    """The first two right singular vectors, by subspace iteration, shape (2, d)."""
    width = min(8, *sample.shape)
    found = np.random.default_rng(1).normal(size=(sample.shape[1], width)).astype(np.float32)
    for _ in range(10):
        found, _ = np.linalg.qr(sample.T @ (sample @ found))
    _, _, turned = np.linalg.svd(sample @ found, full_matrices=False)
    directions = np.zeros((2, sample.shape[1]), np.float32)
    directions[: min(2, width)] = (found @ turned[:2].T).T
    largest = np.abs(directions).argmax(axis=1)
    signs = np.where(directions[[0, 1], largest] < 0, -1, 1).astype(np.float32)
    return np.asarray(directions * signs[:, None])


@dataclass(frozen=True, slots=True)
class _Pulls:
    """Who pulls whom, row by row.

    Attributes:
        rows: those that are pulled at all, shape (m,).
        starts: where the pulls at each of them begin.
        lengths: how many there are of each.
        targets: where to.
        weights: how strongly, together 1.
    """

    rows: Integers
    starts: Integers
    lengths: Integers
    targets: Integers
    weights: Vector

    def of(self, places: _Places) -> _Places:
        """The pull at each row, away from where it is pulled to."""
        steps = np.repeat(places[:, self.rows], self.lengths, axis=1) - places[:, self.targets]
        steps *= self.weights / (1 + steps[0] ** 2 + steps[1] ** 2)
        found = np.zeros_like(places)
        found[:, self.rows] = np.add.reduceat(steps, self.starts, axis=1)
        return found


def _pulls(around: Adjacency) -> _Pulls:
    """Each row pulls at its nearest, and is pulled by them."""
    count = len(around.starts) - 1
    lengths = np.minimum(np.diff(around.starts), _NEAREST)
    sources = np.repeat(np.arange(count), lengths)
    place = np.arange(len(sources)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    targets = around.numbers[around.starts[sources] + place].astype(np.int64)
    both = np.concatenate([sources * count + targets, targets * count + sources])
    pairs, pair_of = np.unique(both, return_inverse=True)
    weights = np.bincount(pair_of, np.tile(1 / lengths[sources], 2))
    sources, targets = np.divmod(pairs, count)
    rows, starts, lengths = np.unique(sources, return_index=True, return_counts=True)
    return _Pulls(rows, starts, lengths, targets, (weights / weights.sum()).astype(np.float32))


def _settled(places: _Places, pulls: _Pulls) -> _Places:
    """Where the rows come to rest, but for the last bit of the way.

    What no edge holds is pushed away ever more slowly. After so many steps it is some two or three
    radii of the others from their middle.
    """
    count, grid = places.shape[1], _Grid()
    places = np.asarray(places * 1e-4, np.float32)
    moving: _Places = np.zeros_like(places)
    for steps, strength, divisor in _PHASES:
        for _ in range(steps):
            push, whole = grid.push(places)
            force = strength * pulls.of(places) - push / np.float32(whole)
            moving *= _MOMENTUM
            moving -= np.float32(4 * count / divisor) * force
            places += moving
            places -= places.mean(axis=1, keepdims=True)
    return places


class _Grid:
    """Pushes all rows apart, by way of a grid over them."""

    def __init__(self) -> None:
        self._side, self._cell = 0, 0.0

    def push(self, places: _Places) -> tuple[_Places, float]:
        """The sum of (y_i - y_j) / (1 + |y_i - y_j|**2)**2 for each row, and Z.

        Each row is spread over nine cells by a quadratic spline, and the push of the cells is
        collected by the same, so that no row pushes itself (R. W. Hockney and J. W. Eastwood,
        "Computer simulation using particles", 1988).
        """
        lowest = places.min(axis=1, keepdims=True)
        self._fit(float((places - lowest).max()))
        side = self._side
        at = (places - lowest) / np.float32(self._cell) + 1
        middle = np.floor(at + np.float32(0.5))
        off = at - middle
        shares = np.stack([(0.5 - off) ** 2 / 2, 0.75 - off**2, (0.5 + off) ** 2 / 2])
        first, second = middle.astype(np.int64)
        cells = np.stack([(first + i) * side + second + j for i in (-1, 0, 1) for j in (-1, 0, 1)])
        share = (shares[:, None, 0] * shares[None, :, 1]).reshape(9, -1)
        mass = np.bincount(cells.ravel(), share.ravel(), side * side).astype(np.float32)
        spectrum = np.fft.rfft2(mass.reshape(side, side), s=(2 * side, 2 * side))
        power = spectrum.real**2 + spectrum.imag**2
        whole = float(((power * self._alike).sum(axis=0) @ self._twice) / (4 * side * side))
        found = np.empty_like(places)
        for axis in (0, 1):
            field = np.fft.irfft2(spectrum * self._kernels[axis], s=(2 * side, 2 * side))
            found[axis] = (field[:side, :side].reshape(-1)[cells] * share).sum(axis=0)
        return found, whole - self._own(shares)

    def _own(self, shares: NDArray[np.float32]) -> float:
        """What of Z each row with itself makes up, spread as it is; shares has shape (3, 2, n)."""
        left, middle, right = shares
        near = np.stack(
            [left**2 + middle**2 + right**2, 2 * middle * (left + right), 2 * left * right]
        )
        apart = (near[:, None, 0] * near[None, :, 1]).sum(axis=2)
        return float((apart * self._near).sum())

    def _fit(self, span: float) -> None:
        """Make the grid large enough, and what it takes to push on it."""
        cell = _CELL
        while span / cell > _SIDES[-1] - 4:
            cell *= 1.1
        side = next(side for side in _SIDES if side >= span / cell + 4)
        if (side, cell) == (self._side, self._cell):
            return
        self._side, self._cell = side, cell
        # Behind the middle come the distances to the left, as the transform takes things round.
        distances = np.fft.fftfreq(2 * side, 1 / (2 * side)) * cell
        alike = 1 / (1 + distances[:, None] ** 2 + distances**2)
        # What is spread by the spline and collected by it is blurred twice: this sharpens it.
        blur = np.sinc(np.fft.fftfreq(2 * side)) ** 6
        blurs = blur[:, None] * blur[: side + 1]
        steps = (distances[:, None], distances)
        self._kernels = [
            (np.fft.rfft2(step * alike**2) / blurs).astype(np.complex64) for step in steps
        ]
        self._alike = np.fft.rfft2(alike).real / blurs
        self._near = np.fft.irfft2(self._alike, s=(2 * side, 2 * side))[:3, :3]
        # Of the frequencies that mirror each other only one is there.
        self._twice = np.full(side + 1, 2.0)
        self._twice[[0, -1]] = 1


def _within_one(places: _Places) -> Matrix:
    """From 0 to 1 along the longer side, and in the middle of the other one."""
    lowest, highest = places.min(axis=1), places.max(axis=1)
    span = float((highest - lowest).max())
    if not span:
        return np.full((places.shape[1], 2), 0.5, np.float32)
    found = 0.5 + (places.T - (lowest + highest) / 2) / span
    return np.asarray(found.clip(0, 1), np.float32)
