"""Every member of a group matches the one to keep, and nothing is in two groups."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from lookgraph.duplicates.stars import Star, stars

COUNT = 8
PAIRS = st.lists(st.sampled_from(list(combinations(range(COUNT), 2))), unique=True)


def both_ways(pairs: list[tuple[int, int]]) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {}
    for one, other in pairs:
        found.setdefault(one, set()).add(other)
        found.setdefault(other, set()).add(one)
    return found


def test_chains_are_no_groups() -> None:
    assert stars(range(4), both_ways([(0, 1), (1, 2), (2, 3)]), {}) == [
        Star(0, (1,)),
        Star(2, (3,)),
    ]


@given(st.permutations(range(COUNT)), PAIRS, PAIRS)
def test_groups_are_stars_around_the_best_that_is_left(
    order: list[int], pairs: list[tuple[int, int]], apart: list[tuple[int, int]]
) -> None:
    matching = both_ways([pair for pair in pairs if pair not in apart])
    never = both_ways(apart)
    found = stars(order, matching, never)
    everybody = [number for star in found for number in (star.keep, *star.others)]
    assert len(everybody) == len(set(everybody))
    left = list(order)
    for star in found:
        group = (star.keep, *star.others)
        assert list(group) == sorted(group, key=order.index)
        assert set(star.others) <= matching[star.keep]
        assert not any(other in never.get(one, set()) for one, other in combinations(group, 2))
        # Who comes before it in order, and is in no group yet, had nobody left to match.
        for before in left[: left.index(star.keep)]:
            assert not matching.get(before, set()) & set(left)
        missed = (matching[star.keep] & set(left)) - set(group)
        assert all(never.get(one, set()) & set(group) for one in missed)
        left = [number for number in left if number not in group]
    assert not any(matching.get(number, set()) & set(left) for number in left)
