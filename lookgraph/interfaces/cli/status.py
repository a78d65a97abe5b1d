"""``lookgraph status``."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lookgraph.interfaces.cli.console import (
    LibraryPlace,
    counted,
    json_option,
    library_option,
    open_library,
    printable,
    printable_name,
    put,
    put_json,
    say,
    size_text,
)

if TYPE_CHECKING:
    from lookgraph.library import Library
    from lookgraph.stores.base import GraphStatus, IndexStatus


@click.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@library_option
@click.option("--skipped", is_flag=True, help="List the files that were left out, and why.")
@json_option
def status(folder: Path | None, library: LibraryPlace | None, skipped: bool, as_json: bool) -> None:
    """Say what the library of FOLDER holds."""
    opened = open_library(library, folder)
    if skipped:
        _list_skipped(opened, as_json)
    elif as_json:
        put_json(_as_json(opened))
    else:
        _describe(opened)


def _as_json(opened: "Library") -> dict[str, object]:
    now = opened.status()
    patterns = opened.store.patterns
    return {
        "folder": str(opened.root),
        "library": opened.store.place,
        **asdict(now),
        "spaces": [{**asdict(one), "name": one.space.name} for one in now.spaces],
        **asdict(patterns),
    }


def _describe(opened: "Library") -> None:
    now = opened.status()
    patterns = opened.store.patterns
    lines = [
        ("folder", str(opened.root)),
        ("library", f"{opened.store.place}, {size_text(now.bytes)}"),
        ("pictures", f"{now.pictures:,} in {counted(now.files, 'file')}"),
    ]
    for one in now.spaces:
        unused = f", {one.unused_rows:,} unused" if one.unused_rows else ""
        lines.append(
            ("space", f"{one.space.name}: {one.pictures:,} embeddings of {one.space.dimension} "
             f"numbers, {size_text(one.bytes)}{unused}")
        )  # fmt: skip
        lines.append(("searched", _way(one.index, opened.store.place)))
        lines.append(("graph", _graph(one.graph) if one.graph else ""))
    lines += [("include", " ".join(patterns.include)), ("exclude", " ".join(patterns.exclude))]
    lines.append(("left out", f"{now.skipped:,} (see --skipped)" if now.skipped else "none"))
    lines.append(("other files", f"{now.other:,}" if now.other else ""))
    for name, value in lines:
        if value:
            put(f"{name:<12}{printable(value)}")


def _way(index: "IndexStatus", place: str) -> str:
    """How a space is searched, and why so."""
    from lookgraph.places import Engine, engine_of
    from lookgraph.types import IndexKind

    begins = {
        None: "once that takes over 10 ms",
        Engine.NEO4J: "from a thousand pictures on",
        Engine.MILVUS: "from ten thousand pictures on",
    }

    if index.fault:
        return f"exactly: {index.fault}"
    if index.kind is IndexKind.EXACT:
        reasons = {
            IndexKind.AUTO: f"an index is made {begins[engine_of(place)]}",
            IndexKind.EXACT: "as `lookgraph index --index exact` said",
            IndexKind.IVF: "an index is made with the first pictures",
            IndexKind.HNSW: "an index is made with the first pictures",
        }
        return f"exactly: {reasons[index.wanted]}"
    if index.kind is IndexKind.GDS:
        return "by Graph Data Science, comparing everything"
    if index.kind is IndexKind.HNSW:
        return f"by the server's index of vectors, {index.rows:,} embeddings"
    parts = counted(index.segments, "segment")
    return f"by an index of {index.rows:,} embeddings in {parts}, {size_text(index.bytes)}"


def _graph(graph: "GraphStatus") -> str:
    if graph.fault:
        return f"not to be used: {graph.fault}"
    behind = f", {counted(graph.behind, 'picture')} behind" if graph.behind else ""
    edges = counted(graph.edges, "edge")
    return f"{edges} between {counted(graph.pictures, 'picture')}, {size_text(graph.bytes)}{behind}"


def _list_skipped(opened: "Library", as_json: bool) -> None:
    entries = [entry for entry in opened.skipped() if entry.skip]
    if as_json:
        put_json([{"path": entry.path, **asdict(entry.skip)} for entry in entries if entry.skip])
        return
    for entry in entries:
        if entry.skip:
            put(f"{printable_name(entry.path)}: {printable(entry.skip.reason)}")
    if not entries:
        say("No file was left out.")
