"""Which copy is kept, and what is said of it."""

import pytest

from lookgraph.duplicates.copies import Choice, Copy, choice, rules
from lookgraph.errors import UsageError
from lookgraph.types import Entry, Picture, Stamp


def copy(
    path: str = "a.jpg",
    *,
    pixels: tuple[int, int] = (400, 300),
    format_: str = "JPEG",
    size: int = 1000,
    taken: str | None = None,
    mtime_ns: int = 10**18,
    is_link: bool = False,
) -> Copy:
    picture = Picture(path.ljust(64, "0"), format_, *pixels, taken)
    return Copy(Entry(path, Stamp(size, mtime_ns), picture), picture, is_link)


def chosen(*copies: Copy, prefer: tuple[str, ...] = ()) -> Choice:
    found = choice(copies, rules(prefer))
    assert choice(copies[::-1], rules(prefer)) == found
    return found


@pytest.mark.parametrize(
    ("better", "worse", "reason"),
    [
        (
            copy("long/name.jpg", pixels=(800, 600), size=10),
            copy(format_="PNG"),
            "more pixels (800 × 600, not 400 × 300)",
        ),
        (
            copy("long/name.png", format_="PNG", size=10),
            copy(),
            "a better format (PNG, not JPEG)",
        ),
        (copy("b.jpg"), copy(format_="GIF", size=9999), "a better format (JPEG, not GIF)"),
        (
            copy("b.jpg", size=1_001),
            copy(taken="2001-01-01T00:00:00"),
            "more bytes (1,001 bytes, not 1,000 bytes)",
        ),
        (
            copy("b.jpg", taken="2021-05-06T07:08:09", mtime_ns=2 * 10**18),
            copy(),
            "the older one (2021-05-06 07:08:09, not file of 2001-09-09 01:46:40)",
        ),
        (
            copy("b.jpg"),
            copy(mtime_ns=10**18 + 10**9),
            "the older one (file of 2001-09-09 01:46:40, not file of 2001-09-09 01:46:41)",
        ),
        (copy("bb.jpg"), copy("a/b.jpg"), "the shorter path"),
        (copy("a.jpg"), copy("b.jpg"), "the shorter path"),
        (
            copy("long/name.jpg"),
            copy(pixels=(800, 600), is_link=True),
            "the file itself, and no link to one",
        ),
    ],
)
def test_what_keeps_more_of_the_picture_or_is_older_is_kept(
    better: Copy, worse: Copy, reason: str
) -> None:
    found = chosen(worse, better)
    assert (found.copies[0], found.reason) == (better, reason)


def test_the_reason_is_what_tells_from_the_next_best() -> None:
    found = chosen(copy("a.jpg"), copy("b.jpg", size=999), copy("c.jpg", pixels=(4, 3)))
    assert found.reason == "more bytes (1,000 bytes, not 999 bytes)"
    assert [its.path for its in found.copies] == ["a.jpg", "b.jpg", "c.jpg"]


@pytest.mark.parametrize(
    ("prefer", "kept"),
    [
        ((), "large.jpg"),
        (("size",), "heavy.jpg"),
        (("newest",), "new.jpg"),
        (("oldest",), "large.jpg"),
        (("format",), "png.png"),
        (("path",), "new.jpg"),
        (("originals/",), "originals/a.jpg"),
        (("*.png", "size"), "png.png"),
        (("missing/", "size"), "heavy.jpg"),
    ],
)
def test_people_decide_what_comes_first(prefer: tuple[str, ...], kept: str) -> None:
    copies = (
        copy("large.jpg", pixels=(900, 900), taken="2000-01-01T00:00:00"),
        copy("heavy.jpg", size=10**6),
        copy("new.jpg", taken="2030-01-01T00:00:00"),
        copy("originals/a.jpg"),
        copy("png.png", format_="PNG"),
    )
    assert chosen(*copies, prefer=prefer).copies[0].path == kept


def test_nonsense_is_nothing_to_prefer() -> None:
    with pytest.raises(UsageError, match="'larger' is nothing to prefer"):
        rules(["larger"])
