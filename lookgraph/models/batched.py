"""Calls that come while the network is busy are run together when it is free."""

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from lookgraph.types import Embeds, Matrix, Pixels, Prepares


@dataclass(slots=True, eq=False)
class _Call:
    """One thread's pictures; the thread sleeps until it is woken to lead, or with what it gets."""

    prepared: Sequence[Pixels]
    woken: threading.Event = field(default_factory=threading.Event)
    embeddings: Matrix | None = None
    error: BaseException | None = None

    @property
    def done(self) -> bool:
        return self.embeddings is not None or self.error is not None


class Batched:
    """A network that runs the calls of several threads as one batch.

    So many batches run at a time. When one is done, the thread that has waited longest runs the
    next, for itself and those who came after it. Nobody waits for a batch to fill.
    """

    def __init__(self, embedder: Embeds, most: int, batches: int) -> None:
        """Nothing runs yet.

        Args:
            embedder: the network.
            most: how many pictures a batch has; more, if one call has more.
            batches: how many run at a time.
        """
        self._embedder = embedder
        self._most = most
        self._free = batches
        self._lock = threading.Lock()
        self._waiting: deque[_Call] = deque()

    @property
    def decode_side(self) -> int:
        """The pixels that `prepare` wants on the shorter side, at least."""
        return self._embedder.decode_side

    @property
    def batch(self) -> int:
        """How many pictures at a time are fastest."""
        return self._embedder.batch

    @property
    def prepare(self) -> Prepares:
        """What makes of a picture what the network sees."""
        return self._embedder.prepare

    def embed(self, prepared: Sequence[Pixels]) -> Matrix:
        """The embeddings of prepared pictures, shape (n, d).

        Raises what the network raises for the batch that they were in.
        """
        call = _Call(prepared)
        with self._lock:
            leads = self._free > 0
            if leads:
                self._free -= 1
            else:
                self._waiting.append(call)
        if not leads:
            call.woken.wait()
        if not call.done:
            self._lead(call)
        if call.error is not None:
            raise call.error
        assert call.embeddings is not None
        return call.embeddings

    def _lead(self, own: _Call) -> None:
        """Run the batch that begins with this thread's own call, and hand over."""
        with self._lock:
            calls = self._taken(own)
        self._run(calls)
        with self._lock:
            next_ = self._waiting.popleft() if self._waiting else None
            self._free += next_ is None
        if next_:
            next_.woken.set()
        for call in calls:
            call.woken.set()

    def _taken(self, own: _Call) -> list[_Call]:
        """A call, and the first that wait, in the order that they came."""
        calls = [own]
        room = self._most - len(own.prepared)
        while self._waiting and len(self._waiting[0].prepared) <= room:
            calls.append(self._waiting.popleft())
            room -= len(calls[-1].prepared)
        return calls

    def _run(self, calls: list[_Call]) -> None:
        try:
            if len(calls) == 1:
                calls[0].embeddings = self._embedder.embed(calls[0].prepared)
                return
            together = self._embedder.embed([one for call in calls for one in call.prepared])
            ends = np.cumsum([len(call.prepared) for call in calls])
            for call, rows in zip(calls, np.split(together, ends[:-1]), strict=True):
                call.embeddings = rows
        except BaseException as error:  # noqa: BLE001 - every caller raises it
            for call in calls:
                call.error = error
