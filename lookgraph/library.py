"""A library: a folder of pictures that can be searched. Here the parts are put together."""

import functools
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from lookgraph import indexing
from lookgraph.config import LIBRARY_FOLDER, usable_cores
from lookgraph.errors import LibraryFormatError, LibraryNotFoundError, StorageError, UsageError
from lookgraph.indexing import IndexReport, Progress
from lookgraph.models.embedder import Embedder, open_embedder
from lookgraph.models.registry import DEFAULT_MODEL, find_model
from lookgraph.queries import Asker, Box, PictureLike, direction
from lookgraph.results import Hits, Question
from lookgraph.stores.base import Match, Status
from lookgraph.stores.local import LocalStore
from lookgraph.types import Entry, Hit, Patterns, Space


class Library:
    """A folder of pictures, and what is known of them.

    ::

        library = Library.open("photos")
        library.index()
        for hit in library.search("dress.jpg", k=5):
            print(hit.score, hit.path)

    A library can be read from several threads and processes, also while one writes to it.
    """

    def __init__(self, store: LocalStore, folder: Path) -> None:
        """Use `Library.open`. The folder is what a new library will be of."""
        self.store = store
        self._folder = folder
        self._model = find_model(DEFAULT_MODEL)

    @classmethod
    def open(
        cls, folder: "str | os.PathLike[str]" = ".", *, at: "str | os.PathLike[str] | None" = None
    ) -> "Library":
        """Open the library of a folder: the nearest one in it or above it.

        Where there is none, the first `index` makes it, in the folder.

        Args:
            folder: of pictures, or any place below one.
            at: where the library itself lies, if that is not `.lookgraph` in its folder.

        Raises:
            UsageError: there is no such folder.
        """
        start = _absolute(folder)
        if not start.is_dir():
            raise UsageError(f"{start} is no folder.")
        if at is not None:
            return cls(LocalStore(_at(_absolute(at), start)), start)
        return cls(LocalStore(_nearest(start) or start / LIBRARY_FOLDER), start)

    @property
    def root(self) -> Path:
        """The folder that the library is of; hits' paths are relative to it."""
        try:
            return self.store.root
        except LibraryNotFoundError:
            return self._folder

    @property
    def space(self) -> Space:
        """The space that is indexed into and searched in."""
        return self._model.space

    def index(
        self,
        folder: "str | os.PathLike[str] | None" = None,
        *,
        include: Sequence[str] | None = None,
        exclude: Sequence[str] | None = None,
        dry_run: bool = False,
        progress: Callable[[Progress], None] | None = None,
    ) -> IndexReport:
        """Bring the library in step with its folder.

        Args:
            folder: only this part of it; None for all.
            include: globs that a file must match one of. They are kept and hold for later calls;
                None leaves those that were given before.
            exclude: globs of files and folders that are left out; likewise.
            dry_run: change nothing, only count what would be done.
            progress: is told now and then how far the work is.

        Raises:
            LibraryLockedError: another process is writing.
            StorageError: the disk is full or read-only, or the library's folder of pictures is not
                there. What was committed stays.
            UsageError: the folder is not in the library's, or the library would be made among
                other files.
        """
        _refuse_foreign(self.store)
        root = self.root
        if not root.is_dir():
            # It may be on a disk that is not plugged in: its pictures are not to be forgotten.
            raise StorageError(f"{root}, the folder that the library is of, is not there.")
        kept = self.store.patterns if self.store.exists() else Patterns()
        patterns = Patterns(
            kept.include if include is None else tuple(include),
            kept.exclude if exclude is None else tuple(exclude),
        )
        under = _below(root, folder)
        # A part that has been deleted is forgotten; one that never was is a slip.
        known = self.store.known_files(self.space, under)
        if folder is not None and not Path(folder).is_dir() and next(known, None) is None:
            raise UsageError(f"{folder} is no folder.")
        job = indexing.Job(root, patterns, under, self.space, self.store.folder)
        if dry_run:
            return indexing.rehearse(self.store, job)
        return indexing.run(
            self.store, job, lambda: self._open(threads=1), progress or (lambda _: None)
        )

    def search(
        self,
        *pictures: PictureLike,
        k: int = 10,
        without: str | bytes | Iterable[PictureLike] = (),
        crop: Box | None = None,
    ) -> Hits:
        """Find the pictures that look most like one, or like what several have in common.

        Args:
            pictures: at least one: a path, a file's bytes, a Pillow image, an array of shape
                (height, width, 3) and type uint8, or an id.
            k: how many hits; fewer come if the library holds fewer.
            without: pictures to move away from.
            crop: x, y, width, height: the part of each picture that counts.

        Returns:
            hits, best first; the picture itself too, where the library holds it.

        Raises:
            LibraryNotFoundError: there is no library.
            PictureError: a picture is none, or is not to be had.
            UsageError: k is below 1, or the crop lies outside.
        """
        if k < 1:
            raise UsageError(f"k is {k}, but must be at least 1.")
        if isinstance(without, str | bytes):
            without = (without,)  # one picture, not its letters
        started = time.perf_counter()
        root = self.store.root
        asker = Asker(self.store, root, self._searched_space(), self._query_network)
        asked = [asker.ask(picture, crop) for picture in pictures]
        avoided = [asker.ask(picture, None) for picture in without]
        query = direction([one.embedding for one in asked], [one.embedding for one in avoided])
        matches = self.store.search(self.space, query, k)
        return Hits(
            question=Question(
                pictures=tuple(one.subject for one in asked),
                without=tuple(one.subject for one in avoided),
                crop=crop,
            ),
            space=self.space,
            ranked_by="cosine",
            k=k,
            took_ms=(time.perf_counter() - started) * 1000,
            hits=tuple(_hit(root, rank, match) for rank, match in enumerate(matches, 1)),
        )

    def status(self) -> Status:
        """What the library holds, and what it takes on the disk."""
        return self.store.status()

    def skipped(self) -> Iterator[Entry]:
        """The files that were left out, each with the reason."""
        return self.store.skipped()

    def example(self) -> Path | None:
        """One of its pictures, the same every time; None if it has none."""
        a_third = self.store.status().files // 3
        for known in islice(self.store.known_files(self.space), a_third, None):
            entry = self.store.entry(known.path)
            if entry and entry.picture:
                return self.root / known.path
        return None

    def _searched_space(self) -> Space:
        held = self.store.spaces()
        if held and self.space not in held:
            names = ", ".join(space.name for space in held)
            raise LibraryFormatError(
                f"The library has embeddings of {names}, and this Lookgraph searches in "
                f"{self.space.name}. Run `lookgraph index`."
            )
        return self.space

    @functools.cached_property
    def _network(self) -> Embedder:
        return self._open(threads=usable_cores())

    def _query_network(self) -> Embedder:
        return self._network

    def _open(self, threads: int) -> Embedder:
        return open_embedder(self._model.name, threads)


def _nearest(start: Path) -> Path | None:
    for folder in (start, *start.parents):
        if LocalStore(folder / LIBRARY_FOLDER).exists():
            return folder / LIBRARY_FOLDER
    return None


def _absolute(folder: "str | os.PathLike[str]") -> Path:
    try:
        return Path(os.path.abspath(folder))  # noqa: PTH100 - resolve() would follow links
    except FileNotFoundError:
        raise UsageError("The current folder is gone.") from None


def _at(place: Path, pictures: Path) -> Path:
    """A library's own folder, or the folder of pictures that it is in or will be in."""
    inside = place / LIBRARY_FOLDER
    if LocalStore(inside).exists() or (place == pictures and not LocalStore(place).exists()):
        return inside
    return place


def _refuse_foreign(store: LocalStore) -> None:
    """A library has a folder to itself: it is not put among somebody's pictures."""
    if not store.exists() and store.has_other_files():
        raise UsageError(
            f"{store.folder} holds other files, and no library. Name a folder of its own for it, "
            "or run `lookgraph index FOLDER`, which keeps the library in FOLDER/.lookgraph."
        )


def _below(root: Path, folder: "str | os.PathLike[str] | None") -> str:
    """A folder's path relative to the library's, empty for all of it."""
    if folder is None:
        return ""
    inside = os.path.relpath(os.path.realpath(folder), os.path.realpath(root))
    if inside == os.curdir:
        return ""
    if Path(inside).parts[0] == os.pardir:
        raise UsageError(f"{folder} is not in {root}, the folder that the library is of.")
    return inside.replace(os.sep, "/")


def _hit(root: Path, rank: int, match: Match) -> Hit:
    first, *copies = match.paths
    picture = match.picture
    return Hit(
        rank=rank,
        score=match.score,
        id=picture.id,
        path=first,
        file=str(root / first),
        copies=tuple(copies),
        format=picture.format,
        width=picture.width,
        height=picture.height,
        taken=picture.taken,
    )
