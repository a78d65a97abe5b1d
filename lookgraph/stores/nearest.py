"""The nearest neighbours of pictures, as the relations between them tell."""

import numpy as np

from lookgraph.graph.edges import Adjacency
from lookgraph.graph.neighbours import Neighbours


def nearest_in(around: Adjacency, k: int) -> Neighbours:
    """The best k neighbours of each row, shape (n, k).

    In a graph of the nearest k of each row, these are those: whatever else has an edge to a row is
    less near to it. In one of mutual neighbours, some are missing.
    """
    lengths = np.diff(around.starts)
    places = np.arange(len(around.numbers)) - np.repeat(around.starts[:-1], lengths)
    sources = np.repeat(np.arange(len(lengths)), lengths)
    kept = places < k
    numbers = np.full((len(lengths), k), -1, np.int32)
    scores = np.full((len(lengths), k), -np.inf, np.float32)
    numbers[sources[kept], places[kept]] = around.numbers[kept]
    scores[sources[kept], places[kept]] = around.scores[kept]
    return Neighbours(numbers, scores)
