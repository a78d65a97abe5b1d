"""Codes: what is found by them, put together, written and read again."""

import io
import os
from pathlib import Path

import numpy as np
import pytest

from lookgraph.errors import LibraryDamagedError
from lookgraph.index import codes
from lookgraph.index.codes import Codebook, Segment
from lookgraph.index.projection import principal
from lookgraph.types import Array, Integers, Matrix, Metric
from tests.conftest import needs_module

needs_module("faiss")

COUNT = 1200
DIMENSION = 20

LISTS = {0: 1, 1: 1, 38: 1, 39: 1, 77: 1, 78: 2, 1200: 16, 5000: 128, 100_000: 1024, 10**6: 4096}
"""How many suit so many rows."""

every_metric = pytest.mark.parametrize("metric", Metric)


def embeddings(metric: Metric, count: int = COUNT, seed: int = 0) -> Matrix:
    rng = np.random.default_rng(seed)
    mixed = np.random.default_rng(99).standard_normal((6, DIMENSION))
    rows = rng.standard_normal((count, 6)) @ mixed
    if metric is Metric.COSINE:
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype(np.float32)


def trained(metric: Metric, seed: int = 0) -> Codebook:
    rows = embeddings(metric)
    projection = principal(rows, metric)
    return codes.train(projection, projection.of_rows(rows), codes.lists_for(COUNT), seed)


def encoded(codebook: Codebook, numbers: Integers) -> Segment:
    rows = embeddings(codebook.projection.metric)
    return codes.encode(codebook, [(part, rows[part]) for part in np.array_split(numbers, 3)])


def found(
    codebook: Codebook,
    segments: list[Segment],
    count: int = 10,
    probes: int = 5,
    allowed: Array | None = None,
) -> list[list[int]]:
    queries = embeddings(codebook.projection.metric, 8, seed=1)
    bits = None if allowed is None else np.packbits(allowed, bitorder="little")
    numbers = codes.candidates(codebook, segments, queries, count, probes, bits)
    assert numbers.shape == (8, count)
    return [[int(number) for number in one] for one in numbers]


def true_neighbours(metric: Metric, count: int) -> list[list[int]]:
    rows = embeddings(metric).astype(np.float64)
    queries = embeddings(metric, 8, seed=1).astype(np.float64)
    scores = queries @ rows.T
    if metric is Metric.L2:
        scores = -np.square(queries[:, np.newaxis] - rows).sum(axis=2)
    return [[int(row) for row in np.argsort(-one)[:count]] for one in scores]


def segment_file(segment: Segment, file: Path) -> Path:
    with file.open("wb") as out:
        codes.write(segment, out)
    return file


def codebook_file(codebook: Codebook, file: Path) -> Path:
    with file.open("wb") as out:
        codes.write_codebook(codebook, out)
    return file


@pytest.mark.parametrize(
    ("count", "lists"),
    list(LISTS.items()),
)
def test_lists_grow_with_the_root_of_rows_as_far_as_39_rows_are_left_for_each(
    count: int, lists: int
) -> None:
    assert codes.lists_for(count) == lists
    assert codes.sample_size(lists) == 64 * lists


@every_metric
def test_nearly_the_true_neighbours_are_found_in_all_lists(metric: Metric) -> None:
    """Eight bits for a number tell the order of rows almost."""
    codebook = trained(metric)
    assert codebook.lists == 16
    segment = encoded(codebook, np.arange(COUNT))
    assert len(segment) == COUNT
    near = found(codebook, [segment], probes=16)
    pairs = list(zip(near, true_neighbours(metric, 10), strict=True))
    assert sum(len(set(one) & set(true)) for one, true in pairs) >= 76  # of 80
    assert sum(one[0] == true[0] for one, true in pairs) >= 7  # of 8: the best come first


@every_metric
def test_rows_may_be_in_several_segments(metric: Metric) -> None:
    codebook = trained(metric)
    whole = encoded(codebook, np.arange(COUNT))
    mixed = np.random.default_rng(2).permutation(COUNT)
    parts = [encoded(codebook, np.sort(part)) for part in np.split(mixed, [30, 500])]
    for probes in (1, 4, 16):
        assert found(codebook, parts, 15, probes) == found(codebook, [whole], 15, probes)


@every_metric
def test_only_allowed_rows_come_and_then_no_more(metric: Metric) -> None:
    codebook = trained(metric)
    parts = [encoded(codebook, part) for part in np.split(np.arange(COUNT), [700])]
    allowed = np.zeros(COUNT, np.bool_)
    chosen = [0, 3, 8, 699, 700, 701, 1199]
    allowed[chosen] = True
    for segments in (parts, [encoded(codebook, np.arange(COUNT))]):
        for one in found(codebook, segments, 10, 16, allowed):
            assert sorted(one[:7]) == chosen
            assert one[7:] == [-1, -1, -1]


@every_metric
def test_segments_put_together_are_as_if_encoded_so(metric: Metric) -> None:
    codebook = trained(metric)
    parts = [encoded(codebook, part) for part in np.split(np.arange(COUNT), [400, 1100])]
    merged = codes.merge(codebook, parts, np.arange(COUNT))
    assert len(merged) == COUNT
    assert codes.numbers_of(merged).tolist() == list(range(COUNT))
    whole = encoded(codebook, np.arange(COUNT))
    assert found(codebook, [merged]) == found(codebook, [whole])
    for number in range(codebook.lists):
        (ids, numbers), (wanted, others) = (
            codes._list(one.index, number) for one in (merged, whole)
        )
        assert ids.tolist() == wanted.tolist()
        # A product of matrices depends in its last bits on how many rows it has, and with it
        # the codes of what is next to nothing.
        decoded, likewise = (codebook.trained.sq.decode(its) for its in (numbers, others))
        np.testing.assert_allclose(decoded, likewise, rtol=0, atol=0.1)


@every_metric
def test_rows_that_go_when_segments_are_put_together_and_new_numbers(metric: Metric) -> None:
    codebook = trained(metric)
    parts = [encoded(codebook, part) for part in np.split(np.arange(COUNT), [400, 1100])]
    stay = np.random.default_rng(3).random(COUNT) < 0.6
    renumbered = np.where(stay, np.cumsum(stay) - 1, -1)
    merged = codes.merge(codebook, parts, renumbered)
    assert codes.numbers_of(merged).tolist() == list(range(int(stay.sum())))
    left = encoded(codebook, np.flatnonzero(stay))
    wanted = [[int(renumbered[row]) for row in one] for one in found(codebook, [left])]
    assert found(codebook, [merged]) == wanted
    assert [len(part) for part in parts] == [400, 700, 100]  # they are as they were
    nothing = codes.merge(codebook, parts, np.full(COUNT, -1))
    assert len(nothing) == 0
    assert codes.numbers_of(nothing).tolist() == []
    assert found(codebook, [nothing], 2) == [[-1, -1]] * 8


@every_metric
def test_numbers_need_no_order_and_may_have_gaps(metric: Metric) -> None:
    codebook = trained(metric)
    numbers = np.array([900, 5, 77, 1100, 6])
    segment = encoded(codebook, numbers)
    assert codes.numbers_of(segment).tolist() == [5, 6, 77, 900, 1100]
    assert all(
        sorted(one[:5]) == [5, 6, 77, 900, 1100] for one in found(codebook, [segment], 6, 16)
    )


@every_metric
def test_a_segment_without_rows(metric: Metric, tmp_path: Path) -> None:
    codebook = trained(metric)
    empty = codes.encode(codebook, [])
    again = codes.read(segment_file(empty, tmp_path / "empty"))
    for segment in (empty, again):
        assert len(segment) == 0
        assert found(codebook, [segment], 3) == [[-1, -1, -1]] * 8
    whole = encoded(codebook, np.arange(COUNT))
    assert found(codebook, [again, whole]) == found(codebook, [whole])
    assert len(codes.merge(codebook, [again, whole], np.arange(COUNT))) == COUNT


@every_metric
def test_one_row_trains_a_codebook_and_is_found(metric: Metric) -> None:
    rows = embeddings(metric, 1)
    projection = principal(rows, metric)
    codebook = codes.train(projection, projection.of_rows(rows), codes.lists_for(1), 0)
    segment = codes.encode(codebook, [(np.array([0]), rows)])
    assert found(codebook, [segment], 2, 1) == [[0, -1]] * 8


@every_metric
def test_the_same_seed_trains_the_same(metric: Metric) -> None:
    files = [io.BytesIO(), io.BytesIO(), io.BytesIO()]
    for seed, file in zip((0, 0, 1), files, strict=True):
        codes.write_codebook(trained(metric, seed), file)
    first, second, third = (file.getvalue() for file in files)
    assert first == second != third


@every_metric
@pytest.mark.parametrize(
    "name",
    ["segment 段", os.fsdecode(b"no \xff\x80 UTF-8")],
    ids=["utf-8", "bytes"],
)
def test_what_is_written_is_read_again(name: str, metric: Metric, tmp_path: Path) -> None:
    folder = tmp_path / name
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("this file system takes only UTF-8")
    codebook = trained(metric)
    parts = [encoded(codebook, part) for part in np.split(np.arange(COUNT), [700])]
    kept = [codes.read(segment_file(part, folder / f"{i}.ivf")) for i, part in enumerate(parts)]
    assert [len(part) for part in kept] == [700, 500]
    assert codes.numbers_of(kept[1]).tolist() == list(range(700, 1200))
    book = codes.read_codebook(codebook_file(codebook, folder / "book"), metric)
    assert book.lists == codebook.lists
    assert book.projection.metric is metric
    assert (book.projection.origin == codebook.projection.origin).all()
    assert (book.projection.directions == codebook.projection.directions).all()
    allowed = np.random.default_rng(4).random(COUNT) < 0.3
    for among in (None, allowed):
        assert found(book, kept, allowed=among) == found(codebook, parts, allowed=among)
    # What is mapped can be put together, added to by a codebook from a file, and written again.
    merged = codes.merge(book, [*kept, encoded(book, np.arange(0))], np.arange(COUNT))
    again = codes.read(segment_file(merged, folder / "merged"))
    assert found(book, [again]) == found(codebook, [encoded(codebook, np.arange(COUNT))])


def test_a_segment_is_mapped_and_lives_on_when_its_name_is_gone(tmp_path: Path) -> None:
    faiss = needs_module("faiss")
    codebook = trained(Metric.L2)
    segment = encoded(codebook, np.arange(COUNT))
    file = segment_file(segment, tmp_path / "segment")
    kept = codes.read(file)
    lists = faiss.downcast_InvertedLists(kept.index.invlists)
    assert isinstance(lists, faiss.OnDiskInvertedLists)
    assert lists.prefetch_nthread == 0
    file.unlink()
    assert found(codebook, [kept]) == found(codebook, [segment])


@pytest.mark.parametrize("left", [0, 3, 20, 0.5, 0.99])
def test_a_segment_that_has_lost_its_end_is_refused(left: float, tmp_path: Path) -> None:
    file = segment_file(encoded(trained(Metric.COSINE), np.arange(COUNT)), tmp_path / "segment")
    size = file.stat().st_size
    os.truncate(file, int(left if left >= 1 or left == 0 else left * size))
    with pytest.raises(LibraryDamagedError, match="segment is no index"):
        codes.read(file)


def test_what_is_no_segment_is_refused(tmp_path: Path) -> None:
    for content in (b"not an index at all", bytes(5000), np.random.default_rng(0).bytes(5000)):
        (tmp_path / "other").write_bytes(content)
        with pytest.raises(LibraryDamagedError, match="other is no index"):
            codes.read(tmp_path / "other")
    with pytest.raises(LibraryDamagedError, match="missing is no index"):
        codes.read(tmp_path / "missing")


def test_an_index_of_another_kind_is_refused(tmp_path: Path) -> None:
    faiss = needs_module("faiss")
    faiss.write_index(faiss.IndexFlatL2(8), str(tmp_path / "flat"))
    with pytest.raises(LibraryDamagedError, match="flat is no index"):
        codes.read(tmp_path / "flat")


@pytest.mark.parametrize("left", [0, 3, 30, 0.5, 0.99])
def test_a_codebook_that_has_lost_its_end_is_refused(left: float, tmp_path: Path) -> None:
    file = codebook_file(trained(Metric.COSINE), tmp_path / "book")
    size = file.stat().st_size
    os.truncate(file, int(left if left >= 1 or left == 0 else left * size))
    with pytest.raises(LibraryDamagedError, match="book is no codebook"):
        codes.read_codebook(file, Metric.COSINE)


def test_a_codebook_with_a_wrong_bit_is_refused(tmp_path: Path) -> None:
    file = codebook_file(trained(Metric.COSINE), tmp_path / "book")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(LibraryDamagedError, match="book is no codebook"):
        codes.read_codebook(file, Metric.COSINE)


def test_what_is_no_codebook_is_refused(tmp_path: Path) -> None:
    origin, directions = np.zeros(8, np.float32), np.eye(8, dtype=np.float32)
    file = tmp_path / "book.npz"
    noise = np.frombuffer(np.random.default_rng(0).bytes(200), np.uint8)
    for trained_as in (noise, noise[:0]):
        np.savez(file, origin=origin, directions=directions, trained=trained_as)
        with pytest.raises(LibraryDamagedError, match="is no codebook"):
            codes.read_codebook(file, Metric.L2)
    np.savez(file, origin=origin, directions=directions)
    with pytest.raises(LibraryDamagedError, match="is no codebook"):
        codes.read_codebook(file, Metric.L2)
    file.write_bytes(noise.tobytes())
    with pytest.raises(LibraryDamagedError, match="is no codebook"):
        codes.read_codebook(file, Metric.L2)
    with pytest.raises(LibraryDamagedError, match="is no codebook"):
        codes.read_codebook(tmp_path / "missing", Metric.L2)


def test_an_array_alone_is_no_codebook(tmp_path: Path) -> None:
    np.save(tmp_path / "array.npy", np.zeros(3))
    with pytest.raises(LibraryDamagedError, match="is no codebook"):
        codes.read_codebook(tmp_path / "array.npy", Metric.L2)


def test_a_full_disk_is_told_as_such() -> None:
    class Full(io.BytesIO):
        def write(self, data: object) -> int:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        codes.write(encoded(trained(Metric.L2), np.arange(COUNT)), Full())
