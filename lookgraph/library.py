"""A library: a folder of pictures that can be searched. Here the parts are put together."""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lookgraph.choosing import Chooser, Chosen, ModelLike
from lookgraph.config import RECALL, usable_cores
from lookgraph.errors import LibraryNotFoundError, StorageError, UsageError
from lookgraph.judging import Judge, Judged
from lookgraph.models.runtimes.base import Choice
from lookgraph.places import absolute, below, refuse_foreign, store_for
from lookgraph.queries import Box, PictureLike, Query
from lookgraph.results import Hits
from lookgraph.searching import Asking, Searcher, as_ranking, check_wishes, least_score
from lookgraph.stores.base import SpaceStatus, Status, Store
from lookgraph.stores.cypher import AsksCypher, Table
from lookgraph.thumbnails import file_of, thumbnail
from lookgraph.types import (
    EVERYTHING,
    Entry,
    IndexKind,
    Metric,
    Patterns,
    Precision,
    Ranking,
    Selection,
    Space,
    Verdict,
    VerdictKind,
)

# What not every command needs is imported where it is used: it takes as long as all the rest.
if TYPE_CHECKING:
    from lookgraph.duplicates.finding import Duplicate, Duplicates, Tier
    from lookgraph.duplicates.moving import Away, Moved
    from lookgraph.duplicates.reviewing import Review
    from lookgraph.evaluating import Evaluation
    from lookgraph.graphs import LibraryGraph
    from lookgraph.indexing import EmbedsFiles, IndexReport, Progress


class Library:
    """A folder of pictures, and what is known of them.

    ::

        library = Library.open("photos")
        library.index()
        for hit in library.search("dress.jpg", k=5):
            print(hit.score, hit.path)

    A library can be read from several threads and processes, also while one writes to it.
    """

    def __init__(
        self, store: Store, folder: Path, choice: Choice, asking: Asking | None = None
    ) -> None:
        """Use `Library.open`. The folder is what a new library will be of."""
        self.store = store
        self._folder = folder
        self._chooser = Chooser(store, choice)
        self._searcher = Searcher(store, self._chooser, asking or Asking())
        self._judge = Judge(store, partial(self._searcher.id_of, model=None))

    @classmethod
    def open(
        cls,
        folder: "str | os.PathLike[str]" = ".",
        *,
        at: "str | os.PathLike[str] | None" = None,
        password: str | None = None,
        runtime: str = "auto",
        device: str = "auto",
        asking: Asking | None = None,
    ) -> "Library":
        """Open the library of a folder: the nearest one in it or above it.

        Where there is none, the first `index` makes it, in the folder.

        Args:
            folder: of pictures, or any place below one.
            at: where the library itself is, if that is not `.lookgraph` in its folder: another
                folder, or a server, ``neo4j://USER@HOST/DATABASE``.
            password: of a server's user; None for the one in the environment.
            runtime: what executes networks: ``onnxruntime``, ``openvino``, or the faster of them.
            device: ``cpu``, ``gpu``, or a GPU where the runtime can use one.
            asking: how pictures that are searched with are decoded and embedded; None for one at
                a time, in this process.

        Raises:
            UsageError: there is no such folder, runtime or kind of device, or an address of a
                server is none, or has a password in it.
            LookgraphError: the server cannot be used.
        """
        choice = Choice(runtime, device)
        start = absolute(folder)
        if not start.is_dir():
            raise UsageError(f"{start} is no folder.")
        return cls(store_for(start, at, password), start, choice, asking)

    def close(self) -> None:
        """Let go of files and of a server's connections; ``with Library.open(…)`` does it too.

        The library can still be used: what it needs is opened again.
        """
        self.store.close()

    def __enter__(self) -> "Library":
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """As `close`."""
        self.close()

    @property
    def root(self) -> Path:
        """The folder that the library is of; hits' paths are relative to it."""
        try:
            return self.store.root
        except LibraryNotFoundError:
            return self._folder

    def space(self, model: ModelLike | None = None) -> Space:
        """The space that a search with this network, or with none named, is in.

        Raises:
            LibraryFormatError: the library has none of this network.
        """
        return self._chooser.to_search(model).space

    def takes(self, space: Space) -> bool:
        """Whether embeddings of a space can be put into the library from elsewhere."""
        return self._chooser.takes(space)

    def takes_text(self, model: ModelLike | None = None) -> bool:
        """Whether a search can be asked in words: whether its network knows any.

        Args:
            model: the network; None for any of the library's.
        """
        try:
            self._chooser.to_search(model, with_text=True)
        except UsageError:
            return False
        return True

    def new_space(self, model: ModelLike | None = None) -> Space:
        """The space that indexing with this network, or with none named, is about first."""
        return self._chooser.to_index(model)[0].space

    def index(
        self,
        folder: "str | os.PathLike[str] | None" = None,
        *,
        include: Sequence[str] | None = None,
        exclude: Sequence[str] | None = None,
        model: ModelLike | None = None,
        metric: Metric | str | None = None,
        precision: Precision | str | None = None,
        index: IndexKind | str | None = None,
        on: str | None = None,
        dry_run: bool = False,
        progress: "Callable[[Progress], None] | None" = None,
    ) -> "IndexReport":
        """Bring the library in step with its folder.

        One library may have embeddings of several networks, each in a space of its own.

        Args:
            folder: only this part of it; None for all.
            include: globs that a file must match one of. They are kept and hold for later calls;
                None leaves those that were given before.
            exclude: globs of files and folders that are left out; likewise.
            model: the network to embed with; None for all that the library has embeddings of, or
                the default one. Its other embeddings are left as they are.
            metric: how a new space compares embeddings; None for what suits the network.
            precision: what a new space's network computes with; None for float32.
            index: how the library is to be searched, which holds for later calls too: ``exact``,
                by comparing everything; ``ivf``, by codes with an exact second look; ``auto``, by
                codes once comparing everything would take long. On a server: ``hnsw``, by its index
                of vectors; ``gds``, by comparing everything with Graph Data Science. None for what
                was said before.
            on: what embeds: ``ray``, by Ray on this machine; ``ray://HOST:PORT``, by a cluster,
                whose machines must have the folder in the same place. None for this process.
            dry_run: change nothing, only count what would be done.
            progress: is told now and then how far the work is.

        Raises:
            LibraryLockedError: another process is writing.
            StorageError: the disk is full or read-only, or the library's folder of pictures is not
                there. What was committed stays.
            UsageError: the folder is not in the library's, or the library would be made among
                other files; or there is no such network.
            ModelError: the network cannot be had.
            MissingExtraError: an index is asked for, and FAISS is not installed; or Ray is not.
            ClusterError: Ray cannot be reached, or fails. What was committed stays.
        """
        from lookgraph import indexing

        if on is not None:
            from lookgraph.distributed.engine import check_address

            check_address(on)

        refuse_foreign(self.store)
        metric = None if metric is None else Metric(metric)
        precision = None if precision is None else Precision(precision)
        index = None if index is None else IndexKind(index)
        spaces = self._chooser.to_index(model, metric, precision)
        if index is not None:  # now, and not after all pictures have been embedded
            for chosen in spaces:
                self.store.check_index(chosen.space, index)
        root = self.root
        if not root.is_dir():
            # It may be on a disk that is not plugged in: its pictures are not to be forgotten.
            raise StorageError(f"{root}, the folder that the library is of, is not there.")
        kept = self.store.patterns if self.store.exists() else Patterns()
        patterns = Patterns(
            kept.include if include is None else tuple(include),
            kept.exclude if exclude is None else tuple(exclude),
        )
        under = below(root, folder)
        # A part that has been deleted is forgotten; one that never was is a slip.
        known = self.store.known_files(spaces[0].space, under)
        if folder is not None and not Path(folder).is_dir() and next(known, None) is None:
            raise UsageError(f"{folder} is no folder.")
        reports = []
        for chosen in spaces:
            job = indexing.Job(
                root, patterns, under, chosen.space, chosen.network, self.store.folder, index
            )
            if dry_run:
                reports.append(indexing.rehearse(self.store, job))
                continue
            tell = progress or (lambda _: None)
            if on is None:
                network = partial(chosen.open, usable_cores())
                reports.append(indexing.run(self.store, job, network, tell))
            else:
                embed = self._on_ray(chosen, on)
                reports.append(indexing.run_with(self.store, job, embed, tell))
        return indexing.together(reports)

    def _on_ray(self, chosen: Chosen, address: str) -> "EmbedsFiles":
        from lookgraph.distributed.job import OnRay, Workplace
        from lookgraph.ingest.pipeline import Folder

        spaces = self.store.status().spaces if self.store.exists() else ()
        knows = any(one.space == chosen.space and one.pictures for one in spaces)
        place = Workplace(address, Folder(self.root))
        return OnRay(place, partial(chosen.settle, usable_cores()), knows)

    def embed(
        self,
        *pictures: PictureLike,
        text: str | Sequence[str] = (),
        without: str | bytes | Iterable[PictureLike] = (),
        crop: Box | None = None,
        model: ModelLike | None = None,
    ) -> Query:
        """Embed a question, to search with it several times, or to have its embedding.

        ::

            dress = library.embed("dress.jpg")
            library.search(dress, k=5)
            library.search(dress, among=Selection(under="2024"))

        Args:
            pictures: as for `search`; so are the others.
            text: likewise.
            without: likewise.
            crop: likewise.
            model: likewise.

        Returns:
            what `search` and `search_over` take in place of pictures.

        Raises:
            LookgraphError: as `search`.
        """
        return self._searcher.query(pictures, text, without, crop, model)

    def search(
        self,
        *pictures: PictureLike | Query,
        text: str | Sequence[str] = (),
        k: int = 10,
        without: str | bytes | Iterable[PictureLike] = (),
        crop: Box | None = None,
        model: ModelLike | None = None,
        among: Selection = EVERYTHING,
        recall: float = RECALL,
        rank: Ranking | str = Ranking.AUTO,
    ) -> Hits:
        """Find the pictures that look most like one, or like what several have in common.

        Args:
            pictures: each a path, a file's bytes, a Pillow image, an array of shape
                (height, width, 3) and type uint8, or an id. At least one, unless there is a text.
                Or only what `embed` gave.
            text: what the pictures should show, in words; for networks that know words.
            k: how many hits; fewer come if fewer pictures may answer.
            without: pictures to move away from.
            crop: x, y, width, height: the part of each picture that counts.
            model: the network whose embeddings are compared; None for the library's first.
            among: which pictures may answer.
            recall: where the library has an index, the share of the true hits that is enough, on
                average, above 0; 1 compares everything. The scores are exact in any case.
            rank: ``graph``, by how like the pictures and their neighbours are; ``cosine``, by the
                pictures alone; ``auto``, by the graph where there is one.

        Returns:
            hits, best first; the picture itself too, where the library holds it.

        Raises:
            LibraryNotFoundError: there is no library.
            LibraryFormatError: the library has no embeddings of the network, or its index was
                made by a newer Lookgraph.
            PictureError: a picture is none, or is not to be had.
            UsageError: k is below 1, the crop lies outside, or the network knows no words.
        """
        check_wishes(k, recall)
        ranking = as_ranking(rank)
        query = self._searcher.query(pictures, text, without, crop, model)
        started = time.perf_counter()
        (answer,) = self.store.search(
            query.space, query.embedding[np.newaxis], k, among, recall, ranking, [query.itself]
        )
        return self._searcher.hits(query, answer, k, query.seconds + time.perf_counter() - started)

    def search_over(
        self,
        *pictures: PictureLike | Query,
        score: float | None = None,
        distance: float | None = None,
        text: str | Sequence[str] = (),
        without: str | bytes | Iterable[PictureLike] = (),
        crop: Box | None = None,
        model: ModelLike | None = None,
        among: Selection = EVERYTHING,
    ) -> Hits:
        """Find all pictures over a score, or within a distance; every picture is compared.

        Args:
            pictures: as for `search`; so are the others.
            score: the least that counts. Give this or the distance.
            distance: the greatest that counts, in a space that has distances (L2).
            text: likewise.
            without: likewise.
            crop: likewise.
            model: likewise.
            among: likewise.

        Returns:
            hits, best first, however many.

        Raises:
            LookgraphError: as `search`.
            UsageError: neither or both of score and distance are given, one is not finite, or the
                space has no distances.
        """
        query = self._searcher.query(pictures, text, without, crop, model)
        started = time.perf_counter()
        least = least_score(query.space, score, distance)
        answer = self.store.search_over(query.space, query.embedding, least, among)
        seconds = query.seconds + time.perf_counter() - started
        return self._searcher.hits(query, answer, None, seconds)

    def search_each(
        self,
        pictures: Iterable[PictureLike],
        *,
        k: int = 10,
        model: ModelLike | None = None,
        among: Selection = EVERYTHING,
        recall: float = RECALL,
        rank: Ranking | str = Ranking.AUTO,
    ) -> list[Hits]:
        """Search with each of many pictures, in one pass over the library.

        Args:
            pictures: each as for `search`, a question of its own; so are the others.
            k: likewise.
            model: likewise.
            among: likewise.
            recall: likewise.
            rank: likewise.

        Returns:
            what `search` gives for each, in their order.
        """
        check_wishes(k, recall)
        ranking = as_ranking(rank)
        started = time.perf_counter()
        queries = [self._searcher.query((picture,), (), (), None, model) for picture in pictures]
        if not queries:
            return []
        embeddings = np.stack([query.embedding for query in queries])
        asked = [query.itself for query in queries]
        answers = self.store.search(queries[0].space, embeddings, k, among, recall, ranking, asked)
        seconds = time.perf_counter() - started
        return [
            self._searcher.hits(query, answer, k, seconds)
            for query, answer in zip(queries, answers, strict=True)
        ]

    def query(
        self,
        cypher: str,
        *pictures: PictureLike,
        text: str | Sequence[str] = (),
        k: int = 10,
        without: str | bytes | Iterable[PictureLike] = (),
        crop: Box | None = None,
        model: ModelLike | None = None,
    ) -> Table:
        """Ask a library in Neo4j a question of one's own, in Cypher, which changes nothing.

        Args:
            cypher: the question. ``$query`` is the embedding of what is asked for, where there is a
                picture or a text, and ``$k`` is k.
            pictures: as for `search`; so are the others. There may be none.
            text: likewise.
            k: likewise.
            without: likewise.
            crop: likewise.
            model: likewise.

        Returns:
            the answer: its columns, and its rows.

        Raises:
            LookgraphError: as `search`; or the server cannot be asked.
            UsageError: the library is in a folder; or it is no question, or would change something.
        """
        if not isinstance(self.store, AsksCypher):
            raise UsageError(
                f"The library in {self.store.place} cannot be asked in Cypher: it is in a folder. "
                "`lookgraph export neo4j://USER@HOST/DATABASE` puts it into Neo4j too; ask there."
            )
        check_wishes(k, RECALL)
        values: dict[str, object] = {"k": k}
        if pictures or text:
            query = self._searcher.query(pictures, text, without, crop, model)
            values["query"] = query.embedding.astype(np.float64)
        return self.store.query(cypher, values)

    def graph(self, model: ModelLike | None = None) -> "LibraryGraph":
        """The similarity graph of the library, whether it has been made or not.

        Args:
            model: whose embeddings are compared; None for the library's first network.

        Raises:
            LibraryFormatError: the library has no embeddings of the network.
        """
        from lookgraph.graphs import LibraryGraph

        find = partial(self._searcher.id_of, model=model)
        return LibraryGraph(self.store, self.space(model), find)

    def duplicates(
        self,
        *,
        tiers: "Sequence[Tier | str]" = ("identical", "same"),
        threshold: float | None = None,
        prefer: Sequence[str] = (),
        model: ModelLike | None = None,
        progress: Callable[[float], None] | None = None,
    ) -> "Duplicates":
        """Find pictures that are there more than once.

        Args:
            tiers: which of the three: ``identical`` bytes; the ``same`` picture, by its embedding
                and by its pixels; pictures that are ``alike``.
            threshold: the least score of pictures that are alike, from -1 to 1; None for 0.9.
            prefer: what decides first about the file to keep: ``resolution``, ``format``, ``size``,
                ``oldest``, ``newest``, ``path`` (the shortest), or a folder or glob of paths.
            model: whose embeddings are compared; None for the library's first network.
            progress: told the share that is done, from 0 to 1.

        Raises:
            LibraryFormatError: the library has no embeddings of the network.
            GraphTooLargeError: too many pairs reach the threshold.
            UsageError: a tier, the threshold or what is preferred is none.
        """
        from lookgraph.duplicates.finding import ALIKE, as_tier, find_duplicates

        wanted = [as_tier(tier) for tier in tiers]
        least = ALIKE if threshold is None else threshold
        if not -1 <= least <= 1:
            raise UsageError(f"The threshold is {least}, but cosines lie between -1 and 1.")
        return find_duplicates(
            self.store, self.space(model), wanted, least, prefer, progress or (lambda _: None)
        )

    def move_duplicates(
        self,
        found: "Iterable[Duplicate]",
        to: "str | os.PathLike[str]",
        progress: Callable[[float], None] | None = None,
    ) -> "Moved":
        """Move all files but those to keep to a folder, with a list of them; delete nothing.

        Args:
            found: as `duplicates` gave it, or some of these groups.
            to: the folder, outside of the library's.
            progress: told the share that is done, from 0 to 1.

        Raises:
            LibraryLockedError: another process is writing.
            StorageError: a file cannot be moved.
            UsageError: the folder lies in the library's.
        """
        from lookgraph.duplicates.finding import wishes_of
        from lookgraph.duplicates.moving import move_away

        root, wishes = self.root, wishes_of(found)
        with self.store.write() as writer:
            moved = move_away(root, wishes, absolute(to), progress or (lambda _: None))
            writer.forget(os.path.relpath(was, root).replace(os.sep, "/") for was, _ in moved.moved)
        return moved

    def move_back(
        self, place: "str | os.PathLike[str]", progress: Callable[[float], None] | None = None
    ) -> "Moved":
        """Move all files back that `move_duplicates` moved to a folder, or that one call of it did.

        The library knows them again, but for what has changed meanwhile, which `index` finds.

        Args:
            place: the folder where they are, or the list of one call (`Moved.manifest`).
            progress: told the share that is done, from 0 to 1.

        Raises:
            LibraryLockedError: another process is writing.
            StorageError: a file cannot be moved.
            UsageError: nothing was moved there.
        """
        from lookgraph.duplicates.moving import move_back
        from lookgraph.duplicates.returning import know_again

        told = progress or (lambda _: None)
        if not self.store.exists():  # files come back, whatever has become of their library
            return move_back(absolute(place), told)
        with self.store.write() as writer:
            moved = move_back(absolute(place), told)
            know_again(self.store, writer, (was for _, was in moved.moved))
        return moved

    def moved_away(self, folder: "str | os.PathLike[str]") -> "tuple[Away, ...]":
        """What `move_duplicates` moved to a folder and still is there, the newest call first.

        Args:
            folder: where to; it need not be there.

        Raises:
            StorageError: it cannot be read.
            UsageError: a list in it is none of ours.
        """
        from lookgraph.duplicates.moving import still_away

        return still_away(self.root, absolute(folder))

    def review(self, found: "Duplicates") -> "Review":
        """What was found more than once, as it is now: without what was decided since.

        Args:
            found: as `duplicates` gave it.
        """
        from lookgraph.duplicates.reviewing import Review

        return Review(self.store, found)

    def same(self, one: PictureLike, other: PictureLike) -> Verdict:
        """Keep that two pictures show the same, in place of what was said of them before.

        Verdicts hold for the pictures' content, wherever the files lie, and whatever the network.
        Groups bring the same together; duplicates and ranking through the graph know them too.

        Args:
            one: a picture of the library: a path, or an id.
            other: another one.

        Raises:
            PictureError: one is not in the library.
            UsageError: both have the same bytes, or it contradicts what was said of others.
            LibraryLockedError: another process is writing.
        """
        return self._judge.say(one, other, VerdictKind.SAME)

    def different(self, one: PictureLike, other: PictureLike) -> Verdict:
        """Keep that two pictures do not show the same, however much they look alike.

        Args:
            one: as for `same`.
            other: likewise.

        Raises:
            LookgraphError: as `same`.
        """
        return self._judge.say(one, other, VerdictKind.DIFFERENT)

    def withdraw(self, one: PictureLike, other: PictureLike) -> Verdict:
        """Forget what was said of two pictures; return it.

        Args:
            one: as for `same`; or the id of a picture that is not in the library any more.
            other: likewise.

        Raises:
            PictureError: nothing was said of them.
            LibraryLockedError: another process is writing.
        """
        return self._judge.withdraw(one, other)

    def verdicts(self) -> tuple[Judged, ...]:
        """What was said of pairs of pictures, the newest first."""
        return self._judge.all()

    def evaluate(
        self,
        folder: "str | os.PathLike[str] | None" = None,
        *,
        models: Sequence[ModelLike] = (),
        held_out: float = 0.2,
        seed: int = 0,
    ) -> "Evaluation":
        """Measure how well pictures of a class find others of it; each class is a folder.

        Args:
            folder: the one that holds the folders of the classes; None for the library's.
            models: the networks to compare; empty for all that the library has.
            held_out: the share of each class that asks, above 0 and below 1.
            seed: of the choice of the queries, and of the intervals.

        Raises:
            LibraryFormatError: the library has no embeddings of a network.
            UsageError: the folders are no classes, or the share is none.
        """
        from lookgraph.evaluating import evaluate_spaces

        under = below(self.root, folder)
        spaces = [self.space(model) for model in models] or self.store.spaces()
        return evaluate_spaces(self.store, spaces, under, held_out, seed)

    def pictures(self, under: str = "", after: str = "", most: int = 100) -> tuple[Entry, ...]:
        """The files that hold pictures, by path, a page of them.

        Args:
            under: only those below this path, relative to the library's folder; empty for all.
            after: only those behind this path; empty for the first page.
            most: so many at most.
        """
        return self.store.entries(under, after, most)

    def files(self, id_: str) -> tuple[Entry, ...]:
        """The files that hold the picture of an id, in alphabetical order; none if there are."""
        return self.store.files(id_)

    def file(self, id_: str) -> Path | None:
        """A file that holds the picture of an id, unchanged since it was read; None if none is."""
        return file_of(self.store, id_)

    def thumbnail(self, id_: str, side: int = 320) -> bytes | None:
        """A small copy of the picture of an id, as a JPEG; made once, and kept on the disk.

        Args:
            id_: of the picture.
            side: pixels of the longer side: 160, 320 or 640.

        Returns:
            it; None if no file of the library holds the picture any more.

        Raises:
            UsageError: it is not one of these sizes.
        """
        return thumbnail(self.store, id_, side)

    def status(self) -> Status:
        """What the library holds, and what it takes on the disk."""
        return self.store.status()

    def skipped(self) -> Iterator[Entry]:
        """The files that were left out, each with the reason."""
        return self.store.skipped()

    def example(self) -> Path | None:
        """One of its pictures, the same every time; None if it has none."""
        a_third = self.store.status().files // 3
        for known in islice(self.store.known_files(self.space()), a_third, None):
            entry = self.store.entry(known.path)
            if entry and entry.picture:
                return self.root / known.path
        return None

    def remove(self, name: str) -> tuple[SpaceStatus, ...]:
        """Drop the embeddings of one network; the pictures and other networks' stay.

        Args:
            name: the network's, for all its spaces, or that of one space.

        Returns:
            what was dropped.

        Raises:
            LibraryFormatError: the library has none of this name.
            LibraryLockedError: another process is writing.
        """
        held = {one.space: one for one in self.status().spaces}
        spaces = self._chooser.named(name)
        with self.store.write() as writer:
            for space in spaces:
                writer.remove_space(space)
        return tuple(held[space] for space in spaces)
