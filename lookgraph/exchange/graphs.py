"""The similarity graph as files that other tools read.

=========  ==============================================================================
suffix     what it is
=========  ==============================================================================
.graphml   GraphML (U. Brandes et al., "GraphML Progress Report", 2002): Gephi, NetworkX, igraph
.gexf      GEXF 1.2: Gephi, NetworkX
.csv       a line for each edge: the two paths, the two ids, the score
.json      node-link data, as NetworkX reads it
=========  ==============================================================================

A node's name is the SHA-256 of the picture's bytes. Edges have no direction.
"""

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO
from xml.sax.saxutils import quoteattr

from lookgraph.aside import written_aside
from lookgraph.errors import ExchangeError
from lookgraph.types import Picture

# What XML 1.0 cannot hold, and lone surrogates: bytes of names that are no UTF-8.
_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

ATTRIBUTES = ("path", "format", "width", "height", "taken")
"""What is said of a node beside its id."""

_TYPES = ("string", "string", "int", "int", "string")


@dataclass(frozen=True, slots=True)
class Node:
    """A picture of the graph, and its first path."""

    picture: Picture
    path: str

    @property
    def values(self) -> tuple[str, str, int, int, str]:
        """What is said of it, in the order of the attributes."""
        picture = self.picture
        return self.path, picture.format, picture.width, picture.height, picture.taken or ""


@dataclass(frozen=True, slots=True)
class Link:
    """An edge: the places of its two nodes in their order, and its score."""

    first: int
    second: int
    score: float


def write_graph(nodes: Sequence[Node], links: Iterable[Link], file: Path) -> None:
    """Write a graph; what the file's name ends in says how.

    The file is written aside and renamed, so a stop leaves what was there before.

    Raises:
        ExchangeError: the name ends in nothing that we write.
        StorageError: it cannot be written.
    """
    write = _FORMATS.get(file.suffix.lower())
    if write is None:
        raise ExchangeError(
            f"{file.name} is no name of a graph: it must end in one of {', '.join(_FORMATS)}."
        )
    with written_aside(file) as aside, aside.open("w", encoding="utf-8", newline="") as out:
        write(nodes, links, out)


def _text(text: str) -> str:
    return _UNWRITABLE.sub("\ufffd", text)


def _write_csv(nodes: Sequence[Node], links: Iterable[Link], out: TextIO) -> None:
    lines = csv.writer(out)
    lines.writerow(("path_1", "path_2", "id_1", "id_2", "score"))
    for link in links:
        one, other = nodes[link.first], nodes[link.second]
        lines.writerow(
            (_text(one.path), _text(other.path), one.picture.id, other.picture.id, link.score)
        )


def _write_json(nodes: Sequence[Node], links: Iterable[Link], out: TextIO) -> None:
    out.write('{"directed": false, "multigraph": false, "graph": {},\n"nodes": [\n')
    told = (
        {"id": node.picture.id, **dict(zip(ATTRIBUTES, node.values, strict=True))} for node in nodes
    )
    _write_list(told, out)
    out.write('],\n"links": [\n')
    _write_list(
        (
            {
                "source": nodes[link.first].picture.id,
                "target": nodes[link.second].picture.id,
                "score": link.score,
            }
            for link in links
        ),
        out,
    )
    out.write("]}\n")


def _write_list(values: Iterable[object], out: TextIO) -> None:
    """One to a line, so that no more than one is in memory."""
    comma = ""
    for value in values:
        out.write(comma + json.dumps(value))
        comma = ",\n"
    out.write("\n")


def _write_graphml(nodes: Sequence[Node], links: Iterable[Link], out: TextIO) -> None:
    out.write(
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">\n'
    )
    for name, kind in zip(ATTRIBUTES, _TYPES, strict=True):
        out.write(f'<key id="{name}" for="node" attr.name="{name}" attr.type="{kind}"/>\n')
    out.write('<key id="score" for="edge" attr.name="score" attr.type="double"/>\n')
    out.write('<graph edgedefault="undirected">\n')
    for node in nodes:
        data = "".join(
            f"<data key={quoteattr(name)}>{value}</data>" for name, value in _escaped(node)
        )
        out.write(f'<node id="{node.picture.id}">{data}</node>\n')
    for link in links:
        ends = f'source="{nodes[link.first].picture.id}" target="{nodes[link.second].picture.id}"'
        out.write(f'<edge {ends}><data key="score">{link.score!r}</data></edge>\n')
    out.write("</graph>\n</graphml>\n")


def _write_gexf(nodes: Sequence[Node], links: Iterable[Link], out: TextIO) -> None:
    out.write(
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<gexf xmlns="http://www.gexf.net/1.2draft" version="1.2">\n'
        '<graph defaultedgetype="undirected" mode="static">\n<attributes class="node">\n'
    )
    for name, kind in zip(ATTRIBUTES, _TYPES, strict=True):
        its = {"int": "integer"}.get(kind, kind)
        out.write(f'<attribute id="{name}" title="{name}" type="{its}"/>\n')
    out.write("</attributes>\n<nodes>\n")
    for node in nodes:
        label = quoteattr(_text(node.path))
        data = "".join(
            f'<attvalue for="{name}" value="{value}"/>' for name, value in _escaped(node)
        )
        out.write(
            f'<node id="{node.picture.id}" label={label}><attvalues>{data}</attvalues></node>\n'
        )
    out.write("</nodes>\n<edges>\n")
    for number, link in enumerate(links):
        ends = f'source="{nodes[link.first].picture.id}" target="{nodes[link.second].picture.id}"'
        out.write(f'<edge id="{number}" {ends} weight="{link.score!r}"/>\n')
    out.write("</edges>\n</graph>\n</gexf>\n")


def _escaped(node: Node) -> Iterator[tuple[str, str]]:
    """The attributes, fit for XML's texts and for what stands in double quotes there."""
    for name, value in zip(ATTRIBUTES, node.values, strict=True):
        text = _text(str(value))
        for character, entity in _ENTITIES:
            text = text.replace(character, entity)
        yield name, text


_ENTITIES = (
    ("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"),
    ("\t", "&#9;"), ("\n", "&#10;"), ("\r", "&#13;"),
)  # fmt: skip

_FORMATS: dict[str, Callable[[Sequence[Node], Iterable[Link], TextIO], None]] = {
    ".graphml": _write_graphml,
    ".gexf": _write_gexf,
    ".csv": _write_csv,
    ".json": _write_json,
}
