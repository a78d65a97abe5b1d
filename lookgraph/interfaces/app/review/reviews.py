"""Duplicates that people decide on: searches in the background, and what was done, for all."""

import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from lookgraph.duplicates.finding import Tier
from lookgraph.duplicates.reviewing import Review
from lookgraph.errors import LookgraphError, UsageError
from lookgraph.interfaces.app.review.address import View
from lookgraph.library import Library

_KEPT = 4
"""Searches whose results are held: of several networks or thresholds."""

_REMEMBERED = 500
"""Deeds that can be undone by a key; what is older is among what was decided."""


@dataclass(frozen=True, slots=True)
class Search:
    """A search for duplicates, as it is now.

    Attributes:
        share: which share of it is done, from 0 to 1.
        review: what it has found; None until it has.
        error: why it failed.
    """

    share: float = 0.0
    review: Review | None = None
    error: LookgraphError | None = None

    @property
    def is_running(self) -> bool:
        """Whether it is still to end."""
        return self.review is None and self.error is None


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that somebody has done.

    Attributes:
        number: counted from 1.
        by: who: what their browser calls itself.
        words: what, for people.
        at: the view in which it was done.
        undo: takes it back.
    """

    number: int
    by: str
    words: str
    at: View
    undo: Callable[[], object]


class _StoppedError(LookgraphError):
    """The app ends."""


class Reviews:
    """The searches of one library and what was done; safe to be asked from several threads."""

    def __init__(self, library: Library, *, may_choose: bool) -> None:
        """Nothing is searched yet.

        Args:
            library: that is searched.
            may_choose: whether people may say where files are moved to: those of this machine,
                which are no others' business.
        """
        self.acting = threading.Lock()
        """Held by who changes something: two who decide at once are served in turn."""
        self._library = library
        self._may_choose = may_choose
        self._lock = threading.Lock()
        self._in_turn = threading.Lock()
        self._searches: OrderedDict[tuple[str | None, float | None], Search] = OrderedDict()
        self._threads: list[threading.Thread] = []
        self._deeds: deque[Deed] = deque(maxlen=_REMEMBERED)
        self._count = 0
        self._folder: Path | None = None
        self._stopping = False

    def search(self, model: str | None, threshold: float | None, *, again: bool = False) -> Search:
        """A search as it is now; begun where there is none.

        Args:
            model: whose embeddings are compared; None for the library's first network.
            threshold: the least score of look-alikes; None for the usual one.
            again: begin another one, unless one is running.
        """
        key = model, threshold
        with self._lock:
            held = self._searches.get(key)
            if held and (held.is_running or not again):
                self._searches.move_to_end(key)
                return held
            self._searches[key] = Search()
            while len(self._searches) > _KEPT:
                self._searches.popitem(last=False)
            thread = threading.Thread(target=self._run, args=key, name="lookgraph-duplicates",
                                      daemon=True)  # fmt: skip
            self._threads = [one for one in self._threads if one.is_alive()] + [thread]
            thread.start()
            return self._searches[key]

    def stop(self) -> None:
        """Break off what is running, and wait for that."""
        self._stopping = True
        for thread in self._threads:
            thread.join()

    def _run(self, model: str | None, threshold: float | None) -> None:
        def told(share: float) -> None:
            if self._stopping:
                raise _StoppedError("The app was ended.")
            self._change(key, share=share)

        key = model, threshold
        try:
            with self._in_turn:
                told(0.0)
                found = self._library.duplicates(
                    tiers=list(Tier), threshold=threshold, model=model, progress=told
                )
                self._change(key, review=self._library.review(found))
        except LookgraphError as error:
            self._change(key, error=error)
        except Exception:
            self._change(key, error=LookgraphError("The search for duplicates broke off."))
            raise

    def _change(self, key: tuple[str | None, float | None], **facts: object) -> None:
        with self._lock:
            if key in self._searches:
                self._searches[key] = replace(self._searches[key], **facts)  # type: ignore[arg-type]

    @property
    def folder(self) -> Path:
        """Where files are moved to: beside the library's folder, if nobody has chosen another."""
        return self._folder or self._usual

    @property
    def is_folder_chosen(self) -> bool:
        """Whether somebody has agreed to where files are moved to."""
        return self._folder is not None

    def choose_folder(self, folder: Path) -> None:
        """Move files to a folder from now on.

        Raises:
            UsageError: it may not be chosen.
        """
        if not self._may_choose and folder != self._usual:
            raise UsageError(
                f"Files go to {self._usual}. Another folder can be chosen where nobody else can "
                "reach the app."
            )
        self._folder = folder

    @property
    def _usual(self) -> Path:
        root = self._library.root
        return root.with_name(f"{root.name}-duplicates")

    def did(self, by: str, words: str, at: View, undo: Callable[[], object]) -> None:
        """Remember what was done, so that it can be undone; see `Deed`."""
        with self._lock:
            self._count += 1
            self._deeds.append(Deed(self._count, by, words, at, undo))

    def deeds(self) -> tuple[Deed, ...]:
        """What can be undone, the newest first."""
        with self._lock:
            return tuple(reversed(self._deeds))

    def undone(self, deed: Deed) -> None:
        """Forget what was done: it was undone."""
        with self._lock:
            self._deeds.remove(deed)
