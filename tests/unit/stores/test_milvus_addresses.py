"""What is written into Milvus' addresses, names and expressions."""

import fnmatch
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookgraph.errors import UsageError
from lookgraph.stores.keys import key_of
from lookgraph.types import Metric, Space
from tests.conftest import needs_module

needs_module("pymilvus")

from lookgraph.stores.milvus.address import Address, parse  # noqa: E402
from lookgraph.stores.milvus.collections import Names  # noqa: E402
from lookgraph.stores.milvus.searching.conditions import loose  # noqa: E402

names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,20}", fullmatch=True)
addresses = st.builds(
    Address,
    uri=st.sampled_from(["http://localhost:19530", "https://[::1]:1", "http://milvus.example:7"]),
    user=st.none() | st.text(min_size=1, max_size=9),
    database=st.none() | names,
    collection=names,
    tenant=st.none() | st.from_regex(r"[A-Za-z0-9_.-]{1,20}", fullmatch=True),
    index=st.none() | st.sampled_from(["DISKANN", "IVF_RABITQ"]),
    replicas=st.integers(1, 9),
    shards=st.integers(1, 9),
    consistency=st.sampled_from(["Strong", "Bounded"]),
    timeout=st.sampled_from([300.0, 5.5]),
)


@given(addresses)
def test_an_address_is_what_it_says(address: Address) -> None:
    assert parse(str(address)) == address


@given(
    st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1, max_size=20), names
)
def test_the_address_of_a_file_is_what_it_says(name: str, collection: str) -> None:
    address = Address(f"/some where/{name}.db", collection=collection)
    assert parse(str(address)) == address


def test_what_is_not_said_is_as_usual() -> None:
    assert parse("milvus://host") == Address("http://host:19530")
    assert parse("milvus+s://me@host/shop").uri == "https://host:19530"
    assert parse("milvus:///data/photos.db").is_file
    assert str(parse("milvus://host/")) == "milvus://host:19530/lookgraph"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("milvus://", "Write milvus://"),
        ("postgres://host/shop", "is no address"),
        ("milvus://host/a/b", "no name of a collection"),
        ("milvus://host/1shop", "no name of a collection"),
        ("milvus://host:notaport/shop", "no address"),
        ("milvus://host/shop#part", "no address"),
        ("milvus:///data/photos", "ends in .db"),
        ("milvus+s:///data/photos.db", "ends in .db"),
        ("milvus://host/shop?color=red", "color= in the address is not known"),
        ("milvus://host/shop?tenant=a%22b", "tenant="),
        ("milvus://host/shop?consistency=Sure", "must be one of Strong"),
        ("milvus://host/shop?replicas=0", "a number from 1 to 999"),
        ("milvus://host/shop?timeout=nan", "number of seconds"),
        ("milvus://host/shop?index=hnsw", "no type of index"),
    ],
)
def test_what_is_no_address_is_refused_with_a_reason(text: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        parse(text)


def test_a_password_is_refused_and_not_repeated() -> None:
    with pytest.raises(UsageError, match="LOOKGRAPH_MILVUS_PASSWORD") as refused:
        parse("milvus://me:secret@host/shop")
    assert "secret" not in str(refused.value)


def test_spaces_that_look_alike_have_collections_of_their_own() -> None:
    its = Names("shop")
    made = {
        its.vectors(Space(model, "a" * 64, 1, metric, 3))
        for model in ("a-b", "a_b", "a.b", "ä" * 300)
        for metric in Metric
    }
    assert len(made) == 12
    assert all(len(name) <= 255 and name.isascii() and name.isidentifier() for name in made)


@given(st.text())
def test_a_key_of_a_tenant_gives_the_text_again(text: str) -> None:
    for its in (Names("shop"), Names("shop", "a.b")):
        assert its.text(its.key(text)) == text


pieces = st.sampled_from(
    ["*", "?", "[ab]", "[!a]", "[", "]", "a", "b", "%", "_", "\\", "é", "/", "."]
)


def matches_like(pattern: str, text: str) -> bool:
    """As a server's ``like`` does."""
    parts = (".*" if letter == "%" else "." if letter == "_" else re.escape(letter)
             for letter in pattern)  # fmt: skip
    return re.fullmatch("".join(parts), text, re.DOTALL) is not None


@given(st.lists(pieces, max_size=6), st.lists(pieces, min_size=1, max_size=6))
def test_no_name_that_a_glob_matches_is_passed_over(glob: list[str], name: list[str]) -> None:
    asked, path = "".join(glob), "".join(name)
    last = path if "/" in asked else path.rpartition("/")[2]
    if re.match(fnmatch.translate(asked), last):
        assert matches_like(loose(asked), key_of(path))


def test_a_plain_glob_asks_for_little_more_than_it_matches() -> None:
    assert loose("*.png") == "%.png"
    assert loose("holiday/*.jpg") == "holiday/%.jpg"
    assert loose("IMG[0-9]?.jpg") == "%IMG%.jpg"
