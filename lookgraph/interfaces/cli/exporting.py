"""``lookgraph export ADDRESS``: into a database, which is kept in step."""

from typing import TYPE_CHECKING

from lookgraph.interfaces.cli.console import (
    LibraryPlace,
    counted,
    open_library,
    put_json,
    say,
)
from lookgraph.interfaces.cli.copying import copy_to
from lookgraph.interfaces.cli.progress import counts

if TYPE_CHECKING:
    from lookgraph.stores.neo4j.mirror.export import Report

_DOING = {
    "pictures": "Writing pictures",
    "index": "Making the vector index",
    "relations": "Writing relations",
}


def export_to(address: str, library: LibraryPlace | None, *, as_json: bool) -> None:
    """Write a library into a database, or what has changed since the last time.

    From a folder into Neo4j it is a mirror; otherwise a library like any other.

    Args:
        address: of the database.
        library: where the library is; None for the nearest one.
        as_json: tell what was done on stdout.
    """
    from lookgraph.places import Engine, engine_of

    store, there = open_library(library).store, open_library(address).store
    if engine_of(address) is Engine.MILVUS or engine_of(store.place) is not None:
        copy_to(store, there, as_json=as_json, exactly=True)
        return
    from lookgraph.stores.neo4j.mirror.export import (
        export,
    )  # once it is known that the driver is here
    from lookgraph.stores.neo4j.store import Neo4jStore

    assert isinstance(there, Neo4jStore)
    with counts(_DOING, without_rate="index") as progress:
        report = export(store, there.connection, progress)
    if as_json:
        put_json(_as_json(report))
    else:
        _tell(report, there.place)


def _as_json(report: "Report") -> dict[str, object]:
    done = report.done
    return {
        "pictures": done.pictures,
        "pictures_removed": done.removed,
        "relations": done.relations,
        "relations_removed": done.relations_removed,
        "verdicts": done.verdicts,
        "seconds": round(report.seconds, 3),
        "pictures_a_second": round(done.pictures / done.writing) if done.writing else None,
        "without_graph": [name for name, _ in report.without_graph],
    }


def _tell(report: "Report", place: str) -> None:
    done = report.done
    rate = f" ({done.pictures / done.writing:,.0f} a second)" if done.writing else ""
    say(
        f"Wrote {counted(done.pictures, 'picture')}{rate} and "
        f"{counted(done.relations, 'relation')}, removed {counted(done.removed, 'picture')} and "
        f"{counted(done.relations_removed, 'relation')} in {report.seconds:.1f} s: {place}"
    )
    for name, fault in report.without_graph:
        if fault:
            say(f"{name}: its graph cannot be used ({fault}), so there are no relations.")
        else:
            say(f"{name} has no graph, so there are no relations. Make one: lookgraph graph build")
