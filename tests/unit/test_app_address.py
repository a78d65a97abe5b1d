"""Addresses of the search screen."""

import hashlib
from urllib.parse import parse_qs

from hypothesis import given
from hypothesis import strategies as st

from lookgraph.interfaces.app.address import Asked, read
from lookgraph.types import Ranking, Selection

A, B, C = (hashlib.sha256(name).hexdigest() for name in (b"a", b"b", b"c"))
IDS = st.lists(st.sampled_from([A, B, C]), unique=True, max_size=3).map(tuple)
WORDS = st.text(max_size=20).map(str.strip)


def read_back(address: str) -> Asked:
    path, _, query = address.partition("?")
    assert path == "/"
    return read(parse_qs(query, keep_blank_values=True))


@st.composite
def questions(draw: st.DrawFn) -> Asked:
    pictures = draw(IDS)
    side = st.integers(1, 999_999)
    crop = draw(st.none() | st.tuples(side, side, side, side)) if len(pictures) == 1 else None
    moments = st.none() | st.sampled_from(["2024", "2024-06", "2024-06-30"])
    return Asked(
        pictures=pictures,
        texts=tuple(draw(st.lists(WORDS.filter(bool), max_size=2))),
        crop=crop,
        k=draw(st.integers(1, 1000)),
        least=draw(st.none() | st.integers(-100, 100).map(lambda one: one / 100)),
        rank=draw(st.sampled_from(Ranking)),
        model=draw(st.none() | WORDS.filter(bool)),
        among=Selection(
            under=draw(WORDS).strip("/").strip(),
            name=draw(WORDS),
            taken_from=draw(moments),
            taken_to=draw(moments),
            min_side=draw(st.integers(0, 999_999)),
        ),
        way=draw(IDS),
    )


@given(questions())
def test_an_address_says_all_that_is_asked(asked: Asked) -> None:
    assert read_back(asked.address()) == asked


NAMES = st.sampled_from(["picture", "crop", "k", "min", "rank", "side", "from", "way", "model"])
ODD = st.text() | st.sampled_from(["1e999", "nan", "-1", "0,0,0,0", "9" * 30, A])


@given(st.dictionaries(NAMES, st.lists(ODD, max_size=3)))
def test_whatever_stands_in_an_address_is_a_question_that_can_be_asked(
    told: dict[str, list[str]],
) -> None:
    asked = read(told)
    assert 1 <= asked.k <= 1000
    assert all(len(id_) == 64 for id_ in asked.pictures + asked.way)
    assert asked.crop is None or min(asked.crop[2:]) > 0
    assert asked.least is None or abs(asked.least) < 1e6


def test_a_hit_becomes_the_question_and_the_way_leads_back() -> None:
    first = Asked(pictures=(A,), rank=Ranking.COSINE, crop=(1, 2, 3, 4), least=0.5)
    second = read_back(f"{first.walked().address()}&picture={B}")
    assert (second.pictures, second.way, second.crop) == ((B,), (A,), None)
    assert (second.rank, second.least) == (Ranking.COSINE, 0.5)
    third = read_back(f"{second.walked().address()}&picture={C}")
    assert third.way == (A, B)
    back = third.back_to(0)
    assert (back.pictures, back.way) == ((A,), ())
    round_ = read_back(f"{third.walked().address()}&picture={A}")
    assert round_.way == (A, B, C)


def test_the_way_keeps_its_end_when_it_becomes_long() -> None:
    asked = Asked(pictures=(hashlib.sha256(b"0").hexdigest(),))
    for number in range(1, 30):
        next_ = hashlib.sha256(str(number).encode()).hexdigest()
        asked = read_back(f"{asked.walked().address()}&picture={next_}")
    assert len(asked.way) == 12
    assert asked.way[-1] == hashlib.sha256(b"28").hexdigest()
