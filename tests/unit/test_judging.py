"""Verdicts that contradict each other are found, with what they contradict."""

from itertools import combinations

import networkx
from hypothesis import given
from hypothesis import strategies as st

from lookgraph.judging import contradiction
from lookgraph.types import Verdict, VerdictKind

SAME, DIFFERENT = VerdictKind.SAME, VerdictKind.DIFFERENT
PAIRS = list(combinations("abcdefg", 2))


def verdict(pair: tuple[str, str], kind: VerdictKind) -> Verdict:
    return Verdict(*pair, kind, "2026-11-21T00:00:00Z")


def hold_together(verdicts: list[Verdict]) -> bool:
    """Whether no two that are different are linked by what is the same."""
    links: networkx.Graph[str] = networkx.Graph()
    links.add_nodes_from("abcdefg")
    links.add_edges_from((one.first, one.second) for one in verdicts if one.kind is SAME)
    return not any(
        networkx.has_path(links, one.first, one.second) for one in verdicts if one.kind is DIFFERENT
    )


@given(
    st.lists(
        st.builds(verdict, st.sampled_from(PAIRS), st.sampled_from(VerdictKind)),
        max_size=12,
        unique_by=lambda one: (one.first, one.second),
    )
)
def test_what_contradicts_is_told_and_only_that(said: list[Verdict]) -> None:
    known: list[Verdict] = []
    for one in said:
        against = contradiction(known, one)
        assert (not against) == hold_together([*known, one])
        if not against:
            known.append(one)
            continue
        assert set(against) <= set(known)
        assert not hold_together([*against, one])
        for left_out in against:  # each of them is needed
            assert hold_together([one, *(its for its in against if its != left_out)])


def test_the_chain_that_says_so_is_short() -> None:
    chain = [verdict(("a", "b"), SAME), verdict(("b", "c"), SAME)]
    others = [verdict(("a", "d"), SAME), verdict(("d", "e"), SAME), verdict(("c", "e"), SAME)]
    assert contradiction([*others, *chain], verdict(("a", "c"), DIFFERENT)) == tuple(chain)
