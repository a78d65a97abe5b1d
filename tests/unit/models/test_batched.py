"""Calls that are run together: everybody's own rows, and batches of what really waits."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lookgraph.errors import ModelError
from lookgraph.models.batched import Batched
from lookgraph.types import Matrix, Pixels
from tests.e2e.commands import until

_PATIENCE_SECONDS = 20


class Summing:
    """A network that gives the sum and the largest of a picture's numbers; it can be held up.

    A picture whose first number is 255 is one that it fails at.
    """

    decode_side = 17
    batch = 3

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        """The sums that were computed together."""
        self.at_work = 0
        self.most_at_work = 0
        self.going = threading.Event()
        self.going.set()

    def prepare(self, image: Image.Image) -> Pixels:
        return np.asarray(image.resize((2, 2)))

    def embed(self, prepared: Sequence[Pixels]) -> Matrix:
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        self.batches.append([int(one.sum()) for one in prepared])
        assert self.going.wait(_PATIENCE_SECONDS)
        self.at_work -= 1
        if any(one.flat[0] == 255 for one in prepared):
            raise ModelError(f"failed at {len(prepared)} pictures")
        return sums(prepared)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Who calls meanwhile waits."""
        self.going.clear()
        try:
            yield
        finally:
            self.going.set()


def sums(prepared: Sequence[Pixels]) -> Matrix:
    """The oracle."""
    numbers = [[one.sum(), one.max()] for one in prepared]
    return np.array(numbers, np.float32).reshape(len(prepared), 2)


def picture(*numbers: int) -> Pixels:
    return np.array(numbers, np.uint8).reshape(1, -1, 1)


def pictures(*firsts: int) -> list[Pixels]:
    return [picture(first, 0, 0) for first in firsts]


@contextmanager
def calling(network: Summing, most: int) -> Iterator[Callable[..., "Future[Matrix]"]]:
    """What calls in a thread of its own, and returns when that waits in its place of the row.

    They wait for a picture, 1, which the network is at until the end of the block.
    """
    batched = Batched(network, most, 1)
    with ThreadPoolExecutor(64) as pool, network.held():

        def call(*firsts: int) -> "Future[Matrix]":
            before = len(batched._waiting), len(network.batches)
            pending = pool.submit(batched.embed, pictures(*firsts))
            until(lambda: (len(batched._waiting), len(network.batches)) != before)
            return pending

        first = call(1)
        until(lambda: network.batches == [[1]])
        yield call
        assert not first.done()
    assert not batched._waiting
    assert batched._free == 1


def test_what_waits_is_run_together_in_the_order_that_it_came() -> None:
    network = Summing()
    with calling(network, 4) as call:
        pending = [call(10 + i) for i in range(10)]
    assert network.batches == [[1], [10, 11, 12, 13], [14, 15, 16, 17], [18, 19]]
    for i, one in enumerate(pending):
        assert np.array_equal(one.result(), sums(pictures(10 + i)))


def test_a_call_is_not_divided_and_none_overtakes_it() -> None:
    network = Summing()
    with calling(network, 4) as call:
        asked = [(10, 11), (12, 13, 14), (15,), (), (16, 17, 18, 19), (20,), (21, 22)]
        pending = [call(*firsts) for firsts in asked]
    assert network.batches == [[1], [10, 11], [12, 13, 14, 15], [16, 17, 18, 19], [20, 21, 22]]
    for firsts, one in zip(asked, pending, strict=True):
        assert np.array_equal(one.result(), sums(pictures(*firsts)))


def test_a_call_with_more_than_the_most_is_run_by_itself() -> None:
    network = Summing()
    with calling(network, 4) as call:
        pending = [call(10), call(11, 12, 13, 14, 15, 16), call(17), call(18)]
    assert network.batches == [[1], [10], [11, 12, 13, 14, 15, 16], [17, 18]]
    assert np.array_equal(pending[1].result(), sums(pictures(11, 12, 13, 14, 15, 16)))


def test_an_error_reaches_everybody_in_its_batch_and_nobody_else() -> None:
    network = Summing()
    with calling(network, 3) as call:
        pending = [call(first) for first in (10, 11, 12, 13, 255, 14, 15, 16)]
    assert network.batches[2] == [13, 255, 14]
    for i, one in enumerate(pending):
        if 3 <= i <= 5:
            with pytest.raises(ModelError, match="failed at 3 pictures"):
                one.result()
        else:
            assert one.result()[0, 0] == network.batches[1 + i // 3][i % 3]


def test_after_an_error_all_goes_on() -> None:
    network = Summing()
    batched = Batched(network, 4, 1)
    for _ in range(3):
        with pytest.raises(ModelError):
            batched.embed(pictures(255))
        assert np.array_equal(batched.embed(pictures(3)), sums(pictures(3)))


def test_who_is_alone_is_run_at_once_in_its_own_thread() -> None:
    class Direct(Summing):
        def embed(self, prepared: Sequence[Pixels]) -> Matrix:
            seen.append((threading.get_ident(), prepared))
            return super().embed(prepared)

    seen: list[tuple[int, Sequence[Pixels]]] = []
    batched, asked = Batched(Direct(), 2, 1), pictures(4, 5, 6)
    before = threading.active_count()
    assert np.array_equal(batched.embed(asked), sums(asked))
    assert threading.active_count() == before
    ((thread, prepared),) = seen
    assert thread == threading.get_ident()
    assert prepared is asked
    assert batched.embed([]).shape == (0, 2)


def test_the_rest_is_the_network_s_own() -> None:
    network = Summing()
    batched = Batched(network, 8, 1)
    assert (batched.decode_side, batched.batch) == (17, 3)
    image = Image.new("RGB", (9, 9), "red")
    assert np.array_equal(batched.prepare(image), network.prepare(image))


@settings(max_examples=25)
@given(
    calls=st.lists(st.lists(st.integers(1, 6), max_size=6), min_size=2, max_size=8),
    most=st.integers(1, 9),
    seed=st.integers(0, 2**32 - 1),
)
def test_rows_go_to_those_who_asked(calls: list[list[int]], most: int, seed: int) -> None:
    """Each thread makes some calls, one after the other, of so many pictures each."""
    network = Summing()
    batched = Batched(network, most, 1)
    numbers = np.random.default_rng(seed).integers(0, 255, (8, 6, 6, 3), np.uint8)
    together = threading.Barrier(len(calls))

    def work(thread: int) -> None:
        together.wait(_PATIENCE_SECONDS)
        for turn, size in enumerate(calls[thread]):
            asked = [picture(*numbers[thread, turn, i]) for i in range(size)]
            assert np.array_equal(batched.embed(asked), sums(asked))

    with ThreadPoolExecutor(len(calls)) as pool:
        list(pool.map(work, range(len(calls)), timeout=_PATIENCE_SECONDS))
    sizes = [len(batch) for batch in network.batches]
    assert sum(sizes) == sum(map(sum, calls))
    assert max(sizes, default=0) <= max(most, *(size for its in calls for size in (0, *its)))
    assert network.most_at_work <= 1


def test_so_many_batches_run_at_a_time() -> None:
    network = Summing()
    batched = Batched(network, 4, 2)
    with ThreadPoolExecutor(8) as pool:
        with network.held():
            asked = [pool.submit(batched.embed, pictures(first)) for first in range(1, 9)]
            until(lambda: len(batched._waiting) == 6 and len(network.batches) == 2)
        for first, its in enumerate(asked, 1):
            np.testing.assert_array_equal(its.result(), sums(pictures(first)))
    assert network.most_at_work == 2
    assert max(map(len, network.batches)) == 4  # of six that waited, some together
    assert batched._free == 2
