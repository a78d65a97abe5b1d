"""What is written into Cypher and addresses: keys of paths, names, and where a library is."""

import os
import string
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookgraph.errors import UsageError
from lookgraph.stores.keys import key_of, path_of, shown
from lookgraph.stores.neo4j.names import USUAL, Names
from tests.conftest import needs_module

needs_module("neo4j")

from lookgraph.stores.neo4j.client.address import SCHEMES, Address, parse  # noqa: E402

paths = st.binary(min_size=1).filter(lambda raw: b"\0" not in raw).map(os.fsdecode)
"""All that can be a path."""

letters = st.characters(categories=("Lu", "Ll", "Lo"))
names = st.builds(lambda first, rest: first + rest, letters | st.just("_"),
                  st.text(letters | st.sampled_from("_0123456789"), max_size=20))  # fmt: skip


# Keys


@given(paths)
def test_a_key_gives_the_path_again_and_can_be_sent(path: str) -> None:
    assert path_of(key_of(path)) == path
    key_of(path).encode("utf-8")
    assert len(key_of(path)) == len(os.fsencode(path))


@given(st.lists(paths))
def test_keys_are_in_the_order_of_the_bytes_by_code_points_and_by_java(its: list[str]) -> None:
    wanted = sorted(its, key=os.fsencode)
    assert sorted(its, key=key_of) == wanted
    assert sorted(its, key=lambda path: key_of(path).encode("utf-8")) == wanted
    assert sorted(its, key=lambda path: key_of(path).encode("utf-16-be")) == wanted


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_what_is_text_is_shown_as_it_is(path: str) -> None:
    assert shown(path) == path


@given(paths)
def test_what_is_shown_can_be_sent(path: str) -> None:
    shown(path).encode("utf-8")


# Names


@given(names)
def test_a_name_of_any_script_may_be_a_label(name: str) -> None:
    assert Names(label=name).own("File") == f"Lookgraph{name}File"


@given(st.text(min_size=1).filter(lambda text: not text.isidentifier()))
def test_what_is_no_name_is_refused_if_it_could_end_one(text: str) -> None:
    kept = set(text) - set(string.ascii_letters + string.digits + "_")
    if any(not (one.isalnum() or one == "_") and one.isascii() for one in kept):
        with pytest.raises(UsageError, match="is no name"):
            Names(relation=text)


@pytest.mark.parametrize(
    "name",
    ["", "1a", "a b", "a`b", "a-b", "a\n", "a:b", "n) DETACH DELETE (n", "x" * 65, "a\\u0060"],
)
def test_what_would_change_a_question_is_no_name(name: str) -> None:
    for field in fields(Names):
        with pytest.raises(UsageError, match=f"no name for {field.name}"):
            Names(**{field.name: name})


@pytest.mark.parametrize(
    "told",
    [
        {"id": "path"},
        {"path": "embeddings"},
        {"format": "row"},
        {"id": "graph_norm"},
        {"group": "community"},
    ],
)
def test_two_properties_have_two_names(told: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="cannot both be called"):
        Names(**told)


@pytest.mark.parametrize("name", ["SAME_AS", "DIFFERENT_FROM", "LOOKGRAPH_SHOWS"])
def test_relations_of_lookgraphs_own_are_taken(name: str) -> None:
    with pytest.raises(UsageError, match="something else"):
        Names(relation=name)


@pytest.mark.parametrize("what", ["File", "Space", "Library", "Lock"])
def test_two_libraries_never_share_a_label(what: str) -> None:
    with pytest.raises(UsageError, match="no label for pictures"):
        Names(label=f"Image{what}")


# Addresses


@given(
    st.sampled_from(SCHEMES),
    st.text(min_size=1, max_size=20),
    st.sampled_from(["localhost", "db.example.org", "127.0.0.1", "[::1]"]),
    st.integers(1, 65535),
    st.none() | st.from_regex(r"[a-z][a-z0-9.-]{2,20}", fullmatch=True),
    names,
    names,
    st.floats(1e-3, 1e6),
)
def test_an_address_says_what_it_was_read_from(
    scheme: str,
    user: str,
    host: str,
    port: int,
    database: str | None,
    label: str,
    path: str,
    timeout: float,
) -> None:
    try:
        its = Names(label, path=path)
    except UsageError:
        return  # the same as another property
    address = Address(f"{scheme}://{host}:{port}", user, database, timeout, its)
    assert parse(str(address)) == address


def test_what_is_left_out_is_as_usual() -> None:
    assert parse("neo4j://db.example.org") == Address(
        "neo4j://db.example.org:7687", "neo4j", None, 300, USUAL
    )
    address = parse("bolt+s://ann%40b@h:1/mine?timeout=2.5&label=Bild&path=%C3%A4")
    assert (address.uri, address.user, address.database) == ("bolt+s://h:1", "ann@b", "mine")
    assert (address.timeout, address.names) == (2.5, Names(label="Bild", path="ä"))


@pytest.mark.parametrize(
    "text", ["neo4j://ann:secret@h/d", "neo4j://:secret@h", "bolt://ann:secret@h:x/d"]
)
def test_a_password_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["http://h/d", "neo4j://", "neo4j://h/a/b", "neo4j://h/d#x", "neo4j://h:99999/d", "h", "",
     "neo4j://h/d?timeout=0", "neo4j://h/d?timeout=never", "neo4j://h/d?timeout=inf",
     "neo4j://h/d?colour=red", "neo4j://h/d?label=a%60b"],
)  # fmt: skip
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse(text)


@given(st.text())
def test_whatever_is_typed_is_an_address_or_refused(text: str) -> None:
    for typed in (text, f"neo4j://{text}", f"neo4j://h/d?{text}"):
        try:
            address = parse(typed)
        except UsageError:
            continue
        assert parse(str(address)) == address
