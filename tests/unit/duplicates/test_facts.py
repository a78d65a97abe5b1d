"""What is told of copies beside each other."""

from dataclasses import replace

from lookgraph.duplicates.copies import Copy, facts, why
from lookgraph.types import Entry, Picture, Stamp


def copy(
    path: str, *, width: int = 40, size: int = 100, taken: str | None = None, kind: str = "JPEG"
) -> Copy:
    picture = Picture(path.ljust(64, "0"), kind, width, 30, taken)
    return Copy(Entry(path, Stamp(size, 1_700_000_000_000_000_000), picture), picture)


def test_what_differs_is_told_with_what_is_better() -> None:
    large, small = copy("a.jpg", width=40, size=10), copy("b/c.jpg", width=20, size=2000)
    found = {fact.name: fact for fact in facts((small, large))}
    assert found["resolution"].shown == ("20 × 30", "40 × 30")
    assert found["resolution"].better == (False, True)
    assert found["size"].shown == ("2,000 bytes", "10 bytes")
    assert found["size"].better == (True, False)
    assert not found["format"].differs
    assert found["format"].better == (False, False)
    assert found["path"].shown == ("b/c.jpg", "a.jpg")
    assert found["path"].differs
    assert found["path"].better == (False, False)
    assert list(found) == ["resolution", "format", "size", "oldest", "path"]


def test_a_date_that_a_picture_tells_is_better_than_that_of_its_file() -> None:
    dated, undated = copy("a.jpg", taken="2020-01-02T03:04:05"), copy("b.jpg")
    found = {fact.name: fact for fact in facts((undated, dated))}
    assert found["oldest"].shown[1] == "2020-01-02 03:04:05"
    assert found["oldest"].better == (False, True)


def test_what_is_shown_alike_is_not_better() -> None:
    one, other = copy("a.jpg"), copy("b.jpg", kind="WEBP")
    stamp = Stamp(one.entry.stamp.size, one.entry.stamp.mtime_ns + 1)
    other = replace(other, entry=replace(other.entry, stamp=stamp))
    found = {fact.name: fact for fact in facts((one, other))}
    assert found["oldest"].better == (False, False)
    assert found["format"].shown == ("JPEG", "WEBP")
    assert found["format"].better == (False, False)


def test_one_copy_alone_is_not_better() -> None:
    assert not any(fact.differs or any(fact.better) for fact in facts((copy("a.jpg"),)))


def test_why_speaks_for_one_of_two_only() -> None:
    large, small = copy("a.jpg", width=40), copy("b.jpg", width=20)
    assert why(large, small) == "more pixels (40 × 30, not 20 × 30)"
    assert why(small, large) == ""
