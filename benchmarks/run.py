"""Measure the figures of the README on a folder of photographs, print them and write them down.

    python -m benchmarks.run --photographs ../shared/photos [--only indexing] [--out FOLDER]
    python -m benchmarks.run --photographs ../shared/photos --only graph [--rows N]
        [--embeddings FILE]
    python -m benchmarks.run --photographs ../shared/photos --only large [--rows N]
        [--embeddings FILE]
    python -m benchmarks.run --photographs ../shared/photos --only neo4j [--embeddings FILE]
    python -m benchmarks.run --only milvus [--rows N]
    python -m benchmarks.run --photographs ../shared/photos --only service [--embeddings FILE]
    python -m benchmarks.run --photographs ../shared/photos --only uploads
    python -m benchmarks.run --photographs ../shared/photos --only app
    python -m benchmarks.run --photographs ../shared/photos --only ray [--rows N]
    python -m benchmarks.run --only scale [--embeddings FILE]

The JSON file's name has the date; the machine and the versions stand in it. ``duplicates``,
``further``, ``uploads``, ``app``, ``milvus``, ``ray``, ``scale``, ``graph``, ``large``, ``neo4j``
and ``service`` are done only if they are asked for: the last four embed 100,000 crops first, unless
--embeddings names a file that has them. ``large`` takes most of an hour for its million pictures,
and needs the ``bench`` extra; ``neo4j`` starts a real server, ``app`` Chromium, and ``ray`` Ray.
``milvus`` writes 100,000 made-up embeddings, or --rows; it and ``scale`` need no photographs:
without --embeddings ``scale`` makes embeddings up. It takes some minutes, needs FAISS, and writes
docs/scale.md's tables and its chart.
"""

import argparse
import json
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from itertools import chain
from pathlib import Path

from benchmarks import (
    batches,
    duplicates,
    further,
    graph,
    indexing,
    large,
    networks,
    service,
    starting,
)
from benchmarks.measure import RESULTS, Figure, machine
from benchmarks.scale import command, document

_PARTS = {
    "batches": batches.figures,
    "indexing": indexing.figures,
    "networks": networks.figures,
    "starting": starting.figures,
}


_ASKED_FOR = {
    "duplicates": duplicates.quality,
    "further": further.further,
    "uploads": service.uploads,
}


_NEED_NONE = {"milvus", "scale"}


def main() -> None:
    """Run the parts that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--photographs", type=Path, help="all parts but milvus and scale need them")
    parser.add_argument(
        "--only",
        choices=[
            *_PARTS,
            *_ASKED_FOR,
            "app",
            "graph",
            "large",
            "milvus",
            "neo4j",
            "ray",
            "scale",
            "service",
        ],
        action="append",
    )
    parser.add_argument("--rows", type=int, metavar="N")
    parser.add_argument("--embeddings", type=Path, metavar="FILE")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    if options.photographs is None and not set(options.only or _PARTS) <= _NEED_NONE:
        parser.error("--photographs is missing")
    for name in options.only or _PARTS:
        with tempfile.TemporaryDirectory(prefix="lookgraph-bench-") as work:
            figures = []
            for figure in _figures(name, options, Path(work)):
                print(_line(figure), flush=True)
                figures.append(figure)
        _write(options.out, name, figures)
        if name == "scale":
            document.write(options.out)


def _figures(name: str, options: argparse.Namespace, work: Path) -> Iterator[Figure]:
    if name == "scale":
        return command.figures(work, options.embeddings)
    if name == "milvus":
        from benchmarks import milvus

        return milvus.figures(work, options.rows or milvus.ROWS)
    return _of_photographs(name, options, work)


def _of_photographs(name: str, options: argparse.Namespace, work: Path) -> Iterator[Figure]:
    photographs = options.photographs.resolve()
    kept = options.embeddings or work / "crops.npz"
    if name == "graph":
        return graph.figures(photographs, work, kept, options.rows or 0)
    if name == "large":
        return large.figures(photographs, work, options.rows or 1_000_000, kept)
    if name == "service":
        return service.figures(photographs, work, kept)
    if name in {"app", "neo4j", "ray"}:
        return _with_extras(name, photographs, work, kept, options.rows or 0)
    return (_PARTS | _ASKED_FOR)[name](photographs, work)


def _with_extras(
    name: str, photographs: Path, work: Path, kept: Path, rows: int
) -> Iterator[Figure]:
    """The figures of what needs more than Lookgraph itself."""
    if name == "ray":
        from benchmarks import ray

        return ray.figures(photographs, work, rows)
    if name == "app":
        from benchmarks import app  # it needs Streamlit and Playwright

        return app.figures(photographs, work)
    from benchmarks import neo4j_mirror, neo4j_search  # they need the driver

    parts = (neo4j_mirror.figures, neo4j_search.figures)
    return chain.from_iterable(
        part(photographs, work / str(i), kept) for i, part in enumerate(parts)
    )


def _line(figure: Figure) -> str:
    sign, verdict = ("≥" if figure.at_least else "≤"), ("" if figure.reached else "  MISSED")
    detail = ", ".join(f"{name} {value:.4g}" for name, value in figure.detail.items())
    wanted = "" if figure.target is None else f"{sign} {figure.target:g}"
    return f"{figure.name:<46}{figure.value:>9.4g} {figure.unit:<6}{wanted:>7}{verdict}  {detail}"


def _write(folder: Path, name: str, figures: list[Figure]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    now = datetime.now().astimezone()
    file = folder / f"{now:%Y-%m-%d}-{name}.json"
    told = {
        "date": now.isoformat(timespec="seconds"),
        "machine": machine(),
        "figures": [{**asdict(figure), "reached": figure.reached} for figure in figures],
    }
    file.write_text(json.dumps(told, indent=2) + "\n")
    print(f"wrote {file}")


if __name__ == "__main__":
    main()
