"""Runs on Ray, what they leave in libraries and parts, and the processes that they are made of."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np

from lookgraph import Library
from tests.conftest import needs_module


def bits(folder: Path, at: Path | None = None) -> dict[str, object]:
    """All that the library of a folder knows, with the very bits of the embeddings."""
    library = Library.open(folder, at=at)
    known: dict[str, object] = {
        entry.path: (entry.stamp.size, entry.skip) for entry in library.skipped()
    }
    for embedded in library.store.embedded(library.space()):
        stored = embedded.embedding.astype(np.float16).tobytes()
        for entry in embedded.entries:
            known[entry.path] = (entry.stamp.size, embedded.picture, stored)
    return known


def rows(parts: Path) -> list[bytes]:
    """The paths of all rows of all parts."""
    parquet = needs_module("pyarrow.parquet")
    return [
        path
        for part in sorted(parts.glob("*.parquet"))
        for path in parquet.read_table(part, columns=["path"])["path"].to_pylist()
    ]


def below(process: int) -> dict[int, str]:
    """The processes that a process has started, and those that these have, with their names."""
    parents, names = {}, {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            with suppress(OSError):
                stat = (folder / "stat").read_text()
                parents[int(folder.name)] = int(stat.rpartition(")")[2].split()[1])
                names[int(folder.name)] = (folder / "cmdline").read_bytes().decode(errors="replace")
    found: dict[int, str] = {}
    for one in parents:
        line = [one]
        while (above := parents.get(line[-1])) is not None and above not in line:
            line.append(above)
        if process in line[1:]:
            found[one] = names[one]
    return found


def workers(process: int) -> list[int]:
    """The processes of a run that decode or embed at the moment."""
    return sorted(
        pid
        for pid, name in below(process).items()
        if "MapWorker" in name or "MapBatches(look)" in name
    )


def alive(processes: Iterator[int]) -> list[int]:
    """Those of some processes that are still there, and no zombies."""
    found = []
    for pid in processes:
        with suppress(OSError):
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
                found.append(pid)
    return found


def kill(process: int) -> bool:
    """Kill a process; whether it was still there."""
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)
        return True
    return False
