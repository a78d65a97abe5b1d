"""Selections as conditions in Cypher: what is let through, and that values stay parameters."""

import fnmatch
import os
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lookgraph.types import Selection
from tests.conftest import needs_module

needs_module("neo4j")

from neo4j import Record  # noqa: E402

from lookgraph.stores.keys import key_of  # noqa: E402
from lookgraph.stores.neo4j.names import USUAL  # noqa: E402
from lookgraph.stores.neo4j.searching.filters import condition_of, loose  # noqa: E402

_BYTES = st.lists(st.sampled_from([*b"ab/.[]!*?-\\EQ^$|(\n", 0xC3, 0xA9, 0xE2, 0x82, 0xAC, 0xFF]))
_GLOBS = _BYTES.map(lambda found: os.fsdecode(bytes(found)))


def asked(glob: str, path: str) -> bool:
    """What a local library says."""
    match = re.compile(fnmatch.translate(glob)).match
    return match(path if "/" in glob else path.rpartition("/")[2]) is not None


@given(_GLOBS, _GLOBS)
@example("*[!a]", "€")
@example("?", "\n")
@example("[]]", "]")
@example("[!]a]", "é")
@example("[", "[")
def test_the_server_leaves_nothing_out_that_a_glob_matches(glob: str, path: str) -> None:
    if asked(glob, path):
        assert re.fullmatch(loose(glob), key_of(path))


@given(_GLOBS)
def test_a_glob_of_letters_alone_matches_them_and_no_more(path: str) -> None:
    letters = re.sub(r"[*?\[]", "", path)
    assert re.fullmatch(loose(letters), key_of(letters))
    assert not re.fullmatch(loose(letters), key_of(letters) + "x")


_HOSTILE = "' OR true //`$x"


@pytest.mark.parametrize(
    "among",
    [
        Selection(under=_HOSTILE),
        Selection(name=_HOSTILE),
        Selection(taken_from=_HOSTILE, taken_to=_HOSTILE),
        Selection(ids=frozenset({_HOSTILE})),
    ],
)
def test_values_are_never_part_of_the_text(among: Selection) -> None:
    told: list[tuple[str, object]] = []

    def read(query: str, /, **values: object) -> list[Record]:
        told.append((query, values))
        return []

    condition = condition_of(among, USUAL, read)
    assert _HOSTILE not in condition.text
    assert all(_HOSTILE not in query for query, _ in told)
    assert condition.text.startswith(" AND ")
    assert condition.values


def test_everything_is_no_condition() -> None:
    condition = condition_of(Selection(), USUAL, lambda *_, **__: [])
    assert (condition.text, condition.values, condition.most) == ("", {}, None)
