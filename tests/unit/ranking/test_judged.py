"""What follows from verdicts, against NetworkX."""

import networkx
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lookgraph.graph.verdicts import NO_VERDICTS, Verdicts
from lookgraph.ranking.judged import judged

ROWS = 12


@st.composite
def drawn_verdicts(draw: st.DrawFn, rows: int = ROWS) -> Verdicts:
    """Pairs of rows; no chain of the same leads from one to the other of different ones."""
    pairs = st.tuples(st.integers(0, rows - 1), st.integers(0, rows - 1)).filter(
        lambda pair: pair[0] < pair[1]
    )
    same = draw(st.lists(pairs, max_size=rows // 2, unique=True))
    chains = networkx.Graph(same)
    chains.add_nodes_from(range(rows))
    different = [
        pair
        for pair in draw(st.lists(pairs, max_size=rows // 2, unique=True))
        if not networkx.has_path(chains, *pair)
    ]
    return Verdicts(as_numbers(same), as_numbers(different))


def as_numbers(pairs: list[tuple[int, int]]) -> np.ndarray[tuple[int, int], np.dtype[np.int32]]:
    return np.array(pairs, np.int32).reshape(-1, 2)


def same_and_different(verdicts: Verdicts, row: int, rows: int = ROWS) -> tuple[set[int], set[int]]:
    """All that is the same as a row, itself too, and all that is not, by what was said."""
    chains = networkx.Graph(verdicts.same.tolist())
    chains.add_nodes_from(range(rows))
    its: set[int] = networkx.node_connected_component(chains, row)
    apart: set[int] = set()
    for one, other in verdicts.different.tolist():
        if one in its:
            apart |= networkx.node_connected_component(chains, other)
        if other in its:
            apart |= networkx.node_connected_component(chains, one)
    return its, apart


@given(drawn_verdicts())
def test_whatever_is_the_same_as_one_is_the_same_as_all_that_it_is(verdicts: Verdicts) -> None:
    known = judged(verdicts)
    named = {*verdicts.same.reshape(-1).tolist(), *verdicts.different.reshape(-1).tolist()}
    assert set(known) == named
    for row in named:
        same, different = same_and_different(verdicts, row)
        assert known[row].same.tolist() == sorted(same)
        assert known[row].different.tolist() == sorted(different)


def test_without_verdicts_nothing_was_said() -> None:
    assert not judged(NO_VERDICTS)
