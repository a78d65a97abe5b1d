"""What the service answers with, as the command line's ``--json`` has it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, Field

from lookgraph import types
from lookgraph.stores import base

if TYPE_CHECKING:
    from lookgraph.duplicates.finding import Duplicates
    from lookgraph.graphs import results as graphs
    from lookgraph.judging import Judged
    from lookgraph.results import Hits

Id = Annotated[
    str,
    Field(
        pattern="^[0-9a-f]{64}$",
        description="The SHA-256 of a picture's bytes.",
        examples=["7a3dbef06b3a2e8ff1f9d0fca1a9a4b6f0f6e7a3f54c4a3f9f8b2f6e3c1d0a9b"],
    ),
]


class Hit(BaseModel):
    """A picture that was found."""

    rank: int = Field(examples=[1])
    id: Id
    path: str = Field(examples=["dresses/blue/12.jpg"])
    copies: list[str] = Field(description="Other files with the same bytes.")
    score: float = Field(examples=[0.8731])
    distance: float | None = Field(None, description="Where embeddings are compared by L2.")
    rank_score: float | None = Field(None, description="Where the graph ranks.")
    format: str = Field(examples=["JPEG"])
    width: int
    height: int
    taken: str | None = Field(None, examples=["2024-06-30T12:00:00"])

    @staticmethod
    def of(hit: types.Hit) -> "Hit":
        """A hit of the library's."""
        return Hit(
            rank=hit.rank,
            id=hit.id,
            path=_text(hit.path),
            copies=[_text(path) for path in hit.copies],
            score=hit.score,
            distance=hit.distance,
            rank_score=hit.rank_score,
            format=hit.format,
            width=hit.width,
            height=hit.height,
            taken=hit.taken,
        )


class Found(BaseModel):
    """The answer to a search."""

    space: str = Field(description="Whose embeddings were compared.")
    rank: str = Field(description="``graph``, or the metric.", examples=["graph"])
    searched: str = Field(description="By comparing everything, or by an index.")
    took_ms: float
    fault: str | None = Field(None, description="Why an index that is there was not used.")
    graph_fault: str | None = Field(None, description="Why a graph that is there was not used.")
    hits: list[Hit]

    @staticmethod
    def of(hits: "Hits") -> "Found":
        """What the library has found."""
        return Found(
            space=hits.space.name,
            rank=hits.ranked_by,
            searched=str(hits.searched),
            took_ms=round(hits.took_ms, 3),
            fault=hits.fault,
            graph_fault=hits.graph_fault,
            hits=_hits(hits),
        )


class Image(BaseModel):
    """A picture of the library."""

    id: Id
    paths: list[str]
    format: str
    width: int
    height: int
    taken: str | None = None

    @staticmethod
    def of(entries: Sequence[types.Entry]) -> "Image":
        """A picture with its files, at least one."""
        picture = entries[0].picture
        assert picture
        return Image(
            id=picture.id,
            paths=[_text(entry.path) for entry in entries],
            format=picture.format,
            width=picture.width,
            height=picture.height,
            taken=picture.taken,
        )


class File(BaseModel):
    """A file of the library that holds a picture."""

    path: str
    size: int = Field(description="Bytes.")
    mtime_ns: int = Field(description="When it was last changed.")
    id: Id
    format: str
    width: int
    height: int
    taken: str | None = None

    @staticmethod
    def of(entry: types.Entry) -> "File":
        """A file with its picture."""
        assert entry.picture
        return File(
            path=_text(entry.path),
            size=entry.stamp.size,
            mtime_ns=entry.stamp.mtime_ns,
            id=entry.picture.id,
            format=entry.picture.format,
            width=entry.picture.width,
            height=entry.picture.height,
            taken=entry.picture.taken,
        )


class Images(BaseModel):
    """A page of the library's files."""

    files: list[File]
    next: str | None = Field(None, description="Ask ``after`` this for the next page.")


class Edge(BaseModel):
    """An edge between two of the pictures, by their places among them."""

    first: int
    second: int
    score: float


class Neighbourhood(BaseModel):
    """What is around a picture: itself first."""

    space: str
    pictures: list[Hit]
    depths: list[int] = Field(description="How many edges lead to each.")
    edges: list[Edge]
    took_ms: float

    @staticmethod
    def of(found: "graphs.Neighbourhood") -> "Neighbourhood":
        """What the graph says."""
        return Neighbourhood(
            space=found.space.name,
            pictures=_hits(found.pictures),
            depths=list(found.depths),
            edges=[
                Edge(first=one.first, second=one.second, score=one.score) for one in found.edges
            ],
            took_ms=round(found.took_ms, 3),
        )


class Way(BaseModel):
    """The way between two pictures whose weakest link is strongest."""

    space: str
    leads: bool = Field(description="Whether edges lead from the one to the other.")
    weakest: float | None = Field(description="The score of the weakest link.")
    threshold: float | None = Field(
        description="With edges between all pairs that score so much, some would lead there."
    )
    steps: list[Hit] = Field(description="Each one's score is that to the one before it.")
    took_ms: float | None = None

    @staticmethod
    def of(found: "graphs.Chain | graphs.Gap") -> "Way":
        """What the graph says."""
        from lookgraph.graphs import results as graphs

        name = found.space.name
        if isinstance(found, graphs.Gap):
            return Way(space=name, leads=False, weakest=None, threshold=found.threshold, steps=[])
        return Way(
            space=name,
            leads=True,
            weakest=found.weakest,
            threshold=None,
            steps=_hits(found),
            took_ms=round(found.took_ms, 3),
        )


class Group(BaseModel):
    """Pictures that hang together, the most central one first."""

    name: str
    pictures: list[Hit]


class Groups(BaseModel):
    """The groups of a library, the largest first."""

    space: str
    threshold: float
    communities: bool
    total: int = Field(description="How many groups there are.")
    others: int = Field(description="Pictures that are in none.")
    groups: list[Group]
    took_ms: float

    @staticmethod
    def of(found: "graphs.Groups", start: int, most: int, shown: int) -> "Groups":
        """Some of what the graph says: so many groups from one on, so many pictures of each."""
        return Groups(
            space=found.space.name,
            threshold=found.threshold,
            communities=found.are_communities,
            total=len(found),
            others=found.others,
            took_ms=round(found.took_ms, 3),
            groups=[
                Group(name=_text(group.name), pictures=_hits(group.pictures[:shown]))
                for group in found[start : start + most]
            ],
        )


class Copy(BaseModel):
    """A file that is a duplicate of the one to keep."""

    path: str
    id: Id
    score: float | None = None
    agreement: float | None = None


class Duplicate(BaseModel):
    """Files of which one is to be kept."""

    tier: str = Field(examples=["same"])
    keep: str
    id: Id
    reason: str
    others: list[Copy]


class DuplicatesFound(BaseModel):
    """What is there more than once."""

    space: str
    threshold: float
    total: int
    unseen: list[str] = Field(description="Paths that could not be looked at.")
    groups: list[Duplicate]
    files: list[File] = Field(description="All that the groups name.")
    links: list[str] = Field(description="Those of them that are symbolic links.")
    took_ms: float

    @staticmethod
    def of(found: "Duplicates", start: int, most: int) -> "DuplicatesFound":
        """Some of what was found: so many groups from one on."""
        shown = found[start : start + most]
        copies = [
            copy for one in shown for copy in (one.keep, *(other.copy for other in one.others))
        ]
        named = {copy.path: copy for copy in copies}
        return DuplicatesFound(
            space=found.space.name,
            threshold=found.threshold,
            total=len(found),
            unseen=[_text(path) for path in found.unseen],
            groups=[
                Duplicate(
                    tier=str(group.tier),
                    keep=_text(group.keep.path),
                    id=group.keep.picture.id,
                    reason=group.reason,
                    others=[
                        Copy(
                            path=_text(other.copy.path),
                            id=other.copy.picture.id,
                            score=other.score,
                            agreement=other.agreement,
                        )
                        for other in group.others
                    ],
                )
                for group in shown
            ],
            files=[File.of(copy.entry) for copy in named.values()],
            links=[_text(path) for path, copy in named.items() if copy.is_link],
            took_ms=round(found.took_ms, 3),
        )


class Said(BaseModel):
    """What is to be kept of two pictures."""

    first: Id
    second: Id
    kind: Literal["same", "different"]


class Verdict(BaseModel):
    """What was said of two pictures."""

    first: Id
    second: Id
    kind: str = Field(examples=["same"])
    said: str = Field(examples=["2026-11-21T12:00:00Z"])

    @staticmethod
    def of(verdict: types.Verdict) -> "Verdict":
        """A verdict of the library's."""
        return Verdict(
            first=verdict.first, second=verdict.second, kind=str(verdict.kind), said=verdict.said
        )


class Verdicts(BaseModel):
    """All that was said, the newest first."""

    verdicts: list[Verdict]

    @staticmethod
    def of(judged: "Sequence[Judged]") -> "Verdicts":
        """The library's."""
        return Verdicts(verdicts=[Verdict.of(its.verdict) for its in judged])


class GraphFacts(BaseModel):
    """The similarity graph of a space."""

    pictures: int
    edges: int
    behind: int = Field(description="Pictures that came or went since it was made.")
    fault: str | None = None


class SpaceFacts(BaseModel):
    """Embeddings of one network."""

    name: str
    model: str
    fingerprint: str = Field(description="What tells the network's weights from others.")
    preprocessing: int
    metric: str
    dimension: int
    precision: str
    pictures: int
    index: str
    graph: GraphFacts | None = None


class Status(BaseModel):
    """What the library holds."""

    pictures: int
    files: int
    skipped: int
    bytes: int
    spaces: list[SpaceFacts]

    @staticmethod
    def of(status: base.Status) -> "Status":
        """The library's."""
        return Status(
            pictures=status.pictures,
            files=status.files,
            skipped=status.skipped,
            bytes=status.bytes,
            spaces=[_space(one) for one in status.spaces],
        )


def _space(one: base.SpaceStatus) -> SpaceFacts:
    return SpaceFacts(
        name=one.space.name,
        model=one.space.model,
        fingerprint=one.space.fingerprint,
        preprocessing=one.space.preprocessing,
        metric=str(one.space.metric),
        dimension=one.space.dimension,
        precision=str(one.space.precision),
        pictures=one.pictures,
        index=str(one.index.kind),
        graph=_graph(one.graph) if one.graph else None,
    )


def _graph(graph: base.GraphStatus) -> GraphFacts:
    return GraphFacts(
        pictures=graph.pictures, edges=graph.edges, behind=graph.behind, fault=graph.fault
    )


def _hits(hits: Sequence[types.Hit]) -> list[Hit]:
    return [Hit.of(hit) for hit in hits]


def _text(path: str) -> str:
    """A path as JSON can have it: what is no UTF-8 in it is replaced."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
