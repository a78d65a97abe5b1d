"""What a service has answered, as the library's own types."""

from collections.abc import Mapping
from typing import Any, TypeAlias

from lookgraph.duplicates.copies import Copy
from lookgraph.duplicates.finding import Duplicate, Duplicates, Other, Tier
from lookgraph.graphs.results import Chain, Edge, Gap, Group, Groups, Neighbourhood
from lookgraph.indexing import IndexReport
from lookgraph.interfaces.client.sending import Question
from lookgraph.results import Hits
from lookgraph.results import Question as Asked
from lookgraph.types import (
    Entry,
    Hit,
    IndexKind,
    Metric,
    Picture,
    Precision,
    Space,
    Stamp,
    Verdict,
    VerdictKind,
)

Told: TypeAlias = Mapping[str, Any]
"""JSON that a service has sent, as `lookgraph.interfaces.rest.shapes` describes it."""


def hits(told: Told, question: Question, url: str, space: Space, k: int | None) -> Hits:
    """The answer to a search."""
    return Hits(
        Asked(question.subjects, question.without, question.crop),
        space,
        told["rank"],
        k,
        told["took_ms"],
        tuple(hit(its, url) for its in told["hits"]),
        IndexKind(told["searched"]),
        told["fault"],
        told["graph_fault"],
    )


def hit(told: Told, url: str) -> Hit:
    """A picture that was found; its file is where the service has it."""
    return Hit(
        rank=told["rank"],
        score=told["score"],
        distance=told["distance"],
        id=told["id"],
        path=told["path"],
        file=f"{url}/v1/images/{told['id']}/original",
        copies=tuple(told["copies"]),
        format=told["format"],
        width=told["width"],
        height=told["height"],
        taken=told["taken"],
        rank_score=told["rank_score"],
    )


def entry(told: Told) -> Entry:
    """A file of the library that holds a picture."""
    picture = Picture(told["id"], told["format"], told["width"], told["height"], told["taken"])
    return Entry(told["path"], Stamp(told["size"], told["mtime_ns"]), picture)


def space(told: Told) -> Space:
    """A space of the library."""
    return Space(
        told["model"],
        told["fingerprint"],
        told["preprocessing"],
        Metric(told["metric"]),
        told["dimension"],
        Precision(told["precision"]),
    )


def verdict(told: Told) -> Verdict:
    """What was said of two pictures."""
    return Verdict(told["first"], told["second"], VerdictKind(told["kind"]), told["said"])


def report(told: Told) -> IndexReport:
    """What indexing did."""
    return IndexReport(
        embedded=told["embedded"],
        recognised=told["recognised"],
        unchanged=told["unchanged"],
        forgotten=told["forgotten"],
        skipped=told["skipped"],
        seconds=told["seconds"],
    )


def duplicates(told: Told, of: Space) -> Duplicates:
    """What is there more than once, of what was sent."""
    links = set(told["links"])
    entries = [entry(its) for its in told["files"]]
    copies = {one.path: Copy(one, one.picture, one.path in links) for one in entries if one.picture}
    found = tuple(
        Duplicate(
            Tier(group["tier"]),
            copies[group["keep"]],
            group["reason"],
            tuple(
                Other(copies[its["path"]], its["score"], its["agreement"])
                for its in group["others"]
            ),
        )
        for group in told["groups"]
    )
    return Duplicates(of, told["threshold"], found, tuple(told["unseen"]), told["took_ms"])


def neighbourhood(told: Told, url: str, of: Space) -> Neighbourhood:
    """What is around a picture."""
    return Neighbourhood(
        of,
        tuple(hit(its, url) for its in told["pictures"]),
        tuple(told["depths"]),
        tuple(Edge(its["first"], its["second"], its["score"]) for its in told["edges"]),
        told["took_ms"],
    )


def way(told: Told, url: str, of: Space) -> Chain | Gap:
    """The way between two pictures, or that there is none."""
    if not told["leads"]:
        return Gap(of, told["threshold"])
    return Chain(of, tuple(hit(its, url) for its in told["steps"]), told["took_ms"])


def groups(told: Told, url: str, of: Space) -> Groups:
    """The groups that were sent."""
    found = tuple(
        Group(tuple(hit(its, url) for its in group["pictures"])) for group in told["groups"]
    )
    return Groups(
        of, told["threshold"], told["communities"], found, told["others"], told["took_ms"]
    )
