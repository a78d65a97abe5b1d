"""L2 over float16 rows against FAISS' IndexFlatL2 over the float32 embeddings they were made of."""

import numpy as np
import pytest

from lookgraph.index.exact import nearest
from lookgraph.types import Array, Matrix, Metric
from tests.conftest import needs_module

K = 10


@pytest.fixture(scope="module")
def embeddings() -> Matrix:
    """Such as VGG16 gives after its first fully connected layer: 2,200 times 4,096.

    Not negative, two thirds of them zero, up to some hundreds, and in 110 groups, so that a
    query has neighbours that are near.
    """
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((110, 4096)) * 60 - 30
    members = np.repeat(centres, 20, axis=0) + rng.standard_normal((2200, 4096)) * 25
    shuffled = rng.permutation(np.maximum(members, 0))
    return shuffled.astype(np.float32)


def distances(database: Matrix, queries: Matrix) -> tuple[Array, Array]:
    """FAISS' distances, not squared, and the numbers of the rows; shapes (queries, K)."""
    faiss = needs_module("faiss")
    index = faiss.IndexFlatL2(database.shape[1])
    index.add(database)
    squared, numbers = index.search(queries, K)
    return np.sqrt(squared.astype(np.float64)), numbers


def test_the_ranking_is_that_of_indexflatl2(embeddings: Matrix) -> None:
    queries, database = embeddings[:200], embeddings[200:]
    rows = database.astype(np.float16)
    wanted, numbers = distances(database, queries)
    found_of_wanted = 0
    for query, far, near in zip(queries, wanted, numbers, strict=True):
        found = [neighbour.row for neighbour in nearest(rows, query, K, Metric.L2)]
        found_of_wanted += len(set(found) & set(near.tolist()))
        # Where the order differs, the distances are as good as equal.
        own = np.sqrt(((database[found].astype(np.float64) - query) ** 2).sum(axis=1))
        assert own == pytest.approx(far, rel=2e-5)
    assert found_of_wanted >= 0.999 * K * len(queries)


def test_scores_are_minus_the_root_of_its_distances(embeddings: Matrix) -> None:
    queries, rows = embeddings[:200], embeddings[200:].astype(np.float16)
    wanted, _ = distances(rows.astype(np.float32), queries)
    for query, far in zip(queries, wanted, strict=True):
        scores = [neighbour.score for neighbour in nearest(rows, query, K, Metric.L2)]
        assert scores == pytest.approx((-far).tolist(), rel=1e-4)
