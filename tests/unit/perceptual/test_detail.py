"""The small matrices, against what they stand for, pixel by pixel."""

import numpy as np
import pytest

from lookgraph.perceptual.detail import averaging, between, blocks, blurred

RNG = np.random.default_rng(0)


def test_a_flat_picture_stays_and_an_edge_is_softened() -> None:
    flat = np.full((40, 30), 90, np.uint8)
    np.testing.assert_allclose(blurred(flat, 2.0), 90, atol=1e-3)
    edge = flat.copy()
    edge[:, 15:] = 190
    # A Gaussian's share beyond half a pixel, of deviation 2: 0.4013 (its cumulative distribution).
    assert blurred(edge, 2.0)[20, 14] == pytest.approx(90 + 40.1, abs=0.3)
    assert blurred(edge, 2.0)[20, 15] == pytest.approx(190 - 40.1, abs=0.3)


def test_blocks_are_means() -> None:
    values = RNG.normal(size=(26, 19))
    means = blocks(26, 8, 4) @ values @ blocks(19, 8, 4).T
    assert means.shape == (5, 3)
    assert means[2, 1] == pytest.approx(values[1 + 8 : 1 + 16, 1 + 4 : 1 + 12].mean(), abs=1e-6)


def test_a_side_seen_from_elsewhere() -> None:
    side = np.arange(20.0)
    matrix, inside = between(20, 10, 1.5, 2.0)
    places = 1.5 * (np.arange(10) + 0.5) + 2 - 0.5
    np.testing.assert_allclose((matrix @ side)[inside > 0], places[places < 19], rtol=1e-6)
    np.testing.assert_array_equal(inside, places < 19)


def test_beyond_a_side_is_nothing() -> None:
    matrix, inside = between(10, 10, 1.0, -4.0)
    assert inside.tolist() == [0.0] * 5 + [1.0] * 5
    assert not matrix[:4].any()


def test_a_smaller_side_keeps_a_slope() -> None:
    small = averaging(80, 20, 4.0) @ np.arange(80.0)
    np.testing.assert_allclose(small[2:-2], 4 * (np.arange(2, 18) + 0.5) - 0.5, rtol=1e-5)
